"""The list of ACDCs that need no operator: asked of a service, told, mailed; and the service as a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import responses

from tests.services.case_world import ALONE, BOUND, FIRST, KEPT, ORIGINAL, SECOND, TAKEN, case_world
from wwt_framework.errors import Denied, NotSignedIn
from wwt_framework.model import Action, ActionState, Case, User, Workflow
from wwt_framework.plugin import Reply, Visit
from wwt_framework.snapshot import Snapshot
from wwt_framework.testing.running import Doors, Running, running

STATIC = "http://rules.example.org/static_action"
OPERATOR, VIEWER = User("olga", roles=frozenset({"operator"})), User("vera", roles=frozenset({"viewer"}))
PARAMETERS = {"Action": "acdc", "Parameters": {"T": {"xrootd": "enabled", "sites": []}}, "Reasons": [], "user": "ai"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@dataclass
class Rules:
    """The service: workflow -> what it answers."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200

    def __call__(self, request: Any) -> tuple[int, dict[str, str], str]:
        import json

        self.asked.append(request.params["wf"])
        answer = self.answers.get(request.params["wf"], {})
        return (
            self.status,
            {"Content-Type": "application/json"},
            answer if isinstance(answer, str) else json.dumps(answer),
        )


@pytest.fixture
def rules() -> Iterator[Rules]:
    service = Rules({name: {"workflow": name, "parameters": PARAMETERS} for name in (ALONE, ORIGINAL)})
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, STATIC, service)
        yield service


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def make(**options: Any) -> Running:
        given = {"static": STATIC, "key": "cron's key", **options}
        started.append(running("actions.auto_acdc", given, tmp_path, Doors(tmp_path)))
        return started[-1]

    yield make
    for one in started:
        one.stop()


def ask(it: Running, world: Snapshot, path: str, user: User = VIEWER, method: str = "GET", **of_visit: Any) -> Reply:
    page = next(page for page in it.ask("register_pages") if page.path == path and method in page.methods)
    reply = page.handler(Visit(**{"method": method, "path": path, "headers": {}, **of_visit}), user, world)
    assert isinstance(reply, Reply)
    return reply


def lines(reply: Reply) -> list[str]:
    return (reply.body or b"").decode().splitlines()


def test_j16_d_h_what_the_service_would_do_is_told_in_the_name_of_its_user(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    told = ask(start(user="robot"), world, "/auto_acdc", query={"workflow": ORIGINAL})

    assert told.json == {"workflow": ORIGINAL, "parameters": {**PARAMETERS, "user": "robot"}}


def test_j16_nothing_is_an_empty_object(start: Callable[..., Running], world: Snapshot, rules: Rules) -> None:
    it = start()

    assert ask(it, world, "/auto_acdc", query={"workflow": FIRST}).json == {}
    assert ask(start(static=""), world, "/auto_acdc", query={"workflow": ORIGINAL}).json == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("no json", "answered with something that is no JSON"),
        ({"workflow": "another", "parameters": PARAMETERS}, "and answered about something else"),
        ({"workflow": ALONE, "parameters": {"Action": 1}}, "answered without parameters > Action"),
        ([1], "answered without parameters > Action"),
    ],
)
def test_j16_an_answer_that_can_not_be_understood_is_not_nothing(
    start: Callable[..., Running], world: Snapshot, rules: Rules, answer: Any, words: str
) -> None:
    rules.answers[ALONE] = answer
    told = ask(start(), world, "/auto_acdc", query={"workflow": ALONE})

    assert told.status == 502
    assert words in told.json["error"]


def test_j16_a_service_that_is_down_is_told(start: Callable[..., Running], world: Snapshot, rules: Rules) -> None:
    rules.status = 500
    told = ask(start(), world, "/auto_acdc", query={"workflow": ORIGINAL})

    assert (told.status, "answered 500" in told.json["error"]) == (502, True)


def test_p10_a_workflow_leads_to_its_automatic_acdc_and_looking_at_it_asks_nobody(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start()

    def panels(name: str, page: str = "workflow") -> list[str]:
        told = it.ask("show_panels", page=page, case=world.case(name), snapshot=world, user=VIEWER)
        return [panel.values["workflow"] for panel in told]

    assert panels(ORIGINAL) == [ORIGINAL]
    assert panels(FIRST) == []  # an ACDC itself
    assert panels(ORIGINAL, "overview") == []
    assert rules.asked == []


def test_p10_a_browser_is_shown_the_parameters_of_each_task(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    browser = {"headers": {"accept": "text/html"}}
    it = start(user="robot")
    told = ask(it, world, "/auto_acdc", query={"workflow": ORIGINAL}, **browser)
    doubtful = ask(it, world, "/auto_acdc", query={"workflow": KEPT}, **browser)
    program = ask(it, world, "/auto_acdc", query={"workflow": ORIGINAL, "format": "json"}, **browser)

    assert told.values["rows"] == [
        ("Action", "acdc"), ("Reasons", "[]"), ("user", "robot"), ("T", '{"xrootd": "enabled", "sites": []}'),
    ]  # fmt: skip
    assert (doubtful.status, doubtful.values["rows"], "kept from earlier" in doubtful.values["trouble"]) == (
        409,
        [],
        True,
    )
    assert program.json["workflow"] == ORIGINAL


def test_j17_the_list_has_one_workflow_a_line_and_nothing_that_was_acted_on_or_is_an_acdc(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start()
    done = Action("a1", "acdc", KEPT, {}, {}, (), "olga", ActionState.DONE, TAKEN, TAKEN)
    it.doors.actions.kept = {"a1": done, "a2": replace(done, id="a2", workflow=BOUND, state=ActionState.QUEUED)}
    told = ask(it, world, "/check_auto_acdc", query={"key": "cron's key"}, user=User())

    assert lines(told) == [ORIGINAL, ALONE]
    assert not {KEPT, BOUND, FIRST, SECOND} & set(rules.asked)
    assert len(it.doors.actions.kept) == 2


@pytest.mark.parametrize(
    ("name", "why"), [(KEPT, "errors are kept from earlier (HTTP 502)"), (BOUND, "errors are lower bounds or parts")]
)
def test_j16_nothing_is_done_about_counts_that_are_not_whole_and_of_now(
    start: Callable[..., Running], world: Snapshot, rules: Rules, name: str, why: str
) -> None:
    it = start()
    told = ask(it, world, "/auto_acdc", query={"workflow": name})

    assert (told.status, told.json["error"]) == (409, f"Nothing would be done: {why}.")
    assert f"# {name}: {why}" in lines(ask(it, world, "/check_auto_acdc", query={"key": "cron's key"}, user=User()))
    assert name not in rules.asked


def test_j17_an_installation_can_demand_more_than_whole_counts_or_less(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    strict = ask(start(complete=["errors", "recoveries"]), world, "/check_auto_acdc", query={"key": "cron's key"})
    easy = ask(start(complete=[]), world, "/auto_acdc", query={"workflow": KEPT})

    assert lines(strict)[0] == ORIGINAL
    assert f"# {ALONE}: recoveries are not known (no source tells it)" in lines(strict)
    assert easy.status == 200


def test_j17_what_is_not_known_follows_as_remarks_and_a_dead_service_is_left_alone(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    rules.status = 503
    told = ask(start(), world, "/check_auto_acdc", query={"key": "cron's key"}, user=User())

    assert len(lines(told)) == 4
    assert all(line.startswith("# ") for line in lines(told))


def test_j17_without_key_and_without_the_role_nobody_is_asked(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start()
    for user, refusal, visit in (
        (User(), NotSignedIn, {}), (VIEWER, Denied, {}), (User(), NotSignedIn, {"query": {"key": "wrong"}}),
        (User(), NotSignedIn, {"query": {"key": ["cron's key", "x"]}}),
    ):  # fmt: skip
        for method in ("GET", "POST"):
            with pytest.raises(refusal):
                ask(it, world, "/check_auto_acdc", user, method, **visit)
    assert rules.asked == []


def test_j17_without_a_key_in_the_options_an_empty_one_opens_nothing(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    with pytest.raises(NotSignedIn):
        ask(start(key=None), world, "/check_auto_acdc", User(), query={"key": ""})


def test_j17_a_browser_sees_a_button_and_only_that_asks(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start()
    browser = {"headers": {"accept": "text/html", "sec-fetch-mode": "navigate"}}
    seen = ask(it, world, "/check_auto_acdc", OPERATOR, **browser)

    assert (seen.template, seen.values["round"], rules.asked) == ("auto_acdc.html", None, [])
    told = ask(it, world, "/check_auto_acdc", OPERATOR, "POST", **browser).values["round"]
    assert [rule.workflow for rule in told.rules] == [ORIGINAL, ALONE]


def test_a_dry_service_is_no_rule(start: Callable[..., Running]) -> None:
    assert start().ask("register_rules") == ()


def test_j17_a_service_that_is_not_dry_is_a_rule_that_says_what_it_says(
    start: Callable[..., Running], rules: Rules
) -> None:
    it = start(dry=False, complete=[])
    (rule,) = it.ask("register_rules")
    told = it.ask("apply_rule", rule=rule.name, case=Case(Workflow(ORIGINAL)))

    assert (rule.name, rule.asks_outside) == ("service", True)
    assert told.action == "acdc"
    assert not {"Action", "user", "ACDCs"} & told.parameters.keys()
    assert it.ask("apply_rule", rule=rule.name, case=Case(Workflow("nothing-to-do"))) is None


def test_j17_to_ask_for_the_list_has_the_rule_followed_at_once(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start(dry=False)
    ask(it, world, "/check_auto_acdc", OPERATOR)

    assert it.doors.jobs.requested == [("automatic", {})]


def test_e3_what_is_new_in_the_list_is_mailed_once_with_links(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start(mail_to=["team@example.org"])
    for _ in range(2):
        ask(it, world, "/check_auto_acdc", OPERATOR)
    (mail,) = it.doors.mail.sent

    assert (mail.to, mail.subject) == (("team@example.org",), "Automatic ACDCs: 2 would be made")
    assert f"{ALONE}: acdc\n  https://wwt.example.org/seeworkflow?workflow={ALONE}" in mail.text
    assert "nothing was submitted by making it" in mail.text


def test_e3_a_mail_that_can_not_be_sent_is_told_and_made_up_for(
    start: Callable[..., Running], world: Snapshot, rules: Rules
) -> None:
    it = start(mail_to=["team@example.org"])
    it.doors.mail.closed = "no mail server"
    ask(it, world, "/check_auto_acdc", OPERATOR)

    assert it.ask("report_health").text == "mails do not go out: no mail server"
    it.doors.mail.closed = ""
    ask(it, world, "/check_auto_acdc", OPERATOR)
    assert len(it.doors.mail.sent) == 1


def test_e3_a_service_that_drips_is_given_up_in_time(
    start: Callable[..., Running], world: Snapshot, dripping: str
) -> None:
    it = start(static=dripping, timeout_s=0.2)
    reply = ask(it, world, "/auto_acdc", query={"workflow": ORIGINAL})

    assert reply.status == 502
    assert f"{dripping} did not answer within 0.2 s" in reply.json["error"]
