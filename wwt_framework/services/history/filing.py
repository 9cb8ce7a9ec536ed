"""Taking in what a file holds: all that fails at one time, or what another history has gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import Readiness, SiteStatus
from wwt_framework.services.history.look import Look
from wwt_framework.services.history.packing import DAY, PRODUCTION, READINESS, SITE_DAY, unpack
from wwt_framework.services.history.taking import Taken, take_in
from wwt_framework.services.intake_errors import counted
from wwt_framework.store import Store
from wwt_framework.store.ledger import history as kept

_COLOURS = {state.colour: state for state in Readiness}


def take_file(
    store: Store, errors: ErrorColumns, when: datetime, now: Mapping[str, SiteStatus]
) -> tuple[Taken, tuple[str, ...]]:
    """Take *errors* in, and say what of it could not be read.

    *when*: of when they are, where they do not say so; *now*: the sites of today, for errors of today.
    Raises `SourceError` when they have no shape.
    """
    at = min(errors.as_of or when, when)
    total, problems = Taken(0, 0, 0), []
    for state, some in _by_readiness(errors):
        checked = counted(some)
        problems += [f"{rejected.path}: {rejected.why}" for rejected in checked.rejected]
        columns = replace(
            checked.cells.columns(),
            as_of=at,
            workflows=checked.workflows,
            partial={**checked.partial, **checked.unread},
        )
        statuses = _statuses(store, at, when, now)
        if state is not None:
            statuses = {site: SiteStatus(site, state) for site in columns.sites}
        mine = take_in(store, Look.of_columns(columns, at, statuses, whole=state is None))
        total = Taken(*(a + b for a, b in zip(_numbers(total), _numbers(mine), strict=True)))
    return total, tuple(dict.fromkeys(problems))


def _numbers(taken: Taken) -> tuple[int, int, int]:
    return taken.workflows, taken.changed, taken.new


def _by_readiness(errors: ErrorColumns) -> Sequence[tuple[Readiness | None, ErrorColumns]]:
    """The cells by what they say of their sites; None: they say nothing."""
    if not len(errors.ready):
        return [(None, errors)]
    words = np.array(errors.ready, object)
    found = []
    for i, word in enumerate(sorted(set(errors.ready))):
        rows = words == word
        columns = {name: np.asarray(getattr(errors, name))[rows] for name in ("task", "code", "site", "count")}
        # What could not be read is said once.
        once = {} if i == 0 else {"rejected": ()}
        some = replace(errors, ready=(), workflows=(), **columns, **once)  # type: ignore[arg-type]  # of one dataclass
        found.append((_COLOURS.get(word, Readiness.NONE), some))
    return found


def _statuses(store: Store, at: datetime, now: datetime, sites: Mapping[str, SiteStatus]) -> Mapping[str, SiteStatus]:
    """How the sites were on the day of *at*; empty when nobody looked that day."""
    day = int(at.timestamp()) // DAY
    if day == int(now.timestamp()) // DAY and sites:
        return sites
    names = {number: name for name, number in kept.past_sites(store).items()}
    for one in kept.past_days(store, day, day):
        rows = unpack(one.sites, SITE_DAY, f"the history of day {day}").tolist()
        return {
            names[site]: SiteStatus(names[site], READINESS[ready], PRODUCTION[production])
            for site, ready, production in rows
        }
    return {}
