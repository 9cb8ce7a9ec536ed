"""What operators say about groups: put together, set apart, taken back. Written down with name and time."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework.errors import WwtError
from wwt_framework.services.alike.groups import Group, Groups
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import KeptCorrection

#: Workflows that one correction names, of each side: those with most failed jobs.
MOST = 1000


def put_together(store: Store, groups: Groups, first: Group, second: Group, user: str, remote: str = "") -> int:
    """Say that two groups are one; returns the number of the correction. Raises `WwtError` when they are."""
    if first.label == second.label:
        raise WwtError("These are the same group already; choose another one.")
    names = groups.snapshot.cube.workflows
    mine = [*names.take(first.members[: MOST // 2]), *names.take(second.members[: MOST // 2])]
    return _keep(store, "merge", mine, [], user, remote)


def put_with(store: Store, workflows: Sequence[str], user: str, remote: str = "") -> int:
    """Say that *workflows* belong together; returns the number of the correction."""
    mine = list(dict.fromkeys(workflows))
    if not 2 <= len(mine) <= MOST:
        raise WwtError(
            f"From 2 to {MOST:,} workflows can be put together, got {len(mine):,}. Go back, and tick what belongs together."
        )
    return _keep(store, "merge", mine, [], user, remote)


def set_apart(store: Store, groups: Groups, group: Group, workflows: Sequence[str], user: str, remote: str = "") -> int:
    """Say that *workflows* do not belong to the rest of *group*; returns the number of the correction."""
    members = groups.snapshot.cube.workflows.take(group.members)
    there = set(members)
    chosen = [name for name in dict.fromkeys(workflows) if name in there]
    if not chosen:
        raise WwtError("No workflow of this group is ticked, so there is nothing to split off. Go back, and tick some.")
    if len(chosen) > MOST:
        raise WwtError(f"{len(chosen):,} workflows are ticked; one split takes {MOST:,} at most.")
    taken = set(chosen)
    others = [name for name in members if name not in taken]
    if not others:
        raise WwtError(
            "All workflows of the group are ticked: then they stay together. Leave out those that do not belong."
        )
    return _keep(store, "split", chosen, others[:MOST], user, remote)


def set_pair_apart(store: Store, workflow: str, others: Sequence[str], user: str, remote: str = "") -> int:
    """Say that *workflow* is not like *others*; returns the number of the correction."""
    apart = [name for name in dict.fromkeys(others) if name != workflow]
    if not 1 <= len(apart) <= MOST:
        raise WwtError(f"Tick from 1 to {MOST:,} workflows that are not like this one; {len(apart):,} are ticked.")
    return _keep(store, "split", [workflow], apart, user, remote)


def take_back(store: Store, number: int, user: str, remote: str = "") -> KeptCorrection:
    """Let a correction count no more; one that was taken back already stays so. Raises `NotFound`."""
    with store.write(alone="corrections"):
        stood = any(kept.number == number for kept in ledger.corrections(store))
        kept = ledger.end_correction(store, number, user)
        if stood:
            ledger.write_down(store, user, "took back a correction", str(number), remote=remote)
    return kept


def _keep(store: Store, kind: str, mine: Sequence[str], others: Sequence[str], user: str, remote: str) -> int:
    words = "put workflows together" if kind == "merge" else "set workflows apart"
    with store.write():
        number = ledger.keep_correction(store, kind, mine, others, user)
        ledger.write_down(store, user, words, mine[0], remote=remote, number=number, workflows=len(mine))
    return number
