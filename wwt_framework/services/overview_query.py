"""What an operator asks of the overview: parsed from the address, written back into addresses.

The address holds the whole state: sending the link shows the same.
Nothing here knows the web framework or a snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import re2

#: One value of a parameter, or several.
Values = str | Sequence[str]

#: pievar -> what stands in the rows, in the columns, and what a pie is split by.
ORIENTATIONS: Mapping[str, tuple[str, str, str]] = {
    "errorcode": ("task", "site", "code"),
    "sitename": ("task", "code", "site"),
    "stepname": ("code", "site", "task"),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "pievar": tuple(ORIENTATIONS),
    "view": ("matrix", "list"),
    "rows": ("prepid", "workflow"),
    "sort": ("errors", "name", "date"),
    "draw": ("pies", "heat", "numbers"),
    "columns": ("", "all"),
}
TIERS = ("T0", "T1", "T2", "T3", "other")
#: Rows of a page of the matrix, of the list, and at most in one answer.
PAGE, LIST_PAGE, MOST = 50, 40, 5000
_LONGEST_SEARCH = 200
_MOST_VALUES = 200

#: What chooses workflows and cells; the rest only says how they are shown.
FILTERS = ("search", "campaign", "type", "site", "code", "tier", "status", "minimum", "zero")
_KEEP_PLACE = frozenset({"open", "draw", "columns", "offset", "limit"})


@dataclass(frozen=True)
class OverviewQuery:
    """One state of the overview. An empty tuple or text means: not restricted."""

    pievar: str = "errorcode"
    view: str = "matrix"
    rows: str = "prepid"  # what the outermost rows are
    open: tuple[str, ...] = ()  # prep ids and workflows whose rows are unfolded
    search: str = ""  # part of a name, or /regular expression/
    campaign: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    code: tuple[int, ...] = ()
    tier: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    minimum: int = 0  # failed jobs a workflow must have, among those at the chosen sites with the chosen codes
    zero: bool = False  # also show workflows without failed jobs
    sort: str = "errors"
    direction: str = ""  # asc or desc; "" is the natural one: errors and date descend, names ascend
    draw: str = "pies"
    columns: str = ""  # "all": columns with few errors are not folded
    offset: int = 0
    limit: int = 0  # 0: the page size of the view

    @classmethod
    def parse(cls, params: Mapping[str, Values]) -> tuple[OverviewQuery, tuple[str, ...]]:
        """The query that *params* ask for, and what of them could not be meant, in sentences."""
        problems: list[str] = []
        told: dict[str, Any] = {name: _choice(params, name) for name in _CHOICES}
        for name in ("open", "campaign", "type", "site", "tier", "status"):
            told[name] = _several(params, name, problems)
        told["code"] = tuple(_codes(_several(params, "code", problems), problems))
        told["search"] = _search(_one(params, "search").strip(), problems)
        told["minimum"] = _whole(params, "minimum", problems)
        told["offset"] = _whole(params, "offset", problems)
        everything = _one(params, "limit") == "all"
        told["limit"] = MOST if everything else min(_whole(params, "limit", problems), MOST)
        told["zero"] = _one(params, "zero") not in ("", "0")
        told["sort"], told["direction"] = _order(params)
        return cls(**told), tuple(problems)

    @property
    def size(self) -> int:
        """How many outermost rows one answer holds."""
        return self.limit or (LIST_PAGE if self.view == "list" else PAGE)

    @property
    def descending(self) -> bool:
        """Whether the largest or newest comes first."""
        return self.direction == "desc" if self.direction else self.sort != "name"

    @property
    def selection(self) -> tuple[Any, ...]:
        """What chooses workflows and cells: equal for queries that choose the same."""
        return tuple(getattr(self, name) for name in FILTERS)

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out by a filter."""
        return any(getattr(self, name) for name in FILTERS if name != "zero")

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values for an address or a form: only what is not the default, in a stable order."""
        found: list[tuple[str, str]] = []
        for f in fields(self):
            value = getattr(self, f.name)
            if value == f.default:
                continue
            if isinstance(value, tuple):
                found.extend((f.name, str(v)) for v in value)
            else:
                found.append((f.name, str(int(value)) if isinstance(value, bool) else str(value)))
        return found

    def with_(self, **changes: Any) -> OverviewQuery:
        """The query with *changes*; one that shows other rows begins at the first of them."""
        kept = {} if changes.keys() <= _KEEP_PLACE else {"offset": 0}
        return replace(self, **{**kept, **changes})

    def address(self, **changes: Any) -> str:
        """The address of this state, or of this state with *changes*."""
        pairs = self.with_(**changes).pairs()
        return f"/globalerror?{urlencode(pairs)}" if pairs else "/globalerror"

    def toggled(self, name: str) -> str:
        """The address with the row *name* unfolded, or folded when it is open."""
        left = tuple(o for o in self.open if o != name)
        return self.address(open=left if name in self.open else (*self.open, name))

    def filters(self) -> list[tuple[str, str]]:
        """Only what chooses workflows and cells: what a list of workflows is to be restricted to."""
        return [(name, value) for name, value in self.pairs() if name in FILTERS]


@lru_cache(maxsize=64)
def compile_search(search: str) -> Any:
    """The RE2 pattern of a search written ``/pattern/``; None for plain text.

    It runs over many names at once, one a line, on bytes, and never matches across a line.
    Raises `ValueError` with RE2's own words when it does not take the pattern.
    """
    if not is_pattern(search):
        return None
    options = re2.Options()
    options.case_sensitive = False
    options.never_nl = True
    options.log_errors = False
    options.max_mem = 256 << 10  # how large a pattern is when it is unfolded, too: (x?){999} twenty times is refused
    # A name is a line of one long text: the ends of the text are the ends of a line.
    inner = re.sub(r"\\(.)", lambda m: {"A": "^", "z": "$"}.get(m[1], m[0]), search[1:-1])
    try:
        re2.compile(inner.encode(), options)  # alone, so that "a)(b" can not close our group
        return re2.compile(f"(?m)^.*(?:{inner}).*$".encode(), options)
    except re2.error as err:
        said = err.args[0] if err.args else ""
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from err


def is_pattern(search: str) -> bool:
    """Whether *search* is meant as a regular expression."""
    return len(search) > 2 and search.startswith("/") and search.endswith("/")


# -- reading single parameters --


def _all(params: Mapping[str, Values], name: str) -> list[str]:
    value = params.get(name, "")
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


def _one(params: Mapping[str, Values], name: str) -> str:
    """The last value, as browsers and people expect of a parameter given twice."""
    return (_all(params, name) or [""])[-1]


def _choice(params: Mapping[str, Values], name: str) -> str:
    # Anything else is the default: bookmarks of the original rely on it for pievar.
    value = _one(params, name)
    return value if value in _CHOICES[name] else _CHOICES[name][0]


def _order(params: Mapping[str, Values]) -> tuple[str, str]:
    """What to sort by and which way; a form may say both at once, as in ``sort=name-desc``."""
    sort, _, direction = _one(params, "sort").partition("-")
    direction = direction or _one(params, "direction")
    return _choice({"sort": sort}, "sort"), direction if direction in ("asc", "desc") else ""


def _several(params: Mapping[str, Values], name: str, problems: list[str]) -> tuple[str, ...]:
    # "?status=" chooses what has no status; one that is not there at all chooses nothing.
    if name not in params:
        return ()
    values = tuple(dict.fromkeys(_all(params, name)))
    if name in ("open", "site", "tier"):
        values = tuple(v for v in values if v)
    if name == "tier":
        unknown = [v for v in values if v not in TIERS]
        if unknown:
            problems.append(f"Tier {unknown[0]!r} is not known; there are {', '.join(TIERS)}.")
        values = tuple(v for v in values if v in TIERS)
    if len(values) > _MOST_VALUES:
        problems.append(f"Only the first {_MOST_VALUES} of {len(values)} values of {name} are used.")
    return values[:_MOST_VALUES]


def _codes(values: Iterable[str], problems: list[str]) -> Iterable[int]:
    for value in values:
        text = value.strip()
        if text.lower() in ("notreported", "n.r."):
            yield -1
        elif text.removeprefix("-").isdecimal() and len(text) < 12:
            yield int(text)
        elif text:
            problems.append(f"Exit code: expected a whole number, got {value[:40]!r}.")


def _whole(params: Mapping[str, Values], name: str, problems: list[str]) -> int:
    text = _one(params, name).strip()
    if not text or (name == "limit" and text == "all"):
        return 0
    if text.isdecimal() and len(text) < 12:
        return int(text)
    problems.append(f"{name}: expected a whole number of 0 or more, got {text[:40]!r}.")
    return 0


def _search(text: str, problems: list[str]) -> str:
    if len(text) > _LONGEST_SEARCH:
        problems.append(f"The search is longer than {_LONGEST_SEARCH} characters and was not applied.")
        return ""
    try:
        compile_search(text)
    except ValueError as err:
        problems.append(f"The search {text} was not applied, RE2 does not take it: {err}.")
        return ""
    return text
