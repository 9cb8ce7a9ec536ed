"""Every bad day of the services, all of them at once: what the pages say then, and after it."""

from __future__ import annotations

import json

import pytest

from tests.live.invariant import Before, complaints
from tests.live.live_house import AT, Live, Shown
from wwt_framework.testing.faults import ALL, HARMLESS
from wwt_framework.testing.grid_services import GridServices

#: Some of the faults after which no source has answered anything.
SILENCE = ("500", "time out", "sign-in page", "{}")


@pytest.mark.parametrize("fault", ALL)
def test_a_bad_day_turns_nothing_into_zero_and_ends(
    house: Live, services: GridServices, good: dict[str, Shown], fault: str
) -> None:
    house.misbehave("", fault)
    house.refresh()

    assert complaints(house, Before(good, AT), frozenset({fault})) == []

    house.behave()
    house.refresh()

    assert complaints(house, Before(good, AT), frozenset()) == []
    assert {name: shown.state for name, shown in house.all_shown().items()} == {n: g.state for n, g in good.items()}


@pytest.mark.parametrize("fault", SILENCE)
def test_what_is_kept_is_marked_with_its_age_and_its_source(
    house: Live, services: GridServices, good: dict[str, Shown], fault: str
) -> None:
    house.misbehave("", fault)
    house.refresh()
    whole = next(name for name, shown in good.items() if shown.state == "ok" and shown.cells)

    doubt = house.shown(whole).doubts["errors"]
    page = house.client.get(f"/seeworkflow?workflow={whole}").text
    assert (doubt["state"], doubt["source"]) == ("old", "errors.cmsweb")
    assert "These counts are kept from an earlier answer" in page
    assert "(3 h old)" in page
    assert "errors.cmsweb" in page


@pytest.mark.parametrize("fault", SILENCE)
def test_the_strip_tells_the_truth_during_and_after(house: Live, services: GridServices, fault: str) -> None:
    house.misbehave("", fault)
    house.refresh()
    during = house.strip()
    house.behave()
    house.refresh()
    after = house.strip()

    silent = {key: line for key, line in during.items() if key != ("errors.cmsweb", "workflows")}  # it lists none
    assert {line["state"] for line in silent.values()} == {"kept"}
    assert {line["as_of"] for line in silent.values()} == {AT.isoformat()}
    assert all(line["note"] for line in silent.values())
    assert {line["state"] for line in after.values()} <= {"ok", "partial"}
    assert {line["as_of"] for line in after.values()} == {house.now.isoformat()}


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_what_is_true_but_written_otherwise_is_shown_as_ever(
    house: Live, services: GridServices, good: dict[str, Shown], fault: str
) -> None:
    house.misbehave("", fault)
    house.refresh()

    shown = house.all_shown()
    assert {name: one.cells for name, one in shown.items()} == {name: one.cells for name, one in good.items()}
    assert {name: one.state for name, one in shown.items()} == {name: one.state for name, one in good.items()}
    assert {name: one.missing for name, one in shown.items()} == {name: one.missing for name, one in good.items()}


def test_one_bad_workflow_never_fails_a_refresh(house: Live, services: GridServices, good: dict[str, Shown]) -> None:
    bad = next(name for name, shown in good.items() if shown.state == "ok" and shown.cells)
    house.misbehave(bad, "500")

    house.refresh()

    states = {name: shown.state for name, shown in house.all_shown().items()}
    assert states == {**{name: shown.state for name, shown in good.items()}, bad: "old"}
    assert complaints(house, Before(good, AT), frozenset()) == []


def test_a_workflow_that_is_archived_between_two_clicks_keeps_what_was_known_of_it(
    house: Live, services: GridServices, good: dict[str, Shown]
) -> None:
    name = next(name for name, shown in good.items() if shown.state == "ok" and shown.cells)
    for part in ("wmstatsserver/data/jobdetail", "wmstatsserver/data/request", "name="):
        house.misbehave(f"{part}{'/' if 'wm' in part else ''}{name}", "empty result")

    house.refresh()

    shown = house.shown(name)
    assert (shown.state, shown.cells) == ("old", good[name].cells)
    assert shown.page["parameters"] == good[name].page["parameters"]
    assert "does not know" in shown.doubts["errors"]["note"] or "not believed" in shown.doubts["errors"]["note"]


def test_p11_a_workflow_that_left_the_list_has_a_page_that_helps_and_the_snapshot_before_stays_whole(
    house: Live, services: GridServices, good: dict[str, Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.loads(services.body("/cms-unified/statuses.json") or b"{}")
    name = next(name for name in listed if name in good)
    family = {one["workflow"] for one in good[name].page["family"]}
    rest = json.dumps({key: value for key, value in listed.items() if key not in family}).encode()
    answer = services.body
    monkeypatch.setattr(services, "body", lambda path: rest if path.endswith("statuses.json") else answer(path))

    house.refresh()

    gone = house.client.get(f"/seeworkflow?workflow={name}")
    assert gone.status == 404
    assert name in gone.text


def test_plugins_says_which_source_fails_and_how_often(house: Live, services: GridServices) -> None:
    before = house.client.get("/plugins").text
    house.misbehave("", "500")
    house.refresh()

    page = house.client.get("/plugins").text
    assert "failed (500)" not in before
    assert "failed (500)" in page


def test_a_dead_source_is_asked_less_often_and_recovers_by_itself(
    house: Live, services: GridServices, good: dict[str, Shown]
) -> None:
    house.refresh()
    usual = sum(services.asked.values())
    house.misbehave("", "500")
    services.asked.clear()
    house.refresh()
    first = sum(services.asked.values())
    services.asked.clear()
    house.refresh()
    second = sum(services.asked.values())
    house.behave()
    services.asked.clear()
    house.refresh()

    assert first < usual / 2
    assert second <= 3 + 1  # one question to each service of cmsweb, one for the statuses
    assert sum(services.asked.values()) >= usual - len(good)
    assert complaints(house, Before(good, AT), frozenset()) == []


def test_p19_a_reset_asks_the_services_anew(house: Live, services: GridServices, good: dict[str, Shown]) -> None:
    name = next(name for name, shown in good.items() if shown.state == "ok" and shown.cells)
    prep_id = good[name].page["prep_id"]
    house.app.house.config.house.data_dir.joinpath("errors.cmsweb", "answers.db").stat()  # answers are kept

    house.refresh(minutes=0, workflows=[name])
    of_workflow = dict(services.asked)
    services.asked.clear()
    house.refresh(minutes=0, prep_ids=[prep_id])
    of_prep_id = dict(services.asked)

    assert of_workflow["reqmgr2/data/request"] == 1
    assert of_workflow["wmstatsserver/data/jobdetail"] == 1
    assert of_prep_id["reqmgr2/data/request"] >= 2  # its family, and each member
    assert of_prep_id["wmstatsserver/data/jobdetail"] >= 1
