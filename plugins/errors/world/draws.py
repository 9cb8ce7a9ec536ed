"""Random draws by counting: a draw is a function of seed, stream and number, so that any one can be made alone.

A chain of SplitMix64 finalisers (G. Steele, D. Lea, C. Flood: Fast splittable pseudorandom number generators, 2014),
over whole columns at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


def _mixed(x: Array) -> Array:
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def bits(start: int | Array, *keys: int | Array) -> Array:
    """64 random bits for each element of *start* and *keys*, which broadcast; always an array of one axis or more."""
    found = np.array(start & _WORD if isinstance(start, int) else start, np.uint64, ndmin=1)
    found = _mixed(found + np.uint64(_GOLDEN))
    for key in keys:
        if isinstance(key, int):
            found = _mixed(found + np.uint64((key * _GOLDEN + 1) & _WORD))
        else:
            found = _mixed(found + np.asarray(key).astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(1))
    return found


def uniform(start: int | Array, *keys: int | Array) -> Array:
    """Numbers in [0, 1)."""
    found: Array = (bits(start, *keys) >> np.uint64(11)) * 2.0**-53
    return found


def normal(start: int | Array, *keys: int | Array) -> Array:
    """Standard normal numbers (G. Box, M. Muller, 1958)."""
    one, two = uniform(start, *keys, 1), uniform(start, *keys, 2)
    found: Array = np.sqrt(-2 * np.log1p(-one)) * np.cos(2 * np.pi * two)
    return found


def below(x: Array) -> Array:
    """How much of a standard normal lies below *x*, to 2e-4 (S. Bowling et al., JIEM 2, 2009)."""
    found: Array = 1 / (1 + np.exp(-1.5976 * x - 0.07056 * x**3))
    return found


def pick(shares: Array, u: Array) -> Array:
    """The index that each *u* falls on when 0..1 is laid out in *shares*, which need not add up to 1."""
    ends = np.cumsum(shares)
    found: Array = np.minimum(np.searchsorted(ends, u * ends[-1], "right"), len(ends) - 1)
    return found


def pick_rows(ends: Array, row: Array, u: Array) -> Array:
    """As `pick`, with a row of cumulated shares for each; *ends* has (rows, choices) and ends in 1."""
    flat = (ends + np.arange(len(ends))[:, None]).ravel()
    found = np.searchsorted(flat, row + u, "right") - row * ends.shape[1]
    last: Array = np.minimum(found, ends.shape[1] - 1)
    return last
