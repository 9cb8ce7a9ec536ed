"""Numbers that tell of which snapshot they are.

Each refresh of a soak finds a file in which every count is a multiple of a prime of its own, above a million. So is
every sum of them, on whatever page, in whatever order; nothing else on a page is a number above a million. Which prime
a snapshot has is read from its columns, not from pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks import generate
from benchmarks.server import QUIET, Got
from wwt_framework.snapshot_columns import map_columns

#: Where primes begin: no page has a number as large that is not of failed jobs.
LEAST = 1_000_000


def primes() -> Iterator[int]:
    """Primes above a million, upwards."""
    n = LEAST
    while True:
        n += 1
        if all(n % d for d in range(2, int(n**0.5) + 1)):
            yield n


def marked(cells: generate.Cells, prime: int) -> bytes:
    """The errors file of *cells*, every count a multiple of *prime*; not-reported ones, too, which carry 0 otherwise."""
    counts = np.maximum(cells.count, 1) * prime
    return orjson.dumps(generate.as_json(generate.Cells(cells.tasks, cells.task, cells.code, cells.site, counts)))


def prime_of(folder: Path) -> int:
    """What all counts of the snapshot in *folder* have in common."""
    return int(np.gcd.reduce(map_columns(folder / "columns.bin")["cell_count"]))


_GROUPED = re.compile(r"(?<![\d\u202f])\d{1,3}(?:\u202f\d{3}){2,}(?!\d)")
_SPLIT = re.compile(r'data-s="([^"]*)"')
_PAST = re.compile(r'<figure class="trend".*?</figure>', re.DOTALL)
_FOOT = re.compile(r'data-snapshot="([^"]*)"')


def numbers(got: Got) -> list[int]:
    """The numbers above a million on a page, in its split cells, or in JSON; trends show other snapshots, too."""
    text = got.body.decode()
    if got.headers["content-type"].startswith("application/json"):
        return list(_integers(orjson.loads(text)))
    text = _PAST.sub("", text)
    parts = [part.partition(".")[2] for split in _SPLIT.findall(text) for part in split.split()]
    return [int(number.replace("\u202f", "")) for number in _GROUPED.findall(text)] + [int(part) for part in parts]


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _integers(one)
    elif isinstance(value, int) and value >= LEAST:
        yield value


def complaint(got: Got, prime: int) -> str:
    """What is wrong with an answer that says it is of the snapshot with *prime*; "" when nothing is."""
    version = got.headers["x-snapshot"]
    feet = _FOOT.findall(got.body.decode()) if "html" in got.headers["content-type"] else []
    if any(foot != version for foot in feet):
        return f"{got.address}: its head says {version}, its foot {feet[0]}"
    told = numbers(got)
    if not told and got.kind not in QUIET:
        return f"{got.address}: no number of failed jobs on it, so nothing could be checked"
    strange = next((number for number in told if number % prime), None)
    return "" if strange is None else f"{got.address}: {strange} is not of snapshot {version} (a multiple of {prime})"
