"""Which workflows and which failed jobs a query leaves, and what each further choice would leave.

Everything is one or two passes over the columns of the cube; what many pages need is kept with the snapshot.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wwt_framework.cube import Array, ErrorCube, Names
from wwt_framework.errors import WwtError
from wwt_framework.services.overview_query import TIERS, OverviewQuery, compile_search
from wwt_framework.snapshot import UNKNOWN, Snapshot

#: Selections kept per snapshot: paging and unfolding ask for the same one again and again.
_KEPT = 16

#: Seconds of computing that one pattern may take on one column of names.
_SEARCH_S = 1.0
#: Bytes of names that are searched between two looks at the time.
_PIECE = 4096


@dataclass(frozen=True, eq=False)
class Selection:
    """What is left of a snapshot."""

    snapshot: Snapshot
    workflows: Array  # bool, (n_workflows,): passes every filter on workflows, with or without errors
    totals: Array  # int64, (n_workflows,): failed jobs left; 0 where the workflow does not pass
    codes: Array  # bool, (n_codes,)
    sites: Array  # bool, (n_sites,)
    code_site: Array  # int64, (n_codes, n_sites): of the workflows that pass, before codes and sites are restricted
    facets: Mapping[str, Array]  # filter -> failed jobs behind each of its choices, in the order of its vocabulary

    @cached_property
    def matrix(self) -> Array:
        """Failed jobs left, int64 (n_codes, n_sites)."""
        return np.where(self.codes[:, None] & self.sites[None, :], self.code_site, 0)

    @cached_property
    def total(self) -> int:
        """Failed jobs left."""
        return int(self.totals.sum())

    @cached_property
    def found(self) -> int:
        """Workflows left that have failed jobs."""
        return int(np.count_nonzero(self.totals))

    @cached_property
    def all_cells(self) -> bool:
        """Whether neither exit codes nor sites are restricted."""
        return bool(self.codes.all() and self.sites.all())

    def keep(self, cells: Array) -> Array:
        """Those of *cells* (indices) that have a chosen exit code and site."""
        if self.all_cells:
            return cells
        cube = self.snapshot.cube
        return cells[self.codes[cube.cell_code[cells]] & self.sites[cube.cell_site[cells]]]

    @cached_property
    def task_totals(self) -> Array:
        """Failed jobs left per task, int64 (n_tasks,)."""
        cube = self.snapshot.cube
        if not self.all_cells:
            cells = self.keep(ranges_of(cube, np.flatnonzero(self.totals)))
            return sums(cube.cell_task[cells], cube.cell_count[cells], len(cube.tasks))
        return np.where(self.workflows[cube.task_workflow], cube.task_total, 0)

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What was worked out from this selection and may be asked again: the order of its rows."""
        return {}


def select(snapshot: Snapshot, query: OverviewQuery) -> Selection:
    """What *query* leaves of *snapshot*; the last few answers are kept with the snapshot."""
    kept: _Kept = snapshot.remember(("overview", "selections"), _Kept)
    return kept.get(query.selection, lambda: _select(snapshot, query))


class _Kept:
    """The selections used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Any, Selection] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Selection]) -> Selection:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        # Made outside the lock: two visitors may do the same work once, nobody waits for another's query.
        made = make()
        with self._lock:
            self._found[key] = made
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return made


def _site_tiers(snapshot: Snapshot) -> Array:
    """Index into TIERS of every site, int8, (n_sites,); made once for a snapshot."""

    def made() -> Array:
        sites = snapshot.cube.sites
        tiers = (next((i for i, t in enumerate(TIERS) if site.startswith(f"{t}_")), len(TIERS) - 1) for site in sites)
        return np.fromiter(tiers, np.int8, len(sites))

    return snapshot.remember(("overview", "tiers"), made)


def unknown_workflows(snapshot: Snapshot) -> int:
    """Workflows whose errors no source could tell: not the same as none."""
    return int(np.count_nonzero(snapshot.errors_state == UNKNOWN))


def _select(snapshot: Snapshot, query: OverviewQuery) -> Selection:
    cube, site_tier = snapshot.cube, _site_tiers(snapshot)
    codes = np.isin(cube.codes, query.code) if query.code else np.ones(len(cube.codes), bool)
    named = np.isin(np.array(cube.sites, str), query.site) if query.site else np.ones(len(cube.sites), bool)
    tiers = [TIERS.index(t) for t in query.tier]
    tiered = np.isin(site_tier, tiers) if query.tier else np.ones(len(cube.sites), bool)
    sites = named & tiered
    totals = _totals(cube, codes, sites)
    masks = _workflow_masks(snapshot, query)
    common = _search_mask(snapshot, query.search) & (totals >= query.minimum)
    passing = np.logical_and.reduce([common, *masks.values()])
    code_site = _code_site(cube, passing)
    facets = {
        "code": code_site[:, sites].sum(axis=1),
        "site": code_site[codes].sum(axis=0) * tiered,
        "tier": sums(site_tier, code_site[codes].sum(axis=0) * named, len(TIERS)),
    }
    for name in masks:
        others = np.logical_and.reduce([common, *(mask for other, mask in masks.items() if other != name)])
        column, words = vocabulary(snapshot, name)
        facets[name] = sums(column, totals * others, len(words))
    return Selection(snapshot, passing, totals * passing, codes, sites, code_site, facets)


def vocabulary(snapshot: Snapshot, name: str) -> tuple[Array, tuple[str, ...]]:
    """The column and the words of campaign, type or status."""
    return {
        "campaign": (snapshot.workflow_campaign, snapshot.campaigns),
        "type": (snapshot.workflow_type, snapshot.types),
        "status": (snapshot.workflow_status, snapshot.statuses),
    }[name]


def _workflow_masks(snapshot: Snapshot, query: OverviewQuery) -> dict[str, Array]:
    masks = {}
    for name in ("campaign", "type", "status"):
        wanted = getattr(query, name)
        column, words = vocabulary(snapshot, name)
        chosen = np.array([not wanted or word in wanted for word in words], bool)
        masks[name] = chosen[column] if len(column) else np.zeros(0, bool)
    return masks


def _totals(cube: ErrorCube, codes: Array, sites: Array) -> Array:
    if codes.all() and sites.all():
        return cube.workflow_total
    pairs = np.flatnonzero((codes[:, None] & sites[None, :]).ravel())
    starts, ends = cube.code_site_start[pairs], cube.code_site_start[pairs + 1]
    if (ends - starts).sum() * 2 < len(cube):
        cells = cube.code_site_cells[ranges(starts, ends)]
    else:
        cells = np.flatnonzero(codes[cube.cell_code] & sites[cube.cell_site])
    return sums(cube.cell_workflow[cells], cube.cell_count[cells], len(cube.workflows))


def _code_site(cube: ErrorCube, passing: Array) -> Array:
    if not cube.workflow_total[~passing].any():
        found = cube.code_site_total
    else:
        cells = ranges_of(cube, np.flatnonzero(passing))
        found = sums(_key(cube, cells), cube.cell_count[cells], len(cube.code_site_total))
    return found.reshape(len(cube.codes), len(cube.sites))


def _key(cube: ErrorCube, cells: Any) -> Array:
    key: Array = cube.cell_code[cells].astype(np.int64) * len(cube.sites) + cube.cell_site[cells]
    return key


# -- searching names --


def _search_mask(snapshot: Snapshot, search: str) -> Array:
    """Workflows whose name or prep id holds *search*."""
    n = len(snapshot.cube.workflows)
    if not search:
        return np.ones(n, bool)
    workflows = snapshot.remember(("overview", "workflow lines"), lambda: Lines(snapshot.cube.workflows))
    preps = snapshot.remember(("overview", "prep lines"), lambda: Lines(snapshot.preps))
    return workflows.having(search) | preps.having(search)[snapshot.workflow_prep]


class Lines:
    """A column of names as one text, a name a line, lower case: searched at once."""

    def __init__(self, names: Names) -> None:
        lines = [name.lower().encode("utf-8", "replace") for name in names]
        self._text = b"\n".join(lines)
        self._starts = np.zeros(len(lines) + 1, np.int64)
        np.cumsum(np.fromiter((len(line) + 1 for line in lines), np.int64, len(lines)), out=self._starts[1:])

    def having(self, search: str) -> Array:
        """Which names have *search* in them, bool (n,): plain text or ``/pattern/``, whatever the case.

        Raises `WwtError` for a pattern that takes too long.
        """
        found = np.zeros(len(self._starts) - 1, bool)
        if not len(found):
            return found
        pattern = compile_search(search)
        hits = self._plain(search.lower().encode("utf-8", "replace")) if pattern is None else self._matched(pattern)
        found[np.searchsorted(self._starts, np.fromiter(hits, np.int64), side="right") - 1] = True
        return found

    def _plain(self, wanted: bytes) -> list[int]:
        hits, at, ends = [], self._text.find(wanted), b"\n"
        while at >= 0:
            hits.append(at)
            line_end = self._text.find(ends, at + len(wanted) - 1)
            at = self._text.find(wanted, line_end + 1) if line_end >= 0 else -1
        return hits

    def _matched(self, pattern: Any) -> list[int]:
        """In pieces: RE2 is linear in the text, but 10 characters can make it 10,000 times as slow on every byte."""
        hits: list[int] = []
        until = time.thread_time() + _SEARCH_S
        for at, end in self._pieces():
            hits += [at + match.start() for match in pattern.finditer(self._text[at:end])]
            if time.thread_time() > until:
                raise WwtError(
                    f"This pattern takes more than {_SEARCH_S:g} s of computing on these names; "
                    "write one with fewer repetitions, {1,999} for example, or search for plain text."
                )
        return hits

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Begin and end of whole lines, a few kilobytes each, without the last end of a line."""
        first, last = 0, len(self._starts) - 1
        while first < last:
            begin = int(self._starts[first])
            first = max(first + 1, int(np.searchsorted(self._starts, begin + _PIECE)))
            yield begin, int(self._starts[min(first, last)]) - 1


# -- small parts --


def sums(index: Array, counts: Array, size: int) -> Array:
    """Counts summed by index, int64 (size,). Exact below 2**53."""
    return np.bincount(index, counts, size).astype(np.int64) if size else np.zeros(0, np.int64)


def ranges(starts: Array, ends: Array) -> Array:
    """The integers of many half-open ranges, one after the other.

    >>> ranges(np.array([2, 7]), np.array([4, 8])).tolist()
    [2, 3, 7]
    """
    lengths = np.asarray(ends - starts, np.int64)
    before = np.cumsum(lengths) - lengths
    found: Array = np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(starts - before, lengths)
    return found


def ranges_of(cube: ErrorCube, workflows: Array) -> Array:
    """The cells of *workflows* (indices)."""
    return ranges(cube.workflow_cells[workflows], cube.workflow_cells[workflows + 1])
