"""What `wwt world export` writes is what our plugins read, and what the grid's services answer."""

from __future__ import annotations

import gzip
import json
import weakref
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from wwt_framework.cube import ErrorCube
from wwt_framework.model import NOT_REPORTED, Readiness, SiteStatus, Task, Workflow
from wwt_plugins.errors.json_file import read_json
from wwt_plugins.errors.prod_status import read_statuses
from wwt_plugins.errors.world.command import group
from wwt_plugins.errors.world.export_acdc import view
from wwt_plugins.errors.world.export_files import errors_of, logs_of, production_status, write_files
from wwt_plugins.errors.world.export_requests import request_document
from wwt_plugins.errors.world.export_services import write_services
from wwt_plugins.errors.world.export_wmstats import jobdetail, request
from wwt_plugins.errors.world.grid import Grid
from wwt_plugins.errors.world.made import Failing, Made
from wwt_plugins.errors.world.sites import NOISE, SITES, statuses

WF = "pdmvserv_task_HIG-RunIIFall18wmLHEGS-00388__v1_T_181126_083424_8286"
PREP = "HIG-RunIIFall18wmLHEGS-00388"
FIRST, MERGE = f"/{WF}/{PREP}_0", f"/{WF}/{PREP}_0/{PREP}_0MergeRAWSIMoutput"
BORN = datetime(2018, 11, 26, 7, 34, 24, tzinfo=timezone.utc)
PURDUE, DISK, FNAL = (SITES.index(site) for site in ("T2_US_Purdue", "T1_US_FNAL_Disk", "T1_US_FNAL"))
UNKNOWN = len(SITES) + NOISE.index("Unknown")


def failing(task, code, sites, **more):
    values = {
        "cause": "transient", "evidence": "", "lfns": (), "memory_mb": 2192, "memory_limit_mb": 2000, "wall_s": 160_000,
        "wall_limit_s": 159_600, "site": sites[0][0], "host": "se.t2-us-purdue.example.org", "began": BORN, "key": code,
    }  # fmt: skip
    return Failing(task, code, sites=sites, **{**values, **more})


def made(**changes):
    """Two tasks: 7 jobs without memory and 2 that were not submitted in the first, 3 of a missing file in the second."""
    workflow = Workflow(
        name=WF, prep_id=f"task_{PREP}", campaign="RunIIFall18wmLHEGS", request_type="TaskChain", status="completed",
        priority=110_000, requested_at=BORN, estimated_jobs=400, failure_rate=0.25,
        tasks=(Task(FIRST, "Production", "EventBased"), Task(MERGE, "Merge", "ParentlessMergeBySize")),
        parameters={"Memory": 2000, "Multicore": 4, "SiteWhitelist": ["T2_US_Purdue", "T1_US_FNAL"]},
    )  # fmt: skip
    failings = (
        failing(0, 50660, (("T2_US_Purdue", 5), ("T1_US_FNAL_Disk", 2))),
        failing(0, 71104, (("Unknown", 2),)),
        failing(1, 8028, (("T1_US_FNAL", 3),), evidence="missing-file", lfns=("/store/mc/A/B/C/1.root",)),
    )
    cells = (
        (0, 50660, PURDUE, 5), (0, 50660, DISK, 2), (0, 71104, UNKNOWN, 2), (0, NOT_REPORTED, PURDUE, 1),
        (0, NOT_REPORTED, FNAL, 1), (1, 8028, FNAL, 3), (1, NOT_REPORTED, DISK, 4),
    )  # fmt: skip
    values = {"workflow": workflow, "failings": failings, "cells": cells, "fake": frozenset({0}), "events_per_job": {}}
    return Made(**{**values, **changes})


def renamed(one, **changes):
    fields = {name: getattr(one.workflow, name) for name in Workflow.__dataclass_fields__}
    return Made(Workflow(**{**fields, **changes}), one.failings, one.cells, one.fake, one.events_per_job)


SITES_NOW = [
    SiteStatus("T2_US_Purdue", Readiness.GREEN, "enabled", datetime(2018, 11, 1, 8, tzinfo=timezone.utc)),
    SiteStatus("T2_ES_IFCA", Readiness.YELLOW, "drain", datetime(2018, 11, 20, tzinfo=timezone.utc)),
    SiteStatus("T1_US_FNAL", Readiness.RED, "disabled", datetime(2018, 11, 25, 16, tzinfo=timezone.utc)),
]


# -- files ---------------------------------------------------------------------


def test_errors_stand_under_task_code_and_site():
    assert errors_of(made()) == {
        FIRST: {
            "50660": {"T2_US_Purdue": 5, "T1_US_FNAL_Disk": 2},
            "71104": {"Unknown": 2},
            "NotReported": {"T2_US_Purdue": 1, "T1_US_FNAL": 1},
        },
        MERGE: {"8028": {"T1_US_FNAL": 3}, "NotReported": {"T1_US_FNAL_Disk": 4}},
    }


def test_json_file_reads_the_same_cells_back(tmp_path):
    write_files(tmp_path, [made()], SITES_NOW, acted_on=False)

    found = read_json((tmp_path / "all_errors.json").read_bytes(), "here").errors
    table = ErrorCube.build((), found).table(0)

    places = SITES + NOISE
    assert {(e.task, e.exit_code, e.site, e.count) for e in table} == {
        (made().workflow.tasks[task].path, code, places[site], count) for task, code, site, count in made().cells
    }
    assert found.rejected == ()


def test_statuses_name_the_workflows_that_wait(tmp_path):
    write_files(tmp_path, [made()], SITES_NOW, acted_on=False)

    found = read_json((tmp_path / "statuses.json").read_bytes(), "here")

    assert [(w.name, w.status) for w in found.workflows] == [(WF, "completed")]


def test_prod_status_reads_the_same_sites_back():
    found = read_statuses("".join(production_status(SITES_NOW)).encode(), "here")

    assert [(s.site, s.readiness, s.production, s.since) for s in found] == [
        (s.site, s.readiness, s.production, s.since) for s in SITES_NOW
    ]
    assert found.rejected == ()


def test_every_line_of_prod_status_is_a_comment_or_has_six_words():
    lines = "".join(production_status(SITES_NOW)).splitlines()

    assert lines[0] == "#txt"
    assert {len(line.split()) for line in lines if not line.startswith("#")} == {6}


def test_an_empty_grid_is_an_empty_object(tmp_path):
    write_files(tmp_path, [], [], acted_on=False)

    assert json.loads((tmp_path / "all_errors.json").read_text()) == {}


def test_logs_and_recoveries_are_lines_of_json(tmp_path):
    counts = write_files(tmp_path, [made()], SITES_NOW, acted_on=False)
    logs = [json.loads(line) for line in (tmp_path / "logs.jsonl").read_text().splitlines()]
    recoveries = [json.loads(line) for line in (tmp_path / "recoveries.jsonl").read_text().splitlines()]

    assert counts["logs.jsonl"] == len(logs) == 4
    assert {(log["exit_code"], log["site"], log["count"]) for log in logs} == {
        (50660, "T2_US_Purdue", 5), (50660, "T1_US_FNAL_Disk", 2), (71104, "Unknown", 2), (8028, "T1_US_FNAL", 3),
    }  # fmt: skip
    assert [(r["task"], r["sites"], r["events"], r["fake_files"]) for r in recoveries] == [
        (FIRST, ["T1_US_FNAL", "T2_US_Purdue"], 9 * 500, True),
        (MERGE, ["T1_US_FNAL_Disk"], 3 * 500, False),
    ]


def test_what_operators_acted_on_has_no_message_for_codes_that_never_left_one():
    assert {log["exit_code"] for log in logs_of(made(), acted_on=True)} <= {50660, 8028}


# -- ReqMgr2 ----------------------------------------------------------------------


def test_a_request_says_what_the_tools_of_operators_read():
    document = request_document(made().workflow)

    assert document["RequestDate"] == [2018, 11, 26, 7, 34, 24]
    assert document["RequestType"] == "TaskChain"
    assert document["PrepID"] == f"task_{PREP}"
    assert document["SiteWhitelist"] == ["T2_US_Purdue", "T1_US_FNAL"]
    assert document["Requestor"] == "pdmvserv"
    assert document["RequestString"] == f"task_{PREP}__v1_T"
    assert document["TotalEstimatedJobs"] == 400
    assert [step["Status"] for step in document["RequestTransition"]][-2:] == ["running-closed", "completed"]
    assert document["Task1"]["TaskName"] == f"{PREP}_0"
    assert document["TaskChain"] == 1


def test_the_memory_of_a_chain_of_several_tasks_is_told_task_by_task():
    second = f"{FIRST}/{PREP}_0MergeRAWSIMoutput/{PREP}_1"
    tasks = (Task(FIRST, "Production", "EventBased"), Task(second, "Processing", "EventAwareLumiBased"))

    document = request_document(renamed(made(), tasks=tasks).workflow)

    assert document["Memory"] == {f"{PREP}_0": 2000, f"{PREP}_1": 2000}
    assert document["Task2"]["InputTask"] == f"{PREP}_0"


def test_an_acdc_names_what_it_recovers():
    acdc = renamed(made(), name=WF.replace("task", "ACDC0_task", 1), request_type="Resubmission", original=WF)

    document = request_document(acdc.workflow)

    assert document["OriginalRequestName"] == WF
    assert document["InitialTaskPath"].startswith(f"/{WF}/")
    assert "TaskChain" not in document


@pytest.mark.parametrize(("number", "told"), [("12", None), ("13", "no such key")])
def test_a_request_without_a_prep_id_says_null_or_has_no_such_key(number, told):
    document = request_document(renamed(made(), name=f"{WF[:-4]}{number}", prep_id="").workflow)

    assert document.get("PrepID", "no such key") == told


def test_requests_have_the_types_of_real_ones(test_data):
    real = json.loads((test_data / "reqmgr2" / "ReRecoRequestDump.json").read_text())
    real = real if "RequestName" in real else next(iter(real.values()))
    chain = json.loads((test_data / "reqmgr2" / "TaskChainRequestDump.json").read_text())
    document = request_document(made().workflow)

    wrong = {
        name: (value, other[name])
        for other in (real, chain)
        for name, value in document.items()
        if name in other and type(value) is not type(other[name])
    }

    assert len(document.keys() & real.keys()) > 50
    # A chain tells era and string task by task; that one is a trial without a prep id.
    assert wrong.keys() <= {"AcquisitionEra", "ProcessingString", "PrepID"}


# -- WMStats ----------------------------------------------------------------------


def test_job_details_count_what_failed_by_task_state_code_and_site():
    tasks = jobdetail(made(), acted_on=False)[WF]
    counts = {
        (task, code, site): cell["errorCount"]
        for task, states in tasks.items()
        for code, sites in states.get("jobfailed", {}).items()
        for site, cell in sites.items()
        if "LogCollect" not in task
    }

    assert counts == {
        (FIRST, "50660", "T2_US_Purdue"): 5, (FIRST, "50660", "T1_US_FNAL_Disk"): 2, (FIRST, "71104", "Unknown"): 2,
        (MERGE, "8028", "T1_US_FNAL"): 3,
    }  # fmt: skip


def samples(tasks):
    for states in tasks.values():
        for codes in states.values():
            for sites in codes.values():
                for cell in sites.values():
                    yield from cell["samples"]


def test_samples_have_the_keys_and_types_of_real_ones(test_data):
    with gzip.open(test_data / "wmstats" / "reconstructed_jobdetail_190624.jsonl.gz", "rt") as lines:
        bodies = [json.loads(line)["body"]["result"][0] for line in lines][:60]
    kinds = {}
    for body in bodies:
        for tasks in body.values():
            for sample in samples(tasks):
                for name, value in sample.items():
                    kinds.setdefault(name, set()).add(type(value))
    excerpt = json.loads((test_data / "wmstats" / "real_jobdetail_excerpt_2016.json").read_text())["tail_of_a_sample"]
    for name, value in excerpt.items():
        kinds.setdefault(name, set()).add(type(value))

    told = list(samples(jobdetail(made(), acted_on=False)[WF]))

    assert told
    for sample in told:
        assert kinds.keys() <= sample.keys()
        wrong = {name for name in kinds if type(sample[name]) not in kinds[name]}
        # Of jobs that never were at a site: null, and an empty object (dmwm/WMCore issues 7203, 9047).
        assert wrong <= ({"site", "cms_location"} if sample["exitcode"] == 71104 else set())


def test_a_job_that_was_not_submitted_has_no_site_of_its_own():
    cell = jobdetail(made(), acted_on=False)[WF][FIRST]

    assert cell["jobfailed"]["71104"]["Unknown"]["samples"][0]["site"] is None
    assert cell["submitfailed"]["71104"]["Unknown"]["errorCount"] == 2


def test_a_job_that_was_never_made_stands_under_the_word_null():
    one = made(failings=(failing(0, 99305, (("Unknown", 96),)),), cells=((0, 99305, UNKNOWN, 96),))

    assert list(jobdetail(one, acted_on=False)[WF][FIRST]["jobfailed"]["99305"]) == ["null"]


def test_what_the_application_reports_has_its_code_as_a_text():
    sample = jobdetail(made(), acted_on=False)[WF][MERGE]["jobfailed"]["8028"]["T1_US_FNAL"]["samples"][0]
    fatal = [one for one in sample["errors"]["cmsRun1"] if one["type"] == "Fatal Exception"]

    assert fatal[0]["exitCode"] == "8028"
    assert sample["exitcode"] == 8028
    assert sample["inputfiles"] == [{"lfn": "/store/mc/A/B/C/1.root", "input_type": "primaryFiles"}]
    assert sample["errors"]["logArch1"] == []


def test_other_states_and_tasks_that_nobody_triages_are_told_too():
    many = [renamed(made(), name=f"{WF[:-4]}{n}") for n in range(300)]
    keyed = [
        Made(m.workflow, tuple(f.__class__(*_fields(f, n)) for f in m.failings), m.cells) for n, m in enumerate(many)
    ]
    found = [next(iter(jobdetail(one, acted_on=False).values())) for one in keyed]
    states = {state for tasks in found for codes in tasks.values() for state in codes}

    assert {"jobfailed", "jobcooloff", "success", "submitfailed"} == states
    assert any("/LogCollectFor" in task for tasks in found for task in tasks)


def _fields(one, n):
    values = {name: getattr(one, name) for name in Failing.__dataclass_fields__}
    return {**values, "key": values["key"] + 100_000 * n}.values()


def agents(one):
    return request(one, request_document(one.workflow))[one.workflow.name]["AgentJobInfo"]


def failed_and_succeeded(info):
    failed = sum(sum(agent["status"].get("failure", {}).values()) for agent in info.values())
    return failed, sum(agent["status"].get("success", 0) for agent in info.values())


def test_counters_of_agents_make_the_failure_rate():
    # 12 jobs failed, a quarter of all: 36 did well.
    assert failed_and_succeeded(agents(made())) == (12, 36)


def test_counters_of_agents_say_how_jobs_failed():
    kinds = {}
    for agent in agents(made()).values():
        for kind, n in agent["status"].get("failure", {}).items():
            kinds[kind] = kinds.get(kind, 0) + n

    assert kinds == {"exception": 10, "submit": 2}


def numbers(value):
    if isinstance(value, dict):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


def test_no_counter_of_an_agent_is_zero():
    for agent in agents(made()).values():
        assert 0 not in set(numbers(agent["status"]))


def test_agents_have_the_keys_of_real_ones(test_data):
    name = "wmstats_request_doc_with_AgentJobInfo_2014_a.json"
    real = json.loads((test_data / "wmstats" / name).read_text())
    keys = set.intersection(
        *(set(agent) for document in real.values() for agent in document.get("AgentJobInfo", {}).values())
    )

    assert keys
    assert all(keys <= agent.keys() for agent in agents(made()).values())


# -- ACDC ---------------------------------------------------------------------------


def locations_by_task(answer):
    found = {}
    for row in answer["rows"]:
        for file in row["doc"]["files"].values():
            found.setdefault(row["doc"]["fileset_name"], set()).update(file["locations"])
    return found


def test_documents_name_the_places_where_nothing_was_reported():
    assert locations_by_task(view(made())) == {FIRST: {"T2_US_Purdue", "T1_US_FNAL"}, MERGE: {"T1_US_FNAL_Disk"}}


def test_documents_hold_all_events_that_are_missing():
    events = {}
    for row in view(made())["rows"]:
        for file in row["doc"]["files"].values():
            task = row["doc"]["fileset_name"]
            events[task] = events.get(task, 0) + file["events"]

    assert events == {FIRST: 9 * 500, MERGE: 3 * 500}


def test_a_task_without_input_has_a_made_up_file():
    lfns = [lfn for row in view(made())["rows"] for lfn in row["doc"]["files"] if row["doc"]["fileset_name"] == FIRST]

    assert len(lfns) == 1
    assert lfns[0].startswith(f"MCFakeFile-{WF}-{PREP}_0-")


def test_a_workflow_without_documents_has_no_rows():
    assert view(made(failings=(), cells=())) == {"rows": []}


def test_documents_have_the_keys_and_types_of_real_ones(test_data):
    recent = json.loads((test_data / "acdc" / "acdc_doc_2018_empty_files.json").read_text())["doc"]
    (path,) = (test_data / "acdc").glob("linacre*")
    (file,) = json.loads(path.read_text())["files"].values()

    for row in view(made())["rows"]:
        assert {name: type(row["doc"][name]) for name in recent} == {name: type(v) for name, v in recent.items()}
        assert row["key"] == row["doc"]["collection_name"] == WF
        for mine in row["doc"]["files"].values():
            assert {name: type(mine[name]) for name in file} == {name: type(value) for name, value in file.items()}


def test_now_and_then_a_document_lists_no_file_and_a_made_up_file_comes_again_and_again():
    many = [renamed(made(), name=f"{WF[:-4]}{n}") for n in range(400)]
    moved = [
        Made(
            Workflow(
                **{
                    **{name: getattr(m.workflow, name) for name in Workflow.__dataclass_fields__},
                    "tasks": tuple(Task(t.path.replace(WF, m.workflow.name), t.task_type) for t in m.workflow.tasks),
                }
            ),
            m.failings, m.cells, m.fake,
        )
        for m in many
    ]  # fmt: skip
    answers = [view(one)["rows"] for one in moved]

    assert any(row["doc"]["files"] == {} for rows in answers for row in rows)
    assert any(len(rows) > 20 for rows in answers)


# -- all of it ------------------------------------------------------------------------


@pytest.fixture
def services(tmp_path):
    other = renamed(made(), name=f"{WF[:-4]}77", status="running-closed")
    by_name = {one.workflow.name: one.workflow for one in (made(), other)}
    write_services(tmp_path, [made(), other], SITES_NOW, False, by_name.get)
    return SimpleNamespace(folder=tmp_path, names=list(by_name))


def answer(services, path):
    return json.loads((services.folder / path).read_text())


def test_answers_lie_where_their_addresses_say(services):
    table = answer(services, "addresses.json")["addresses"]
    told = {"name": WF, "prep_id": f"task_{PREP}", "status": "completed"}

    for address, file in table.items():
        kind = next((kind for kind in ("prep_id", "status") if f"?{kind}=" in address), "name")
        assert (services.folder / file.format(name=told[kind])).is_file(), address


def test_a_request_is_answered_by_name_by_prep_id_and_by_status(services):
    assert list(answer(services, f"reqmgr2/data/request/name/{WF}.json")["result"][0]) == [WF]
    # One object with all of them, not one each.
    assert [list(one) for one in answer(services, f"reqmgr2/data/request/prep_id/task_{PREP}.json")["result"]] == [
        services.names
    ]
    assert answer(services, "reqmgr2/data/request/status/running-closed.json") == {"result": [services.names[1]]}


def test_answers_of_rest_services_come_line_by_line(services):
    text = (services.folder / f"wmstatsserver/data/jobdetail/{WF}.json").read_text()

    assert text.startswith('{"result": [\n {')
    assert text.endswith("\n]}\n")


def test_the_older_status_board_is_read_as_the_same_sites(services):
    found = read_statuses((services.folder / "dashboard/request.py/getplotdata/237.json").read_bytes(), "here")

    assert [(s.site, s.readiness, s.production) for s in found] == [
        (s.site, s.readiness, s.production) for s in SITES_NOW
    ]


# -- the command --------------------------------------------------------------------------

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def run(folder, *words, size=40):
    grid = Grid(size, 1, 14 * 86400, "acted")
    return CliRunner().invoke(group(grid, lambda: NOON, folder), list(words))


def cells(columns):
    places = zip(
        columns.task.tolist(), columns.code.tolist(), columns.site.tolist(), columns.count.tolist(), strict=True
    )
    return {(columns.tasks[t], columns.codes[c], columns.sites[s], n) for t, c, s, n in places}


def test_the_whole_grid_is_written_as_files_and_read_back_the_same(tmp_path):
    done = run(tmp_path, "export", "--format", "files", "--at", "2026-11-20", str(tmp_path / "out"))
    then = datetime(2026, 11, 20, tzinfo=timezone.utc)
    state = Grid(40, 1, 14 * 86400, "acted").state(then)

    found = read_json((tmp_path / "out" / "all_errors.json").read_bytes(), "here").errors

    assert done.exit_code == 0, done.output
    assert cells(found) == cells(state.columns())
    assert len(cells(found)) > 100
    assert {s.site for s in read_statuses((tmp_path / "out" / "ProdStatus.txt").read_bytes(), "here")} == {
        s.site for s in statuses(1, then)
    }


def test_the_whole_grid_is_answered_workflow_by_workflow(tmp_path):
    done = run(tmp_path, "export", "--format", "services", str(tmp_path / "out"))
    state = Grid(40, 1, 14 * 86400, "acted").state(NOON)

    assert done.exit_code == 0, done.output
    for workflow in state.workflows():
        path = tmp_path / "out" / "wmstatsserver/data/jobdetail" / f"{workflow.name}.json"
        tasks = json.loads(path.read_text())["result"][0][workflow.name]
        told = {
            (task, int(code), site, cell["errorCount"])
            for task, states in tasks.items()
            for code, sites in states["jobfailed"].items()
            for site, cell in sites.items()
            if "LogCollect" not in task
        }
        expected = {cell for cell in cells(state.columns([state.row(workflow.name)])) if cell[1] != NOT_REPORTED}
        assert told == expected


def test_another_size_and_seed_can_be_asked_for(tmp_path):
    run(tmp_path, "export", "--format", "files", "--workflows", "10", "--seed", "7", str(tmp_path / "out"))

    about = json.loads((tmp_path / "out" / "world.json").read_text())

    assert (about["workflows"], about["seed"], about["at"]) == (10, 7, "2026-11-23T12:00:00+00:00")


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")

    done = run(tmp_path, "export", "--format", "files", str(tmp_path / "out"))

    assert done.exit_code == 1
    assert "is not empty; name a folder that is" in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_the_grid_is_written_workflow_by_workflow_and_never_held(tmp_path):
    alive = []

    def one_by_one():
        for n in range(50):
            one = renamed(made(), name=f"{WF[:-4]}{n}")
            alive.append(weakref.ref(one))
            yield one
            del one
            assert sum(ref() is not None for ref in alive) <= 2

    write_files(tmp_path, one_by_one(), [], acted_on=False)
    write_services(tmp_path, one_by_one(), [], False, lambda _name: None)

    assert len(alive) == 100
