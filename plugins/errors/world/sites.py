"""The sites of the made-up grid and their bad days: outages, what shows of them, and how long that stays."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np

from wwt_framework.model import Readiness, SiteStatus

from .draws import Array, normal, uniform
from .parameters import NOISE as NOWHERE
from .parameters import load

_ALL = load().sites
#: Places that run jobs, and storages of them; a report may name either.
SITES: tuple[str, ...] = tuple(site for site in _ALL if site not in NOWHERE and site != "null")
#: What reports name as a site now and then, though it is none.
NOISE: tuple[str, ...] = tuple(site for site in _ALL if site not in SITES)
#: Index in the parameters -> index in SITES + NOISE.
PLACE: Array = np.array([(SITES + NOISE).index(site) for site in _ALL])
_STORAGE = ("_Disk", "_MSS", "_Export", "_ECHO_Disk")

#: Length of a spell, of which an outage has one or more, in seconds.
SPELL = 8 * 3600
_OUTAGE, _LENGTH, _WAIT = 101, 102, 103
#: An outage begins in this share of the spells of a site.
_OFTEN = 0.006
#: Spells that an outage may last.
_LONGEST = 9


def spell_of(seconds: Array) -> Array:
    """The spell that a time belongs to."""
    found: Array = np.floor_divide(seconds, SPELL).astype(np.int64)
    return found


def down(seed: int, spells: Array) -> Array:
    """Whether each site is out in each of *spells*: (spells, sites), as in the parameters."""
    site = np.arange(len(_ALL))[None, :]
    found = np.zeros((len(spells), len(_ALL)), bool)
    for back in range(_LONGEST):
        began = spells[:, None] - back
        found |= (uniform(seed, _OUTAGE, site, began) < _OFTEN) & (_length(seed, site, began) > back)
    return found


def _length(seed: int, site: Array, began: Array) -> Array:
    """Spells that an outage lasts: one to three mostly."""
    spells = 1 + np.floor(np.exp(0.6 + 0.8 * normal(seed, _LENGTH, site, began)))
    found: Array = np.minimum(_LONGEST, spells).astype(np.int64)
    return found


def statuses(seed: int, at: datetime) -> list[SiteStatus]:
    """Every site but the tier 3 ones and storages, of which nobody keeps a record.

    A site that was out for long waits: a median of three weeks, as the closed stays of 2014 (SiteSupportFiles).
    """
    now = int(at.timestamp() // SPELL)
    spells = np.arange(now - 150, now + 1)
    site = np.arange(len(_ALL))[None, :]
    began = (uniform(seed, _OUTAGE, site, spells[:, None]) < _OFTEN) * _length(seed, site, spells[:, None])
    waits = np.exp(np.log(21 * 3) + 0.8 * normal(seed, _WAIT, site, spells[:, None])) * (began > 2)
    age = (now - spells)[:, None]
    out, waiting = (began > age), (began > 0) & (age < began + waits)
    found = []
    for i, name in enumerate(_ALL):
        if name[:2] in ("T0", "T1", "T2") and not name.endswith(_STORAGE):
            found.append(_status(name, spells, out[:, i], waiting[:, i], age[:, 0]))
    return found


def _status(name: str, spells: Array, out: Array, waiting: Array, age: Array) -> SiteStatus:
    if out.any():
        # The newest that still lasts; it is seen after its first spell, and drained after a day.
        i = int(np.flatnonzero(out)[-1])
        since = datetime.fromtimestamp(int(spells[i]) * SPELL, timezone.utc)
        if age[i] >= 3:
            return SiteStatus(name, Readiness.RED, "drain", since)
        return SiteStatus(name, Readiness.RED if age[i] else Readiness.YELLOW, "enabled", since)
    if waiting.any():
        i = int(np.flatnonzero(waiting)[-1])
        return SiteStatus(name, Readiness.YELLOW, "drain", datetime.fromtimestamp(int(spells[i]) * SPELL, timezone.utc))
    return SiteStatus(name, Readiness.GREEN, "enabled", datetime.fromtimestamp(int(spells[0]) * SPELL, timezone.utc))
