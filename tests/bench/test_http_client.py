"""The client that asks the doors: it takes only the right answers, over as many connections as it is told."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.harness import DifferentWorkError
from bench.http_client import Client, get, is_complete

pytestmark = pytest.mark.pure


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: set[tuple[str, int]] = set()
    paths: list[str] = []

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        self.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"kept")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Door.connections, Door.paths = set(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_every_request_is_sent_once_over_connections_that_stay_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether the client is quick is asked where it is used, not on a machine that runs tests meanwhile.
    monkeypatch.setattr("bench.http_client.BUSIEST_CLIENT", 1000)
    Client(connections=4).send_all(
        port, [get(f"/{number}", user_agent="Firefox", status=200, content="kept") for number in range(40)]
    )
    assert sorted(Door.paths, key=lambda path: int(path[1:])) == [f"/{number}" for number in range(40)]
    assert len(Door.connections) == 4


@pytest.mark.parametrize(("status", "content"), [(302, "kept"), (200, "lost")])
def test_an_answer_that_is_not_right_ends_it(port: int, status: int, content: str) -> None:
    with pytest.raises(DifferentWorkError, match=r"GET /1 HTTP/1\.1 was answered"):
        Client().send_all(port, [get("/1", user_agent="Firefox", status=status, content=content)])


def test_a_client_that_is_too_busy_says_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.http_client.BUSIEST_CLIENT", 0)
    with pytest.raises(DifferentWorkError, match="it was measured, not the server"):
        Client().send_all(port, [get("/1", user_agent="Firefox", status=200, content="kept")])


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkep", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nkept", True),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", True),
    ],
)
def test_an_answer_is_complete_when_its_content_is_there(answer: bytes, complete: bool) -> None:
    assert is_complete(answer) is complete


def test_an_answer_without_a_length_is_refused() -> None:
    with pytest.raises(DifferentWorkError, match="without Content-Length"):
        is_complete(b"HTTP/1.1 200 OK\r\n\r\nkept")
