"""What planning and submitting cost: one workflow as most of the time, and hundreds at once.

``python -m benchmarks.desk [WORKFLOWS]`` takes a snapshot of the made-up grid and prints one JSON object: seconds of the
processor and by the clock for each figure. A submit waits for the disk, so its clock is the one that counts.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.house import Cost, cost, middle

CONFIG = """\
wwt: {{data_dir: house, bulk_confirm_above: 100000}}
errors:
  world: {{workflows: {workflows}}}
actions:
  acdc: {{}}
  clone: {{}}
  sites_to_run: {{}}
  procedures: {{}}
  drain_guard: {{}}
  task_guard: {{}}
  memory_guard: {{}}
  overlap_guard: {{}}
  executor: {{key: 0123456789abcdef}}
"""
#: Workflows that are acted on at once, and one by one.
BULK, SINGLE = 500, 60


class Desk:
    """An installation over the made-up grid, as one operator sees it."""

    def __init__(self, folder: Path, workflows: int) -> None:
        from wwt_framework.app import App
        from wwt_framework.model import User
        from wwt_framework.services.refresh import refresh

        path = folder / "plugins.yml"
        path.write_text(CONFIG.format(workflows=workflows))
        self.app = App.build(path)
        house = self.app.house
        refresh(house.hooks, house.config, self.app.store, house.config.house.data_dir)
        self.snapshot = self.app.board.snapshot
        self.user = User("olga", roles=frozenset({"operator"}))
        totals = self.snapshot.cube.workflow_total
        self.names = [
            name for i, name in enumerate(self.snapshot.workflow_names()) if totals[i] and "_ACDC" not in name
        ]

    def plan(self, form: Mapping[str, Any]) -> Any:
        from wwt_framework.services import desk

        hooks, store = self.app.house.hooks, self.app.store
        intent, problems = desk.read_form(hooks, self.snapshot, store, self.user, form)
        return desk.plan(
            hooks, self.snapshot, store, intent, self.user, problems=problems, house=self.app.house.config.house
        )

    def submit(self, plan: Any) -> None:
        from wwt_framework.services import desk

        told = desk.submit(self.app.house.hooks, self.snapshot, self.app.store, plan, confirmed=True)
        assert sum(line.state == "queued" for line in told.lines) == len(plan.go) > 0, plan.complaints

    def form(self, name: str) -> None:
        from wwt_framework.services import desk

        hooks, store = self.app.house.hooks, self.app.store
        intent, _ = desk.read_form(hooks, self.snapshot, store, self.user, {"workflow": name, "kind": "acdc"})
        desk.form_view(hooks, self.snapshot, store, self.user, intent)

    def listed(self) -> None:
        from wwt_framework.services import desk

        assert desk.action_lines(self.app.store, desk.ActionQuery()).total


def measure(workflows: int) -> dict[str, Any]:
    """Every figure, as seconds of the processor and by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), workflows)
        try:
            return {"workflows": len(desk.snapshot.workflow_names()), "with errors": len(desk.names), **_figures(desk)}
        finally:
            desk.app.close()


def _figures(desk: Desk) -> dict[str, Cost]:
    bulk, single = desk.names[:BULK], desk.names[BULK : BULK + SINGLE]
    kept: list[Any] = []
    told = {
        f"plan of {len(bulk)}": cost(lambda: kept.append(desk.plan({"workflows": bulk, "kind": "acdc"}))),
        f"submit of {len(bulk)}": cost(lambda: desk.submit(kept[0])),
        "form of one": middle([cost(desk.form, name) for name in single]),
    }
    plans: list[Any] = []

    def planned(name: str) -> None:
        plans.append(desk.plan({"workflow": name, "kind": "acdc"}))

    told["plan of one"] = middle([cost(planned, name) for name in single])
    told["submit of one"] = middle([cost(desk.submit, plan) for plan in plans if plan.go])
    told["list of actions"] = middle([cost(desk.listed) for _ in range(20)])
    return told


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
