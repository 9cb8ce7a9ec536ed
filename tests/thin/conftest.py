"""The thinnest plugin of every kind, found by an entry point like any other, with doors in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.testing.running import Doors, Running, running

HERE = Path(__file__).parent / "plugins"

ENTRY_POINTS = """
[wwt.errors]
thin_file = thin_file_source:FileSource
thin_live = thin_live_source:LiveSource
[wwt.clustering]
thin_clusterer = thin_clusterer:Clusterer
thin_miner = thin_miner:Miner
[wwt.actions]
thin_executor = thin_executor:Executor
thin_guard = thin_guard:DrainGuard
[wwt.ml]
thin_predictor = thin_predictor:Habits
[wwt.auth]
thin_accounts = thin_accounts:Accounts
thin_oidc = thin_oidc:Oidc
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the thin plugins, for this test."""
    info = tmp_path / "site" / "wwt_thin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wwt_thin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(info.parent))
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


@pytest.fixture
def thin(tmp_path: Path, doors: Doors) -> Iterator[Callable[..., Running]]:
    """``thin("errors.thin_file", path=...)``: the plugin, started."""
    stops: list[Callable[[], None]] = []

    def make(name: str, **options: Any) -> Running:
        it = running(name, options, tmp_path, doors)
        stops.append(it.stop)
        return it

    yield make
    for stop in stops:
        stop()


@dataclass
class Service:
    """A server on loopback that answers what the test told it: path -> (status, JSON)."""

    url: str
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    posted: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = it.answers.get(self.path, (404, None))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            it.posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield it
    server.shutdown()
    thread.join()
    server.server_close()
