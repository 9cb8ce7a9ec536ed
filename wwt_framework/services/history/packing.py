"""How the history is packed into bytes: rows of plain numbers, byte planes side by side, deflated.

Planes of equal bytes deflate to a third of what rows do, in less time.
Times are seconds since 1970 (UTC), days are days since 1970.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.errors import StoreError
from wwt_framework.model import Readiness

DAY = 86_400

#: One cell of one workflow. ``task`` is an index into its tasks, ``site`` a number of the store;
#: ``ready`` is the readiness of the site when the cell was first seen.
CELL = np.dtype(
    [
        ("task", "<u4"), ("code", "<i4"), ("site", "<u4"), ("ready", "u1"),
        ("count", "<i8"), ("first", "<i8"), ("last", "<i8"),
    ]
)  # fmt: skip
#: The failed jobs of one workflow at the last look of a day.
WORKFLOW_DAY = np.dtype([("day", "<i4"), ("at", "<i8"), ("jobs", "<i8")])
#: The failed jobs of all workflows of a day, by exit code and site; ``workflows`` have some.
PAIR = np.dtype([("code", "<i4"), ("site", "<u4"), ("jobs", "<i8"), ("workflows", "<i4")])
#: A site on a day. ``production`` is an index into PRODUCTION.
SITE_DAY = np.dtype([("site", "<u4"), ("ready", "u1"), ("production", "u1")])

#: The order of readiness in packed rows; never to be changed.
READINESS: Sequence[Readiness] = (Readiness.GREEN, Readiness.YELLOW, Readiness.RED, Readiness.NONE)
#: The order of production status in packed rows; only to be added to. What is not in it is told as the last.
PRODUCTION: Sequence[str] = ("enabled", "drain", "disabled", "test", "unknown")

_FASTEST = 1


def pack(rows: Array) -> bytes:
    """*rows*, of one of the types above, as bytes."""
    planes = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), rows.dtype.itemsize).T
    return zlib.compress(planes.tobytes(), _FASTEST)


def unpack(packed: bytes, kind: np.dtype[np.void], where: str) -> Array:
    """The rows of *packed*; none for none. Raises StoreError, which names *where*, when they can not be read."""
    if not packed:
        return np.zeros(0, kind)
    try:
        planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(kind.itemsize, -1)
    except (zlib.error, ValueError) as err:
        raise StoreError(f"{where} can not be read: {err}; restore a backup of the store") from err
    return np.ascontiguousarray(planes.T).view(kind).reshape(-1)


def joined(parts: Sequence[Array], kind: np.dtype[Any]) -> Array:
    """All rows of *parts*, one after the other. As bytes: numpy would compare the columns of each part."""
    return np.frombuffer(b"".join([part.tobytes() for part in parts]), kind)


def readiness_codes(states: Iterable[Readiness]) -> Array:
    """Places in READINESS, uint8."""
    places = {state: i for i, state in enumerate(READINESS)}
    return np.fromiter((places[state] for state in states), np.uint8)


def merged(workflow: Array, cells: Array, lower: Array) -> tuple[Array, Array]:
    """Each task, exit code and site of a workflow once; *workflow* is the owner of each row. Sorted by owner.

    First seen, and the readiness then, are of the earliest row; last seen and count of the latest one:
    it makes no difference in which order, or how often, rows are merged.
    Where the latest is a *lower* bound (bool), the count is the largest of all.
    """
    order = np.lexsort((cells["count"], cells["last"], cells["site"], cells["code"], cells["task"], workflow))
    owner, rows = workflow[order], cells[order]
    if not len(rows):
        return owner, rows
    other = np.ones(len(rows), bool)
    other[1:] = owner[1:] != owner[:-1]
    for name in ("task", "code", "site"):
        other[1:] |= rows[name][1:] != rows[name][:-1]
    starts = np.flatnonzero(other)
    latest = np.append(starts[1:], len(rows)) - 1
    kept = rows[latest]
    largest = np.maximum.reduceat(rows["count"], starts)
    kept["count"] = np.where(lower[order][latest], largest, kept["count"])
    # The earliest time and the readiness then as one number: the smallest of them.
    first = np.minimum.reduceat(rows["first"] * len(READINESS) + rows["ready"], starts)
    kept["first"], kept["ready"] = np.divmod(first, len(READINESS))
    return owner[starts], kept
