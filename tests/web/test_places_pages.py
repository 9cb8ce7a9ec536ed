"""The pages of sites and exit codes, and trends on other pages, as they leave the server."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest

from tests.services.case_world import ORIGINAL, case_world
from tests.web.house import HOSTILE
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount, Readiness, SiteStatus
from wwt_framework.services.history import Look, take_in
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write

NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)
RECT = "{http://www.w3.org/2000/svg}rect"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def visitor(installation: Callable[..., Any], world: Snapshot) -> Any:
    client = installation(snapshot=world)
    for ago, jobs in ((8, 10), (2, 40), (0, 50)):
        cells = [(f"/{ORIGINAL}/A", 8028, "T2_US_Purdue", jobs), ("/other/A", 85, "T1_US_FNAL", 5)]
        errors = ErrorColumns.of(ErrorCount(*cell) for cell in cells)
        purdue = SiteStatus("T2_US_Purdue", Readiness.YELLOW, "drain")
        take_in(client.app.history, Look.of_columns(errors, NOW - ago * DAY, {"T2_US_Purdue": purdue}, whole=True))
    return client


def text_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).replace("\u202f", " ").split())


def table_of(got: Any, number: int = 0) -> list[list[str]]:
    table = list(got.dom().find(".//main").iter("table"))[number]
    return [[text_of(cell) for cell in row] for row in table.iter("tr")]


def test_sites_are_listed_with_readiness_numbers_and_trend(visitor: Any) -> None:
    rows = table_of(visitor.get("/sites"))

    assert rows[0] == ["Site", "Readiness", "Production", "Failed jobs", "Workflows", "Trend", "30 days"]
    purdue = next(row for row in rows if row[0] == "T2_US_Purdue")
    assert purdue[3:6] == ["617", "2", "▲ growing"]


def test_codes_are_listed_with_meanings_and_trend(visitor: Any) -> None:
    rows = table_of(visitor.get("/codes"))

    assert [row[0] for row in rows[:2]] == ["Code", "8028"]
    assert next(row for row in rows if row[0] == "85")[4] == "▬ steady"
    assert next(row for row in rows if row[0] == "n.r.")[1] == "not reported by any agent"


@pytest.mark.parametrize(("page", "name", "wanted"), [("/sites", "T2_US_Purdue", "site"), ("/codes", "8028", "code")])
def test_numbers_of_workflows_lead_to_as_many(visitor: Any, page: str, name: str, wanted: str) -> None:
    row = next(row for row in visitor.get(page).dom().iter("tr") if row[0].tag == "th" and text_of(row[0]) == name)
    cell = next(cell for cell in row if cell.get("data-label") == "Workflows")
    link = next(cell.iter("a"))

    assert link.get("href") == f"/globalerror?rows=workflow&{wanted}={name}"
    assert f" in {text_of(cell)} of " in text_of(visitor.get(link.get("href")).dom())


def test_a_site_has_its_codes_workflows_and_days(visitor: Any) -> None:
    got = visitor.get("/sites?site=T2_US_Purdue")
    main = text_of(got.dom().find(".//main"))

    assert "617 failed jobs in 2 workflows" in main
    assert "Growing: 50 now, 40 on most days of the week before." in main
    assert ["8028", "10"] in [[row[0], row[-1]] for row in table_of(got, 2)]  # a week ago
    assert table_of(got, 1)[1][1:] == ["waiting room", "drain"]


def test_days_on_which_nobody_looked_differ_from_days_without_failed_jobs(visitor: Any) -> None:
    got = visitor.get("/sites?site=T1_US_FNAL")
    kinds = [bar.get("class") for bar in got.dom().iter(RECT)]
    days = {row[0]: row[1] for row in table_of(got)[1:]}

    assert "bar unknown" in kinds
    assert days[str((NOW - DAY).date())] == "nobody looked"
    assert days[str(NOW.date())] == "5"


def test_a_code_has_its_meaning_sites_workflows_and_days(visitor: Any) -> None:
    got = visitor.get("/codes?code=8028")
    main = text_of(got.dom().find(".//main"))

    assert "Exit code 8028" in main
    assert "This meaning holds" in main
    sites = [row for table in (1, 2) for row in table_of(got, table) if row[0] == "T2_US_Purdue"]
    assert sites == [["T2_US_Purdue", "617", "10"]]


@pytest.mark.parametrize("days", ["30", "90", "365"])
def test_the_days_can_be_chosen(visitor: Any, days: str) -> None:
    bars = list(visitor.get(f"/codes?code=8028&days={days}").dom().iter(RECT))

    assert len(bars) == {"30": 30, "90": 90, "365": 53}[days] + 4  # the key has four


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sites?site=T9_Nowhere", 404),
        ("/codes?code=4711", 404),
        ("/codes?code=many", 400),
        ("/codes?days=7", 400),
        ("/sites?days=x", 400),
        ("/sites?offset=-1", 400),
        ("/codes?format=xml", 400),
        ("/sites?site=T2_US_Purdue&format=xml", 400),
    ],
)
def test_what_does_not_exist_or_can_not_be_is_told(visitor: Any, path: str, status: int) -> None:
    got = visitor.get(path)

    assert got.status == status
    if "format" not in path:
        got.dom()


@pytest.mark.parametrize("path", ["/sites?", "/codes?", "/sites?site=T2_US_Purdue&", "/codes?code=8028&"])
def test_every_table_is_also_csv_and_json(visitor: Any, path: str) -> None:
    rows = list(csv.DictReader(io.StringIO(visitor.get(f"{path}format=csv").text)))
    told = visitor.get(f"{path}format=json").json

    if isinstance(told, dict):
        assert [row["day"] for row in rows] == [day["day"] for day in told["trend"]["days"]]
        assert (rows[-1]["failed jobs"], rows[-2]["failed jobs"]) == ("50", "")
    else:
        assert [row["failed jobs"] for row in rows] == [str(row["failed jobs"]) for row in told]


def test_sites_are_found_by_part_of_their_name(visitor: Any) -> None:
    assert [row[0] for row in table_of(visitor.get("/sites?search=purd"))[1:]] == ["T2_US_Purdue"]
    assert "No site has" in visitor.get("/sites?search=nothing").text


def test_the_overview_and_a_workflow_have_their_trend(visitor: Any) -> None:
    overview = text_of(visitor.get("/globalerror").dom().find(".//figure/figcaption"))
    workflow = text_of(visitor.get(f"/seeworkflow?workflow={quote(ORIGINAL)}").dom().find(".//figure/figcaption"))

    assert overview.startswith("Steady: 55 now, 45 on most days")
    assert workflow.startswith("Growing: 50 now, 40 on most days")


def test_a_history_that_can_not_be_read_costs_its_chart_and_not_the_page(visitor: Any) -> None:
    with visitor.app.history.write():
        visitor.app.history.tables.history_day.update(totals=b"nonsense").execute()
    got = visitor.get("/globalerror")

    assert got.status == 200
    assert "can not be read" in text_of(got.dom().find(".//main"))


def test_an_empty_installation_has_both_lists(client: Any) -> None:
    assert "No site is known" in client.get("/sites").text
    assert "No exit code is known" in client.get("/codes").text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_sites_stay_text(installation: Callable[..., Any], tmp_path: Any, name: str) -> None:
    folder = tmp_path / "v1"
    folder.mkdir()
    write(folder, SnapshotParts("v1", NOW, errors=ErrorColumns.of([ErrorCount("/w/A", 85, name, 3)])))
    client = installation(snapshot=open_snapshot(folder))

    assert client.get("/sites").dom().find(".//main//script") is None
    got = client.get(f"/sites?site={quote(name)}")
    assert got.status == 200
    assert got.dom().find(".//main//script") is None


def test_the_address_of_a_status_is_a_link_only_when_a_browser_may_follow_it(
    installation: Callable[..., Any], tmp_path: Any
) -> None:
    folder = tmp_path / "v1"
    folder.mkdir()
    sites = [SiteStatus("A", url="javascript:alert(1)"), SiteStatus("B", url="https://example.org/b")]
    write(folder, SnapshotParts("v1", NOW, sites=sites))
    client = installation(snapshot=open_snapshot(folder))

    assert "javascript:" not in client.get("/sites?site=A").text
    assert 'href="https://example.org/b"' in client.get("/sites?site=B").text


def test_a_page_is_made_anew_when_the_history_has_changed(visitor: Any) -> None:
    before = visitor.get("/sites").header("ETag")
    errors = ErrorColumns.of([ErrorCount("/w/A", 85, "T1_US_FNAL", 3)])
    take_in(visitor.app.history, Look.of_columns(errors, NOW + timedelta(seconds=1), {}, whole=True))

    assert visitor.get("/sites").header("ETag") != before
