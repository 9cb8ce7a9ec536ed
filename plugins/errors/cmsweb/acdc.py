"""What the ACDC server keeps: for every failed job a document with the input that was not processed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wwt_framework.errors import SourceError
from wwt_framework.model import NOT_REPORTED, ErrorCount, Recovery

from ..._cms.parsing import shown, whole_number
from ..._cms.rules import LONGEST_SITE, is_dropped

#: How the names of files begin that stand for events to be generated, not for input.
FAKE = "MCFakeFile-"

File = tuple[str, str, tuple[str, ...], int | None, Any]  # task, lfn, locations, events, what tells it from others


@dataclass(frozen=True)
class Files:
    """What the documents of one workflow name. False where there is no document that counts."""

    files: tuple[File, ...]
    empty: Mapping[str, int]  # task -> documents that name no file: a failed job, but not what it was to process

    def __bool__(self) -> bool:
        return bool(self.files or self.empty)


def read_files(answer: Any, workflow: str, where: str) -> Files:
    """Every file of every document of *workflow*, each once, however many documents repeat it (WMCore issue 7301).

    Documents without files (WMCore issue 8832) are counted. Raises SourceError when the answer is none of the view's.
    """
    rows = answer.get("rows") if isinstance(answer, Mapping) else None
    if not isinstance(rows, list):
        raise SourceError(f'{where}: expected {{"rows": [...]}}, got {shown(answer)}')
    found: dict[Any, File] = {}
    empty: Counter[str] = Counter()
    for row in rows:
        document = row.get("doc") if isinstance(row, Mapping) else None
        if not isinstance(document, Mapping):
            raise SourceError(f"{where}: expected documents in its rows, got {shown(document)}")
        task, files = _of(document, where)
        if task.split("/", 2)[1:2] != [workflow] or is_dropped(task):
            continue
        for file in files:
            found.setdefault((task, file[1], file[4]), file)
        if not files:
            empty[task] += 1
    return Files(tuple(found.values()), empty)


def _of(document: Mapping[str, Any], where: str) -> tuple[str, list[File]]:
    task, files = document.get("fileset_name"), document.get("files")
    if not isinstance(task, str) or not task.startswith("/"):
        raise SourceError(f"{where}: expected the path of a task in fileset_name, got {shown(task)}")
    if not isinstance(files, Mapping):
        raise SourceError(f"{where}: expected an object files for {task[:300]}, got {shown(files)}")
    return task, list(_named(task, files, where))


def _named(task: str, files: Mapping[str, Any], where: str) -> Iterator[File]:
    for lfn, file in files.items():
        if not isinstance(file, Mapping):
            raise SourceError(f"{where}: expected an object for the file {shown(lfn)}, got {shown(file)}")
        given = file.get("locations")
        sites = given if isinstance(given, list) else []
        names = tuple(s for s in sites if isinstance(s, str) and s and s.isprintable() and len(s) <= LONGEST_SITE)
        yield task, lfn, names, _events(file.get("events")), _part(file)


def _events(given: Any) -> int | None:
    number = whole_number(given)
    return None if number is None or number < 0 else number


def _part(file: Mapping[str, Any]) -> str:
    """Which part of a file is meant: several jobs may have failed on different events of one."""
    return repr((file.get("first_event"), file.get("last_event"), file.get("runs"), file.get("events")))


def read_recoveries(files: Files) -> list[Recovery]:
    """What an ACDC would rerun, task by task; events are None where something does not tell how many it has."""
    tasks: dict[str, list[File]] = {task: [] for task in files.empty}
    for file in files.files:
        tasks.setdefault(file[0], []).append(file)
    return [_recovery(task, some, task not in files.empty) for task, some in tasks.items()]


def _recovery(task: str, files: list[File], whole: bool) -> Recovery:
    at: dict[str, int] = {}
    numbers = [events for _, _, _, events, _ in files]
    for _, _, sites, events, _ in files:
        for site in sites:
            at[site] = at.get(site, 0) + (events or 0)
    known = whole and None not in numbers
    return Recovery(
        task,
        frozenset(at),
        sum(n for n in numbers if n is not None) if known else None,
        at if known else {},
        fake_files=bool(files) and all(lfn.startswith(FAKE) for _, lfn, _, _, _ in files),
    )


def not_reported(files: Files) -> list[ErrorCount]:
    """One failed job for every task and site of *files*: that there are some is all that is known."""
    cells = dict.fromkeys((task, site) for task, _, sites, _, _ in files.files for site in sites)
    return [ErrorCount(task, NOT_REPORTED, site, 1) for task, site in cells]


def doubts(files: Files) -> list[str]:
    """What of *files* does not tell where jobs failed, in sentences."""
    n = sum(files.empty.values())
    if not n:
        return []
    return [
        f"{n:,} {'document' if n == 1 else 'documents'} of the ACDC server name no files: where those jobs were to run is not known"
    ]
