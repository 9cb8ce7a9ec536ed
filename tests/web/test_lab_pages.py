"""The pages of the lab: who may what, what a result shows, and that a rule acts only with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.web.acting_house import BROWSER, acting_app, client_of
from tests.web.house import HOSTILE, Client, Installation
from wwt_framework import hookimpl
from wwt_framework.jobs import Chore, Clockwork, aside
from wwt_framework.model import Action, ActionState, Case, Recommendation
from wwt_framework.plugin import AutoRule, Job
from wwt_framework.services import lab
from wwt_framework.services.lab import Interval, LabResult, Row, Tally
from wwt_framework.store import ledger
from wwt_framework.store.ledger import KeptResult

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
RULE = "actions.rules:lost"
ROW = Row("a1", "wf1", "t", "wf1", 8028, "T1_US_FNAL", "olga", NOON, "clone", "acdc", "acdc", 0.875, "why")
RESULT = LabResult(
    id="r1", subject=RULE, kind="rule", fingerprint="f1", made_at=NOON, user="olga", days=30,
    since=NOON - timedelta(days=30), until=NOON, decisions=40, tasks=50, families=30, spoke=40, agreed=39,
    agreement=Interval(0.975, 0.9, 1.0), usual=Interval(0.9, 0.8, 0.95), most=Interval(0.8), gain=Interval(0.075, 0.01, 0.12),
    by_code=(Tally("8028", 50, 40, 39, 36),), by_action=(Tally("acdc", 45, 40, 39, 36),),
    confusion=(("acdc", "acdc", 39), ("clone", "acdc", 1), ("acdc", "", 10)), differs=(ROW,), differs_total=1,
    notes=("These are few families.",),
)  # fmt: skip


class Rules:
    @hookimpl
    def register_rules(self) -> Sequence[AutoRule]:
        return [AutoRule("lost", "Lost reports", fingerprint="f1")]

    @hookimpl
    def apply_rule(self, rule: str, case: Case) -> Recommendation | None:
        return None


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Installation]:
    made = acting_app(tmp_path, plugins={"actions.rules": Rules()})
    made.clockwork = Clockwork(made, (Chore(Job("lab", aside), aside=timedelta(minutes=1)),))
    yield made
    made.store.close()


def keep(app: Installation, result: LabResult = RESULT) -> None:
    kept = KeptResult(result.id, result.subject, result.fingerprint, result.made_at, "olga", lab.plain_result(result))
    ledger.keep_lab_result(app.store, kept)


def visitor(app: Installation, name: str = "") -> Client:
    client = client_of(app)
    if name:
        client.sign_in(name)
    return client


def post(client: Client, path: str, **form: Any) -> Any:
    return client.post(path, form={"csrf_token": client.csrf_token(), **form}, headers=BROWSER)


def text_of(got: Any) -> str:
    return " ".join(" ".join(got.dom().find(".//main").itertext()).split())


def test_what_can_be_tried_is_listed_with_its_last_result(app: Installation) -> None:
    keep(app)
    told = text_of(visitor(app).get("/lab"))

    assert "actions.rules:lost Lost reports rule 40 of 50 97.5 % 90.0 to 100.0 +7.5 points 1.0 to 12.0 better" in told
    assert "Measuring needs the role operator." in told
    assert ", 30 days" in told


def test_a_result_that_is_not_among_the_newest_of_all_is_still_the_last_of_its_subject(
    app: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wwt_framework.web.pages.lab.SHOWN", 2)
    keep(app)
    for name in ("a", "b"):
        keep(app, replace(RESULT, id=name, subject="ml.another"))

    assert "40 of 50 97.5 %" in text_of(visitor(app).get("/lab")).partition("ml.another")[0]


def test_before_anything_was_measured_it_says_so(app: Installation) -> None:
    assert "not measured yet off it was never measured as it is now" in text_of(visitor(app, "olga").get("/lab"))


def test_days_are_chosen_in_which_enough_was_decided(app: Installation) -> None:
    def chosen() -> str | None:
        found = visitor(app, "olga").get("/lab").dom().find(".//select[@name='days']/option[@selected]")
        return None if found is None else found.get("value")

    before = chosen()
    at = app.store.now() - timedelta(days=100)
    action = Action("a1", "acdc", "w", {}, {}, (), "olga", ActionState.DONE, at, at)
    ledger.import_actions(app.store, [action], "olga")
    ledger.keep_evidence(app.store, "v1", [("a1", "w", ledger.pack({}))])

    assert (before, chosen()) == ("365", "180")


def test_an_operator_has_it_measured_in_the_background(app: Installation) -> None:
    got = post(visitor(app, "olga"), "/lab/try", subject=RULE, days="90")
    (run,) = ledger.runs(app.store, name="lab")

    assert got.status == 303
    assert (run.user, run.arguments) == ("olga", {"subject": RULE, "days": 90.0, "user_name": "olga"})
    assert "waits" in text_of(visitor(app, "olga").get("/lab"))


@pytest.mark.parametrize("days", ["", "0", "-1", "nan", "1e9", "99999", "x"])
def test_days_that_can_not_be_meant_are_told(app: Installation, days: str) -> None:
    assert post(visitor(app, "olga"), "/lab/try", subject=RULE, days=days).status == 400


def test_what_is_not_there_can_not_be_tried_or_shown(app: Installation) -> None:
    olga = visitor(app, "olga")

    assert post(olga, "/lab/try", subject="ml.none", days="7").status == 404
    assert olga.get("/lab/nothing").status == 404


@pytest.mark.parametrize(("who", "status"), [("", 401), ("vera", 403), ("olga", 403), ("adam", 303)])
def test_only_an_admin_lets_a_rule_act(app: Installation, who: str, status: int) -> None:
    keep(app)
    got = post(visitor(app, who), "/lab/switch", rule=RULE, step="on", result="r1")

    assert got.status == status
    assert [switch.rule for switch in ledger.rule_switches(app.store)] == ([RULE] if status == 303 else [])


def test_without_a_result_no_rule_is_switched_on(app: Installation) -> None:
    got = post(visitor(app, "adam"), "/lab/switch", rule=RULE, step="on")

    assert got.status >= 400
    assert "was not measured as it is now" in got.text
    assert ledger.rule_switches(app.store) == []


def test_a_result_shows_what_it_comes_to_and_where_it_differs(app: Installation) -> None:
    keep(app)
    told = text_of(visitor(app, "adam").get("/lab/r1"))

    assert "40 of 50 tasks, 80.0 %; it said nothing of 10" in told
    assert "Of these, operators did the same in 97.5 % 90.0 to 100.0" in told
    assert "These are few families." in told
    assert "wf1 t 8028 T1_US_FNAL clone by olga acdc 88 % why" in told
    assert "In these days it would have differed from operators in 1 of 40 tasks." in told
    assert "Let actions.rules:lost act by itself" in told


def test_a_rule_that_acts_shows_its_result_and_can_be_switched_off(app: Installation) -> None:
    keep(app)
    adam = visitor(app, "adam")
    post(adam, "/lab/switch", rule=RULE, step="on", result="r1")
    assert "acts since" in text_of(adam.get("/lab"))
    assert "switched on by adam with this result" in text_of(adam.get("/lab/r1"))

    assert post(visitor(app, "olga"), "/lab/switch", rule=RULE, step="off").status == 303
    assert ledger.rule_switches(app.store) == []


def test_a_result_of_another_rule_says_that_it_tells_nothing_of_this_one(app: Installation) -> None:
    keep(app, replace(RESULT, fingerprint="f0"))
    told = text_of(visitor(app, "adam").get("/lab/r1"))

    assert "It is another one since; this result tells nothing of it as it is now." in told
    assert "act by itself" not in told


def test_results_are_files_too(app: Installation) -> None:
    keep(app)
    client = visitor(app)
    rows = client.get("/lab?format=json").json

    assert rows[0] if isinstance(rows, list) else rows["rows"][0]
    assert "agreement" in client.get("/lab?format=csv").text.splitlines()[0]
    assert client.get("/lab/r1?format=json").json["differs"][0]["said"] == "acdc"
    assert client.get("/lab/r1?format=csv").text.splitlines()[1].split(",")[1] == "wf1"


def test_hostile_words_are_shown_as_text(app: Installation) -> None:
    bad = HOSTILE[0]
    row = replace(ROW, workflow=bad, task=bad, site=bad, user=bad, said=bad, decided=bad, why=bad)
    keep(app, replace(RESULT, differs=(row,), notes=(bad,), model=bad, by_site=(Tally(bad, 1, 1, 1, 1),)))
    got = visitor(app, "adam").get("/lab/r1")

    assert bad not in got.text
    assert bad in text_of(got)


def test_nothing_is_changed_by_another_site(app: Installation) -> None:
    keep(app)
    adam = visitor(app, "adam")
    form = {"csrf_token": adam.csrf_token(), "rule": RULE, "step": "on", "result": "r1"}

    assert adam.post("/lab/switch", form=form, headers={"Origin": "https://evil.example"}).status == 403
    assert post(adam, "/lab/switch", rule=RULE, step="on", result="r1", csrf_token="x").status == 403
    assert ledger.rule_switches(app.store) == []


def test_a_result_that_another_version_kept_is_told_and_hides_nothing_else(app: Installation) -> None:
    keep(app)
    ledger.keep_lab_result(app.store, KeptResult("old", RULE, "f1", NOON, "olga", {"id": "old"}))
    told = text_of(visitor(app).get("/lab"))

    assert "97.5 %" in told
    assert "1 result was kept by another version of this program and can not be shown; measure again" in told
    assert visitor(app).get("/lab?format=json").json[0]["id"] == "r1"
