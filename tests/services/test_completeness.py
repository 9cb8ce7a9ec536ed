"""The line "how complete is this": what is whole, of when, from whom, and what the numbers hide."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from wwt_framework.model import (
    NOT_REPORTED,
    Case,
    ErrorCount,
    ErrorTable,
    ExitCode,
    Known,
    LogExcerpt,
    SiteStatus,
    SourceReport,
    Workflow,
)
from wwt_framework.services.completeness import completeness

NOON = datetime(2019, 6, 24, 12, tzinfo=timezone.utc)
NINE = NOON.replace(hour=9)
TASK = "/wf/Task"
WHOLE = Case(
    Workflow("wf", requested_at=NINE, failure_rate=0.1),
    ErrorTable([ErrorCount(TASK, 8028, "T1_US_FNAL", 3)]),
    (LogExcerpt(TASK, 8028, "T1_US_FNAL", "Fatal Exception", "text"),),
    sites={"T1_US_FNAL": SiteStatus("T1_US_FNAL")},
    known={
        kind: Known(kind, "errors.cmsweb", "ok", NOON)
        for kind in ("errors", "logs", "recoveries", "parameters", "family")
    },
)


def knowing(**states: str) -> Case:
    """WHOLE, with some kinds in another state since nine."""
    known = {kind: Known(kind, "errors.cmsweb", state, NINE, "503") for kind, state in states.items()}
    return replace(WHOLE, known={**WHOLE.known, **known})


def test_all_that_is_whole_is_said_in_one_group_with_its_time() -> None:
    found = completeness(WHOLE, {})

    assert found.whole
    assert [(g.word, g.labels, g.at) for g in found.groups] == [
        ("whole", ("failed jobs", "logs", "what an ACDC would rerun", "parameters", "family"), NOON)
    ]
    assert found.remarks == ()


def test_what_is_not_whole_comes_first_the_worst_of_it_before_all() -> None:
    found = completeness(knowing(logs="unknown", errors="partial", family="old"), {})

    assert not found.whole
    assert [(g.state, g.labels, g.at) for g in found.groups] == [
        ("unknown", ("logs",), NINE),
        ("partial", ("failed jobs",), NINE),
        ("old", ("family",), NINE),
        ("ok", ("what an ACDC would rerun", "parameters"), NOON),
    ]
    assert [(k.kind, k.source, k.note) for k in found.kinds if k.state != "ok"] == [
        ("errors", "errors.cmsweb", "503"), ("logs", "errors.cmsweb", "503"), ("family", "errors.cmsweb", "503"),
    ]  # fmt: skip


def test_a_kind_that_no_source_tells_is_said_and_is_no_doubt() -> None:
    found = completeness(replace(WHOLE, known={"errors": WHOLE.known["errors"]}), {})

    assert found.whole
    assert [g.word for g in found.groups] == ["whole", "no source here tells"]


def test_where_nobody_says_who_told_it_is_who_was_asked() -> None:
    case = replace(WHOLE, known={"errors": Known("errors", "", "ok", NOON)})
    reports = [SourceReport(name, "errors", "ok", NOON) for name in ("errors.one", "errors.two")]

    assert completeness(case, {}, reports).kinds[0].source == "errors.one, errors.two"


def test_codes_without_a_log_are_named_the_most_frequent_first() -> None:
    errors = ErrorTable([*WHOLE.errors, *(ErrorCount(TASK, code, "T1_US_FNAL", code) for code in (50, 60, 70, 80, 90))])
    silent = ErrorTable(
        [*errors, ErrorCount(TASK, NOT_REPORTED, "T1_US_FNAL", 1), ErrorCount(TASK, 0, "T1_US_FNAL", 9)]
    )

    assert completeness(replace(WHOLE, errors=silent), {}).remarks == (
        "no log of 5 exit codes: 90, 80, 70, 60 and 1 more",
    )


@pytest.mark.parametrize("place", ["T1_US_FNAL_Disk", "null", "Unknown"])
def test_failed_jobs_at_what_is_no_site_are_counted(place: str) -> None:
    errors = ErrorTable([*WHOLE.errors, ErrorCount(TASK, 8028, place, 12)])

    assert completeness(replace(WHOLE, errors=errors), {}).remarks == (
        f"12 failed jobs at places that are not in the list of sites: {place}",
    )


def test_without_states_of_sites_none_of_them_is_strange() -> None:
    assert completeness(replace(WHOLE, sites={}), {}).remarks == ()


def test_a_code_that_changed_its_meaning_after_the_workflow_was_asked_for_is_named() -> None:
    since = datetime(2019, 7, 1, tzinfo=timezone.utc)

    assert completeness(WHOLE, {8028: ExitCode(8028, "short", "now", since=since)}).remarks == (
        "8028 meant something else before 2019-07-01, and this workflow is older",
    )
    assert completeness(WHOLE, {8028: ExitCode(8028, "short", "now", since=NINE)}).remarks == ()


def test_a_failure_rate_that_is_not_known_is_said() -> None:
    case = replace(WHOLE, workflow=replace(WHOLE.workflow, failure_rate=None))

    assert completeness(case, {}).remarks == ("the failure rate is not known",)


def test_who_must_not_act_on_less_can_ask_what_is_lacking() -> None:
    case = knowing(errors="partial")
    bare = replace(WHOLE, known={"errors": WHOLE.known["errors"]})

    assert WHOLE.lacking("errors", "logs") == ()
    assert [k.note for k in case.lacking("errors", "logs")] == ["503"]
    assert [(k.kind, k.state, k.note) for k in bare.lacking("errors", "logs")] == [
        ("logs", "unknown", "no source tells it")
    ]
