"""Message templates in a snapshot: which text is of which, and how many jobs of each workflow said what is of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

from wwt_framework.cube import Array
from wwt_framework.keylines import key_lines
from wwt_framework.model import Mined

#: Texts that are asked about in one call.
BATCH = 5_000
#: Characters of a template that are kept.
_LONGEST = 8_000
#: Messages told of an exit code or site at once, and characters of each.
_SAMPLES, _SHORT = 3, 160
#: Values of one text that are kept, and characters of each.
_VALUES, _VALUE = 100, 500

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: What tells of texts which templates they are of; a sentence that says why when it can not, "" when nobody is there.
Miner = Callable[[Sequence[str]], "Mined | str"]


def nobody(texts: Sequence[str]) -> str:  # noqa: ARG001  # as every miner is asked
    """The miner of a house that has none."""
    return ""


@dataclass(frozen=True, eq=False)
class LogTemplates:
    """All templates of a snapshot, and the jobs that said them: one row for each workflow and template.

    ``ids`` is sorted; ``workflow`` is an index into ``cube.workflows``, ``template`` into ``ids``; ``count`` is in
    jobs, as far as the sources know. Rows are sorted by workflow, then template.
    """

    ids: tuple[str, ...]
    texts: Mapping[str, str]  # id -> its text
    workflow: Array = field(repr=False)  # int32
    template: Array = field(repr=False)  # int32
    count: Array = field(repr=False)  # int64

    @classmethod
    def none(cls) -> LogTemplates:
        """Of a snapshot in which nobody looked for any."""
        return cls((), {}, np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64))


def mine_texts(path: Path, mine: Miner) -> dict[str, Array]:
    """Ask *mine* about every text in the file at *path*, write down its answers there, and return the columns.

    Texts that it can not tell of stay without a template; the first reason is kept.
    """
    db = sqlite3.connect(path, isolation_level=None)  # we begin and commit ourselves
    try:
        db.executescript("pragma journal_mode=off; pragma synchronous=off;")
        db.execute("begin")
        why = _ask(db, mine)
        db.execute("insert into mining values (?)", (why,))
        _keep_samples(db)
        db.execute("commit")
        return _columns(db)
    finally:
        db.close()


def _ask(db: sqlite3.Connection, mine: Miner) -> str:
    why = ""
    for numbers, texts in _batches(db):
        told = mine(texts)
        if isinstance(told, str) or (trouble := _trouble(told, texts)):
            why = why or (told if isinstance(told, str) else trouble)
            if why:
                continue
            return ""  # nobody is there
        values = told.values or ((),) * len(texts)
        db.executemany(
            "update text set template = ?, place_values = ? where id = ?",
            ((id_, orjson.dumps(_kept(some)), n) for n, id_, some in zip(numbers, told.of, values, strict=True) if id_),
        )
        db.executemany(
            "insert or replace into template values (?, ?)",
            ((one.id, _clean(one.text)[:_LONGEST]) for one in told.templates),
        )
    return why


def _batches(db: sqlite3.Connection) -> Iterator[tuple[list[int], list[str]]]:
    last = -1
    while rows := db.execute(
        "select id, text from text where id > ? and text != '' order by id limit ?", (last, BATCH)
    ).fetchall():
        last = rows[-1][0]
        yield [row[0] for row in rows], [row[1] for row in rows]


def _trouble(told: Mined, texts: Sequence[str]) -> str:
    """Why an answer can not be taken; "" when it can."""
    if len(told.of) != len(texts) or len(told.values) not in (0, len(texts)):
        return f"expected an answer for each of {len(texts)} texts, got {len(told.of)}"
    known = {one.id for one in told.templates}
    wrong = next((id_ for id_ in told.of if id_ and (id_ not in known or not _ID.fullmatch(id_))), None)
    return (
        f"a text is of the template {wrong!r}, which the answer does not tell or which can not be an id"
        if wrong
        else ""
    )


def _kept(values: Sequence[str]) -> list[str]:
    return [_clean(value)[:_VALUE] for value in values[:_VALUES]]


def _keep_samples(db: sqlite3.Connection) -> None:
    """The commonest messages of every exit code and site, for those who look at many of them at once."""
    for axis, column in (("code", "exit_code"), ("site", "site")):
        rows = db.execute(
            f"""
            with said as (
                select log.{column} as name, coalesce(nullif(text.template, ''), '#' || text.id) as message,
                    sum(log.count) as jobs, min(text.id) as one
                from log join text on text.id = log.text where text.text != '' group by 1, 2
            ), ranked as (
                select *, row_number() over (partition by name order by jobs desc, message) as place from said
            )
            select ranked.name, jobs, coalesce(template.text, text.text), template.id is null
            from ranked join text on text.id = one left join template on template.id = message
            where place <= ? order by ranked.name, place
            """,  # noqa: S608  # names of ours
            (_SAMPLES,),
        ).fetchall()
        db.executemany(
            "insert into sample values (?, ?, ?, ?)",
            ((axis, str(name), jobs, _in_short(text, whole)) for name, jobs, text, whole in rows),
        )


def _in_short(text: str, whole: int) -> str:
    """A message in one line; of a text that is of none, its first key line."""
    if whole:
        lines = text.split("\n")
        keys = sorted(key_lines(lines)) or [i for i, line in enumerate(lines) if line.strip()]
        text = lines[keys[0]] if keys else text
    short = " ".join(text.split())
    return short if len(short) <= _SHORT else short[: _SHORT - 1] + "\u2026"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _columns(db: sqlite3.Connection) -> dict[str, Array]:
    """Of all workflows, those with a template only."""
    ids = {row[0]: i for i, row in enumerate(db.execute("select id from template order by id"))}
    rows = db.execute(
        "select log.workflow, text.template, sum(log.count) from log join text on text.id = log.text"
        " where text.template != '' group by 1, 2 order by 1, 2"
    ).fetchall()
    n = len(rows)
    return {
        "template_workflow": np.fromiter((row[0] for row in rows), np.int32, n),
        "template_index": np.fromiter((ids[row[1]] for row in rows), np.int32, n),
        "template_count": np.fromiter((row[2] for row in rows), np.int64, n),
    }
