"""A made-up Unified: it fetches what operators asked for, does it to the made-up grid, and tells that it is done.

It speaks as the real one does: GET with a JSON body on a connection that is kept; ten workflows a round, by lot.
"""

from __future__ import annotations

import http.client
import json
import ssl
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from wwt_framework.errors import SourceError

from .acts import Act, append_act
from .client_reading import read

#: Workflows that are dealt with in one round.
A_ROUND = 10
#: How far back actions are asked for, in days.
DAYS = 15
_TIMEOUT_S = 60
_MOST_BYTES = 256 << 20
_UNREACHABLE = (http.client.HTTPException, OSError)


@dataclass(frozen=True)
class Round:
    """What one round came to, workflow by workflow."""

    fetched: int = 0
    done: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()  # and why
    not_taken: tuple[str, ...] = ()  # reports that the console did not count: the real one would stop here


class Console:
    """The console at *url*, asked over one connection as long as that lasts."""

    def __init__(self, url: str, key: str, verify: bool = True) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(f"expected an address like http://127.0.0.1:8080, got '{url}'")
        self._where = parts
        self._key = key
        self._verify = verify
        self._connection: http.client.HTTPConnection | None = None

    def actions(self) -> dict[str, Any]:
        """Open actions: ``{workflow: document}``. Raises SourceError."""
        found = self._ask("GET", f"/getaction?days={DAYS}", {"key": self._key})
        if not isinstance(found, dict):
            raise SourceError(f"/getaction answered {type(found).__name__}; expected {{workflow: document}}")
        return found

    def report(self, workflows: Sequence[str]) -> dict[str, Any]:
        """Tell that *workflows* are dealt with; the console's answer. Raises SourceError when it does not take the key."""
        answer = self._ask("POST", "/reportaction", {"key": self._key, "workflows": list(workflows)})
        if not isinstance(answer, dict) or "success" not in answer:
            raise SourceError(f"/reportaction answered {json.dumps(answer)[:200]}; is the key right?")
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """One answer. A connection that the console has closed meanwhile, since it was started anew, is made again."""
        kept = self._connection is not None
        try:
            return self._exchange(method, path, body)
        except _UNREACHABLE as error:
            self.close()
            if not kept:
                raise SourceError(f"{self._where.netloc}{path}: no answer ({type(error).__name__})") from error
        try:
            return self._exchange(method, path, body)
        except _UNREACHABLE as error:
            self.close()
            raise SourceError(f"{self._where.netloc}{path}: no answer ({type(error).__name__})") from error

    def _exchange(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        connection = self._connection = self._connection or self._connect()
        # A GET with a body, as the real client sends it: a server that refuses those breaks it.
        headers = {"Content-type": "application/json", "Accept": "application/json"}
        connection.request(method, self._where.path.rstrip("/") + path, json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read(_MOST_BYTES)
        if answer.status != 200:
            raise SourceError(f"{path} answered {answer.status} {answer.reason}; expected 200 OK")
        try:
            return json.loads(data)
        except ValueError as error:
            raise SourceError(f"{path} answered something else than JSON: {error}") from error

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._where.hostname or "", self._where.port
        if self._where.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        context = ssl.create_default_context()
        if not self._verify:  # as the real one does it
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)


@dataclass(frozen=True)
class Unreported:
    """An act that the console has not yet been told of, and the action that asked for it."""

    asked: str
    act: Act


class Executor:
    """Carries out what a console hands out: each action once, however often the two lose sight of each other.

    What is done but not yet reported is kept in *state*, so that a crash between the two repeats neither.
    """

    def __init__(
        self, console: Console, acts: Path, state: Path, now: Callable[[], datetime],
        knows: Callable[[str], bool], lot: Random,
    ) -> None:  # fmt: skip
        self._console = console
        self._acts, self._state = acts, state
        self._now, self._knows, self._lot = now, knows, lot
        self._unreported = _load(state)

    def round(self) -> Round:
        """Fetch, do, report. Raises SourceError when the console can not be asked; nothing is lost then."""
        documents = self._console.actions()
        gone = self._unreported.keys() - documents.keys()
        if gone:  # told before, though the answer never came; or taken back meanwhile
            self._keep({name: act for name, act in self._unreported.items() if name not in gone})
        chosen = self._lot.sample(sorted(documents), min(A_ROUND, len(documents)))
        left: list[tuple[str, str]] = []
        done: list[str] = []
        for workflow in chosen:
            why = self._carry_out(workflow, documents[workflow])
            if why:
                left.append((workflow, why))
            else:
                done.append(workflow)
        return replace(self._report(done), fetched=len(documents), left=tuple(left))

    def _carry_out(self, workflow: str, document: Any) -> str:
        """Do what *document* asks for; returns why nothing is done."""
        known = self._unreported.get(workflow)
        if known is None or known.asked != _asked(document):
            if not self._knows(workflow):
                return "the grid has no such workflow"
            wanted = read(document)
            if isinstance(wanted, str):
                return wanted
            known = Unreported(_asked(document), Act(uuid.uuid4().hex, self._now(), workflow, *wanted))
            # First what is about to be done: after a crash the same act is written again, and counts once.
            self._keep({**self._unreported, workflow: known})
        append_act(self._acts, known.act)
        return ""

    def _report(self, done: Sequence[str]) -> Round:
        if not done:
            return Round()
        answer = self._console.report(done)
        told = {name for words in ("success", "already_reported", "does_not_exist") for name in answer.get(words, ())}
        self._keep({name: act for name, act in self._unreported.items() if name not in told})
        return Round(done=tuple(done), not_taken=tuple(name for name in done if name not in answer["success"]))

    def _keep(self, unreported: Mapping[str, Unreported]) -> None:
        self._unreported = dict(unreported)
        plain = {
            name: {"asked": it.asked, "act": {**asdict(it.act), "at": it.act.at.isoformat()}}
            for name, it in unreported.items()
        }
        beside = self._state.with_suffix(".new")
        beside.write_text(json.dumps(plain), encoding="utf-8")
        beside.replace(self._state)


def _asked(document: Any) -> str:
    """What tells one action on a workflow from a later one: all of the document but which ACDCs there are meanwhile."""
    plain = (
        {name: value for name, value in document.items() if name != "ACDCs"} if isinstance(document, dict) else document
    )
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _load(state: Path) -> dict[str, Unreported]:
    if not state.exists():
        return {}
    try:
        plain = json.loads(state.read_text(encoding="utf-8"))
        return {
            name: Unreported(
                it["asked"],
                Act(**{**it["act"], "at": datetime.fromisoformat(it["act"]["at"]).astimezone(timezone.utc)}),
            )
            for name, it in plain.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SourceError(
            f"{state} can not be read: {error}; move it away, and look at /actions for what is open"
        ) from error


def read_key(path: Path) -> str:
    """The key in the file at *path*: ``{"url", "port", "key"}`` as Unified has it, or the key alone."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} can not be read: {error}") from error
    if not text.startswith("{"):
        return text
    try:
        key = json.loads(text)["key"]
    except (ValueError, KeyError) as error:
        raise SourceError(f'{path}: expected {{"key": ...}} or the key alone') from error
    return str(key)
