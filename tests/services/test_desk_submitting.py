"""What was shown is carried out, once, all of it or nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.desk_world import (
    ACDC1,
    ALL,
    GEN,
    IVAN,
    KINDS,
    MERGE,
    OLGA,
    OTHER,
    WF,
    Desk,
    World,
    hooks_with,
    workflow,
)
from wwt_framework import hookimpl
from wwt_framework.errors import Denied, NotFound, WwtError
from wwt_framework.evidence import CELLS, LOGS_EACH, TEXT
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    Draft,
    Effect,
    ErrorCount,
    LogExcerpt,
    Problem,
    Reason,
    Recommendation,
    Recovery,
)
from wwt_framework.options import HouseOptions
from wwt_framework.services import desk as the_desk
from wwt_framework.store import Store, ledger

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
ACDC_FORM = {"workflow": WF, "kind": "acdc"}
BOTH = {"workflow": [WF, OTHER], "kind": "acdc"}


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.memory(lambda: NOON)
    yield store
    store.close()


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Desk:
    return Desk(hooks_with(tmp_path, KINDS), World().open(tmp_path / "snapshot"), store)


def previewed(desk: Desk, form) -> str:
    """The draft that a preview of *form* was kept under."""
    return the_desk.keep(desk.store, desk.plan(form))


def submit_draft(desk: Desk, draft: str, **more) -> the_desk.Result:
    kept = the_desk.open_draft(desk.store, draft, desk.user)
    intent, shown, problems = kept.intent, kept.shown, kept.problems
    plan = the_desk.plan(desk.hooks, desk.snapshot, desk.store, intent, desk.user, shown=shown, problems=problems)
    return desk.submit(plan, **more)


# -- once --


def test_submit_of_the_same_draft_again_changes_nothing_and_tells_the_same(desk):
    draft = previewed(desk, {**BOTH, "workflow": [WF, "gone_1"]})

    first, second = submit_draft(desk, draft), submit_draft(desk, draft)

    assert (first.repeated, second.repeated) == (False, True)
    assert replace(second, repeated=False) == first
    assert len(ledger.open_actions(desk.store)) == 1


def test_submits_of_one_draft_at_the_same_time_are_one(desk):
    plan, results, start = desk.plan(BOTH), [], threading.Barrier(4)

    def click() -> None:
        start.wait()
        results.append(desk.submit(plan))

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(result.repeated for result in results) == [False, True, True, True]
    assert len({tuple(line.action.id for line in result.lines) for result in results}) == 1
    assert len(ledger.open_actions(desk.store)) == 2


def test_draft_that_was_submitted_can_not_be_kept_again(desk):
    plan = desk.plan(ACDC_FORM)
    desk.submit(plan)

    with pytest.raises(WwtError, match="submitted already"):
        the_desk.keep(desk.store, plan)


def test_draft_of_somebody_else_is_not_opened(desk):
    draft = previewed(desk, ACDC_FORM)

    with pytest.raises(Denied, match="belongs to olga"):
        the_desk.open_draft(desk.store, draft, IVAN)
    with pytest.raises(NotFound):
        the_desk.open_draft(desk.store, "no-such-draft", OLGA)


def test_submit_that_fails_on_its_way_leaves_nothing_behind(desk, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(ledger, "keep_evidence", fail)

    with pytest.raises(RuntimeError):
        desk.submit({**ACDC_FORM, "shortreason1": "new"})

    assert (ledger.open_actions(desk.store), ledger.reasons(desk.store)) == ([], [])
    assert ledger.last_event_number(desk.store) == 0


# -- what was shown --


def test_line_that_changed_since_it_was_shown_is_not_carried_out(desk, tmp_path):
    draft = previewed(desk, BOTH)
    world = World()
    world.recoveries[0] = (WF, replace(world.recoveries[0][1], sites=frozenset({"T2_DE_DESY"})))
    later = replace(desk, snapshot=world.open(tmp_path / "later", "v2"))

    result = submit_draft(later, draft)

    assert [(line.workflow, line.state) for line in result.lines] == [(WF, "conflict"), (OTHER, "queued")]
    assert result.lines[0].theirs is None


def test_colleague_who_acted_since_makes_a_conflict_that_shows_both(desk):
    draft = previewed(desk, BOTH)
    theirs = replace(desk, user=IVAN).submit({"workflow": WF, "kind": "clone"}).lines[0].action

    result = submit_draft(desk, draft)

    assert [line.state for line in result.lines] == ["conflict", "queued"]
    assert (result.lines[0].theirs.action, result.lines[0].mine) == (
        theirs.id, {GEN: {"sites": ["T1_US_FNAL", "T2_CH_CERN"]}, MERGE: {"sites": ["T2_CH_CERN"]}},
    )  # fmt: skip
    assert ledger.action(desk.store, theirs.id).state is ActionState.QUEUED


def test_colleague_who_acts_between_plan_and_submit_is_not_overwritten(desk):
    plan = desk.plan(ACDC_FORM)
    theirs = replace(desk, user=IVAN).submit({"workflow": WF, "kind": "clone"}).lines[0].action

    (line,) = desk.submit(plan).lines

    assert (line.state, line.theirs.action, line.action) == ("conflict", theirs.id, None)


def test_yes_replaces_what_was_open_and_leaves_a_trace(desk):
    old = desk.submit(ACDC_FORM).lines[0].action

    (line,) = desk.submit(ACDC_FORM, confirmed=True).lines

    assert [(one.id, one.state) for one in line.superseded] == [(old.id, ActionState.SUPERSEDED)]
    assert [event.note for event in ledger.events(desk.store, old.id)][-1] == "olga asked for acdc instead"


class Moody:
    """A guard that objects to what it is told to."""

    def __init__(self) -> None:
        self.against: frozenset[str] = frozenset()

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:
        return [Problem("No.", workflow=name) for name in draft.workflows if name in self.against]


NAMES = [f"w_{i}" for i in range(6)]


@pytest.mark.slow
@given(
    against=st.tuples(*[st.frozensets(st.sampled_from(NAMES))] * 2),
    moved=st.frozensets(st.sampled_from(NAMES)),
    acted=st.frozensets(st.sampled_from(NAMES)),
    asked=st.lists(st.sampled_from([*NAMES, "gone_1"]), unique=True, min_size=1),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_carried_out_is_among_what_was_shown_and_exactly_that(tmp_path_factory, against, moved, acted, asked):
    folder, guard = tmp_path_factory.mktemp("subset"), Moody()
    hooks = hooks_with(folder, KINDS, ("test.moody", guard))
    store = Store.memory(lambda: NOON)
    before, after = (
        World(
            [workflow(name, "T") for name in NAMES],
            [ErrorCount(f"/{name}/T", 85, "T1_US_FNAL", 1) for name in NAMES],
            [(name, _recovery(name, "T2_CH_CERN" if name in elsewhere else "T1_US_FNAL")) for name in NAMES],
            [],
        ).open(folder / version, version)
        for version, elsewhere in (("v1", frozenset()), ("v2", moved))
    )  # fmt: skip
    guard.against = against[0]
    desk = Desk(hooks, before, store)
    shown = desk.plan({"workflow": asked, "kind": "acdc"})
    draft = the_desk.keep(store, shown)
    for name in sorted(acted):
        Desk(hooks_with(folder, KINDS), before, store, IVAN).submit({"workflow": name, "kind": "clone"})
    guard.against = against[1]

    result = submit_draft(replace(desk, snapshot=after), draft, confirmed=True)

    done = {line.workflow: line.action.task_values for line in result.lines if line.action}
    expected = {*asked} - {"gone_1"} - against[0] - against[1] - moved - acted
    assert done == {name: {"T": {"sites": ["T1_US_FNAL"]}} for name in expected}
    assert done.items() <= the_desk.shown_of(shown).items()
    assert {a.workflow for a in ledger.open_actions(store) if a.user == "olga"} == expected
    assert [line.workflow for line in result.lines] == asked
    store.close()


def _recovery(name: str, site: str) -> Recovery:
    return Recovery(f"/{name}/T", frozenset({site}))


# -- yes, and the number --


def test_what_needs_a_yes_is_not_carried_out_without(desk):
    desk.submit(ACDC_FORM)

    with pytest.raises(the_desk.NotConfirmed) as refused:
        desk.submit(ACDC_FORM)

    assert refused.value.plan.confirm != ()
    assert len(ledger.actions_on(desk.store, WF)) == 1


@pytest.mark.parametrize("typed", [None, 1, 3])
def test_another_number_than_that_of_the_workflows_carries_nothing_out(desk, typed):
    many = replace(desk, house=HouseOptions(bulk_confirm_above=1))

    with pytest.raises(the_desk.NotConfirmed, match="type 2 to go on"):
        many.submit(BOTH, typed=typed, confirmed=True)

    assert ledger.open_actions(desk.store) == []


def test_right_number_carries_it_out(desk):
    result = replace(desk, house=HouseOptions(bulk_confirm_above=1)).submit(BOTH, typed=2)

    assert [line.state for line in result.lines] == ["queued", "queued"]


def test_form_with_something_wrong_carries_nothing_out(desk):
    with pytest.raises(WwtError, match="Splitting must be one of"):
        desk.submit({**ACDC_FORM, "value.splitting": "4x"})

    assert ledger.open_actions(desk.store) == []


def test_line_that_needs_sites_waits_and_the_others_go(desk):
    result = desk.submit({**BOTH, "method": "ban", "sites": "T2_CH_CERN"})

    assert [line.state for line in result.lines] == ["needs sites", "queued"]


# -- what was broken in the original --


def test_d3_every_document_of_a_submit_is_kept(desk):
    documents = [
        {"workflow": name, "parameters": {"Action": "acdc", "Parameters": {task: {"sites": ["T1_US_FNAL"]}}}}
        for name, task in ((WF, GEN), (OTHER, "Other_0"))
    ]

    for document in documents:
        intent, problems = the_desk.read_document(desk.hooks, desk.snapshot, desk.store, document)
        desk.submit(the_desk.plan(desk.hooks, desk.snapshot, desk.store, intent, OLGA, problems=problems))

    assert [action.workflow for action in ledger.open_actions(desk.store)] == [WF, OTHER]


def test_d4_every_workflow_that_was_ticked_gets_the_action(desk):
    desk.submit({"workflows": [WF, OTHER, ACDC1], "kind": "special", "value.action": "by-pass"})

    assert [action.workflow for action in ledger.open_actions(desk.store)] == [WF, OTHER, ACDC1]


def test_d5_new_reasons_are_in_the_book_and_with_the_action(desk):
    (line,) = desk.submit({**ACDC_FORM, "shortreason1": "disk", "longreason1": "full", "longreason2": "alone"}).lines

    assert ledger.reasons(desk.store) == [Reason("disk", "full")]
    assert line.action.reasons == (Reason("disk", "full"), Reason("", "alone"))


def test_f5_reason_of_the_book_is_not_written_over(desk):
    desk.submit({**ACDC_FORM, "shortreason1": "disk", "longreason1": "full"})

    desk.submit({"workflow": OTHER, "kind": "acdc", "shortreason1": "Disk", "longreason1": "empty"}, confirmed=True)

    assert ledger.reasons(desk.store) == [Reason("disk", "full")]


def test_d5_reasons_are_not_in_the_book_when_nothing_was_carried_out(desk):
    desk.submit({"workflow": "gone_1", "kind": "acdc", "shortreason1": "disk"})

    assert ledger.reasons(desk.store) == []


def test_j3_document_takes_the_place_of_an_earlier_action_and_is_open_again(desk):
    desk.submit(ACDC_FORM)
    document = {"workflow": WF, "parameters": {"Action": "clone", "Parameters": {"memory": "4000"}}}

    intent, _ = the_desk.read_document(desk.hooks, desk.snapshot, desk.store, document)
    (line,) = desk.submit(intent, confirmed=True).lines

    assert (line.state, line.action.kind, line.action.state) == ("queued", "clone", ActionState.QUEUED)
    assert [old.state for old in line.superseded] == [ActionState.SUPERSEDED]


def test_f8_acdcs_are_kept_with_the_action(desk):
    assert desk.submit(ACDC_FORM).lines[0].action.acdcs == (ACDC1,)


def test_hold_is_kept_with_its_end(desk):
    form = {"workflow": WF, "kind": "special", "value.action": "on-hold", "value.until": "7"}

    assert desk.submit(form).lines[0].action.expires_at == NOON + timedelta(days=7)


# -- evidence --


class Says:
    @hookimpl
    def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
        return [Recommendation("acdc", "Input was missing.", {"xrootd": "enabled"}, GEN, procedure="files")]

    @hookimpl
    def build_effects(self, draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
        return [Effect(case.workflow.name, "makes an ACDC", GEN, ("cores: not read",)) for case in cases]


def evidence_of(desk: Desk, form=ACDC_FORM) -> dict:
    action = desk.submit(form, confirmed=True).lines[0].action
    kept = the_desk.evidence_of(desk.store, action.id)
    assert kept is not None
    assert (kept.action, kept.workflow, kept.snapshot) == (action.id, WF, "v1")
    return dict(kept.content)


def test_what_was_on_the_page_is_kept_with_the_action(tmp_path, store):
    hooks = hooks_with(tmp_path, ALL, ("test.says", Says()))
    desk = Desk(hooks, World().open(tmp_path / "snapshot"), store)

    kept = evidence_of(desk, {**ACDC_FORM, f"task.{GEN}.memory": "3000"})

    assert kept["errors"] == [
        [f"/{WF}/{GEN}", 8028, "T2_US_Purdue", 600],
        [f"/{WF}/{GEN}", 71305, "T1_US_FNAL", 30],
        [f"/{WF}/{MERGE}", 8028, "T2_CH_CERN", 20],
    ]
    assert kept["logs"][0]["text"] == "Failed to open the file"
    assert kept["sites"]["T2_US_Purdue"] == ["red", "drain"]
    assert (kept["known"]["errors"][0], kept["errors_total"]) == ("ok", 650)
    assert (kept["recommendations"][0]["procedure"], kept["recommendations"][0]["action"]) == ("files", "acdc")
    assert kept["said"]["effects"] == [[GEN, "makes an ACDC", ["cores: not read"], True]]
    assert kept["said"]["problems"][0][1] == "Memory of " + GEN + " would be 3000 MB, less than the 4000 MB it had."


def test_evidence_is_bounded_and_says_what_it_left_out(tmp_path, store):
    world = World(
        counts=[ErrorCount(f"/{WF}/{GEN}", code, "T1_US_FNAL", code) for code in range(1, CELLS + 11)],
        logs=[(WF, LogExcerpt(f"/{WF}/{GEN}", 85, f"T2_{i}", "E", "x" * 5000, count=i)) for i in range(1, 9)],
    )
    kept = evidence_of(Desk(hooks_with(tmp_path, KINDS), world.open(tmp_path / "snapshot"), store))

    assert (len(kept["errors"]), kept["cells_left_out"], kept["errors"][-1][1]) == (CELLS, 10, 11)
    assert [(log["count"], len(log["text"])) for log in kept["logs"]] == [(8, TEXT), (7, TEXT)][:LOGS_EACH]


def test_evidence_is_there_after_a_year_and_gone_when_its_time_is_over(desk):
    action = desk.submit(ACDC_FORM).lines[0].action

    assert ledger.forget_evidence(desk.store, NOON - timedelta(days=365)) == 0
    assert the_desk.evidence_of(desk.store, action.id) is not None
    assert ledger.forget_evidence(desk.store, NOON + timedelta(days=1)) == 1
    assert the_desk.evidence_of(desk.store, action.id) is None


# -- afterwards --


def test_edit_of_an_action_begins_with_what_it_asked_for(desk):
    action = desk.submit({**ACDC_FORM, f"task.{GEN}.memory": "3000", "shortreason1": "why"}).lines[0].action

    intent = the_desk.intent_of(action)

    assert desk.plan(intent).lines[0].sends == action.task_values
    assert (intent.id != action.id, intent.reasons) == (True, (Reason("why", "why"),))


def test_withdrawal_of_what_was_fetched_warns(desk):
    first, second = (line.action for line in desk.submit(BOTH).lines)
    the_desk.withdraw(desk.store, first.id, "olga")
    ledger.hand_out(desk.store, "unified")

    taken = the_desk.withdraw(desk.store, second.id, "ivan", "wrong sites")

    assert taken.action.state is ActionState.WITHDRAWN
    assert taken.warning.startswith("The executor fetched it at 12:00 UTC and may carry it out all the same")
    assert [(event.user, event.note) for event in ledger.events(desk.store, second.id)][-1] == ("ivan", "wrong sites")


def test_rehearsal_is_never_handed_out(desk):
    rehearsing = replace(desk, house=HouseOptions(dry_run=True))

    rehearsing.submit(ACDC_FORM)

    assert ledger.hand_out(desk.store, "unified") == []
    assert ledger.open_actions(desk.store) == []
    assert [action.workflow for action in ledger.queued_rehearsals(desk.store)] == [WF]
