"""What is read of the answers of ReqMgr2, WMStats and the ACDC server: real documents, and each trap of their formats."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timezone

import pytest

from wwt_framework.errors import SourceError
from wwt_framework.model import ChainLink, ErrorCount, Task
from wwt_plugins.errors.cmsweb import acdc, reqmgr2, wmstats

WF = "pdmvserv_task_A__v1_T_190101_000000_1"
TASK = f"/{WF}/A_0"


def detail(cell, code="8028", site="T1_US_FNAL", state="jobfailed", task=TASK):
    return {task: {state: {code: {site: cell}}}}


# -- the envelope --


def test_an_unknown_workflow_has_no_details():
    assert wmstats.inside({"result": [{}]}, WF, "x") == {}


def test_a_list_without_anything_in_it_is_an_unknown_workflow():
    assert wmstats.inside({"result": []}, WF, "x") == {}


@pytest.mark.parametrize("answer", [{}, [], None, "no", {"result": None}, {"result": [3]}, {"result": [{WF: 3}]}])
def test_an_answer_of_another_shape_is_no_answer(answer):
    with pytest.raises(SourceError, match="x: expected"):
        wmstats.inside(answer, WF, "x")


# -- jobdetail --


def test_failed_jobs_are_counted_by_task_code_and_site():
    told = detail({"errorCount": 361, "samples": []})

    assert wmstats.read_details(told).counts == (ErrorCount(TASK, 8028, "T1_US_FNAL", 361),)


@pytest.mark.parametrize("state", ["submitfailed", "jobcooloff", "jobpaused", "success"])
def test_d_a_only_failed_jobs_are_counted(state):
    assert wmstats.read_details(detail({"errorCount": 3}, state=state)).counts == ()


@pytest.mark.parametrize("task", [f"{TASK}/A_0MergeLogCollect", f"{TASK}/LogCollectForX", f"{TASK}/XCleanupUnmergedY"])
def test_d_a_tasks_that_collect_logs_or_clean_up_are_left_out(task):
    assert wmstats.read_details(detail({"errorCount": 3}, task=task)).counts == ()


def test_a_number_as_text_is_a_number():
    assert wmstats.read_details(detail({"errorCount": "12"})).total == 12


@pytest.mark.parametrize("site", ["null", "Unknown", "NoReportedSite", "T1_US_FNAL_Disk"])
def test_what_is_no_site_is_counted_under_the_name_it_came_with(site):
    assert [count.site for count in wmstats.read_details(detail({"errorCount": 2}, site=site)).counts] == [site]


def test_exit_code_zero_is_counted():
    assert [count.exit_code for count in wmstats.read_details(detail({"errorCount": 2}, code="0")).counts] == [0]


@pytest.mark.parametrize("n", [None, -1, 1.5, "many", True, [], 10**15])
def test_a_count_that_is_none_is_told_and_costs_only_itself(n):
    told = {TASK: {"jobfailed": {"8028": {"T1_US_FNAL": {"errorCount": n}, "T2_CH_CERN": {"errorCount": 4}}}}}

    details = wmstats.read_details(told)

    assert (details.total, len(details.faults)) == (4, 1)
    assert "8028 > T1_US_FNAL: expected a number of failed jobs" in details.faults[0]


@pytest.mark.parametrize(
    "broken", [3, {"jobfailed": 3}, {"jobfailed": {"8028": []}}, {"jobfailed": {"8028": {"T": 1}}}]
)
def test_what_is_no_object_is_told(broken):
    assert len(wmstats.read_details({TASK: broken}).faults) == 1


def test_cross_check_every_cell_of_every_real_workflow_is_as_others_derived_it(test_data):
    """`real_all_errors` was made from the same documents by other people's rules; NotReported is not in jobdetail."""
    derived = json.loads(gzip.decompress((test_data / "workflows/real_all_errors_190624.json.gz").read_bytes()))
    expected = {
        (task, int(code), site): n
        for task, codes in derived.items()
        for code, sites in codes.items()
        if code != "NotReported"
        for site, n in sites.items()
    }

    found, compared = {}, set()
    with gzip.open(test_data / "wmstats/reconstructed_jobdetail_190624.jsonl.gz", "rt") as lines:
        for line in lines:
            told = json.loads(line)
            compared.add(told["workflow"])
            details = wmstats.read_details(wmstats.inside(told["body"], told["workflow"], "real"))
            assert details.faults == ()
            found.update({(c.task, c.exit_code, c.site): c.count for c in details.counts})

    assert len(found) > 5_000
    assert found == {key: n for key, n in expected.items() if key[0].split("/")[1] in compared}


# -- what the samples say --

SAMPLE = {
    "site": "T1_US_FNAL",
    "exitcode": 8028,
    "timestamp": 1464075134,
    "inputfiles": [{"lfn": "/store/a.root", "input_type": "primaryFiles"}, {"lfn": None}],
    "errors": {
        "stageOut1": [{"type": "ReportManipulatingError", "details": "no report", "exitCode": 99996}],
        "cmsRun1": [
            {"type": "Fatal Exception", "details": "FallbackFileOpenError", "exitCode": "8028"},
            {"type": "WMAgentStepExecutionError", "details": None, "exitCode": 8028},
        ],
        "logArch1": [],
    },
}


def excerpt(**more):
    (found,) = wmstats.read_logs(detail({"errorCount": 7, "samples": [{**SAMPLE, **more}]}), frozenset({8028}))
    return found


def test_the_first_cause_stands_first_in_the_chain():
    assert excerpt().chain == (
        ChainLink("Fatal Exception", 8028),
        ChainLink("WMAgentStepExecutionError", 8028),
        ChainLink("ReportManipulatingError", 99996),
    )


def test_p12_a_text_names_type_and_exit_code_of_each_error():
    assert excerpt().text == (
        "Fatal Exception (Exit code: 8028)\n\nFallbackFileOpenError\n\n"
        "WMAgentStepExecutionError (Exit code: 8028)\n\n\n\n"
        "ReportManipulatingError (Exit code: 99996)\n\nno report"
    )


def test_the_only_sample_of_a_cell_stands_for_all_its_jobs():
    assert excerpt().count == 7


def test_a_sample_names_its_input_files_and_its_time():
    found = excerpt()

    assert found.files == ("/store/a.root",)
    assert found.at == datetime(2016, 5, 24, 7, 32, 14, tzinfo=timezone.utc)


def test_jobs_that_could_not_be_submitted_tell_why_too():
    told = detail({"errorCount": 1, "samples": [SAMPLE]}, state="submitfailed")

    assert len(wmstats.read_logs(told, frozenset({8028}))) == 1


def test_exit_code_zero_has_nothing_to_say():
    assert wmstats.read_logs(detail({"samples": [SAMPLE]}, code="0"), frozenset({0})) == []


@pytest.mark.parametrize("errors", [None, [], 3, {}, {"cmsRun1": None}, {"cmsRun1": ["text"]}])
def test_a_sample_without_errors_is_left_out(errors):
    told = detail({"errorCount": 1, "samples": [{**SAMPLE, "errors": errors}]})

    assert wmstats.read_logs(told, frozenset({8028})) == []


# -- counts of all jobs --


def test_failure_rate_is_over_all_agents():
    told = {
        "AgentJobInfo": {
            "http://one.example.org:5984/x": {"status": {"success": 90, "failure": {"exception": 5, "submit": 1}}},
            "Two.example.org:9999": {"status": {"success": 0, "failure": {"create": 4}}},
            "three.example.org": {"status": {"success": 0}},
        }
    }

    counts = wmstats.read_counts(told, "x")

    assert (counts.failed, counts.succeeded, counts.failure_rate) == (10, 90, 0.1)
    assert counts.agents == {"one.example.org", "two.example.org"}  # those with failed jobs


@pytest.mark.parametrize("told", [{}, {"AgentJobInfo": {}}, {"AgentJobInfo": None}])
def test_without_agents_the_failure_rate_is_not_known(told):
    assert wmstats.read_counts(told, "x") is None


@pytest.mark.parametrize("info", [3, {"status": 3}, {"status": {"failure": 3}}, {"status": {"success": "many"}}])
def test_job_counts_of_another_shape_are_refused(info):
    with pytest.raises(SourceError, match="x: expected"):
        wmstats.read_counts({"AgentJobInfo": {"one": info}}, "x")


def test_real_agents_of_2014_are_counted(test_data):
    told = json.loads((test_data / "wmstats/wmstats_request_doc_with_AgentJobInfo_2014_a.json").read_text())
    documents = {name: doc for name, doc in told.items() if isinstance(doc, dict) and "AgentJobInfo" in doc}

    assert documents
    for name, document in documents.items():
        by_hand = sum(sum(agent["status"].get("failure", {}).values()) for agent in document["AgentJobInfo"].values())
        counts = wmstats.read_counts(document, name)
        assert counts is not None
        assert counts.failed == by_hand


# -- the ACDC server --


def document(files, task=TASK):
    return {"id": "a", "key": WF, "doc": {"collection_name": WF, "fileset_name": task, "files": files}}


def file(*locations, events=100, **more):
    return {"locations": list(locations), "events": events, "first_event": 0, **more}


def test_p10_missing_events_are_told_by_task_and_site():
    rows = {
        "rows": [
            document(
                {"/store/a.root": file("T1_US_FNAL_Disk", "T2_CH_CERN"), "/store/b.root": file("T2_CH_CERN", events=5)}
            )
        ]
    }

    (recovery,) = acdc.read_recoveries(acdc.read_files(rows, WF, "x"))

    assert (recovery.task, recovery.events) == (TASK, 105)
    assert recovery.events_by_site == {"T1_US_FNAL_Disk": 100, "T2_CH_CERN": 105}
    assert recovery.sites == {"T1_US_FNAL_Disk", "T2_CH_CERN"}
    assert not recovery.fake_files


def test_d_a_not_reported_is_one_job_for_each_place_of_each_task():
    rows = {"rows": [document({"/store/a.root": file("T2_A", "T2_B"), "/store/b.root": file("T2_B")})]}

    assert set(acdc.not_reported(acdc.read_files(rows, WF, "x"))) == {
        ErrorCount(TASK, -1, "T2_A", 1),
        ErrorCount(TASK, -1, "T2_B", 1),
    }


def test_documents_that_repeat_a_file_count_it_once():
    rows = {"rows": [document({"/store/a.root": file("T2_A")})] * 20}

    (recovery,) = acdc.read_recoveries(acdc.read_files(rows, WF, "x"))

    assert recovery.events == 100


def test_two_parts_of_one_file_are_counted_both():
    rows = {"rows": [document({"/a": file("T2_A", first_event=n)}) for n in (1, 101)]}

    (recovery,) = acdc.read_recoveries(acdc.read_files(rows, WF, "x"))

    assert recovery.events == 200


def test_d_f_events_to_be_generated_are_no_input():
    rows = {"rows": [document({f"MCFakeFile-{WF}-A_0-abc": file("T1_US_FNAL_Disk", "T2_A")})]}

    (recovery,) = acdc.read_recoveries(acdc.read_files(rows, WF, "x"))

    assert recovery.fake_files


def test_missing_events_are_not_known_when_one_file_does_not_tell():
    rows = {"rows": [document({"/a": file("T2_A"), "/b": file("T2_A", events=None)})]}

    (recovery,) = acdc.read_recoveries(acdc.read_files(rows, WF, "x"))

    assert (recovery.events, dict(recovery.events_by_site)) == (None, {})


def test_the_real_document_without_files_says_that_something_is_not_known(test_data):
    told = json.loads((test_data / "acdc/acdc_doc_2018_empty_files.json").read_text())["doc"]

    files = acdc.read_files({"rows": [{"doc": told}]}, told["collection_name"], "x")

    (recovery,) = acdc.read_recoveries(files)
    assert (files.files, dict(files.empty)) == ((), {told["fileset_name"]: 1})
    assert (recovery.task, recovery.events, recovery.sites) == (told["fileset_name"], None, frozenset())


def test_no_match_is_nothing_to_rerun():
    files = acdc.read_files({"total_rows": 0, "offset": 0, "rows": []}, WF, "x")

    assert (bool(files), acdc.read_recoveries(files), acdc.doubts(files)) == (False, [], [])


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"rows": None}, {"rows": [3]}, {"rows": [{"doc": None}]}, {"rows": [{"doc": {"fileset_name": 3}}]},
     {"rows": [{"doc": {"fileset_name": TASK, "files": []}}]}, {"rows": [{"doc": {"fileset_name": TASK, "files": {"/a": 3}}}]}],
)  # fmt: skip
def test_an_answer_that_is_no_view_is_no_answer(answer):
    with pytest.raises(SourceError, match="x: expected"):
        acdc.read_files(answer, WF, "x")


# -- ReqMgr2 --


def test_a_real_request_becomes_a_workflow(test_data):
    told = json.loads((test_data / "reqmgr2/ReRecoRequestDump.json").read_text())

    workflow = reqmgr2.read(told["RequestName"], told)

    assert workflow.prep_id == "ReReco-Run2017F-SingleElectron-09Aug2019_UL2017_EcalRecovery-00001"
    assert (workflow.campaign, workflow.request_type, workflow.status) == ("UltraLegacy2017", "ReReco", "completed")
    assert (workflow.priority, workflow.estimated_jobs) == (500_000, 1575)
    assert workflow.requested_at == datetime(2020, 5, 6, 10, 4, 55, tzinfo=timezone.utc)
    assert workflow.tasks == (Task(f"/{told['RequestName']}/DataProcessing", "Processing", "EventAwareLumiBased"),)


def test_nobodys_certificate_name_is_kept(test_data):
    told = json.loads((test_data / "reqmgr2/ReRecoRequestDump.json").read_text())

    assert "DN" not in str(reqmgr2.read(told["RequestName"], told).parameters["RequestTransition"])


def test_tasks_of_a_chain_stand_below_what_they_read():
    told = {
        "RequestType": "TaskChain",
        "TaskChain": 3,
        "Task1": {"TaskName": "A_0", "SplittingAlgo": "EventBased"},
        "Task2": {"TaskName": "A_1", "InputTask": "A_0", "InputFromOutputModule": "RAWSIMoutput"},
        "Task3": {"TaskName": "A_2", "InputTask": "A_1", "InputFromOutputModule": "AODoutput"},
    }
    told["Task2"]["KeepOutput"] = False

    assert [(task.short, task.task_type) for task in reqmgr2.read(WF, told).tasks] == [
        ("A_0", "Production"),
        ("A_0/A_0MergeRAWSIMoutput/A_1", "Processing"),
        ("A_0/A_0MergeRAWSIMoutput/A_1/A_2", "Processing"),
    ]


@pytest.mark.parametrize("date", [None, [], [2020], [2020, 13, 1], "2020-01-01", [2020, 1, "x"]])
def test_a_date_that_is_none_is_not_known(date):
    assert reqmgr2.read(WF, {"RequestDate": date}).requested_at is None


def test_no_estimate_yet_is_not_zero_jobs():
    assert reqmgr2.read(WF, {"TotalEstimatedJobs": 0}).estimated_jobs is None


def test_requests_of_a_prep_id_come_as_one_object():
    assert list(reqmgr2.documents({"result": [{"one": {}, "two": {}}]}, "x")) == ["one", "two"]


@pytest.mark.parametrize("answer", [{}, [], {"result": {}}, {"result": ["one"]}, {"result": [{"one": 3}]}])
def test_requests_of_another_shape_are_refused(answer):
    with pytest.raises(SourceError, match="x: expected"):
        reqmgr2.documents(answer, "x")


@pytest.mark.parametrize(
    "name", ["TaskChainRequestDump", "StepChainRequestDump", "MultiPURequestDump", "IncludeParentsRequestDump"]
)
def test_every_real_request_can_be_read(test_data, name):
    told = json.loads((test_data / f"reqmgr2/{name}.json").read_text())

    workflow = reqmgr2.read(told["RequestName"], told)

    assert workflow.request_type in {"TaskChain", "StepChain", "ReReco"}
    assert workflow.tasks
