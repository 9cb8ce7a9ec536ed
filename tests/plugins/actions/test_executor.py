"""What /getaction says, to whom, and what executors are said to honour."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.model import Action, ActionState, Case, Draft, Known, Reason, Recovery, Task, User, Workflow
from wwt_framework.plugin import ActionKind, Field, Reply, Visit
from wwt_framework.snapshot import Snapshot
from wwt_framework.testing.running import Doors, Running, running
from wwt_plugins.actions.executor.documents import Documents, as_document
from wwt_plugins.actions.executor.service import openapi

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
KEY = "the shared key"
UNIFIED = User("unified", roles=frozenset({"machine"}), backend="auth.token")
SITES = ["T1_US_FNAL", "T2_CH_CERN"]


def action(workflow: str = "wf_a", kind: str = "acdc", **fields: Any) -> Action:
    given_ = {"values": {}, "task_values": {}, "reasons": (), "user": "olga", "submitted_at": NOON, **fields}
    return Action(f"id-{workflow}", kind, workflow, state=ActionState.QUEUED, changed_at=NOON, **given_)


def task(**values: Any) -> dict[str, Any]:
    """What is told of the only task of an ACDC with *values*."""
    document: dict[str, Any] = as_document(action(task_values={"T1/Merge": values}))["Parameters"]["T1/Merge"]
    return document


# -- the document --


def test_j1_a_document_of_an_acdc_is_what_the_old_console_told() -> None:
    asked = {"memory": 12000, "splitting": "2x", "xrootd": "enabled", "secondary": "disabled", "sites": SITES}
    told = as_document(
        action(task_values={"T1/Merge": asked}, reasons=(Reason("oom", "too little\nmemory"),), acdcs=("olga_ACDC0_x",))
    )

    assert told == {
        "Action": "acdc",
        "Reasons": ["too little<br>memory"],
        "Reason": "too little\nmemory",
        "Parameters": {
            "T1/Merge": {
                "memory": "12000", "splitting": "2x", "xrootd": "enabled", "secondary": "disabled", "cores": "",
                "sites": SITES,
            }
        },
        "user": "olga",
        "ACDCs": ["olga_ACDC0_x"],
    }  # fmt: skip


def test_j1_sites_are_told_even_when_there_are_none() -> None:
    assert task()["sites"] == []


def test_a_single_site_is_told_as_a_list() -> None:
    assert task(sites="T1_US_FNAL")["sites"] == ["T1_US_FNAL"]


@pytest.mark.parametrize("nothing", ["", None])
def test_splitting_that_nobody_asked_for_is_not_told_at_all(nothing: str | None) -> None:
    assert "splitting" not in task(splitting=nothing)


def test_cores_are_told_as_multicore_too_with_a_memory_that_can_be_multiplied() -> None:
    told = task(cores=8, memory="16000")

    assert (told["cores"], told["multicore"], told["memory"]) == ("8", 8, 16000)


def test_memory_without_cores_is_text_and_there_is_no_multicore() -> None:
    told = task(memory=16000)

    assert (told["memory"], "multicore" in told) == ("16000", False)


def test_cores_of_a_recovery_stay_as_they_always_were() -> None:
    told = as_document(action(kind="recovery", task_values={"T1": {"cores": 8, "group": "DATAOPS"}}))["Parameters"][
        "T1"
    ]

    assert (told["cores"], told["group"], "multicore" in told) == ("8", "DATAOPS", False)


def test_what_is_asked_of_all_tasks_is_told_with_each_and_its_own_wins() -> None:
    told = as_document(
        action(values={"memory": 4000, "xrootd": "enabled"}, task_values={"T1": {"memory": 8000}, "T2": {"memory": ""}})
    )["Parameters"]

    assert [(told[name]["memory"], told[name]["xrootd"]) for name in ("T1", "T2")] == [
        ("8000", "enabled"),
        ("4000", "enabled"),
    ]
    assert list(told) == ["T1", "T2"]


def test_a_clone_has_text_for_memory_and_a_comment() -> None:
    told = as_document(action(kind="clone", values={"memory": 8000, "splitting": "2x"}))

    assert told["Parameters"] == {"comment": "", "memory": "8000", "cores": "", "splitting": "2x"}


def test_a_by_pass_is_told_flat() -> None:
    assert as_document(action(kind="special", values={"action": "by-pass", "other": ""}))["Parameters"] == {
        "action": "by-pass"
    }


def test_no_reason_means_no_reason_text() -> None:
    told = as_document(action())

    assert (told["Reasons"], "Reason" in told) == ([], False)


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_text_is_told_as_json_and_comes_back(name: str, text: str) -> None:
    told = json.loads(Documents()([action(name, "clone", values={"comment": text or "x"})]))

    assert told[name]["Parameters"]["comment"] == (text or "x")


# -- the addresses --


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def make(**options: Any) -> Running:
        started.append(running("actions.executor", {"key": KEY, **options}, tmp_path, Doors(tmp_path)))
        return started[-1]

    yield make
    for one in started:
        one.stop()


@pytest.fixture
def it(start: Callable[..., Running]) -> Running:
    return start()


def ask(it: Running, path: str, user: User | None = None, **of_visit: Any) -> Reply:
    """As the house asks: who it is first, then the page."""
    page = next(page for page in it.ask("register_pages") if page.path == path)
    visit = Visit(**{"method": page.methods[0], "path": path, "headers": {}, "remote": "10.0.0.7", **of_visit})
    known = it.ask("identify", visit=visit)
    who = user or (replace(known, backend=it.name) if known else User())
    reply = page.handler(visit, who, Snapshot.empty())
    assert isinstance(reply, Reply)
    return reply


def names(reply: Reply) -> list[str]:
    return list(json.loads(reply.body or b"null"))


def put(it: Running, *actions: Action) -> None:
    it.doors.actions.kept |= {one.id: one for one in actions}


def states(it: Running) -> list[ActionState]:
    return [one.state for one in it.doors.actions.kept.values()]


def test_j1_days_count_back_from_now_and_none_means_everything(it: Running) -> None:
    now = datetime.now(timezone.utc)
    put(it, action("wf_old", submitted_at=now - timedelta(days=3)), action("wf_new", submitted_at=now))

    told = [names(ask(it, "/getaction", query=query)) for query in ({"days": "2"}, {"days": "0"}, {}, {"days": "-1"})]

    assert told == [["wf_new"], *([["wf_old", "wf_new"]] * 3)]


def test_j1_acted_tells_what_was_done_and_a_negative_one_tells_all(it: Running) -> None:
    done = replace(action("wf_done"), state=ActionState.DONE)
    put(it, done, action("wf_open"), replace(action("wf_gone"), state=ActionState.WITHDRAWN))

    assert names(ask(it, "/getaction", query={"acted": "1"})) == ["wf_done"]
    assert names(ask(it, "/getaction", query={"acted": "-1"})) == ["wf_done", "wf_open"]


def test_c9_to_ask_whether_it_is_alive_fetches_nothing(it: Running) -> None:
    put(it, action())

    assert names(ask(it, "/getaction", query={"days": "36500", "acted": "-1"})) == ["wf_a"]
    assert states(it) == [ActionState.QUEUED]


def test_o3_the_sample_of_old_has_its_three_keys(it: Running) -> None:
    told = ask(it, "/getaction", query={"test": "1"}).json

    assert {key: set(value) for key, value in told.items()} == {"test": {"Actions", "Parameters", "Reasons"}}


def test_days_and_acted_are_whole_numbers_which_the_house_checks(it: Running) -> None:
    pages = {page.path: page for page in it.plugin.register_pages()}

    assert {one.name: one.type for one in pages["/getaction"].asks} == {
        "days": "integer",
        "acted": "integer",
        "test": "text",
    }


@pytest.mark.parametrize(
    "visit",
    [
        {"headers": {"sec-fetch-mode": "navigate"}},
        {"headers": {"cookie": "wwt_session_8080=x"}},
        {"user": User("olga", roles=frozenset({"operator"}), backend="auth.local")},
        {"method": "HEAD"},
    ],
)
def test_a_person_who_looks_at_the_list_has_fetched_nothing(it: Running, visit: dict[str, Any]) -> None:
    put(it, action())

    assert names(ask(it, "/getaction", **visit)) == ["wf_a"]
    assert states(it) == [ActionState.QUEUED]


@pytest.mark.parametrize(
    ("visit", "who"),
    [
        ({"user": UNIFIED}, "unified"),
        ({"json": {"key": KEY}}, "robot"),
        ({}, "somebody without a key at 10.0.0.7"),
        ({"json": {"key": "wrong"}}, "somebody without a key at 10.0.0.7"),
        ({"json": {"key": ["odd"]}}, "somebody without a key at 10.0.0.7"),
    ],
)
def test_it_is_written_down_who_fetched(start: Callable[..., Running], visit: dict[str, Any], who: str) -> None:
    it = start(key_owner="robot")
    put(it, action())
    ask(it, "/getaction", **visit)

    assert [one.note for one in it.doors.actions.kept.values()] == [f"fetched by {who}"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"key": "wrong", "workflows": ["wf_a"]}, {"valid_key": False, "valid_format": True}),
        ({"key": KEY, "workflows": "wf_a"}, {"valid_key": True, "valid_format": False}),
        ({"key": KEY, "workflows": [1]}, {"valid_key": True, "valid_format": False}),
        ({"key": None}, {"valid_key": False, "valid_format": False}),
        (["odd"], {"valid_key": False, "valid_format": False}),
        (None, {"valid_key": False, "valid_format": False}),
    ],
)
def test_j2_without_key_or_format_nothing_is_reported(it: Running, said: Any, answer: dict[str, bool]) -> None:
    put(it, action())
    ask(it, "/getaction")

    assert ask(it, "/reportaction", json=said).json == answer
    assert states(it) == [ActionState.SENT]


def test_j2_a_token_reports_without_the_shared_key(it: Running) -> None:
    put(it, action())
    ask(it, "/getaction")
    said = {"workflows": ["wf_a", "wf_x"]}

    assert ask(it, "/reportaction", json=said, user=UNIFIED).json == {
        "valid_key": True, "valid_format": True, "success": ["wf_a"], "already_reported": [], "does_not_exist": ["wf_x"],
    }  # fmt: skip


def test_without_a_key_in_the_options_no_key_is_right(start: Callable[..., Running]) -> None:
    it = start(key=None)

    assert ask(it, "/reportaction", json={"key": "", "workflows": []}).json["valid_key"] is False


@pytest.mark.parametrize("path", ["/getprepids", "/submit2", "/", "/p/actions.executor/x"])
def test_the_key_says_who_it_is_nowhere_else(it: Running, path: str) -> None:
    visit = Visit("GET", path, {}, json={"key": KEY})

    assert it.ask("identify", visit=visit) is None


# -- what is honoured --

ACDC = ActionKind(
    "acdc", "ACDC", "", tuple(Field(n, n) for n in ("memory", "splitting", "cores", "xrootd", "secondary", "sites"))
)
CLONE = ActionKind("clone", "Clone", "", (Field("memory", "memory"), Field("cores", "cores")))
SPECIAL = ActionKind(
    "special", "Special", "", (
        Field("action", "", "choice", ("by-pass", "force-complete", "on-hold")), Field("other", ""),
    ),
)  # fmt: skip
RECOVERY = ActionKind("recovery", "Recovery", "", (Field("group", "group"),))


def refused(it: Running) -> dict[tuple[str, str, str], str]:
    it.doors.actions.pulled = [ACDC, CLONE, SPECIAL, RECOVERY]
    return {(one.kind, one.field, one.choice): one.why for one in it.ask("build_refusals")}


def test_todays_unified_honours_what_its_code_reads_and_nothing_else(it: Running) -> None:
    assert set(refused(it)) == {
        ("recovery", "", ""),
        ("special", "action", "force-complete"),
        ("special", "other", ""),
        ("clone", "cores", ""),
    }


def test_a_profile_in_the_options_takes_the_place_of_todays_unified(start: Callable[..., Running]) -> None:
    it = start(honours={"recovery": {}, "acdc": {"fields": ["sites"]}}, key_owner="robot")

    assert refused(it)["clone", "", ""] == "robot does not act on clone"
    assert {field for kind, field, _ in refused(it) if kind == "acdc"} == {
        "memory", "splitting", "cores", "xrootd", "secondary",
    }  # fmt: skip
    assert ("recovery", "", "") not in refused(it)


def test_a_manifest_counts_in_the_place_of_the_profile(it: Running) -> None:
    it.doors.actions.pulled = [ACDC, CLONE, SPECIAL, RECOVERY]
    said = {"kinds": {"recovery": {}, "special": {"choices": {"action": ["by-pass"]}}}}
    told = ask(it, "/api/v1/executor/manifest", json=said, user=UNIFIED)

    assert set(refused(it)) == {
        ("acdc", "", ""), ("clone", "", ""), ("special", "action", "force-complete"), ("special", "action", "on-hold"),
    }  # fmt: skip
    assert told.json["refused"] == list(refused(it).values())


def draft(kind: str, values: dict[str, Any], tasks: dict[str, Any]) -> Draft:
    return Draft("d", kind, ("wf_a",), values, {"wf_a": tasks}, (), User("olga"))


def case(
    request_type: str = "TaskChain", splitting: str = "", task_type: str = "Production", **parameters: Any
) -> Case:
    tasks = (Task("/wf_a/T1", task_type, splitting),)
    return Case(Workflow("wf_a", request_type=request_type, tasks=tasks, parameters=parameters))


def effect(it: Running, made: Draft, of: Case | None = None) -> tuple[str, tuple[str, ...], bool]:
    it.doors.actions.pulled = [ACDC, CLONE, SPECIAL, RECOVERY]
    (one,) = it.ask("build_effects", draft=made, cases=[of] if of else [])
    return one.text, one.ignored, one.acts


def test_an_effect_says_in_words_what_unified_makes_of_a_task(it: Running) -> None:
    asked = {"memory": 8000, "splitting": "10x", "xrootd": "enabled", "sites": SITES}

    text, ignored, acts = effect(it, draft("acdc", {}, {"T1": asked}), case())

    assert text.startswith(
        "today's Unified makes an ACDC at T1_US_FNAL, T2_CH_CERN with 8000 MB of memory; 10 times as"
    )
    assert text.endswith(" many jobs; the input also from other sites.")
    assert (ignored, acts) == ((), True)


@pytest.mark.parametrize(
    ("of", "asked", "text"),
    [
        (case("MonteCarlo"), {"splitting": "2x"}, "today's Unified refuses an ACDC of a MonteCarlo request"),
        (case(task_type="LogCollect"), {}, "today's Unified leaves out tasks of type LogCollect"),
        (case(LheInputFiles="x.lhe"), {}, "today's Unified recovers no workflow with LHE input"),
        (case(), {"sites": []}, "This task has no site where it could run."),
    ],
)
def test_unified_makes_nothing_of_some_tasks_and_that_is_said(
    it: Running, of: Case, asked: dict[str, Any], text: str
) -> None:
    told, _, acts = effect(it, draft("acdc", {}, {"T1": {"sites": SITES, **asked}}), of)

    assert (told[: len(text)], acts) == (text, False)


@pytest.mark.parametrize(
    ("recoveries", "state", "acts"),
    [
        (("/wf_a/T1",), "ok", True),
        (("/wf_a/T2",), "ok", False),
        ((), "ok", False),
        ((), "unknown", True),
        ((), "", True),
    ],
)
def test_unified_makes_nothing_of_a_task_that_the_acdc_server_does_not_know(
    it: Running, recoveries: tuple[str, ...], state: str, acts: bool
) -> None:
    known = {"recoveries": Known("recoveries", "cmsweb", state)} if state else {}
    of = replace(case(), recoveries=tuple(Recovery(task, frozenset(SITES)) for task in recoveries), known=known)

    text, _, really = effect(it, draft("acdc", {}, {"T1": {"sites": SITES}}), of)

    assert really == acts
    assert acts or text == "today's Unified leaves out tasks of which the ACDC server has nothing."


def test_a_splitting_of_an_event_based_task_is_said_to_be_ignored(it: Running) -> None:
    _, ignored, acts = effect(
        it, draft("acdc", {}, {"T1": {"sites": SITES, "splitting": "2x"}}), case(splitting="EventBased")
    )

    assert (ignored, acts) == (("splitting: today's Unified does not change the splitting of EventBased tasks",), True)


def test_the_cores_of_a_clone_are_said_to_be_ignored(it: Running) -> None:
    text, ignored, acts = effect(it, draft("clone", {"memory": 8000, "cores": 4}, {}))

    assert "makes a clone with 8000 MB of memory" in text
    assert (ignored, acts) == (
        ("cores: today's Unified changes memory and splitting of a clone, not its cores",), True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "text", "acts"),
    [
        ("by-pass", "today's Unified force-completes the workflow.", True),
        ("on-hold", "today's Unified puts the workflow on hold.", True),
        ("force-complete", "today's Unified does nothing with this: it stays open for ever.", False),
    ],
)
def test_the_effect_of_a_special_action_is_told(it: Running, choice: str, text: str, acts: bool) -> None:
    told = effect(it, draft("special", {"action": choice}, {}))

    assert (told[0], told[2]) == (text, acts)


def test_a_recovery_is_said_to_stay_open_for_ever(it: Running) -> None:
    told = effect(it, draft("recovery", {}, {"T1": {}}))

    assert told == ("today's Unified does nothing with recovery: it stays open for ever.", (), False)


# -- how it is --


def test_health_says_how_an_executor_gets_a_token(start: Callable[..., Running]) -> None:
    health = start(key=None).ask("report_health")

    assert (health.ok, health.text) == (
        True, "no executor has asked yet; to report, one needs a token: wwt token add NAME --role machine",
    )  # fmt: skip


def test_health_names_what_was_fetched_and_never_reported(it: Running) -> None:
    ask(it, "/getaction", json={"key": KEY})
    put(it, replace(action("wf_a"), state=ActionState.SENT))
    health = it.ask("report_health")

    assert not health.ok
    assert health.text.endswith("1 actions were fetched and not reported, the oldest: wf_a")


def test_the_description_of_the_api_is_whole() -> None:
    told = openapi()
    text = json.dumps(told)
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}

    assert named <= set(told["components"]["schemas"])
    assert sorted(told["paths"]) == [
        "/api/v1/executor/answer", "/api/v1/executor/claim", "/api/v1/executor/heartbeat", "/api/v1/executor/manifest",
    ]  # fmt: skip
