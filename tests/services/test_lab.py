"""The lab: numbers worked out by hand, nothing of the future, and rules that act only with a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, NotFound, WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import (
    NOT_REPORTED,
    Action,
    ActionState,
    Case,
    ErrorCount,
    ErrorTable,
    Prediction,
    Recommendation,
    User,
    Workflow,
)
from wwt_framework.plugin import AutoRule, Decision, History, TrainingReport
from wwt_framework.services import lab
from wwt_framework.services.lab import Interval, LabResult, Span
from wwt_framework.services.learning.history import Past, Seen, kept
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import KeptResult

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
ADAM, OLGA = User("adam", roles=frozenset({"admin"})), User("olga", roles=frozenset({"operator"}))
TEN = Span(NOW - 10 * DAY, NOW, 10)


def decision(
    n: int, days_ago: float, kind: str = "acdc", code: int = 8028, *, prep: str = "", tasks: Sequence[str] = ("t",),
    named: Sequence[str] = (), site: str = "T1_US_FNAL",
) -> Decision:  # fmt: skip
    name, at = f"wf{n}", NOW - days_ago * DAY
    case = Case(
        Workflow(name, prep_id=prep),
        ErrorTable([ErrorCount(f"/{name}/{task}", code, site, 5 + i) for i, task in enumerate(tasks)]),
    )
    action = Action(f"a{n}", kind, name, {}, {task: {} for task in named}, (), "olga", ActionState.DONE, at, at)
    return Decision(case, action, at)


class Procedures:
    """Recommends by exit code; of those that it does not know it says nothing."""

    def __init__(self, says: Mapping[int, str]) -> None:
        self.says = says

    @hookimpl
    def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
        return [
            Recommendation(self.says[code], "because", task=count.task)
            for count in case.errors
            if (code := count.exit_code) in self.says
        ]


class Learner:
    """A predictor that notes what it was given, and says what was decided most."""

    def __init__(self) -> None:
        self.given: list[Decision] = []
        self.asked: list[Case] = []
        self.on_view = False
        self.says = Prediction("acdc", 0.8, "learner 1", why=("habit",))

    @hookimpl
    def train_predictor(self, history: History, into: Path, progress: Any) -> TrainingReport | None:
        self.given = list(history)
        return TrainingReport("learnt", len(self.given), "t1") if self.given else None

    @hookimpl
    def load_predictor(self, folder: Path) -> Learner:
        return self

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        self.asked += cases
        return [[self.says] for _ in cases]


class Rules:
    """One rule, which says what it is told to."""

    def __init__(self, fingerprint: str = "f1") -> None:
        self.fingerprint = fingerprint
        self.says: Callable[[Case], Recommendation | None] = lambda _: Recommendation("acdc", "why not")

    @hookimpl
    def register_rules(self) -> Sequence[AutoRule]:
        return [AutoRule("all", "Everything", fingerprint=self.fingerprint)]

    @hookimpl
    def apply_rule(self, rule: str, case: Case) -> Recommendation | None:
        return self.says(case)


RULE = "actions.rules:all"


def hooks_of(**plugins: object) -> Hooks:
    hooks = Hooks()
    for name, plugin in plugins.items():
        namespace = "ml" if isinstance(plugin, Learner) else "actions"
        hooks.register(f"{namespace}.{name}", plugin, deadline_s=60)
    return hooks


def tried(hooks: Hooks, name: str, *decisions: Decision, span: Span = TEN) -> LabResult:
    subject = lab.find_subject(hooks, name)
    return lab.measure(hooks, subject, kept(decisions), span, "olga", NOW, lambda *_: None)


# -- numbers -------------------------------------------------------------------


def test_agreement_coverage_and_the_usual_are_counted() -> None:
    hooks = hooks_of(book=Procedures({8028: "acdc", 137: "clone"}))
    before = [decision(n, 20, "acdc", 8028) for n in range(3)] + [decision(9, 20, "special", 137)]
    within = [
        decision(10, 5, "acdc", 8028),  # it says acdc, the usual too: both right
        decision(11, 4, "clone", 137),  # it says clone, the usual is special: only it is right
        decision(12, 3, "clone", 8028),  # it says acdc, the usual too: both wrong
        decision(13, 2, "acdc", 85),  # it says nothing
    ]
    result = tried(hooks, "actions.book", *before, *within)

    assert (result.decisions, result.tasks, result.families) == (4, 4, 4)
    assert (result.spoke, result.silent, result.agreed, result.coverage) == (3, 1, 2, 0.75)
    assert result.agreement.value == pytest.approx(2 / 3)
    assert result.usual.value == pytest.approx(1 / 3)
    assert result.most.value == pytest.approx(1 / 3)  # always acdc
    assert result.gain.value == pytest.approx(1 / 3)
    assert [(t.key, t.tasks, t.spoke, t.agreed, t.usual) for t in result.by_code] == [
        ("8028", 2, 2, 1, 1), ("137", 1, 1, 1, 0), ("85", 1, 0, 0, 0),
    ]  # fmt: skip
    assert result.confusion == (("acdc", "", 1), ("acdc", "acdc", 1), ("clone", "acdc", 1), ("clone", "clone", 1))
    ((workflow, decided, said),) = [(row.workflow, row.decided, row.said) for row in result.differs]
    assert (workflow, decided, said) == ("wf12", "clone", "acdc")


def test_an_interval_holds_the_share_and_families_are_drawn_whole() -> None:
    hooks = hooks_of(book=Procedures({8028: "acdc"}))
    many = [decision(n, 5, "acdc" if n % 4 else "clone", prep=f"P{n}") for n in range(100)]
    one_family = [decision(n, 5, "acdc" if n % 4 else "clone", prep="P") for n in range(100)]
    wide, none = (tried(hooks, "actions.book", *some).agreement for some in (many, one_family))

    assert wide.value == none.value == 0.75
    assert wide.low is not None
    assert wide.high is not None
    assert 0.6 < wide.low < 0.75 < wide.high < 0.9
    assert none == Interval(0.75)  # of one family nothing can be told about others


def test_where_all_agree_the_interval_still_has_a_width() -> None:
    hooks = hooks_of(book=Procedures({8028: "acdc"}))
    result = tried(hooks, "actions.book", *(decision(n, 5) for n in range(16)))

    assert result.agreement.high == 1.0
    assert result.agreement.low == pytest.approx(16 / (16 + 3.8416))  # Wilson, 16 of 16


def test_the_code_of_a_task_is_one_that_was_reported_where_there_is_one() -> None:
    hooks = hooks_of(book=Procedures({8028: "acdc"}))
    one = decision(1, 5)
    errors = ErrorTable([*one.case.errors, ErrorCount("/wf1/t", NOT_REPORTED, "T2_CH_CERN", 100)])
    result = tried(hooks, "actions.book", replace(one, case=replace(one.case, errors=errors)))

    assert [tally.key for tally in result.by_code] == ["8028"]


def test_tasks_that_an_action_by_task_left_out_are_not_judged() -> None:
    hooks = hooks_of(book=Procedures({8028: "acdc"}))
    some = tried(hooks, "actions.book", decision(1, 5, tasks=("a", "b"), named=("b",)))
    whole = tried(hooks, "actions.book", decision(1, 5, "special", tasks=("a", "b")))

    assert (some.tasks, whole.tasks) == (1, 2)


def test_what_is_recommended_for_an_exit_code_is_said_of_tasks_that_have_it_only() -> None:
    class Book:
        @hookimpl
        def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
            return [Recommendation("clone", "memory", exit_code=137), Recommendation("", "read", exit_code=8028)]

    one = decision(1, 5, "special", tasks=("a", "b"))
    errors = ErrorTable([*one.case.errors.only(task="/wf1/a"), ErrorCount("/wf1/b", 137, "T2_CH_CERN", 9)])
    result = tried(hooks_of(book=Book()), "actions.book", replace(one, case=replace(one.case, errors=errors)))

    assert [(t.key, t.spoke) for t in result.by_code] == [("137", 1), ("8028", 0)]


def test_predictions_of_the_same_add_up_and_where_it_names_too_little_it_says_nothing() -> None:
    class Many(Learner):
        def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
            says = [("acdc", 0.4), ("clone", 0.3), ("clone", 0.3)]
            return [
                [Prediction(action, p, "m") for action, p in says[: 3 if case.workflow.name == "wf2" else 1]]
                for case in cases
            ]

    result = tried(hooks_of(guess=Many()), "ml.guess", decision(1, 20), decision(2, 5, "clone"), decision(3, 5))

    assert result.confusion == (("acdc", "", 1), ("clone", "clone", 1))
    assert [(t.key, t.spoke) for t in result.by_sureness][:4] == [("0", 1), ("0.5", 1), ("0.6", 1), ("0.7", 0)]


def test_how_sure_it_is_is_told_with_how_often_it_agrees_then() -> None:
    learner = Learner()
    result = tried(hooks_of(guess=learner), "ml.guess", decision(1, 20), decision(2, 5), decision(3, 4, "clone"))

    assert [(t.key, t.spoke, t.agreed) for t in result.by_sureness][:6] == [
        ("0", 2, 1), ("0.5", 2, 1), ("0.6", 2, 1), ("0.7", 2, 1), ("0.8", 2, 1), ("0.9", 0, 0),
    ]  # fmt: skip
    assert (result.model, result.differs[0].why) == ("learner 1", "habit")


def test_a_voice_that_fails_is_silent_and_named() -> None:
    class Broken(Procedures):
        @hookimpl
        def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
            raise OSError("no book")

    result = tried(hooks_of(book=Broken({})), "actions.book", decision(1, 5), decision(2, 5))

    assert (result.spoke, result.agreement) == (0, Interval())
    assert any("Of 2 workflows it could not be asked" in note and "no book" in note for note in result.notes)


@pytest.mark.parametrize("said", [None, "acdc", [[]], SystemExit(1), Prediction("acdc", float("nan"), "x")])
def test_a_predictor_that_says_garbage_is_silent_and_named(said: Any) -> None:
    class Garbage(Learner):
        def predict(self, cases: Sequence[Case]) -> Any:
            if isinstance(said, BaseException):
                raise said
            return [said if said is None else [said] for _ in cases]

    result = tried(hooks_of(mine=Garbage()), "ml.mine", decision(0, 20), decision(1, 5), decision(2, 5))

    assert result.spoke == 0
    assert any("Of 2 workflows it could not be asked" in note for note in result.notes)


def test_a_result_comes_back_from_json_as_it_was() -> None:
    result = tried(hooks_of(guess=Learner()), "ml.guess", decision(1, 20), decision(2, 5), decision(3, 4, "clone"))

    assert lab.result_of(lab.plain_result(result)) == result


def test_a_result_of_another_shape_says_so() -> None:
    with pytest.raises(WwtError, match="was kept by another version; measure again"):
        lab.result_of({"id": "x"})


# -- nothing of the future -----------------------------------------------------


def test_what_learns_sees_nothing_of_these_days_and_nothing_later() -> None:
    learner = Learner()
    tried(
        hooks_of(guess=learner), "ml.guess", *(decision(n, n / 2) for n in range(1, 41)),
        span=Span(NOW - 10 * DAY, NOW - 5 * DAY, 5),
    )  # fmt: skip

    assert max(one.decided_at for one in learner.given) < NOW - 10 * DAY
    assert {case.workflow.name for case in learner.asked} == {f"wf{n}" for n in range(11, 21)}


def test_a_family_of_these_days_is_not_learnt_from() -> None:
    learner = Learner()
    tried(
        hooks_of(guess=learner),
        "ml.guess",
        decision(1, 20, prep="A"),
        decision(2, 20, prep="B"),
        decision(3, 5, prep="A"),
    )

    assert [one.case.workflow.prep_id for one in learner.given] == ["B"]


def test_the_usual_action_is_that_of_earlier_days() -> None:
    hooks = hooks_of(book=Procedures({8028: "acdc"}))
    result = tried(hooks, "actions.book", decision(1, 20, "clone"), *(decision(n, 5) for n in range(2, 9)))

    assert (result.agreement.value, result.usual.value) == (1.0, 0.0)


def test_who_can_not_be_put_back_in_time_is_marked() -> None:
    class Service(Learner):
        train_predictor = None  # type: ignore[assignment]  # it learns elsewhere

    result = tried(hooks_of(guess=Service()), "ml.guess", decision(1, 5))

    assert "It was asked as it is today: it may have learnt from these very decisions." in result.notes


# -- what can not be -----------------------------------------------------------


def test_days_without_decisions_are_told() -> None:
    with pytest.raises(WwtError, match="Nobody decided anything between 2026-11-13 and 2026-11-23"):
        tried(hooks_of(guess=Learner()), "ml.guess", decision(1, 20))


def test_too_little_to_learn_from_is_told() -> None:
    with pytest.raises(WwtError, match=r"ml\.guess finds too little to learn from in 0 decisions before that time"):
        tried(hooks_of(guess=Learner()), "ml.guess", decision(1, 5))


def test_an_unknown_subject_is_not_found_and_those_there_are_named() -> None:
    with pytest.raises(NotFound, match=r"nothing called 'ml\.x' to try; there are: ml\.guess"):
        lab.find_subject(hooks_of(guess=Learner()), "ml.x")


# -- switching a rule on -------------------------------------------------------


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.memory()
    yield opened
    opened.close()


def measured(store: Store, hooks: Hooks, *decisions: Decision) -> str:
    result = tried(hooks, RULE, *(decisions or (decision(1, 20), decision(2, 5))))
    ledger.keep_lab_result(
        store, KeptResult(result.id, result.subject, result.fingerprint, NOW, "olga", lab.plain_result(result))
    )
    return result.id


def test_a_rule_that_was_never_measured_can_not_be_switched_on(store: Store) -> None:
    hooks = hooks_of(rules=Rules())
    with pytest.raises(WwtError, match="was not measured as it is now"):
        lab.switch_on(store, hooks, RULE, "", ADAM)

    (state,) = lab.rule_states(store, hooks)
    assert (state.is_on, state.why_not) == (False, "it was never measured as it is now")


def test_with_a_result_an_admin_switches_it_on_and_it_is_written_down(store: Store) -> None:
    hooks = hooks_of(rules=Rules())
    result = measured(store, hooks)
    state = lab.switch_on(store, hooks, RULE, result, ADAM)

    assert state.is_on
    assert state.result is not None
    assert (state.result.id, state.switched_by) == (result, "adam")
    deed = ledger.deeds(store, 10)[0]
    assert (deed.user, deed.deed, deed.subject) == ("adam", "switched rule on", RULE)


def test_an_operator_can_not_switch_on_and_can_switch_off(store: Store) -> None:
    hooks = hooks_of(rules=Rules())
    result = measured(store, hooks)
    with pytest.raises(Denied, match="needs the role admin; you are olga"):
        lab.switch_on(store, hooks, RULE, result, OLGA)
    lab.switch_on(store, hooks, RULE, result, ADAM)

    assert lab.switch_off(store, RULE, OLGA)
    assert not lab.switch_off(store, RULE, OLGA)


def test_a_rule_that_is_another_one_now_is_off(store: Store) -> None:
    hooks = hooks_of(rules=Rules("f1"))
    lab.switch_on(store, hooks, RULE, measured(store, hooks), ADAM)

    (state,) = lab.rule_states(store, hooks_of(rules=Rules("f2")))
    assert (state.is_on, state.lapsed, state.result) == (False, True, None)


def test_the_result_of_another_rule_does_not_count(store: Store) -> None:
    old, new = hooks_of(rules=Rules("f1")), hooks_of(rules=Rules("f2"))
    with pytest.raises(WwtError, match="was not measured as it is now"):
        lab.switch_on(store, new, RULE, measured(store, old), ADAM)


def test_a_rule_that_said_nothing_can_not_be_switched_on(store: Store) -> None:
    rules = Rules()
    rules.says = lambda _: None
    hooks = hooks_of(rules=rules)
    with pytest.raises(WwtError, match="said nothing in the days that were measured"):
        lab.switch_on(store, hooks, RULE, measured(store, hooks), ADAM)


def test_results_are_forgotten_but_not_that_of_a_rule_that_acts(store: Store) -> None:
    hooks = hooks_of(rules=Rules())
    first, second = measured(store, hooks), measured(store, hooks)
    lab.switch_on(store, hooks, RULE, first, ADAM)

    assert ledger.forget_lab_results(store, NOW + DAY) == 1
    assert ledger.lab_result(store, first)
    assert not ledger.lab_result(store, second)


def test_a_history_may_be_read_only_once_at_a_time() -> None:
    """A trial reads the past several times; a source that can be read but once would give nothing the second time."""
    reads: list[int] = []

    def read() -> Iterator[Seen]:
        reads.append(1)
        yield from map(Seen.of, (decision(1, 20), decision(2, 5)))

    hooks = hooks_of(guess=Learner())
    subject = lab.find_subject(hooks, "ml.guess")
    result = lab.measure(hooks, subject, Past(read), TEN, "", NOW, lambda *_: None)

    assert (result.learnt, result.tasks) == (1, 1)
    assert len(reads) > 1


@pytest.mark.parametrize(("ago", "days"), [(None, 365), (0, 7), (6.9, 7), (7.1, 30), (100, 180), (900, 365)])
def test_the_fewest_days_are_offered_that_have_decisions_enough(ago: float | None, days: int) -> None:
    assert lab.days_for(None if ago is None else NOW - timedelta(days=ago), NOW) == days
