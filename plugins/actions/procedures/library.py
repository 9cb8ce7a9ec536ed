"""The procedures of an installation: read from folders, taken up again when a file changes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from wwt_framework.documents import Document, Entry, read_document

from .schema import Head, Procedure

#: Seconds between two looks at the files.
LOOK_S = 1.0
#: Files that are read from one folder.
_MAX_FILES = 500

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Folder:
    """Where procedures lie."""

    path: Path
    shipped: bool = False

    def name_of(self, file: Path) -> str:
        """How messages and pages call *file*."""
        return f"shipped/{file.name}" if self.shipped else str(file)


@dataclass(frozen=True)
class Listed:
    """One procedure, and where it stands."""

    procedure: Procedure
    entry: Entry[Procedure] = field(repr=False)
    file: str  # as messages call it
    author: str
    source: str
    reviewed: str  # YYYY-MM-DD, "" when nobody says
    shipped: bool
    replaces: str = ""  # where the one stands that it takes the place of

    @property
    def id(self) -> str:
        return self.procedure.id

    @property
    def where(self) -> str:
        """``shipped/files.yml:12``."""
        return self.entry.where()


@dataclass(frozen=True)
class Library:
    """All procedures, those asked first in front; and what could not be read."""

    listed: tuple[Listed, ...] = ()
    problems: tuple[str, ...] = ()  # a sentence each, with file and line
    files: tuple[str, ...] = ()

    @cached_property
    def by_code(self) -> Mapping[int, tuple[Listed, ...]]:
        """Exit code -> its procedures, in the order of asking."""
        found: dict[int, list[Listed]] = defaultdict(list)
        for one in self.listed:
            for code in dict.fromkeys(one.procedure.codes):
                found[code].append(one)
        return {code: tuple(several) for code, several in found.items()}


class Shelf:
    """Keeps the library of some folders, later ones before earlier ones; looks at the files once a second."""

    def __init__(self, folders: Sequence[Folder], clock: Callable[[], float] = time.monotonic) -> None:
        self._folders = tuple(folders)
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._stamps: dict[Path, Stamp | None] = {}
        self._documents: dict[Path, Document[Head, Procedure]] = {}
        self._library = Library()

    def library(self) -> Library:
        """What the files say, as of a second ago at most."""
        with self._lock:
            now = self._clock()
            if now - self._looked >= LOOK_S:
                self._looked = now
                self._look()
            return self._library

    def _look(self) -> None:
        problems: list[str] = []
        files = {file: folder for folder in self._folders for file in _files(folder, problems)}
        stamps = {file: _stamp(file) for file in files}
        if stamps == self._stamps and tuple(problems) == self._library.problems[: len(problems)]:
            return
        self._documents = {
            file: self._documents[file] if file in self._documents and self._stamps.get(file) == stamps[file]
            else read_document(file, "procedures", Head, Procedure, folder.name_of(file))
            for file, folder in files.items()
        }  # fmt: skip
        self._stamps = stamps
        self._library = assembled([(folder, file, self._documents[file]) for file, folder in files.items()], problems)


def assembled(
    documents: Sequence[tuple[Folder, Path, Document[Head, Procedure]]], problems: Sequence[str] = ()
) -> Library:
    """One library out of files in their order: a later procedure takes the place of an earlier one of the same id."""
    found: dict[str, tuple[int, Listed]] = {}  # with the number of its folder
    said = list(problems)
    here: dict[tuple[Path, str], str] = {}
    ranks = {folder: rank for rank, folder in enumerate(dict.fromkeys(folder for folder, _, _ in documents))}
    for folder, file, document in documents:
        said += document.problems
        for entry in document.entries:
            one = entry.value
            if first := here.get((file, one.id)):
                said.append(f"{entry.where('id')}: id: '{one.id}' is given twice in this file; the first is at {first}")
                continue
            here[file, one.id] = entry.where()
            before = found.pop(one.id, None)
            replaces = before[1].where if before else ""
            found[one.id] = ranks[folder], _listed(entry, folder.name_of(file), folder, document.head, replaces)
    # Of the same order those of a later folder are asked first; within a folder they are asked as they stand there.
    ordered = sorted(found.values(), key=lambda item: (item[1].procedure.order, -item[0]))
    listed = tuple(one for _, one in ordered if one.procedure.active)
    return Library(listed, tuple(said), tuple(folder.name_of(file) for folder, file, _ in documents))


def _listed(entry: Entry[Procedure], file: str, folder: Folder, head: Head | None, replaces: str) -> Listed:
    one, above = entry.value, head or Head()
    reviewed = one.reviewed or above.reviewed
    return Listed(
        one, entry, file, one.author or above.author, one.source or above.source,
        reviewed.isoformat() if reviewed else "", folder.shipped, replaces,
    )  # fmt: skip


def _files(folder: Folder, problems: list[str]) -> list[Path]:
    """The YAML files of a folder, by name."""
    try:
        found = sorted(path for path in folder.path.iterdir() if path.suffix in (".yml", ".yaml"))
    except OSError as err:
        problems.append(f"{folder.path}: expected a folder of YAML files: {err.strerror}")
        return []
    found = [path for path in found if not path.name.startswith(".")]
    if len(found) > _MAX_FILES:
        problems.append(f"{folder.path}: has {len(found):,} files; only the first {_MAX_FILES} are read")
    return found[:_MAX_FILES]


def _stamp(path: Path) -> Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
