"""The made-up grid is what was counted: total variation to each table, and what can be known of decisions."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest

from wwt_plugins.errors.world import World, oracle, parameters, truth
from wwt_plugins.errors.world.acts import Act, append_act
from wwt_plugins.errors.world.draws import bits, pick, uniform
from wwt_plugins.errors.world.failures import Failures
from wwt_plugins.errors.world.sites import PLACE

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
DEPTHS = [717, 491, 372, 92, 97, 31, 18, 5]  # REALISM 3


def variation(one, other):
    one, other = np.asarray(one, float), np.asarray(other, float)
    return 0.5 * np.abs(one / one.sum() - other / other.sum()).sum()


@pytest.fixture(scope="module", params=["running", "acted"])
def drawn(request):
    population = parameters.load().populations[request.param]
    key = bits(77, np.arange(60_000))
    chain = pick(parameters.CHAIN_SHARES, uniform(key, 1))
    at = 1.5e9 + uniform(key, 2) * 3e8
    return population, Failures(1, population).make(key, chain, uniform(key, 3) < 0.05, at, 0)


def test_numbers_are_those_that_were_frozen():
    data = resources.files("wwt_plugins.errors.world").joinpath("data/parameters.json").read_bytes()

    assert hashlib.sha256(data).hexdigest() == parameters.CHECKSUM


def test_codes_have_the_cells_and_failed_jobs_that_were_counted(drawn):
    population, failed = drawn
    code, n = failed.pair_code[failed.cell_pair], len(population.codes)

    assert variation(np.bincount(code, minlength=n), population.told["cells_share"]) <= 0.1
    assert variation(np.bincount(code, failed.cell_count, n), population.told["jobs_share"]) <= 0.1


def test_sites_have_the_cells_and_failed_jobs_that_were_counted(drawn):
    population, failed = drawn
    site, n = np.argsort(PLACE)[failed.cell_site], len(PLACE)

    assert variation(np.bincount(site, minlength=n), population.told["site_cells"]) <= 0.1
    assert variation(np.bincount(site, failed.cell_count, n), population.told["site_jobs"]) <= 0.15  # docs/world.md


def test_tasks_that_fail_lie_as_deep_as_counted(drawn):
    _, failed = drawn

    assert variation(np.bincount(failed.step_slot, minlength=8), DEPTHS) <= 0.1


def test_decisions_by_month_are_as_published():
    history = truth.history(60_000)
    month = history.month[history.failed.step_work]
    told = np.array([[tasks * (1 - share), tasks * share] for _, tasks, share in parameters.load().months])
    got = np.stack([np.bincount(month, ~history.other, 31), np.bincount(month, history.other, 31)], 1)

    assert variation(got.ravel(), told.ravel()) <= 0.1


def test_a_count_only_model_scores_as_published_and_the_oracle_better():
    sparse = pytest.importorskip("scipy.sparse")
    linear = pytest.importorskip("sklearn.linear_model")
    score = pytest.importorskip("sklearn.metrics").roc_auc_score
    history = truth.history(120_000, 5)  # of a third of it the score is known to 0.02 only
    failed, n = history.failed, len(history)
    step = np.r_[failed.pair_step[failed.cell_pair], failed.missing_step]
    code = np.r_[failed.pair_code[failed.cell_pair], np.full(len(failed.missing_step), len(history.codes))]
    site = np.r_[failed.cell_site, failed.missing_site]
    count = np.r_[failed.cell_count, np.ones(len(failed.missing_step))]
    x = sparse.hstack([sparse.csr_matrix((count, (step, axis))) for axis in (code, site, code * 200 + site)]).tocsr()
    x.data = np.log1p(x.data)  # after each axis is summed up
    assert x.shape[0] == n
    y = history.other
    early = failed.step_work < np.quantile(failed.step_work, 0.7)  # families are in the order of their months
    model = linear.LogisticRegression(C=0.03, solver="liblinear", max_iter=200).fit(x[early], y[early])
    counts = score(y[~early], model.predict_proba(x[~early])[:, 1])
    best, ceiling = score(y, oracle.visible(history)), score(y, oracle.told(history))

    assert 0.80 <= counts <= 0.87
    assert counts < best <= ceiling + 0.01


def test_the_right_act_mends_more_than_a_blind_one(tmp_path):
    options = World.Options(workflows=300, population="running")
    start = NOON - timedelta(days=3)
    before = World(SimpleNamespace(options=options, data_dir=tmp_path / "none"), now=lambda: start)
    state = before.grid.state(before.at())
    made = [state.made(w.name) for w in state.workflows()]
    needing = [
        m for m in made if {f.cause for f in m.failings} & {"memory", "missing-file", "wall-time", "configuration"}
    ]

    def left(folder, choose):
        folder.mkdir()
        for i, m in enumerate(needing):
            kind, task_values = choose(m)
            append_act(folder / "acts.jsonl", Act(str(i), start, m.workflow.name, kind, {"ours": 1}, task_values))
        world = World(SimpleNamespace(options=options, data_dir=folder), now=lambda: NOON)
        children = {w.name for w in world.list_workflows()} - {w.name for w in before.grid.state(NOON).workflows()}
        columns = world.load_errors(sorted(children))
        return int((np.asarray(columns.code) < len(columns.codes) - 1).sum())

    right = left(tmp_path / "right", lambda m: (truth.right(m).kind, truth.right(m).task_values))

    assert right < 0.5 * left(tmp_path / "blind", lambda m: ("acdc", {}))


def test_one_workflow_alone_is_as_among_all(tmp_path):
    world = World(SimpleNamespace(options=World.Options(workflows=200), data_dir=tmp_path), now=lambda: NOON)
    state = world.grid.state(world.at())
    names = [w.name for w in state.workflows()][::17]

    assert [world.grid.made(name, world.at()) for name in names] == [state.made(name) for name in names]
