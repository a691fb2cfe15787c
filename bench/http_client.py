"""A small HTTP client that keeps a server busy over a number of connections, and gunicorns to be kept busy.

It sends bytes made beforehand and looks at every answer. One thread waits for all connections at once, which costs a
fraction of what the server does for an answer; `Client.busiest` says how much of one core that was at most.
"""

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness import DifferentWorkError

CONNECTIONS = 16
#: `make demo` has as many workers in one gunicorn.
WORKERS = 2
#: Of one core: beyond, the client would be measured instead of the server.
BUSIEST_CLIENT = 0.4
_SECONDS_TO_START = 30


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as sent, and what its answer has to begin with and to hold."""

    request: bytes
    status: bytes
    content: bytes


def get(path: str, *, user_agent: str, status: int, content: str) -> Exchange:
    """A browser's GET and the answer that is right."""
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"User-Agent: {user_agent}",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language: en-US,en;q=0.5",
        "Accept-Encoding: gzip, deflate, br",
        "Connection: keep-alive",
    )
    return Exchange("\r\n".join((*lines, "", "")).encode(), f"HTTP/1.1 {status} ".encode(), content.encode())


@dataclass(frozen=True, slots=True)
class Server:
    """An application served by gunicorns of one worker each, at a port of its own.

    Workers that share a port take new connections as it happens: at times one of them gets nearly all, and a turn lasts
    twice as long. So each worker has its port, and the client the same number of connections to each.
    """

    ports: tuple[int, ...]
    masters: tuple[int, ...]

    def processor_seconds(self) -> float:
        """What all its processes have used so far, as the kernel counts it: in hundredths of a second."""
        ticks = 0
        for master in self.masters:
            children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
            for process in (str(master), *children):
                after_name = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
                ticks += int(after_name[11]) + int(after_name[12])  # utime and stime: proc_pid_stat(5)
        return ticks / os.sysconf("SC_CLK_TCK")


class Client:
    """Sends exchanges over connections that are kept open, each as soon as the answer before it is there."""

    def __init__(self, connections: int = CONNECTIONS) -> None:
        self._connections = connections
        self.busiest = 0.0

    def send_all(self, server: Server, exchanges: Sequence[Exchange]) -> None:
        """Send every exchange and check its answer. Raises DifferentWorkError at the first that is wrong."""
        wall, cpu = time.perf_counter(), time.process_time()
        waiting = iter(exchanges)
        with selectors.DefaultSelector() as selector, ExitStack() as opened:
            for number, exchange in zip(range(self._connections), waiting, strict=False):
                port = server.ports[number % len(server.ports)]
                connection = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(exchange.request)
                selector.register(connection, selectors.EVENT_READ, (exchange, bytearray()))
            while selector.get_map():
                ready = selector.select(timeout=30)
                if not ready:
                    raise DifferentWorkError("The server has not answered for 30 seconds.")
                for key, _ in ready:
                    self._read(selector, key, waiting)
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        self.busiest = max(self.busiest, share)
        if share > BUSIEST_CLIENT:
            raise DifferentWorkError(f"The client took {share:.0%} of a core: it was measured, not the server.")

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey, waiting: Iterator[Exchange]) -> None:
        connection: socket.socket = key.fileobj  # type: ignore[assignment]
        exchange, answer = key.data
        received = connection.recv(65536)
        answer += received
        if received and not is_complete(answer):
            return
        if not answer.startswith(exchange.status) or exchange.content not in answer:
            asked, said = exchange.request.split(b"\r\n", 1)[0], bytes(answer[:300])
            raise DifferentWorkError(f"{asked.decode()} was answered {said!r}, not {exchange.content!r}.")
        following = next(waiting, None)
        if following is None:
            selector.unregister(connection)
            return
        answer.clear()
        connection.sendall(following.request)
        selector.modify(connection, selectors.EVENT_READ, (following, answer))


def is_complete(answer: bytes | bytearray) -> bool:
    """Whether an HTTP answer with a Content-Length is there as a whole."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise DifferentWorkError(f"An answer without Content-Length: {bytes(answer[:300])!r}")
    return len(body) >= int(rest.split(b"\r\n", 1)[0])


@contextmanager
def serve(application: str, settings: str) -> Iterator[Server]:
    """Serve an application with the settings of `make demo` on free ports, until the block ends."""
    with ExitStack() as stack:
        started = [stack.enter_context(_gunicorn(application, settings)) for _ in range(WORKERS)]
        yield Server(ports=tuple(port for port, _ in started), masters=tuple(pid for _, pid in started))


@contextmanager
def _gunicorn(application: str, settings: str) -> Iterator[tuple[int, int]]:
    """Start one worker; yield its port and the process id of its master once it accepts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--bind 127.0.0.1:{port} --workers 1 --threads 4 --graceful-timeout 5 --no-control-socket".split()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", application, *options, "--log-level", "warning"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings},
    )
    try:
        _wait_for(server, port)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait()


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise DifferentWorkError(f"gunicorn does not answer at port {port}.")
