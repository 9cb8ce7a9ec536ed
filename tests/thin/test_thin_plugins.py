"""Each kind of plugin at its thinnest carries what the house promises it, with nothing but the words and the marker."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from scipy import sparse

from wwt_framework.errors import Denied, PluginError
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    Draft,
    ErrorCount,
    Errors,
    ErrorTable,
    Reason,
    SiteStatus,
    User,
    Workflow,
)
from wwt_framework.plugin import Corpus, Correction, Decision, Matrix, Reply, Visit

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NOBODY = User()


@dataclass
class World:
    """A snapshot of a few cases."""

    cases: dict[str, Case] = field(default_factory=dict)
    version: str = "1"
    taken_at: datetime = NOON

    def workflow_names(self) -> Sequence[str]:
        return sorted(self.cases)

    def case(self, workflow: str) -> Case | None:
        return self.cases.get(workflow)

    def site_statuses(self) -> Mapping[str, SiteStatus]:
        return {}


def said(part: float | None, text: str) -> None:
    """Progress that nobody looks at."""


# -- logs --


def test_miner_says_of_every_text_which_template_it_is_of(thin):
    miner = thin("clustering.thin_miner")

    told = miner.ask("mine_templates", texts=["open /store/a.root", "killed", "open /store/b.root"])

    assert told.of[0] == told.of[2] != told.of[1]
    assert sorted(one.text for one in told.templates) == ["killed", "open <*>"]


# -- sources --


def test_file_source_tells_counts_from_cells_it_could_not_read(thin, tmp_path):
    path = tmp_path / "errors.json"
    path.write_text(json.dumps({"/wf_a/t": {"85": {"T1_US_FNAL": 3}}, "/wf_b/t": {"85": {"T1_US_FNAL": "many"}}}))
    source = thin("errors.thin_file", path=str(path))

    columns = source.ask("load_errors", names=None)

    assert [w.name for w in source.ask("list_workflows")] == ["wf_a", "wf_b"]
    assert (list(columns.tasks), list(columns.count)) == (["/wf_a/t"], [3])
    assert [(r.workflow, r.path, r.why) for r in columns.rejected] == [
        ("wf_b", "/wf_b/t > 85 > T1_US_FNAL", "expected a positive number of jobs, got 'many'")
    ]


def test_file_source_that_can_not_be_read_is_a_failure_and_not_an_empty_answer(thin, tmp_path):
    source = thin("errors.thin_file", path=str(tmp_path / "gone.json"))

    answer = source.answer("load_errors", names=None)

    assert answer.value is None
    assert "gone.json: expected JSON" in answer.complaint


def test_live_source_marks_an_answer_that_is_not_complete(thin, service):
    cells = [["/wf_a/t", 85, "T1_US_FNAL", 3]]
    service.answers["/errors/wf_a"] = (200, {"cells": cells, "agents": 3, "answered": 2})
    source = thin("errors.thin_live", url=service.url)

    errors = source.ask("fetch_errors", workflow=Workflow("wf_a"))

    assert errors == Errors((ErrorCount("/wf_a/t", 85, "T1_US_FNAL", 3),), False, "2 of 3 agents answered")


def test_live_source_leaves_out_the_one_workflow_it_could_not_fetch(thin, service):
    service.answers |= {"/request/wf_a": (200, {"PrepID": "P-1"}), "/request/wf_b": (500, None)}
    source = thin("errors.thin_live", url=service.url)

    found = source.ask("fetch_workflows", names=["wf_b", "wf_a"])

    assert [(w.name, w.prep_id) for w in found] == [("wf_a", "P-1")]


def test_live_source_that_is_down_fails_and_says_so_in_its_health(thin, service):
    service.answers["/workflows"] = (503, None)
    source = thin("errors.thin_live", url=service.url)

    assert not source.answer("list_workflows").ok
    assert source.answer("report_health").complaint.endswith("/workflows answered 503 Service Unavailable")


def test_live_source_gives_logs_of_the_codes_asked_for(thin, service):
    logs = [{"task": "/wf_a/t", "exit_code": code, "site": "T1_US_FNAL", "text": f"<b>{code}"} for code in (85, 99)]
    service.answers["/logs/wf_a"] = (200, logs)
    source = thin("errors.thin_live", url=service.url)

    assert [log.text for log in source.ask("fetch_logs", workflow=Workflow("wf_a"), exit_codes=frozenset({85}))] == [
        "<b>85"
    ]


# -- the executor --


def action(workflow: str, number: int, **more: Any) -> Action:
    fields: dict[str, Any] = {
        "id": f"id{number}",
        "kind": "acdc",
        "workflow": workflow,
        "values": {},
        "task_values": {"t": {"memory": 4000}},
        "reasons": (Reason("", "too little memory"),),
        "user": "ana",
        "state": ActionState.QUEUED,
        "submitted_at": NOON + timedelta(minutes=number),
        "changed_at": NOON,
    }
    return Action(**{**fields, **more})


def pages(it: Any) -> dict[str, Any]:
    return {page.path: page for page in it.ask("register_pages")}


def get(page: Any, world: World | None = None, **query: str) -> Reply:
    return page.handler(Visit("GET", page.path, {}, query), NOBODY, world or World())


def post(page: Any, body: Any) -> Reply:
    return page.handler(Visit("POST", page.path, {}, json=body), NOBODY, World())


def test_executor_fetches_reports_and_is_told_what_became_of_each_name(thin, doors):
    doors.actions.kept = {a.id: a for a in (action("wf_a", 1), action("wf_b", 2))}
    served = pages(thin("actions.thin_executor", key="s3cret"))

    fetched = get(served["/getaction"]).json
    first = post(served["/reportaction"], {"key": "s3cret", "workflows": ["wf_a", "wf_x"]}).json
    second = post(served["/reportaction"], {"key": "s3cret", "workflows": ["wf_a"]}).json

    assert fetched["wf_a"] == {
        "Action": "acdc", "Reasons": ["too little memory"], "Parameters": {"t": {"memory": 4000}},
        "user": "ana", "ACDCs": [],
    }  # fmt: skip
    assert (first["success"], first["does_not_exist"], second["already_reported"]) == (["wf_a"], ["wf_x"], ["wf_a"])
    assert list(get(served["/getaction"]).json) == ["wf_b"]
    assert list(get(served["/getaction"], acted="1").json) == ["wf_a"]
    assert {a.workflow: a.state for a in doors.actions.kept.values()} == {
        "wf_a": ActionState.DONE, "wf_b": ActionState.SENT,
    }  # fmt: skip


def test_executor_gets_the_acdcs_of_the_workflow(thin, doors):
    newer = Workflow("acdc_a", prep_id="P", request_type="Resubmission", requested_at=NOON)
    world = World({"wf_a": Case(Workflow("wf_a", requested_at=NOON - timedelta(days=1)), family=(newer,))})
    doors.actions.kept = {"id1": action("wf_a", 1)}
    served = pages(thin("actions.thin_executor", key="s3cret"))

    assert get(served["/getaction"], world).json["wf_a"]["ACDCs"] == ["acdc_a"]


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"key": "wrong", "workflows": ["wf_a"]}, 403, {"valid_key": False, "valid_format": True}),
        ({"key": "s3cret", "workflows": "wf_a"}, 200, {"valid_key": True, "valid_format": False}),
        (None, 403, {"valid_key": False, "valid_format": False}),
    ],
)
def test_executor_without_the_key_or_the_format_changes_nothing(thin, doors, body, status, answer):
    doors.actions.kept = {"id1": action("wf_a", 1)}
    served = pages(thin("actions.thin_executor", key="s3cret"))
    get(served["/getaction"])

    reply = post(served["/reportaction"], body)

    assert (reply.status, reply.json) == (status, answer)
    assert doors.actions.kept["id1"].state is ActionState.SENT


# -- signing in --


def test_local_accounts_let_in_who_knows_the_password(thin):
    backend = thin("auth.thin_accounts")
    backend.plugin.add("ana", "correct horse", frozenset({"operator"}))

    user = backend.ask("authenticate", username="ana", password="correct horse")

    assert (user.name, user.roles, user.backend) == ("ana", frozenset({"operator"}), "auth.thin_accounts")
    assert backend.ask("authenticate", username="ana", password="wrong horse") is None
    assert backend.ask("authenticate", username="bob", password="correct horse") is None
    assert backend.ask("grant_roles", user=user) == ["operator"]


def test_closed_account_is_denied_only_to_who_knows_the_password(thin, doors):
    backend = thin("auth.thin_accounts")
    backend.plugin.add("ana", "correct horse", frozenset())
    doors.accounts.change("ana", active=False)

    assert backend.ask("authenticate", username="ana", password="wrong") is None
    with pytest.raises(Denied, match="closed"):
        backend.ask("authenticate", username="ana", password="correct horse")


def begin(backend: Any) -> tuple[Any, dict[str, Any], dict[str, list[str]]]:
    """Start a sign-in: the callback page, the browser's scratch memory, what the provider is asked."""
    served = pages(backend)
    scratch: dict[str, Any] = {}
    reply = served["login"].handler(Visit("GET", "/login", {}, scratch=scratch), NOBODY, World())
    return served["callback"], scratch, parse_qs(urlsplit(reply.redirect).query)


def provider(service: Any, nonce: str) -> None:
    claims = {"sub": "ana", "name": "Ana", "groups": ["grid-operators"], "nonce": nonce}
    token = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    service.answers["/token"] = (200, {"id_token": f"x.{token}.x"})


def come_back(callback: Any, scratch: dict[str, Any], **query: str) -> Reply:
    return callback.handler(Visit("GET", "/callback", {}, query, scratch=scratch), NOBODY, World())


def test_oidc_signs_in_who_comes_back_with_the_state_and_the_nonce(thin, service):
    callback, scratch, asked = begin(thin("auth.thin_oidc", provider=service.url))
    provider(service, asked["nonce"][0])

    reply = come_back(callback, scratch, state=asked["state"][0], code="c0de")

    assert (reply.redirect, reply.sign_in.name, reply.sign_in.roles) == ("/", "ana", frozenset({"operator"}))
    assert asked["redirect_uri"] == ["https://wwt.example.org/p/auth.thin_oidc/callback"]
    assert "code=c0de" in service.posted[0][1]
    assert scratch == {}


def test_oidc_refuses_another_state_and_a_second_use(thin, service):
    callback, scratch, asked = begin(thin("auth.thin_oidc", provider=service.url))
    provider(service, asked["nonce"][0])
    again = dict(scratch)

    with pytest.raises(Denied, match="not begun here"):
        come_back(callback, scratch, state="stolen", code="c0de")
    with pytest.raises(Denied, match="not begun here"):
        come_back(callback, scratch, state=asked["state"][0], code="c0de")
    assert come_back(callback, again, state=asked["state"][0], code="c0de").sign_in
    assert len(service.posted) == 1


def test_oidc_refuses_an_answer_to_another_sign_in(thin, service):
    callback, scratch, asked = begin(thin("auth.thin_oidc", provider=service.url))
    provider(service, "another nonce")

    with pytest.raises(Denied, match="another sign-in"):
        come_back(callback, scratch, state=asked["state"][0], code="c0de")


def test_oidc_option_is_a_link(thin, service):
    (option,) = thin("auth.thin_oidc", provider=service.url).ask("register_login_options")

    assert option.href == "/p/auth.thin_oidc/login"


# -- clustering --

COLUMNS = ("code:85", "code:8028", "site:T1_US_FNAL")


def matrix(**rows: tuple[int, int, int]) -> Matrix:
    return Matrix(tuple(rows), COLUMNS, sparse.csr_matrix(list(rows.values()) or sparse.csr_matrix((0, 3)), dtype=int))


def test_clusterer_learns_from_history_labels_and_heeds_operators(thin, tmp_path):
    clusterer = thin("clustering.thin_clusterer")
    today = matrix(wf_a=(9, 0, 2), wf_b=(8, 0, 1), wf_c=(0, 5, 1), wf_clean=(0, 0, 0))
    together = Correction("merge", ("wf_a", "wf_c"), "ana", NOON)
    corpus = Corpus(today, matrix(old=(0, 3, 0)), (together,))

    report = clusterer.ask("fit_clusters", corpus=corpus, into=tmp_path, progress=said)
    groups = clusterer.ask("label_workflows", matrix=today, model=tmp_path)

    assert report.clusters == 3
    assert groups.peers("wf_a") == ["wf_b", "wf_c"]
    assert groups.labels["wf_clean"] == -1
    assert groups.names[groups.labels["wf_b"]] == "code:85"


def test_clusterer_labels_before_the_first_fit_and_without_rows(thin):
    clusterer = thin("clustering.thin_clusterer")

    assert clusterer.ask("label_workflows", matrix=matrix(wf_a=(1, 0, 0)), model=None).labels == {"wf_a": -1}
    assert clusterer.ask("label_workflows", matrix=matrix(), model=None).labels == {}


def test_clusterer_says_who_is_alike_and_why(thin):
    clusterer = thin("clustering.thin_clusterer")
    today = matrix(wf_a=(9, 0, 2), wf_b=(8, 0, 2), wf_c=(0, 5, 2))

    nearest, farther = clusterer.ask("find_similar", workflow="wf_a", matrix=today, model=None, n=5)

    assert (nearest.workflow, nearest.distance, nearest.shared) == ("wf_b", 1.0, ("code:85", "site:T1_US_FNAL"))
    assert (farther.workflow, farther.distance) == ("wf_c", 14.0)
    assert farther.differs == ("code:85", "code:8028")


# -- learning --


@dataclass(frozen=True)
class Past:
    """Decisions that can be read again and again, oldest first."""

    decisions: tuple[Decision, ...]

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    def __len__(self) -> int:
        return len(self.decisions)

    def until(self, at: datetime) -> Past:
        return Past(tuple(d for d in self.decisions if d.decided_at < at))


def case(code: int, sites: Mapping[str, SiteStatus] | None = None) -> Case:
    return Case(Workflow("wf_a"), ErrorTable([ErrorCount("/wf_a/t", code, "T1_US_FNAL", 3)]), sites=sites or {})


def decided(day: int, code: int, kind: str) -> Decision:
    return Decision(case(code), action("wf_a", day, kind=kind), NOON + timedelta(days=day))


HISTORY = Past((decided(1, 85, "acdc"), decided(2, 85, "acdc"), decided(3, 85, "clone"), decided(9, 85, "clone")))


def test_predictor_learns_and_says_why(thin, tmp_path):
    habits = thin("ml.thin_predictor")

    report = habits.ask(
        "train_predictor", history=HISTORY.until(NOON + timedelta(days=4)), into=tmp_path, progress=said
    )
    predictor = habits.ask("load_predictor", folder=tmp_path)
    known, unknown = predictor.predict([case(85), case(99)])

    assert [(p.action, round(p.probability, 2)) for p in known] == [("acdc", 0.67), ("clone", 0.33)]
    assert known[0].why == ("exit code 85",)
    assert known[0].training_set == report.training_set
    assert unknown == []


def test_predictor_does_not_learn_what_came_later(thin, tmp_path):
    habits = thin("ml.thin_predictor")
    at = NOON + timedelta(days=3)

    report = habits.ask("train_predictor", history=HISTORY.until(at), into=tmp_path, progress=said)

    assert report.decisions == 2
    (predictions,) = habits.ask("load_predictor", folder=tmp_path).predict([case(85)])
    assert [p.action for p in predictions] == ["acdc"]


def test_predictor_with_too_little_to_learn_from_keeps_the_old_model(thin, tmp_path):
    habits = thin("ml.thin_predictor", least=50)

    assert habits.ask("train_predictor", history=HISTORY, into=tmp_path, progress=said) is None
    assert not habits.answer("load_predictor", folder=tmp_path).ok


# -- the guard --


def test_guard_names_workflow_task_and_a_way_out(thin):
    drained = SiteStatus("T2_US_Vanderbilt", production="drain")
    sites = {"t": {"sites": ["T2_US_Vanderbilt", "T1_US_FNAL"]}}
    draft = Draft("d1", "acdc", ("wf_a",), {}, {"wf_a": sites}, (), User("ana"))
    guard = thin("actions.thin_guard")

    (answer,) = guard.hooks.each(
        "check_action", draft=draft, cases=[case(85, {drained.site: drained})], open_actions=[action("wf_a", 1)]
    )

    assert [(p.message, p.blocking, p.workflow, p.task, bool(p.fix)) for p in answer.value] == [
        ("T2_US_Vanderbilt is in drain.", True, "wf_a", "t", True),
        ("ana asked for acdc already.", False, "wf_a", "", False),
    ]


# -- doors --


@pytest.mark.parametrize(
    ("plugin", "options", "door"),
    [
        ("actions.thin_guard", {}, "accounts"),
        ("auth.thin_accounts", {}, "actions"),
        ("clustering.thin_clusterer", {}, "mail"),
    ],
)
def test_door_that_was_not_granted_names_who_may(thin, plugin, options, door):
    context = thin(plugin, **options).plugin._context

    with pytest.raises(PluginError, match=f"may not open context.{door}; wwt"):
        getattr(context, door).open()


def test_http_of_a_plugin_ends_in_time_and_names_the_house(thin, service):
    source = thin("errors.thin_live", url=service.url)

    assert isinstance(source.plugin._context.http, requests.Session)
    assert "wwt" in source.plugin._context.http.headers["User-Agent"]
