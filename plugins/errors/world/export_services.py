"""The world as the answers of the grid's services: one file per answer, in folders that mirror the addresses.

``addresses.json`` says which file answers which address, so that a server can stand in for the services.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from wwt_framework.model import SiteStatus, Workflow

from .export_acdc import view
from .export_files import errors_of, members, production_status, statuses_of
from .export_requests import by_name, request_document
from .export_wmstats import jobdetail, request
from .made import Made

#: Address, with what stands for a name in braces -> file; names are those of workflows, prep ids, statuses.
ADDRESSES = {
    "/reqmgr2/data/request?name={name}": "reqmgr2/data/request/name/{name}.json",
    "/reqmgr2/data/request/{name}": "reqmgr2/data/request/name/{name}.json",
    "/reqmgr2/data/request?prep_id={name}&detail=true": "reqmgr2/data/request/prep_id/{name}.json",
    "/reqmgr2/data/request?status={name}&detail=false": "reqmgr2/data/request/status/{name}.json",
    "/wmstatsserver/data/jobdetail/{name}": "wmstatsserver/data/jobdetail/{name}.json",
    "/wmstatsserver/data/request/{name}": "wmstatsserver/data/request/{name}.json",
    '/couchdb/acdcserver/_design/ACDC/_view/byCollectionName?key="{name}"&include_docs=true&reduce=false': (
        "couchdb/acdcserver/_design/ACDC/_view/byCollectionName/{name}.json"
    ),
    "/cms-unified/statuses.json": "cms-unified/statuses.json",
    "/cms-unified/all_errors.json": "cms-unified/all_errors.json",
    "/ssb_metric/ProdStatus.txt": "ssb_metric/ProdStatus.txt",
    "/dashboard/request.py/getplotdata?columnid=237&batch=1&lastdata=1": "dashboard/request.py/getplotdata/237.json",
}
#: What is answered when there is no such file: no such workflow, no such prep id, no such collection.
NOTHING = {
    "reqmgr2": '{"result": []}', "wmstatsserver": '{"result": [{}]}', "couchdb": '{"rows": []}',
}  # fmt: skip
_BY_NAME = "reqmgr2/data/request/name"
_PLOT_COLOURS = {"green": "green", "yellow": "yellow", "red": "red", "none": "white"}


def write_services(
    folder: Path, made: Iterable[Made], sites: Iterable[SiteStatus], acted_on: bool,
    workflow: Callable[[str], Workflow | None],
) -> dict[str, int]:  # fmt: skip
    """Write all answers below the existing *folder*; returns how many files each of its folders got.

    *workflow* gives a workflow again by its name, so that not all of them are held.
    """
    for path in ADDRESSES.values():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    by_prep_id: dict[str, list[str]] = defaultdict(list)
    by_status: dict[str, list[str]] = defaultdict(list)
    with (
        members(folder / "cms-unified/statuses.json") as statuses,
        members(folder / "cms-unified/all_errors.json") as errors,
    ):
        for one in made:
            name = one.workflow.name
            by_status[one.workflow.status].append(name)
            if one.workflow.prep_id:
                by_prep_id[one.workflow.prep_id].append(name)
            statuses(name, statuses_of(one))
            for task, codes in errors_of(one).items():
                errors(task, codes)
            _one_workflow(folder, one, acted_on)
    for status, names in by_status.items():
        _envelope(folder / f"reqmgr2/data/request/status/{status}.json", names)
    for prep_id, names in by_prep_id.items():
        family = [found for found in map(workflow, names) if found is not None]
        documents = {found.name: request_document(found) for found in family}
        _envelope(folder / f"reqmgr2/data/request/prep_id/{prep_id}.json", [documents])
    _sites(folder, list(sites))
    (folder / "addresses.json").write_text(json.dumps({"addresses": ADDRESSES, "nothing": NOTHING}, indent=1) + "\n")
    return {
        str(path.relative_to(folder)): sum(1 for _ in path.iterdir())
        for path in sorted({(folder / name).parent for name in ADDRESSES.values()})
    }


def _one_workflow(folder: Path, made: Made, acted_on: bool) -> None:
    name = f"{made.workflow.name}.json"
    document = request_document(made.workflow)
    _envelope(folder / _BY_NAME / name, [by_name(document)])
    _envelope(folder / "wmstatsserver/data/jobdetail" / name, [jobdetail(made, acted_on)])
    _envelope(folder / "wmstatsserver/data/request" / name, [request(made, document)])
    _write(folder / "couchdb/acdcserver/_design/ACDC/_view/byCollectionName" / name, json.dumps(view(made)) + "\n")


def _envelope(path: Path, items: Iterable[Any]) -> None:
    """An answer of the REST services: each item of the result on a line of its own."""
    lines = "\n,".join(json.dumps(item) for item in items)
    _write(path, f'{{"result": [\n {lines}\n]}}\n')


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _sites(folder: Path, sites: list[SiteStatus]) -> None:
    _write(folder / "ssb_metric/ProdStatus.txt", "".join(production_status(sites)))
    rows = [_plotted(status) for status in sites]
    _write(folder / "dashboard/request.py/getplotdata/237.json", json.dumps({"csvdata": rows}) + "\n")


def _plotted(status: SiteStatus) -> Mapping[str, Any]:
    since = f"{status.since:%Y-%m-%dT%H:%M:%S}" if status.since else None
    return {
        "VOName": status.site, "Status": status.production, "COLORNAME": _PLOT_COLOURS[status.readiness.colour],
        "Time": since, "EndTime": None, "Tier": int(status.site[1]) if status.site[1:2].isdecimal() else None,
        "URL": f"https://sites.example.org/{status.site}",
    }  # fmt: skip
