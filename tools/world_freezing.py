"""Quantile functions of the made-up grid, and the file in which its parameters are frozen."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

WORLD = Path(__file__).parents[1] / "plugins" / "errors" / "world"
KNOTS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
#: How far each knot is moved to give a mean: the tail alone, or more of it where that is not enough.
TAILS = ((0, 0, 0, 0, 0.1, 0.3, 0.7, 1), (0, 0, 0, 0.3, 0.6, 0.8, 1, 1), (1, 1, 1, 1, 1, 1, 1, 1))


def freeze(raw: dict[str, Any]) -> None:
    """Write *raw* into the plugin, and its checksum into the module that reads it."""
    text = json.dumps(raw, separators=(",", ":"), sort_keys=True) + "\n"
    (WORLD / "data" / "parameters.json").write_text(text, encoding="utf-8")
    module = WORLD / "parameters.py"
    found = hashlib.sha256(text.encode()).hexdigest()
    module.write_text(re.sub(r'(?m)^CHECKSUM = ".*"$', f'CHECKSUM = "{found}"', module.read_text()), encoding="utf-8")


def to_mean(knots: list[float], mean: float) -> list[float]:
    """*knots* of values >= 1 with a longer or shorter tail, so that they have *mean*; what is read is rounded."""
    grid = np.log(np.maximum(np.array(knots), 1.0) + 1e-3)
    if grid[-1] < 0.01:  # the sample had only ones
        grid = np.log(np.array([1, 1, 1, 1, 1.6, 2.5, 5, 12.0]))
    u = (np.arange(40_000) + 0.5) / 40_000
    for reach in TAILS:
        low, high = -1.0, 8.0
        for _ in range(50):
            middle = (low + high) / 2
            stretched = np.maximum.accumulate(grid * (1 + middle * np.array(reach)))
            if np.maximum(1, np.floor(np.exp(np.interp(u, KNOTS, stretched)) + 0.5)).mean() < mean:
                low = middle
            else:
                high = middle
        if -0.7 < low < 1.0:
            break
    return [round(float(v), 3) for v in np.exp(stretched)]


def mean_of(knots: list[float]) -> float:
    """The mean of a quantile function, rounded as it is drawn."""
    u = (np.arange(40_000) + 0.5) / 40_000
    return float(np.maximum(1, np.floor(np.exp(np.interp(u, KNOTS, np.log(knots))) + 0.5)).mean())


def share(values: list[Any]) -> list[float]:
    """*values* as parts of their sum."""
    total = sum(values)
    return [round(v / total, 7) for v in values]
