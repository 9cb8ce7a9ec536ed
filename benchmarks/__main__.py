"""``python -m benchmarks [SIZE ...]``: every figure beside its bound, as ratios of one run.

Sizes are numbers of workflows, 1000 and 10000 when none is given; 100000 takes some minutes.
Times are seconds of the processor, so that a busy machine does not lie; [by the clock] where that is another story.
``--write FILE`` puts the table into a Markdown file between its two marks.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import bounds, generate, original
from benchmarks.house import Cost, cost, middle

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def house(what: str, folder: Path, runs: int) -> dict:
    """One kind of measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.house", what, str(folder), str(runs)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"measuring {what} in {folder} failed:\n{done.stderr}")
    told = json.loads(done.stdout.splitlines()[-1])
    return {name: Cost(*value) if isinstance(value, list) else value for name, value in told.items()}


def bound(path: Path, runs: int) -> dict:
    """The bounds on the same file."""
    times = [cost(lambda: bounds.ingest(path)) for _ in range(runs)]
    pivot = bounds.prepare(bounds.ingest(path))
    screens = [cost(lambda: bounds.first_screen(pivot)) for _ in range(runs)]
    n = len(pivot.table.workflows)
    pages = [cost(lambda i=i: bounds.workflow(pivot, n * i // 40)) for i in range(40)]
    lists = [cost(lambda c=c, s=s: bounds.listing(pivot, c, s)) for c, s in bounds.busy_pairs(pivot)]
    return {
        "cells": len(pivot.table.task),
        "ingest": middle(times),
        "first_screen": middle(screens),
        "workflow": middle(pages),
        "list": middle(lists),
    }


def show(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def measure(size: int, folder: Path) -> dict:
    """Everything about one size."""
    show(f"{size:,} workflows: making the file")
    path = generate.write(folder, size)
    found = {"size": size}
    show(f"{size:,} workflows: bounds")
    runs = 5 if size < 100_000 else 2
    found["bound"] = bound(path, runs)
    for what in ("refresh", "pages", "memory"):
        show(f"{size:,} workflows: ours, {what}")
        found |= house(what, folder, runs)
    if size <= 10_000:
        show(f"{size:,} workflows: the original, if it is installed")
        found["original"] = original.measure(folder, repaired=False) if size <= 1000 else None
        found["repaired"] = original.measure(folder, repaired=True)
    return found


def _time(value: float) -> str:
    return f"{value * 1000:,.1f} ms" if value < 1 else f"{value:,.2f} s"


#: How many times faster than the older console, at the sizes for which there is a goal.
GOALS = {("original", 1000): {"overview": 500}, ("repaired", 10_000): {"load": 5, "overview": 100}}


def _ms(cost: Cost) -> str:
    """Of the processor; by the clock, too, where that is another story."""
    waited = cost.wall > 1.2 * cost.cpu and cost.wall - cost.cpu > 0.001
    return _time(cost.cpu) + (f" [{_time(cost.wall)}]" if waited else "")


def _cpu(value: Cost | float) -> float:
    return value.cpu if isinstance(value, Cost) else value


def _ratio(ours: Cost, theirs: Cost) -> str:
    """In seconds of the processor; by the clock in brackets."""
    return f"{ours.cpu / theirs.cpu:.2f} [{ours.wall / theirs.wall:.2f}]"


def _verdict(met: bool | None) -> str:
    return "not measured" if met is None else "met" if met else "**missed**"


def rows(found: dict) -> list[tuple[str, str, str, str, str]]:
    """Goal, what, measured, against what, verdict; for one size."""
    limit, big = found["bound"], found["size"] >= 100_000
    screens = max(found["overview"].cpu, found["overview_filtered"].cpu)
    plain = f"{_ms(found['overview'])} ({_ms(found['overview_worst'])})"
    filtered = f"{_ms(found['overview_filtered'])} ({_ms(found['overview_filtered_worst'])})"
    overviews = f"{plain}; filtered {filtered}"
    table = [
        ("G1", "errors file to an open snapshot", _ms(found["refresh"]),
         f"{_ratio(found['refresh'], limit['ingest'])} x orjson + columns ({_ms(limit['ingest'])}); goal 2",
         _verdict(found["refresh"].cpu <= 2 * limit["ingest"].cpu)),
        ("G2", "first page of a new visitor", _ms(found["first_page_of_a_visitor"]),
         f"goal 50 ms; the very first after a start {_ms(found['first_page_after_start'])}",
         _verdict(found["first_page_of_a_visitor"].cpu <= 0.05) if found["size"] <= 10_000 else ""),
        ("G3", "overview, any orientation, median (worst)", overviews,
         f"{screens / limit['first_screen'].cpu:.2f} x pivot + 50 rows ({_ms(limit['first_screen'])}); goal 3",
         _verdict(screens <= 3 * limit["first_screen"].cpu)),
        ("G3", "its size, gzipped, largest", f"{max(found['overview_gz_kb'], found['overview_filtered_gz_kb']):.1f} kB",
         "goal 100 kB", _verdict(max(found["overview_gz_kb"], found["overview_filtered_gz_kb"]) <= 100)),
        ("G4", "workflow page, median (worst)", f"{_ms(found['workflow'])} ({_ms(found['workflow_worst'])})",
         f"goal 10 ms; bound {_ms(limit['workflow'])}", _verdict(found["workflow"].cpu <= 0.01)),
        ("G5", "list(code, site), median (worst)", f"{_ms(found['list'])} ({_ms(found['list_worst'])})",
         f"goal 5 ms; bound {_ms(limit['list'])}", _verdict(found["list"].cpu <= 0.005)),
        ("G11", "resident memory of a server", f"{found['rss_mb']:.0f} MB",
         f"goal {1500 if big else 300} MB; the refresh peaks at {found['refresh_peak_mb']:.0f} MB",
         _verdict(found["rss_mb"] <= (1500 if big else 300))),
    ]  # fmt: skip
    for name, words in (("original", "the original"), ("repaired", "the original, repaired")):
        theirs = found.get(name)
        if theirs:
            goals = GOALS.get((name, found["size"]), {})
            for goal, key, ours in (("G1", "load", found["refresh"]), ("G3", "overview", found["overview"])):
                ratio = theirs[key].cpu / ours.cpu
                least = goals.get(key)
                against = f"{ratio:,.1f} x ours; goal {least or 'at another size only'}"
                verdict = _verdict(ratio >= least) if least else ""
                table.append((goal, f"{key}, {words}", _ms(theirs[key]), against, verdict))
    return table


def growth(all_found: list[dict]) -> list[tuple[str, str, str, str, str]]:
    """G12: exponents from the smallest to the largest size."""
    if len(all_found) < 2:
        return []
    small, large = all_found[0], all_found[-1]
    steps = math.log(large["size"] / small["size"])
    limits = {"refresh": 1.1, "rss_mb": 1.1, "workflow": 0.2, "list": 0.2, "first_page_of_a_visitor": 0.2}
    table = []
    for key, limit in limits.items():
        exponent = math.log(_cpu(large[key]) / _cpu(small[key])) / steps
        name = key.replace("_", " ")
        table.append(("G12", f"growth of {name}", f"n^{exponent:.2f}", f"goal n^{limit}", _verdict(exponent <= limit)))
    return table


def as_markdown(all_found: list[dict]) -> str:
    """The tables."""
    lines = []
    for found in all_found:
        lines += [f"### {found['size']:,} workflows, {found['bound']['cells']:,} cells", ""]
        lines += _table(rows(found))
        missing = [name for name in ("original", "repaired") if name in found and not found[name]]
        if missing:
            lines += [f"Not measured in this run: {', '.join(missing)} ({original.why_not() or 'takes minutes'}).", ""]
    if grown := growth(all_found):
        lines += [
            f"### Growth from {all_found[0]['size']:,} to {all_found[-1]['size']:,} workflows",
            "",
            *_table(grown),
        ]
    return "\n".join(lines)


def _table(table: list[tuple[str, str, str, str, str]]) -> list[str]:
    head = ["| goal | what | measured | against | |", "|---|---|--:|---|---|"]
    return [*head, *(f"| {' | '.join(row)} |" for row in table), ""]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10_000], metavar="SIZE")
    parser.add_argument("--folder", type=Path, help="keep the made-up files here; otherwise they are made anew")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wwt-bench-") as scratch:
        folder = arguments.folder or Path(scratch)
        text = as_markdown([measure(size, folder / str(size)) for size in arguments.sizes])
    print(text)
    if arguments.write:
        before, _, rest = arguments.write.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        arguments.write.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
