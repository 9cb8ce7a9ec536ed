"""Procedures tried on their own example logs."""

from __future__ import annotations

from collections.abc import Iterator

from wwt_framework.model import LogExcerpt

from .library import Library, Listed
from .matching import search


def tried(library: Library) -> list[str]:
    """What is wrong, a sentence each with file and line: what could not be read, and examples that do not come out."""
    return [*library.problems, *(sentence for listed in library.listed for sentence in _tried(listed))]


def examples(library: Library) -> int:
    """How many example logs there are."""
    return sum(len(listed.procedure.examples) for listed in library.listed)


def _tried(listed: Listed) -> Iterator[str]:
    for number, example in enumerate(listed.procedure.examples):
        found = search(listed, [LogExcerpt("", listed.procedure.codes[0], "", text=example.log)])
        where = f"{listed.entry.where('examples', number)}: {listed.id}: example {number + 1}"
        if found.missed and example.matches:
            yield f"{where}: a required expression does not match this log"
        elif not found.missed and not example.matches:
            yield f"{where}: every required expression matches this log; expected that one does not"
        for name, expected in example.captures.items():
            got = found.captured.get(name, ())
            if got != expected:
                yield f"{where}: {name}: expected {_shown(expected)}, captured {_shown(got)}"


def _shown(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value[:120]}'" for value in values) or "nothing"
