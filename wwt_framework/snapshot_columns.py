"""All columns of a snapshot in one file, mapped into memory by whoever reads it.

One file, because each file costs an ``fsync`` when it is written and an ``open`` in every process that reads it:
for a thousand workflows that is most of what a refresh takes. A line that names the layout, the length of a
JSON object, the object: name -> [type, length, place], then the columns.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson

from wwt_framework.cube import Array

_MAGIC = b"wwt columns 1 \n\0"  # 16 bytes
#: Columns begin at multiples of this: no number lies across the border of what a processor reads at once.
_ALIGNED = 64


def write_columns(path: Path, columns: Mapping[str, Array]) -> None:
    """Write *columns*, each of one dimension and of plain numbers."""
    places: dict[str, tuple[str, int, int]] = {}
    end = 0
    for name, column in columns.items():
        places[name] = column.dtype.str, len(column), end
        end += -(-column.nbytes // _ALIGNED) * _ALIGNED
    head = orjson.dumps(places)
    with path.open("wb") as file:
        file.write(_MAGIC + len(head).to_bytes(8, "little") + head)
        begin = _begin(len(head))
        for name, column in columns.items():
            file.seek(begin + places[name][2])
            file.write(np.ascontiguousarray(column).data)
        file.truncate(begin + end)


def map_columns(path: Path) -> dict[str, Array]:
    """What ``write_columns`` wrote. Raises OSError when it is missing, ValueError when it is cut off or something else."""
    with path.open("rb") as file:
        mapped = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    if mapped[:16].tobytes() != _MAGIC:
        raise ValueError(f"{path.name} does not hold columns of this program")
    length = int.from_bytes(mapped[16:24].tobytes(), "little")
    begin = _begin(length)
    columns: dict[str, Array] = {}
    for name, (kind, rows, place) in orjson.loads(mapped[24 : 24 + length].tobytes()).items():
        column = mapped[begin + place : begin + place + rows * np.dtype(kind).itemsize].view(kind)
        if len(column) != rows:
            raise ValueError(f"{path.name} is cut off in {name}")
        columns[name] = column
    return columns


def _begin(length: int) -> int:
    """Where the columns begin behind a head of *length* bytes."""
    return -(-(24 + length) // _ALIGNED) * _ALIGNED
