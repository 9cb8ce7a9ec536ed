"""Workflows that fail alike: how fast, and how near to the causes that nobody sees (``python -m benchmarks.alike``).

python -m benchmarks.alike speed FILE...     G6 and G7 on errors files, as `benchmarks.generate` writes them
python -m benchmarks.alike tried SIZE...     all that was tried, on the made-up grid, as a table
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from scipy import sparse

from benchmarks.table import time_words
from wwt_framework.cube import ErrorColumns, ErrorCube
from wwt_framework.model import LogExcerpt, Workflow
from wwt_framework.plugin import Corpus, Matrix
from wwt_framework.services.alike.features import matrix_of
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write
from wwt_framework.testing import contract_matrix
from wwt_framework.testing.doors import ComputeHere
from wwt_framework.testing.running import running
from wwt_plugins._clustering.vectors import weighted
from wwt_plugins.clustering.error_vectors import Shell, error_vectors, fit
from wwt_plugins.errors.json_file.columns import to_columns
from wwt_plugins.errors.world.grid import Grid
from wwt_plugins.errors.world.parameters import load
from wwt_plugins.errors.world.words import excerpts

AT = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
#: Workflows above which the made-up grid's logs are left out: they take longer than all the rest.
WITH_LOGS = 20_000
ASKED = 400


def timed(work: Callable[[], Any], runs: int = 1) -> tuple[float, Any]:
    """The median of the time by the clock, and the last answer."""
    found, value = [], None
    for _ in range(runs):
        began = time.perf_counter()
        value = work()
        found.append(time.perf_counter() - began)
    return float(np.median(found)), value


# -- speed ---------------------------------------------------------------------


def speed(path: Path) -> Iterator[str]:
    """G6 and G7 on one errors file."""
    load, columns = timed(lambda: to_columns(orjson.loads(path.read_bytes())))
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder) / "v1"
        at.mkdir()
        build, _ = timed(lambda: write(at, SnapshotParts("v1", AT, (), columns)))
        snapshot = open_snapshot(at)
        yield from _speed_of(snapshot, load, build, Path(folder))


def _speed_of(snapshot: Snapshot, load: float, build: float, folder: Path) -> Iterator[str]:
    rows = len(snapshot.cube.workflows)
    yield f"{rows:,} workflows, {len(snapshot.cube):,} cells: read {time_words(load)}, written {time_words(build)}"
    bound, _ = timed(lambda: _bound(snapshot.cube), 3)
    matrix_s, matrix = timed(lambda: matrix_of(snapshot), 3)
    shells = Shell(distance=2.0, width=0.4), Shell()
    vector_s, vectors = timed(lambda: error_vectors(matrix, *shells), 3)
    ours = matrix_s + vector_s
    yield f"vectors: matrix {time_words(matrix_s)} + formula {time_words(vector_s)}; {ours / bound:.2f} x bare CSR ({time_words(bound)}), goal 3"
    used = vectors[:, [at for at, name in enumerate(matrix.columns) if name[:4] in ("code", "site")]]
    fit_s, (_, inertia) = timed(lambda: fit(used, 20, 30, 0, ComputeHere(), lambda *_: None))
    yield f"G6: read, matrix, vectors, fit of 20 groups from 30 starts: {time_words(load + build + ours + fit_s)}; fit {time_words(fit_s)}, inertia {inertia:.2f}"
    if rows <= WITH_LOGS:
        from sklearn.cluster import KMeans

        plain_s, plain = timed(lambda: KMeans(20, n_init=30, random_state=1).fit(used.toarray()))
        yield f"    plain k-means, 30 starts on all: {time_words(plain_s)}, inertia {plain.inertia_:.2f}: ours is {100 * inertia / plain.inertia_ - 100:+.2f} %"
    for name in ("nearest", "patterns", "error_vectors"):
        it = running(f"clustering.{name}", {}, folder)
        asked = np.random.default_rng(0).choice(rows, 50, replace=False).tolist()
        first, _ = timed(
            partial(it.ask, "find_similar", workflow=matrix.rows[asked[0]], matrix=matrix, model=None, n=10)
        )
        times = [
            timed(partial(it.ask, "find_similar", workflow=matrix.rows[at], matrix=matrix, model=None, n=10))[0]
            for at in asked
        ]
        yield f"G7: ten most similar with reasons, {name}: median {time_words(float(np.median(times)))}, worst {time_words(max(times))}; the first {time_words(first)}"
        if it.has("fit_clusters"):
            model = folder / name
            model.mkdir()
            corpus = Corpus(matrix, contract_matrix({}))
            took, report = timed(partial(it.ask, "fit_clusters", corpus=corpus, into=model, progress=lambda *_: None))
            label, _ = timed(partial(it.ask, "label_workflows", matrix=matrix, model=model))
            yield f"    {name}: {report.text}: fit {time_words(took)}, labels {time_words(label)}"
        it.stop()
    yield f"    peak of memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def _bound(cube: ErrorCube) -> Any:
    """The vectors as bare CSR, as `bounds.py` of the yardstick makes them."""
    blocks = []
    for column, width, (d, w, m) in (
        (cube.cell_code, len(cube.codes), (2.0, 0.4, 50.0)),
        (cube.cell_site, len(cube.sites), (1.0, 0.2, 50.0)),
    ):
        counts = sparse.csr_matrix(
            (cube.cell_count.astype(float), (cube.cell_workflow, column)), shape=(len(cube.workflows), width)
        )
        counts.sum_duplicates()
        length = np.sqrt(np.asarray(counts.multiply(counts).sum(1)).ravel())
        length[length == 0] = 1
        blocks.append(sparse.diags((d / 1.4142 + 2 * w * (length / (length + m) - 0.5)) / length) @ counts)
    return sparse.hstack(blocks, format="csr")


# -- what was tried ------------------------------------------------------------


def made(size: int, folder: Path) -> tuple[Snapshot, Any]:
    """A snapshot of the made-up grid, and the cause behind most failed jobs of each workflow; -1: none."""
    grid = Grid(size, 1, 14 * 86400, "acted")
    state = grid.state(AT)
    columns: ErrorColumns = state.columns()
    workflows: list[Workflow] = list(state.workflows())
    logs = _logs(state) if size <= WITH_LOGS else ()
    miner = running("clustering.log_templates", {}, folder)
    folder.joinpath("v1").mkdir()
    parts = SnapshotParts("v1", AT, workflows, columns, logs=logs)
    write(folder / "v1", parts, lambda texts: miner.ask("mine_templates", texts=texts))
    miner.stop()
    snapshot = open_snapshot(folder / "v1")
    place = {name: at for at, name in enumerate(snapshot.cube.workflows)}
    jobs = np.zeros((len(place), len(load().causes)))
    for failed, (count, _) in zip(state.grown.failed, state._shown, strict=True):  # noqa: SLF001  # the truth is nowhere else
        work = failed.step_work[failed.pair_step[failed.cell_pair]]
        there = np.flatnonzero(count > 0)
        row_of = {row: place[state.grown.name(row)] for row in np.unique(work[there]).tolist()}
        rows = np.array([row_of[row] for row in work[there].tolist()], np.int64)
        np.add.at(jobs, (rows, failed.pair_cause[failed.cell_pair[there]]), count[there])
    return snapshot, np.where(jobs.sum(axis=1) > 0, jobs.argmax(axis=1), -1)


def _logs(state: Any) -> Iterator[tuple[str, LogExcerpt]]:
    for row in state.rows.tolist():
        of = state.made_row(row)
        for excerpt in excerpts(of, frozenset(one.exit_code for one in of.failings), True):
            yield of.workflow.name, excerpt


def tried(size: int) -> Iterator[str]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        snapshot, cause = made(size, folder)
        matrix = matrix_of(snapshot)
        for name, labels, seconds in _groupings(matrix, folder, size):
            yield _score(f"{size:,}", name, np.asarray(labels), cause, seconds)
        for name, weights in (
            ("codes", [1, 0, 0, 0]),
            ("nearest without messages", [1, 0.05, 0.1, 0]),
            ("nearest", [1, 0.05, 0.1, 0.3]),
        ):
            yield _score_near(f"{size:,}", name, weighted(matrix, weights), cause)
        yield _score_near(
            f"{size:,}", "error_vectors", error_vectors(matrix, Shell(distance=2.0, width=0.4), Shell()), cause
        )


def _groupings(matrix: Matrix, folder: Path, size: int) -> Iterator[tuple[str, Any, float]]:
    from sklearn.cluster import DBSCAN, KMeans

    codes = matrix.values[:, [at for at, name in enumerate(matrix.columns) if name.startswith("code:")]]
    took, main = timed(lambda: np.asarray(codes.argmax(axis=1)).ravel())
    yield "most frequent exit code", main, took
    for name, options in (
        ("error_vectors", {}), *((f"patterns, cut {cut}", {"cut": cut}) for cut in (0.35, 0.45, 0.55, 0.65)),
        ("patterns without messages", {"log": 0.0}), ("patterns of codes alone", {"log": 0.0, "site": 0.0, "type": 0.0}),
    ):  # fmt: skip
        it = running(f"clustering.{name.split(',')[0].split()[0]}", options, folder)
        model = Path(tempfile.mkdtemp(dir=folder))
        corpus = Corpus(matrix, contract_matrix({}))
        took, _ = timed(partial(it.ask, "fit_clusters", corpus=corpus, into=model, progress=lambda *_: None))
        labels = it.ask("label_workflows", matrix=matrix, model=model).labels
        yield name, [labels[row] for row in matrix.rows], took
        it.stop()
    vectors = weighted(matrix, [1, 0.05, 0.1, 0.3])
    took, found = timed(
        lambda: KMeans(20, n_init=3 if size < 50_000 else 1, random_state=0).fit_predict(vectors.astype(np.float32))
    )
    yield "k-means, 20, on the vectors of patterns", found, took
    if size <= WITH_LOGS:
        for eps in (0.05, 0.1, 0.2):
            took, found = timed(partial(DBSCAN(eps=eps, min_samples=5, metric="cosine").fit_predict, vectors))
            yield f"DBSCAN, {eps}", found, took


def _score(size: str, name: str, labels: Any, cause: Any, seconds: float) -> str:
    from sklearn.metrics import adjusted_rand_score

    known = cause >= 0
    alone = labels < 0
    apart = np.where(alone, labels.max(initial=0) + 1 + np.arange(len(labels)), labels)
    grouped = known & ~alone
    same = sum(np.bincount(cause[known & (labels == label)]).max() for label in np.unique(labels[grouped]))
    groups, share = len(np.unique(labels[grouped])), alone[known].mean()
    ari = adjusted_rand_score(cause[known], apart[known])
    return f"| {size} | {name} | {ari:.3f} | {same / max(1, grouped.sum()):.2f} | {groups} | {100 * share:.0f} % | {time_words(seconds)} |"


def _score_near(size: str, name: str, vectors: Any, cause: Any) -> str:
    rng = np.random.default_rng(0)
    known = np.flatnonzero((cause >= 0) & (np.diff(vectors.indptr) > 0))
    asked = rng.choice(known, min(ASKED, len(known)), replace=False)
    others = vectors[known]
    squares = np.asarray(others.multiply(others).sum(axis=1)).ravel()
    near = squares[None, :] - 2 * (vectors[asked] @ others.T).toarray()
    near += rng.random(near.shape) * 1e-9  # equals come by chance
    near[asked[:, None] == known[None, :]] = np.inf
    ten = known[np.argpartition(near, 10, axis=1)[:, :10]]
    same = (cause[ten] == cause[asked][:, None]).mean()
    return f"| {size} | ten most similar: {name} | | {same:.2f} of the ten | | | |"


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "speed":
        for path in rest:
            for line in speed(Path(path)):
                print(line, flush=True)
    else:
        print("| workflows | | ARI | same cause | groups | alone | fit |\n|--:|---|--:|--:|--:|--:|--:|")
        for size in rest:
            for line in tried(int(size)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
