"""Acting on many workflows at once: what was ticked or matched is frozen by name, with why it is in the list."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.desk_world import ACDC1, OTHER, PREP, WF, World
from tests.web.acting_house import BROWSER, acting_app, client_of, fields_of
from tests.web.house import Client, Got, Installation
from wwt_framework.services import picking
from wwt_framework.store import ledger


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Installation]:
    app = acting_app(tmp_path)
    yield app
    app.clockwork.stop()
    app.store.close()


@pytest.fixture
def olga(app: Installation) -> Client:
    client = client_of(app)
    client.sign_in("olga")
    return client


def select(client: Client, **form: Any) -> Got:
    sent = {"csrf_token": client.csrf_token(), "step": "select", **form}
    return client.post("/submitaction", form=sent, headers=BROWSER)


def frozen(client: Client, got: Got) -> list[str]:
    """The workflows of the form that a selection leads to."""
    assert got.status == 303, got.text
    found = fields_of(client.get(got.header("Location")), "act")["workflows"]
    return [found] if isinstance(found, str) else found


def why_of(client: Client, got: Got) -> dict[str, str]:
    form = fields_of(client.get(got.header("Location")), "act")
    return {name.removeprefix("why."): value for name, value in form.items() if name.startswith("why.")}


def boxes(page: str) -> set[tuple[str, str]]:
    found = re.findall(
        r'<input type="checkbox" class="tick" data-tick form="act-form" name="(\w+)" value="([^"]*)"', page
    )
    return {(name, html.unescape(value)) for name, value in found}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/globalerror", {("preps", PREP), ("preps", "HIG-RunIISummer20UL18wmLHEGEN-00007")}),
        ("/globalerror?rows=workflow", {("workflows", WF), ("workflows", OTHER)}),
        ("/globalerror?view=list", {("preps", PREP), ("preps", "HIG-RunIISummer20UL18wmLHEGEN-00007")}),
        ("/listpage?errorcode=8028&sitename=T2_US_Purdue", {("workflows", WF)}),
        (f"/seeworkflow?workflow={WF}", {("workflows", WF), ("workflows", ACDC1)}),
    ],
)
def test_rows_of_workflows_can_be_ticked_by_operators(
    app: Installation, olga: Client, address: str, expected: Any
) -> None:
    vera = client_of(app)
    vera.sign_in("vera")

    assert boxes(olga.get(address).text) == expected
    assert boxes(vera.get(address).text) == set()


def test_d4_what_was_ticked_is_all_in_the_form(olga: Client) -> None:
    assert frozen(olga, select(olga, scope="ticked", workflows=[OTHER, WF])) == [
        WF,
        OTHER,
    ]  # the most failed jobs first


def test_a_ticked_prep_id_brings_its_workflows_with_failed_jobs(olga: Client) -> None:
    got = select(olga, scope="ticked", preps=PREP)

    assert frozen(olga, got) == [WF]
    assert why_of(olga, got) == {WF: f"has failed jobs, and its PrepID {PREP} was ticked"}


def test_all_that_match_a_filter_are_taken_with_why(olga: Client) -> None:
    got = select(olga, scope="all", origin="overview", query="code=85&site=T1_US_FNAL")

    assert frozen(olga, got) == [OTHER]
    assert why_of(olga, got) == {OTHER: "matches site T1_US_FNAL, code 85: 5 failed jobs"}


def test_all_of_a_list_are_taken_with_why(olga: Client) -> None:
    got = select(olga, scope="all", origin="list", query="errorcode=8028&sitename=T2_US_Purdue")

    assert frozen(olga, got) == [WF]
    assert why_of(olga, got)[WF].startswith("600 failed jobs with exit code 8028")


def test_a_family_is_taken_with_why(olga: Client) -> None:
    got = select(olga, scope="all", family=WF)

    assert why_of(olga, got) == {WF: "the workflow itself"}


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "ticked"},
        {"scope": "all", "query": "search=nowhere"},
        {"scope": "all", "query": "search=/(/"},
        {"scope": "all", "origin": "list", "query": f"errorcode=8028&workflow={WF}"},
        {"scope": "all", "origin": "list", "query": "errorcode=none&sitename=T2_US_Purdue"},
        {"scope": "all", "origin": "list", "query": f"errorcode=8028&sitename=T2_US_Purdue&workflow={WF}"},
    ],
)
def test_a_selection_of_nothing_is_told(olga: Client, form: dict[str, str]) -> None:
    assert select(olga, **form).status == 400


def test_the_names_stay_as_they_were_when_the_world_changes(app: Installation, olga: Client, tmp_path: Path) -> None:
    got = select(olga, scope="all", query="")
    world = World()
    world.counts = [count for count in world.counts if OTHER not in count.task]
    app.board.snapshot = world.open(tmp_path / "later", "v2")

    assert frozen(olga, got) == [WF, OTHER]


def test_who_acted_between_the_selection_and_the_submit_is_a_conflict(app: Installation, olga: Client) -> None:
    form = fields_of(olga.get(select(olga, scope="ticked", workflows=[WF, OTHER]).header("Location")), "act")
    other = client_of(app)
    other.sign_in("adam")
    theirs = fields_of(other.get(f"/submitaction?workflow={OTHER}&kind=acdc"), "act")
    draft = other.post("/submitaction", form={**theirs, "step": "preview"}, headers=BROWSER).header("Location")
    other.post("/submitaction", form={**fields_of(other.get(draft)), "step": "submit"}, headers=BROWSER)
    mine = olga.post("/submitaction", form={**form, "kind": "acdc", "step": "preview"}, headers=BROWSER)
    got = olga.post(
        "/submitaction", form={**fields_of(olga.get(mine.header("Location"))), "step": "submit"}, headers=BROWSER
    )

    assert got.status == 409
    assert [action.user for action in ledger.actions_on(app.store, OTHER)] == ["adam"]
    assert [action.user for action in ledger.actions_on(app.store, WF)] == ["olga"]


def test_more_than_one_form_takes_are_refused_in_words(app: Installation, olga: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(picking, "MOST_AT_ONCE", 1)
    got = select(olga, scope="all", query="")

    assert got.status == 400
    assert "2 workflows match; one form takes 1 at most." in got.text
