"""What procedures recommend, on a workflow's page and for programs; and the page of all procedures."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.case_world import ALONE, BOUND, COUNTS, DARK, FIRST, GEN, KEPT, MERGE, ORIGINAL, case_world
from tests.web.house import HOSTILE
from wwt_framework import hookimpl
from wwt_framework.model import (
    Case,
    ChainLink,
    ErrorCount,
    ErrorTable,
    LogExcerpt,
    Mined,
    Recommendation,
    Template,
    Workflow,
)
from wwt_framework.plugin import ActionKind, Field
from wwt_framework.services.classifying import classified, problem_files
from wwt_framework.snapshot import Snapshot
from wwt_plugins.actions.procedures import Procedures
from wwt_plugins.actions.xrootd import Xrootd

#: The task in which most jobs fail, as `Adviser` takes it.
HERE = GEN.replace(ORIGINAL, "{}")


class Kinds:
    """An installation's kinds of action; nobody carries out a recovery."""

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        memory = Field("memory", "Memory", "integer", per_task=True)
        return [
            ActionKind("acdc", "ACDC", "", (memory,)),
            ActionKind("special", "Special", "", (Field("action", "What"),)),
        ]


class Adviser:
    """A plugin in Python that recommends."""

    def __init__(self, *said: Recommendation) -> None:
        self.said = said

    @hookimpl
    def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
        return [replace(one, task=one.task.format(case.workflow.name)) for one in self.said]


class Silent:
    """A plugin that recommends nothing, and is not asked."""

    @hookimpl
    def startup(self) -> None:
        """Nothing to do."""


class Broken:
    @hookimpl
    def recommend_actions(self) -> Sequence[Recommendation]:
        raise RuntimeError("no advice today <b>")


def procedures(**options: Any) -> Procedures:
    return Procedures(SimpleNamespace(options=Procedures.Options(**options)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def house(installation: Callable[..., Any], world: Snapshot) -> Callable[..., Any]:
    """``house(adviser)``: a visitor of an installation with these plugins; by default the shipped procedures."""

    def build(*plugins: object, snapshot: Snapshot | None = None) -> Any:
        seats = {f"actions.p{i}": plugin for i, plugin in enumerate(plugins or [procedures()])}
        return installation(snapshot=snapshot or world, plugins={"actions.kinds": Kinds(), **seats})

    return build


def text_of(element: Any) -> str:
    return " ".join("".join(_spaced(element)).replace("\u202f", " ").split())


def _spaced(element: Any) -> Iterator[str]:
    """The text of an element; terms and their descriptions stand apart, as a browser draws them."""
    yield element.text or ""
    for inner in element:
        yield from _spaced(inner)
        yield (" " if inner.tag in ("dt", "dd", "td", "th", "li") else "") + (inner.tail or "")


def panel(client: Any, workflow: str = ORIGINAL, **query: str) -> Any:
    more = "".join(f"&{key}={value}" for key, value in query.items())
    dom = client.get(f"/seeworkflow?workflow={workflow}{more}").dom()
    return next(e for e in dom.iter("section") if e.get("aria-labelledby") == "what-to-do")


def form_links(element: Any) -> list[dict[str, list[str]]]:
    """The queries of all links to the form."""
    hrefs = [a.get("href", "") for a in element.iter("a")]
    return [parse_qs(urlsplit(href).query) for href in hrefs if href.startswith("/submitaction")]


# -- the panel -----------------------------------------------------------------


def test_p9_panel_says_cause_procedure_capture_evidence_source_and_review(house: Any) -> None:
    shown = text_of(panel(house()))

    assert "8028 An input file could not be opened acdc 900 jobs, 2 tasks" in shown
    assert "Cause An input file was not found at the site" in shown
    assert "Procedure ACDC." in shown
    assert "If that does not help Check that the files exist." in shown
    assert "610 of" not in shown
    assert "700 jobs of this task end with 8028, 71 % of its failed jobs." in shown
    assert "Sites: T2_US_Purdue 610 (morgue, drain), T1_US_FNAL 90" in shown
    assert "T2_US_Purdue, 12 jobs: " in shown
    assert "reviewed 2026-11-23" in shown


def test_p9_one_click_fills_the_form_with_it(house: Any) -> None:
    links = form_links(panel(house()))

    assert {"workflow": [ORIGINAL], "kind": ["acdc"], "advice": ["input-not-opened-cmssw"]} in links


def test_values_are_for_the_tasks_they_were_found_in(house: Any) -> None:
    said = [
        Recommendation("acdc", "R.", {"memory": "4000"}, "/{}/A/B.x", title="T", procedure="mem", exit_code=8028),
        Recommendation("acdc", "R.", {"memory": "5000", "sites": ["T1_X", "T2_Y"]}, "/{}/C", title="T", procedure="mem", exit_code=8028),
    ]  # fmt: skip

    assert form_links(panel(house(Adviser(*said)))) == [
        {
            "workflow": [ORIGINAL], "kind": ["acdc"], "advice": ["mem"], "task.A/B.x.memory": ["4000"],
            "task.C.memory": ["5000"], "task.C.sites": ["T1_X", "T2_Y"],
        }
    ]  # fmt: skip


def test_values_of_a_kind_without_tasks_are_for_the_form(house: Any) -> None:
    said = Recommendation("special", "R.", {"action": "on-hold"}, "/{}/A", title="T", procedure="wait", exit_code=8028)

    assert form_links(panel(house(Adviser(said)))) == [
        {"workflow": [ORIGINAL], "kind": ["special"], "advice": ["wait"], "value.action": ["on-hold"]}
    ]


def test_action_that_nobody_takes_has_no_link_and_says_why(house: Any) -> None:
    shown = panel(house(Adviser(Recommendation("recovery", "R.", title="T"))))

    assert form_links(shown) == []
    assert "No plugin of this installation takes the action recovery." in text_of(shown)


def test_plugin_that_does_not_name_its_procedure_is_named_itself(house: Any) -> None:
    shown = panel(house(Adviser(Recommendation("acdc", "Because.", title="T", normal="Do it."))))

    assert [link["advice"] for link in form_links(shown)] == [["actions.p0"]]
    assert "Whole workflow: Because." in text_of(shown)
    assert "Advice from actions.p0; never reviewed" in text_of(shown)


def test_all_that_ask_for_one_kind_fill_the_form_together(house: Any) -> None:
    said = [
        Recommendation("acdc", "R.", {"memory": "5000"}, HERE, title="T", procedure="little", exit_code=71305),
        Recommendation("acdc", "R.", {"memory": "4000"}, HERE, title="T", procedure="much", exit_code=8028),
        Recommendation("special", "R.", {"action": "on-hold"}, title="T", procedure="wait", exit_code=8028),
    ]
    links = form_links(panel(house(Adviser(*said))))

    short = GEN.split("/", 2)[2]
    assert {
        "workflow": [ORIGINAL], "kind": ["acdc"], "advice": ["much,little"], f"task.{short}.memory": ["4000"],
    } in links  # fmt: skip
    assert len(links) == 4


def test_read_only_view_has_no_link_to_the_form(house: Any) -> None:
    assert form_links(panel(house(), issuggested="1")) == []


@pytest.mark.parametrize(
    ("workflow", "words"),
    [(BOUND, "The counts are lower bounds"), (KEPT, "The counts are kept from an earlier answer")],
)
def test_doubt_about_the_data_is_said_beside_the_advice(house: Any, workflow: str, words: str) -> None:
    assert words in text_of(panel(house(), workflow))


def test_complete_data_raise_no_doubt(house: Any) -> None:
    assert "counts are" not in text_of(panel(house(), FIRST))


def test_codes_without_a_procedure_are_named_with_what_the_dictionary_says(house: Any) -> None:
    said = Recommendation("acdc", "R.", title="T", exit_code=8028)
    shown = text_of(panel(house(Adviser(said))))

    assert "No procedure fits 71305, 99999." in shown
    assert "From the dictionary of exit codes 71305 waited too long in queue See which sites are full." in shown


def test_plugin_that_fails_costs_its_own_advice_and_is_named(house: Any) -> None:
    shown = text_of(panel(house(Broken(), procedures())))

    assert "Advice is missing here: actions.p0, recommend_actions: RuntimeError: no advice today <b>" in shown
    assert "An input file could not be opened" in shown


@pytest.mark.parametrize(
    ("workflow", "words"),
    [
        (DARK, "Nothing is known yet that one could act on."),
        (ALONE, "No agent reported what failed, so no procedure fits."),
    ],
)
def test_why_there_is_no_advice_is_said(house: Any, workflow: str, words: str) -> None:
    assert words in text_of(panel(house(), workflow))


def test_installation_without_procedures_says_so(house: Any) -> None:
    assert "No plugin of this installation recommends anything." in text_of(panel(house(Silent())))


def test_hostile_advice_is_shown_as_text(house: Any) -> None:
    said = [
        Recommendation(
            "acdc", text, {text: text}, f"/{{}}/{text.replace('{', '').replace('}', '')}", (text,), 8028, text, text, text, text, {text: (text,)}, text, text, text,
            date(2026, 1, 1), text,
        )
        for text in HOSTILE
    ]  # fmt: skip
    got = house(Adviser(*said)).get(f"/seeworkflow?workflow={ORIGINAL}")

    assert got.status == 200
    assert "<script>alert(1)" not in got.text
    assert "<img src=x" not in got.text
    assert [a for a in got.dom().iter("a") if (a.get("href") or "").startswith("javascript:")] == []


# -- for programs --------------------------------------------------------------


def test_json_of_the_workflow_holds_the_advice(house: Any) -> None:
    client = house()
    whole = client.get(f"/seeworkflow?workflow={ORIGINAL}&format=json").json["advice"]
    alone = client.get(f"/advice?workflow={ORIGINAL}").json

    assert whole == alone
    first = alone["recommendations"][0]
    assert (first["exit_code"], first["jobs"], first["action"]) == (8028, 900, "acdc")
    assert [task["task"] for task in first["tasks"]] == [GEN, MERGE]
    assert alone["without_procedure"] == ["99999"]


def test_j14_classifyerror_answers_as_the_original(house: Any) -> None:
    told = house().get(f"/classifyerror?workflow={ORIGINAL}").json

    assert told == {
        "maxerror": 8028,
        "types": "Fatal Exception (Exit code: 8028)",
        "recommended": "ACDC.",
        "params": "Check that the files exist. When a second round of ACDC fails on the same ones, tell the transfer team."
        "<br>Problems:<br>root://x//store/mc/a.root",
    }


def test_j14_types_are_by_exit_code_each_once(house: Any, snapshot: Any) -> None:
    chain = [("B", 99999), ("A", 92), ("again", 92), ("no number", None)]
    log = LogExcerpt("/wf/T", 85, "", text="x", chain=tuple(ChainLink(*link) for link in chain))
    world = snapshot([ErrorCount("/wf/T", 85, "T2_X", 1)], logs=[("wf", log)])

    told = house(snapshot=world).get("/classifyerror?workflow=wf").json
    assert told["types"] == "A (Exit code: 92)<br>B (Exit code: 99999)"


def case_of(*logs: LogExcerpt) -> Case:
    return Case(Workflow("wf"), ErrorTable([ErrorCount("/wf/T", logs[0].exit_code, "S", 1)]), logs)


def test_j14_type_of_an_exit_code_is_that_of_the_message_that_most_jobs_said() -> None:
    rare = LogExcerpt("/wf/T", 85, "A", "Rare", text="x", count=3)
    common = [LogExcerpt("/wf/T", 85, site, "Common", text=site, count=2, template="t") for site in "BC"]

    told = classified(case_of(rare, *common), [], {"t": "it fails at <site>"})
    assert told["types"] == "Common (Exit code: 85)"


@pytest.mark.parametrize(
    ("text", "template", "types"),
    [
        ("Fatal Exception (Exit code: 85)\nfailed\nAfter It (Exit code: 99109)", "", "Fatal Exception (Exit code: 85)<br>After It (Exit code: 99109)"),
        ("x", "An exception of category 'FileReadError' occurred while reading <file>", "FileReadError (Exit code: 85)"),
        ("x", "rucio.common.exception.ReplicaNotFoundException at <site>", "ReplicaNotFoundException (Exit code: 85)"),
        ("x", "it did not work at <site>", ""),
        ("Error: it did not work. Exception!", "", ""),
        ("A <b> (Exit code: 85)", "", "A &lt;b&gt; (Exit code: 85)"),
        ("Something (Exit code: unknown)", "", ""),
    ],
)  # fmt: skip
def test_j14_type_that_no_source_names_is_read_from_the_text_or_its_template(
    text: str, template: str, types: str
) -> None:
    log = LogExcerpt("/wf/T", 85, "S", text=text, template="t")

    assert classified(case_of(log), [], {"t": template})["types"] == types


def test_j14_problems_that_no_procedure_finds_are_files_in_the_places_of_messages() -> None:
    logs = [
        LogExcerpt("/wf/T", 85, "S", text="x", template="a", values=("T2_X", "root://x//store/rare.root")),
        LogExcerpt("/wf/T", 85, "S", text="y", template="b", values=("'/store/<often>',",), count=2),
        LogExcerpt("/wf/T", 85, "S", text="z", template="b", values=("/store/<often>", "12")),
    ]
    said = [("p", Recommendation("", "R.", normal="n", additional="Look.", exit_code=85))]

    assert classified(case_of(*logs), said, {})["params"] == (
        "Look.<br>Problems:<br>/store/&lt;often&gt;<br>root://x//store/rare.root"
    )
    assert classified(case_of(*logs), [], {})["params"] == ""


EXCERPTS = st.lists(
    st.builds(
        LogExcerpt, st.just("/wf/T"), st.just(85), st.sampled_from("AB"), st.sampled_from(("", "Kind", "Other")),
        st.sampled_from(("x", "y", "Read (Exit code: 8021)")), count=st.integers(1, 3), template=st.sampled_from(("", "t", "u")),
        values=st.sampled_from(((), ("/store/a.root",), ("/store/b.root", "T1_X"))),
    ),
    max_size=6,
)  # fmt: skip


@given(EXCERPTS, st.randoms())
def test_j14_j19_order_in_which_logs_come_does_not_matter(logs: list[LogExcerpt], chance: Random) -> None:
    said = [("p", Recommendation("", "R.", normal="n", additional="Look.", exit_code=85))]
    counts = ErrorTable([ErrorCount("/wf/T", 85, "S", 1)])
    shuffled = chance.sample(logs, len(logs))

    cases = [Case(Workflow("wf"), counts, tuple(some)) for some in (logs, shuffled)]
    one, other = (classified(case, said, {"t": "AnError at <site>"}) for case in cases)
    assert one == other
    assert problem_files(cases[0], said) == problem_files(cases[1], said)


def test_j14_messages_of_other_exit_codes_name_no_problem_files() -> None:
    log = LogExcerpt("/wf/T", 50660, "S", text="x", template="a", values=("/store/a.root",))

    said = [("p", Recommendation("", "R.", normal="n", exit_code=50660))]
    assert classified(case_of(log), said, {})["params"] == ""


def test_j14_templates_that_the_refresh_mined_name_the_type(house: Any, snapshot: Any) -> None:
    def mine(texts: Sequence[str]) -> Mined:
        return Mined(("t1",) * len(texts), (Template("t1", "exception of category 'FileOpenError' at <site>"),))

    world = snapshot(
        [ErrorCount("/wf/T", 85, "T2_X", 1)], logs=[("wf", LogExcerpt("/wf/T", 85, "T2_X", text="x"))], mine=mine
    )
    client = house(snapshot=world)

    assert client.get("/classifyerror?workflow=wf").json["types"] == "FileOpenError (Exit code: 85)"
    assert "FileOpenError (Exit code: 85)" in text_of(client.get("/seeworkflow?workflow=wf").dom())


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], {"maxerror": 0, "types": "", "recommended": "No instructions for this error code", "params": ""}),
        (
            [ErrorCount("/wf/T", -1, "T2_X", 9)],
            {"maxerror": 0, "types": "", "recommended": "No instructions for this error code", "params": ""},
        ),
        (
            [ErrorCount("/wf/T", 4242, "T2_X", 1)],
            {"maxerror": 4242, "types": "", "recommended": "No instructions for this error code", "params": ""},
        ),
        (
            [ErrorCount("/wf/T", 134, "T2_X", 1), ErrorCount("/wf/T", 4242, "T2_X", 1)],
            {"maxerror": 134, "types": "", "recommended": "A strong failure to report immediately.", "params": ""},
        ),
    ],
)
def test_j14_without_logs_or_instructions(
    house: Any, snapshot: Any, counts: list[ErrorCount], expected: dict[str, Any]
) -> None:
    world = snapshot(counts, workflows=[Workflow("wf")])

    assert house(snapshot=world).get("/classifyerror?workflow=wf").json == expected


def test_j14_what_logs_say_is_escaped(house: Any, snapshot: Any) -> None:
    log = LogExcerpt("/wf/T", 9, "", text="x", chain=(ChainLink("<script>", 9),))
    world = snapshot([ErrorCount("/wf/T", 9, "T2_X", 1)], logs=[("wf", log)])
    said = Recommendation("", "R.", normal="<b>", additional="<i>", exit_code=9, captured={"x": ("<img>",)})

    assert house(Adviser(said), snapshot=world).get("/classifyerror?workflow=wf").json == {
        "maxerror": 9, "types": "&lt;script&gt; (Exit code: 9)", "recommended": "&lt;b&gt;",
        "params": "&lt;i&gt;<br>Problems:<br>&lt;img&gt;",
    }  # fmt: skip


def test_j14_j19_unknown_workflow_is_404(house: Any) -> None:
    client = house()

    assert [client.get(f"/{path}?workflow=nobody").status for path in ("classifyerror", "problem_files", "advice")] == [
        404
    ] * 3


@pytest.mark.parametrize("code", [84, 85, 92, 8020, 8021, 8028])
def test_j19_problem_files_are_those_that_logs_name(house: Any, snapshot: Any, code: int) -> None:
    texts = ("root://x//store/a.root and '/store/b.root'\nroot://y//store/c.root", "root://x//store/a.root")
    logs = [("wf", LogExcerpt("/wf/T", code, "", text=text)) for text in texts]
    world = snapshot([ErrorCount("/wf/T", code, "T2_X", 1)], logs=logs)

    assert house(snapshot=world).get("/problem_files?workflow=wf").json == [
        "root://x//store/a.root",
        "root://y//store/c.root",
    ]


def test_j19_files_that_only_the_source_names_are_listed_too(house: Any, snapshot: Any) -> None:
    logs = [("wf", LogExcerpt("/wf/T", 85, "", text="nothing", files=("/store/a.root",)))]
    world = snapshot([ErrorCount("/wf/T", 85, "T2_X", 1)], logs=logs)

    assert house(snapshot=world).get("/problem_files?workflow=wf").json == ["/store/a.root"]


def test_j19_files_in_the_places_of_messages_stand_in_where_nobody_names_one() -> None:
    log = LogExcerpt("/wf/T", 85, "S", text="x", template="open", values=("'/store/a.root',", "T1_US_FNAL", "/etc/x"))
    case = Case(Workflow("wf"), ErrorTable([ErrorCount("/wf/T", 85, "S", 1)]), (log,))

    assert problem_files(case, []) == ["/store/a.root"]


def test_j19_other_codes_have_no_problem_files(house: Any, snapshot: Any) -> None:
    logs = [("wf", LogExcerpt("/wf/T", 50660, "", text="root://x//store/a.root", files=("/store/a.root",)))]
    world = snapshot([ErrorCount("/wf/T", 50660, "T2_X", 1)], logs=logs)

    assert house(snapshot=world).get("/problem_files?workflow=wf").json == []


@pytest.mark.parametrize(("user", "status"), [("", 401), ("vera", 403), ("olga", 501)])
def test_j19_file_exists_is_for_operators(house: Any, user: str, status: int) -> None:
    plugin = Xrootd(SimpleNamespace(options=Xrootd.Options(xrdfs="no-such-program-here")))

    assert house(plugin).get("/file_exists?filename=/store/a.root", user=user).status == status


# -- the page of all procedures ------------------------------------------------


def main_of(client: Any, address: str = "/procedures") -> Any:
    got = client.get(address)
    assert got.status == 200
    return got.dom().find(".//main")


def test_d_c_page_lists_every_procedure_with_an_anchor(house: Any) -> None:
    client = house()
    listed = [row["id"] for row in client.get("/procedures?format=json").json["procedures"]]

    assert sorted(listed) == sorted(e.get("id") for e in main_of(client).iter("article"))
    assert len(listed) > 40


def test_panel_leads_to_the_procedures_anchor(house: Any) -> None:
    client = house()
    hrefs = [a.get("href", "") for a in panel(client).iter("a")]

    assert "/procedures#input-not-opened-cmssw" in hrefs
    assert any(e.get("id") == "input-not-opened-cmssw" for e in main_of(client).iter())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("code=134", ["aborted"]),
        ("search=scram", ["scram-scripts"]),
        ("kind=special", ["only-site-in-drain"]),
        ("origin=own", ["mine"]),
        ("code=134&kind=acdc", []),
    ],
)
def test_page_is_filtered_by_its_address(house: Any, tmp_path: Path, query: str, expected: list[str]) -> None:
    (tmp_path / "own.yml").write_text("procedures:\n  - {id: mine, codes: 1, title: Mine, normal: x}\n")
    client = house(procedures(folders=[tmp_path]))

    assert [e.get("id") for e in main_of(client, f"/procedures?{query}").iter("article")] == expected


def test_page_says_broken_files_gaps_and_contradictions(house: Any, tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("""\
procedures:
  - {id: a, codes: 8028, title: A <b>, normal: x, action: {kind: acdc}}
  - {id: b, codes: 8028, title: B, normal: x, action: {kind: clone}}
  - {id: bad, codes: [], title: C, normal: x}
""")
    client = house(procedures(folders=[tmp_path], shipped=False))
    shown = text_of(main_of(client))

    assert (
        f"{tmp_path}/own.yml:4: procedures[2].codes: expected a list with a length of at least 1, got a list" in shown
    )
    assert "71305 280 1" in shown
    assert "8028: A <b> and B. The second is never shown" in shown
    told = client.get("/procedures?format=json").json
    assert told["without_procedure"] == [{"code": 71305, "jobs": 280, "workflows": 1}]
    assert [(c["first"], c["second"]) for c in told["contradictions"]] == [("a", "b")]


def test_edited_file_shows_on_the_page(house: Any, tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text("procedures:\n  - {id: a, codes: 8028, title: Before, normal: x}\n")
    plugin = procedures(folders=[tmp_path], shipped=False)
    client = house(plugin)
    before = text_of(main_of(client))
    path.write_text("procedures:\n  - {id: a, codes: 8028, title: Afterwards, normal: x}\n")
    plugin._shelf._looked = float("-inf")  # a second later

    assert "Before" in before
    assert "Afterwards" in text_of(main_of(client))


def test_page_as_csv(house: Any) -> None:
    got = house().get("/procedures?format=csv")
    rows = list(csv.DictReader(io.StringIO(got.text)))

    assert "aborted" in [row["id"] for row in rows]
    assert got.header("Content-Type") == "text/csv; charset=utf-8"


def test_page_refuses_another_format(house: Any) -> None:
    assert house().get("/procedures?format=xml").status == 400


def test_page_of_an_empty_house_does_not_say_that_nothing_is_missing(installation: Callable[..., Any]) -> None:
    client = installation(plugins={"actions.procedures": procedures()})

    assert "Not known: there are no failed jobs to look at." in text_of(main_of(client))


def test_totals_of_exit_codes_are_of_all_workflows(world: Snapshot) -> None:
    expected: dict[int, tuple[int, int]] = {}
    for code in {c.exit_code for c in COUNTS}:
        mine = [c for c in COUNTS if c.exit_code == code]
        expected[code] = (sum(c.count for c in mine), len({c.task.split("/")[1] for c in mine}))

    assert world.exit_code_totals() == expected
    assert Snapshot.empty().exit_code_totals() == {}
