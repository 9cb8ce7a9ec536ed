"""``python -m benchmarks [SIZE ...]``: every figure beside its bound, as ratios of one run.

Sizes are numbers of workflows, 1000 and 10000 when none is given; all three of 1000, 10000 and 100000 take ten minutes.
Times are seconds of the processor, so that a busy machine does not lie; [by the clock] where that is another story.
What readers and the browser see is by the clock.
``--write FILE`` puts the tables into a Markdown file between its two marks.
``--resume`` goes on where an earlier run of the same program was interrupted.

``python -m benchmarks soak`` reads all pages while refreshes come and go: see ``python -m benchmarks soak --help``.
``python -m benchmarks history`` measures the history of failed jobs; ``alike``, ``candidates``, ``clusterer``,
``dump``, ``learning``, ``live`` and ``logs`` in its place measure the room of that name, by the words that its module tells.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import bounds, generate, history, original, soak, worlds
from benchmarks.house import Cost, cost, middle
from benchmarks.server import environ
from benchmarks.table import as_markdown

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
#: Where what was measured of a size is kept for ``--resume``.
KEPT = Path("build/bench")
#: Rooms that are measured by themselves, each by the module of its name.
ROOMS = ("alike", "candidates", "clusterer", "dump", "learning", "live", "logs")


def process(module: str, *words: str) -> Any:
    """What one kind of measurement says, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *words],
        capture_output=True, text=True, check=False, env=environ(),
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"benchmarks.{module} {' '.join(words)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def costs(told: dict[str, Any]) -> dict[str, Any]:
    """*told* with its pairs as costs again: JSON knows lists only."""
    return {name: Cost(*value) if isinstance(value, list) else value for name, value in told.items()}


def bound(path: Path, runs: int) -> dict[str, Any]:
    """The bounds on the same file."""
    times = [cost(lambda: bounds.ingest(path)) for _ in range(runs)]
    pivot = bounds.prepare(bounds.ingest(path))
    screens = [cost(lambda: bounds.first_screen(pivot)) for _ in range(runs)]
    n = len(pivot.table.workflows)
    pages = [cost(bounds.workflow, pivot, n * i // 40) for i in range(40)]
    lists = [cost(bounds.listing, pivot, c, s) for c, s in bounds.busy_pairs(pivot)]
    return {
        "cells": len(pivot.table.task),
        "ingest": middle(times),
        "first_screen": middle(screens),
        "workflow": middle(pages),
        "list": middle(lists),
    }


def show(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def measure(size: int, folder: Path, load: str, hasty: bool) -> dict[str, Any]:
    """Everything about one size; *hasty*: everything once and briefly."""
    show(f"{size:,} workflows: making the file")
    path = generate.write(folder, size) if load == "generate" else worlds.write(folder, size)
    found: dict[str, Any] = {"size": size, "loaded": f"from `{load}`", "not_measured": ""}
    show(f"{size:,} workflows: bounds")
    runs = 1 if hasty else 5 if size < 100_000 else 2
    brief = ["--hasty"] if hasty else []
    found["bound"] = bound(path, runs)
    for what in ("refresh", "pages"):
        show(f"{size:,} workflows: ours, {what}")
        found |= process("house", what, str(folder), str(runs))
    show(f"{size:,} workflows: readers, refreshes, restarts")
    found["load"] = process("load", str(folder), *brief)
    show(f"{size:,} workflows: Chromium")
    found["browser"] = process("browser", str(folder), *brief)
    if not found["browser"]:
        found["not_measured"] = "what Chromium shows (it, or playwright, is not installed); "
    if size == 10_000:
        show(f"{size:,} actions: submitted, fetched, reported")
        found["executor"] = process("executor", str(size))
    if size <= 10_000 and load == "generate":  # its stand-ins for services know these names only
        show(f"{size:,} workflows: the original, if it is installed")
        found["original"] = original.measure(folder, repaired=False) if size <= 1000 else None
        found["repaired"] = original.measure(folder, repaired=True)
        missing = [name for name in ("original", "repaired") if not found[name]]
        if missing:
            why = original.why_not() or "it takes minutes"
            found["not_measured"] += f"the older console, {' and '.join(missing)} ({why})"
    return found


def checksum() -> str:
    """Of all that is measured: results of other programs are not to stand in one table."""
    root = Path(__file__).parents[1]
    digest = hashlib.blake2b(digest_size=8)
    for place in ("wwt_framework", "plugins", "benchmarks"):
        for path in sorted((root / place).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def measured(size: int, how: argparse.Namespace) -> dict[str, Any]:
    """What was measured of a size; to resume is to take what an earlier run of this program has kept."""
    kept = KEPT / f"{how.load}-{size}-{checksum()}{'-hasty' if how.hasty else ''}.json"
    if not (how.resume and kept.exists()):
        with tempfile.TemporaryDirectory(prefix="wwt-bench-") as scratch:
            folder = (how.folder or Path(scratch)).resolve() / f"{how.load}-{size}"
            found = measure(size, folder, how.load, how.hasty)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found))
    found = costs(json.loads(kept.read_text()))
    for name in ("bound", "original", "repaired"):
        if found.get(name):
            found[name] = costs(found[name])
    return found


def machine(began: float) -> str:
    """On what it ran, and how busy that was with other things."""
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{time.monotonic() - began:.0f} s in all; waiting for a core over the last 1, 5 and 15 minutes: {loads}."
    )


def main() -> None:
    if sys.argv[1:2] == ["soak"]:
        sys.exit(soak.main(sys.argv[2:]))
    if sys.argv[1:2] == ["history"]:
        sys.exit(history.main(sys.argv[2:]))
    if sys.argv[1:2] and sys.argv[1] in ROOMS:
        runpy.run_module(f"benchmarks.{sys.argv.pop(1)}", run_name="__main__")
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10_000], metavar="SIZE")
    parser.add_argument("--load", choices=("generate", "world"), default="generate", help="whose made-up grid")
    parser.add_argument("--folder", type=Path, help="keep the made-up files here; otherwise they are made anew")
    parser.add_argument("--resume", action="store_true", help="do not measure again what is measured already")
    parser.add_argument("--hasty", action="store_true", help="everything once and briefly, to see that it runs")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this file")
    arguments = parser.parse_args()
    began = time.monotonic()
    sizes = sorted(set(arguments.sizes))
    every = [measured(size, arguments) for size in sizes]
    text = as_markdown(every, machine(began))
    print(text)
    if arguments.write:
        before, _, rest = arguments.write.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        arguments.write.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
