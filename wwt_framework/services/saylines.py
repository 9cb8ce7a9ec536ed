"""Lines of a log as a page shows them: first cause and follow-ons, what tells most, and names in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wwt_framework.keylines import heading_of, key_lines

#: Names in one text that are made links; what has more is a listing.
_MOST_NAMES = 300
#: Characters of a line in which names are looked for.
_LOOKED_AT = 4_000

_NAMES = re.compile(
    r"(?P<file>(?:root|https?|gsiftp|srm|davs?)://[^\s'\"<>()\[\],;?]+|/store/[\w.+=@%:~/-]+)"
    r"|(?P<site>\bT[0-3]_[A-Z]{2}_[A-Za-z0-9_]+)"
    r"|(?P<host>\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:ch|gov|edu|org|net|de|fr|it|uk|es|pt|be|jp|ru|cn|tw|us)\b)",
)
_LFN = re.compile(r"/store/[^\s?]+")

#: What can stand in a place; other words in angle brackets are what a log said.
_PLACE = re.compile(r"<(\*|file|site|host|address|number|time|id|mail)>")


@dataclass(frozen=True)
class Piece:
    """A part of a line, or of a template."""

    text: str
    kind: str = ""  # file, site, host; of a template also number, id, ...; "": just text
    name: str = ""  # what a link looks for: a file without its server, a site, a host


@dataclass(frozen=True)
class Line:
    """One line of a text."""

    text: str
    key: bool  # it tells what went wrong
    heading: str = ""  # cause, follow: it begins the first cause, or an error that followed from it
    pieces: tuple[Piece, ...] = ()  # its text in parts; () where no name is in it


def marked(text: str, cause: str = "") -> tuple[Line, ...]:
    """The lines of *text*; a few that tell what went wrong are marked, and where each error of a chain begins.

    *cause*: the first cause, as its heading names it; the first heading where it has none of its own.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    keys = set(key_lines(lines))
    headings = [i for i, line in enumerate(lines) if heading_of(line)]
    first = next((i for i in headings if lines[i].strip() == cause), headings[0] if headings else -1)
    left = _MOST_NAMES
    found: list[Line] = []
    for i, line in enumerate(lines):
        heading = ("cause" if i == first else "follow") if i in headings else ""
        pieces = tuple(pieces_of(line)) if left > 0 else ()
        left -= sum(1 for piece in pieces if piece.kind)
        found.append(Line(line, i in keys, heading, pieces if any(piece.kind for piece in pieces) else ()))
    return tuple(found)


def pieces_of(line: str) -> Iterator[Piece]:
    """*line* in parts: names of files, sites and hosts, and what stands between them. Nothing is lost."""
    end = 0
    for found in _NAMES.finditer(line, 0, _LOOKED_AT):
        if found.start() > end:
            yield Piece(line[end : found.start()])
        kind = str(found.lastgroup)
        lfn = _LFN.search(found[0]) if kind == "file" else None
        yield Piece(found[0], kind, lfn[0] if lfn else found[0])
        end = found.end()
    if end < len(line):
        yield Piece(line[end:])


def places_of(template: str) -> list[Piece]:
    """A template in parts: its places, each of a kind, and the words between them."""
    parts: list[Piece] = []
    end = 0
    for found in _PLACE.finditer(template):
        if found.start() > end:
            parts.append(Piece(template[end : found.start()]))
        parts.append(Piece(found[0], found[1]))
        end = found.end()
    if end < len(template):
        parts.append(Piece(template[end:]))
    return parts
