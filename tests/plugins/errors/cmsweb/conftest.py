"""One workflow as the services tell it, over HTTPS with a client certificate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.grid_services import Given, GridServices

WF = "pdmvserv_task_A-X-00001__v1_T_190101_000000_1"
PREP = "task_A-X-00001"
TASK = f"/{WF}/A-X-00001_0"

DETAIL = f"/wmstatsserver/data/jobdetail/{WF}"
COUNTS = f"/wmstatsserver/data/request/{WF}"
REQUEST = f"/reqmgr2/data/request?name={WF}"
FAMILY = f"/reqmgr2/data/request?prep_id={PREP}&detail=true"
ACDC = f'/couchdb/acdcserver/_design/ACDC/_view/byCollectionName?key="{WF}"&include_docs=true&reduce=false'


def told() -> dict[str, Any]:
    """Every answer about one workflow: seven failed jobs, and one file that the ACDC server keeps."""
    request = {"RequestName": WF, "PrepID": PREP, "RequestType": "TaskChain", "RequestStatus": "running-closed"}
    sample = {
        "timestamp": 1464075134,
        "errors": {"cmsRun1": [{"type": "Fatal Exception", "details": "an exception: no file", "exitCode": 8028}]},
    }
    file = {"lfn": "/store/a.root", "locations": ["T2_CH_CERN"], "events": 100, "first_event": 0}
    return {
        REQUEST: {"result": [{WF: request}]},
        FAMILY: {"result": [{WF: request, "op_ACDC0_task_A": {"PrepID": PREP, "RequestType": "Resubmission"}}]},
        DETAIL: {
            "result": [{WF: {TASK: {"jobfailed": {"8028": {"T1_US_FNAL": {"errorCount": 7, "samples": [sample]}}}}}}]
        },
        COUNTS: {"result": [{WF: {"AgentJobInfo": {"a": {"status": {"success": 93, "failure": {"exception": 7}}}}}}]},
        ACDC: {
            "total_rows": 1,
            "offset": 0,
            "rows": [{"doc": {"fileset_name": TASK, "files": {"/store/a.root": file}}}],
        },
        "/reqmgr2/data/request?status=running-closed&detail=false": {"result": [WF]},
        "/reqmgr2/data/info": {"result": [{"wmcore_reqmgr_version": "2"}]},
    }


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def proxy(authority: Authority) -> Path:
    return authority.person("operator")


@pytest.fixture
def answers() -> Given:
    return Given(told())


@pytest.fixture
def services(answers: Given, authority: Authority) -> Iterator[GridServices]:
    with GridServices(answers, authority).open() as running:
        yield running


@pytest.fixture
def cmsweb(wwt_plugin: Any, services: GridServices, authority: Authority, proxy: Path) -> Any:
    """The plugin, asking the stand-in."""
    return wwt_plugin(
        "errors.cmsweb", url=services.url, certificate=str(proxy), ca=str(authority.path), statuses=["running-closed"],
        parameters_age_s=0, family_age_s=0,
    )  # fmt: skip
