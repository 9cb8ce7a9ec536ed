"""The page of one workflow and of its logs, as they leave the server: complete without a script."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.services.case_world import (
    ALONE,
    BOUND,
    COUNTS,
    DARK,
    FIRST,
    GEN,
    HOSTILE_TEXT,
    KEPT,
    MERGE,
    ORIGINAL,
    PREP,
    SECOND,
    TAKEN,
    case_world,
)
from wwt_framework import hookimpl
from wwt_framework.model import Action, ActionState, ErrorCount, LogExcerpt, Workflow
from wwt_framework.plugin import Link, Panel
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger

BROWSER = {"Origin": "http://wwt.example"}
NEW = "pdmvserv_task_HIG-RunIIFall18wmLHEGS-00999__v1_T_190624_083424_9999"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def visitor(installation: Callable[..., Any], world: Snapshot) -> Any:
    return installation(snapshot=world)


def page(client: Any, name: str = ORIGINAL, **query: str) -> Any:
    more = "".join(f"&{key}={quote(value)}" for key, value in query.items())
    return client.get(f"/seeworkflow?workflow={quote(name)}{more}")


def text_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).replace("\u202f", " ").split())


def main_of(got: Any) -> Any:
    return got.dom().find(".//main")


def links(element: Any) -> dict[str, str]:
    return {text_of(a): a.get("href", "") for a in element.iter("a")}


def by_id(element: Any, wanted: str) -> Any:
    return next(e for e in element.iter() if e.get("id") == wanted)


def act(client: Any, workflow: str, state: ActionState = ActionState.QUEUED) -> None:
    action = Action("a" * 32, "acdc", workflow, {}, {}, (), "olga", ActionState.QUEUED, TAKEN, TAKEN)
    ledger.submit(client.app.store, [action])
    if state is not ActionState.QUEUED:
        ledger.move(client.app.store, action.id, state, "unified")


# -- the workflow --


def test_p9_the_heading_says_what_the_workflow_is(visitor: Any) -> None:
    words = text_of(main_of(page(visitor)))

    for fact in (
        ORIGINAL, "TaskChain", "running-closed", "RunIIFall18wmLHEGS", "priority 110 000", "asked for 2018-11-26",
        "1 204 failed jobs", "5.4 % of all jobs", "2 ACDCs so far", "4 of them known to the ACDC server only",
    ):  # fmt: skip
        assert fact in words, fact


def test_p9_d2_every_table_is_shown_with_its_sites_and_numbers(visitor: Any) -> None:
    dom = main_of(page(visitor))
    table = next(t for t in dom.iter("table") if t.get("data-task") == MERGE)

    assert [text_of(th) for th in table.find("thead").iter("th")] == [
        "Exit code",
        "Total",
        "T2_CH_CERN waiting room",
        "T3_US_Somewhere unknown, disabled",
    ]
    assert [[text_of(cell) for cell in tr] for tr in table.find("tbody")] == [
        ["8028 fallback open failed, too", "200", "200", ""],
        ["99999", "20", "", "20"],
    ]


def test_p9_p12_codes_and_numbers_lead_to_their_logs_and_sites_to_their_list(visitor: Any) -> None:
    dom = main_of(page(visitor))
    table = next(t for t in dom.iter("table") if t.get("data-task") == MERGE)
    found = links(table)

    asked = parse_qs(urlsplit(found["99999"]).query)
    assert (urlsplit(found["99999"]).path, asked) == (
        "/explainerror",
        {"errorcode": ["99999"], "workflowstep": [MERGE]},
    )
    cell = table.find("tbody")[0][2].find("a")
    assert parse_qs(urlsplit(cell.get("href")).query) == {
        "errorcode": ["8028"],
        "workflowstep": [MERGE],
        "sitename": ["T2_CH_CERN"],
    }
    assert parse_qs(urlsplit(found["T2_CH_CERN waiting room"]).query) == {
        "sitename": ["T2_CH_CERN"],
        "workflow": [MERGE],
    }


def test_p9_tasks_with_errors_are_listed_and_lead_to_their_tables(visitor: Any) -> None:
    dom = main_of(page(visitor))
    index = next(ol for ol in dom.iter("ol") if ol.get("class") == "wf-index")

    assert [a.get("href") for a in index.iter("a")] == [f"#{GEN}", f"#{MERGE}"]
    assert by_id(dom, MERGE).tag == "section"
    assert links(by_id(dom, MERGE))["To top"] == "#top"


def test_p9_the_dominant_code_its_meaning_advice_and_types_are_told(visitor: Any) -> None:
    words = text_of(main_of(page(visitor)))

    assert "Dominant exit code 8028 fallback open failed, too 75 %" in words
    assert "The input file could not be opened." in words
    assert "Check the file." in words
    assert "Fatal Exception (Exit code: 8028) then WMAgentStepExecutionError (Exit code: 8028)" in words


def test_p9_the_family_leads_to_its_members_with_date_status_errors_and_action(visitor: Any) -> None:
    act(visitor, FIRST)
    rows = [[text_of(cell) for cell in tr] for tr in by_id(main_of(page(visitor)), "family").find(".//tbody")]

    assert rows[0][1:] == ["2018-11-26", "running-closed", "1 204", "none"]
    assert rows[1][1:] == ["2018-12-10", "completed", "7", "pending"]
    assert rows[2][1:] == ["2019-01-05", "acquired", "0", "none"]


def test_p9_a_missing_number_of_jobs_is_said_in_red(visitor: Any) -> None:
    dom = main_of(page(visitor, FIRST))

    assert [text_of(e) for e in dom.iter("strong") if e.get("class") == "bad"] == ["number of jobs not known"]


def test_p9_the_reset_button_is_for_operators(visitor: Any) -> None:
    assert page(visitor).dom().find(".//main//form") is None
    visitor.sign_in("olga")
    form = page(visitor).dom().find(".//main//form")

    assert (form.get("method"), form.get("action")) == ("post", "/resetcache")
    assert {i.get("name") for i in form.iter("input")} == {"csrf_token", "workflow"}


def test_p11_the_suggested_twin_has_no_buttons_and_leads_to_the_full_view(visitor: Any) -> None:
    visitor.sign_in("olga")
    dom = main_of(page(visitor, issuggested="1"))

    assert dom.find(".//form") is None
    assert links(dom)["Full view"] == f"/seeworkflow?workflow={ORIGINAL}"


def test_p10_the_status_of_the_action_is_said_in_words(visitor: Any) -> None:
    assert "none nothing was asked for yet" in text_of(main_of(page(visitor)))
    act(visitor, ORIGINAL)
    assert "pending acdc by olga, queued since" in text_of(main_of(page(visitor)))
    ledger.move(visitor.app.store, "a" * 32, ActionState.DONE, "unified")

    assert "acted acdc by olga, done since" in text_of(main_of(page(visitor)))


@pytest.mark.parametrize("address", ["/seeworkflow2", "/seeworkflow2/"])
def test_p10_the_second_address_leads_to_the_page_and_keeps_the_query(visitor: Any, address: str) -> None:
    got = visitor.get(f"{address}?workflow={ORIGINAL}&issuggested=1")

    assert (got.status, got.header("Location")) == (302, f"/seeworkflow?workflow={ORIGINAL}&issuggested=1")


@pytest.mark.parametrize("name", ["status", "path", "self"])
def test_p10_no_name_in_the_query_breaks_the_second_address(visitor: Any, name: str) -> None:
    got = visitor.get(f"/seeworkflow2?workflow={ORIGINAL}&{name}=1")

    assert (got.status, got.header("Location").partition("&")[0]) == (302, f"/seeworkflow?workflow={ORIGINAL}")


def test_o7_no_workflow_leads_to_the_overview(visitor: Any) -> None:
    assert visitor.get("/seeworkflow").header("Location") == "/globalerror"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (KEPT, "These counts are kept from an earlier answer, of 2019-06-24 11:30 UTC"),
        (BOUND, "These counts are lower bounds"),
        (DARK, "How many jobs failed is not known , which does not mean that none did."),
        (SECOND, "No failed jobs. The counts are complete."),
    ],
)
def test_unknown_zero_old_and_lower_bounds_look_different(visitor: Any, name: str, words: str) -> None:
    assert words.replace(" ,", ",") in text_of(main_of(page(visitor, name)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (ORIGINAL, "How complete is this? whole failed jobs, what an ACDC would rerun of 2019-06-24 12:03 UTC"),
        (KEPT, "How complete is this? kept from earlier ! failed jobs of 2019-06-24 11:30 UTC"),
        (BOUND, "How complete is this? lower bounds or parts ! failed jobs"),
        (DARK, "How complete is this? not known ! failed jobs"),
    ],
)
def test_p9_one_line_says_how_complete_all_of_it_is(visitor: Any, name: str, words: str) -> None:
    assert words in text_of(page(visitor, name).dom().find(".//details[@class]/summary"))


def test_p9_behind_the_line_stands_who_told_what_and_why_not(visitor: Any) -> None:
    rows = page(visitor, KEPT).dom().find(".//details[@class]/div").iter("tr")
    told = [[text_of(cell) for cell in row] for row in rows]

    assert (told[1][:2], told[1][3:]) == (["failed jobs", "kept from earlier"], ["errors.wmstats", "HTTP 502"])
    assert told[1][2].startswith("2019-06-24 11:30 UTC (")
    assert told[2][:2] == ["logs", "no source here tells"]


def test_the_json_twin_says_how_complete_it_is(visitor: Any) -> None:
    told = page(visitor, KEPT, format="json").json["complete"]

    assert told["whole"] is False
    assert told["kinds"][0] == {
        "kind": "errors", "label": "failed jobs", "state": "old", "word": "kept from earlier",
        "at": "2019-06-24T11:30:00+00:00", "source": "errors.wmstats", "note": "HTTP 502",
    }  # fmt: skip


def test_cells_that_hold_most_of_their_code_or_of_their_site_are_marked(visitor: Any) -> None:
    text = text_of(main_of(page(visitor)))

    assert "610 ↑of the code 87 %" in text  # 610 of 700; all that failed at this site
    assert "90 →of the site 95 %" in text  # 90 of the 94 there, an eighth of the code
    assert "280 ↑" not in text  # its code is nowhere else, and nothing else is there


def test_lower_bounds_are_written_as_such_beside_the_number(visitor: Any) -> None:
    assert "at least 6 failed jobs" in text_of(main_of(page(visitor, BOUND)))


def test_p9_all_pages_of_the_world_are_valid_html(visitor: Any) -> None:
    for name in (ORIGINAL, FIRST, SECOND, ALONE, KEPT, BOUND, DARK):
        assert page(visitor, name).dom().find(".//h1") is not None


def test_the_json_twin_tells_everything(visitor: Any) -> None:
    told = page(visitor, format="json").json

    assert (told["workflow"], told["errors"]["total"], len(told["tasks"])) == (ORIGINAL, 1204, 2)
    assert told["family"][1]["requested_at"].startswith("2018-12-10")


def test_all_counts_come_as_csv(visitor: Any) -> None:
    rows = list(csv.reader(io.StringIO(page(visitor, format="csv").text)))

    assert rows[0] == ["task", "exit code", "site", "failed jobs"]
    mine = {(e.task, str(e.exit_code), e.site, str(e.count)) for e in COUNTS if e.task.startswith(f"/{ORIGINAL}/")}
    assert {tuple(row) for row in rows[1:]} == mine


def test_one_table_comes_as_csv_and_as_json(visitor: Any) -> None:
    rows = list(csv.reader(io.StringIO(page(visitor, table=MERGE, format="csv").text)))

    assert rows[1] == ["8028", "fallback open failed, too", "200", "200", ""]
    assert page(visitor, table=MERGE, format="json").json[1]["T3_US_Somewhere"] == 20
    assert page(visitor, table="/no/task", format="json").status == 404


def test_an_order_that_does_not_exist_is_refused_in_words(visitor: Any) -> None:
    got = page(visitor, order="random")

    assert got.status == 400
    assert "order can be errors or name, not 'random'." in text_of(main_of(got))


def test_a_page_that_did_not_change_is_not_sent_again_until_somebody_acts(visitor: Any) -> None:
    tag = page(visitor).header("ETag")
    again = visitor.get(f"/seeworkflow?workflow={ORIGINAL}", headers={"If-None-Match": tag})
    assert again.status in (200, 304)  # 200: the minute of the ages on the page went by
    act(visitor, ORIGINAL)

    assert page(visitor).header("ETag") != tag


class Guest:
    @hookimpl
    def show_panels(self, page: str) -> list[Panel]:
        return [Panel(f"About the {page}", "no-such-template.html", place="side")]

    @hookimpl
    def show_links(self) -> list[Link]:
        return [Link("Elsewhere", "https://example.org/?a=1&b=2", "more")]


class Broken:
    @hookimpl
    def show_links(self) -> list[Link]:
        raise RuntimeError("no links today")


def test_p9_links_and_panels_of_plugins_are_shown_and_broken_ones_named(installation: Any, world: Snapshot) -> None:
    client = installation({"errors.guest": Guest(), "errors.broken": Broken()}, world)
    dom = main_of(page(client))

    assert links(dom)["Elsewhere"] == "https://example.org/?a=1&b=2"
    assert "About the workflow" in text_of(dom)
    assert "Links are missing here: errors.broken" in text_of(dom)


# -- a workflow that is not there --


def requested(client: Any) -> list[dict[str, Any]]:
    return [dict(run.arguments) for run in ledger.runs(client.app.store, name="refresh")]


def test_p11_an_unknown_workflow_is_404_in_words_and_is_asked_for(visitor: Any) -> None:
    got = page(visitor, NEW)

    assert got.status == 404
    assert "It will be fetched now." in text_of(main_of(got))
    assert requested(visitor) == [{"workflows": [NEW]}]


def test_p11_the_same_unknown_name_is_asked_for_once(visitor: Any) -> None:
    page(visitor, NEW)
    got = page(visitor, NEW)

    assert "It is being fetched already." in text_of(main_of(got))
    assert len(requested(visitor)) == 1


def test_p11_a_name_that_the_sources_did_not_know_is_not_asked_for_again_at_once(visitor: Any) -> None:
    page(visitor, NEW)
    run = ledger.runs(visitor.app.store, name="refresh")[0]
    ledger.start_run(visitor.app.store, run.id)
    ledger.end_run(visitor.app.store, run.id, "done")

    assert "less than five minutes ago" in text_of(main_of(page(visitor, NEW)))
    assert len(requested(visitor)) == 1


@pytest.mark.parametrize(
    "name", ["x", "../../etc/passwd", "<script>alert(1)</script>", "a_190101_000000_1;ls", "' or 1=1 --"]
)
def test_p11_what_can_not_be_a_request_name_is_never_asked_for(visitor: Any, name: str) -> None:
    got = page(visitor, name)

    assert got.status == 404
    assert requested(visitor) == []


def test_p11_visitors_without_a_name_can_not_flood_the_sources(visitor: Any) -> None:
    names = [f"{NEW}{i}" for i in range(9)]
    answers = [text_of(main_of(page(visitor, name))) for name in names]

    assert len(requested(visitor)) == 2
    assert "or sign in" in answers[-1]


def test_p11_people_who_signed_in_may_ask_for_more_but_not_without_end(visitor: Any) -> None:
    visitor.sign_in("vera")
    for i in range(30):
        page(visitor, f"a{i}{NEW}")

    assert len(requested(visitor)) == 10


def test_p11_a_look_without_taking_asks_for_nothing(visitor: Any) -> None:
    assert visitor.request("HEAD", f"/seeworkflow?workflow={NEW}").status == 404
    assert requested(visitor) == []


def test_p11_workflows_of_the_same_prep_id_are_offered(visitor: Any) -> None:
    got = page(visitor, f"pdmvserv_task_{PREP}__v1_T_190624_000000_1")

    assert {ORIGINAL, FIRST, SECOND} <= set(links(main_of(got)))


def test_p11_a_program_hears_of_an_unknown_workflow_in_json(visitor: Any) -> None:
    got = visitor.get(f"/seeworkflow?workflow={NEW}", headers={"Accept": "*/*"})

    assert (got.status, got.json["status"]) == (404, 404)
    assert got.json["error"].startswith(f"There is no workflow {NEW}")


# -- logs --


def logs(client: Any, **query: str) -> Any:
    return client.get("/explainerror?" + "&".join(f"{key}={quote(value)}" for key, value in query.items()))


def said(got: Any) -> list[Any]:
    return list(got.dom().iter("article"))


def test_p12_logs_of_a_code_and_task_are_shown_with_sites_types_and_counts(visitor: Any) -> None:
    got = logs(visitor, errorcode="8028", workflowstep=GEN)
    first = text_of(said(got)[0])

    assert len(said(got)) == 2
    assert "15 jobs at T2_US_Purdue 12 T1_US_FNAL 3" in first
    assert "Fatal Exception (Exit code: 8028)WMAgentStepExecutionError (Exit code: 8028)" in first
    assert "/store/mc/a.root" in first


def test_p12_a_link_leads_back_to_the_table_of_the_task(visitor: Any) -> None:
    dom = main_of(logs(visitor, errorcode="8028", workflowstep=MERGE))

    assert links(dom)["Return to workflow table"] == f"/seeworkflow?workflow={ORIGINAL}#{MERGE}"
    assert by_id(main_of(page(visitor)), MERGE) is not None


def test_p12_a_task_without_logs_shows_those_of_all_tasks_and_says_so(visitor: Any) -> None:
    got = logs(visitor, errorcode="8028", workflowstep=MERGE)

    assert "These are the logs of the whole workflow." in text_of(main_of(got))
    assert len(said(got)) == 2


def test_p12_an_unknown_code_has_no_info(visitor: Any) -> None:
    got = logs(visitor, errorcode="12345", workflowstep=GEN)

    assert got.status == 200
    assert "No info for this error code" in text_of(main_of(got))


def test_p12_jobs_that_failed_silently_are_counted(visitor: Any) -> None:
    got = logs(visitor, errorcode="71305", workflowstep=GEN)

    assert "Nothing was kept of what jobs said with this exit code: 280 jobs failed with it" in text_of(main_of(got))


@pytest.mark.parametrize(
    "query", [{}, {"errorcode": ""}, {"errorcode": "0", "workflowstep": GEN}, {"errorcode": "<script>"}]
)
def test_p12_missing_input_is_answered_with_what_to_give(visitor: Any, query: dict[str, str]) -> None:
    got = logs(visitor, **query)

    assert got.status == 400
    assert "Follow a link from a workflow's tables." in text_of(main_of(got))


def test_o5_a_code_alone_is_explained_with_the_commonest_texts(visitor: Any) -> None:
    for step in ("", "/"):
        got = logs(visitor, errorcode="8028", workflowstep=step)

        assert "The input file could not be opened." in text_of(main_of(got))
        assert text_of(said(got)[0]).startswith("15 jobs")


def test_logs_of_one_site_can_be_asked_for(visitor: Any) -> None:
    got = logs(visitor, errorcode="8028", workflowstep=GEN, sitename="T2_US_Purdue")

    assert [text_of(article)[:26] for article in said(got)] == ["12 jobs at T2_US_Purdue Fa"]


def test_logs_of_a_workflow_that_is_not_there_are_404(visitor: Any) -> None:
    assert logs(visitor, errorcode="8028", workflowstep="/nobody/task").status == 404


def test_logs_come_as_json(visitor: Any) -> None:
    told = logs(visitor, errorcode="99999", workflowstep=MERGE, format="json").json

    assert told[0]["text"] == HOSTILE_TEXT
    assert (told[0]["failed jobs"], told[0]["sites"]) == (2, ["T3_US_Somewhere"])


def test_d9_hostile_logs_are_shown_as_text(visitor: Any) -> None:
    got = logs(visitor, errorcode="99999", workflowstep=MERGE)
    text = next(said(got)[0].iter("pre"))
    shown = "".join(text.itertext())

    assert "<script>alert(1)</script> <img src=x onerror=alert(2)>" in shown
    assert "A&B \"quoted\" 'single' </pre></article>" in shown
    assert [e.tag for e in text.iter() if e.tag not in ("pre", "bdi", "mark")] == []
    assert "<b>Odd</b> type (Exit code: 99999)" in text_of(said(got)[0])


@pytest.mark.parametrize("trick", ["\x1b", "\x07", "\x00", "\u202e", "\u2066"])
def test_d9_characters_that_deceive_are_spelt_out(visitor: Any, trick: str) -> None:
    got = logs(visitor, errorcode="99999", workflowstep=MERGE)

    assert trick not in got.text
    assert f"\u27e8U+{ord(trick):04X}\u27e9" in got.text


def test_d9_an_address_that_is_no_web_address_is_no_link(visitor: Any) -> None:
    assert "javascript:" not in logs(visitor, errorcode="8028", workflowstep=GEN).text


def test_d9_a_text_of_eight_kibibytes_is_one_block(installation: Any, snapshot: Callable[..., Snapshot]) -> None:
    text = "<" * 8192
    world = snapshot(
        [ErrorCount("/w/t", 85, "S", 1)],
        workflows=[Workflow("w")],
        logs=[("w", LogExcerpt("/w/t", 85, "S", text=text))],
    )
    got = logs(installation(snapshot=world), errorcode="85", workflowstep="/w/t")

    assert "".join(next(got.dom().iter("pre")).itertext()) == text


def test_texts_beyond_a_page_are_offered(installation: Any, snapshot: Callable[..., Snapshot]) -> None:
    excerpts = [("w", LogExcerpt("/w/t", 85, "S", text=f"text {i}", count=100 - i)) for i in range(50)]
    client = installation(snapshot=snapshot([ErrorCount("/w/t", 85, "S", 1)], workflows=[Workflow("w")], logs=excerpts))
    first = logs(client, errorcode="85", workflowstep="/w/t")
    second = client.get(links(main_of(first))["10 more texts"])

    assert (len(said(first)), len(said(second))) == (40, 10)
    assert "text 49" in text_of(said(second)[-1])


@pytest.mark.slow
def test_d9_every_page_of_a_hostile_world_is_valid_html_without_anything_foreign(
    installation: Any, hostile_world: Snapshot
) -> None:
    client = installation(snapshot=hostile_world)
    client.sign_in("olga")
    for name in hostile_world.workflow_names():
        case = hostile_world.case(name)
        assert case is not None
        asked = {"errorcode": str(case.errors[0].exit_code), "workflowstep": case.errors[0].task}
        for got in (page(client, name), logs(client, **asked), page(client, name + "x")):
            dom = got.dom()
            assert {s.get("src", "").split("?")[0] for s in dom.iter("script")} <= {
                "/static/js/theme.js",
                "/static/js/frame.js",
                "/static/js/workflow.js",
                "/static/js/actions-select.js",
            }
            assert not [e for e in dom.iter() for key in e.attrib if key.startswith("on")]
