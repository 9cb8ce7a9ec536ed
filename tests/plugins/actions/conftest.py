"""A real server with the executor's face, and a way to put actions into its store."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.roof.conftest import Running, Wwt
from wwt_framework.model import Action, ActionState
from wwt_framework.services.doors import lend
from wwt_framework.store import Store, ledger, open_store
from wwt_plugins.auth.token.kept import Tokens
from wwt_plugins.auth.token.pages import executor

KEY = "the key that all share"
CONFIG = f"""\
wwt: {{listen: '127.0.0.1:0', refresh_minutes: 60, open_reading: %s}}
actions:
  executor:
    key: {KEY}
auth:
  token: {{deadline_s: 60}}
  local: {{time_cost: 1, memory_kib: 8, parallelism: 1, deadline_s: 60}}
"""


EXECUTORS = ("unified", "other")


class Served:
    """The program, running, and its store."""

    def __init__(self, program: Wwt, open_reading: bool = True) -> None:
        program.write(CONFIG % str(open_reading).lower())
        self.server: Running = program.start("serve", "--no-jobs")
        self.store: Store = open_store(f"sqlite:///{program.folder / 'wwt-data' / 'wwt.db'}")
        clockwork: Any = None
        credentials = lend(self.store, "auth", "auth.token", clockwork)["credentials"]
        tokens = Tokens(credentials, most_days=1)
        self.token, self.other_token = (tokens.make(executor(name), "machine", "", 1).text for name in EXECUTORS)
        self.host, _, port = self.server.address.removeprefix("http://").partition(":")
        self.port = int(port)

    def submit(self, workflow: str, kind: str = "acdc", **fields: Any) -> Action:
        at = self.store.now()
        fields = {"values": {}, "task_values": {}, "reasons": (), "user": "olga", **fields}
        action = Action(
            uuid.uuid4().hex, kind, workflow, state=ActionState.QUEUED, submitted_at=at, changed_at=at, **fields
        )
        ledger.submit(self.store, [action])
        return action

    def state(self, action: Action) -> ActionState:
        return ledger.action(self.store, action.id).state


class OldClient:
    """As Unified's client does it: it makes a new connection only when the one it has fails."""

    def __init__(self, served: Served, key: str = KEY) -> None:
        self.where = (served.host, served.port)
        self.key = key
        self.connection = http.client.HTTPConnection(*self.where, timeout=30)

    def _ask(self, method: str, path: str, said: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        self.connection.request(method, path, json.dumps(said), {"Content-type": "application/json", **headers})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def get_actions(self, days: int = 15, **headers: str) -> Any:
        return self._ask("GET", f"/getaction?days={days}", {"key": self.key}, headers)[1]

    def status_of_get(self, **headers: str) -> int:
        return self._ask("GET", "/getaction?days=15", {"key": self.key}, headers)[0]

    def report(self, *workflows: str) -> tuple[int, Any]:
        return self._ask("POST", "/reportaction", {"key": self.key, "workflows": workflows}, {})

    def remove_action(self, *workflows: str) -> bool:
        try:
            answer = self.report(*workflows)[1]
        except (http.client.HTTPException, OSError):
            self.connection.close()
            self.connection = http.client.HTTPConnection(*self.where, timeout=30)
            answer = self.report(*workflows)[1]
        return all(workflow in answer["success"] for workflow in workflows)


@pytest.fixture
def connect() -> Iterator[Callable[..., OldClient]]:
    """``connect(served, key)``: a client whose connection is closed in the end."""
    made: list[OldClient] = []

    def make(served: Served, key: str = KEY) -> OldClient:
        made.append(OldClient(served, key))
        return made[-1]

    yield make
    for client in made:
        client.connection.close()


def _serving(folder: Path, open_reading: bool) -> Iterator[Served]:
    program = Wwt(folder)
    served = Served(program, open_reading)
    yield served
    served.store.close()
    served.server.end()
    for process in program.running:
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for the tests of one module: each works on workflows of names of its own."""
    yield from _serving(tmp_path_factory.mktemp("open"), open_reading=True)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same, where reading is not open to everybody."""
    yield from _serving(tmp_path_factory.mktemp("closed"), open_reading=False)
