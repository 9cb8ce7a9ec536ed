"""The groups that a clusterer found in a snapshot, with what operators corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.errors import WwtError
from wwt_framework.model import NOT_REPORTED, Clustering
from wwt_framework.plugin import Correction
from wwt_framework.snapshot import Snapshot

#: The label of what is like no other.
ALONE = -1
#: Labels are smaller; operators' own come after the largest one.
_MOST = 1 << 40
#: Exit codes and sites that are named for a group.
_NAMED = 3


@dataclass(frozen=True)
class Part:
    """An exit code or site of a group, with its failed jobs there."""

    name: str
    jobs: int
    share: float  # of the failed jobs of the group


@dataclass(frozen=True, eq=False)
class Group:
    """Workflows that fail alike."""

    label: int
    name: str  # as its clusterer calls it
    meaning: str  # of its most frequent exit code, in a few words; "" when nobody knows it
    members: Array  # indices, the most failed jobs first
    jobs: int
    codes: tuple[Part, ...]  # the most frequent first
    sites: tuple[Part, ...]
    example: str  # the member with most failed jobs: what an address calls it by, since labels change with every fit

    def __len__(self) -> int:
        return len(self.members)


@dataclass(frozen=True, eq=False)
class Groups:
    """All groups of one clusterer."""

    snapshot: Snapshot
    plugin: str
    labels: Array  # int64, of each workflow of the snapshot
    names: Mapping[int, str]
    fitted_at: datetime | None  # None: it was never fitted

    def label_of(self, workflow: str) -> int:
        """The label of *workflow*; ALONE for one that is like no other, or unknown."""
        at = self.snapshot.cube.workflows.find(workflow)
        return int(self.labels[at]) if at >= 0 else ALONE

    def group_of(self, workflow: str) -> Group | None:
        """The group of *workflow*; None when it is like no other, or unknown."""
        label = self.label_of(workflow)
        return next((group for group in self.all if group.label == label), None) if label != ALONE else None

    def peers(self, workflow: str) -> list[str]:
        """The others of its group, sorted."""
        label, at = self.label_of(workflow), self.snapshot.cube.workflows.find(workflow)
        if label == ALONE:
            return []
        found = np.flatnonzero(self.labels == label)
        return self.snapshot.cube.workflows.take(found[found != at])

    @cached_property
    def all(self) -> tuple[Group, ...]:
        """Every group, the largest first."""
        totals = self.snapshot.cube.workflow_total
        order = np.lexsort((-totals, self.labels))
        labels = self.labels[order]
        starts = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1)) if len(labels) else np.zeros(0, np.int64)
        pieces = np.split(order, starts[1:]) if len(starts) else []
        found = [self._group(members) for members in pieces if self.labels[members[0]] != ALONE]
        return tuple(sorted(found, key=lambda group: (-len(group), group.example)))

    @cached_property
    def alone(self) -> Array:
        """Indices of workflows with failed jobs that are like no other, the most failed jobs first."""
        totals = self.snapshot.cube.workflow_total
        found = np.flatnonzero((self.labels == ALONE) & (totals > 0))
        return found[np.argsort(-totals[found].astype(np.int64), kind="stable")]

    def _group(self, members: Array) -> Group:
        cube, label = self.snapshot.cube, int(self.labels[members[0]])
        row = self._row_of[label]
        jobs = int(cube.workflow_total[members].sum())
        by_code = self._by_code[row]
        if (cube.codes[by_code > 0] != NOT_REPORTED).any():  # what nobody reported tells least
            by_code = np.where(cube.codes == NOT_REPORTED, 0, by_code)
        codes = _parts(by_code, [str(code) for code in cube.codes.tolist()], jobs)
        sites = _parts(self._by_site[row], cube.sites, jobs)
        example = cube.workflows[int(members[0])]
        known = self.snapshot.exit_codes.get(int(codes[0].name)) if codes else None
        meaning = known.short if known else ""
        return Group(label, self.names.get(label, f"group {label}"), meaning, members, jobs, codes, sites, example)

    @cached_property
    def _row_of(self) -> dict[int, int]:
        return {label: row for row, label in enumerate(np.unique(self.labels).tolist())}

    @cached_property
    def _cell_row(self) -> Array:
        return np.unique(self.labels, return_inverse=True)[1].reshape(-1)[self.snapshot.cube.cell_workflow]

    @cached_property
    def _by_code(self) -> Array:
        return self._table(self.snapshot.cube.cell_code, len(self.snapshot.cube.codes))

    @cached_property
    def _by_site(self) -> Array:
        return self._table(self.snapshot.cube.cell_site, len(self.snapshot.cube.sites))

    def _table(self, column: Array, width: int) -> Array:
        """Failed jobs by label and *column*."""
        size = len(self._row_of)
        sums = np.bincount(self._cell_row * width + column, self.snapshot.cube.cell_count, size * width)
        return sums.astype(np.int64).reshape(size, width)


def _parts(jobs: Array, names: Sequence[str], total: int) -> tuple[Part, ...]:
    order = np.argsort(-jobs, kind="stable")[:_NAMED]
    return tuple(Part(names[at], int(jobs[at]), jobs[at] / total) for at in order.tolist() if jobs[at])


def groups_of(
    snapshot: Snapshot,
    plugin: str,
    told: Clustering,
    corrections: Sequence[Correction],
    fitted_at: datetime | None,
) -> Groups:
    """What *plugin* told, with *corrections*. Raises `WwtError` when it left out a workflow."""
    labels = _labels(list(snapshot.cube.workflows), plugin, told.labels)
    labels, made = respected(labels, snapshot, corrections)
    given = {label: str(name) for label, name in dict(told.names).items()}
    words = {**given, **{label: f"as {user} put it" for label, user in made.items()}}
    return Groups(snapshot, plugin, labels, words, fitted_at)


def _labels(names: Sequence[str], plugin: str, told: Mapping[str, int]) -> Array:
    """The label of each name. Raises `WwtError` when one has none, or none that can be counted with."""
    if not isinstance(told, Mapping):
        raise WwtError(f"{plugin}: expected labels by workflow, got {told!r:.80}")
    missing = next((name for name in names if name not in told), None)
    if missing is not None:
        raise WwtError(f"{plugin} gave no label to {missing}; label_workflows labels every row")
    try:
        labels = np.fromiter((told[name] for name in names), np.int64, len(names))
    except (TypeError, ValueError, OverflowError) as error:
        raise WwtError(f"{plugin}: a label is a whole number, -1 for what is like no other: {error}") from error
    if len(labels) and not ALONE <= labels.min() <= labels.max() < _MOST:
        raise WwtError(f"{plugin}: a label is from -1 to {_MOST - 1:,}, got {labels.min():,} to {labels.max():,}")
    return labels


def respected(labels: Array, snapshot: Snapshot, corrections: Sequence[Correction]) -> tuple[Array, dict[int, str]]:
    """*labels* as operators want them for the workflows that they named, and who is behind each new label.

    A clusterer learns more of it, for workflows that nobody named, when it is fitted the next time.
    """
    labels, made = labels.copy(), {}
    find = snapshot.cube.workflows.find
    for said in corrections:
        mine = np.array([at for name in said.workflows if (at := find(name)) >= 0], np.int64)
        others = np.array([at for name in said.others if (at := find(name)) >= 0], np.int64)
        new = int(labels.max(initial=ALONE)) + 1
        if said.kind == "merge" and len(mine) > 1:
            grouped, counts = np.unique(labels[mine][labels[mine] != ALONE], return_counts=True)
            label = int(grouped[counts.argmax()]) if len(grouped) else new
            labels[mine] = label
        elif said.kind == "split" and len(mine) and len(others):
            shared = set(labels[mine].tolist()) & set(labels[others].tolist()) - {ALONE}
            moving = mine[np.isin(labels[mine], list(shared))]
            if not len(moving):
                continue
            labels[moving] = label = new
        else:
            continue
        if label == new:
            made[new] = said.user
    return labels, made
