"""Request documents as ReqMgr2 keeps them, and lists of names as it answers them.

Keys and types: dmwm/WMCore, ReqMgr/DataStructs and WMSpec/StdSpecs; what the world does not know is filled
with what such documents usually say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from wwt_framework.model import Task, Workflow

#: What a workflow went through until it is in this status; steps in seconds after the request.
_LIFE = (
    ("new", 0), ("assignment-approved", 10), ("assigned", 1_500), ("staging", 1_800), ("staged", 2_200),
    ("acquired", 2_700), ("running-open", 3_600), ("running-closed", 16_000), ("completed", 280_000),
    ("closed-out", 300_000), ("announced", 310_000), ("normal-archived", 400_000),
)  # fmt: skip
_DN = "/DC=org/DC=example/OU=computers/CN=wmagent/vocms0000.example.org"
_DEFAULTS: dict[str, Any] = {
    "AllowOpportunistic": False, "BlockCloseMaxEvents": 250_000_000, "BlockCloseMaxFiles": 500,
    "BlockCloseMaxSize": 5_000_000_000_000, "BlockCloseMaxWaitTime": 72_000, "CouchDBName": "reqmgr_config_cache",
    "CouchURL": "https://couch.example.org/couchdb", "CouchWorkloadDBName": "reqmgr_workload_cache",
    "CustodialSites": [], "DQMHarvestUnit": "byRun", "DQMSequences": [], "DQMUploadProxy": None, "Dashboard": "production",
    "DeleteFromSource": False, "EnableHarvesting": False, "EventStreams": None, "GlobalTagConnect": None,
    "GracePeriod": 300, "Group": "PPD", "HardTimeout": 160_200, "IncludeParents": False, "LumiList": {},
    "MaxMergeEvents": 100_000_000, "MaxMergeSize": 4_294_967_296, "MaxWaitTime": 86_400, "MergedLFNBase": "/store/mc",
    "MinMergeSize": 2_147_483_648, "NonCustodialSites": [], "OpenRunningTimeout": 0, "OverrideCatalog": None,
    "PeriodicHarvestInterval": 0, "ProcessingVersion": 1, "RobustMerge": True, "RunNumber": 0, "SiteBlacklist": [],
    "SizePerEvent": 1500, "SoftTimeout": 159_600, "Team": "production", "TrustPUSitelists": False,
    "TrustSitelists": False, "UnmergedLFNBase": "/store/unmerged", "ValidStatus": "PRODUCTION", "VoGroup": "unknown",
    "VoRole": "unknown",
}  # fmt: skip


def request_document(workflow: Workflow) -> dict[str, Any]:
    """The document of *workflow*. Without a prep id it says null, or has no such key, as in life."""
    requested = workflow.requested_at
    assert requested is not None, "the world knows when each workflow was requested"
    parts = workflow.name.split("_")
    document: dict[str, Any] = {
        **_DEFAULTS, "_id": workflow.name, "RequestName": workflow.name, "RequestType": workflow.request_type,
        "RequestStatus": workflow.status, "RequestTransition": _transitions(workflow.status, requested),
        "RequestDate": list(requested.timetuple()[:6]), "RequestPriority": workflow.priority or 0,
        "InitialPriority": workflow.priority or 0, "Campaign": workflow.campaign, "Requestor": parts[0],
        "RequestorDN": "", "RequestString": "_".join(parts[1:-3]), "TotalEstimatedJobs": workflow.estimated_jobs or 0,
        "SubRequestType": "MC", "Memory": 2000, "Multicore": 1, "SiteWhitelist": [],
        "PriorityTransition": [{"Priority": workflow.priority or 0, "DN": _DN, "UpdateTime": int(requested.timestamp())}],
        "AcquisitionEra": workflow.campaign, "ProcessingString": "realistic_v1", "OutputDatasets": [],
        **workflow.parameters,
    }  # fmt: skip
    if workflow.prep_id:
        document["PrepID"] = workflow.prep_id
    elif workflow.name[-1] in "02468":
        document["PrepID"] = None
    else:
        document.pop("PrepID", None)
    document.update(_chain(workflow, document))
    document["SiteWhitelist"] = list(document["SiteWhitelist"])
    if workflow.is_acdc:
        document.update(
            OriginalRequestName=workflow.original, ACDCServer="https://couch.example.org/couchdb",
            ACDCDatabase="acdcserver", CollectionName=workflow.original,
        )  # fmt: skip
        document.setdefault("InitialTaskPath", _initial_task(workflow))
    return document


def by_name(document: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to ``?name=...``, without its envelope."""
    return {document["RequestName"]: document}


def _transitions(status: str, requested: datetime) -> list[dict[str, Any]]:
    born = int(requested.timestamp())
    passed: list[dict[str, Any]] = []
    for name, after in _LIFE:
        passed.append({"Status": name, "UpdateTime": born + after, "DN": _DN})
        if name == status:
            return passed
    ended = [*passed[:7], {"Status": status, "UpdateTime": born + 20_000, "DN": _DN}]
    return ended if status else passed[:1]


def _chain(workflow: Workflow, document: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a chain, numbered; the memory of a chain of tasks may be told task by task."""
    kind = workflow.request_type
    if kind not in ("TaskChain", "StepChain"):
        return {}
    word = kind.removesuffix("Chain")
    tasks = [task for task in workflow.tasks if task.task_type in ("Production", "Processing")]
    memory = document["Memory"]
    parts = {}
    for n, task in enumerate(tasks, 1):
        known = {k: v for k, v in document.get(f"{word}{n}", {}).items() if not k.endswith("Task") and k != "TaskName"}
        parts[f"{word}{n}"] = {**_part(word, task, tasks[: n - 1], document), **known}
    if word == "Task" and len(tasks) > 1 and isinstance(memory, int):
        memory = {_last(task): memory for task in tasks}
    return {kind: len(tasks), **parts, "Memory": memory}


def _part(word: str, task: Task, before: Iterable[Task], document: Mapping[str, Any]) -> dict[str, Any]:
    memory = document["Memory"]
    name = _last(task)
    part: dict[str, Any] = {
        f"{word}Name": name, "SplittingAlgo": task.splitting or "EventAwareLumiBased", "KeepOutput": True,
        "Memory": memory.get(name, 2000) if isinstance(memory, Mapping) else memory,
        "Multicore": document["Multicore"], "CMSSWVersion": "CMSSW_10_6_11", "ScramArch": ["slc7_amd64_gcc700"],
        "PrepID": name.rpartition("_")[0] or name, "AcquisitionEra": document["Campaign"],
        "ProcessingString": document["ProcessingString"], "GlobalTag": "106X_mcRun2_asymptotic_v15",
    }  # fmt: skip
    above = [_last(other) for other in before if task.path.startswith(f"{other.path}/")]
    if above:
        part.update({f"Input{word}": above[-1], "InputFromOutputModule": "RAWSIMoutput", "LumisPerJob": 8})
    else:
        part.update(EventsPerJob=800, RequestNumEvents=1_000_000, Seeding="AutomaticSeeding")
    return part


def _last(task: Task) -> str:
    return task.path.rpartition("/")[2]


def _initial_task(workflow: Workflow) -> str:
    first = min((task.path for task in workflow.tasks), key=len, default=f"/{workflow.name}")
    return f"/{workflow.original}{first.removeprefix(f'/{workflow.name}')}"
