from __future__ import annotations

import pytest

from wwt_framework.errors import NotFound
from wwt_framework.plugin import Correction
from wwt_framework.store import ledger


def test_corrections_are_kept_with_who_and_when(store, clock):
    ledger.keep_correction(store, "merge", ["b", "a"], [], "olga")
    later = clock.go_on(minutes=5)
    ledger.keep_correction(store, "split", ["c"], ["d", "e"], "igor")

    first, second = ledger.corrections(store)
    assert (first.correction.kind, first.correction.workflows, first.correction.user) == ("merge", ("b", "a"), "olga")
    assert second.correction == Correction("split", ("c",), "igor", later, ("d", "e"))


def test_one_that_was_taken_back_does_not_count_and_stays(store, clock):
    number = ledger.keep_correction(store, "merge", ["a", "b"], [], "olga")
    at = clock.go_on(minutes=1)
    ledger.end_correction(store, number, "igor")
    clock.go_on(minutes=1)
    again = ledger.end_correction(store, number, "anna")

    assert (again.ended_by, again.ended_at) == ("igor", at)
    assert ledger.corrections(store) == []
    assert ledger.corrections(store, ended=True) == [again]


def test_what_is_not_there_can_not_be_taken_back(store):
    with pytest.raises(NotFound, match="There is no correction number 7"):
        ledger.end_correction(store, 7, "olga")
