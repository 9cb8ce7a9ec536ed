"""The procedures as a table: for the page, for programs and for the documentation."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from .library import Library, Listed
from .schema import When

COLUMNS: Mapping[str, type] = {
    "id": str, "codes": str, "title": str, "order": int, "conditions": str, "looks for": str, "cause": str, "normal": str,
    "additional": str, "action": str, "parameters": str, "source": str, "author": str, "reviewed": date, "file": str,
}  # fmt: skip


def condition_words(when: When) -> list[str]:
    """Every condition that is not as usual, in words."""
    states = [*when.production, *map(str, when.readiness)]
    said = [
        (when.task_types, f"task type {' or '.join(when.task_types)}"),
        (when.request_types, f"request type {' or '.join(when.request_types)}"),
        (when.not_request_types, f"request type not {' nor '.join(when.not_request_types)}"),
        (when.jobs_at_least > 1, f"at least {when.jobs_at_least:,} jobs"),
        *_between("of the task's failed jobs", when.share_at_least, when.share_below),
        (when.sites_at_least > 1, f"at {when.sites_at_least} sites or more"),
        (when.sites_at_most, f"at {_several(when.sites_at_most, 'site')} at most"),
        *_between("of them at one site", when.one_site_at_least, when.one_site_below),
        (states, f"at least {100 * when.at_such_sites:.0f} % of them at sites in {' or '.join(states)}"),
        (when.round_at_least, f"from ACDC round {when.round_at_least} on"),
        (when.round_at_most is not None, f"up to ACDC round {when.round_at_most}"),
        (when.counts == "complete", "counts complete and of now"),
    ]
    return [words for there, words in said if there]


def _several(number: int | None, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _between(what: str, least: float, below: float | None) -> list[tuple[object, str]]:
    return [
        (least, f"at least {100 * least:.0f} % {what}"),
        (below is not None, f"less than {100 * (below or 0):.0f} % {what}"),
    ]


def parameter_words(listed: Listed) -> str:
    """``splitting 3x, memory {limit+1000}``; "" for none."""
    action = listed.procedure.action
    pairs = action.parameters.items() if action else ()
    return ", ".join(f"{field} {' '.join(value) if isinstance(value, tuple) else value}" for field, value in pairs)


def rows(library: Library) -> list[tuple[Any, ...]]:
    """One row for each procedure, as COLUMNS; in the order of their smallest exit code, then of asking."""
    ordered = sorted(library.listed, key=lambda one: (min(one.procedure.codes), one.procedure.order))
    return [
        (
            one.id, " ".join(map(str, one.procedure.codes)), one.procedure.title, one.procedure.order,
            "; ".join(condition_words(one.procedure.when)),
            " ".join(expression.pattern for expression in one.procedure.look_for),
            one.procedure.cause, one.procedure.normal, one.procedure.additional,
            one.procedure.action.kind if one.procedure.action else "", parameter_words(one),
            one.source, one.author, one.reviewed, one.where,
        )
        for one in ordered
    ]  # fmt: skip


def as_csv(library: Library) -> str:
    """The table for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_safe(cell) for cell in row] for row in rows(library))
    return out.getvalue()


def _safe(cell: Any) -> Any:
    """Spreadsheets calculate what begins with = + - @: such texts get a quote before them."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell


_SHOWN = (
    ("codes", "exit codes"), ("title", "procedure"), ("conditions", "when"), ("cause", "cause"), ("normal", "normal"),
    ("additional", "additional"), ("action", "action"), ("source", "source"), ("reviewed", "reviewed"),
)  # fmt: skip


def as_markdown(library: Library) -> str:
    """The table for documentation."""
    lines = [f"| {' | '.join(words for _, words in _SHOWN)} |", "|" + "---|" * len(_SHOWN)]
    for row in rows(library):
        cells = dict(zip(COLUMNS, map(str, row), strict=True))
        parameters = f" ({cells['parameters']})" if cells["parameters"] else ""
        cells["action"] = f"{cells['action']}{parameters}" if cells["action"] else "none"
        lines.append("| " + " | ".join(_cell(cells[name]) for name, _ in _SHOWN) + " |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
