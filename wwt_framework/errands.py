"""What `wwt import-actions`, `wwt report-action` and `wwt update-history` do."""

from __future__ import annotations

import getpass
import http.client
import json
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wwt_framework import config as configuration
from wwt_framework.app import App
from wwt_framework.config import PluginConfig
from wwt_framework.errors import WwtError
from wwt_framework.services.history import take_file
from wwt_framework.services.importing import import_file
from wwt_framework.store import open_store

_TIMEOUT_S = 60
_WORDS = {"success": "reported", "already_reported": "was reported before", "does_not_exist": "nobody asked for it"}


def import_files(config: Path, files: Sequence[Path], say: Callable[[str], None]) -> list[str]:
    """Take over *files* into the store of *config*; gives a sentence for everything that could not be read."""
    house = configuration.load(config).house
    house.data_dir.mkdir(parents=True, exist_ok=True)
    store = open_store(house.store)
    problems: list[str] = []
    try:
        for file in files:
            try:
                found = import_file(store, file, getpass.getuser())
            except OSError as error:
                problems.append(f"{file}: can not be read: {error.strerror or error}")
                continue
            told = f"{found.kept:,} actions and {found.reasons:,} reasons kept, {found.known:,} were here already"
            say(f"{file}: {told}")
            problems += [f"{file}: {problem}" for problem in found.problems]
    finally:
        store.close()
    return problems


#: The plugin that reads files and addresses for `wwt update-history`, whatever plugins.yml lists.
_READER = "json_file"


def update_history(config: Path, places: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Take *places* (files and URLs) into the history; gives a sentence for everything that could not be read."""
    logging.getLogger("wwt_framework.hooks").setLevel(logging.CRITICAL)  # what fails is told here, in a sentence
    problems: list[str] = []
    loaded = configuration.load(config)
    loaded.house.data_dir.mkdir(parents=True, exist_ok=True)
    for place in places:
        path = place if "://" in place else str(Path(place).absolute())
        reader = PluginConfig("errors", "update_history", _READER, required=True, options={"path": path})
        app = App(loaded.path, replace(loaded, plugins=(reader,)), open_store(loaded.house.store))
        try:
            problems += _take_place(app, place, say)
        finally:
            app.close()
    return problems


def _take_place(app: App, place: str, say: Callable[[str], None]) -> list[str]:
    (answer,) = app.house.hooks.each("load_errors", names=None)
    if answer.error is not None:
        told = str(answer.error)
        return [told if told.startswith(place) else f"{place}: {told}"]
    if answer.value is None:
        return [
            f"{place}: names workflows and says nothing of failed jobs; expected {{task: {{exit code: {{site: n}}}}}}"
        ]
    try:
        taken, problems = take_file(app.history, answer.value, app.history.now(), app.board.snapshot.sites)
    except WwtError as error:
        return [f"{place}: {error}"]
    say(f"{place}: {taken.text}")
    return [f"{place}: {problem}" for problem in problems]


def report_actions(key_file: Path, workflows: Sequence[str], insecure: bool, say: Callable[[str], None]) -> bool:
    """Report *workflows* as an executor does, and *say* what became of each; whether all were open until now.

    Raises `WwtError` in words when nobody could be told.
    """
    answer = _report(key_file, workflows, insecure)
    for name, words in _WORDS.items():
        for workflow in answer[name]:
            say(f"{workflow}: {words}")
    return set(workflows) <= set(answer["success"])


def _report(key_file: Path, workflows: Sequence[str], insecure: bool) -> dict[str, Any]:
    """What the server answered.

    *key_file*: JSON with url, port, path and key, as the original's sample client had it. *insecure*: whoever answers
    is believed, as that client did.
    """
    host, port, path, key, scheme = _key_of(key_file)
    connection: http.client.HTTPConnection
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    else:
        context = ssl.create_default_context()
        if insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
    try:
        body = json.dumps({"key": key, "workflows": list(workflows)})
        connection.request("POST", path, body, {"Content-Type": "application/json", "Accept": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        spoken = "" if scheme == "http" else ". Where no TLS is spoken, write http:// before url in the key file"
        raise WwtError(f"{scheme}://{host}:{port}{path} can not be asked: {error}{spoken}") from error
    finally:
        connection.close()
    return _understood(text, answer.status, f"{scheme}://{host}:{port}{path}")


def _key_of(key_file: Path) -> tuple[str, int | None, str, str, str]:
    try:
        told = json.loads(key_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WwtError(f"{key_file}: expected JSON like {{url, port, path, key}}: {error}") from error
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) and told[name] for name in ("url", "key")):
        raise WwtError(f"{key_file}: expected JSON with url and key, both text, beside port and path")
    split = urlsplit(told["url"] if "://" in told["url"] else f"https://{told['url']}")
    try:
        port = int(told["port"]) if told.get("port") else split.port
    except (TypeError, ValueError):
        raise WwtError(f"{key_file}: expected a number as port, got {told.get('port')!r}") from None
    if split.scheme not in ("http", "https") or not split.hostname:
        raise WwtError(f"{key_file}: expected a host or an address with http(s):// as url, got {told['url']!r}")
    path = str(told.get("path") or f"{split.path.rstrip('/')}/reportaction")
    return split.hostname, port, path, told["key"], split.scheme


def _understood(text: bytes, status: int, where: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        raise WwtError(f"{where} answered {status} and no JSON; is it the address of a console?") from None
    if status != 200 or not isinstance(answer, dict):
        raise WwtError(
            f"{where} answered {status}: {answer.get('error', answer) if isinstance(answer, dict) else answer}"
        )
    if not answer.get("valid_key"):
        raise WwtError(f"{where} does not know this key")
    if not all(isinstance(answer.get(name), list) for name in _WORDS):
        raise WwtError(f"{where} answered without {', '.join(_WORDS)}: {answer}")
    return answer
