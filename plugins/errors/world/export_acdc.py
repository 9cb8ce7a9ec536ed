"""What the ACDC server keeps: documents of files that were not processed, as its CouchDB view answers them.

Shapes: dmwm/WMCore, ACDC/DataCollectionService.py; a document per few failed jobs. dmwm/WMCore issues 7301, 8832.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from random import Random
from typing import Any

from wwt_framework.model import NOT_REPORTED, Recovery

from .made import Failing, Made
from .sites import NOISE, SITES
from .texts_scene import drawn_lfn

#: Of the tasks: share with one document that lists no file; share whose made-up file is listed again and again.
_EMPTY, _REPEATED = 0.03, 0.02
_REPETITIONS = 21
#: Documents per task at most, and files per document.
_DOCUMENTS, _FILES = 4, 3


def view(made: Made) -> dict[str, Any]:
    """The answer of the view byCollectionName for one workflow, documents included."""
    documents = [document for recovery in made.recoveries() for document in _documents(made, recovery)]
    rows = [
        {
            "id": document["_id"], "key": made.workflow.name,
            "value": {"_rev": document["_rev"], "_id": document["_id"]}, "doc": document,
        }
        for document in documents
    ]  # fmt: skip
    return {"total_rows": len(rows), "offset": 0, "rows": rows} if rows else {"rows": []}


def locations(made: Made, recovery: Recovery) -> list[str]:
    """Where the files of one task lie, by the names of storages; other names are those that nobody runs jobs at."""
    told = sorted(
        (SITES + NOISE)[site]
        for task, code, site, _ in made.cells
        if code == NOT_REPORTED and made.workflow.tasks[task].path == recovery.task
    )
    return told or sorted(recovery.sites)


def _documents(made: Made, recovery: Recovery) -> list[dict[str, Any]]:
    rng = Random(f"{recovery.task} acdc")
    where = locations(made, recovery)
    events = recovery.events or 0
    if recovery.fake_files:
        files = [_fake(made, recovery, where, events, rng)]
        times = _REPETITIONS if rng.random() < _REPEATED else 1
        return [_document(made, recovery, files, rng) for _ in range(times)]
    count = min(_DOCUMENTS * _FILES, max(events, 1), 1 + len(where))
    files = [_file(made, recovery.task, where, n, _share(events, n, count), count, rng) for n in range(count)]
    groups: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for n, file in enumerate(files):
        groups[n // _FILES].append(file)
    found = [_document(made, recovery, group, rng) for group in groups.values()]
    if rng.random() < _EMPTY:
        found.append(_document(made, recovery, [], rng))
    return found


def _share(whole: int, n: int, count: int) -> int:
    return whole // count + (n < whole % count)


def _document(made: Made, recovery: Recovery, files: list[dict[str, Any]], rng: Random) -> dict[str, Any]:
    identity = sha256(f"{recovery.task} {rng.getrandbits(64)}".encode()).hexdigest()
    requested = made.workflow.requested_at
    assert requested is not None, "the world knows when each workflow was requested"
    return {
        "_id": identity[:32], "_rev": f"1-{identity[32:]}", "collection_name": made.workflow.name,
        "collection_type": "ACDC.CollectionTypes.DataCollection", "fileset_name": recovery.task,
        "timestamp": requested.timestamp() + rng.randrange(10**4, 10**5) + 0.67, "acdc_version": 2,
        "files": {file["lfn"]: file for file in files},
    }  # fmt: skip


def _fake(made: Made, recovery: Recovery, where: list[str], events: int, rng: Random) -> dict[str, Any]:
    """The file that stands for the input of a task without input: it may run anywhere."""
    task = recovery.task.rpartition("/")[2]
    lfn = f"MCFakeFile-{made.workflow.name}-{task}-{rng.getrandbits(128):032x}"
    return _described(lfn, where, events, rng)


def _is_of(made: Made, failing: Failing, task: str) -> bool:
    return made.workflow.tasks[failing.task].path == task


def _file(made: Made, task: str, where: list[str], n: int, events: int, count: int, rng: Random) -> dict[str, Any]:
    named = [lfn for failing in made.failings if _is_of(made, failing, task) for lfn in failing.lfns]
    lfn = named[n] if n < len(named) else drawn_lfn(made.workflow.campaign, Random(made.workflow.name), rng)
    return _described(lfn, where[n::count] or where[:1], events, rng)


def _described(lfn: str, where: list[str], events: int, rng: Random) -> dict[str, Any]:
    lumi = rng.randrange(1, 40_000)
    return {
        "lfn": lfn, "locations": where, "events": events, "first_event": 0, "last_event": 0,
        "size": events * 40_000, "id": rng.randrange(10**6, 10**8), "merged": 1, "parents": [], "checksums": {},
        "runs": [{"run_number": 1, "lumis": [lumi, lumi + 1]}],
    }  # fmt: skip
