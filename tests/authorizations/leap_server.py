"""A small Leap over real HTTP for tests of the sync: meters in pages, and a moment at which it keeps silent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

KEY = "test-key:secret-part"


def meter_record(number: int, **fields: Any) -> dict[str, Any]:
    """A meter as Leap's search answers it, with personal data in it."""
    return {
        "meter_id": str(UUID(int=number)),
        "partner_reference": f"nobody-{number}",
        "connection_references": [],
        "transmission_region": "CAISO",
        "customer_classification": "RESIDENTIAL",
        "load_types": ["HVAC"],
        "meter_type": "UTILITY_METER",
        "is_archived": False,
        "customer": {"end_customer_name": "Ada Secret", "street_1": "1 Hidden St"},
        "utility": {"utility_name": "PGE", "electric_service_account_number": "12345-SECRET", "tariff": "E-1"},
        "audit": {
            "created_by": "UTILITY",
            "created_at": "2026-11-01T08:00:00.123456Z",
            "updated_at": "2026-11-02T08:00:00Z",
        },
        **fields,
    }


def enrollment_record(number: int, status: str = "ELIGIBLE", **fields: Any) -> dict[str, Any]:
    return {
        "meter_id": str(UUID(int=number)),
        "is_archived": False,
        "global_enrollment_status": status,
        "participation_preferences": [],
        "program_enrollment": [
            {
                "program_identifier": "CCA",
                "delivery_period": "CAISO-CCA_2026_DEC",
                "delivery_period_start_date_time": "2026-12-01T08:00:00Z",
                "delivery_period_end_date_time": "2026-12-31T08:00:00Z",
                "enrollment_status": status,
                "enrollment_deadlines": [
                    {
                        "enrollment_deadline_date_time": "2026-11-29T08:00:00Z",
                        "activation_date_time": "2026-12-01T08:00:00Z",
                    }
                ],
            }
        ],
        "required_actions": {"partner": [], "leap": []},
        **fields,
    }


class LeapServer(ThreadingHTTPServer):
    """`records`: what each search answers, `page` of them at a time; a page token is the position of the next one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.details: list[Any] = []
        self.enrollments: list[Any] = []
        self.page = 2
        self.key = KEY
        self.stale_tokens: set[str] = set()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.silent_at: int | None = None
        self.reached = threading.Event()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: LeapServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.requests.append((self.path, body))
        if server.silent_at == len(server.requests):
            server.reached.set()
            server.released.wait(60)
            return None
        if self.headers["Authorization"] != f"Bearer {server.key}":
            return self._answer(401, {"title": "Unauthorized", "status": 401, "details": {}})
        token = body.get("page_token", "")
        if token in server.stale_tokens:
            return self._answer(400, {"title": "Bad Request", "status": 400, "details": {}})
        records = server.enrollments if "enrollments" in self.path else server.details
        start = int(token or 0)
        answer: dict[str, Any] = {"meters": records[start : start + server.page]}
        if start + server.page < len(records):
            answer["next_page_token"] = str(start + server.page)
        return self._answer(200, answer)

    def _answer(self, status: int, answer: object) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serve_leap() -> Iterator[LeapServer]:
    with LeapServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
