"""Having things fetched anew: by a button for people, by a GET for programs, by nobody else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.case_world import ORIGINAL, PREP, case_world
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger

BROWSER = {"Origin": "http://wwt.example"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def client(installation: Callable[..., Any], world: Snapshot) -> Any:
    return installation(snapshot=world)


def requested(client: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(run.user, dict(run.arguments)) for run in ledger.runs(client.app.store, name="refresh")]


def marked(client: Any) -> list[tuple[str, str]]:
    return [(prep, mark.user) for prep, mark in ledger.marked_preps(client.app.store).items()]


def by_script(client: Any, path: str, user: str = "olga", **headers: str) -> Any:
    return client.get(path, user, headers={"Accept": "*/*", **headers})


def form_of(got: Any) -> dict[str, str]:
    form = got.dom().find(".//main//form")
    return {"action": form.get("action"), **{i.get("name"): i.get("value") for i in form.iter("input")}}


WHAT = [
    ("", {"anew": True}, "everything"),
    (f"?prepid={PREP}", {"prep_ids": [PREP]}, f"all workflows of the PrepID {PREP}"),
    (f"?workflow={ORIGINAL}", {"workflows": [ORIGINAL]}, f"the workflow {ORIGINAL}"),
    (f"?prepid={PREP}&workflow={ORIGINAL}", {"workflows": [ORIGINAL]}, f"the workflow {ORIGINAL}"),
]


@pytest.mark.parametrize(("query", "arguments", "words"), WHAT)
def test_p19_a_browser_sees_a_button_that_names_what_is_fetched_anew(
    client: Any, query: str, arguments: dict[str, Any], words: str
) -> None:
    client.sign_in("olga")
    got = client.get(f"/resetcache{query}")

    assert got.status == 200
    assert f"Fetch {words} anew" in "".join(got.dom().find(".//main//button").itertext())
    assert requested(client) == []


@pytest.mark.parametrize(("query", "arguments", "words"), WHAT)
def test_p19_the_button_has_it_fetched_and_leads_to_the_jobs(
    client: Any, query: str, arguments: dict[str, Any], words: str
) -> None:
    client.sign_in("olga")
    form = form_of(client.get(f"/resetcache{query}"))
    got = client.post(form.pop("action"), form=form, headers=BROWSER)

    assert (got.status, got.header("Location")) == (303, "/jobs")
    assert requested(client) == [("olga", arguments)]


@pytest.mark.parametrize(("query", "arguments", "words"), WHAT)
def test_p19_a_program_that_signs_in_performs_by_get(
    client: Any, query: str, arguments: dict[str, Any], words: str
) -> None:
    got = by_script(client, f"/resetcache{query}")

    assert got.json["message"] == f"{words[0].upper()}{words[1:]} will be fetched anew."
    assert requested(client) == [("olga", arguments)]
    assert ledger.runs(client.app.store)[0].id == got.json["run"]


def test_p19_who_did_it_is_written_down(client: Any) -> None:
    by_script(client, f"/resetcache?prepid={PREP}")
    deed = ledger.deeds(client.app.store, deed="reset")[0]

    assert (deed.user, deed.subject, deed.remote) == ("olga", PREP, "127.0.0.1")


def test_p19_what_waits_already_is_not_asked_for_twice_but_written_down_again(client: Any) -> None:
    by_script(client, "/resetcache")
    by_script(client, "/resetcache", "adam")

    assert requested(client) == [("olga", {"anew": True})]
    assert [deed.user for deed in ledger.deeds(client.app.store, deed="reset")] == ["adam", "olga"]


@pytest.mark.parametrize("header", ["Sec-Fetch-Site", "Origin", "Referer", "Cookie"])
@pytest.mark.parametrize("path", ["/resetcache", f"/markreset?prepid={PREP}"])
def test_p19_j5_a_get_with_a_trace_of_a_browser_changes_nothing(client: Any, path: str, header: str) -> None:
    by_script(client, path, **{header: "cross-site"})

    assert (requested(client), marked(client)) == ([], [])


@pytest.mark.parametrize("path", ["/resetcache", f"/markreset?prepid={PREP}"])
def test_p19_d12_only_operators_may(client: Any, path: str) -> None:
    assert client.get(path, headers={"Accept": "*/*"}).status == 401
    assert by_script(client, path, "vera").status == 403
    assert client.post(path, "vera", form={"prepid": PREP}).status == 403

    assert (requested(client), marked(client)) == ([], [])


@pytest.mark.parametrize("path", ["/resetcache", "/markreset"])
def test_p19_j5_a_form_without_its_token_changes_nothing(client: Any, path: str) -> None:
    client.sign_in("olga")
    got = client.post(path, form={"prepid": PREP}, headers=BROWSER)

    assert got.status == 403
    assert (requested(client), marked(client)) == ([], [])


@pytest.mark.parametrize("path", ["/resetcache", f"/markreset?prepid={PREP}"])
def test_p19_j5_a_look_without_taking_changes_nothing(client: Any, path: str) -> None:
    secret = base64.b64encode(b"olga:aglo").decode()
    client.request("HEAD", path, headers={"Accept": "*/*", "Authorization": f"Basic {secret}"})

    assert (requested(client), marked(client)) == ([], [])


@pytest.mark.parametrize("name", ["a b", "<script>", "-x", "a" * 500, "../x"])
def test_p19_what_can_not_be_a_name_is_refused_in_words(client: Any, name: str) -> None:
    got = client.post("/resetcache", "olga", form={"workflow": name}, headers={"Accept": "*/*"})

    assert got.status == 400
    assert "workflow must be a name of letters, digits" in got.json["error"]
    assert requested(client) == []


def test_p19_the_page_says_when_it_was_done_last(client: Any) -> None:
    by_script(client, f"/resetcache?workflow={ORIGINAL}")
    client.sign_in("adam")

    assert "Somebody asked for this last at" in client.get(f"/resetcache?workflow={ORIGINAL}").text


def test_j5_markreset_marks_a_prep_id_by_get_of_a_program(client: Any) -> None:
    got = by_script(client, f"/markreset?prepid={PREP}")

    assert (got.status, got.json["prepid"]) == (200, PREP)
    assert marked(client) == [(PREP, "olga")]


def test_j5_markreset_shows_a_button_to_a_browser_and_marks_on_post(client: Any) -> None:
    client.sign_in("olga")
    form = form_of(client.get(f"/markreset?prepid={PREP}"))
    assert marked(client) == []
    got = client.post(form.pop("action"), form=form, headers=BROWSER)

    assert (got.status, got.header("Location")) == (303, "/globalerror?view=list")
    assert marked(client) == [(PREP, "olga")]


def test_j5_markreset_answers_a_script_of_the_page_in_json(client: Any) -> None:
    client.sign_in("olga")
    form = {"prepid": PREP, "csrf_token": client.csrf_token()}
    got = client.post("/markreset", form=form, headers={**BROWSER, "Accept": "application/json"})

    assert got.json["prepid"] == PREP


def test_j5_markreset_of_an_unknown_prep_id_is_404(client: Any) -> None:
    assert by_script(client, "/markreset?prepid=nobody").status == 404
    assert marked(client) == []
