"""Procedures that operators write: read entry by entry, tried on cases and logs, taken up while running."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.model import (
    Case,
    ErrorCount,
    ErrorTable,
    Known,
    LogExcerpt,
    Readiness,
    Recommendation,
    SiteStatus,
    Task,
    Workflow,
)
from wwt_framework.testing import ProcedureContract
from wwt_plugins.actions.procedures import SHIPPED
from wwt_plugins.actions.procedures.coverage import conflicts, gaps
from wwt_plugins.actions.procedures.filling import filled
from wwt_plugins.actions.procedures.library import Folder, Library, Shelf
from wwt_plugins.actions.procedures.matching import recommend
from wwt_plugins.actions.procedures.patterns import compiled, finds
from wwt_plugins.actions.procedures.table import COLUMNS, as_csv, as_markdown
from wwt_plugins.actions.procedures.trial import tried

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
GEN, MERGE = "/wf/Gen", "/wf/Gen/Merge"
PLAIN = "procedures:\n  - {id: one, codes: 85, title: One, normal: ACDC.%s}\n"


class TestContract(ProcedureContract):
    plugin = "actions.procedures"


def library(folder: Path, text: str, name: str = "own.yml") -> Library:
    (folder / name).write_text(text)
    return Shelf([Folder(folder)]).library()


def case(*counts: ErrorCount, logs: tuple[LogExcerpt, ...] = (), state: str = "ok", **more: Any) -> Case:
    tasks = (Task(GEN, "Production"), Task(MERGE, "Merge"))
    request_type, asked = more.pop("request_type", "TaskChain"), NOON + timedelta(days=1)
    workflow = Workflow("wf", request_type=request_type, requested_at=asked, tasks=tasks)
    return Case(workflow, ErrorTable(counts), logs, known={"errors": Known("errors", "", state)}, **more)


def said(folder: Path, text: str, of: Case) -> list[Recommendation]:
    found = library(folder, text)
    assert found.problems == ()
    return recommend(found, of)


def applies(folder: Path, when: str, of: Case) -> bool:
    return bool(said(folder, PLAIN % f", when: {when}", of))


JOBS = ErrorCount(GEN, 85, "T1_US_FNAL", 10)


# -- files ---------------------------------------------------------------------


def test_d_c_bad_entry_is_said_with_file_line_and_fault_and_the_rest_is_kept(tmp_path: Path) -> None:
    text = """\
procedures:
  - {id: good, codes: [85], title: Good, normal: ACDC.}
  - id: bad
    codes: [85]
    title: Bad
    normel: ACDC.
  - {id: also-good, codes: [92], title: Good, normal: ACDC.}
"""
    found = library(tmp_path, text)

    assert [one.id for one in found.listed] == ["good", "also-good"]
    assert found.problems == (
        f"{tmp_path}/own.yml:3: procedures[1].normal: is missing: what is usually done",
        f"{tmp_path}/own.yml:6: procedures[1].normel: unknown option; did you mean 'normal'?",
    )


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(a)\1", "refers back to a group"),
        ("a(?=b)", "looks ahead"),
        ("(?<!a)b", "looks behind"),
        ("(a", "missing )"),
        ("((a{1,1000}){1,1000}){1,1000}", "RE2 does not take this expression"),
    ],
)
def test_what_re2_refuses_is_said_with_file_and_line(tmp_path: Path, pattern: str, words: str) -> None:
    text = f"procedures:\n  - id: one\n    codes: 85\n    title: One\n    normal: ACDC.\n    look_for:\n      - pattern: '{pattern}'\n"
    (sentence,) = library(tmp_path, text).problems

    assert sentence.startswith(f"{tmp_path}/own.yml:7: procedures[0].look_for[0].pattern: ")
    assert words in sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "own.yml:1: expected a mapping with a list 'procedures', got nothing"),
        ("- a\n", "own.yml:1: expected a mapping with a list 'procedures', got a list"),
        ("author: me\n", "own.yml:1: there is no list 'procedures'"),
        ("procedures: text\n", "own.yml:1: procedures: expected a list, got 'text'"),
        ("procedures:\n\t- a\n", "own.yml:2: a tab; YAML wants spaces"),
        ("procedures:\n  - *x\n", "an alias (*name) is not taken"),
        (PLAIN % ", reviewed: soon", "own.yml:2: procedures[0].reviewed: "),
        (PLAIN % ", action: {kind: acdc, parameters: {memory: '{limit}'}}", "{limit} is captured by no expression"),
        (PLAIN % ", examples: [{log: x, captures: {files: a}}]", "'files' is captured by no expression"),
        (PLAIN % ", when: {share_at_least: 20}", "when.share_at_least: expected a number from 0 to 1, got 20"),
    ],
)
def test_mistakes_are_said_in_words_with_file_and_line(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in "\n".join(library(tmp_path, text).problems)


def test_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_bytes(b"\xff\xfe\x00")
    found = Shelf([Folder(tmp_path), Folder(tmp_path / "gone")]).library()

    assert found.problems == (
        f"{tmp_path}/gone: expected a folder of YAML files: No such file or directory",
        f"{tmp_path}/own.yml: is not UTF-8 text (line 1); save it as UTF-8",
    )


def test_later_folder_replaces_by_id_and_says_so(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder, title in ((first, "Old"), (second, "New")):
        folder.mkdir()
        (folder / "own.yml").write_text(f"procedures:\n  - {{id: one, codes: 85, title: {title}, normal: ACDC.}}\n")
    (listed,) = Shelf([Folder(first), Folder(second)]).library().listed

    assert (listed.procedure.title, listed.replaces) == ("New", f"{first}/own.yml:2")


def test_own_procedure_that_is_not_active_takes_a_shipped_one_away(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(
        "procedures:\n  - {id: aborted, codes: 134, title: x, normal: x, active: false}\n"
    )

    assert 134 not in Shelf([Folder(SHIPPED, shipped=True), Folder(tmp_path)]).library().by_code


def test_same_id_twice_in_a_file_is_said(tmp_path: Path) -> None:
    text = PLAIN % "" + "  - {id: one, codes: 92, title: Two, normal: ACDC.}\n"
    found = library(tmp_path, text)

    assert found.problems == (
        f"{tmp_path}/own.yml:3: id: 'one' is given twice in this file; the first is at {tmp_path}/own.yml:2",
    )


def test_edited_file_is_taken_up_and_looked_at_once_a_second_at_most(tmp_path: Path) -> None:
    now = [100.0]
    path = tmp_path / "own.yml"
    path.write_text(PLAIN % "")
    shelf = Shelf([Folder(tmp_path)], clock=lambda: now[0])
    before = shelf.library()
    path.write_text(PLAIN.replace("One", "Edited") % "")
    os.utime(path, ns=(1, 1))
    now[0] += 0.9
    soon = shelf.library()
    now[0] += 0.2
    later = shelf.library()

    assert soon is before
    assert [one.procedure.title for one in later.listed] == ["Edited"]


def test_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    now = [100.0]
    (tmp_path / "own.yml").write_text(PLAIN % "")
    shelf = Shelf([Folder(tmp_path)], clock=lambda: now[0])
    before = shelf.library()
    now[0] += 10

    assert shelf.library() is before


def test_heads_author_source_and_review_hold_for_entries_that_say_none(tmp_path: Path) -> None:
    text = "author: ana\nsource: wiki\nreviewed: 2026-11-23\n" + PLAIN % ", author: bob"
    (listed,) = library(tmp_path, text).listed

    assert (listed.author, listed.source, listed.reviewed) == ("bob", "wiki", "2026-11-23")


@given(st.text(alphabet=st.sampled_from("procedues: -[]{}\n#'\"id85,&*!|>%@`\t\\x\u2028\ud7ff0"), max_size=200))
def test_any_text_as_a_file_is_answered_in_sentences(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    found = library(tmp_path_factory.getbasetemp(), f"procedures:\n{text}")

    assert [sentence for sentence in found.problems if "\n" in sentence or "own.yml" not in sentence] == []


# -- what is found in logs -----------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (
            r"(root://[-/\w\.]+\.root)",
            "a root://x//b.root c\nroot://y//d.root",
            ["root://x//b.root", "root://y//d.root"],
        ),
        (r"The job can run only at .*(T[12].*)", "The job can run only at a (WMAgent).T2_UK_X\nT1_no", ["T2_UK_X"]),
        (r"max\w+: (?P<limit>\d+)", "exceeded maxPSS: 2000 MB", ["2000"]),
        (r"^Reason: .*$", "x\nReason: gone\ny", ["Reason: gone"]),
        (r"a.b", "a\nb", []),
        (r"(x)|(y)", "y", []),
    ],
)
def test_groups_are_captured_line_by_line(pattern: str, text: str, expected: list[str]) -> None:
    assert [found for _, found, _ in finds(pattern, "found", text)] == expected


def test_named_groups_go_by_their_names() -> None:
    found = {name: value for name, value, _ in finds(r"(?P<host>\w+):(?P<port>\d+) (\w+)", "found", "se:1094 x")}

    assert found == {"host": "se", "port": "1094"}


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*b", r"(.*)*x", r"(\w+\s?)*:"])
def test_expressions_that_hang_others_do_not_hang(pattern: str) -> None:
    assert list(finds(pattern, "found", "a" * 16_000 + "!")) == []


@given(st.text(), st.sampled_from([r"(\S+)", r"(root://[-/\w\.]+\.root)", r".*", r"(?P<x>\d)?"]))
def test_any_log_can_be_searched(text: str, pattern: str) -> None:
    for _, found, line in finds(pattern, "found", text):
        assert len(found) <= 500
        assert "\n" not in found + line


# -- conditions ----------------------------------------------------------------

ACDC = Workflow("a", request_type="Resubmission", requested_at=NOON)
LATER = Workflow("b", request_type="Resubmission", requested_at=NOON + timedelta(days=2))
DRAIN = {"T1_US_FNAL": SiteStatus("T1_US_FNAL", Readiness.RED, "drain")}
SPREAD = [ErrorCount(GEN, 85, f"T2_{i}", 2) for i in range(5)]


@pytest.mark.parametrize(
    ("when", "of", "expected"),
    [
        ("{}", case(JOBS), True),
        ("{task_types: Production}", case(JOBS), True),
        ("{task_types: [Merge]}", case(JOBS), False),
        ("{request_types: [Resubmission]}", case(JOBS), False),
        ("{request_types: [Resubmission]}", case(JOBS, request_type="Resubmission"), True),
        ("{not_request_types: Resubmission}", case(JOBS, request_type="Resubmission"), False),
        ("{jobs_at_least: 10}", case(JOBS), True),
        ("{jobs_at_least: 11}", case(JOBS), False),
        ("{share_at_least: 0.5}", case(JOBS, ErrorCount(GEN, 92, "T2_X", 10)), True),
        ("{share_at_least: 0.5}", case(JOBS, ErrorCount(GEN, 92, "T2_X", 11)), False),
        ("{share_at_least: 1}", case(JOBS, ErrorCount(GEN, -1, "T2_X", 99)), True),
        ("{share_at_least: 1}", case(JOBS, ErrorCount(MERGE, 92, "T2_X", 99)), True),
        ("{share_below: 0.5}", case(JOBS), False),
        ("{sites_at_least: 5}", case(*SPREAD), True),
        ("{sites_at_least: 6}", case(*SPREAD), False),
        ("{sites_at_most: 1}", case(JOBS), True),
        ("{sites_at_most: 4}", case(*SPREAD), False),
        ("{one_site_at_least: 0.9}", case(JOBS), True),
        ("{one_site_at_least: 0.9}", case(*SPREAD), False),
        ("{one_site_below: 0.3}", case(*SPREAD), True),
        ("{production: [drain, disabled]}", case(JOBS, sites=DRAIN), True),
        ("{production: drain}", case(JOBS, *SPREAD, ErrorCount(GEN, 85, "T3_X", 1), sites=DRAIN), False),
        ("{production: drain, at_such_sites: 0.2}", case(JOBS, *SPREAD, sites=DRAIN), True),
        ("{production: unknown}", case(JOBS), True),
        ("{readiness: morgue}", case(JOBS, sites=DRAIN), True),
        ("{readiness: [ready, waiting room]}", case(JOBS, sites=DRAIN), False),
        ("{round_at_least: 1}", case(JOBS, family=(ACDC,) * 3), False),
        ("{round_at_least: 2}", case(JOBS, family=(ACDC,), request_type="Resubmission"), True),
        ("{round_at_least: 2}", case(JOBS, family=(LATER,), request_type="Resubmission"), False),
        ("{round_at_most: 0}", case(JOBS, family=(ACDC,)), True),
        ("{round_at_most: 1}", case(JOBS, family=(ACDC,), request_type="Resubmission"), False),
        ("{counts: complete}", case(JOBS), True),
        ("{counts: complete}", case(JOBS, state="partial"), False),
        ("{counts: complete}", case(JOBS, state="old"), False),
    ],
)
def test_condition_holds_or_not(tmp_path: Path, when: str, of: Case, expected: bool) -> None:
    assert applies(tmp_path, when, of) is expected


def test_required_expression_that_matches_no_log_keeps_the_procedure_silent(tmp_path: Path) -> None:
    text = PLAIN % ", look_for: [{pattern: R__unzip, required: true}]"
    log = LogExcerpt(GEN, 85, "T1_US_FNAL", text="R__unzip: error")

    assert said(tmp_path, text, case(JOBS)) == []
    assert len(said(tmp_path, text, case(JOBS, logs=(log,)))) == 1


def test_log_of_another_code_or_task_is_not_looked_at(tmp_path: Path) -> None:
    text = PLAIN % ", look_for: [{pattern: R__unzip, required: true}]"
    logs = (LogExcerpt(GEN, 92, "", text="R__unzip"), LogExcerpt(MERGE, 85, "", text="R__unzip"))

    assert said(tmp_path, text, case(JOBS, logs=logs)) == []


# -- order ---------------------------------------------------------------------

TWO = """procedures:
  - {{id: general, codes: 85, title: G, normal: general}}
  - {{id: special, codes: 85, title: S, normal: special, order: 10{more}}}
"""


def test_smaller_order_is_asked_first_and_the_first_that_applies_is_shown(tmp_path: Path) -> None:
    assert [one.procedure for one in said(tmp_path, TWO.format(more=""), case(JOBS))] == ["special"]


def test_general_one_is_shown_where_the_special_one_does_not_apply(tmp_path: Path) -> None:
    text = TWO.format(more=", when: {jobs_at_least: 99}")

    assert [one.procedure for one in said(tmp_path, text, case(JOBS))] == ["general"]


def test_procedure_that_goes_on_lets_the_next_speak_too(tmp_path: Path) -> None:
    text = TWO.format(more=", go_on: true")

    assert [one.procedure for one in said(tmp_path, text, case(JOBS))] == ["special", "general"]


def test_code_with_most_failed_jobs_comes_first(tmp_path: Path) -> None:
    text = "procedures:\n  - {id: a, codes: [85, 92], title: A, normal: x}\n"
    of = case(JOBS, ErrorCount(MERGE, 92, "T2_X", 11))

    assert [(one.task, one.exit_code) for one in said(tmp_path, text, of)] == [(MERGE, 92), (GEN, 85)]


# -- what is recommended -------------------------------------------------------


def test_recommendation_says_why_with_evidence_source_and_review(tmp_path: Path) -> None:
    text = "author: ana\nsource: wiki\nreviewed: 2026-11-23\n" + PLAIN % (
        ", cause: Gone., additional: Ask., look_for: [{pattern: '(root://\\S+)', name: files}], action: {kind: acdc}"
    )
    logs = (LogExcerpt(GEN, 85, "T1_US_FNAL", "Fatal Exception", "Failed to open\nroot://x//a.root", count=7),)
    (one,) = said(tmp_path, text, case(JOBS, ErrorCount(GEN, 92, "T2_X", 30), logs=logs, sites=DRAIN))

    assert one.reason == "10 jobs of this task end with 85, 25 % of its failed jobs."
    assert one.evidence == ("Sites: T1_US_FNAL 10 (morgue, drain)", "T1_US_FNAL, 7 jobs: root://x//a.root")
    assert one.captured == {"files": ("root://x//a.root",)}
    assert (one.action, one.cause, one.normal, one.additional) == ("acdc", "Gone.", "ACDC.", "Ask.")
    assert (one.source, str(one.reviewed), one.page) == ("wiki; by ana", "2026-11-23", "/procedures#one")


@pytest.mark.parametrize(
    ("state", "doubt", "least"),
    [
        ("ok", "", ""),
        ("partial", "counts are lower bounds", "at least "),
        ("old", "counts are kept from an earlier answer", ""),
        ("unknown", "how many jobs failed is not known", ""),
    ],
)
def test_doubt_about_the_counts_is_said(tmp_path: Path, state: str, doubt: str, least: str) -> None:
    (one,) = said(tmp_path, PLAIN % "", case(JOBS, state=state))

    assert one.doubt == doubt
    assert one.reason == f"{least}10 jobs of this task end with 85, all of its failed jobs.".replace(
        "85, all", "85, all"
    )


@pytest.mark.parametrize(
    ("parameters", "captured", "expected", "left"),
    [
        ({"memory": "{limit+1000}"}, {"limit": ["2000", "3000"]}, {"memory": "4000"}, ()),
        ({"memory": "{kb/1024+1000}"}, {"kb": ["2097152"]}, {"memory": "3048"}, ()),
        ({"memory": "{limit*1.5}"}, {"limit": ["2000"]}, {"memory": "3000"}, ()),
        ({"memory": "{limit+1000}"}, {}, {}, ("memory",)),
        ({"memory": "{limit+1000}"}, {"limit": ["a lot"]}, {}, ("memory",)),
        ({"memory": "{limit/0}"}, {"limit": ["1"]}, {}, ("memory",)),
        ({"other": "look at {files}"}, {"files": ["a", "b"]}, {"other": "look at a"}, ()),
        ({"sites": ("{at}", "T2_X")}, {"at": ["T1_A", "T2_B"]}, {"sites": ["T1_A", "T2_B", "T2_X"]}, ()),
        ({"sites": ("{at}",)}, {}, {}, ("sites",)),
        ({"splitting": "2x", "cores": 4}, {}, {"splitting": "2x", "cores": 4}, ()),
    ],
)
def test_parameters_take_what_was_captured(
    parameters: Any, captured: Any, expected: dict[str, Any], left: tuple[str, ...]
) -> None:
    assert filled(parameters, captured) == (expected, left)


def test_parameter_that_no_log_tells_is_left_to_the_operator_and_said(tmp_path: Path) -> None:
    text = (
        PLAIN
        % ", look_for: [{pattern: 'max: (\\d+)', name: limit}], action: {kind: acdc, parameters: {memory: '{limit}'}}"
    )
    (one,) = said(tmp_path, text, case(JOBS))

    assert one.parameters == {}
    assert one.reason.endswith("No log says what memory should be: that is left to you.")


def test_so_many_logs_are_searched_and_no_more(tmp_path: Path) -> None:
    text = PLAIN % ", look_for: [{pattern: '(x+)'}]"
    logs = tuple(LogExcerpt(GEN, 85, "", text="y" * 16_384) for _ in range(200))
    last = LogExcerpt(GEN, 85, "", text="x")
    (one,) = said(tmp_path, text, case(JOBS, logs=(*logs, last)))

    assert one.captured == {}


# -- coverage ------------------------------------------------------------------


def pair(folder: Path, first: str, second: str) -> list[str]:
    text = f"""procedures:
  - {{id: a, codes: [85, 92], title: A, normal: x, action: {{kind: acdc}}{first}}}
  - {{id: b, codes: [85], title: B, normal: x, action: {{kind: clone}}{second}}}
"""
    found = library(folder, text)
    assert found.problems == ()
    return [f"{one.first.id} {one.second.id} {one.codes}: {one.words}" for one in conflicts(found)]


NEVER = "The second is never shown: the first applies wherever it does, and is asked before"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", [f"a b (85,): {NEVER} (both have the order 50)."]),
        ("", ", order: 10", [f"b a (85,): {NEVER} (order 10 before 50)."]),
        ("", ", order: 10, when: {jobs_at_least: 5}", []),
        ("", ", when: {jobs_at_least: 5}", [f"a b (85,): {NEVER} (both have the order 50)."]),
        (", when: {share_at_least: 0.2}", ", when: {share_below: 0.2}", []),
        (", when: {sites_at_most: 1}", ", when: {sites_at_least: 2}", []),
        (", when: {round_at_most: 1}", ", when: {round_at_least: 2}", []),
        (", when: {task_types: Merge}", ", when: {task_types: Processing}", []),
        (", when: {request_types: Resubmission}", ", when: {not_request_types: Resubmission}", []),
        (", when: {production: drain, at_such_sites: 0.6}", ", when: {production: enabled}", []),
        (
            ", when: {task_types: Merge}",
            ", when: {request_types: ReReco}",
            ["a b (85,): Where both apply only the first is shown, by chance: both have the order 50."],
        ),
        (", go_on: true, order: 10", "", ["a b (85,): Where both apply, both are shown, with different actions."]),
        (", look_for: [{pattern: x, required: true}]", "", []),
    ],
)
def test_contradictions_are_found_and_exceptions_are_none(
    tmp_path: Path, first: str, second: str, expected: list[str]
) -> None:
    assert pair(tmp_path, first, second) == expected


def test_same_action_is_no_contradiction(tmp_path: Path) -> None:
    text = "procedures:\n  - {id: a, codes: 85, title: A, normal: x}\n  - {id: b, codes: 85, title: B, normal: y}\n"

    assert conflicts(library(tmp_path, text)) == []


def test_frequent_codes_without_a_procedure_are_listed_by_failed_jobs(tmp_path: Path) -> None:
    totals = {85: (900, 3), 92: (100, 2), 93: (99, 1), 94: (700, 5), -1: (5000, 9)}

    assert [(gap.code, gap.jobs, gap.workflows) for gap in gaps(library(tmp_path, PLAIN % ""), totals, 100)] == [
        (94, 700, 5), (92, 100, 2),
    ]  # fmt: skip


# -- tables --------------------------------------------------------------------


def test_csv_has_a_row_for_each_procedure_and_calculates_nothing(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(library(tmp_path, PLAIN.replace("ACDC.", "=1+1") % "")))))

    assert tuple(rows[0]) == tuple(COLUMNS)
    assert (rows[0]["id"], rows[0]["codes"], rows[0]["normal"]) == ("one", "85", "'=1+1")


def test_markdown_escapes_what_would_break_the_table(tmp_path: Path) -> None:
    lines = as_markdown(library(tmp_path, PLAIN.replace("ACDC.", "'a | b <i>'") % "")).splitlines()

    assert lines[2].startswith("| 85 | One |  |  | a \\| b &lt;i> |")


# -- the command ---------------------------------------------------------------


@pytest.fixture
def run(wwt_plugin: Callable[..., Any]) -> Callable[..., Any]:
    from click.testing import CliRunner

    def call(*arguments: str, **options: Any) -> Any:
        (command,) = wwt_plugin("actions.procedures", **options).ask("register_commands")
        return CliRunner().invoke(command.command, list(arguments))

    return call


def test_check_tries_every_example_and_is_content(run: Callable[..., Any]) -> None:
    result = run("check")

    assert result.exit_code == 0
    assert result.output.endswith("examples: nothing is wrong\n")


def test_check_names_file_and_line_of_an_example_that_does_not_come_out(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "own.yml").write_text("""\
procedures:
  - id: one
    codes: 85
    title: One
    normal: ACDC.
    look_for: [{pattern: '(b+)', name: files, required: true}]
    examples:
      - {log: abbc, captures: {files: b}}
      - {log: xyz}
      - {log: b, matches: false}
""")
    result = run("check", str(tmp_path))

    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{tmp_path}/own.yml:8: one: example 1: files: expected 'b', captured 'bb'",
        f"{tmp_path}/own.yml:9: one: example 2: a required expression does not match this log",
        f"{tmp_path}/own.yml:10: one: example 3: every required expression matches this log; expected that one does not",
    ]


def test_table_is_printed_in_both_forms(run: Callable[..., Any]) -> None:
    assert run("table").output.startswith("| exit codes | procedure |")
    assert run("table", "--format", "csv").output.startswith("id,codes,title,")


def test_health_says_what_could_not_be_read(wwt_plugin: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("procedures: 1\n")
    health = wwt_plugin("actions.procedures", folders=[str(tmp_path)]).ask("report_health")

    assert (health.ok, health.text) == (False, f"{tmp_path}/own.yml:1: procedures: expected a list, got 1")


# -- what is shipped -----------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Library:
    return Shelf([Folder(SHIPPED, shipped=True)]).library()


def test_shipped_procedures_have_nothing_wrong_and_contradict_nobody(shipped: Library) -> None:
    assert tried(shipped) == []
    assert conflicts(shipped) == []


def test_shipped_procedures_say_source_author_and_review(shipped: Library) -> None:
    assert [one.id for one in shipped.listed if not (one.source and one.author and one.reviewed)] == []


def test_shipped_procedures_that_capture_have_an_example(shipped: Library) -> None:
    without = [one.id for one in shipped.listed if one.procedure.look_for and not one.procedure.examples]

    assert without == []


def test_compiled_expressions_are_kept() -> None:
    assert compiled("(a)") is compiled("(a)")
