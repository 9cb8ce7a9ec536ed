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

pytestmark = pytest.mark.slow

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


def features(history):
    """Failed jobs of each task summed up by exit code, by site and by both, then their logarithms; "not reported" is a
    code. A row for each task: what the published count baseline had, as far as that is told."""
    sparse = pytest.importorskip("scipy.sparse")
    failed, n = history.failed, len(history)
    step = np.r_[failed.pair_step[failed.cell_pair], failed.missing_step]
    code = np.r_[failed.pair_code[failed.cell_pair], np.full(len(failed.missing_step), len(history.codes))]
    site = np.r_[failed.cell_site, failed.missing_site]
    count = np.r_[failed.cell_count, np.ones(len(failed.missing_step))]
    x = sparse.hstack([sparse.csr_matrix((count, (step, axis))) for axis in (code, site, code * 200 + site)]).tocsr()
    x.data = np.log1p(x.data)  # after each axis is summed up
    assert x.shape[0] == n
    return x


@pytest.fixture(scope="module")
def scores():
    """ROC-AUC on the last 30 % of the workflows, of four histories of about 33,000 tasks: (histories, 3).

    Counts only, learnt on the first 70 % of the workflows; then the two oracles, on the same late tasks.
    """
    linear = pytest.importorskip("sklearn.linear_model")
    score = pytest.importorskip("sklearn.metrics").roc_auc_score
    found = []
    for seed in (5, 6, 7, 8):
        history = truth.history(33_000, seed)
        x, y, work = features(history), history.other, history.failed.step_work
        early = work < np.quantile(work, 0.7)  # workflows are in the order of their months, and are never cut in two
        model = linear.LogisticRegression(C=0.03, solver="liblinear", max_iter=200).fit(x[early], y[early])
        late = ~early
        rows = (model.predict_proba(x[late])[:, 1], oracle.visible(history)[late], oracle.told(history)[late])
        found.append([score(y[late], row) for row in rows])
        assert 0.92 <= 1 - y.mean() <= 0.96  # ACDCs
    return np.array(found)


def test_a_count_only_model_scores_as_published(scores):
    """One history tells the score to 0.03 only: of its late tasks some 250 got something else than an ACDC."""
    assert 0.80 <= scores[:, 0].mean() <= 0.87
    assert scores[:, 0].std(ddof=1) < 0.05


def test_an_oracle_that_sees_what_plugins_see_does_better_than_counts(scores):
    assert (scores[:, 1] > scores[:, 0] + 0.03).all()


def test_nobody_does_better_than_who_is_told_of_bad_configurations(scores):
    counts, visible, told = scores.mean(0)

    assert counts < visible <= told + 0.002


def test_decisions_follow_from_what_is_told_by_chance_alone():
    """Why `told` is a bound: given the configuration and the month, nothing that shows goes with the decision."""
    history = truth.history(60_000, 9)
    first = np.unique(history.failed.step_work, return_index=True)[1]
    p, y = oracle.told(history)[first], history.other[first].astype(float)
    failed = history.failed
    jobs = np.bincount(failed.step_work[failed.pair_step[failed.cell_pair]], failed.cell_count)
    shows = {
        "failed jobs": np.log1p(jobs),
        "exit codes": np.bincount(failed.step_work[failed.pair_step]),
        "words": np.bincount(failed.step_work[failed.pair_step], failed.pair_evidence >= 0),
        "seen by the oracle": oracle.visible(history)[first],
    }
    open_ = (p > 0) & (p < 1)  # there are months in which everybody got an ACDC
    left = (y - p)[open_] / np.sqrt(p * (1 - p))[open_]

    assert open_.mean() > 0.9
    for what, column in shows.items():
        assert abs(np.corrcoef(left, column[open_])[0, 1]) < 4 / len(left) ** 0.5, what


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
