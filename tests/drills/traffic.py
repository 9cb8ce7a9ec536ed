"""Operators who submit and executors who fetch and report, against a server that may die at any moment."""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from wwt_framework.model import Action, ActionState
from wwt_framework.store import ledger, open_store

KEY = "the key that all share"
CONFIG = """\
wwt: {{listen: '127.0.0.1:0', data_dir: data, store: '{url}', threads: 30}}
errors:
  json_file: {{path: errors.json}}
actions:
  special: {{}}
  executor: {{key: {key}}}
auth:
  local: {{time_cost: 1, memory_kib: 8, parallelism: 1, deadline_s: 60}}
"""
#: Workflows there are; each is acted on once.
WORKFLOWS = 12_000


class Installation:
    """A folder with everything in it, and the server that runs from it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.config = folder / "plugins.yml"
        self.config.write_text(CONFIG.format(url=url, key=KEY))
        errors = {f"/wf_{i:05}/T": {"85": {"T1_US_FNAL": 1}} for i in range(WORKFLOWS)}
        (folder / "errors.json").write_text(json.dumps(errors))
        self._run("user", "add", "olga", "--role", "operator", "--password-stdin", typed="long enough\n")
        self._run("refresh")
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.drills.nursery", str(self.config)], cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self.pid, self.where = 0, ("", 0)

    def _run(self, *words: str, typed: str = "") -> None:
        done = subprocess.run(
            [sys.executable, "-m", "wwt_framework.cli", *words], cwd=self.folder, input=typed, text=True,
            capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the server; returns when it listens."""
        assert self._nursery.stdin
        assert self._nursery.stdout
        print("another", file=self._nursery.stdin)
        pid, _, address = self._nursery.stdout.readline().strip().partition(" ")
        self.pid = int(pid)
        host, _, port = address.removeprefix("http://").partition(":")
        self.where = (host, int(port))

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the nursery, and a server that is left."""
        if self.pid:
            with suppress(ProcessLookupError):  # the drill has killed it
                self.kill()
        assert self._nursery.stdin
        self._nursery.stdin.close()
        self._nursery.wait(30)
        assert self._nursery.stdout
        self._nursery.stdout.close()

    def lives(self) -> dict[str, list[tuple[Action, list[tuple[str, str]]]]]:
        """Workflow -> its actions, each with its moves."""
        store = open_store(self.url)
        try:
            found: dict[str, list[tuple[Action, list[tuple[str, str]]]]] = {}
            for action in (*ledger.done_actions(store), *ledger.open_actions(store)):
                moves = [(e.before.value if e.before else "", e.after.value) for e in ledger.events(store, action.id)]
                found.setdefault(action.workflow, []).append((action, moves))
            return found
        finally:
            store.close()


@contextmanager
def installation(folder: Path, url: str) -> Iterator[Installation]:
    it = Installation(folder, url)
    try:
        yield it
    finally:
        it.close()


@dataclass
class Notes:
    """What the clients know for certain, and what they do not."""

    accepted: list[str] = field(default_factory=list)  # the server said that it has the action
    doubtful: list[str] = field(default_factory=list)  # it died before it answered
    success: Counter[str] = field(default_factory=Counter)  # reports that were a success
    wrong: list[str] = field(default_factory=list)  # what must not be
    times: dict[str, list[float]] = field(default_factory=lambda: {"submit": [], "getaction": [], "reportaction": []})


class Traffic:
    """Clients of one installation, in threads, until the server is gone or they are told to stop."""

    def __init__(self, it: Installation) -> None:
        self.it = it
        self.notes = Notes()
        self._numbers = count()
        self._lock = threading.Lock()
        self._acted: dict[int, set[str]] = {}  # executor -> what it did
        self.busy = threading.Event()  # something was answered
        self.stop = threading.Event()

    # -- one question --

    def _ask(self, connection: http.client.HTTPConnection, method: str, path: str, said: Any, what: str) -> Any:
        """The answer; None when the server died. Anything else than 200 is wrong."""
        secret = base64.b64encode(b"olga:long enough").decode()
        headers = {"Content-type": "application/json"} | (
            {"Authorization": f"Basic {secret}"} if what == "submit" else {}
        )
        began = time.perf_counter()
        try:
            connection.request(method, path, json.dumps(said), headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        self.notes.times[what].append(time.perf_counter() - began)
        if answer.status != 200:
            self.notes.wrong.append(f"{what} answered {answer.status}: {body[:300]!r}")
            return None
        self.busy.set()
        return json.loads(body)

    # -- who asks --

    def submit(self, _number: int) -> None:
        """An operator: one workflow after the other, each once."""
        connection = http.client.HTTPConnection(*self.it.where, timeout=60)
        try:
            while not self.stop.is_set():
                with self._lock:
                    workflow = f"wf_{next(self._numbers):05}"
                parameters = {"Action": "special", "Parameters": {"action": "by-pass"}, "Reasons": ["drill"]}
                document = {"workflow": workflow, "parameters": parameters}
                answer = self._ask(connection, "POST", "/submit2", {"documents": [document]}, "submit")
                (self.notes.accepted if answer else self.notes.doubtful).append(workflow)
                if answer is None:
                    return
        finally:
            connection.close()

    def execute(self, number: int) -> None:
        """An executor: fetches, acts on ten that it has not acted on, reports them."""
        acted = self._acted.setdefault(number, set())
        connection = http.client.HTTPConnection(*self.it.where, timeout=60)
        try:
            while not self.stop.is_set():
                reported = set(self.notes.success)  # before the question: a later report may cross it
                fetched = self._ask(connection, "GET", "/getaction?days=15", {"key": KEY}, "getaction")
                if fetched is None:
                    return
                self.notes.wrong += [f"{name} was handed out after its report" for name in fetched if name in reported]
                mine = random.sample(sorted(fetched), min(10, len(fetched)))
                acted.update(mine)
                if self.report(connection, mine) is None:
                    return
        finally:
            connection.close()

    def report(self, connection: http.client.HTTPConnection, workflows: list[str]) -> Any:
        said = {"key": KEY, "workflows": workflows}
        answer = self._ask(connection, "POST", "/reportaction", said, "reportaction")
        if answer is not None:
            told = [name for kind in ("success", "already_reported", "does_not_exist") for name in answer[kind]]
            if sorted(told) != sorted(workflows) or answer["does_not_exist"]:
                self.notes.wrong.append(f"{workflows} were reported, and the answer was {answer}")
            with self._lock:
                self.notes.success.update(answer["success"])
        return answer

    # -- all together --

    def run(self, submitters: int, executors: int, until: Callable[[], None]) -> None:
        """Clients work until *until* returns, and the server is gone or told them so."""
        self.busy.clear()
        self.stop.clear()
        work = [(self.submit, i) for i in range(submitters)] + [(self.execute, i) for i in range(executors)]
        threads = [threading.Thread(target=target, args=(number,)) for target, number in work]
        for thread in threads:
            thread.start()
        try:
            until()
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(120)

    def finish(self) -> None:
        """Everything that is open is fetched and reported once more, as executors do after a restart."""
        connection = http.client.HTTPConnection(*self.it.where, timeout=60)
        try:
            fetched = self._ask(connection, "GET", "/getaction", {"key": KEY}, "getaction")
            assert fetched is not None
            self.notes.wrong += [
                f"{name} was handed out after its report" for name in fetched if self.notes.success[name]
            ]
            assert self.report(connection, sorted(fetched)) is not None
        finally:
            connection.close()

    def complaints(self) -> list[str]:
        """Everything that a perfect console would not have done."""
        lives, notes = self.it.lives(), self.notes
        told = list(notes.wrong)
        told += [f"{name}: accepted, and not there" for name in notes.accepted if name not in lives]
        told += [f"{name}: there {len(several)} times" for name, several in lives.items() if len(several) != 1]
        asked_for = {*notes.accepted, *notes.doubtful}
        told += [f"{name}: nobody asked for it" for name in lives if name not in asked_for]
        told += [f"{name}: reported with success {n} times" for name, n in notes.success.items() if n > 1]
        whole = [("", "queued"), ("queued", "sent"), ("sent", "done")]
        for name, ((action, moves), *_) in lives.items():
            if action.state is not ActionState.DONE or moves != whole:
                told.append(f"{name}: is {action.state.value} after {moves}")
        return told
