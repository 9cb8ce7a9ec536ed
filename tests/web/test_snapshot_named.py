"""Every answer with numbers says of which snapshot they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.overview_world import Made, random_world

PAGES = {
    "home": "/",
    "matrix": "/globalerror",
    "rows": "/globalerror?part=rows",
    "cell": "/globalerror?pievar=stepname&part=cell&code=85&column=T2_US_Purdue",
    "csv": "/globalerror?format=csv",
    "list of prep ids": "/globalerror?view=list",
    "its lines": "/globalerror?view=list&part=rows",
    "list": "/listpage?errorcode=85&sitename=T2_US_Purdue",
    "json": "/listpage?errorcode=85&sitename=T2_US_Purdue&format=json",
    "logs": "/explainerror?errorcode=85",
    "jump": "/jump?q=HIG",
    "sources": "/freshness",
    "prep ids": "/getprepids",
}
WHOLE = ("home", "matrix", "list of prep ids", "list", "logs", "jump", "sources")


@pytest.fixture
def world(tmp_path: Any) -> Made:
    return random_world(tmp_path / "20261123T212947.927643Z")


@pytest.mark.parametrize("name", PAGES)
def test_an_answer_names_its_snapshot(installation: Any, world: Made, name: str) -> None:
    got = installation(snapshot=world.snapshot).get(PAGES[name])

    assert (got.status, got.header("X-Snapshot")) == (200, world.snapshot.version)


def test_the_page_of_a_workflow_names_its_snapshot(installation: Any, world: Made) -> None:
    got = installation(snapshot=world.snapshot).get(f"/seeworkflow?workflow={next(iter(world.workflows))}")

    assert (got.status, got.header("X-Snapshot")) == (200, world.snapshot.version)


@pytest.mark.parametrize("name", WHOLE)
def test_a_page_names_its_snapshot_at_its_foot(installation: Any, world: Made, name: str) -> None:
    dom = installation(snapshot=world.snapshot).get(PAGES[name]).dom()

    assert [place.text for place in dom.iter("span") if "data-snapshot" in place.attrib] == [
        f"snapshot {world.snapshot.version}"
    ]


def test_what_a_client_has_already_is_of_the_snapshot_that_is_named(installation: Any, world: Made) -> None:
    client = installation(snapshot=world.snapshot)
    tag = client.get("/globalerror").header("ETag")

    again = client.get("/globalerror", headers={"If-None-Match": tag})

    assert (again.status, again.header("X-Snapshot")) == (304, world.snapshot.version)


@pytest.mark.parametrize("path", ["/", "/globalerror", "/login"])
def test_who_may_not_read_is_not_told_when_it_was_taken(installation: Any, world: Made, path: str) -> None:
    got = installation(snapshot=world.snapshot, open_reading=False).get(path)

    assert got.header("X-Snapshot") == ""
    assert world.snapshot.version not in got.text
