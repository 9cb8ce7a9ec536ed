"""The clusterer end to end beside the original's: ``python -m benchmarks.clusterer SIZE...``, numbers of workflows.

From an errors file to a fit of 20 groups from 30 starts over the same vectors, each in a process of its own, on one
thread, ours and the original's in turns. Ours reads the file, writes the snapshot, opens it and fits what is in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson

from benchmarks import generate, original
from benchmarks.house import Cost, cost, middle
from benchmarks.server import environ
from wwt_framework.plugin import Corpus
from wwt_framework.services.alike.features import matrix_of
from wwt_framework.snapshot import SnapshotParts, open_snapshot, write
from wwt_framework.testing import contract_matrix
from wwt_framework.testing.running import running
from wwt_plugins.errors.json_file.columns import to_columns

FILES = Path("build/bench")
#: Workflows above which the original is left alone: it takes minutes and gigabytes.
_WITH_ORIGINAL = 20_000
_RUNS = 5


def ours(path: Path) -> dict[str, Any]:
    """What our side costs on the errors file at *path*, and its inertia."""
    import sklearn.cluster  # noqa: F401  # both sides have loaded them before

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        plugin = running("clustering.error_vectors", {}, folder)
        reports: list[Any] = []

        def work() -> None:
            at, model = folder / "v1", folder / "model"
            at.mkdir()
            model.mkdir()
            columns = to_columns(orjson.loads(path.read_bytes()))
            assert columns is not None  # a file that we made has nothing to be looked at closer
            write(at, SnapshotParts("v1", datetime.now(timezone.utc), (), columns))
            corpus = Corpus(matrix_of(open_snapshot(at)), contract_matrix({}))
            reports.append(plugin.ask("fit_clusters", corpus=corpus, into=model, progress=lambda *_: None))

        took = cost(work)
        plugin.stop()
    return {"took": took, "inertia": reports[0].numbers["inertia"]}


def _ours_once(path: Path) -> tuple[Cost, float]:
    words = [sys.executable, "-m", "benchmarks.clusterer", "--ours", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environ())
    told = json.loads(done.stdout.splitlines()[-1])
    return Cost(*told["took"]), told["inertia"]


def compared(size: int) -> Iterator[str]:
    """Lines about *size* workflows."""
    folder = FILES / str(size)
    path = generate.write(folder, size)
    yield f"{size:,} workflows; load {os.getloadavg()[0]:.1f}"
    runs = [_ours_once(path) for _ in range(_RUNS // 2)]
    theirs = {}
    if size <= _WITH_ORIGINAL:
        theirs = {repaired: original.measure_clusterer(folder, repaired) for repaired in (False, True)}
    runs += [_ours_once(path) for _ in range(_RUNS - len(runs))]
    took, inertia = middle(one for one, _ in runs), runs[0][1]
    yield f"    ours: {took.cpu:.2f} s of the processor, {took.wall:.2f} s by the clock, inertia {inertia:.1f}; load {os.getloadavg()[0]:.1f}"
    for repaired, told in theirs.items():
        name = "the original repaired" if repaired else "the original"
        if told is None:
            yield f"    {name}: {original.why_not() or 'failed'}"
            continue
        its, its_inertia = told
        yield (
            f"    {name}: {its.cpu:.1f} s, {its.wall:.1f} s by the clock: {its.cpu / took.cpu:.1f} x; "
            f"inertia {its_inertia:.1f}, ours is {100 * inertia / its_inertia - 100:+.2f} %"
        )


def main() -> None:
    if sys.argv[1] == "--ours":
        print(json.dumps(ours(Path(sys.argv[2]))))
        return
    for size in sys.argv[1:]:
        for line in compared(int(size)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
