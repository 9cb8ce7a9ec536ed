"""The tree as a file: read when a refresh begins, replaced whole after every round."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from .tree import Grown, Tree

#: Of this layout of the file and this way of masking; another one begins anew.
LAYOUT = 1


def keep(path: Path, tree: Tree) -> None:
    """Write *tree*; what was there stays until all of it is on disk."""
    told = {
        "layout": LAYOUT,
        "round": tree.round,
        "templates": [(one.id, one.words, one.seen) for one in tree.grown.values()],
        "known": list(tree.known.items()),
    }
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(orjson.dumps(told))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read(path: Path, limit: int) -> Tree:
    """The tree kept; an empty one when there is none. Raises ValueError, KeyError or TypeError when it can not be read."""
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return Tree(limit)
    if told["layout"] != LAYOUT:
        raise ValueError(f"it has layout {told['layout']!r}, expected {LAYOUT}")
    grown = [Grown(str(id_), [str(word) for word in words], int(seen)) for id_, words, seen in told["templates"]]
    return Tree.of(limit, int(told["round"]), grown, ((str(digest), str(id_)) for digest, id_ in told["known"]))
