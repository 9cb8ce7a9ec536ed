"""Our side: one process that takes a snapshot of an errors file, or serves pages from it, and tells what it cost.

``python -m benchmarks.house refresh FOLDER`` and ``python -m benchmarks.house pages FOLDER`` print one JSON object.
Pages are asked in place, through the WSGI callable: no network, one thread, what the server itself costs.
"""

from __future__ import annotations

import gc
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults

P = ParamSpec("P")

CONFIG = """\
wwt: {data_dir: house}
errors:
  json_file: {path: all_errors.json}
  prod_status: {path: prodstatus.txt}
  cms_names: {}
  cms_exit_codes: {}
  cms_links: {}
auth:
  local: {}
"""


class Cost(NamedTuple):
    """Seconds of the processor, all threads of this process together, and by the clock on the wall.

    The first is what a busy machine does not change much; the second has the waiting for disks, too.
    """

    cpu: float
    wall: float


def cost(work: Callable[P, Any], *args: P.args, **named: P.kwargs) -> Cost:
    """What *work* costs, once, of these arguments."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work(*args, **named)
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def peak_mb() -> float:
    """The most memory that this process ever had; what the system tells of usage has that of its parent in it."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def middle(costs: Iterable[Cost]) -> Cost:
    """The median, of each clock by itself."""
    cpu, wall = zip(*costs, strict=True)
    return Cost(statistics.median(cpu), statistics.median(wall))


def write_config(folder: Path) -> Path:
    """An installation in *folder*, which holds the files of ``generate``."""
    path = folder / "plugins.yml"
    path.write_text(CONFIG)
    return path


def measure_refresh(folder: Path, runs: int = 5) -> dict[str, Any]:
    """Errors file -> published snapshot that is open for pages; the first run has nothing kept."""
    from wwt_framework.app import App
    from wwt_framework.services.board import Board
    from wwt_framework.services.refresh import HISTORY_BEGINS, refresh

    app = App.build(write_config(folder))
    house = app.house
    data_dir = house.config.house.data_dir

    def published() -> Cost:
        """Until the snapshot is open for pages; what comes after, the history, has a measurement of its own."""
        gc.collect()
        began, at = (time.process_time(), time.perf_counter()), []

        def note(fraction: float | None, _: str) -> None:
            if fraction == HISTORY_BEGINS:
                assert len(Board(data_dir, app.store).snapshot.cube)
                at.append(Cost(time.process_time() - began[0], time.perf_counter() - began[1]))

        refresh(house.hooks, house.config, app.store, data_dir, progress=note)
        return at[0]

    first = published()
    later = [published() for _ in range(runs)]
    app.close()
    return {"refresh_first": first, "refresh": middle(later)}


class Client:
    """Asks the pages in place."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def get(self, path: str) -> bytes:
        """The body as sent, compressed. Raises AssertionError unless the answer is 200."""
        bare, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET", "PATH_INFO": bare, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": io.BytesIO(), "HTTP_HOST": "wwt.example", "HTTP_ACCEPT": "text/html",
            "HTTP_ACCEPT_ENCODING": "gzip",
        }  # fmt: skip
        setup_testing_defaults(environ)
        told: list[str] = []
        answer = self.application(environ, lambda status, *_: told.append(status))
        try:
            body = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        assert told[-1].startswith("200"), f"{path}: {told[-1]}: {body[:300]!r}"
        return body

    def keep(self, path: str, into: list[bytes]) -> None:
        """Put the body *into* a list."""
        into.append(self.get(path))


def _overviews(client: Client, snapshot: Any, runs: int) -> dict[str, Any]:
    """Every orientation without and with filters; no address twice, so that nothing can be remembered."""
    plain = [{"pievar": pievar} for pievar in ("errorcode", "sitename", "stepname")]
    campaign = max(snapshot.campaigns)
    search = next(group for group in ("SUS", "RunII", "task") if any(group in prep for prep in snapshot.preps))
    filtered = [{**query, "campaign": campaign} for query in plain]
    filtered += [{**query, "search": search} for query in plain] + [{**query, "tier": "T1"} for query in plain]
    found: dict[str, Any] = {}
    for name, queries in (("overview", plain), ("overview_filtered", filtered)):
        times, sizes = [], []
        for run in range(runs):
            for query in queries:
                address = "/globalerror?" + urlencode({**query, "minimum": 1 + run})
                bodies: list[bytes] = []
                times.append(cost(client.keep, address, bodies))
                sizes.append(len(bodies[0]))
        found[name], found[f"{name}_worst"] = middle(times), max(times)
        found[f"{name}_gz_kb"] = max(sizes) / 1000
    return found


def measure_pages(folder: Path, runs: int = 5) -> dict[str, Any]:
    """Pages of the snapshot that ``measure_refresh`` left in *folder*."""
    from wwt_framework.app import App
    from wwt_framework.web import wsgi

    app = App.build(folder / "plugins.yml")
    client = Client(wsgi.build(app))
    found: dict[str, Any] = {"first_page_after_start": cost(lambda: client.get("/globalerror"))}
    snapshot = app.board.snapshot
    names = snapshot.workflow_names()
    found["first_page_of_a_visitor"] = middle(cost(lambda: client.get("/globalerror")) for _ in range(15))
    found |= _overviews(client, snapshot, runs)
    picked = [names[len(names) * i // 40] for i in range(40)]
    pages = [cost(client.get, f"/seeworkflow?workflow={quote(name)}") for name in picked]
    found["workflow"], found["workflow_worst"] = middle(pages), max(pages)
    found |= _lists(client, snapshot.cube, runs)
    app.close()
    return found


#: Lines of a page of a list, and pages that are asked for.
LINES, LISTS = 200, 10


def _lists(client: Client, cube: Any, runs: int) -> dict[str, Any]:
    """The fullest pages there are: where a list has 200 lines, its first page has them all."""
    workflows = {}
    for at, (begin, end) in enumerate(pairwise(cube.code_site_start.tolist())):
        workflows[at] = len(set(cube.cell_workflow[cube.code_site_cells[begin:end]].tolist())) if begin < end else 0
    picked = sorted(workflows, key=workflows.__getitem__)[-LISTS:]
    pairs = [(int(cube.codes[at // len(cube.sites)]), cube.sites[at % len(cube.sites)]) for at in picked]
    costs = [
        cost(client.get, f"/listpage?errorcode={code}&sitename={quote(site)}")
        for code, site in pairs
        for _ in range(runs)
    ]
    lines = int(statistics.median(min(LINES, workflows[at]) for at in picked))
    return {"list": middle(costs), "list_worst": max(costs), "list_lines": lines}


if __name__ == "__main__":
    runs = {} if len(sys.argv) < 4 else {"runs": int(sys.argv[3])}
    measure = {"refresh": measure_refresh, "pages": measure_pages}[sys.argv[1]]
    print(json.dumps(measure(Path(sys.argv[2]), **runs)))
