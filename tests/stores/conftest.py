"""The canary: who connects to the port that every network payload of the bad-input corpus points at."""

from __future__ import annotations

import fcntl
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CANARY_PORT = 8777


@pytest.fixture
def canary() -> Iterator[list[str]]:
    """The connections to the port while the test runs. Tests in other processes wait for their turn to listen."""
    hits: list[str] = []
    with (Path(tempfile.gettempdir()) / "kgqa-canary.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for _ in range(50):  # a process that was killed may hold it a moment longer
            try:
                server.bind(("127.0.0.1", CANARY_PORT))
                break
            except OSError:
                time.sleep(0.2)
        else:
            server.close()
            pytest.skip(f"port {CANARY_PORT} is in use")
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                hits.append(str(address))
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield hits
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(timeout=5)
