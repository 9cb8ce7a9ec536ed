"""The part of a snapshot that is looked up workflow by workflow: read-only SQLite beside the columns.

Texts are stored once, whatever the number of jobs that said them.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson

from wwt_framework.model import ChainLink, Known, LogExcerpt, Recovery, Task, Workflow

#: Texts are cut here, bytes of UTF-8: what is longer is hostile or a core dump.
TEXT_LIMIT = 8 * 1024

_SCHEMA = """
create table workflow (id integer primary key, told blob not null);
create table waiting (id integer primary key, assistance text not null);
create table text (
    id integer primary key, text text not null, template text not null default '', place_values blob not null default '[]'
);
create table template (id text primary key, text text not null) without rowid;
create table mining (why text not null);
create table sample (axis text not null, name text not null, count integer not null, text text not null);
create table log (
    id integer primary key, workflow integer not null, task text not null, exit_code integer not null,
    site text not null, error_type text not null, url text not null, count integer not null, at real,
    more blob not null, text integer not null references text
);
create table recovery (workflow integer not null, told blob not null);
create table known (id integer primary key, kind text, source text, state text, at real, note text);
create table known_of (workflow integer not null, known integer not null references known);
"""
_INDEXES = """
create index log_workflow on log (workflow, exit_code);
create index log_code on log (exit_code, count);
create index recovery_workflow on recovery (workflow);
create index known_of_workflow on known_of (workflow);
"""


def _stamp(when: datetime | None) -> float | None:
    return None if when is None else when.timestamp()


def _when(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, timezone.utc)


def _clean(text: str) -> str:
    """*text* as UTF-8 can hold it; lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """*text*, not longer than *limit* bytes; what was cut is said."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode("utf-8")
    note = f"\n[... cut here, {len(data):,} bytes in all]"
    return data[: limit - len(note)].decode("utf-8", "ignore") + note


# -- writing --


def write_detail(
    path: Path,
    workflows: Sequence[Workflow],
    logs: Iterable[tuple[str, LogExcerpt]],
    recoveries: Iterable[tuple[str, Recovery]],
    known: Iterable[tuple[str, Known]],
) -> None:
    """Write the file; a workflow is known by its place in *workflows*. Rows of others are left out."""
    position = {w.name: i for i, w in enumerate(workflows)}
    db = sqlite3.connect(path, isolation_level=None)  # we begin and commit ourselves
    try:
        # The folder is published as a whole or not at all: no journal is needed on the way.
        db.executescript("pragma journal_mode=off; pragma synchronous=off;" + _SCHEMA)
        db.execute("begin")
        db.executemany(
            "insert into workflow values (?, ?)", ((i, _told(w)) for i, w in enumerate(workflows) if _has_more(w))
        )
        db.executemany(
            "insert into waiting values (?, ?)",
            ((i, _clean(w.assistance)) for i, w in enumerate(workflows) if w.assistance),
        )
        _write_logs(db, position, logs)
        db.executemany(
            "insert into recovery values (?, ?)",
            ((position[w], _dump_recovery(r)) for w, r in recoveries if w in position),
        )
        _write_known(db, position, known)
        db.execute("commit")
        db.executescript(_INDEXES)
    finally:
        db.close()


def _has_more(w: Workflow) -> bool:
    numbers = w.estimated_jobs is not None or w.failure_rate is not None
    return bool(w.parameters or w.tasks or w.original or w.assistance or numbers)


def _told(w: Workflow) -> bytes:
    told = {
        "name": w.name, "prep_id": w.prep_id, "campaign": w.campaign, "request_type": w.request_type,
        "status": w.status, "priority": w.priority, "requested_at": _stamp(w.requested_at), "original": w.original,
        "estimated_jobs": w.estimated_jobs, "failure_rate": w.failure_rate, "assistance": w.assistance,
        "tasks": [(t.path, t.task_type, t.splitting) for t in w.tasks], "parameters": w.parameters,
    }  # fmt: skip
    return orjson.dumps(told, default=str, option=orjson.OPT_NON_STR_KEYS)


def _write_logs(db: sqlite3.Connection, position: Mapping[str, int], logs: Iterable[tuple[str, LogExcerpt]]) -> None:
    texts: dict[bytes, int] = {}
    for workflow, log in logs:
        if workflow not in position:
            continue
        text = cut(log.text)
        digest = hashlib.sha256(text.encode()).digest()
        if digest not in texts:
            texts[digest] = len(texts)
            db.execute("insert into text (id, text) values (?, ?)", (texts[digest], text))
        more = orjson.dumps([[(link.error_type, link.exit_code) for link in log.chain], log.files])
        row = (
            position[workflow], _clean(log.task), log.exit_code, _clean(log.site), _clean(log.error_type),
            _clean(log.url), log.count, _stamp(log.at), more, texts[digest],
        )  # fmt: skip
        db.execute("insert into log values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _write_known(db: sqlite3.Connection, position: Mapping[str, int], known: Iterable[tuple[str, Known]]) -> None:
    """What is said of one workflow is mostly said of thousands: it is stored once."""
    said: dict[Known, int] = {}
    rows = [(position[w], said.setdefault(k, len(said))) for w, k in known if w in position]
    db.executemany("insert into known_of values (?, ?)", rows)
    words = ((i, k.kind, k.source, k.state, _stamp(k.at), _clean(k.note)) for k, i in said.items())
    db.executemany("insert into known values (?, ?, ?, ?, ?, ?)", words)


def _dump_recovery(r: Recovery) -> bytes:
    return orjson.dumps([r.task, sorted(r.sites), r.events, dict(r.events_by_site), r.fake_files])


# -- reading --


class Detail:
    """One open file. Safe from any thread; it stays readable when the folder is deleted meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open *path*. Raises sqlite3.Error when it is not such a file."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        # Whoever lets go of a snapshot need not close it: pages may still read it, the last of them ends it.
        self._closing = weakref.finalize(self, self._db.close)
        try:
            self._db.execute("select 1 from workflow limit 1")
        except sqlite3.Error:
            self.close()
            raise

    def close(self) -> None:
        """Close the file now. Done by itself when nobody holds this any more; safe to repeat."""
        self._closing()

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def workflow(self, index: int) -> Workflow | None:
        """All that sources told; None when it was not more than the columns hold."""
        rows = self._rows("select told from workflow where id = ?", index)
        if not rows:
            return None
        told = orjson.loads(rows[0][0])
        told["requested_at"] = _when(told["requested_at"])
        told["tasks"] = tuple(Task(*task) for task in told["tasks"])
        return Workflow(**told)

    def waiting(self, assistance: str) -> list[int]:
        """The workflows of which Unified says *assistance*, in their order."""
        return [row[0] for row in self._rows("select id from waiting where assistance = ? order by id", assistance)]

    def logs(self, index: int, exit_code: int | None, task: str | None) -> list[LogExcerpt]:
        """Excerpts of one workflow by task, exit code and site."""
        query = _LOG + " where workflow = ?" + (" and exit_code = ?" if exit_code is not None else "")
        values = [index] + ([] if exit_code is None else [exit_code])
        if task is not None:
            return [_log(row) for row in self._rows(query + " and task = ? order by exit_code, site", *values, task)]
        return [_log(row) for row in self._rows(query + " order by task, exit_code, site", *values)]

    def log_codes(self, index: int) -> set[int]:
        """Exit codes that have an excerpt."""
        return {row[0] for row in self._rows("select distinct exit_code from log where workflow = ?", index)}

    def global_logs(self, exit_code: int, limit: int, site: str = "") -> list[LogExcerpt]:
        """Excerpts of one exit code, of all workflows, those of most jobs first. *site*: only there."""
        query = _LOG + " where exit_code = ? and ? in ('', site) order by count desc, log.id limit ?"
        return [_log(row) for row in self._rows(query, exit_code, site, limit)]

    def every_log(self, size: int) -> Iterator[list[tuple[int, LogExcerpt]]]:
        """All excerpts with the index of their workflow, so many at a time."""
        last = -1
        while rows := self._rows(
            _LOG.replace("select ", "select log.id, workflow, ", 1) + " where log.id > ? order by log.id limit ?",
            last,
            size,
        ):
            last = rows[-1][0]
            yield [(row[1], _log(row[2:])) for row in rows]

    def count_global_logs(self, exit_code: int, site: str) -> int:
        """How many there are."""
        query = "select count(*) from log where exit_code = ? and ? in ('', site)"
        count: int = self._rows(query, exit_code, site)[0][0]
        return count

    def templates(self) -> dict[str, str]:
        """Id -> text of every message template, by id."""
        return dict(self._rows("select id, text from template order by id"))

    def samples(self) -> dict[tuple[str, str], list[tuple[str, int]]]:
        """("code" or "site", its name) -> the commonest messages there with their jobs, the commonest first."""
        found: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for axis, name, count, text in self._rows("select axis, name, count, text from sample order by rowid"):
            found.setdefault((axis, name), []).append((text, count))
        return found

    def mining_trouble(self) -> str:
        """Why not all texts have a template; "" when nothing went wrong."""
        return "".join(row[0] for row in self._rows("select why from mining"))

    def recoveries(self, index: int) -> list[Recovery]:
        """What an ACDC would rerun."""
        told = [orjson.loads(row[0]) for row in self._rows("select told from recovery where workflow = ?", index)]
        return [Recovery(task, frozenset(sites), *rest) for task, sites, *rest in told]

    def known(self, index: int) -> dict[str, Known]:
        """Kind -> how far it can be trusted, for the kinds of which there is something to say."""
        rows = self._rows(
            "select kind, source, state, at, note from known_of join known on known.id = known_of.known"
            " where workflow = ? order by known_of.rowid",
            index,
        )
        return {kind: Known(kind, source, state, _when(at), note) for kind, source, state, at, note in rows}


_LOG = (
    "select task, exit_code, site, error_type, text.text, url, count, more, at, template, place_values"
    " from log join text on text.id = log.text"
)


def _log(row: tuple[Any, ...]) -> LogExcerpt:
    task, exit_code, site, error_type, text, url, count, more, at, template, values = row
    chain, files = (tuple(part) for part in orjson.loads(more))
    links = tuple(ChainLink(*link) for link in chain)
    return LogExcerpt(
        task, exit_code, site, error_type, text, url, count, links, _when(at), files, template, tuple(orjson.loads(values))
    )  # fmt: skip
