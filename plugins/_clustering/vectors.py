"""Matrices of failed jobs as vectors: features of one kind share one length, whatever their number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wwt_framework.plugin import Matrix

if TYPE_CHECKING:
    from scipy import sparse

Array = NDArray[np.float64]
KINDS = ("code", "site", "type", "log")


def kinds_of(columns: Sequence[str]) -> NDArray[np.int64]:
    """Which of ``KINDS`` each column is of, -1 for none of them."""
    place = {kind: i for i, kind in enumerate(KINDS)}
    return np.fromiter((place.get(name.partition(":")[0], -1) for name in columns), np.int64, len(columns))


def lengths_of(values: sparse.csr_matrix, kind: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """How long each row is in the columns of each kind, (rows, kinds); and for each value where its length stands."""
    row = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    place = (
        row * (len(KINDS) + 1) + kind[values.indices]
    )  # -1, of no kind, is the last place of the row before: cut off
    place[kind[values.indices] < 0] = row[kind[values.indices] < 0] * (len(KINDS) + 1) + len(KINDS)
    data = values.data.astype(np.float64)
    squares = np.bincount(place, data * data, values.shape[0] * (len(KINDS) + 1))
    return np.sqrt(squares).reshape(-1, len(KINDS) + 1), place


def scaled(values: sparse.csr_matrix, factors: Array, place: NDArray[np.int64]) -> sparse.csr_matrix:
    """*values*, each times its factor, (rows, kinds + 1); its indices are shared, not copied."""
    from scipy import sparse  # a third of a second, and few need it

    data = values.data * factors.ravel()[place]
    return sparse.csr_matrix((data, values.indices, values.indptr), values.shape)


def weighted(matrix: Matrix, weights: Sequence[float]) -> sparse.csr_matrix:
    """Rows of length 1 (0 where nothing failed): *weights* say how much each of ``KINDS`` counts.

    Two rows that have nothing but one kind in common, and that wholly, are alike to the share of that kind's weight.
    Of templates it counts whether one occurs, not how often: logs are samples.
    """
    from scipy import sparse

    values = matrix.values.tocsr()
    kind = kinds_of(matrix.columns)
    data = np.where(kind[values.indices] == KINDS.index("log"), 1.0, values.data)
    values = sparse.csr_matrix((data, values.indices, values.indptr), values.shape)
    lengths, place = lengths_of(values, kind)
    share = np.append(np.asarray(weights, float), 0.0)
    whole = np.sqrt(((lengths > 0) * share).sum(axis=1, keepdims=True))
    below = lengths * whole
    factors = np.divide(np.sqrt(share), below, out=np.zeros_like(lengths), where=below > 0)
    return scaled(values, factors, place)


def joined(history: Matrix, current: Matrix) -> Matrix:
    """Both, with the columns of both; a workflow that is in both is as it is now."""
    from scipy import sparse

    columns = sorted({*history.columns, *current.columns})
    old = [at for at, name in enumerate(history.rows) if row_of(current, name) < 0]
    past = placed(history, columns)[old]
    names = [*(history.rows[at] for at in old), *current.rows]
    return Matrix(names, columns, sparse.vstack([past, placed(current, columns)], format="csr"))


def placed(matrix: Matrix, columns: Sequence[str]) -> sparse.csr_matrix:
    """The values of *matrix* under *columns*; what is not among these is left out."""
    from scipy import sparse

    values = matrix.values.tocsr()
    if list(matrix.columns) == list(columns):
        return values
    place = {name: at for at, name in enumerate(columns)}
    to = np.fromiter((place.get(name, -1) for name in matrix.columns), np.int64, len(matrix.columns))
    found = [at for at in range(len(to)) if to[at] >= 0]
    moved = sparse.csr_matrix((np.ones(len(found)), (found, to[found])), shape=(len(to), len(columns)))
    return (values @ moved).tocsr()


def row_of(matrix: Matrix, workflow: str) -> int:
    """Where *workflow* stands among the rows, which are sorted; -1 when it is not there."""
    at = bisect_left(matrix.rows, workflow)
    return at if at < len(matrix.rows) and matrix.rows[at] == workflow else -1
