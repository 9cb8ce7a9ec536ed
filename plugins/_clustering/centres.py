"""Centres of groups: who is nearest to which, what operators corrected, and how they are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wwt_framework.errors import WwtError
from wwt_framework.model import NO_SITES, Clustering
from wwt_framework.plugin import Correction, Matrix

from .vectors import KINDS

if TYPE_CHECKING:
    from scipy import sparse

Dense = NDArray[np.float64]
#: Rows that are compared with all centres at a time.
_BATCH = 20_000
#: A feature is named when it is at least this part of the heaviest one of its kind; and so many of each kind.
_NAMED, _MOST = 0.3, 3


@dataclass(frozen=True, eq=False)
class Centres:
    """Points, and the label of the group that each is a centre of: after a merge a group has several.

    *cut*: rows farther than this from every centre are like no other (label -1). Rows without errors always are,
    unless there is a centre at zero.
    """

    columns: tuple[str, ...]
    points: Dense  # (centres, columns)
    labels: NDArray[np.int64]  # (centres,)
    cut: float = float("inf")

    def nearest(self, vectors: sparse.csr_matrix) -> NDArray[np.int64]:
        """The centre of each row; -1 for rows that are like no other."""
        found = np.full(vectors.shape[0], -1, np.int64)
        if not len(self.points):
            return found
        lengths = np.einsum("ij,ij->i", self.points, self.points)
        for first in range(0, vectors.shape[0], _BATCH):
            rows = vectors[first : first + _BATCH]
            squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
            far = squares[:, None] + lengths[None] - 2.0 * (rows @ self.points.T)
            best = far.argmin(axis=1)
            near = far[np.arange(len(best)), best] <= self.cut**2 + 1e-9
            found[first : first + _BATCH] = np.where(near, best, -1)
        return found

    def clustering(self, matrix: Matrix, vectors: sparse.csr_matrix) -> Clustering:
        """The group of every row."""
        nearest = self.nearest(vectors)
        labels = np.where(nearest >= 0, self.labels[nearest] if len(self.labels) else -1, -1)
        labels[np.diff(matrix.values.indptr) == 0] = -1
        return Clustering(dict(zip(matrix.rows, labels.tolist(), strict=True)), self.names())

    def names(self) -> dict[int, str]:
        """Label -> what weighs most in its centres."""
        return {label: self._name(self.points[self.labels == label].sum(axis=0)) for label in set(self.labels.tolist())}

    def _name(self, weights: Dense) -> str:
        words = []
        for kind in KINDS[:2]:
            mine = [
                (weights[at], name.partition(":")[2]) for at, name in enumerate(self.columns) if name.startswith(kind)
            ]
            heavy = sorted((one for one in mine if one[0] > 0), key=lambda one: (-one[0], one[1]))
            words.append([name for weight, name in heavy[:_MOST] if weight >= _NAMED * heavy[0][0]])
        codes = f"exit code{'s' if len(words[0]) > 1 else ''} {', '.join(words[0])}" if words[0] else "no exit code"
        if len(words[1]) != 1:
            return codes
        (site,) = words[1]
        return f"{codes}, mostly {NO_SITES.get(site, f'at {site}')}"


def corrected(
    centres: Centres, rows: Sequence[str], vectors: sparse.csr_matrix, corrections: Sequence[Correction]
) -> Centres:
    """*centres* as operators want them, in the order of what they said; *vectors* are of *rows*."""
    place = {name: at for at, name in enumerate(rows)}
    for said in corrections:
        mine = [place[name] for name in said.workflows if name in place]
        others = [place[name] for name in said.others if name in place]
        if said.kind == "merge":
            centres = _merged(centres, vectors[mine])
        elif mine and others:
            centres = _split(centres, vectors[mine], vectors[others])
    return centres


def _merged(centres: Centres, vectors: sparse.csr_matrix) -> Centres:
    """One label for all groups that *vectors* are in; what is like no other becomes a centre of it."""
    nearest = centres.nearest(vectors)
    labels = sorted({int(label) for label in centres.labels[nearest[nearest >= 0]]})
    alone = np.flatnonzero(nearest < 0)
    if len(labels) + len(alone) < 2:
        return centres
    label = labels[0] if labels else _new_label(centres)
    changed = np.where(np.isin(centres.labels, labels), label, centres.labels)
    points = np.vstack([centres.points, vectors[alone].toarray()])
    return replace(centres, points=points, labels=np.append(changed, np.full(len(alone), label)))


def _split(centres: Centres, mine: sparse.csr_matrix, others: sparse.csr_matrix) -> Centres:
    """Where both sides have the same group, *mine* get a centre and a label of their own, *others* keep theirs."""
    label_of = np.append(centres.labels, -1)  # the last one: like no other
    near_mine, near_others = centres.nearest(mine), centres.nearest(others)
    shared = set(label_of[near_mine].tolist()) & set(label_of[near_others].tolist()) - {-1}
    if not shared:
        return centres
    moving = np.isin(label_of[near_mine], list(shared))
    staying = np.isin(label_of[near_others], list(shared))
    new = np.asarray(mine[moving].mean(axis=0))
    old = [
        np.asarray(others[staying & (near_others == centre)].mean(axis=0))
        for centre in sorted(set(near_others[staying].tolist()))
    ]
    kept = ~np.isin(np.arange(len(centres.points)), near_others[staying])
    points = np.vstack([centres.points[kept], *old, new])
    kept_labels = [label_of[centre] for centre in sorted(set(near_others[staying].tolist()))]
    labels = np.concatenate([centres.labels[kept], kept_labels, [_new_label(centres)]]).astype(np.int64)
    return replace(centres, points=points, labels=labels)


def _new_label(centres: Centres) -> int:
    return int(centres.labels.max(initial=-1)) + 1


# -- keeping --

_POINTS, _WORDS = "centres.npz", "centres.json"


def keep(folder: Path, centres: Centres, **more: Any) -> None:
    """Write *centres* into *folder*, with *more* beside them: what they were made with."""
    np.savez(folder / _POINTS, points=centres.points, labels=centres.labels)
    cut = None if centres.cut == float("inf") else centres.cut
    (folder / _WORDS).write_text(json.dumps({"columns": centres.columns, "cut": cut, **more}), encoding="utf-8")


def kept(folder: Path) -> tuple[Centres, dict[str, Any]]:
    """What ``keep`` wrote. Raises `WwtError` when it is not whole."""
    try:
        told = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
        with np.load(folder / _POINTS, allow_pickle=False) as arrays:
            points, labels = arrays["points"], arrays["labels"]
        cut = told.pop("cut")
        centres = Centres(tuple(told.pop("columns")), points, labels, float("inf") if cut is None else float(cut))
        if points.shape != (len(labels), len(centres.columns)):
            raise ValueError(f"{points.shape} points for {len(labels)} labels and {len(centres.columns)} columns")
    except (OSError, ValueError, KeyError, TypeError, EOFError) as err:
        raise WwtError(f"{folder}: this model is not whole ({type(err).__name__}: {err}); fit again") from err
    return centres, told
