"""What the ACDC server keeps: for every failed job a document with the input that was not processed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wwt_framework.errors import SourceError
from wwt_framework.model import NOT_REPORTED, ErrorCount, Recovery

from ..._cms.parsing import shown
from ..._cms.rules import LONGEST_SITE, is_dropped

#: How the names of files begin that stand for events to be generated, not for input.
FAKE = "MCFakeFile-"

File = tuple[str, str, tuple[str, ...], int | None, Any]  # task, lfn, locations, events, what tells it from others


def read_files(answer: Any, workflow: str, where: str) -> list[File]:
    """Every file of every document of *workflow*, each once, however many documents repeat it (WMCore issue 7301).

    A document without files (WMCore issue 8832) tells nothing. Raises SourceError when the answer is none of the view's.
    """
    rows = answer.get("rows") if isinstance(answer, Mapping) else None
    if not isinstance(rows, list):
        raise SourceError(f'{where}: expected {{"rows": [...]}}, got {shown(answer)}')
    found: dict[Any, File] = {}
    for row in rows:
        document = row.get("doc") if isinstance(row, Mapping) else None
        if not isinstance(document, Mapping):
            raise SourceError(f"{where}: expected documents in its rows, got {shown(document)}")
        for file in _of(document, where):
            task = file[0]
            if task.split("/", 2)[1:2] == [workflow] and not is_dropped(task):
                found.setdefault((task, file[1], file[4]), file)
    return list(found.values())


def _of(document: Mapping[str, Any], where: str) -> Iterator[File]:
    task, files = document.get("fileset_name"), document.get("files")
    if not isinstance(task, str) or not task.startswith("/"):
        raise SourceError(f"{where}: expected the path of a task in fileset_name, got {shown(task)}")
    if not isinstance(files, Mapping):
        raise SourceError(f"{where}: expected an object files for {task[:300]}, got {shown(files)}")
    for lfn, file in files.items():
        if not isinstance(file, Mapping):
            raise SourceError(f"{where}: expected an object for the file {shown(lfn)}, got {shown(file)}")
        given = file.get("locations")
        sites = given if isinstance(given, list) else []
        names = tuple(s for s in sites if isinstance(s, str) and s and s.isprintable() and len(s) <= LONGEST_SITE)
        events = file.get("events")
        known = isinstance(events, int) and not isinstance(events, bool) and events >= 0
        yield task, lfn, names, events if known else None, _part(file)


def _part(file: Mapping[str, Any]) -> str:
    """Which part of a file is meant: several jobs may have failed on different events of one."""
    return repr((file.get("first_event"), file.get("last_event"), file.get("runs"), file.get("events")))


def read_recoveries(files: list[File]) -> list[Recovery]:
    """What an ACDC would rerun, task by task; events are None where a file does not tell how many it has."""
    tasks: dict[str, list[File]] = {}
    for file in files:
        tasks.setdefault(file[0], []).append(file)
    return [_recovery(task, some) for task, some in tasks.items()]


def _recovery(task: str, files: list[File]) -> Recovery:
    at: dict[str, int] = {}
    numbers = [events for _, _, _, events, _ in files]
    for _, _, sites, events, _ in files:
        for site in sites:
            at[site] = at.get(site, 0) + (events or 0)
    known = None not in numbers
    return Recovery(
        task,
        frozenset(at),
        sum(n for n in numbers if n is not None) if known else None,
        at if known else {},
        fake_files=bool(files) and all(lfn.startswith(FAKE) for _, lfn, _, _, _ in files),
    )


def not_reported(files: list[File]) -> list[ErrorCount]:
    """One failed job for every task and site of *files*: that there are some is all that is known."""
    cells = dict.fromkeys((task, site) for task, _, sites, _, _ in files for site in sites)
    return [ErrorCount(task, NOT_REPORTED, site, 1) for task, site in cells]
