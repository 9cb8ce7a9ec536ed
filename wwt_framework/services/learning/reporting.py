"""Scores as JSON, as text for a terminal, and as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from wwt_framework.services.learning.scoring import METRICS, Scores

_HEADS = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced", "macro_f1": "macro F1", "auc_acdc": "AUC acdc",
    "log_loss": "log-loss", "calibration_error": "ECE",
}  # fmt: skip


def plain(scores: Scores) -> dict[str, Any]:
    """*scores* as JSON values."""
    return {
        "name": scores.name, "tasks": scores.tasks, "families": scores.families,
        "numbers": {
            name: {"value": one.value, "low": one.low, "high": one.high} for name, one in scores.numbers.items()
        },
        "classes": [
            {"label": one.label, "decided": one.decided, "said": one.said, "precision": one.precision, "recall": one.recall}
            for one in scores.classes
        ],
        "confusion": [list(row) for row in scores.confusion],
        "curve": [list(point) for point in scores.curve],
        "coverage": scores.coverage, "accuracy_when_sure": scores.accuracy_when_sure,
    }  # fmt: skip


def lines(scored: Sequence[Scores]) -> Iterator[str]:
    """A table of all numbers with their intervals, then the classes of each."""
    width = max((len(one.name) for one in scored), default=0)
    for one in scored[:1]:
        yield f"{one.tasks:,} tasks of {one.families:,} families; in brackets: 95 % intervals"
    yield ""
    yield f"{'':{width}}  " + "  ".join(f"{_HEADS[name]:^22}" for name in METRICS)
    for one in scored:
        yield f"{one.name:{width}}  " + "  ".join(f"{one.numbers[name]!s:^22}" for name in METRICS)
    for one in scored:
        yield ""
        yield f"{one.name}: {_words(one)}"
        for each in one.classes:
            yield (
                f"  {each.label:<16} decided {each.decided:>6}  said {each.said:>6}"
                f"  precision {_share(each.precision)}  recall {_share(each.recall)}"
            )


def _words(scores: Scores) -> str:
    """Whether there is anything in it."""
    area = scores.numbers["auc_acdc"]
    if area.low is None or area.value is None:
        return "too few tasks, or only one decision: nothing can be told"
    known = "knows no more than chance" if area.low <= 0.5 else "tells acdc from the rest better than chance"
    sure = "" if scores.accuracy_when_sure is None else f", right in {scores.accuracy_when_sure:.1%} of these"
    return f"{known}; sure of {scores.coverage:.0%} of tasks{sure}"


def _share(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"


# -- pictures: SVG that needs no style of the page, readable on light and dark ---


def calibration_svg(report: Mapping[str, Any], title: str) -> str:
    """What was said against what was so: a point for each tenth of the tasks, on the line when honest.

    *report* as `plain` gives it.
    """
    points = [(float(said), float(was), int(count)) for said, was, count in report["curve"]]
    low = min([said for said, _, _ in points] + [was for _, was, _ in points] + [0.9])
    low = max(0.0, int(low * 10) / 10)
    size, edge = 240, 44

    def place(value: float) -> float:
        return edge + (value - low) / (1 - low) * size

    marks = [low + (1 - low) * i / 5 for i in range(6)]
    parts = [_line(place(low), _flip(place(low), size, edge), place(1), _flip(place(1), size, edge), "4 3")]
    for mark in marks:
        x, y = place(mark), _flip(place(mark), size, edge)
        parts.append(_text(x, size + edge + 16, f"{mark:.0%}", "middle"))
        parts.append(_text(edge - 6, y + 4, f"{mark:.0%}", "end"))
    parts.append(
        f'<rect x="{edge}" y="{edge - 24}" width="{size}" height="{size + 24}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
    )
    for said, was, count in points:
        x, y = place(said), _flip(place(was), size, edge)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#2563eb"><title>said {said:.1%}, right {was:.1%}, '
            f"{count:,} tasks</title></circle>"
        )
    parts.append(_text(edge + size / 2, size + edge + 34, "said", "middle"))
    parts.append(_text(edge + 4, edge - 10, "was right", "start"))
    return _svg(size + edge + 16, size + edge + 42, title, parts)


def confusion_svg(report: Mapping[str, Any], title: str) -> str:
    """Decided (rows) against said (columns); the darker, the larger the share of the row."""
    labels = [one["label"] for one in report["classes"]]
    cell, left, top = 64, 130, 34
    parts = []
    for i, row in enumerate(report["confusion"]):
        parts.append(_text(left - 8, top + i * cell + cell / 2 + 4, labels[i][:16], "end"))
        parts.append(_text(left + i * cell + cell / 2, top - 10, labels[i][:9], "middle"))
        total = sum(row)
        for j, count in enumerate(row):
            x, y, share = left + j * cell, top + i * cell, count / total if total else 0
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" fill="{"#16a34a" if i == j else "#dc2626"}" '
                f'fill-opacity="{0.05 + 0.3 * share:.2f}" stroke="currentColor" stroke-opacity="0.25"/>'
            )
            parts.append(_text(x + cell / 2, y + cell / 2 + 4, f"{count:,}", "middle"))
    return _svg(left + cell * len(labels) + 8, top + cell * len(labels) + 8, title, parts)


def _flip(x: float, size: float, edge: float) -> float:
    return size + 2 * edge - x


def _line(x1: float, y1: float, x2: float, y2: float, dashes: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="{dashes}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" font-family="sans-serif" fill="currentColor">{escape(text)}</text>'


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" color="#64748b"><title>{escape(title)}</title>{"".join(parts)}</svg>\n'
    )
