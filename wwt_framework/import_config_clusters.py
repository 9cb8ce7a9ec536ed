"""The original's ``cluster:`` to options of ``clustering.error_vectors``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from wwt_framework.config_messages import quote

Keys = tuple[Any, ...]

_NUMBERS = ("distance", "width", "midpoint")
#: What there may be under ``cluster:``, all of which has a home here.
CLUSTER_KEYS: set[Keys] = {
    ("cluster", "n_clusters"),
    ("cluster", "n_init"),
    ("cluster", "skip"),
    *(("cluster", axis, key) for axis in ("sitename", "errorcode") for key in _NUMBERS),
}


@dataclass
class Clusters:
    """What becomes of it."""

    options: dict[str, Any] = field(default_factory=dict)
    skip: bool = False  # nothing is grouped: nothing is listed
    carried: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def clusters(found: Mapping[Keys, Any]) -> Clusters:
    """Options of ``clustering.error_vectors``, of those of *found* that are under ``cluster``."""
    told = Clusters()
    for keys, value in sorted(_mine(found)):
        origin = ".".join(map(str, keys))
        if keys[1] == "skip":
            told.skip = value is True
            words = "nothing is listed under clustering" if told.skip else "clustering.error_vectors is listed"
            told.carried.append(f"{origin} -> {words}")
        elif why := _refusal(keys, value):
            told.left.append(f"{origin}: {why}; the default is taken")
        else:
            inner = told.options if len(keys) == 2 else told.options.setdefault(keys[1], {})
            inner[keys[-1]] = value
            told.carried.append(f"{origin} -> clustering.error_vectors.{'.'.join(keys[1:])}: {quote(value)}")
    return told


def _mine(found: Mapping[Keys, Any]) -> Iterator[tuple[Keys, Any]]:
    return ((keys, value) for keys, value in found.items() if keys in CLUSTER_KEYS)


def _refusal(keys: Keys, value: Any) -> str:
    """Why *value* can not be carried over; "" when it can."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    if keys[1] in ("n_clusters", "n_init"):
        return (
            ""
            if is_number and value == int(value) and 1 <= value <= 1000
            else _expected("a whole number from 1 to 1000", value)
        )
    if keys[-1] == "midpoint":
        return "" if is_number and value > 0 else _expected("a number above 0", value)
    return "" if is_number and value >= 0 else _expected("a number of at least 0", value)


def _expected(what: str, value: Any) -> str:
    return f"expected {what}, got {quote(value)}"
