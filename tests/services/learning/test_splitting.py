"""The past is split by time and by family: nothing that is judged was seen, or looks back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wwt_framework.errors import WwtError
from wwt_framework.model import Action, ActionState, Case, ErrorCount, ErrorTable, Workflow
from wwt_framework.plugin import Decision
from wwt_framework.services.learning.history import family_of, joined, kept
from wwt_framework.services.learning.splitting import split

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def decision(number, prep="", kind="acdc", name=None, original=""):
    """One decision, a day after the one before."""
    name = name or f"w{number}"
    at = START + timedelta(days=number)
    case = Case(Workflow(name, prep_id=prep, original=original), ErrorTable([ErrorCount(f"/{name}/t", 85, "T1_X", 2)]))
    return Decision(case, Action(f"a{number}", kind, name, {}, {}, (), "olga", ActionState.DONE, at, at), at)


def days(part):
    return [(one.decided_at - START).days for one in part.history]


def test_parts_follow_one_another_in_time():
    first, second, third = split(kept([decision(n) for n in range(100)]), (0.6, 0.15, 0.25))

    assert days(first) == list(range(60))
    assert days(second) == list(range(60, 75))
    assert days(third) == list(range(75, 100))
    assert (first.decisions, second.decisions, third.decisions) == (60, 15, 25)
    assert (first.since, first.until) == (None, START + timedelta(days=60))


def test_no_family_is_in_two_parts_and_what_came_before_its_part_is_in_none():
    decisions = [decision(n, prep="shared" if n in (3, 40, 95) else f"p{n}") for n in range(100)]
    first, second = split(kept(decisions), (0.7, 0.3))

    assert not first.families & second.families
    assert "shared" in second.families
    assert 3 not in days(first)
    assert 40 not in days(first)
    assert [day for day in days(second) if day in (3, 40, 95)] == [95]


def test_a_workflow_and_its_acdc_are_one_family():
    first, acdc = decision(1, name="w").case, decision(2, name="cmsunified_ACDC0_w", original="w").case

    assert family_of(first) == family_of(acdc) == "w"
    assert family_of(decision(3, prep="HIG-1").case) == "HIG-1"


def test_too_little_to_split_is_said():
    with pytest.raises(WwtError, match=r"at least 10 families of workflows, got 9"):
        split(kept([decision(n) for n in range(9)]), (0.7, 0.3))


def test_until_hides_what_came_later():
    past = kept([decision(n) for n in range(10)])

    assert days_of(past.until(START + timedelta(days=4))) == [0, 1, 2, 3]
    assert len(past.until(START)) == 0
    assert len(past) == 10


def days_of(past):
    return [(one.decided_at - START).days for one in past]


def test_a_history_may_be_read_again_and_is_in_the_order_of_time():
    past = kept([decision(n) for n in (5, 1, 3)])

    assert days_of(past) == days_of(past) == [1, 3, 5]


def test_histories_are_merged_by_time():
    assert days_of(joined(kept([decision(n) for n in (1, 4)]), kept([decision(n) for n in (2, 5)]))) == [1, 2, 4, 5]


def test_the_same_decisions_have_the_same_id_and_others_another():
    one, same, other = (kept([decision(n) for n in range(upto)]) for upto in (5, 5, 6))

    assert one.identity == same.identity != other.identity
