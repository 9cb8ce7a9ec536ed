"""Which rows are nearest to one, and what they have in common."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wwt_framework.model import Similar
from wwt_framework.plugin import Matrix

from .vectors import row_of

if TYPE_CHECKING:
    from scipy import sparse

#: Features that are named for each neighbour, of what is shared and of what is not.
REASONS = 4
#: What is less than this part of the larger one is a difference.
_MUCH = 0.25


@dataclass(frozen=True, eq=False)
class Space:
    """Rows as vectors, with the squares of their lengths."""

    vectors: sparse.csr_matrix
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: sparse.csr_matrix) -> Space:
        row = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
        data = vectors.data.astype(np.float64)
        squares: NDArray[np.float64] = np.bincount(row, data * data, vectors.shape[0])  # type: ignore[assignment]  # float by its weights
        return cls(vectors, squares)

    def distances(self, at: int) -> NDArray[np.float64]:
        """From the row *at* to every row, euclidean."""
        dense = np.zeros(self.vectors.shape[1], self.vectors.dtype)
        mine = slice(self.vectors.indptr[at], self.vectors.indptr[at + 1])
        dense[self.vectors.indices[mine]] = self.vectors.data[mine]
        found: NDArray[np.float64] = np.maximum(self.squares + self.squares[at] - 2.0 * (self.vectors @ dense), 0.0)
        np.sqrt(found, out=found)
        return found


class Kept:
    """The space of the matrix that was asked about last: pages ask about the same one again and again."""

    def __init__(self, make: Callable[[Matrix], sparse.csr_matrix]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._of: Callable[[], Any] = lambda: None
        self._space: Space | None = None

    def space(self, matrix: Matrix) -> Space:
        """The space of *matrix*."""
        with self._lock:
            if self._space is None or self._of() is not matrix.values:
                self._space, self._of = Space.of(self._make(matrix)), weakref.ref(matrix.values)
            return self._space


def similar(
    space: Space, matrix: Matrix, workflow: str, n: int, scale: Callable[[float], float], most: float = np.inf
) -> Sequence[Similar]:
    """The *n* workflows nearest to *workflow*, and why; none for one that is unknown or has no errors.

    *scale*: the euclidean distance as it is told. Those farther than *most* are left out.
    """
    at = row_of(matrix, workflow)
    if at < 0 or not space.squares[at] or n < 1:
        return ()
    distances = space.distances(at)
    distances[space.squares == 0] = np.inf
    distances[at] = np.inf
    n = min(n, len(distances) - 1)
    if n < 1:
        return ()
    found = np.argpartition(distances, n - 1)[:n]
    # What is equally far comes in the order of names, wherever the partition has put it.
    edge = distances[found].max()
    found = np.union1d(np.flatnonzero(distances < edge), np.flatnonzero(distances == edge)[:n])
    order = found[np.lexsort((found, distances[found]))][:n]
    return [_reasons(space, matrix, at, to, scale(float(distances[to]))) for to in order if distances[to] <= most]


def _reasons(space: Space, matrix: Matrix, at: int, to: int, distance: float) -> Similar:
    """Shared features by what they add to the product, others by what they add to the distance."""
    here, there = (_row(space.vectors, row) for row in (at, to))
    products = sorted(((value * there[c], c) for c, value in here.items() if c in there), key=lambda p: (-p[0], p[1]))
    gaps = [
        (abs(here.get(c, 0.0) - there.get(c, 0.0)), c)
        for c in {*here, *there}
        if min(here.get(c, 0.0), there.get(c, 0.0)) < _MUCH * max(here.get(c, 0.0), there.get(c, 0.0))
    ]
    differs = sorted(gaps, key=lambda gap: (-gap[0], gap[1]))
    columns = matrix.columns
    return Similar(
        matrix.rows[to],
        distance,
        tuple(columns[c] for _, c in products[:REASONS]),
        tuple(columns[c] for gap, c in differs[:REASONS] if gap > 0),
    )


def _row(vectors: sparse.csr_matrix, at: int) -> dict[int, float]:
    mine = slice(vectors.indptr[at], vectors.indptr[at + 1])
    pairs = zip(vectors.indices[mine].tolist(), vectors.data[mine].tolist(), strict=True)
    return {column: value for column, value in pairs if value}
