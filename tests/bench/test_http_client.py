"""The client that asks the doors: it takes only the right answers, over as many connections as it is told."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.harness import DifferentWorkError
from bench.http_client import Client, Server, get, is_complete

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


@contextmanager
def _listening() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening.server_address[1]
        listening.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    Door.connections, Door.paths = set(), []
    with _listening() as port:
        yield Server(ports=(port,), masters=())


def test_every_request_is_sent_once_over_connections_that_stay_open(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether the client is quick is asked where it is used, not on a machine that runs tests meanwhile.
    monkeypatch.setattr("bench.http_client.BUSIEST_CLIENT", 1000)
    Client(connections=4).send_all(
        server, [get(f"/{number}", user_agent="Firefox", status=200, content="kept") for number in range(40)]
    )
    assert sorted(Door.paths, key=lambda path: int(path[1:])) == [f"/{number}" for number in range(40)]
    assert len(Door.connections) == 4


@pytest.mark.parametrize(("status", "content"), [(302, "kept"), (200, "lost")])
def test_an_answer_that_is_not_right_ends_it(server: Server, status: int, content: str) -> None:
    with pytest.raises(DifferentWorkError, match=r"GET /1 HTTP/1\.1 was answered"):
        Client().send_all(server, [get("/1", user_agent="Firefox", status=status, content=content)])


def test_a_client_that_is_too_busy_says_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.http_client.BUSIEST_CLIENT", 0)
    with pytest.raises(DifferentWorkError, match="it was measured, not the server"):
        Client().send_all(server, [get("/1", user_agent="Firefox", status=200, content="kept")])


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


def test_connections_are_spread_evenly_over_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.http_client.BUSIEST_CLIENT", 1000)
    asked: list[int] = []
    connect = socket.create_connection

    def note(address: tuple[str, int]) -> socket.socket:
        asked.append(address[1])
        return connect(address)

    monkeypatch.setattr("bench.http_client.socket.create_connection", note)
    with _listening() as one, _listening() as other:
        exchanges = [get(f"/{number}", user_agent="Firefox", status=200, content="kept") for number in range(12)]
        Client(connections=8).send_all(Server(ports=(one, other), masters=()), exchanges)
    assert sorted(asked) == sorted([one, other] * 4)


def test_processor_time_counts_what_the_servers_children_used() -> None:
    burn = (
        "import os, time\n"
        "if not os.fork():\n"
        "    while time.process_time() < 0.3: pass\n"
        "    print(flush=True)\n"
        "    time.sleep(60)\n"
        "os.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE, start_new_session=True) as master:
        assert master.stdout is not None
        master.stdout.readline()
        used = Server(ports=(), masters=(master.pid,)).processor_seconds()
        os.killpg(master.pid, signal.SIGKILL)
    assert 0.25 <= used < 10
