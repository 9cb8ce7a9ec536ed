from __future__ import annotations

import pytest

from tests.services.alike.alike_world import Grouper, hooks_of, taken
from wwt_framework.errors import NotFound, WwtError
from wwt_framework.services.alike import correcting
from wwt_framework.services.alike.likeness import Likenesses
from wwt_framework.services.alike.models import Models
from wwt_framework.store import ledger

LABELS = {"wf_a": 0, "wf_b": 0, "wf_c": 1, "wf_none": -1}


@pytest.fixture
def groups(store, tmp_path):
    likenesses = Likenesses(store, Models(tmp_path / "models"), 60.0)
    return likenesses.groups(taken(tmp_path / "v1"), hooks_of(one=Grouper(LABELS)), "clustering.one").value


def test_two_groups_are_put_together_by_their_workflows_and_it_is_written_down(store, groups):
    first, second = groups.all
    correcting.put_together(store, groups, first, second, "olga", "10.0.0.1")

    (kept,) = ledger.corrections(store)
    assert kept.correction.workflows == ("wf_b", "wf_a", "wf_c")
    (deed,) = ledger.deeds(store, 1)
    assert (deed.user, deed.deed, deed.subject, deed.remote) == ("olga", "put workflows together", "wf_b", "10.0.0.1")


def test_a_group_is_not_put_together_with_itself(store, groups):
    with pytest.raises(WwtError, match="the same group already"):
        correcting.put_together(store, groups, groups.all[0], groups.all[0], "olga")


def test_what_is_split_off_is_set_apart_from_the_rest_of_its_group(store, groups):
    correcting.set_apart(store, groups, groups.all[0], ["wf_a", "wf_c", "wf_a"], "olga")

    (kept,) = ledger.corrections(store)
    assert (kept.correction.workflows, kept.correction.others) == (("wf_a",), ("wf_b",))


@pytest.mark.parametrize(
    ("ticked", "why"), [((), "No workflow of this group is ticked"), (("wf_a", "wf_b"), "All workflows .* are ticked")]
)
def test_a_split_needs_some_of_the_group_and_not_all(store, groups, ticked, why):
    with pytest.raises(WwtError, match=why):
        correcting.set_apart(store, groups, groups.all[0], ticked, "olga")


@pytest.mark.parametrize("names", [["wf_a"], ["wf_a", "wf_a"], [f"wf_{n}" for n in range(1001)]])
def test_some_workflows_belong_together_not_one_and_not_thousands(store, names):
    with pytest.raises(WwtError, match="From 2 to 1,000 workflows can be put together, got"):
        correcting.put_with(store, names, "olga")


def test_one_is_set_apart_from_others_not_from_itself(store):
    with pytest.raises(WwtError, match="0 are ticked"):
        correcting.set_pair_apart(store, "wf_a", ["wf_a"], "olga")


def test_taking_back_is_written_down(store):
    number = correcting.put_with(store, ["wf_a", "wf_b"], "olga")
    correcting.take_back(store, number, "igor")

    assert ledger.corrections(store) == []
    assert (ledger.deeds(store, 1)[0].user, ledger.deeds(store, 1)[0].deed) == ("igor", "took back a correction")
    with pytest.raises(NotFound):
        correcting.take_back(store, 99, "igor")


def test_what_is_taken_back_twice_is_written_down_once(store):
    number = correcting.put_with(store, ["wf_a", "wf_b"], "olga")
    for name in ("igor", "vera"):
        correcting.take_back(store, number, name)

    assert [deed.user for deed in ledger.deeds(store, 9) if deed.deed == "took back a correction"] == ["igor"]
