"""The pages of the overview as they leave the server: complete without a script."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.services.overview_world import TAKEN, Made, random_world, taken, workflow_of
from wwt_framework import hookimpl
from wwt_framework.model import ErrorCount, SourceReport, Workflow
from wwt_framework.plugin import Panel
from wwt_framework.snapshot import OLD, PARTIAL, UNKNOWN
from wwt_framework.store import ledger

BROWSER = {"Origin": "http://wwt.example"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return random_world(tmp_path_factory.mktemp("world") / "v1")


@pytest.fixture
def visitor(installation: Callable[..., Any], world: Made) -> Any:
    return installation(snapshot=world.snapshot)


@pytest.fixture
def few(installation: Callable[..., Any], tmp_path: Path) -> Any:
    """A visitor of a world of four workflows: P has a (acted on) and b, Q has c (lower bound), R has d (not known)."""
    made = taken(
        tmp_path / "s",
        [Workflow("a", "P"), Workflow("b", "P"), Workflow("c", "Q"), Workflow("d", "R")],
        [
            ErrorCount("/a/t", 85, "T2_US_Purdue", 3),
            ErrorCount("/a/t", 8028, "T1_US_FNAL", 2),
            ErrorCount("/b/t/Merge", 85, "T2_US_Purdue", 1),
            ErrorCount("/c/t", 85, "T1_US_FNAL", 1200),
        ],
        errors_state={"c": PARTIAL, "d": UNKNOWN, "b": OLD},
    )
    return installation(snapshot=made.snapshot)


def rows(dom: Any) -> Iterator[tuple[str, list[str]]]:
    """Name and cells of each row of the matrix, thin spaces taken out."""
    for row in dom.iter("tr"):
        if "data-of" in row.attrib and row.find("th") is not None:
            name = next(a for a in row.find("th").iter("a") if a.get("class") == "name")
            whole = name.get("title") or "".join(name.itertext())
            yield whole, ["".join(td.itertext()).replace("\u202f", "") for td in row.findall("td")]


def links(dom: Any) -> list[str]:
    return [a.get("href") for a in dom.iter("a") if a.get("href")]


ADDRESSES = [
    "/globalerror", "/globalerror?pievar=sitename", "/globalerror?pievar=stepname&columns=all",
    "/globalerror?draw=heat&rows=workflow", "/globalerror?draw=numbers&sort=name-desc&zero=1",
    "/globalerror?search=no+such+thing", "/globalerror?search=/(/&minimum=x", "/globalerror?offset=50",
    "/globalerror?tier=T2&site=T2_XX_Nowhere&code=-1", "/globalerror?view=list", "/globalerror?view=list&limit=all",
    "/globalerror?view=list&search=nothing-here", "/listpage?errorcode=85&sitename=T1_US_FNAL",
    "/listpage?errorcode=NotReported&sitename=T2_US_Purdue&minimum=100", "/listpage?errorcode=1&sitename=T1_US_FNAL",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_d1_every_state_is_a_valid_page(visitor: Any, address: str) -> None:
    got = visitor.get(address)

    assert got.status == 200
    assert got.dom().find("head/title") is not None


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_state_is_a_valid_page_for_an_operator(visitor: Any, address: str) -> None:
    visitor.sign_in("olga")

    assert visitor.get(address).dom() is not None


def test_p2_the_table_shows_what_failed(visitor: Any, world: Made) -> None:
    dom = visitor.get("/globalerror?rows=workflow&limit=1000").dom()

    assert {name: int(cells[0]) for name, cells in rows(dom)} == world.by(workflow_of)


def test_p2_the_numbers_twin_is_the_same_table(visitor: Any) -> None:
    pies, numbers = visitor.get("/globalerror").dom(), visitor.get("/globalerror?draw=numbers").dom()

    assert list(rows(pies)) == list(rows(numbers))


def test_p2_zero_is_left_empty(visitor: Any) -> None:
    cells = [cell for _, line in rows(visitor.get("/globalerror?limit=1000").dom()) for cell in line]

    assert "" in cells
    assert "0" not in cells


def test_p3_rows_unfold_by_a_link_and_the_address_holds_it(few: Any) -> None:
    fold = next(a for a in few.get("/globalerror").dom().iter("a") if a.get("aria-label") == "unfold PrepID P")

    names = [name for name, _ in rows(few.get(fold.get("href")).dom())]

    assert names == ["Q", "P", "a", "b"]


def test_p3_unfolding_twice_reaches_the_tasks(few: Any) -> None:
    dom = few.get("/globalerror?open=P&open=b").dom()

    assert [name for name, _ in rows(dom)] == ["Q", "P", "a", "b", "/b/t/Merge"]
    assert "/seeworkflow?workflow=b#/b/t/Merge" in links(dom)


def test_p3_operators_can_reset_a_prep_id_and_a_workflow(few: Any) -> None:
    few.sign_in("olga")

    buttons = {
        (b.get("name"), b.get("value")): b.get("form") for b in few.get("/globalerror?open=P").dom().iter("button")
    }

    assert buttons["prepid", "P"] == buttons["workflow", "a"] == "reset-form"


def test_p3_visitors_see_no_reset(few: Any) -> None:
    assert "reset-form" not in few.get("/globalerror?open=P").text


def test_p4_a_lower_bound_an_old_and_an_unknown_number_look_like_what_they_are(few: Any) -> None:
    found = {name: cells[0] for name, cells in rows(few.get("/globalerror?open=P&zero=1").dom())}

    assert found == {"Q": "≥1200", "P": "◷6", "a": "5", "b": "◷1", "R": "not known"}


def test_the_page_says_that_some_errors_are_not_known(few: Any) -> None:
    assert "Of 1 workflow the errors are not known" in few.get("/globalerror").text


def test_p4_acted_and_pending_workflows_say_so(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "marks", lambda _store, _since: {"a": "acted", "b": "pending"})

    text = few.get("/globalerror?open=P").text

    assert text.count("✓ acted") == 1
    assert text.count("… pending") == 2  # the workflow, and its PrepID, of which all is acted or pending


def test_p4_sites_say_their_readiness_in_words(few: Any) -> None:
    heads = ["".join(th.itertext()) for th in few.get("/globalerror").dom().iter("th")]

    assert any("T2_US_Purdue" in h and "morgue · drain" in h for h in heads)


def test_codes_say_what_they_mean(few: Any) -> None:
    heads = ["".join(th.itertext()) for th in few.get("/globalerror?pievar=sitename&columns=all").dom().iter("th")]

    assert any(h.strip().startswith("8028") and "file could not be opened" in h for h in heads)


@pytest.mark.parametrize(
    ("pievar", "given"),
    [
        ("errorcode", {"sitename", "workflow"}),
        ("sitename", {"errorcode", "workflow"}),
        ("stepname", {"errorcode", "sitename"}),
    ],
)
def test_p5_every_number_leads_to_its_list_which_sums_to_it(visitor: Any, pievar: str, given: set[str]) -> None:
    dom = visitor.get(f"/globalerror?pievar={pievar}&code=85&code=8001&tier=T1&tier=T2&draw=numbers").dom()
    cells = [a for a in dom.iter("a") if a.get("data-s") and "/listpage" in a.get("href")]
    assert len(cells) > 5

    for a in cells[:15]:
        parts = urlsplit(a.get("href"))
        assert given <= set(parse_qs(parts.query))
        listed = visitor.get(f"{parts.path}?{parts.query}&format=json").json
        assert sum(line["errors"] for line in listed) == int(a.text.replace("\u202f", ""))


def test_the_form_counts_behind_each_choice(few: Any) -> None:
    labels = {" ".join("".join(x.itertext()).split()) for x in few.get("/globalerror").dom().iter("label")}

    assert "T2_US_Purdue 4" in labels
    assert "85 1 204" in labels


def test_how_many_workflows_are_left_is_told(few: Any) -> None:
    summary = next(p for p in few.get("/globalerror?code=8028").dom().iter("p") if "data-summary" in p.attrib)

    assert "2 failed jobs in 1 of 3 workflows" in "".join(summary.itertext())


def test_a_refused_pattern_is_told_and_the_rows_are_shown(few: Any) -> None:
    got = few.get("/globalerror?search=/(/")

    assert "RE2 does not take it" in got.text
    assert len(list(rows(got.dom()))) == 2


def test_an_empty_table_says_why(few: Any, client: Any) -> None:
    assert "No workflow fits all of these choices" in few.get("/globalerror?search=zzz").text


def test_before_the_first_refresh_the_page_is_there(client: Any) -> None:
    got = client.get("/globalerror")

    assert got.status == 200
    assert "No refresh has ended yet, so nothing is known" in got.text


@pytest.mark.parametrize("address", ["/", "/globalerror", "/globalerror?view=list"])
def test_no_answer_is_not_shown_as_no_errors(installation: Callable[..., Any], tmp_path: Path, address: str) -> None:
    told = [SourceReport("errors.json_file", "errors", "failed", TAKEN, None, 0.1, "no such file")]
    visitor = installation(snapshot=taken(tmp_path / "s", [], [], sources=told).snapshot)

    got = visitor.get(address)

    assert (
        "errors.json_file did not answer, so failed jobs are not known: this is not the same as no errors." in got.text
    )
    assert "has failed jobs" not in got.text


def test_further_rows_have_a_link(visitor: Any, world: Made) -> None:
    first = visitor.get("/globalerror?limit=20").dom()
    more = next(p for p in first.iter("p") if "data-more" in p.attrib).find("a").get("href")

    second = visitor.get(more).dom()

    assert [n for n, _ in rows(first)] + [n for n, _ in rows(second)] == [
        n for n, _ in rows(visitor.get("/globalerror?limit=40").dom())
    ]


def test_a_script_gets_rows_alone(visitor: Any, world: Made) -> None:
    got = visitor.get("/globalerror?part=rows&offset=10&limit=10")

    assert got.text.startswith("<table><tbody><tr")
    assert got.text.count("data-row") == 10
    assert (got.header("X-Snapshot"), got.header("X-Next-Offset")) == (world.snapshot.version, "20")


def test_a_script_gets_what_is_below_a_row(few: Any) -> None:
    assert few.get("/globalerror?part=below&of=P").text.count("data-row") == 2
    assert few.get("/globalerror?part=below&of=nothing").status == 404
    assert few.get("/globalerror?part=nonsense").status == 400


def test_a_script_gets_the_tasks_of_a_cell(few: Any) -> None:
    got = few.get("/globalerror?pievar=stepname&part=cell&code=85&column=T2_US_Purdue")

    assert got.json == [["/a/t", 3], ["/b/t/Merge", 1]]


def test_the_matrix_is_given_as_json_and_csv(few: Any) -> None:
    told = few.get("/globalerror?format=json").json
    lines = list(csv.reader(io.StringIO(few.get("/globalerror?format=csv").text)))

    assert told[1] == {
        "row": "P",
        "kind": "prep",
        "parent": "",
        "state": "old",
        "total": 6,
        "T1_US_FNAL": 2,
        "T2_US_Purdue": 4,
    }
    assert lines[0] == ["row", "kind", "parent", "state", "total", "T1_US_FNAL", "T2_US_Purdue"]
    assert lines[1] == ["Q", "prep", "", "partial", "1200", "1200", ""]


def test_names_from_outside_stay_text(installation: Callable[..., Any], tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script>&amp;'
    site = "T2_XX_<b>"
    made = taken(tmp_path / "s", [Workflow(evil, evil)], [ErrorCount(f"/{evil}/t", 85, site, 3)])
    client = installation(snapshot=made.snapshot)

    for address in ("/globalerror?rows=workflow", "/globalerror?view=list", "/globalerror?pievar=stepname",
                    f"/listpage?errorcode=85&sitename={site}"):  # fmt: skip
        got = client.get(address)
        assert got.status == 200
        assert got.dom().find(".//b") is None
        assert "<script>alert" not in got.text


def test_the_first_screen_is_small(visitor: Any) -> None:
    got = visitor.get("/globalerror", headers={"Accept-Encoding": "gzip"})

    assert got.header("Content-Encoding") == "gzip"
    assert len(got.body) < 100_000


def test_an_unchanged_page_is_not_sent_again_and_a_mark_changes_it(visitor: Any, world: Made) -> None:
    visitor.sign_in("olga")
    tag = visitor.get("/globalerror?view=list").header("ETag")
    assert visitor.get("/globalerror?view=list", headers={"If-None-Match": tag}).status == 304

    ledger.mark_prep(visitor.app.store, next(iter(world.workflows.values())).prep_id, "olga")

    assert visitor.get("/globalerror?view=list", headers={"If-None-Match": tag}).status == 200


# -- the list of prep ids --


def test_p6_the_old_address_leads_to_the_list(few: Any) -> None:
    assert few.get("/globalerror2").header("Location") == "/globalerror?view=list"
    assert few.get("/globalerror2?reset=True").header("Location") == "/globalerror?view=list#update"


def test_p6_each_prep_id_has_its_total_and_a_sign_for_each_workflow(few: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "marks", lambda _store, _since: {"a": "acted", "c": "pending"})

    table = next(t for t in few.get("/globalerror?view=list").dom().iter("table"))

    lines = []
    for row in table.find("tbody"):
        dots = [a.get("class").split()[1] for a in row.iter("a") if "dot" in a.get("class", "").split()]
        number = "".join(row.find("td").itertext())
        lines.append(("".join(row.find("th").itertext())[1:], number, dots))
    assert lines == [("Q", "≥1\u202f200", ["pending"]), ("P", "◷6", ["acted", "none"])]


def test_p6_an_open_prep_id_lists_its_workflows_with_errors(few: Any) -> None:
    dom = few.get("/globalerror?view=list&open=P").dom()
    below = next(tr for tr in dom.iter("tr") if tr.get("class") == "below")

    assert [a.get("href") for a in below.iter("a")] == ["/seeworkflow?workflow=a", "/seeworkflow?workflow=b"]


def test_p7_forty_rows_then_forty_more_or_all(installation: Callable[..., Any], tmp_path: Path) -> None:
    names = [f"w{i:03d}" for i in range(100)]
    made = taken(
        tmp_path / "s",
        [Workflow(n, f"P-{n}") for n in names],
        [ErrorCount(f"/{n}/t", 85, "T1_US_FNAL", 1) for n in names],
    )
    client = installation(snapshot=made.snapshot)

    dom = client.get("/globalerror?view=list").dom()

    more, everything = [a for a in dom.iter("a") if "data-more" in a.attrib]
    assert client.get("/globalerror?view=list").text.count("data-of=") == 40
    assert client.get(more.get("href")).text.count("data-of=") == 80
    assert client.get(everything.get("href")).text.count("data-of=") == 100


def test_p7_updating_asks_for_the_marked_prep_ids_and_takes_the_marks_away(few: Any) -> None:
    few.sign_in("olga")
    ledger.mark_prep(few.app.store, "P", "olga")
    form = {"csrf_token": few.csrf_token()}

    got = few.post("/globalerror2", form=form, headers=BROWSER)

    (run,) = ledger.runs(few.app.store)
    assert (got.status, got.header("Location").startswith("/globalerror?view=list")) == (303, True)
    assert (run.name, run.user, run.arguments) == ("refresh", "olga", {"prep_ids": ["P"]})
    assert not ledger.marked_preps(few.app.store)
    assert "asked again for 1 PrepID;" in few.get(got.header("Location")).text


def test_p7_a_visitor_can_not_update(few: Any) -> None:
    ledger.mark_prep(few.app.store, "P", "olga")

    assert few.post("/globalerror2", form={}, headers=BROWSER).status == 401
    assert ledger.marked_preps(few.app.store)


def test_p7_updating_needs_the_token_of_the_form(few: Any) -> None:
    few.sign_in("olga")

    assert few.post("/globalerror2", form={}, headers=BROWSER).status == 403


# -- lists --


def test_p8_code_and_site_list_workflows_by_errors(visitor: Any, world: Made) -> None:
    expected = world.by(workflow_of, world.of(exit_code=85, site="T2_US_Purdue"))

    told = visitor.get("/listpage?errorcode=85&sitename=T2_US_Purdue&format=json").json

    assert {line["workflow"]: line["errors"] for line in told} == expected
    assert [line["errors"] for line in told] == sorted(expected.values(), reverse=True)


@pytest.mark.parametrize("given", ["", "errorcode=85&", "workflow=x&"])
def test_a_program_that_gives_too_little_is_told_so_as_json(visitor, given: str) -> None:
    got = visitor.get(f"/listpage?{given}format=json")

    assert (got.status, got.json["status"]) == (400, 400)


@pytest.mark.parametrize("kind", ["workflow", "prep", "task"])
def test_p8_a_workflow_may_be_a_prep_id_or_a_task(visitor: Any, world: Made, kind: str) -> None:
    e = max(world.counts, key=lambda e: e.count)
    name = {"workflow": workflow_of(e), "prep": world.workflows[workflow_of(e)].prep_id, "task": e.task}[kind]

    by_site = visitor.get(f"/listpage?errorcode={e.exit_code}&workflow={name}&format=json").json
    by_code = visitor.get(f"/listpage?sitename={e.site}&workflow={name}&format=json").json

    mine = world.of(**{kind: name})
    assert {x["site"]: x["errors"] for x in by_site} == world.by(
        lambda c: c.site, [c for c in mine if c.exit_code == e.exit_code]
    )
    assert {int(x["code"]): x["errors"] for x in by_code} == world.by(
        lambda c: c.exit_code, [c for c in mine if c.site == e.site]
    )


def test_p8_workflows_and_codes_are_links_and_sites_are_words(few: Any) -> None:
    assert "/seeworkflow?workflow=c" in links(few.get("/listpage?errorcode=85&sitename=T1_US_FNAL").dom())
    assert any(
        "/explainerror?errorcode=8028" in x for x in links(few.get("/listpage?sitename=T1_US_FNAL&workflow=a").dom())
    )
    assert "morgue" in few.get("/listpage?errorcode=85&workflow=P").text


def test_p8_all_three_are_not_found(few: Any) -> None:
    assert few.get("/listpage?errorcode=85&sitename=T1_US_FNAL&workflow=a").status == 404


@pytest.mark.parametrize("query", ["", "?errorcode=85", "?workflow=a"])
def test_p8_fewer_than_two_say_what_to_give(few: Any, query: str) -> None:
    got = few.get(f"/listpage{query}")

    assert got.status == 400
    assert "Give two of exit code, site and workflow" in got.text
    assert got.dom() is not None


def test_p8_an_unknown_workflow_is_not_found(few: Any) -> None:
    assert few.get("/listpage?errorcode=85&workflow=nobody").status == 404


def test_p8_a_code_that_is_none_is_told(few: Any) -> None:
    assert few.get("/listpage?errorcode=abc&workflow=a").status == 400


def test_p8_long_lists_come_in_pages_of_200(installation: Callable[..., Any], tmp_path: Path) -> None:
    names = [f"w{i:03d}" for i in range(450)]
    made = taken(
        tmp_path / "s", [Workflow(n) for n in names], [ErrorCount(f"/{n}/t", 85, "T1_US_FNAL", 1) for n in names]
    )
    client = installation(snapshot=made.snapshot)
    address: str | None = "/listpage?errorcode=85&sitename=T1_US_FNAL"
    seen: list[int] = []

    while address:
        dom = client.get(address).dom()
        seen.append(sum("data-row" in tr.attrib for tr in dom.iter("tr")))
        address = next((a.get("href") for a in dom.iter("a") if a.text == "The next lines"), None)

    assert seen == [200, 200, 50]


def test_o2_the_older_address_leads_to_the_list(few: Any) -> None:
    got = few.get("/listworkflows?errorcode=85&sitename=T1_US_FNAL")

    assert (got.status, got.header("Location")) == (301, "/listpage?errorcode=85&sitename=T1_US_FNAL")


class WithPanel:
    """Counts workflows in a box on the overview."""

    @hookimpl
    def show_panels(self, page: str, snapshot: Any) -> list[Panel]:
        return [Panel("How many", "count.html", {"n": len(snapshot.workflow_names())})] if page == "overview" else []


@pytest.mark.parametrize("address", ["/globalerror", "/globalerror?view=list"])
def test_boxes_of_plugins_stand_on_the_overview(
    installation: Callable[..., Any], world: Made, tmp_path: Path, address: str
) -> None:
    (tmp_path / "count.html").write_text("<p>{{ n }} workflows in all</p>")
    visitor = installation(snapshot=world.snapshot, plugins={"extras.mine": WithPanel()}, templates=tmp_path)

    got = visitor.get(address)

    assert f"<p>{len(world.workflows)} workflows in all</p>" in got.text


def test_p1_numbers_on_the_welcome_page_are_those_of_the_pages_behind_them(visitor: Any) -> None:
    def told(address: str, marked: str) -> list[str]:
        found = visitor.get(address).dom().findall(f".//{marked}")
        return ["".join(number.itertext()).replace("\u202f", "") for number in found]

    jobs, workflows, preps, _ = told("/", "span[@class='big-number']")

    assert [jobs, workflows] == told("/globalerror?rows=workflow", "p[@class='summary']/strong")
    assert [jobs, preps] == told("/globalerror?view=list", "p[@class='summary']/strong")
