"""The eight colours of the pies and the grey, as eyes with each kind of colour blindness see them.

Simulation: G. Machado, M. Oliveira, L. Fernandes, IEEE TVCG 15 (2009) 1291, severity 1.0, in linear RGB.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

EYES = {
    "most eyes": np.eye(3),
    "no red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "no green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "no blue": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
JUST_SEEN_APART = 12.0  # CIE 1976 distance; 2.3 is the least that is noticed at all


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ np.clip(rgb, 0, 1), 0.008856 * WHITE) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def palettes(root: Path) -> dict[str, dict[str, str]]:
    css = (root / "wwt_framework" / "web" / "static" / "wwt.css").read_text()
    light, dark, *_ = re.findall(r"\{[^{}]*--rank-1:[^{}]*\}", css)
    return {
        name: dict(re.findall(r"--(rank-\w+|background): (#[0-9a-f]{6});", block))
        for name, block in (("light", light), ("dark", dark))
    }


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_p5_colours_are_told_apart(root: Path, theme: str, eyes: str) -> None:
    seen = {name: lab(EYES[eyes] @ linear(colour)) for name, colour in palettes(root)[theme].items()}
    assert len(seen) == 10

    near = {
        f"{a}, {b}": round(float(np.linalg.norm(seen[a] - seen[b])), 1)
        for a, b in combinations(seen, 2)
        if np.linalg.norm(seen[a] - seen[b]) < JUST_SEEN_APART
    }

    assert near == {}
