"""Searching logs: what we hold and what stores outside hold, each text once, nothing of it as HTML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from wwt_framework import hookimpl
from wwt_framework.model import LogHit, LogHits, LogQuestion
from wwt_framework.store.logs import Said, open_log_index

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
WF = "pdmvserv_task_HIG-Run_181126_083424_8286"
BAD = '<script>alert(1)</script> </pre> \x1b[31m \u202egnp \0 <b onmouseover=x>"'


class Outside:
    """A log store that answers, or breaks, as it is told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[LogQuestion] = []

    @hookimpl
    def search_logs(self, asked: LogQuestion) -> LogHits:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        found: LogHits = self.answer
        return found


def text_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


@pytest.fixture
def house(installation: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def make(*stores: Any, said: Any = None) -> Any:
        plugins = {f"errors.store{i}": store for i, store in enumerate(stores)}
        client = installation(plugins=plugins, data_dir=str(tmp_path / "data"))
        index = open_log_index(client.app.store, client.app.house.config.house.data_dir)
        index.keep(said or some(), NOON)
        index.note_filled(NOON)
        return client

    return make


def some() -> list[Said]:
    return [
        Said("Failed to open the file /store/a.root", WF, f"/{WF}/T", 8028, "T1_US_FNAL", "Fatal Exception", 3, NOON),
        Said("Failed to open the file /store/a.root", "wf_b", "/wf_b/T", 8028, "T2_US_MIT", "Fatal Exception", 4, NOON),
        Said(
            "Job has exceeded maxPSS",
            "wf_b",
            "/wf_b/T",
            50660,
            "T2_US_MIT",
            "PerformanceKill",
            1,
            NOON - timedelta(days=2),
        ),
    ]


def found(got: Any) -> list[str]:
    return [text_of(row) for row in got.dom().iter("tr") if row.get("data-row") is not None]


def test_o1_form_is_offered_and_nothing_is_searched_before_something_is_asked(house: Any) -> None:
    store = Outside(LogHits())
    got = house(store).get("/showlog")

    assert (got.status, found(got), store.asked) == (200, [], [])
    assert {field.get("name") for field in got.dom().iter("input")} >= {
        "search",
        "module",
        "limit",
        "code",
        "site",
        "workflow",
    }


def test_o1_parts_of_words_are_found_marked_and_each_text_once(house: Any) -> None:
    got = house().get("/showlog?search=STORE/a.ro&limit=50")
    (row,) = found(got)

    assert "8028 Fatal Exception" in row
    assert "7 jobs in 2 places" in row
    assert [text_of(mark) for mark in got.dom().iter("mark")] == ["store/a.ro"]


@pytest.mark.parametrize("search", [WF, "HIG-Run_1811"])
def test_o1_name_of_a_workflow_finds_what_its_jobs_said(house: Any, search: str) -> None:
    assert len(found(house().get(f"/showlog?search={search}&module=error"))) == 1


@pytest.mark.parametrize(
    ("query", "rows"),
    [("module=Perf", 1), ("module=error", 2), ("code=50660", 1), ("site=T2_US_MIT", 2), ("workflow=wf_b", 2), ("since=2026-11-23", 1),
     ("until=2026-11-21", 1), ("search=nowhere", 0), ("search=file&code=50660", 0)],
)  # fmt: skip
def test_o1_filters_leave_what_fits(house: Any, query: str, rows: int) -> None:
    assert len(found(house().get(f"/showlog?{query}"))) == rows


def test_o1_nothing_found_is_said_as_it_always_was(house: Any) -> None:
    assert "No logs were found!" in text_of(house().get("/showlog?search=nowhere").dom())


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=1001", "code=x", "since=yesterday", "until=9999-12-31x", "offset=-1"]
)
def test_o1_what_can_not_be_meant_is_refused_in_words(house: Any, query: str) -> None:
    got = house().get(f"/showlog?search=a&{query}")

    assert got.status == 400
    assert "must be" in text_of(got.dom())


def test_o1_texts_beyond_a_page_are_offered(house: Any) -> None:
    client = house(said=[Said(f"text {i}", "wf", "/wf/T", 85, "S") for i in range(5)])
    first = client.get("/showlog?search=text&limit=3")
    (link,) = [a for a in first.dom().iter("a") if text_of(a) == "2 more texts"]

    assert (len(found(first)), len(found(client.get(link.get("href"))))) == (3, 2)


def test_o1_stores_outside_are_shown_beside_with_meta_data(house: Any) -> None:
    hits = (LogHit("assigned", "assignor", NOON, "level:critical\n\nid: HIG-1"), LogHit("assigned", "assignor", NOON))
    store = Outside(LogHits(hits, 12, "exit codes are not in this store"))
    got = house(store).get("/showlog?search=wf_b&module=assign&limit=7")
    (row,) = found(got)

    assert row == "assignor critical2 times 2026-11-23 12:00 UTC assigned Meta Datalevel:critical id: HIG-1"
    assert "1 different text of 12 entries. exit codes are not in this store" in text_of(got.dom())
    assert store.asked == [LogQuestion("wf_b", ("wf_b",), "assign", limit=7)]


def test_o1_dead_store_costs_its_own_answer_and_is_named(house: Any) -> None:
    dead, well = Outside(ConnectionError("refused")), Outside(LogHits((LogHit("from the other"),)))
    got = house(dead, well).get("/showlog?search=file")

    assert len(found(got)) == 2
    assert (
        "A log store did not answer, what it holds is missing: errors.store0, search_logs: ConnectionError: refused"
        in text_of(got.dom())
    )


def test_o1_broken_index_is_named_and_stores_answer(house: Any) -> None:
    client = house(Outside(LogHits((LogHit("from the other"),))))
    path = Path(client.app.house.config.house.data_dir) / "logs.db"
    for file in path.parent.glob("logs.db*"):
        file.unlink()
    path.write_bytes(b"this is no database, and long enough to be one" * 30)
    got = client.get("/showlog?search=file")

    assert len(found(got)) == 1
    assert "What is kept here can not be searched: log index" in text_of(got.dom())
    assert "move the file away: nothing in it is the only copy, refreshes fill it again" in text_of(got.dom())


def test_a_broken_index_without_stores_is_no_search_without_finds(house: Any) -> None:
    client = house()
    path = Path(client.app.house.config.house.data_dir) / "logs.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"this is no database, and long enough to be one" * 30)
    got = client.get("/showlog?search=file")

    assert "can not be searched" in text_of(got.dom())
    assert "No logs were found" not in got.text
    assert "different texts" not in got.text
    assert client.get("/showlog?search=file&format=json").status == 503


def test_o1_answers_come_as_json_and_csv(house: Any) -> None:
    client = house(Outside(LogHits((LogHit("=cmd()", "assignor", NOON),))))
    told = client.get("/showlog?search=file&format=json").json
    lines = client.get("/showlog?search=file&format=csv").text.splitlines()

    assert [(row["from"], row["exit code"], row["failed jobs"], row["text"]) for row in told] == [
        ("here", 8028, 7, "Failed to open the file /store/a.root"), ("errors.store0", None, None, "=cmd()"),
    ]  # fmt: skip
    assert lines[0].startswith("from,subject,date,exit code,failed jobs,sites")
    assert "'=cmd()" in lines[2]


def test_d9_hostile_texts_are_shown_as_text_from_everywhere(house: Any) -> None:
    store = Outside(LogHits((LogHit(BAD, BAD, NOON, BAD, BAD, BAD),), 1, BAD))
    got = house(store, said=[Said(f"bad {BAD}", "wf<b>", "/wf<b>/T", 85, BAD, BAD)]).get("/showlog?search=script")

    assert len(found(got)) == 2
    assert "<script>alert" not in got.text
    assert not set("\x1b\u202e\0") & set(got.text)
    assert not [e for e in got.dom().iter() for key in e.attrib if key.startswith("on")]


def test_d9_one_megabyte_in_one_line_is_cut_and_said(house: Any) -> None:
    got = house(Outside(LogHits((LogHit("x" * 1_000_000),)))).get("/showlog?search=xxx")

    assert len(got.text) < 80_000
    assert "[... cut here]" in got.text


def test_o1_home_and_every_workflow_lead_to_the_search(visitor: Any) -> None:
    hrefs = {
        a.get("href") for path in ("/", f"/seeworkflow?workflow={VISITED}") for a in visitor.get(path).dom().iter("a")
    }

    assert {"/showlog", f"/showlog?search={VISITED}", f"/showlog?search={VISITED}&module=error"} <= hrefs


VISITED = "wf_seen"


@pytest.fixture
def visitor(installation: Callable[..., Any], snapshot: Callable[..., Any]) -> Any:
    from wwt_framework.model import ErrorCount, Workflow

    return installation(snapshot=snapshot([ErrorCount(f"/{VISITED}/T", 85, "S", 1)], workflows=[Workflow(VISITED)]))
