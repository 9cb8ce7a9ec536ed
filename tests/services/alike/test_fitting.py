from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.services.alike.alike_world import Grouper, House, hooks_of, silent, taken
from wwt_framework.errors import WwtError
from wwt_framework.services.alike.fitting import Fitting
from wwt_framework.services.alike.models import Models
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.testing import contract_matrix

LABELS = {"wf_a": 0, "wf_b": 0, "wf_c": 1, "wf_none": -1}
PAST = contract_matrix({"wf_old": (3,)}, ("code:85",))


class Clock:
    now = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    store = Store.memory(clock)
    yield store
    store.close()


def fitting(store, folder, snapshot, **plugins):
    return Fitting(store, lambda: House(hooks_of(**plugins)), lambda: snapshot, Models(folder / "models"), lambda: PAST)


def test_every_clusterer_learns_from_now_the_past_and_corrections(store, tmp_path):
    one, other = Grouper(LABELS), Grouper(LABELS)
    ledger.keep_correction(store, "merge", ["wf_a", "wf_c"], [], "olga")
    taken_back = ledger.keep_correction(store, "merge", ["wf_b", "wf_c"], [], "olga")
    ledger.end_correction(store, taken_back, "igor")
    said = []

    text = fitting(store, tmp_path, taken(tmp_path / "v1"), one=one, other=other).run(lambda *told: said.append(told))

    assert text == "clustering.one: 2 groups; clustering.other: 2 groups"
    assert list(one.corpus.current.rows) == ["wf_a", "wf_b", "wf_c", "wf_none"]
    assert one.corpus.history is PAST
    assert [c.workflows for c in one.corpus.corrections] == [("wf_a", "wf_c")]
    assert (Models(tmp_path / "models").current("clustering.other").folder / "model").read_text() == "learnt"
    assert said[1:] == [(0.25, "clustering.one: half way"), (0.75, "clustering.other: half way")]


def test_one_that_fails_is_named_and_the_others_are_kept(store, tmp_path):
    broken, good = Grouper(LABELS), Grouper(LABELS)
    broken.fails = ValueError("no memory")

    with pytest.raises(WwtError, match=r"clustering.broken, fit_clusters: .*no memory.*clustering.good: 2 groups"):
        fitting(store, tmp_path, taken(tmp_path / "v1"), broken=broken, good=good).run(silent)

    models = Models(tmp_path / "models")
    assert models.current("clustering.broken").folder is None
    assert models.current("clustering.good").folder is not None


def test_without_clusterers_there_is_nothing_to_do(store, tmp_path):
    job = fitting(store, tmp_path, taken(tmp_path / "v1"))

    assert not job.due()
    assert job.run(silent) == "no plugin that fits is listed under clustering:"


def test_a_fit_is_due_when_there_is_none_and_when_it_is_a_day_old(store, tmp_path, clock):
    job = fitting(store, tmp_path, taken(tmp_path / "v1"), one=Grouper(LABELS))
    assert job.due()
    job.run(silent)

    clock.now += timedelta(hours=2)
    assert not job.due()
    clock.now += timedelta(hours=23)
    assert job.due()


def test_a_fit_that_failed_is_left_alone_for_an_hour(store, tmp_path, clock):
    job = fitting(store, tmp_path, taken(tmp_path / "v1"), one=Grouper(LABELS))
    assert job.due()

    clock.now += timedelta(minutes=59)
    assert not job.due()
    clock.now += timedelta(minutes=2)
    assert job.due()


def test_nothing_is_learnt_from_nothing(store, tmp_path):
    assert not fitting(store, tmp_path, Snapshot.empty(), one=Grouper(LABELS)).due()


def test_a_fit_is_due_after_the_clock_was_set_back(store, tmp_path, clock):
    job = fitting(store, tmp_path, taken(tmp_path / "v1"), one=Grouper(LABELS))
    clock.now += timedelta(days=300)
    job.run(silent)
    clock.now -= timedelta(days=300)

    assert job.due()
    job.run(silent)
    clock.now += timedelta(hours=2)
    assert not job.due()


def test_a_clusterer_whose_folder_is_a_file_stops_no_other(store, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "clustering.one").write_text("no folder")
    job = fitting(store, tmp_path, taken(tmp_path / "v1"), one=Grouper(LABELS), two=Grouper(LABELS))

    with pytest.raises(
        WwtError, match=r"clustering\.one: what it learns can not be kept: .*; clustering\.two: 2 groups"
    ):
        job.run(silent)


def test_whoever_asks_for_groups_before_the_first_refresh_gets_no_model_of_nothing(store, tmp_path):
    grouper = Grouper(LABELS)
    told = fitting(store, tmp_path, Snapshot.empty(), one=grouper).run(silent)

    assert told.startswith("nothing was fetched yet")
    assert grouper.asked == 0
    assert fitting(store, tmp_path, taken(tmp_path / "v1"), one=grouper).due()
