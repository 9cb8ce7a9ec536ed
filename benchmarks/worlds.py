"""The files of ``generate``, but of the made-up grid that the program ships: what one of its snapshots holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from wwt_framework.app import App
from wwt_framework.model import NOT_REPORTED, Readiness
from wwt_framework.services.refresh import refresh
from wwt_framework.snapshot import Snapshot, open_snapshot

CONFIG = "wwt: {{data_dir: house}}\nerrors:\n  world: {{workflows: {workflows}}}\nauth:\n  local: {{}}\n"


def write(folder: Path, workflows: int) -> Path:
    """Write ``all_errors.json`` and ``prodstatus.txt`` into *folder*; returns the former. A second call does nothing."""
    path = folder / "all_errors.json"
    if not path.exists():
        snapshot = taken(folder / "world", workflows)
        path.write_bytes(orjson.dumps(dict(tasks(snapshot))))
        (folder / "prodstatus.txt").write_text("".join(sites(snapshot)))
    return path


def taken(folder: Path, workflows: int) -> Snapshot:
    """A snapshot of the grid, taken in *folder* as an installation takes it."""
    folder.mkdir(parents=True)
    config = folder / "plugins.yml"
    config.write_text(CONFIG.format(workflows=workflows))
    app = App.build(config)
    try:
        report = refresh(app.house.hooks, app.house.config, app.store, app.house.config.house.data_dir)
        return open_snapshot(app.house.config.house.data_dir / "snapshots" / report.version)
    finally:
        app.close()


def tasks(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, dict[str, int]]]]:
    """Each task with what failed of it: ``{code: {site: n}}``."""
    cube: Any = snapshot.cube
    codes = ["NotReported" if code == NOT_REPORTED else str(code) for code in cube.codes.tolist()]
    code, site, count = cube.cell_code.tolist(), cube.cell_site.tolist(), cube.cell_count.tolist()
    bounds = cube.task_cells.tolist()
    for at, task in enumerate(cube.tasks):
        told: dict[str, dict[str, int]] = {}
        for cell in range(bounds[at], bounds[at + 1]):
            told.setdefault(codes[code[cell]], {})[cube.sites[site[cell]]] = count[cell]
        yield task, told


def sites(snapshot: Snapshot) -> Iterator[str]:
    """Lines of the page of production statuses."""
    words = {Readiness.GREEN: "enabled", Readiness.YELLOW: "drain", Readiness.RED: "disabled"}
    for site, status in sorted(snapshot.sites.items()):
        word = words.get(status.readiness, "enabled")
        yield f"2021-03-01 00:15:00 {site} {word} {status.readiness.colour} https://example.org/{site}\n"
