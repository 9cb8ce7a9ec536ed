"""The three verbs, and what becomes of a plugin that does not keep to its hook."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from wwt_framework import hookimpl
from wwt_framework.cube import Names
from wwt_framework.errors import Denied, PluginError
from wwt_framework.hooks.fitting import implementations
from wwt_framework.hooks.lane import WIDTH
from wwt_framework.hooks.manager import Answer, Hooks
from wwt_framework.hooks.record import LATE_IN_A_ROW, QUARANTINE
from wwt_framework.hooks.table import HOOKS
from wwt_framework.model import ErrorCount, Errors, User, Workflow
from wwt_framework.plugin import Link, Panel

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
WORKFLOW = Workflow("wf_one")
ANA = User("ana", roles=frozenset({"operator"}))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hooks(clock: Clock) -> Hooks:
    return Hooks(clock)


def plugin(**hooks: Callable[..., Any]) -> object:
    """A plugin whose hooks are the given functions, each with *self* as first argument."""
    return type("Plugin", (), {name: hookimpl(function) for name, function in hooks.items()})()


def raising(error: BaseException) -> object:
    def fetch_errors(self):
        raise error

    return plugin(fetch_errors=fetch_errors)


def answering(hook: str, value: object) -> object:
    return plugin(**{hook: lambda self: value})


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """A plugin that waits for it is late; it opens when the test is over, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


# -- registering --


def refused(hooks: Hooks, candidate: object) -> str:
    with pytest.raises(PluginError) as caught:
        hooks.register("ml.forest", candidate)
    assert hooks.plugins == {}
    return str(caught.value)


def test_unknown_hook_is_refused_with_a_guess(hooks):
    assert refused(hooks, plugin(fetch_error=lambda self: None)) == (
        "plugin 'ml.forest' implements unknown hook 'fetch_error'; did you mean 'fetch_errors'?"
    )


def test_unknown_argument_is_named_with_a_guess(hooks):
    assert refused(hooks, plugin(fetch_errors=lambda self, workflows: None)) == (
        "plugin 'ml.forest', hook 'fetch_errors': unknown argument 'workflows'; did you mean 'workflow'?"
    )


def test_unknown_argument_without_a_near_one_gets_the_list(hooks):
    assert refused(hooks, plugin(find_similar=lambda self, x: None)).endswith(
        "unknown argument 'x'; it may take workflow, matrix, model, n"
    )


def test_hook_that_takes_nothing_says_so(hooks):
    assert refused(hooks, plugin(startup=lambda self, mood: None)).endswith("unknown argument 'mood'; it takes none")


@pytest.mark.parametrize("option", ["tryfirst", "trylast", "wrapper", "hookwrapper"])
def test_order_and_wrapping_are_not_for_plugins_to_say(hooks, option):
    class Pushy:
        @hookimpl(**{option: True})
        def fetch_errors(self):
            yield

    assert refused(hooks, Pushy()) == (
        f"plugin 'ml.forest', hook 'fetch_errors': {option} is not for us; plugins.yml says the order"
    )


def test_argument_with_a_default_would_never_arrive_and_is_refused(hooks):
    assert "'workflow' has a default" in refused(hooks, plugin(fetch_errors=lambda self, workflow=None: None))


def test_arguments_that_can_not_come_by_name_are_refused(hooks):
    assert "nothing would arrive in *rest" in refused(hooks, plugin(fetch_errors=lambda self, **rest: None))
    assert "stands after *" in refused(hooks, plugin(fetch_errors=lambda self, *, workflow: None))


def test_async_function_is_refused(hooks):
    async def fetch_errors(self): ...

    assert "got an async one" in refused(hooks, plugin(fetch_errors=fetch_errors))


def test_generator_is_refused(hooks):
    def list_workflows(self):
        yield WORKFLOW

    assert "got a generator" in refused(hooks, plugin(list_workflows=list_workflows))


def test_plugin_without_a_marker_is_asked_about_it(hooks):
    class Unmarked:
        def fetch_errors(self): ...

    assert refused(hooks, Unmarked()) == "plugin 'ml.forest' implements no hook; is @hookimpl missing?"


def test_class_instead_of_instance_is_refused(hooks):
    assert "expected an instance" in refused(hooks, type(plugin(fetch_errors=lambda self: None)))


def test_attribute_that_raises_is_named():
    def read_marker(plugin, attribute):  # pluggy before 1.7 evaluates properties
        if attribute == "mood":
            raise OSError("not today")

    with pytest.raises(PluginError) as caught:
        implementations("ml.forest", plugin(mood=lambda self: None), read_marker)

    assert str(caught.value) == "plugin 'ml.forest': mood can not be looked at: OSError: not today"


def test_one_hook_twice_in_one_plugin_is_refused(hooks):
    class Twice:
        @hookimpl
        def fetch_errors(self): ...

        @hookimpl(specname="fetch_errors")
        def again(self): ...

    assert "implements 'fetch_errors' twice" in refused(hooks, Twice())


def test_refused_plugin_does_not_answer(hooks):
    half_right = plugin(authenticate=lambda self: ANA, fetch_errors=lambda self, mood: None)

    refused(hooks, half_right)

    assert hooks.first("authenticate", username="ana", password="x") is None


def test_two_plugins_can_not_have_one_name(hooks):
    hooks.register("errors.a", answering("list_workflows", []))
    with pytest.raises(PluginError, match=r"'errors\.a' is registered already"):
        hooks.register("errors.a", answering("list_workflows", []))


def test_plugin_may_take_fewer_arguments_than_the_hook_gives(hooks):
    guard = plugin(check_action=lambda self, cases: [] if cases == ["case"] else None)
    hooks.register("actions.guard", guard, deadline_s=60)

    (answer,) = hooks.each("check_action", draft=None, cases=["case"], open_actions=[])

    assert answer.value == []


# -- asking --


def test_each_keeps_the_order_of_registration_and_everybodys_answer(hooks):
    hooks.register("errors.good", answering("fetch_errors", Errors()))
    hooks.register("errors.bad", raising(RuntimeError("WMStats is down")))
    hooks.register("errors.shy", answering("fetch_errors", None))

    answers = hooks.each("fetch_errors", workflow=WORKFLOW)

    assert [(a.plugin, a.ok, a.value) for a in answers] == [
        ("errors.good", True, Errors()),
        ("errors.bad", False, None),
        ("errors.shy", True, None),
    ]


def test_missing_answer_is_explained_in_one_sentence(hooks):
    hooks.register("errors.bad", raising(RuntimeError("WMStats is down")))

    (answer,) = hooks.each("fetch_errors", workflow=WORKFLOW)

    assert answer.complaint == "errors.bad, fetch_errors: RuntimeError: WMStats is down"


def test_first_goes_on_after_none_and_after_a_failure(hooks):
    def down(self):
        raise OSError("ldap")

    hooks.register("auth.no", answering("authenticate", None))
    hooks.register("auth.ldap", plugin(authenticate=down))
    hooks.register("auth.yes", answering("authenticate", ANA))

    answer = hooks.first("authenticate", username="ana", password="x")

    assert (answer.plugin, answer.value) == ("auth.yes", ANA)


def test_first_stops_at_denied_and_that_is_no_failure(hooks):
    def locked(self):
        raise Denied("account is locked")

    hooks.register("auth.locked", plugin(authenticate=locked))
    hooks.register("auth.open", answering("authenticate", ANA))

    answer = hooks.first("authenticate", username="ana", password="x")

    assert (answer.plugin, answer.value, str(answer.error)) == ("auth.locked", None, "account is locked")
    assert hooks.failures == {}


def test_first_is_none_when_all_were_asked_and_nobody_knows(hooks):
    hooks.register("auth.no", answering("authenticate", None))

    assert hooks.first("authenticate", username="ana", password="x") is None


def test_first_is_a_failure_when_nobody_answered_and_somebody_could_not(hooks):
    def down(self):
        raise OSError("ldap")

    hooks.register("auth.ldap", plugin(authenticate=down))
    hooks.register("auth.no", answering("authenticate", None))

    answer = hooks.first("authenticate", username="ana", password="x")

    assert (answer.plugin, answer.ok) == ("auth.ldap", False)


def test_only_asks_the_one(hooks):
    hooks.register("clustering.a", plugin(find_similar=lambda self: []))
    hooks.register("clustering.b", raising(AssertionError("was asked")))

    answer = hooks.only("clustering.a", "find_similar", workflow="w", matrix=None, model=None, n=3)

    assert (answer.ok, answer.value) == (True, [])


def test_only_names_the_plugins_there_are(hooks):
    hooks.register("errors.good", answering("fetch_errors", None))
    with pytest.raises(PluginError, match=r"no plugin 'goood'; there are: errors\.good"):
        hooks.only("goood", "fetch_errors", workflow=WORKFLOW)


def test_owner_without_the_hook_has_nothing_to_say_where_none_is_an_answer(hooks):
    hooks.register("actions.acdc", answering("register_actions", []))

    answer = hooks.only("actions.acdc", "build_action_fields", kind="acdc", cases=[])

    assert (answer.ok, answer.value) == (True, None)


def test_owner_without_the_hook_fails_where_none_is_no_answer(hooks):
    hooks.register("actions.acdc", answering("register_actions", []))

    answer = hooks.only("actions.acdc", "execute_action", action=None, case=None, dry_run=True)

    assert str(answer.error) == "does not implement it: expected Outcome, got None"


def test_call_with_the_wrong_arguments_is_the_callers_fault_even_when_nobody_listens(hooks):
    with pytest.raises(TypeError, match=r"fetch_errors takes \(workflow\), was asked with \(\)"):
        hooks.each("fetch_errors")


def test_wrong_verb_is_the_callers_fault(hooks):
    with pytest.raises(TypeError, match=r"authenticate is asked by hooks\.first, not by hooks\.each"):
        hooks.each("authenticate", username="ana", password="x")


def test_hook_that_does_not_exist_is_the_callers_fault(hooks):
    with pytest.raises(TypeError, match="no hook 'predict_actions'"):
        hooks.each("predict_actions")


def test_interrupt_passes(hooks):
    hooks.register("errors.a", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        hooks.each("fetch_errors", workflow=WORKFLOW)


def test_interrupt_passes_out_of_a_lane(hooks):
    def show_links(self):
        raise KeyboardInterrupt

    hooks.register("errors.a", plugin(show_links=show_links), deadline_s=60)
    with pytest.raises(KeyboardInterrupt):
        hooks.each("show_links", case=None)


def test_plugin_that_wants_to_end_the_program_only_fails(hooks):
    hooks.register("errors.a", raising(SystemExit(3)))

    (answer,) = hooks.each("fetch_errors", workflow=WORKFLOW)

    assert answer.complaint == "errors.a, fetch_errors: wanted to end the program (SystemExit: 3)"
    assert hooks.record("errors.a").failure_count == 1


def test_unregistered_plugin_is_not_asked(hooks):
    hooks.register("errors.a", answering("list_workflows", []))

    hooks.unregister("errors.a")

    assert hooks.each("list_workflows") == []


# -- what comes back --


@pytest.mark.parametrize(
    ("hook", "value", "complaint"),
    [
        ("list_workflows", ["wf_one"], "expected a list of Workflow, but number 1 of 1 is 'wf_one' (str)"),
        ("list_workflows", [WORKFLOW, None], "expected a list of Workflow, but number 2 of 2 is None"),
        ("list_workflows", WORKFLOW, "expected a list of Workflow, got Workflow(name='wf_one', prep_id="),
        ("list_workflows", {"wf_one": WORKFLOW}, "expected a list of Workflow, got {'wf_one': "),
        ("list_workflows", (w for w in [WORKFLOW]), "expected a list of Workflow, got <generator"),
        ("report_health", True, "expected Health or None, got True (bool)"),
    ],
)
def test_answer_of_the_wrong_type_is_a_failure_that_says_what_came(hooks, hook, value, complaint):
    hooks.register("errors.a", answering(hook, value))

    (answer,) = hooks.each(hook)

    assert answer.value is None
    assert str(answer.error).startswith(f"answered: {complaint}")
    assert hooks.record("errors.a").failure_count == 1


def test_list_of_counts_instead_of_errors_is_refused(hooks):
    hooks.register("errors.a", answering("fetch_errors", [ErrorCount("/w/t", 85, "T1_US_FNAL", 1)]))

    (answer,) = hooks.each("fetch_errors", workflow=WORKFLOW)

    assert str(answer.error).startswith("answered: expected Errors or None, got [ErrorCount(")


def test_roles_as_one_text_are_not_a_list_of_letters(hooks):
    hooks.register("auth.a", answering("grant_roles", "admin"))

    (answer,) = hooks.each("grant_roles", user=ANA)

    assert str(answer.error) == "answered: expected a list of str, got 'admin' (str)"


def test_true_is_nobody(hooks):
    hooks.register("auth.a", answering("authenticate", True))

    answer = hooks.first("authenticate", username="ana", password="x")

    assert (answer.value, str(answer.error)) == (None, "answered: expected User or None, got True (bool)")


def test_nothing_to_say_where_many_are_expected_is_an_empty_answer(hooks):
    hooks.register("errors.a", answering("list_workflows", None))

    assert [a.value for a in hooks.each("list_workflows")] == [()]


def test_any_sequence_of_the_right_kind_will_do(hooks):
    hooks.register("auth.a", answering("grant_roles", ("admin",)))
    hooks.register("auth.b", answering("grant_roles", Names.of(["viewer"])))

    assert [list(a.value) for a in hooks.each("grant_roles", user=ANA)] == [["admin"], ["viewer"]]


def test_predictor_is_whatever_can_predict(hooks):
    class Coin:
        on_view = False

        def predict(self, cases):
            return [[] for _ in cases]

    coin = Coin()
    hooks.register("ml.coin", answering("load_predictor", coin))
    hooks.register("ml.stone", answering("load_predictor", object()))

    assert hooks.only("ml.coin", "load_predictor", folder=None).value is coin
    assert "expected Predictor" in str(hooks.only("ml.stone", "load_predictor", folder=None).error)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_knows_what_it_returns(hook):
    assert HOOKS[hook].returns.words


# -- late --


def waiting_for(gate: threading.Event, hook: str = "show_links") -> object:
    def wait(self):
        gate.wait()

    return plugin(**{hook: wait})


def ask_links(hooks: Hooks) -> list[Answer]:
    return hooks.each("show_links", case=None)


def test_late_answer_is_missing_and_holds_up_nobody_else(hooks, gate):
    hooks.register("extras.slow", waiting_for(gate), deadline_s=0.01)
    hooks.register("extras.quick", answering("show_links", [Link("logs", "https://example.org")]), deadline_s=60)

    slow, quick = ask_links(hooks)

    assert (slow.value, slow.late, str(slow.error)) == (None, True, "did not answer within 0.01 s")
    assert (quick.late, [link.label for link in quick.value]) == (False, ["logs"])


def test_three_late_answers_in_a_row_end_in_quarantine(hooks, gate):
    hooks.register("extras.slow", waiting_for(gate), deadline_s=0.01)
    for _ in range(LATE_IN_A_ROW):
        ask_links(hooks)

    (answer,) = ask_links(hooks)

    assert str(answer.error).startswith("not asked since 12:00 UTC because its answers were late")
    assert answer.late
    assert [(q.plugin, q.hook, q.since) for q in hooks.quarantined] == [("extras.slow", "show_links", NOON)]


def test_answer_in_time_forgives_two_late_ones(hooks, gate):
    hooks.register("extras.slow", waiting_for(gate), deadline_s=0.01)
    ask_links(hooks)
    ask_links(hooks)
    record = hooks.record("extras.slow")
    record.in_time("show_links")

    ask_links(hooks)

    assert hooks.quarantined == ()


def test_quarantine_of_one_hook_leaves_the_others_of_the_plugin(hooks, gate):
    slow = plugin(show_links=lambda self: gate.wait(), show_panels=lambda self: [Panel("a", "b.html")])
    hooks.register("extras.slow", slow, deadline_s=0.01)
    for _ in range(LATE_IN_A_ROW):
        ask_links(hooks)
    hooks.register("extras.judge", answering("show_links", []), deadline_s=60)

    assert [a.late for a in ask_links(hooks)] == [True, False]
    assert [q.hook for q in hooks.quarantined] == ["show_links"]


def test_stuck_plugin_can_be_released_and_answers_again(hooks, gate):
    stuck = [True]
    patient = plugin(show_links=lambda self: gate.wait() if stuck[0] else [])
    hooks.register("extras.slow", patient, deadline_s=0.01)
    for _ in range(LATE_IN_A_ROW):
        ask_links(hooks)
    stuck[0] = False

    hooks.release("extras.slow")

    hooks_deadline(hooks, "extras.slow", 60)
    assert [a.ok for a in ask_links(hooks)] == [True]


def hooks_deadline(hooks: Hooks, name: str, seconds: float) -> None:
    """What must be in time gets all the time it needs: a test does not depend on a busy machine."""
    hooks._seat(name)._deadline_s = seconds


def test_quarantined_plugin_is_tried_once_a_minute_and_comes_back(hooks, clock, gate):
    stuck = [True]
    hooks.register("extras.slow", plugin(show_links=lambda self: gate.wait() if stuck[0] else []), deadline_s=0.01)
    for _ in range(LATE_IN_A_ROW):
        ask_links(hooks)
    stuck[0] = False
    hooks_deadline(hooks, "extras.slow", 60)

    before = ask_links(hooks)[0].ok
    clock.now += QUARANTINE
    after = ask_links(hooks)[0].ok

    assert (before, after, hooks.quarantined) == (False, True, ())


def test_trial_that_is_late_again_keeps_the_quarantine(hooks, clock, gate):
    hooks.register("extras.slow", waiting_for(gate), deadline_s=0.01)
    for _ in range(LATE_IN_A_ROW):
        ask_links(hooks)
    clock.now += QUARANTINE

    ask_links(hooks)

    (quarantine,) = hooks.quarantined
    assert (quarantine.since, quarantine.next_try) == (NOON, NOON + 2 * QUARANTINE)


class Stuck:
    """Its calls begin, say so, and wait for the gate."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate
        self.begun = threading.Semaphore(0)
        self.calls = 0

    @hookimpl
    def show_links(self):
        self.calls += 1
        self.begun.release()
        self.gate.wait()


def begin(hooks: Hooks, name: str) -> Any:
    """A call of show_links that nobody waits for yet."""
    return hooks._seat(name).begin(HOOKS["show_links"], {"case": None})


def test_plugin_stuck_in_every_thread_of_its_lane_leaves_the_others_theirs(hooks, gate):
    stuck = Stuck(gate)
    hooks.register("extras.stuck", stuck, deadline_s=0.001)
    hooks.register("extras.quick", answering("show_links", []), deadline_s=60)
    for _ in range(WIDTH):
        begin(hooks, "extras.stuck")
        assert stuck.begun.acquire(timeout=60)
    waiting = [begin(hooks, "extras.stuck") for _ in range(20)]

    answers = ask_links(hooks)

    assert [a.ok for a in answers] == [False, True]
    assert not any(call.wait(0) for call in waiting)
    assert len([t for t in threading.enumerate() if t.name == "wwt-extras.stuck"]) == WIDTH


def test_call_that_was_given_up_before_it_began_is_never_made(hooks, gate):
    stuck = Stuck(gate)
    hooks.register("extras.stuck", stuck, deadline_s=0.001)
    for _ in range(WIDTH):
        begin(hooks, "extras.stuck")
        assert stuck.begun.acquire(timeout=60)

    ask_links(hooks)
    gate.set()
    last = begin(hooks, "extras.stuck")

    assert last.wait(60)
    assert stuck.calls == WIDTH + 1


def test_hook_without_a_deadline_is_asked_in_the_callers_thread(hooks):
    hooks.register("errors.a", plugin(list_workflows=lambda self: [Workflow(threading.current_thread().name)]))

    (answer,) = hooks.each("list_workflows")

    assert answer.value[0].name == threading.current_thread().name


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        ("show_panels", 0.5), ("build_action_fields", 0.5), ("check_action", 0.5), ("identify", 0.5),
        ("authenticate", 5), ("grant_roles", 5), ("report_health", 5),
        ("find_similar", 0.5), ("label_workflows", None), ("fetch_errors", None), ("execute_action", None),
    ],
)  # fmt: skip
def test_deadlines_are_those_of_the_house(hook, seconds):
    assert HOOKS[hook].deadline_s == seconds


def test_late_authentication_is_not_a_yes_afterwards(hooks, gate):
    def authenticate(self):
        gate.wait()
        return ANA

    hooks.register("auth.slow", plugin(authenticate=authenticate), deadline_s=0.01)

    answer = hooks.first("authenticate", username="ana", password="x")

    assert (answer.value, answer.late) == (None, True)


# -- what is remembered --


def test_same_failure_again_only_counts(hooks, clock):
    hooks.register("errors.bad", raising(RuntimeError("down")))
    for _ in range(3):
        hooks.each("fetch_errors", workflow=WORKFLOW)
        clock.now += timedelta(minutes=1)

    (failure,) = hooks.failures["errors.bad"]

    assert (failure.hook, failure.message, failure.count) == ("fetch_errors", "RuntimeError: down", 3)
    assert failure.at == NOON + timedelta(minutes=2)


def test_one_failure_in_thousands_of_workflows_does_not_push_another_one_out(hooks):
    texts = iter(["first", *map(str, range(1000))])

    class Bad:
        @hookimpl
        def list_workflows(self):
            raise OSError("the other one")

        @hookimpl
        def fetch_errors(self):
            raise OSError(next(texts))

    hooks.register("errors.bad", Bad())
    hooks.each("list_workflows")
    for _ in range(1001):
        hooks.each("fetch_errors", workflow=WORKFLOW)

    assert [(f.message, f.count) for f in hooks.failures["errors.bad"]] == [
        ("OSError: the other one", 1),
        ("OSError: 999", 1001),
    ]
    assert hooks.record("errors.bad").failure_count == 1002


def test_no_more_than_twenty_ways_to_fail_are_kept(hooks):
    record_of = Hooks()
    record_of.register("errors.bad", raising(RuntimeError("down")))
    record = record_of.record("errors.bad")
    for number in range(25):
        record.failed(f"hook{number}", RuntimeError(str(number)))

    assert [f.hook for f in record.failures] == [f"hook{number}" for number in range(5, 25)]


def test_failure_says_which_line_of_the_plugin_raised(hooks):
    hooks.register("errors.bad", raising(RuntimeError("down")))

    hooks.each("fetch_errors", workflow=WORKFLOW)

    (failure,) = hooks.failures["errors.bad"]
    line = raising.__code__.co_firstlineno + 2
    assert failure.where == f"{__file__}:{line}"
    assert failure.traceback.count("File ") == 1
    assert "raise error" in failure.traceback


def test_endless_message_is_cut(hooks):
    hooks.register("errors.bad", raising(RuntimeError("x" * 10_000)))

    hooks.each("fetch_errors", workflow=WORKFLOW)

    assert len(hooks.failures["errors.bad"][0].message) == 503


def test_traceback_is_logged_once_and_then_only_the_count(hooks, caplog):
    hooks.register("errors.bad", raising(RuntimeError("down")))
    with caplog.at_level(logging.ERROR):
        hooks.each("fetch_errors", workflow=WORKFLOW)
        hooks.each("fetch_errors", workflow=WORKFLOW)

    assert [(r.plugin, r.hook, r.count, bool(r.exc_info)) for r in caplog.records] == [
        ("errors.bad", "fetch_errors", 1, True),
        ("errors.bad", "fetch_errors", 2, False),
    ]


def test_time_is_kept_per_plugin_and_hook(hooks):
    hooks.register("errors.a", answering("list_workflows", []))
    hooks.each("list_workflows")
    hooks.each("list_workflows")

    timing = hooks.timings["errors.a", "list_workflows"]

    assert timing.count == 2
    assert 0 < timing.last <= timing.max <= timing.total


def test_late_call_is_timed_when_it_comes_back(hooks, gate):
    stuck = Stuck(gate)
    hooks.register("extras.stuck", stuck, deadline_s=0.001)
    call = begin(hooks, "extras.stuck")
    assert stuck.begun.acquire(timeout=60)
    assert hooks._seat("extras.stuck").finish(HOOKS["show_links"], call).late

    gate.set()

    assert call.wait(60)
    assert hooks.timings["extras.stuck", "show_links"].count == 1


# -- shadow, and a second house --


def test_shadow_plugin_is_asked_and_noted_and_nobody_gets_its_answer(hooks):
    hooks.register("auth.trial", answering("authenticate", ANA), shadow=True)
    hooks.register("errors.trial", answering("list_workflows", [WORKFLOW]), shadow=True)

    assert hooks.first("authenticate", username="ana", password="x") is None
    assert hooks.each("list_workflows") == []
    assert hooks.implementing("list_workflows") == []
    assert [n.hook for n in hooks.record("errors.trial").noted] == ["list_workflows"]
    assert "ana" in hooks.record("auth.trial").noted[0].text


def test_shadow_plugin_tells_nobody(hooks):
    told = []
    hooks.register("extras.mail", plugin(notify=lambda self: told.append(1)), shadow=True)

    hooks.each("notify", event=None)

    assert told == []


def test_adopted_plugin_goes_on_with_its_record(hooks):
    bad = raising(RuntimeError("down"))
    hooks.register("errors.bad", bad)
    hooks.each("fetch_errors", workflow=WORKFLOW)
    second = Hooks()

    second.adopt("errors.bad", hooks)

    assert second.plugins == {"errors.bad": bad}
    assert second.record("errors.bad").failure_count == 1


def test_two_houses_do_not_see_each_other(hooks):
    other = Hooks()
    hooks.register("errors.a", answering("list_workflows", [WORKFLOW]))

    assert other.each("list_workflows") == []
