"""The written table: what was measured beside its goal, and whether that is met. Missed goals say so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.house import Cost


class Row(NamedTuple):
    """One line; the verdict is "" where there is no goal for this size."""

    goal: str
    what: str
    measured: str
    against: str
    verdict: str


#: How many times faster than the older console, at the sizes for which there is a goal.
GOALS = {("original", 1000): {"overview": 500}, ("repaired", 10_000): {"load": 5, "overview": 100}}
#: Resident memory, MB, at the sizes for which there is a goal.
MEMORY = {10_000: 300, 100_000: 1500}


def time_words(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def _ms(cost: Cost) -> str:
    """Of the processor; by the clock, too, where that is another story."""
    waited = cost.wall > 1.2 * cost.cpu and cost.wall - cost.cpu > 0.001
    return time_words(cost.cpu) + (f" [{time_words(cost.wall)}]" if waited else "")


def _ratio(ours: Cost, theirs: Cost) -> str:
    """In seconds of the processor; by the clock in brackets."""
    return f"{ours.cpu / theirs.cpu:.2f} [{ours.wall / theirs.wall:.2f}]"


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"


def _at(found: Mapping[str, Any], size: int, met: bool) -> str:
    """The verdict where there is a goal for this size only."""
    return verdict(met) if found["size"] == size else ""


def rows(found: Mapping[str, Any]) -> list[Row]:
    """All lines about one size."""
    return [
        *_data(found),
        *_pages(found),
        *_memory(found),
        *_readers(found),
        *_browser(found),
        *_executor(found),
        *_older(found),
    ]


def _data(found: Mapping[str, Any]) -> Iterator[Row]:
    ours, bare = found["refresh"], found["bound"]["ingest"]
    elsewhere = "" if found["size"] == 10_000 else " at 10,000"
    yield Row(
        "G1", "errors file to an open snapshot", _ms(ours),
        f"{_ratio(ours, bare)} x orjson + columns ({_ms(bare)}); goal 2{elsewhere}",
        _at(found, 10_000, ours.cpu <= 2 * bare.cpu),
    )  # fmt: skip


def _pages(found: Mapping[str, Any]) -> Iterator[Row]:
    bound = found["bound"]
    first = found["first_page_of_a_visitor"]
    yield Row(
        "G2", "first page of a new visitor", _ms(first), "goal 50 ms at 10,000", _at(found, 10_000, first.cpu <= 0.05)
    )
    started = found["first_page_after_start"]
    yield Row("G2", "the very first after a restart or a refresh", _ms(started), "no goal of its own", "")
    plain, filtered = found["overview"], found["overview_filtered"]
    screens = max(plain.cpu, filtered.cpu)
    yield Row(
        "G3", "overview, any orientation, median (worst)",
        f"{_ms(plain)} ({_ms(found['overview_worst'])}); filtered {_ms(filtered)} ({_ms(found['overview_filtered_worst'])})",
        f"{screens / bound['first_screen'].cpu:.2f} x pivot + 50 rows ({_ms(bound['first_screen'])}); goal 3",
        verdict(screens <= 3 * bound["first_screen"].cpu) if found["size"] >= 1000 else "",
    )  # fmt: skip
    largest = max(found["overview_gz_kb"], found["overview_filtered_gz_kb"])
    yield Row("G3", "its size, gzipped, largest", f"{largest:.1f} kB", "goal 100 kB", verdict(largest <= 100))
    for goal, key, words, limit in (
        ("G4", "workflow", "workflow page, median (worst)", 0.01),
        ("G5", "list", "list(code, site), fullest pages, median (worst)", 0.005),
    ):
        cost = found[key]
        lines = f" of {found['list_lines']} lines" if key == "list" else ""
        yield Row(
            goal, words, f"{_ms(cost)} ({_ms(found[key + '_worst'])}){lines}",
            f"goal {limit * 1000:.0f} ms; bound {_ms(bound[key])}", verdict(cost.cpu <= limit),
        )  # fmt: skip


def _memory(found: Mapping[str, Any]) -> Iterator[Row]:
    load = found["load"]
    limit = MEMORY.get(found["size"])
    goal = f"goal {limit} MB" if limit else "goals at 10,000 and 100,000"
    web, child = load["web_rss_mb"], load["refresh_process_peak_mb"]
    yield Row(
        "G11", "memory of the server, all kinds of pages served", f"{web:.0f} MB",
        f"{goal}; {load['web_private_mb']:.0f} MB of it shared with nobody", verdict(web <= limit) if limit else "",
    )  # fmt: skip
    yield Row(
        "G11", "memory of the refresh, at its peak", f"{child:.0f} MB", goal, verdict(child <= limit) if limit else ""
    )


def _readers(found: Mapping[str, Any]) -> Iterator[Row]:
    load = found["load"]
    yield Row(
        "", "restart: from the start of the program to the first page", time_words(load["restart_wall"]),
        f"the page itself {time_words(load['restart_page_wall'])}, by the clock", "",
    )  # fmt: skip
    unseen = load["slower"] <= 2 and load["swapped"] and not load["alone_errors"]
    yield Row(
        "G14", "one reader, mixed pages, while a refresh runs, median", time_words(load["during"]),
        f"{load['slower']:.2f} x without it, page by page ({time_words(load['alone'])}); not to show: at most 2; "
        f"first page of the new snapshot {time_words(load['swap_page'])}",
        verdict(unseen),
    )  # fmt: skip
    for name, words in (("pausing", "that look at each page for half a second"), ("driving", "that never pause")):
        told = load[name]
        limit = 10 * load["alone"]
        worst = max(told["p99"], told["p99_during"], told["p99_after"])
        good = worst <= limit and not told["errors"] and told["snapshots"] == 2
        yield Row(
            "G14", f"8 readers {words}: p99 before / during / after a refresh",
            " / ".join(time_words(told[key]) for key in ("p99", "p99_during", "p99_after")),
            f"goal 10 x the median of one reader ({time_words(limit)}); {told['errors']} errors in "
            f"{told['pages']:,} pages, median {time_words(told['median'])}",
            _at(found, 10_000, good),
        )  # fmt: skip


def _browser(found: Mapping[str, Any]) -> Iterator[Row]:
    told = found.get("browser")
    if not told:
        return
    at = 100_000
    yield Row(
        "G13", "overview drawn and scrollable in Chromium", f"{told['scrollable_ms']:.0f} ms",
        f"goal 1 s at 100,000; its HTML had come after {told['html_ms']:.0f} ms", _at(found, at, told["scrollable_ms"] <= 1000),
    )  # fmt: skip
    yield Row(
        "G13", "a row unfolded", f"{told['unfold_ms']:.0f} ms", "goal 100 ms", _at(found, at, told["unfold_ms"] <= 100)
    )
    yield Row(
        "G13", "frames over 50 ms while scrolling", f"{told['frames_over_50']:.0f} of {told['frames']:.0f}",
        f"goal 0; the longest {told['frame_worst_ms']:.0f} ms", _at(found, at, told["frames_over_50"] == 0),
    )  # fmt: skip


def _executor(found: Mapping[str, Any]) -> Iterator[Row]:
    """Durable: the disk is waited for, so the clock counts."""
    told = {name: Cost(*value) for name, value in found.get("executor", {}).items()}
    if not told:
        return
    first = f"goal 150 ms; the first time, with all of them to be sent, {_ms(told['getaction_first'])}"
    for key, what, limit, against in (
        ("submit", "submit one action", 0.010, "goal 10 ms"),
        ("getaction", "/getaction, 10,000 open", 0.150, first),
        ("reportaction", "/reportaction of 100", 0.020, "goal 20 ms"),
    ):
        yield Row("G8", what, _ms(told[key]), against, verdict(told[key].wall <= limit))


def _older(found: Mapping[str, Any]) -> Iterator[Row]:
    for name, words in (("original", "the original"), ("repaired", "the original, repaired")):
        theirs = found.get(name)
        if not theirs:
            continue
        goals = GOALS.get((name, found["size"]), {})
        for goal, key, ours in (("G1", "load", found["refresh"]), ("G3", "overview", found["overview"])):
            ratio, least = theirs[key].cpu / ours.cpu, goals.get(key)
            against = f"{ratio:,.1f} x ours; goal {least or 'at another size only'}"
            yield Row(goal, f"{key}, {words}", _ms(theirs[key]), against, verdict(ratio >= least) if least else "")


#: What grows how fast at most, as a power of the number of workflows.
GROWTH = {
    "refresh": ("a refresh", 1.1),
    "web_rss_mb": ("memory of the server", 1.1),
    "refresh_process_peak_mb": ("memory of the refresh", 1.1),
    "first_page_of_a_visitor": ("first page of a visitor", 0.2),
    "overview": ("overview", 0.2),
    "workflow": ("workflow page", 0.2),
    "list": ("list", 0.2),
}


def growth(small: Mapping[str, Any], large: Mapping[str, Any]) -> list[Row]:
    """G12: exponents between two sizes."""
    steps = math.log(large["size"] / small["size"])
    table = []
    for key, (words, limit) in GROWTH.items():
        exponent = math.log(_number(large, key) / _number(small, key)) / steps
        table.append(Row("G12", words, f"n^{exponent:.2f}", f"goal n^{limit}", verdict(exponent <= limit)))
    return table


def _number(found: Mapping[str, Any], key: str) -> float:
    value = found[key] if key in found else found["load"][key]
    return float(value.cpu if isinstance(value, Cost) else value)


def markdown(table: list[Row]) -> list[str]:
    head = ["| goal | what | measured | against | |", "|---|---|--:|---|---|"]
    return [*head, *(f"| {' | '.join(row)} |" for row in table), ""]


def as_markdown(every: Sequence[Mapping[str, Any]], machine: str) -> str:
    """The tables of all sizes, from small to large, and how things grow between the first and the last."""
    lines = [machine, ""]
    missed: list[str] = []
    for found in every:
        table = rows(found)
        missed += [f"{row.goal} at {found['size']:,} ({row.what})" for row in table if "missed" in row.verdict]
        lines += [
            f"### {found['size']:,} workflows, {found['bound']['cells']:,} cells, {found['loaded']}",
            "",
            *markdown(table),
        ]
        if found["not_measured"]:
            lines += [f"Not measured in this run: {found['not_measured'].removesuffix('; ')}.", ""]
    if len(every) > 1:
        small, large = every[0], every[-1]
        table = growth(small, large)
        missed += [f"{row.goal} ({row.what})" for row in table if "missed" in row.verdict]
        lines += [f"### Growth from {small['size']:,} to {large['size']:,} workflows", "", *markdown(table)]
    said = "; ".join(missed) if missed else "none"
    return "\n".join([f"**Missed:** {said}.", "", *lines])
