"""The original, where it is installed: ``pip install workflowwebtools==0.19.1 cmstoolbox mongomock validators``.

A pip that refuses what its package says of its needs gets the source: ``pip download --no-deps``, unpacked, its
folder ``workflowwebtools`` on the path.

It runs in a process of its own, with its edges to CERN's services answered from memory, which never makes it slower:
no Oracle module is needed (none is configured), ReqMgr2 answers at once from the file's own names, the page of site
readiness is there already, and no refresh of its cache happens inside a measurement.
"Repaired" has its two accidents removed: it parses config.yml at every call, and the site page for every cell.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.house import Cost, cost, peak_mb

NEEDED = ("workflowwebtools", "cmstoolbox", "mongomock", "pymongo", "validators")


def why_not() -> str:
    """Why it can not be measured; "" when it can."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


def measure(folder: Path, repaired: bool) -> dict[str, Cost] | None:
    """Seconds of ``load`` and ``overview`` on the file in *folder*; None when it is not installed."""
    told = _in_a_process(folder, repaired, "pages")
    return None if told is None else {name: Cost(*one) for name, one in told.items()}


def measure_clusterer(folder: Path, repaired: bool) -> tuple[Cost, float] | None:
    """What its clusterer costs, from the file in *folder* to a fit of 20 groups from 30 starts, and its inertia.

    On one thread, as ours is: threads that wait for each other on a busy machine would only make it dearer.
    """
    told = _in_a_process(folder, repaired, "clusterer")
    return None if told is None else (Cost(*told["clusterer"]), told["inertia"])


def _in_a_process(folder: Path, repaired: bool, what: str) -> dict[str, Any] | None:
    if why_not():
        return None
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.original", str(folder), str(int(repaired)), what]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"the original failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _stand_ins(folder: Path) -> None:
    """Answers from memory in place of services."""
    oracle = types.ModuleType("cx_Oracle")
    oracle.__dict__["DatabaseError"] = type("DatabaseError", (Exception,), {})
    sys.modules.setdefault("cx_Oracle", oracle)
    import cmstoolbox.webtools
    import mongomock
    import pymongo
    from cmstoolbox import sitereadiness

    names = {task.split("/", 2)[1] for task in json.loads((folder / "all_errors.json").read_bytes())}
    told = {}
    preps: dict[str, dict[str, Any]] = {}
    for name in names:
        found = re.search(r"task_(.+?)__v.*_(\d\d)(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_", name)
        if found is None:  # of a name without a date it knows nothing, as of any that a service does not know
            continue
        prep, *date = found.groups()
        document = {"PrepID": prep, "RequestDate": [2000 + int(date[0]), *map(int, date[1:])], "RequestName": name}
        told[name] = document
        preps.setdefault(prep, {})[name] = document

    def get_json(
        _host: str, request: str, params: Mapping[str, str] | str = "", *_rest: object, **_named: object
    ) -> dict[str, Any]:
        if request != "/reqmgr2/data/request" or isinstance(params, str):
            return {"rows": []}
        if "prep_id" in params:
            return {"result": [preps.get(params["prep_id"], {})]}
        return {"result": [{params["name"]: told[params["name"]]}] if params.get("name") in told else []}

    cmstoolbox.webtools.get_json = get_json
    sitereadiness.RESULT = (folder / "prodstatus.txt").read_text()
    sitereadiness.TIMESTAMP = time.time() + 1e9
    client = mongomock.MongoClient()
    client.start_session = lambda *_a, **_k: None
    pymongo.MongoClient = lambda *_a, **_k: client


def _configure(folder: Path, repaired: bool) -> None:
    from workflowwebtools import serverconfig

    default = Path(serverconfig.__file__).parent / "default" / "config.yml"
    work = folder / "original"
    (work / "tmp").mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(work / "tmp")
    text = default.read_text()
    errors = str((folder / "all_errors.json").resolve())
    for old, new in (
        ("workflow_history: test/history.db", f"workflow_history: {errors}"),
        ("all_errors: test/errors.json", f"all_errors: {errors}"),
        ("n_clusters: 2\n", "n_clusters: 20\n"),
        ("workspace: '.'", f"workspace: '{work.resolve()}'"),
        ("refresh_period: 15", "refresh_period: 1000000"),
    ):
        text = text.replace(old, new)
    path = work / "config.yml"
    path.write_text(text)
    serverconfig.LOCATION = str(path)
    if repaired:
        from cmstoolbox import sitereadiness

        config = serverconfig.config_dict()
        serverconfig.config_dict = lambda: config
        ready = {site: colour for site, colour, _ in sitereadiness.i_site_readiness()}
        sitereadiness.site_readiness = lambda site: ready.get(site, "none")


def _run(folder: Path, repaired: bool, what: str) -> dict[str, Any]:
    _stand_ins(folder)
    import cherrypy

    cherrypy.config.update({"log.screen": False, "log.access_file": "", "log.error_file": ""})
    _configure(folder, repaired)
    return _pages(folder) if what == "pages" else _clusterer(folder)


def _clusterer(folder: Path) -> dict[str, Any]:
    import sklearn.cluster
    from threadpoolctl import threadpool_limits
    from workflowwebtools import clusterworkflows

    plain = sklearn.cluster.KMeans
    # It asks for threads by a word that scikit-learn has no more.
    sklearn.cluster.KMeans = lambda n_jobs, **named: plain(**named)  # noqa: ARG005
    fitted: list[Any] = []
    path = str((folder / "all_errors.json").resolve())
    with threadpool_limits(1):
        took = cost(lambda: fitted.append(clusterworkflows.get_clusterer(path)))
    return {"clusterer": took, "inertia": float(fitted[0]["clusterer"].inertia_)}


def _pages(folder: Path) -> dict[str, Cost]:
    import threading
    from datetime import datetime

    from workflowwebtools import globalerrors

    loaded: list[Any] = []
    load = cost(lambda: loaded.append(globalerrors.ErrorInfo(str((folder / "all_errors.json").resolve()))))
    info = loaded[0]
    session = {"info": info, "lock": threading.Lock()}
    for workflow in info.return_workflows():
        info.get_workflow(workflow).get_workflow_parameters()

    def asked(workflow: str) -> float:
        date = globalerrors.check_session(session).get_workflow(workflow).get_workflow_parameters()["RequestDate"]
        return time.mktime(datetime(*date).timetuple())  # noqa: DTZ001  # as it does

    def overview() -> None:
        errors = globalerrors.get_errors("errorcode", session)
        grouped = globalerrors.group_errors(errors, lambda task: task.split("/")[1], timestamp=asked)
        globalerrors.group_errors(grouped, lambda w: globalerrors.check_session(session).get_workflow(w).get_prep_id())

    return {"load": load, "overview": cost(overview)}


def _dump(folder: Path, repaired: bool, stored: bool) -> dict[str, Any]:
    """What its training set costs, as its ``/actionshistory`` makes it.

    *stored*: past errors are in its database already, which it then need not fill first.
    Its actions come from memory at once, in the place of MongoDB.
    """
    _stand_ins(folder)
    _configure(folder, repaired)
    import cherrypy

    cherrypy.config.update({"log.screen": False, "log.access_file": "", "log.error_file": ""})
    from workflowwebtools import actionshistorylink, manageactions, serverconfig

    past = folder / ("history.db" if stored else "all_errors.json")
    if stored and not past.exists():
        _fill(folder / "all_errors.json", past)
    serverconfig.workflow_history_path = lambda: str(past.resolve())
    actions = json.loads((folder / "actions.json").read_bytes())
    manageactions.get_actions = lambda *_a, **_k: actions
    taken = cost(lambda: actionshistorylink.dump_json(str(folder / "theirs.json")))
    return {"dump": taken, "peak_mb": peak_mb()}


def _fill(errors: Path, past: Path) -> None:
    """Its database *past* of the errors in *errors*, by its own hand."""
    import sqlite3

    from workflowwebtools import globalerrors

    with sqlite3.connect(past) as kept:
        globalerrors.ErrorInfo(str(errors.resolve())).conn.backup(kept)


if __name__ == "__main__":
    made_of, is_repaired, wanted = Path(sys.argv[1]), sys.argv[2] == "1", sys.argv[3]
    dumped = wanted in ("dump", "stored")
    told = _dump(made_of, is_repaired, wanted == "stored") if dumped else _run(made_of, is_repaired, wanted)
    print(json.dumps(told))
