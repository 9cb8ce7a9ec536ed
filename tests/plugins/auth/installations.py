"""Whole installations in this process, served by the built-in server on loopback."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from wwt_framework.app import App
from wwt_framework.web import wsgi
from wwt_framework.web.encrypted import Keys
from wwt_framework.web.server import Server, Serving, _server


@dataclass
class Installation:
    """One that runs."""

    app: App
    server: Server
    thread: threading.Thread
    address: str
    path: Path

    def swap(self, auth: str) -> None:
        """Write another ``auth:`` block into plugins.yml, and have it taken up as the watching thread does."""
        text = self.path.read_text().partition("auth:\n")[0]
        self.path.write_text(f"{text}auth:\n{auth}")
        assert self.app.look()
        assert self.app.problems == ()

    def stop(self) -> None:
        self.server.stop()
        self.thread.join()
        self.app.close()


def serve(folder: Path, auth: str, port: int = 0, house: str = "", keys: Keys | None = None) -> Installation:
    """An installation with *auth* as its ``auth:`` block, and *house* as lines under ``wwt:``."""
    folder.mkdir(exist_ok=True)
    path = folder / "plugins.yml"
    path.write_text(f"wwt:\n  listen: 127.0.0.1:{port}\n{house}auth:\n{auth}")
    app = App.build(path)
    assert [item.complaint for item in app.house.loaded if not item.ok] == []
    server = _server(wsgi.build(app), Serving("127.0.0.1", port, threads=4, keys=keys))
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    scheme = "https" if keys else "http"
    return Installation(app, server, thread, f"{scheme}://127.0.0.1:{server.bind_addr[1]}", path)


HTML = {"Accept": "text/html"}


def who(address: str, session: Any = requests, **more: Any) -> str:
    """``name: roles`` of whoever asks so, "" for nobody, or the status with the sentence of a refusal."""
    headers = {**HTML, **more.pop("headers", {})}
    page = session.get(f"{address}/mail", headers=headers, timeout=60, **more)
    if found := re.search(r"signed in as (.+?) with roles ([a-z, ]*);", page.text):
        return f"{found[1]}: {found[2]}"
    if page.status_code == 401:
        return ""
    if page.status_code == 200:
        page = session.get(f"{address}/logout", headers=headers, timeout=60, **more)
        found = re.search(r"signed in as ([^ <]+)\.", page.text)
        return f"{found[1] if found else '?'}: admin"
    said = re.search(r'<p[^>]*class="problem"[^>]*>(.*?)</p>', page.text, re.DOTALL)
    return f"{page.status_code} {said[1].strip() if said else page.text}"
