"""``python -m benchmarks dump FOLDER [--tasks N] [--original PYTHON]``: the history of actions as the older console's JSON.

Ours: `wwt export-history` on a store that holds N decided tasks. The older console's: its own ``dump_json``, on a database
of the same failed jobs and the same actions, run by the Python that has it (`benchmarks/original.py` says how).
Seconds of the processor, the middle of three; the peak is that of the whole process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from benchmarks.house import Cost, cost, middle, peak_mb
from benchmarks.table import time_words
from wwt_framework.evidence import decision_label
from wwt_framework.services.learning.files import read_history, write_history
from wwt_framework.services.learning.history import take_over
from wwt_framework.store import open_store

#: Whether its two accidents are removed, and whether its database of past errors is there already.
VARIANTS = (
    (False, False, "as it is, from a file of past errors"), (False, True, "as it is, from its database"),
    (True, False, "repaired, from a file"), (True, True, "repaired, from its database"),
)  # fmt: skip


def make(folder: Path, tasks: int, seed: int = 5) -> Path:
    """The store and the older console's files of at least *tasks* tasks, made once; the store."""
    store_path = folder / f"dump-{tasks}.db"
    if store_path.exists():
        return store_path
    folder.mkdir(parents=True, exist_ok=True)
    from wwt_plugins.errors.world.command import write_history as write_past
    from wwt_plugins.errors.world.past import past_of

    history = folder / f"dump-{tasks}-{seed}.jsonl.gz"
    if not history.exists():
        write_past(history, past_of(tasks, seed))
    past = read_history(history)
    _theirs(folder, past)
    store = open_store(f"sqlite:///{store_path}.new")
    take_over(store, past, "benchmark")
    store.close()
    Path(f"{store_path}.new").rename(store_path)
    return store_path


def _theirs(folder: Path, past: Any) -> None:
    """The older console's three files: errors, sites, actions."""
    errors: dict[str, dict[str, dict[str, int]]] = {}
    actions: dict[str, Any] = {}
    ready: dict[str, str] = {}
    for decision in past:
        for cell in decision.case.errors:
            code = str(cell.exit_code) if cell.exit_code >= 0 else "NotReported"
            errors.setdefault(cell.task, {}).setdefault(code, {})[cell.site] = cell.count
        ready.update((name, status.readiness.colour) for name, status in decision.case.sites.items())
        action = decision.action
        label = decision_label(action.kind, action.values)
        values = dict(action.task_values) if action.task_values else dict(action.values)
        actions[action.workflow] = {"Action": label, "Parameters": values}
    (folder / "all_errors.json").write_bytes(orjson.dumps(errors))
    (folder / "actions.json").write_bytes(orjson.dumps(actions))
    lines = (
        f"2021-03-01 00:15:00 {site} enabled {colour} https://example.org/{site}\n" for site, colour in ready.items()
    )
    (folder / "prodstatus.txt").write_text("".join(lines))


def ours(path: Path, into: Path) -> dict[str, Any]:
    """What it costs us, in this process."""
    store = open_store(f"sqlite:///{path}")
    taken, entries = [], 0
    for _ in range(3):

        def work() -> None:
            nonlocal entries
            entries = write_history(into, store)

        taken.append(cost(work))
    store.close()
    return {
        "dump": middle(taken),
        "entries": entries,
        "peak_mb": peak_mb(),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks dump")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, default=40_000)
    parser.add_argument("--original", default=sys.executable, help="the Python that has the older console")
    parser.add_argument("--ours", action="store_true", help="measure ours in this process, and print JSON")
    given = parser.parse_args()
    path = make(given.folder, given.tasks)
    if given.ours:
        print(json.dumps(ours(path, given.folder / "ours.json")))
        return
    words = [sys.executable, "-m", "benchmarks.dump", str(given.folder), "--tasks", str(given.tasks), "--ours"]
    mine = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    print(f"{mine['entries']:,} tasks\n\n| who | processor | by the clock | peak | times ours |\n|---|---|---|---|---|")
    _line("`wwt export-history`", mine, 1.0)
    for repaired, stored, words_ in VARIANTS:
        theirs = _original(given.original, given.folder, repaired, stored)
        if isinstance(theirs, str):
            print(f"\nnot measured, the older console, {words_}: {theirs}")
        else:
            _line(f"the older console, {words_}", theirs, Cost(*theirs["dump"]).cpu / Cost(*mine["dump"]).cpu)


def _original(python: str, folder: Path, repaired: bool, stored: bool) -> dict[str, Any] | str:
    """What it costs the older console; or why that is not known."""
    words = [
        python,
        "-W",
        "ignore",
        "-m",
        "benchmarks.original",
        str(folder),
        str(int(repaired)),
        "stored" if stored else "dump",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _line(name: str, told: dict[str, Any], times: float) -> None:
    taken = Cost(*told["dump"])
    print(
        f"| {name} | {time_words(taken.cpu)} | {time_words(taken.wall)} | {told['peak_mb']:,.0f} MB | {times:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
