"""What it costs to submit, to hand out ten thousand actions and to report a hundred: G8, through the addresses of old.

``python -m benchmarks.executor [OPEN]`` prints one JSON object: seconds of the processor and by the clock for each
figure. Pages are asked in place; the store is on the disk, and waits for it.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

from benchmarks.house import Cost, cost, middle

KEY = "0123456789abcdef"
CONFIG = f"""\
wwt: {{data_dir: house}}
errors:
  json_file: {{path: errors.json}}
actions:
  special: {{}}
  executor: {{key: {KEY}}}
auth:
  local: {{time_cost: 1, memory_kib: 8, parallelism: 1}}
"""
#: Workflows that are submitted one by one, and times that a hundred are reported.
SINGLE, REPORTS = 60, 20


class House:
    """An installation with *open_* actions that no executor has fetched yet."""

    def __init__(self, folder: Path, open_: int) -> None:
        from wwt_framework.app import App
        from wwt_framework.services.refresh import refresh
        from wwt_framework.web import wsgi

        (folder / "plugins.yml").write_text(CONFIG)
        errors = {f"/wf_{i:03}/T": {"85": {"T1_US_FNAL": 1}} for i in range(SINGLE + 1)}
        (folder / "errors.json").write_text(json.dumps(errors))
        self.app = App.build(folder / "plugins.yml")
        house = self.app.house
        refresh(house.hooks, house.config, self.app.store, house.config.house.data_dir)
        house.hooks.plugins["auth.local"].add("olga", "long enough", ["operator"])  # type: ignore[attr-defined]
        self.pages = wsgi.build(self.app)
        self._keep(open_)

    def _keep(self, open_: int) -> None:
        from wwt_framework.model import Action, ActionState, Reason
        from wwt_framework.store import ledger

        at = self.app.store.now()
        one = {
            "memory": 8000,
            "splitting": "2x",
            "xrootd": "enabled",
            "sites": ["T1_US_FNAL", "T2_CH_CERN", "T2_US_MIT"],
        }
        tasks = {"Task1": one, "Task1/Task1Merge": {**one, "memory": None}}
        reasons = (Reason("", "too little memory at most sites"),)
        actions = [
            Action(uuid.uuid4().hex, "acdc", f"open_{i:06}", {}, tasks, reasons, "olga", ActionState.QUEUED, at, at)
            for i in range(open_)
        ]
        ledger.submit(self.app.store, actions)

    def ask(self, method: str, path: str, said: Any) -> Any:
        """The answer to a program. Raises AssertionError unless it is 200."""
        body = json.dumps(said).encode()
        bare, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": bare, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json",
            "HTTP_HOST": "wwt.example",
        }  # fmt: skip
        if bare == "/submit2":
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(b"olga:long enough").decode()
        setup_testing_defaults(environ)
        status: list[str] = []
        answer = self.pages(environ, lambda told, *_: status.append(told))
        try:
            text = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        assert status[-1].startswith("200"), f"{path}: {status[-1]}: {text[:300]!r}"
        return text

    def submit(self, number: int) -> None:
        parameters = {"Action": "special", "Parameters": {"action": "by-pass"}, "Reasons": ["measured"]}
        self.ask("POST", "/submit2", {"documents": [{"workflow": f"wf_{number:03}", "parameters": parameters}]})

    def get(self) -> None:
        self.ask("GET", "/getaction?days=15", {"key": KEY})

    def report(self, names: list[str]) -> None:
        told = json.loads(self.ask("POST", "/reportaction", {"key": KEY, "workflows": names}))
        assert len(told["success"]) == len(names)


def _figures(house: House, open_: int) -> Iterator[tuple[str, Cost]]:
    house.submit(SINGLE)  # the password is checked once
    yield "submit", middle([cost(house.submit, number) for number in range(SINGLE)])
    yield "getaction_first", cost(house.get)
    yield "getaction", middle([cost(house.get) for _ in range(20)])
    batches = [[f"open_{i:06}" for i in range(n * 100, n * 100 + 100)] for n in range(min(REPORTS, open_ // 100))]
    yield "reportaction", middle([cost(house.report, batch) for batch in batches])


def measure(open_: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="wwt-bench-") as folder:
        house = House(Path(folder), open_)
        try:
            return dict(_figures(house, open_))
        finally:
            house.app.close()


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
