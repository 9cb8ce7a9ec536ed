"""A thousand texts as the few messages that they are: grouped by template, with what differs from job to job."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from wwt_framework.model import LogExcerpt
from wwt_framework.services.casetables import ordered, short_of
from wwt_framework.services.errortypes import chain_words
from wwt_framework.services.saylines import Line, Piece, marked, places_of

#: Values of a place that are named.
_VALUES = 8
_KINDS = {
    "file": ("file", "files"), "site": ("site", "sites"), "host": ("host", "hosts"), "number": ("number", "numbers"),
    "address": ("address", "addresses"), "time": ("time", "times"), "id": ("id", "ids"), "mail": ("mail", "mails"),
    "*": ("word", "words"),
}  # fmt: skip


@dataclass(frozen=True)
class Saying:
    """What some failed jobs said alike."""

    number: int  # on all pages, from 1
    text: str
    count: int  # jobs that said it, as far as the sources know
    sites: tuple[tuple[str, int], ...]  # the site of most jobs first
    tasks: tuple[tuple[str, str, int], ...]  # path, short, jobs
    chain: tuple[str, ...]  # "type (Exit code: n)", the first cause first
    files: tuple[str, ...]  # input files that the sources name
    urls: tuple[str, ...]  # of whole logs, http(s) only
    template: str = ""  # id; "": nobody told
    values: tuple[str, ...] = ()  # in the places of its template
    first: datetime | None = None  # when the earliest of these jobs failed; None: not known
    last: datetime | None = None

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The text, line by line."""
        return marked(self.text, self.chain[0] if self.chain else "")

    @cached_property
    def digest(self) -> str:
        """What an address names this text by."""
        return digest_of(self.text)


@dataclass(frozen=True)
class Place:
    """A place of a template."""

    kind: str  # file, site, host, number, ...; "*" is anything
    words: str  # "12 files"; the value itself when there is just one
    values: tuple[tuple[str, int], ...]  # those of most jobs, with these jobs; () where they are not known
    different: int  # how many there are; 0: not known


@dataclass(frozen=True)
class Message:
    """One message: texts that are of one template, or a text that is of none."""

    number: int  # on all pages, from 1
    template: str  # id; "" for a text that is of none
    parts: tuple[Piece | Place, ...]  # of the template; () for a text that is of none
    count: int
    texts: int  # different ones
    sites: tuple[tuple[str, int], ...]
    tasks: tuple[tuple[str, str, int], ...]
    chain: tuple[str, ...]  # the commonest
    chains: int  # different ones
    files: tuple[str, ...]
    example: Saying  # the text of most jobs
    first: datetime | None
    last: datetime | None

    @property
    def places(self) -> tuple[Place, ...]:
        """Only the places."""
        return tuple(part for part in self.parts if isinstance(part, Place))


def digest_of(text: str) -> str:
    """What a text is named by in addresses: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def alike(logs: Iterable[LogExcerpt]) -> list[Saying]:
    """Identical texts with identical chains once, those of most jobs first."""
    groups: dict[tuple[str, tuple[str, ...]], list[LogExcerpt]] = {}
    for log in logs:
        groups.setdefault((log.text, tuple(chain_words(log))), []).append(log)
    order = sorted(groups, key=lambda key: (-sum(log.count for log in groups[key]), key))
    return [_saying(i, *key, groups[key]) for i, key in enumerate(order, 1)]


def _saying(number: int, text: str, chain: tuple[str, ...], logs: list[LogExcerpt]) -> Saying:
    sites: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    for log in logs:
        sites[log.site] += log.count
        tasks[log.task] += log.count
    times = [log.at for log in logs if log.at is not None]
    return Saying(
        number, text, sum(log.count for log in logs),
        tuple((site, sites[site]) for site in ordered(sites, "errors")),
        tuple((task, short_of(task), tasks[task]) for task in ordered(tasks, "errors")),
        chain, tuple(dict.fromkeys(file for log in logs for file in log.files)),
        tuple(dict.fromkeys(log.url for log in logs if log.url.lower().startswith(("http://", "https://")))),
        logs[0].template, logs[0].values, min(times, default=None), max(times, default=None),
    )  # fmt: skip


def messages(sayings: Iterable[Saying], templates: Mapping[str, str]) -> list[Message]:
    """*sayings* by template, those of most jobs first. *templates*: id -> text; an unknown one is as good as none."""
    groups: dict[str, list[Saying]] = {}
    for said in sayings:
        groups.setdefault(said.template if said.template in templates else f"\0{said.number}", []).append(said)
    order = sorted(groups.values(), key=lambda some: (-sum(said.count for said in some), some[0].number))
    return [_message(i, some, templates.get(some[0].template, "")) for i, some in enumerate(order, 1)]


def _message(number: int, some: list[Saying], template: str) -> Message:
    sites: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    chains: Counter[tuple[str, ...]] = Counter()
    for said in some:
        sites.update(dict(said.sites))
        tasks.update({path: jobs for path, _, jobs in said.tasks})
        chains[said.chain] += said.count
    return Message(
        number, some[0].template if template else "", tuple(_parts(template, some)), sum(said.count for said in some),
        len({said.text for said in some}), tuple((site, sites[site]) for site in ordered(sites, "errors")),
        tuple((task, short_of(task), tasks[task]) for task in ordered(tasks, "errors")),
        min(chains, key=lambda chain: (-chains[chain], chain)), len(chains),
        tuple(dict.fromkeys(file for said in some for file in said.files)), some[0],
        min((said.first for said in some if said.first), default=None),
        max((said.last for said in some if said.last), default=None),
    )  # fmt: skip


def _parts(template: str, some: list[Saying]) -> list[Piece | Place]:
    parts: list[Piece | Place] = list(places_of(template))
    places = [i for i, part in enumerate(parts) if isinstance(part, Piece) and part.kind]
    counted: list[Counter[str]] = [Counter() for _ in places]
    for said in some:
        if len(said.values) == len(places):  # else the template has got more places since
            for values, value in zip(counted, said.values, strict=True):
                values[value] += said.count
    for i, values in zip(places, counted, strict=True):
        parts[i] = _place(parts[i].kind, values)
    return parts


def _place(kind: str, values: Counter[str]) -> Place:
    one, many = _KINDS.get(kind, (kind, f"{kind}s"))
    most = tuple((value, values[value]) for value in ordered(values, "errors")[:_VALUES])
    words = most[0][0] if len(values) == 1 else f"{len(values):,} {many}" if values else one
    return Place(kind, words, most, len(values))
