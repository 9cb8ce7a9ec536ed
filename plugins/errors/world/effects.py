"""What an act changes: which failures come again in the workflow that it makes.

Mending depends on the cause, not on the exit code; the table is the procedure that operators follow
(data of WorkflowWebTools: PROCEDURES), with room for luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from .draws import Array, uniform
from .failures import Failed
from .parameters import load

_LUCK, _LEFT, _NEED, _GONE = range(401, 405)
#: Cause -> share of failures that come again: when the act fits the cause, and when it does not.
AGAIN: dict[str, tuple[float, float]] = {
    "site-outage": (0.05, 0.75),  # fits: the site is banned, or it has recovered
    "missing-file": (0.08, 0.85),  # fits: read over xrootd
    "corrupt-file": (0.15, 0.8),  # fits: read another copy over xrootd
    "memory": (0.05, 0.9),  # fits: as much memory as it takes
    "wall-time": (0.08, 0.7),  # fits: split
    "configuration": (0.03, 0.97),  # fits: a clone, with the configuration mended
    "stage-out": (0.08, 0.45),  # fits: the site is banned
    "agent": (0.08, 0.08),  # again is enough
    "transient": (0.1, 0.1),
}


@dataclass(frozen=True, eq=False)
class Deeds:
    """Acts that make a workflow, as columns; those with two axes have (acts, tasks of the tree)."""

    family: Array  # row of the family
    parent: Array  # generation that was acted on
    at: Array  # seconds
    clone: Array
    rerun: Array  # (acts, tasks)
    memory: Array  # (acts, tasks) MB, 0: as before
    split: Array  # (acts, tasks), 1: as before
    xrootd: Array  # (acts, tasks)
    banned: Array  # (acts, sites): sites that may not run any of it

    def __len__(self) -> int:
        return len(self.family)

    def only(self, rows: Array) -> Deeds:
        """Those of *rows*."""
        return Deeds(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def together(parts: Sequence[Deeds]) -> Deeds:
    """*parts* one after the other."""
    return Deeds(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Deeds)})


def needed_memory(pair_key: Array, limit: Array) -> Array:
    """MB that a job takes that is killed for its memory: a tenth to twice more than its limit."""
    return (limit * (1.1 + 0.9 * uniform(pair_key, _NEED) ** 2)).astype(np.int64)


def again(failed: Failed, deed: Array, deeds: Deeds, memory: Array, out: Array) -> Failed:
    """What fails again in the workflows that *deeds* make.

    *deed*: for each step of *failed* the row of the deed, -1 for none; *memory*: limit of each step, MB;
    *out*: for each pair, whether its site is still out.
    The steps keep their rows; ``step_work`` is the row of the deed.
    """
    causes = load().causes
    of = deed[failed.pair_step]
    slot = failed.step_slot[failed.pair_step]
    rerun = (of >= 0) & deeds.rerun[of, slot]
    fits = _fits(failed, of, slot, deeds, memory, out)
    table = np.array([AGAIN[cause] for cause in causes])
    share = np.where(fits, table[failed.pair_cause, 0], table[failed.pair_cause, 1])
    key, when = failed.pair_key, np.floor(deeds.at)[of].astype(np.int64)
    # Each failure of a pair comes back with its share; a pair is mended as a whole now and then.
    u = uniform(key, _LUCK, when)
    rate = np.where(rerun & (u < np.sqrt(share)), np.sqrt(share), 0)
    count = np.floor(failed.cell_count * rate[failed.cell_pair] + 0.999 * uniform(key, _LEFT, when)[failed.cell_pair])
    count = np.where(rate[failed.cell_pair] > 0, count, 0).astype(np.int64)
    keep = count > 0
    left = np.zeros(len(failed.step_slot), bool)
    left[failed.pair_step[failed.cell_pair[keep]]] = True
    missing = left[failed.missing_step]
    return Failed(
        deed, failed.step_slot, failed.step_class, failed.step_cause, failed.step_main,
        failed.pair_step, failed.pair_code, failed.pair_cause, failed.pair_evidence, failed.pair_key,
        failed.cell_pair[keep], failed.cell_site[keep], count[keep],
        failed.fake_step[left[failed.fake_step]], failed.missing_step[missing], failed.missing_site[missing],
    )  # fmt: skip


def _fits(failed: Failed, of: Array, slot: Array, deeds: Deeds, memory: Array, out: Array) -> Array:
    """For each pair whether the deed fits its cause."""
    index = {cause: i for i, cause in enumerate(load().causes)}
    banned = deeds.banned[of, first_site(failed)]
    enough = deeds.memory[of, slot] >= needed_memory(failed.pair_key, memory[failed.pair_step])
    rules = {
        "site-outage": banned | ~out,
        "missing-file": deeds.xrootd[of, slot],
        "corrupt-file": deeds.xrootd[of, slot],
        "memory": enough,
        "wall-time": deeds.split[of, slot] > 1,
        "configuration": deeds.clone[of],
        "stage-out": banned,
    }
    fits = np.zeros(len(of), bool)
    for cause, fit in rules.items():
        fits |= (failed.pair_cause == index[cause]) & fit
    return fits


def first_site(failed: Failed) -> Array:
    """For each pair the site with most of its failed jobs; the first one for a pair without cells."""
    order = np.argsort(failed.cell_count, kind="stable")
    found = np.zeros(len(failed.pair_code), np.int64)
    found[failed.cell_pair[order]] = failed.cell_site[order]
    return found
