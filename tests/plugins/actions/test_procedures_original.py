"""The 22 exit codes that the original had procedures for, and real logs: the same sense, the same captures."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.model import Case, ErrorCount, ErrorTable, LogExcerpt, Recommendation, Workflow
from wwt_plugins.actions.procedures import SHIPPED
from wwt_plugins.actions.procedures.library import Folder, Library, Shelf
from wwt_plugins.actions.procedures.matching import recommend
from wwt_plugins.actions.procedures.patterns import finds

#: exit code -> action that fills the form, words of `normal`, words of `cause`, words of `additional`: the original's sense.
SENSE: dict[int, tuple[str, str, str, str]] = {
    84: ("acdc", "ACDC", "not found", "second round .* same files.*transfer team.*site support"),
    85: ("acdc", "ACDC", "could not be read", "second round .* same files.*transfer team.*site support"),
    92: ("acdc", "ACDC", "not found .*another site.* failed", "second round .* same files.*transfer team.*site support"),
    134: ("", "strong failure to report immediately", "", ""),
    137: ("", "site support.*GGUS ticket.*drain", "batch system.*nothing to do with the job.*sometimes.*site", ""),
    99109: ("acdc", "readiness.*site support team.*ACDC", "nobody had foreseen.*copying output", "GGUS.*drain.*kill and clone"),
    8004: ("", "Report .*site support team at once", "memory|refused", ""),
    11003: ("acdc", "ACDC", "job extraction", ""),
    73: ("", "GitHub issue", "RootEmbeddedFileSequence.*secondary.*overflow.*present", ""),
    50660: ("acdc", "more memory", "exceeding maxRSS", ""),
    71304: ("acdc", "ACDC", "agent killed.*too long", ""),
    71305: ("acdc", "ACDC", "agent killed.*waited", ""),
    71306: ("acdc", "ACDC", "agent killed.*too long", ""),
    61202: ("acdc", "passed.*glideinWMS team|glideinWMS team", "name of its grid proxy", ""),
    50513: ("acdc", "ACDC", "scripts that set up the release", ""),
    99303: ("", "strong failure; report it immediately", r"JobReport.*whatever became of it.*few.*rare", ""),
    8020: ("acdc", "ACDC", "not found .*another site.* failed", "Check that the files exist"),
    8021: ("acdc", "ACDC", "not found .*another site.* failed", "Check that the files exist"),
    8028: ("acdc", "ACDC", "not found .*another site.* failed", "Check that the files exist"),
    8001: ("", "strong failure; report it immediately", "", ""),
    8002: ("", "strong failure; report it immediately", "", ""),
    71104: ("special", "out of drain.*copied.*tape", "only one that holds its input, is in drain", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Library:
    return Shelf([Folder(SHIPPED, shipped=True)]).library()


@pytest.fixture(scope="module")
def original(test_data: Path) -> dict[int, dict[str, Any]]:
    told = json.loads((test_data / "exitcodes" / "workflowwebtools_PROCEDURES.json").read_text())
    return {int(code): procedure for code, procedure in told.items()}


def recommended(library: Library, code: int, *texts: str, sites: int = 1) -> Recommendation:
    """What is said of a workflow that fails with *code* alone, of which nothing else is known."""
    counts = [ErrorCount("/wf/T", code, f"T2_{i}", 4) for i in range(sites)]
    logs = tuple(LogExcerpt("/wf/T", code, "T2_0", text=text) for text in texts)
    (one,) = recommend(library, Case(Workflow("wf"), ErrorTable(counts), logs))
    return one


def test_d_c_every_code_of_the_original_is_looked_at(original: dict[int, Any]) -> None:
    assert set(original) == set(SENSE)


@pytest.mark.parametrize("code", SENSE)
def test_d_c_procedure_says_what_the_original_said_in_sense(shipped: Library, code: int) -> None:
    action, normal, cause, additional = SENSE[code]
    one = recommended(shipped, code)

    assert one.action == action
    for words, text in ((normal, one.normal), (cause, one.cause), (additional, one.additional)):
        assert re.search(words, text, re.IGNORECASE | re.DOTALL), text


def test_d_c_r_unzip_is_reported_at_once_as_the_original_said(shipped: Library) -> None:
    one = recommended(shipped, 85, "x\nR__unzip: error -3 in inflate (zlib)")

    assert "bad node" in one.cause
    assert "Report" in one.normal
    assert one.action == "acdc"


SAMPLES = {
    84: "Failed to open the file 'root://xrootd.example.org//store/mc/a-b/0A_1.root'\nother",
    85: "R__unzip: error -3",
    92: "[b] Last URL tried: root://cmsdcadisk01.fnal.gov:1095//store/a.root\nroot://xrootd/store/data/R-1/644A.root x",
    8020: "x root://a//store/1.root y root://b//store/2.root",
    8021: "XrdCl::File::Open(name='root://cms-xrootd.gridpp.ac.uk//store/mc/R/626B.root', flags=0x10)",
    8028: "name='root://cmsxrootd-site.fnal.gov//store/data/Run2017C/644A.root', flags",
    71104: "The job can run only at a site that is currently in Draining state (WMAgent).T2_UK_London_Brunel",
}


def originals_captures(pattern: str, text: str) -> list[str]:
    """What the original captured: group 1 of the first match of each line, each once."""
    found = (match.group(1) for line in text.split("\n") if (match := re.search(pattern, line)))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("code", SAMPLES)
def test_d_c_what_the_originals_expression_captured_is_captured(
    shipped: Library, original: dict[int, Any], code: int
) -> None:
    expected = originals_captures(original[code]["additional"]["re"], SAMPLES[code])
    captured = recommended(shipped, code, SAMPLES[code]).captured

    assert expected
    assert set(expected) <= set(next(iter(captured.values())))


def test_d_c_every_expression_of_the_original_has_a_sample(original: dict[int, Any]) -> None:
    assert {code for code, told in original.items() if told.get("additional", {}).get("re")} == set(SAMPLES)


# -- real logs -----------------------------------------------------------------


def real_texts(test_data: Path) -> Iterator[tuple[int, str]]:
    """Exit code and text of every real message of CMS that is here."""
    logs = test_data / "logs"
    for line in (logs / "cms_wmarchive_error_messages.jsonl").read_text().splitlines():
        told = json.loads(line)
        yield int(told["exit_code"] or 0), told["message"]
    for line in (logs / "cms_issue_error_samples.jsonl").read_text().splitlines():
        told = json.loads(line)
        yield from ((code, told["text"]) for code in told["exit_codes"])
    with gzip.open(logs / "cms_error_descriptions_190624.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            yield int(row["exitCode"] or 0), f"{row['errorType']}\n{row['description']}"


def test_d_c_on_real_logs_nothing_is_lost_that_the_original_captured(
    test_data: Path, shipped: Library, original: dict[int, Any]
) -> None:
    lost, compared = [], 0
    for code, text in real_texts(test_data):
        pattern = original.get(code, {}).get("additional", {}).get("re")
        expected = originals_captures(pattern, text) if pattern else []
        if expected:
            compared += 1
            captured = recommended(shipped, code, text).captured
            lost += [find for find in expected if find not in {v for values in captured.values() for v in values}]

    assert compared > 5
    assert lost == []


def test_expressions_find_their_limits_in_real_logs(test_data: Path, shipped: Library) -> None:
    memory = {
        value
        for code, text in real_texts(test_data)
        if code == 50660
        for value in [recommended(shipped, code, text).parameters.get("memory")]
        if value
    }

    assert {"3000", "7500"} <= memory  # maxPSS: 2000 MB of 2021, maxRSS: 6500 of 2018


def test_re2_and_python_find_the_same_on_real_logs(test_data: Path, shipped: Library) -> None:
    texts = sorted({text for _, text in real_texts(test_data) if text.isascii() and len(text) < 16_000})[:400]
    patterns = sorted({e.pattern for one in shipped.listed for e in one.procedure.look_for})
    different = []
    for pattern in patterns:
        plain = re.compile(pattern, re.MULTILINE)
        for text in texts:
            # The expressions never match across lines; Python's classes may, so it gets line by line.
            mine = [match.group(1) for line in text.split("\n") for match in plain.finditer(line)]
            if [value.strip()[:500] for value in mine] != [value for _, value, _ in finds(pattern, "x", text)]:
                different.append((pattern, text[:200]))

    assert different == []


#: The most frequent codes of running workflows on 2019-06-24, and those of the history that the original lacked.
FREQUENT = (
    8028,
    50664,
    8021,
    8001,
    71305,
    50115,
    99303,
    71104,
    99109,
    60450,
    8023,
    50660,
    8501,
    99401,
    99400,
    8009,
    11003,
)


@pytest.mark.parametrize("code", [*FREQUENT, 60311, 60307, 71302, 71102, 139, 53, 80, 86, 70, 8003, 8016, 99305, 70452])
@pytest.mark.parametrize("sites", [1, 7])
def test_frequent_code_has_a_procedure_wherever_it_fails(shipped: Library, code: int, sites: int) -> None:
    assert recommended(shipped, code, sites=sites).normal
