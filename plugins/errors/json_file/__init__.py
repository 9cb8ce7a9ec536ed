"""Errors from a file or an address: all_errors.json, statuses.json, or a database of the old console."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import Field, field_validator

from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.model import Workflow, Workflows
from wwt_framework.options import Location, PluginOptions
from wwt_framework.plugin import Health, PluginContext

from ..._cms import reading
from ..._cms.faults import Faults
from ..._cms.parsing import parse, parse_carefully, shown, without_collector
from ..._cms.statuses import is_statuses, waiting
from .columns import key_count, to_columns
from .database import MAGIC, read_database
from .mend import mend

#: Seconds for which what ``list_workflows`` read from an address serves ``load_errors``, too.
_FRESH = 300


@dataclass(frozen=True)
class Found:
    """What the source holds: the workflows it names, and their errors; None: of errors it says nothing."""

    workflows: Workflows
    errors: ErrorColumns | None


class JsonFile:
    """Read which workflows fail, and how, from a file or an address.

    Takes what the console and Unified write: ``{task: {exit code: {site: failed jobs}}}``,
    ``{workflow: [statuses]}`` (names only: their errors stay unknown), the console's SQLite database;
    each of them also as gzip.
    """

    class Options(PluginOptions):
        path: Location = Field(description="file or URL of all_errors.json, statuses.json or a history .db")
        max_mb: int = Field(512, ge=1, le=65536, description="refuse what is larger, in megabytes, unpacked")

        _by_http = field_validator("path")(reading.check_location)

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        self._path = context.options.path
        self._max_bytes = context.options.max_mb << 20
        self._lock = threading.Lock()
        self._held: tuple[Any, float, Found] | None = None

    @hookimpl
    def list_workflows(self) -> Workflows:
        """Every workflow that the source names as failing or waiting. What was read serves ``load_errors``."""
        before = reading.signature(self._path)
        found = self._read()
        with self._lock:
            self._held = before, time.monotonic(), found
        return found.workflows

    @hookimpl
    def load_errors(self, names: Sequence[str] | None) -> ErrorColumns | None:  # noqa: ARG002 - all is as quick as some
        """All counts of the source, whichever workflows are asked for; None when it only lists statuses."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            before, at, found = held
            if time.monotonic() - at < _FRESH and before == reading.signature(self._path):
                return found.errors
        return self._read().errors

    @hookimpl
    def report_health(self) -> Health:
        """Whether there is anything to read."""
        return reading.health(self._path, self._context.http)

    @without_collector()
    def _read(self) -> Found:
        where = reading.shown(self._path)
        if not reading.is_url(self._path) and reading.begins(self._path, self._context.http) == MAGIC:
            size, changed = reading.file_size(self._path)
            reading.check_size(where, size, self._max_bytes)
            return _dated(_read_database(self._path, where, size), changed)
        data, told = reading.read_dated(self._path, self._context.http, self._max_bytes)
        if not data.startswith(MAGIC):
            return _dated(read_json(data, where), told)
        with tempfile.NamedTemporaryFile(dir=self._context.data_dir, suffix=".db") as copy:
            copy.write(data)
            copy.flush()
            return _dated(_read_database(copy.name, where, len(data)), told)


def _dated(found: Found, changed: datetime | None) -> Found:
    """*found*, of when the file was last changed: whoever writes it may have stopped long ago."""
    return found if found.errors is None else replace(found, errors=replace(found.errors, as_of=changed))


def _read_database(path: str, where: str, size: int) -> Found:
    raw, faults, ready = read_database(path, where, size)
    found = _errors(raw, faults, where)
    errors = found.errors
    assert errors is not None, "a database has errors"
    codes, cells = list(map(str, errors.codes)), zip(errors.task, errors.code, errors.site, strict=True)
    colours = [ready.get((errors.tasks[task], codes[code], errors.sites[site]), "") for task, code, site in cells]
    return replace(found, errors=replace(errors, ready=tuple(colours)))


def read_json(data: bytes, where: str) -> Found:
    """What *data* says, in either of the two shapes. Raises SourceError when nothing of it can be read."""
    raw = parse(data, where)
    if isinstance(raw, dict) and data.count(b":") != key_count(raw):
        # A colon in a name, or a key that came twice, which the quick parser does not tell.
        raw = parse_carefully(data, where)
    if not isinstance(raw, dict):
        raise SourceError(
            f"{where} holds {shown(raw)}; expected {{task: {{exit code: {{site: failed jobs}}}}}} "
            "or {workflow: [statuses]}"
        )
    if is_statuses(raw):
        found, faults = waiting(raw)
        return Found(Workflows(tuple(found), faults.all()), None)
    return _errors(raw, Faults(), where)


def _errors(raw: dict[str, Any], faults: Faults, where: str) -> Found:
    try:
        columns = to_columns(raw, faults.all())
        if columns is None:
            raw = mend(raw, faults)
            columns = to_columns(raw, faults.all())
            assert columns is not None, "mend leaves only what can be read"
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from error
    if not columns.rejected:
        return Found(Workflows(tuple(map(Workflow, columns.workflows))), columns)
    named = dict.fromkeys([path.split("/", 2)[1] for path in raw])
    named.update(dict.fromkeys(r.workflow for r in columns.rejected if r.workflow))
    if not named:
        first = columns.rejected[0]
        raise SourceError(f"{where}: nothing of it can be read; the first fault: {first.path}: {first.why}")
    return Found(Workflows(tuple(map(Workflow, named))), columns)
