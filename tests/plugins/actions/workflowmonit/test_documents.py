"""The document of a workflow, against one written by hand and against those that CMS's collector made."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wwt_framework.model import (
    NOT_REPORTED,
    Case,
    ChainLink,
    ErrorCount,
    ErrorTable,
    Known,
    LogExcerpt,
    Task,
    Workflow,
)
from wwt_plugins.actions.workflowmonit.documents import document
from wwt_plugins.errors.cmsweb import wmstats

AT = datetime(2019, 5, 30, 6, 22, 27, tzinfo=timezone.utc)
TOP, SUB = "/wf/A_0", "/wf/A_0/A_0Merge"


def test_c8_a_document_has_what_the_collector_of_the_original_told() -> None:
    steps = [
        {"Status": "new", "UpdateTime": 1547255231, "DN": "/DC=ch/CN=somebody"},
        {"Status": "running-open", "UpdateTime": 1554679954},
    ]
    text = (
        "ReportManipulatingError (Exit code: 99996)\n\nFailed to find a step report for stageOut1!\n\n"
        "Fatal Exception (Exit code: 8501)\n\n\nAn exception of category EventGenerationFailure occurred while\n"
        "   processing\n"
    )
    log = LogExcerpt(
        TOP, 8501, "T2_CH_CERN", "ReportManipulatingError", text, at=AT,
        chain=(ChainLink("ReportManipulatingError", 99996), ChainLink("Fatal Exception", 8501)),
    )  # fmt: skip
    errors = ErrorTable(
        [
            ErrorCount(TOP, 8501, "T2_CH_CERN", 2), ErrorCount(TOP, 99401, "T1_UK_RAL", 5),
            ErrorCount(TOP, NOT_REPORTED, "T2_US_MIT", 7), ErrorCount(SUB, 8501, "T2_CH_CERN", 1),
        ]
    )  # fmt: skip
    workflow = Workflow(
        "wf", request_type="TaskChain", status="running-open", failure_rate=0.25, tasks=(Task(TOP, "Production"),),
        parameters={"RequestTransition": steps},
    )  # fmt: skip
    silent = {"secondaryErrorCodes": [], "errorKeywords": [], "errorChain": [], "timeStamp": None}

    assert document(Case(workflow, errors, (log,), known={"errors": Known("errors", "", "ok", AT)})) == {
        "name": "wf",
        "type": "TaskChain",
        "status": "running-open",
        "failureRate": 0.25,
        "totalError": 8,
        "failureKeywords": ["EventGenerationFailure", "ReportManipulatingError"],
        "transitions": [
            {"Status": "new", "UpdateTime": 1547255231},
            {"Status": "running-open", "UpdateTime": 1554679954},
        ],
        "tasks": [
            {
                "name": "A_0",
                "inputTask": None,
                "jobType": "Production",
                "siteErrors": [{"site": "T1_UK_RAL", "counts": 5}, {"site": "T2_CH_CERN", "counts": 2}],
                "siteNotReported": ["T2_US_MIT"],
                "errors": [
                    {"errorCode": 99401, "siteName": "T1_UK_RAL", "counts": 5, **silent},
                    {
                        "errorCode": 8501,
                        "siteName": "T2_CH_CERN",
                        "counts": 2,
                        "secondaryErrorCodes": [99996],
                        "errorKeywords": ["ReportManipulatingError", "EventGenerationFailure"],
                        "errorChain": [
                            {
                                "errorType": "ReportManipulatingError",
                                "exitCode": 99996,
                                "description": "Failed to find a step report for stageOut1!",
                            },
                            {
                                "errorType": "Fatal Exception",
                                "exitCode": 8501,
                                "description": "An exception of category EventGenerationFailure occurred while; processing",
                            },
                        ],
                        "timeStamp": 1559197347,
                    },
                ],
            },
            {
                "name": "A_0Merge",
                "inputTask": "A_0",
                "jobType": None,
                "siteErrors": [{"site": "T2_CH_CERN", "counts": 1}],
                "siteNotReported": [],
                "errors": [{"errorCode": 8501, "siteName": "T2_CH_CERN", "counts": 1, **silent}],
            },
        ],
        "asOf": 1559197347,
        "counts": "ok",
    }


def test_the_samples_of_a_cell_share_its_jobs() -> None:
    logs = tuple(LogExcerpt("/wf/t", 85, "T1_US_FNAL", f"Kind{n}", "text", count=n) for n in (1, 4, 2))
    told = document(Case(Workflow("wf"), ErrorTable([ErrorCount("/wf/t", 85, "T1_US_FNAL", 9)]), logs))

    assert told is not None
    assert [(one["counts"], one["errorKeywords"]) for one in told["tasks"][0]["errors"]] == [
        (4, ["Kind4"]), (3, ["Kind1"]), (2, ["Kind2"]),
    ]  # fmt: skip


def test_more_samples_than_jobs_count_no_job_twice() -> None:
    logs = tuple(LogExcerpt("/wf/t", 85, "T1_US_FNAL", f"Kind{n}", "text") for n in range(5))
    told = document(Case(Workflow("wf"), ErrorTable([ErrorCount("/wf/t", 85, "T1_US_FNAL", 2)]), logs))

    assert told is not None
    assert sum(one["counts"] for one in told["tasks"][0]["errors"]) == 2


def test_what_nobody_knows_is_null_and_a_lower_bound_says_so() -> None:
    known = {"errors": Known("errors", "", "partial", None)}
    told = document(Case(Workflow("wf"), ErrorTable([ErrorCount("/wf/t", 85, "T1_US_FNAL", 1)]), known=known))

    assert told is not None
    assert [told[key] for key in ("type", "status", "failureRate", "asOf", "counts")] == [
        None,
        None,
        None,
        None,
        "partial",
    ]


def test_a_workflow_without_failed_jobs_has_no_document() -> None:
    assert document(Case(Workflow("wf"))) is None


def test_jobs_that_only_the_acdc_server_knows_are_a_document() -> None:
    told = document(Case(Workflow("wf"), ErrorTable([ErrorCount("/wf/t", NOT_REPORTED, "T2_US_MIT", 1)])))

    assert told is not None
    assert (told["totalError"], told["tasks"][0]["siteNotReported"]) == (0, ["T2_US_MIT"])


def test_strange_parameters_are_no_transitions() -> None:
    steps = ["new", {"Status": 3, "UpdateTime": 1}, {"Status": "new", "UpdateTime": True}, {"Status": "new"}]
    steps += [{"Status": "new", "UpdateTime": -1}, {"Status": "new", "UpdateTime": 10**15}]
    workflow = Workflow("wf", parameters={"RequestTransition": steps})
    told = document(Case(workflow, ErrorTable([ErrorCount("/wf/t", 85, "T1_US_FNAL", 1)])))

    assert told is not None
    assert told["transitions"] == []


# -- real ones ----------------------------------------------------------------


def _errors(told: dict[str, Any] | None) -> Counter[Any]:
    """Jobs by task, parent, code and site, and by the other codes of their chain; log collection is not watched here."""
    found: Counter[Any] = Counter()
    for task in told["tasks"] if told else ():
        for error in task["errors"] if task["jobType"] not in ("LogCollect", "Cleanup") else ():
            others = {int(code) for code in error["secondaryErrorCodes"]} - {error["errorCode"]}
            key = (task["name"], task["inputTask"], error["errorCode"], error["siteName"], frozenset(others))
            found[key] += error["counts"]
    return found


def test_c8_documents_of_real_answers_tell_the_errors_that_cms_told(test_data: Path) -> None:
    with gzip.open(test_data / "workflows/workflowmonit_docs_190624.json.gz") as file:
        theirs = {told["name"]: told for told in json.load(file)}
    compared = 0
    with gzip.open(test_data / "wmstats/reconstructed_jobdetail_190624.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            answer = wmstats.inside(told["body"], told["workflow"], "the file")
            counts = wmstats.read_details(answer).counts
            logs = wmstats.read_logs(answer, frozenset(count.exit_code for count in counts))
            mine = document(Case(Workflow(told["workflow"]), ErrorTable(counts), tuple(logs)))
            assert _errors(mine) == _errors(theirs[told["workflow"]]), told["workflow"]
            compared += bool(mine)

    assert compared > 500
