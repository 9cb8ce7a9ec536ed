"""Heavy work: the same answers from processes of this machine and from a real Dask scheduler with its workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from wwt_framework import config as configuration
from wwt_framework.app import App
from wwt_framework.compute import Compute
from wwt_framework.errors import ConfigError, WwtError
from wwt_framework.testing import contract_history
from wwt_framework.testing.doors import ComputeHere
from wwt_plugins._ml import learning
from wwt_plugins.ml.linear import Linear

pytestmark = pytest.mark.slow

HISTORY = contract_history(60)


def process_of(item: int) -> tuple[int, int]:
    return item, os.getpid()


def seventh(item: int, shared: np.ndarray) -> int:
    if item == 7:
        raise ValueError("the seventh fails")
    return int(shared.sum()) + item


def program(stack: ExitStack, words: list[str], ready: str) -> str:
    """Start a program of Dask; the first line in which it says *ready*."""
    started = subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    stack.callback(started.stderr.close)
    stack.callback(started.wait)
    stack.callback(started.kill)
    said = []
    for line in started.stderr:
        said.append(line)
        if ready in line:
            return line
    raise AssertionError("".join(said))


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask scheduler with two workers."""
    quiet = ["--no-dashboard", "--host", "127.0.0.1"]
    with ExitStack() as stack:
        where = ["distributed.cli.dask_scheduler", "--port", "0", *quiet]
        address = program(stack, where, "Scheduler at:").split()[-1]
        for _ in range(2):
            program(stack, ["distributed.cli.dask_worker", address, "--nthreads", "1", *quiet], "Registered to:")
        yield f"dask+{address}"


@pytest.fixture(params=["local", "cluster"])
def compute(request: pytest.FixtureRequest) -> Compute:
    where = "local" if request.param == "local" else request.getfixturevalue("scheduler")
    return Compute(lambda: where)


def test_results_come_in_the_order_of_items_from_other_processes(compute):
    found = compute.map(process_of, range(40))

    assert [item for item, _ in found] == list(range(40))
    assert os.getpid() not in {pid for _, pid in found} or len(os.sched_getaffinity(0)) == 1


def test_what_all_calls_need_goes_along(compute):
    assert compute.map(seventh, [1, 2], np.ones(1000)) == [1001, 1002]


def test_predictors_choose_their_options_and_fit_over_it(compute, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "_SPREAD", 10)  # rows above which processes are worth while
    options = Linear.Options(search={"strength": (0.001, 0.1)}, parameters=())
    found = {}
    for name, door in (("here", ComputeHere()), ("there", compute)):
        plugin = Linear(SimpleNamespace(name="ml.linear", options=options, compute=door))
        into = tmp_path / name
        into.mkdir()
        found[name] = plugin.train_predictor(HISTORY, into, lambda *_: None).text
        found[f"{name} expects"] = plugin.load_predictor(into).predict([HISTORY.decisions[0].case])

    assert found["here"] == found["there"]
    assert " of 2 choices, log-loss " in found["here"]
    assert found["here expects"] == found["there expects"]


def test_no_items_no_results(compute):
    assert compute.map(seventh, []) == []


def test_the_first_call_that_raises_ends_it_with_its_own_exception(compute):
    with pytest.raises(ValueError, match="the seventh fails"):
        compute.map(seventh, range(20), np.ones(3))


def test_scikit_learn_learns_the_same_wherever_it_is_spread(compute):
    rows = np.random.default_rng(1).random((300, 5))
    labels = rows[:, 0] > 0.5
    with compute.spread() as workers:
        spread = RandomForestClassifier(10, n_jobs=-1, random_state=0).fit(rows, labels)
    here = RandomForestClassifier(10, random_state=0).fit(rows, labels)

    assert workers >= 1
    assert np.allclose(spread.predict_proba(rows), here.predict_proba(rows))


def test_a_cluster_that_does_not_answer_is_said_with_what_to_do():
    nobody = Compute(lambda: "dask+tcp://127.0.0.1:9", patience_s=0.5)

    with pytest.raises(WwtError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 .* or take compute: local"):
        nobody.map(process_of, [1])


def test_a_cluster_without_workers_is_said():
    with ExitStack() as stack:
        where = ["distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1"]
        address = program(stack, where, "Scheduler at:").split()[-1]

        with pytest.raises(WwtError, match="has no workers; start some"):
            Compute(lambda: f"dask+{address}", patience_s=0.5).map(process_of, [1])


def test_without_distributed_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(WwtError, match=r"pip install wwt-framework\[scale\]"):
        Compute(lambda: "dask+tcp://127.0.0.1:9").map(process_of, [1])


def write(folder: Path, value: str) -> Path:
    path = folder / "plugins.yml"
    path.write_text(f"wwt: {{data_dir: house, compute: '{value}'}}\n")
    return path


@pytest.mark.parametrize("value", ["", "dask", "dask+tcp://", "tcp://scheduler:8786", "dask+tcp://a b:1"])
def test_where_work_is_done_is_checked(tmp_path, value):
    with pytest.raises(ConfigError, match=r"expected local, or a Dask scheduler like dask\+tcp://scheduler:8786"):
        configuration.load(write(tmp_path, value))


def test_an_installation_lends_its_cluster_to_plugins(tmp_path, scheduler):
    app = App.build(write(tmp_path, scheduler))
    try:
        assert app.compute.map(process_of, [1])[0][1] != os.getpid()
    finally:
        app.close()
