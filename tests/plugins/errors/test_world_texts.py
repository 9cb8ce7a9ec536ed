"""What failed jobs of the made-up grid say: chains and messages as often as counted, texts that follow the evidence."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter, defaultdict

import pytest

from wwt_plugins.errors.world.texts import job, named_files, telling
from wwt_plugins.errors.world.texts_chains import MAIN, SHELL, chains, message_share
from wwt_plugins.errors.world.texts_scene import Scene

TASK = "/gridprod_task_HIG-RunIIFall17wmLHEGS-00001__v1_T_180705_162228_88/HIG-RunIIFall17wmLHEGS-00001_0"
RUN = "Error running cmsRun"
FATAL = (
    "ReportManipulatingError:99996",
    "Fatal Exception:{code}",
    f"{RUN}:{{code}}",
    "WMAgentStepExecutionError:{code}",
)
KILLED = (
    "PerformanceKill:{code}", "ReportManipulatingError:99996", "BadFWJRXML:50115", "CMSSWStepFailure:143",
    "ErrorLoggingAddition:99999", "WMAgentStepExecutionError:143",
)  # fmt: skip
CUT_OFF = (
    "ReportManipulatingError:99996", "BadFWJRXML:50115", "CMSSWStepFailure:{signal}", "ErrorLoggingAddition:99999",
    "WMAgentStepExecutionError:{signal}",
)  # fmt: skip
UNREADABLE = (
    "ReportManipulatingError:99996", "BadFWJRXML:50115", "CMSException:8001", "WMAgentStepExecutionError:65",
)  # fmt: skip
WITHOUT_REPORT = (
    "PerformanceKill:50660", "ReportManipulatingError:99996", "CMSSWStepFailure:0", "MissingErrorReport:50116",
    "WMAgentStepExecutionError:0",
)  # fmt: skip
STAGE_OUT = ("Misc. StageOut error: 99109:99109", "WMAgentStepExecutionError:99109")


def _signal(signal):
    return tuple(link.format(signal=signal) for link in CUT_OFF)


def _plain(code):
    return tuple(link.format(code=code) for link in FATAL)


def _twice(code):
    plain = _plain(code)
    return (plain[0], plain[1], plain[1], *plain[2:])


#: Counted on 2019-06-24: exit code -> (samples with that code, {chain: samples}); the rest have rarer chains.
COUNTED = {
    8028: (1781, {_plain(8028): 1739}),
    71305: (1091, {("JobKilled:71305",): 1091}),
    50664: (1010, {tuple(link.format(code=50664) for link in KILLED): 853}),
    8001: (747, {_plain(8001): 713}),
    8021: (933, {_plain(8021): 653, _twice(8021): 124}),
    99303: (393, {("NoJobReport:99303",): 393}),
    50660: (
        768,
        {
            ("PerformanceKill:50660",): 349,
            tuple(link.format(code=50660) for link in KILLED): 298,
            WITHOUT_REPORT: 90,
        },
    ),
    50115: (357, {_signal(139): 212, _signal(134): 61, UNREADABLE: 51}),
    71104: (194, {("SubmitFailed:71104",): 194}),
    60450: (195, {("ReportManipulatingError:99996", "NoOutput:60450"): 194}),
    99109: (261, {STAGE_OUT: 192, (*STAGE_OUT, "LogArchiveFailure:60307"): 51}),
    99401: (79, {("NoJobReport:99401",): 79}),
    99400: (60, {("RemovedByGLIDEIN:99400",): 60}),
    11003: (68, {("JobExtractionError:11003",): 68}),
}
#: Codes that anything in the two populations may have.
CODES = sorted(
    {*COUNTED, *SHELL, 0, 1, 7002, 8002, 8003, 8004, 8006, 8007, 8009, 8012, 8016, 8020, 8022, 8023, 8026, 8027, 8029}
    | {8033, 8501, 11001, 132, 133, 134, 135, 136, 137, 139, 143, 50110, 50111, 50116, 50513, 50661, 60307, 60405}
    | {61202, 70318, 70452, 71101, 71102, 71103, 71302, 71303, 71304, 99305, 99996, 99999}
)
EVIDENCE = (
    "", "site-outage", "missing-file", "corrupt-file", "memory", "wall-time", "configuration", "stage-out", "agent",
    "transient",
)  # fmt: skip


def scene(code, key=1, **more):
    return Scene(**{"task": TASK, "exit_code": code, "site": "T2_US_Purdue", "key": key, **more})


def shape(said):
    """The chain of one job: types as the published tables name them."""
    return tuple(f"{one.error_type.split(chr(10))[0].strip()}:{one.exit_code}" for one in said)


@pytest.mark.slow
@pytest.mark.parametrize("code", COUNTED)
def test_the_errors_of_a_job_come_together_as_often_as_was_counted(code):
    jobs = 3000
    made = Counter(shape(job(scene(code, key))) for key in range(jobs))
    samples, counted = COUNTED[code]
    rest = 1 - sum(counted.values()) / samples
    made_rest = 1 - sum(made[chain] for chain in counted) / jobs

    apart = sum(abs(made[chain] / jobs - n / samples) for chain, n in counted.items()) + abs(made_rest - rest)

    assert apart / 2 <= 0.1


@pytest.mark.parametrize("old_words", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_shares_of_chains_make_a_whole_and_each_names_the_code_or_its_long_form(code, old_words):
    found = chains(code, old_words)

    assert sum(share for share, _ in found) == pytest.approx(1, abs=0.005)
    assert all({MAIN, code, SHELL.get(code)} & {link.exit_code for link in chain} for _, chain in found)


def test_before_2019_the_shell_code_comes_with_the_applications_own():
    types = [shape(job(scene(92, key, old_words=True))) for key in range(200)]

    assert all("CMSSWStepFailure:92" in chain and "Fatal Exception:8028" in chain for chain in types)


def test_messages_are_of_the_published_classes_over_the_codes_that_operators_acted_on(test_data):
    rows = (test_data / "statistics" / "actionshistory_20190730_by_exitcode.csv").read_text().split("\n")[1:]
    cells = {int(row.split(",")[0]): int(row.split(",")[1]) for row in rows if row and not row.startswith("-1")}
    seen = Counter()
    for code, n in cells.items():
        for key in range(60):
            types = {one.error_type for one in job(scene(code, key, old_words=True))}
            kind = "fatal" if "Fatal Exception" in types else "other"
            if "PerformanceKill" in types:
                kind = "both" if kind == "fatal" else "killed"
            seen[kind] += n * message_share(code, acted_on=True) / 60
    whole = sum(seen.values())

    published = {"fatal": 0.521, "killed": 0.205, "both": 0.010, "other": 0.264}

    assert sum(abs(seen[kind] / whole - share) for kind, share in published.items()) / 2 <= 0.1


@pytest.mark.parametrize(
    ("code", "share"),
    [
        *((code, 0) for code in (71104, 61202, 71102, 71303, 99305, 50116)),
        *((71302, 0.02), (71304, 0.02), (71305, 0.06), (99303, 0.71), (84, 0.8), (99400, 0.9), (1, 0.9)),
    ],
)
def test_messages_are_kept_as_rarely_as_in_the_history_of_actions(code, share):
    assert message_share(code, acted_on=True) == share
    assert message_share(code, acted_on=False) == 1


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_put_into_words_whatever_the_evidence(code):
    jobs = [job(scene(code, evidence=evidence, files=("/store/mc/a/b.root",))) for evidence in EVIDENCE]

    assert all(one.details and one.error_type and one.step for said in jobs for one in said)
    assert all(telling(said, code).details for said in jobs)


def test_the_same_scene_is_told_in_the_same_words_and_another_in_others():
    one, same, other = (job(scene(8021, key)) for key in (5, 5, 6))

    assert one == same
    assert one != other


@pytest.mark.parametrize("word", ["outage", "missing-file", "corrupt-file", "wall-time", "transient", "evidence"])
def test_no_text_names_the_cause(word):
    for code in CODES:
        for evidence in EVIDENCE:
            for one in job(scene(code, evidence=evidence)):
                assert word not in one.details.lower()


def told(code, evidence, key, **more):
    return telling(job(scene(code, key, evidence=evidence, **more)), code).details


@pytest.mark.parametrize(
    ("code", "evidence", "words"),
    [
        (8028, "missing-file", "no such file|No servers are available|does not exist|No such file"),
        (8021, "corrupt-file", "Fatal Root Error"),
        (8021, "site-outage", "Connection error|unreachable|expired"),
        (8001, "configuration", "Failed to execute script|undefined symbol"),
        (8001, "site-outage", "No space left|Server has signalled"),
        (99109, "stage-out", "No space left|Permission denied|Auth failed"),
    ],
)
def test_one_code_tells_of_what_went_wrong_in_words_that_other_causes_do_not_use(code, evidence, words):
    others = [other for other in ("", "transient") if (code, other) != (8001, "transient")]
    spoken = re.compile(words)
    mine = [bool(spoken.search(told(code, evidence, key))) for key in range(60)]
    theirs = [bool(spoken.search(told(code, other, key))) for key in range(60) for other in others]

    assert all(mine)
    assert statistics.mean(theirs) < 0.5


def test_a_text_without_evidence_fits_every_cause_of_its_code():
    general = {told(8021, "", key, site="T2_X").split("error '")[-1].split("'")[0] for key in range(80)}

    assert not {words for words in general if re.search(r"no such file|unreachable|Fatal Root", words)}


def test_files_of_the_evidence_are_named_in_text_and_list_alike():
    file = "/store/mc/RunIIFall17wmLHEGS/A/GEN-SIM/v1/10000/0A1B2C3D.root"
    what = scene(8028, evidence="missing-file", files=(file,))
    said = job(what)

    assert file in telling(said, 8028).details
    assert named_files(what, said) == (file,)


def test_a_job_that_read_no_file_names_none():
    what = scene(50660)

    assert named_files(what, job(what)) == ()


def test_memory_is_told_in_megabytes_against_what_was_allowed():
    details = told(50660, "memory", 1, memory_mb=2192, memory_limit_mb=2000)

    assert (
        details
        == "Error in CMSSW step cmsRun1\nNumber of Cores: 1\nJob has exceeded maxPSS: 2000 MB\nJob has PSS: 2192 MB\n"
    )


def test_before_2019_memory_was_told_as_resident_memory():
    details = told(50660, "memory", 1, memory_mb=6666, memory_limit_mb=6500, cores=8, old_words=True)

    assert "maxRSS: 6500\nJob has RSS: 6666" in details


def test_wall_clock_time_is_told_against_the_soft_limit():
    details = told(50664, "wall-time", 1, wall_s=170_000)

    assert re.search(r"more than: 159600.0\nJob has been running for: 1700\d\d\.\d{6}\n", details)


def test_names_of_sites_are_glued_to_the_agents_sentence():
    details = told(71104, "", 1, culprit="T2_IT_Pisa")

    assert details.endswith("(WMAgent).T2_IT_Pisa")


def test_a_whole_message_may_stand_where_a_type_is_expected():
    types = [one.error_type for one in job(scene(8028))]

    assert any(len(name) > 100 and "\n" in name for name in types)


def test_texts_are_as_long_as_real_ones_of_their_type(test_data):
    real = defaultdict(list)
    for line in (test_data / "logs" / "cms_wmarchive_error_messages.jsonl").read_text().splitlines():
        message = json.loads(line)
        real[message["error_type"]].append(len(message.get("text") or message.get("message")))
    made = defaultdict(list)
    for code in (92, 85, 50664, 139, 50660, 50115):  # those of the real ones
        for key in range(150):
            for one in job(scene(code, key, old_words=True)):
                made[one.error_type].append(len(one.details))

    compared = {name: statistics.median(made[name]) / statistics.median(real[name]) for name in real if name in made}

    assert len(compared) >= 6
    assert {name: ratio for name, ratio in compared.items() if not 0.6 < ratio < 1.7} == {}


def test_odd_bytes_occur_now_and_then():
    texts = ["".join(one.details for one in job(scene(code, key))) for code in (139, 99303) for key in range(800)]
    odd = sum(not text.isascii() or "\x1b" in text or "\0" in text for text in texts)

    assert 0 < odd < len(texts) / 10


@pytest.mark.parametrize("site", ["Unknown", "NoReportedSite"])
def test_where_a_report_has_no_site_the_text_names_one_all_the_same(site):
    assert re.search(r"\(WMAgent\)\.T2_[A-Z]{2}_", told(71104, "", 1, site=site))


def test_no_host_is_named_after_a_site_that_is_none():
    texts = "".join(one.details for code in (8021, 99303, 99109) for one in job(scene(code, site="NoReportedSite")))

    assert "example.org" in texts
    assert "noreportedsite" not in texts.lower()
