from __future__ import annotations

import threading

import pytest

from tests.services.alike.alike_world import Grouper, hooks_of, taken
from wwt_framework import hookimpl
from wwt_framework.model import Clustering, Similar
from wwt_framework.services.alike.likeness import Likenesses
from wwt_framework.services.alike.models import Models
from wwt_framework.store import ledger

LABELS = {"wf_a": 0, "wf_b": 0, "wf_c": 1, "wf_none": -1}
NAMES = {0: "exit code 8028", 1: "exit code 85"}
PATIENT = 60.0


@pytest.fixture
def snapshot(tmp_path):
    return taken(tmp_path / "v1")


@pytest.fixture
def likenesses(store, tmp_path):
    return Likenesses(store, Models(tmp_path / "models"), PATIENT)


def groups(likenesses, snapshot, grouper):
    soon = likenesses.groups(snapshot, hooks_of(one=grouper), "clustering.one")
    assert not soon.error
    return soon.value


def test_groups_say_who_is_in_them_and_what_they_fail_with(likenesses, snapshot):
    found = groups(likenesses, snapshot, Grouper(LABELS, NAMES))

    first, second = found.all
    assert (first.name, first.example, first.jobs, len(first)) == ("exit code 8028", "wf_b", 32, 2)
    assert [(part.name, part.jobs) for part in first.codes] == [("8028", 32)]
    assert [(part.name, part.jobs) for part in first.sites] == [("T1_DE_KIT", 30), ("T2_US_MIT", 2)]
    assert (second.example, len(second)) == ("wf_c", 1)
    assert not len(found.alone)  # wf_none has no failed jobs
    assert found.peers("wf_a") == ["wf_b"]
    assert found.peers("wf_none") == found.peers("nobody") == []
    assert found.group_of("wf_none") is None


def test_groups_are_asked_for_once_and_again_after_a_fit_or_a_correction(likenesses, snapshot, store, tmp_path):
    grouper = Grouper(LABELS)
    hooks = hooks_of(one=grouper)
    for _ in range(3):
        assert likenesses.groups(snapshot, hooks, "clustering.one").value

    assert grouper.asked == 1
    with likenesses.models.making("clustering.one", store.now()):
        pass
    assert (
        likenesses.groups(snapshot, hooks, "clustering.one").value.fitted_at
        == likenesses.models.current("clustering.one").fitted_at
    )
    assert grouper.models[-1] == likenesses.models.current("clustering.one").folder
    ledger.keep_correction(store, "merge", ["wf_a", "wf_c"], [], "olga")
    assert likenesses.groups(snapshot, hooks, "clustering.one").value.peers("wf_a") == ["wf_b", "wf_c"]
    assert grouper.asked == 3


def test_what_operators_put_together_is_together_at_once(likenesses, snapshot, store):
    ledger.keep_correction(store, "merge", ["wf_c", "wf_a", "wf_gone"], [], "olga")

    assert groups(likenesses, snapshot, Grouper(LABELS)).peers("wf_c") == ["wf_a", "wf_b"]


def test_what_operators_split_is_apart_at_once_and_says_who(likenesses, snapshot, store):
    ledger.keep_correction(store, "split", ["wf_a"], ["wf_b"], "olga")

    found = groups(likenesses, snapshot, Grouper(LABELS, NAMES))

    assert found.peers("wf_a") == []
    assert found.group_of("wf_a").name == "as olga put it"
    assert found.group_of("wf_b").name == "exit code 8028"


def test_two_that_are_like_no_other_can_be_put_together(likenesses, snapshot, store):
    ledger.keep_correction(store, "merge", ["wf_a", "wf_b"], [], "olga")
    alone = dict.fromkeys(LABELS, -1)

    found = groups(likenesses, snapshot, Grouper(alone))

    assert found.peers("wf_a") == ["wf_b"]
    assert snapshot.cube.workflows.take(found.alone) == ["wf_c"]


def test_what_was_taken_back_does_not_count(likenesses, snapshot, store):
    number = ledger.keep_correction(store, "split", ["wf_a"], ["wf_b"], "olga")
    ledger.end_correction(store, number, "igor")

    assert groups(likenesses, snapshot, Grouper(LABELS)).peers("wf_a") == ["wf_b"]


def test_a_clusterer_that_fails_costs_its_own_groups(likenesses, snapshot):
    broken = Grouper(LABELS)
    broken.fails = ValueError("no such file")
    hooks = hooks_of(broken=broken, good=Grouper(LABELS))

    assert "clustering.broken, label_workflows" in likenesses.groups(snapshot, hooks, "clustering.broken").error
    assert likenesses.groups(snapshot, hooks, "clustering.good").value


def test_a_clusterer_that_leaves_out_a_workflow_is_told_so(likenesses, snapshot):
    soon = likenesses.groups(snapshot, hooks_of(one=Grouper({"wf_a": 0})), "clustering.one")

    assert "clustering.one gave no label to wf_b" in soon.error


def test_nobody_waits_for_a_slow_clusterer(store, snapshot, tmp_path):
    slow = Grouper(LABELS)
    slow.waits = threading.Event()
    hooks = hooks_of(slow=slow, good=Grouper(LABELS))
    hurried = Likenesses(store, Models(tmp_path / "models"), patience_s=0.0)
    try:
        soon = hurried.groups(snapshot, hooks, "clustering.slow")
        assert (soon.value, soon.error) == (None, "")
        other = Likenesses(store, Models(tmp_path / "models"), PATIENT)
        assert other.groups(snapshot, hooks, "clustering.good").value
    finally:
        slow.waits.set()


def test_similar_workflows_come_with_their_failed_jobs(likenesses, snapshot):
    grouper = Grouper(LABELS)
    grouper.near = (Similar("wf_b", 0.1, ("code:8028",)), Similar("wf_c", 0.8))

    found = likenesses.similar(snapshot, hooks_of(one=grouper), "clustering.one", "wf_a", 10)

    assert [(line.similar.workflow, line.total, line.said) for line in found.lines] == [
        ("wf_b", 20, ""),
        ("wf_c", 6, ""),
    ]
    assert not found.working


def test_what_operators_said_stands_beside_similar_workflows(likenesses, snapshot, store):
    ledger.keep_correction(store, "split", ["wf_a"], ["wf_b"], "olga")
    ledger.keep_correction(store, "merge", ["wf_a", "wf_none"], [], "igor")
    grouper = Grouper(LABELS)
    grouper.near = (Similar("wf_b", 0.1), Similar("wf_c", 0.8))

    found = likenesses.similar(snapshot, hooks_of(one=grouper), "clustering.one", "wf_a", 10)

    assert [(line.similar.workflow, line.said) for line in found.lines] == [
        ("wf_c", ""), ("wf_none", "put together by igor"),
    ]  # fmt: skip
    assert [(line.similar.workflow, line.said) for line in found.away] == [("wf_b", "set apart by olga")]


def test_the_last_word_about_two_workflows_counts(likenesses, snapshot, store):
    ledger.keep_correction(store, "split", ["wf_a"], ["wf_b"], "olga")
    ledger.keep_correction(store, "merge", ["wf_a", "wf_b"], [], "igor")
    grouper = Grouper(LABELS)
    grouper.near = (Similar("wf_b", 0.1),)

    found = likenesses.similar(snapshot, hooks_of(one=grouper), "clustering.one", "wf_b", 10)

    assert found.away == ()


def test_a_finder_that_fails_is_a_sentence(likenesses, snapshot):
    grouper = Grouper(LABELS)
    grouper.fails = ValueError("<b>no</b>")

    found = likenesses.similar(snapshot, hooks_of(one=grouper), "clustering.one", "wf_a", 10)

    assert found.lines == ()
    assert "clustering.one, find_similar" in found.complaint


def test_the_stamp_changes_with_fits_and_corrections(likenesses, snapshot, store):
    hooks = hooks_of(one=Grouper(LABELS))
    stamps = [likenesses.stamp(snapshot, hooks)]
    ledger.keep_correction(store, "merge", ["a", "b"], [], "olga")
    stamps.append(likenesses.stamp(snapshot, hooks))
    ledger.end_correction(store, 1, "olga")
    stamps.append(likenesses.stamp(snapshot, hooks))
    with likenesses.models.making("clustering.one", store.now()):
        pass
    stamps.append(likenesses.stamp(snapshot, hooks))

    assert len(set(stamps)) == 4


def test_the_stamp_changes_when_groups_are_there_at_last(likenesses, snapshot):
    hooks = hooks_of(one=Grouper(LABELS))
    before = likenesses.stamp(snapshot, hooks)
    likenesses.groups(snapshot, hooks, "clustering.one")

    assert likenesses.stamp(snapshot, hooks) != before


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "expected labels by workflow, got None"),
        ({**LABELS, "wf_a": None}, "a label is a whole number"),
        ({**LABELS, "wf_a": float("nan")}, "a label is a whole number"),
        ({**LABELS, "wf_a": [0]}, "a label is a whole number"),
        ({**LABELS, "wf_a": 2**70}, "a label is a whole number"),
        ({**LABELS, "wf_a": 2**62}, "a label is from -1 to"),
        ({**LABELS, "wf_a": -7}, "a label is from -1 to"),
    ],
)
def test_labels_that_are_none_are_told(likenesses, snapshot, labels, words):
    class Garbage(Grouper):
        @hookimpl
        def label_workflows(self, matrix, model):
            return Clustering(labels, {})

    soon = likenesses.groups(snapshot, hooks_of(one=Garbage(LABELS)), "clustering.one")

    assert soon.value is None
    assert f"clustering.one: {words}" in soon.error


def test_labels_and_neighbours_of_workflows_that_are_not_there_are_left_out(likenesses, snapshot):
    class Generous(Grouper):
        @hookimpl
        def label_workflows(self, matrix, model):
            return Clustering({**LABELS, "wf_unknown": 0}, {0: 8028, 99: "nobody's"})

    grouper = Generous(LABELS)
    grouper.near = (Similar("wf_unknown", 0.1), Similar("wf_c", 0.2))
    found = likenesses.similar(snapshot, hooks_of(one=grouper), "clustering.one", "wf_a", 10)

    assert [group.name for group in groups(likenesses, snapshot, grouper).all] == ["8028", "group 1"]
    assert [line.similar.workflow for line in found.lines] == ["wf_c"]


@pytest.mark.parametrize(
    "near", [Similar(None, 0.1), Similar("wf_b", None), Similar("wf_b", float("nan")), Similar("wf_b", 0.1, (None,))]
)
def test_neighbours_that_are_none_are_told(likenesses, snapshot, near):
    grouper = Grouper(LABELS)
    grouper.near = (near,)
    found = likenesses.similar(snapshot, hooks_of(one=grouper), "clustering.one", "wf_a", 10)

    assert found.lines == ()
    assert found.complaint.startswith("clustering.one: expected workflows with their distances, got Similar(")


def test_a_clusterer_that_hangs_holds_one_thread_is_told_and_is_asked_again_when_released(store, tmp_path, snapshot):
    now, grouper = [0.0], Grouper(LABELS)
    grouper.waits = threading.Event()
    likenesses = Likenesses(store, Models(tmp_path / "models"), 0.0, lambda: now[0])
    hooks = hooks_of(one=grouper)

    def ask(number: int):
        return likenesses.groups(taken(tmp_path / f"later{number}"), hooks, "clustering.one")

    assert not ask(0).error
    stamp = likenesses.stamp(snapshot, hooks)
    now[0] = 901.0
    told = [ask(number).error for number in range(1, 9)]
    held = [thread for thread in threading.enumerate() if thread.name == "groups of clustering.one"]

    assert len(held) == 1
    (words,) = set(told)
    assert words.startswith("clustering.one has worked on them for more than 15 minutes and may never end")
    assert likenesses.stamp(snapshot, hooks) != stamp
    (failure,) = hooks.failures["clustering.one"]
    assert (failure.hook, failure.count, failure.late) == ("label_workflows", 1, True)
    assert [(one.plugin, one.hook) for one in hooks.quarantined] == [("clustering.one", "label_workflows")]

    waits, grouper.waits = grouper.waits, None
    hooks.release("clustering.one")
    likenesses._patience_s = PATIENT
    assert likenesses.groups(snapshot, hooks, "clustering.one").value.peers("wf_a") == ["wf_b"]
    waits.set()
    held[0].join(60)
    assert hooks.quarantined == ()


def test_a_clusterer_that_came_back_late_is_out_of_quarantine_and_its_groups_are_there(store, tmp_path, snapshot):
    now, grouper = [0.0], Grouper(LABELS)
    grouper.waits = threading.Event()
    likenesses = Likenesses(store, Models(tmp_path / "models"), 0.0, lambda: now[0])
    hooks = hooks_of(one=grouper)
    likenesses.groups(snapshot, hooks, "clustering.one")
    now[0] = 901.0
    assert likenesses.groups(snapshot, hooks, "clustering.one").error
    (held,) = [thread for thread in threading.enumerate() if thread.name == "groups of clustering.one"]

    grouper.waits.set()
    held.join(60)

    assert hooks.quarantined == ()
    likenesses._patience_s = PATIENT
    assert likenesses.groups(snapshot, hooks, "clustering.one").value.peers("wf_a") == ["wf_b"]


def test_a_clusterer_that_is_loaded_anew_is_asked_though_the_one_before_hangs(store, tmp_path, snapshot):
    hanging = Grouper(LABELS)
    hanging.waits = threading.Event()
    likenesses = Likenesses(store, Models(tmp_path / "models"), 0.0)
    likenesses.groups(snapshot, hooks_of(one=hanging), "clustering.one")
    likenesses._patience_s = PATIENT

    soon = likenesses.groups(snapshot, hooks_of(one=Grouper(LABELS)), "clustering.one")

    hanging.waits.set()
    assert soon.value.peers("wf_a") == ["wf_b"]
