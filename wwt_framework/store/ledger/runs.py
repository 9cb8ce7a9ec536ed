"""Runs of background jobs: asked for, running, how far, and how they ended."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound, StoreError
from wwt_framework.store import Store

QUEUED, RUNNING, DONE, FAILED, LOST = "queued", "running", "done", "failed", "lost"
ENDS = (DONE, FAILED, LOST)


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job. ``lost``: the process that ran it is gone and nobody knows how far it came."""

    id: str
    name: str
    state: str  # queued, running, done, failed, lost
    user: str  # who asked; "" for the clock
    requested_at: datetime
    arguments: Mapping[str, Any] = field(default_factory=dict)
    progress: float | None = None  # 0..1; None: it can not be told
    doing: str = ""  # what it is at
    text: str = ""  # one line: what it came to, or why it failed
    started_at: datetime | None = None
    ended_at: datetime | None = None
    host: str = ""
    pid: int | None = None
    attempt: int = 0  # how many times it was started


def request_run(store: Store, name: str, arguments: Mapping[str, Any] | None = None, user: str = "") -> str:
    """Queue a run of the job *name* with JSON *arguments*; returns its id."""
    run_id = uuid.uuid4().hex
    with store.write():
        store.tables.job_run.create(
            id=run_id,
            name=name,
            arguments=dict(arguments or {}),
            user_name=user,
            state=QUEUED,
            progress=None,
            doing="",
            text="",
            requested_at=store.now(),
            host="",
            attempt=0,
        )
    return run_id


def start_run(store: Store, run_id: str) -> bool:
    """Take a run that is queued or lost for this process. False: do not run it.

    Because somebody else took it, it has ended, or another run of the same job is still running:
    a job never overlaps itself. Raises `NotFound`.
    """
    table = store.tables.job_run
    with store.write(alone="runs"):
        row = _row(store, run_id)
        busy = table.select().where((table.name == row.name) & (table.state == RUNNING)).exists()
        if busy or row.state not in {QUEUED, LOST}:
            return False
        table.update(
            state=RUNNING,
            progress=None,
            doing="",
            text="",
            started_at=store.now(),
            ended_at=None,
            host=platform.node(),
            pid=os.getpid(),
            attempt=table.attempt + 1,
        ).where(table.id == run_id).execute()
    return True


def progress_run(store: Store, run_id: str, progress: float | None, doing: str = "") -> None:
    """Say how far a running job is; nothing happens when it has ended meanwhile."""
    table = store.tables.job_run
    far = None if progress is None else min(max(float(progress), 0.0), 1.0)
    with store.write():
        table.update(progress=far, doing=doing).where((table.id == run_id) & (table.state == RUNNING)).execute()


def end_run(store: Store, run_id: str, state: str, text: str = "") -> None:
    """Say how a queued or running job ended: done, failed or lost. A run that ended stays as it is.

    A lost run may come back to life and end after all: then it is done or failed.
    """
    if state not in ENDS:
        raise StoreError(f"{store.where}: a job ends as one of {', '.join(ENDS)}, got {state!r}")
    table = store.tables.job_run
    from_states = [QUEUED, RUNNING] if state == LOST else [QUEUED, RUNNING, LOST]
    # What is done is done whole; of what failed it is good to know how far it came.
    whole = {"progress": 1.0, "doing": ""} if state == DONE else {}
    with store.write(alone="runs"):
        table.update(state=state, text=text, ended_at=store.now(), **whole).where(
            (table.id == run_id) & table.state.in_(from_states)
        ).execute()


def run(store: Store, run_id: str) -> JobRun:
    """The run with this id. Raises `NotFound`."""
    with store.connection():
        return _run(_row(store, run_id))


def runs(store: Store, limit: int = 100, name: str = "", states: tuple[str, ...] = ()) -> list[JobRun]:
    """Runs, the last requested first; only those of the job *name* and in *states* where these are given."""
    table = store.tables.job_run
    query = table.select().order_by(table.number.desc()).limit(limit)
    if name:
        query = query.where(table.name == name)
    if states:
        query = query.where(table.state.in_(states))
    with store.connection():
        return [_run(row) for row in query]


def forget_runs(store: Store, before: datetime) -> int:
    """Delete runs that ended before *before*; returns how many."""
    table = store.tables.job_run
    with store.write():
        deleted: int = table.delete().where(table.state.in_(ENDS) & (table.ended_at < before)).execute()
    return deleted


def _row(store: Store, run_id: str) -> Any:
    row = store.tables.job_run.get_or_none(store.tables.job_run.id == run_id)
    if row is None:
        raise NotFound(f"There is no job run {run_id!r}.")
    return row


def _run(row: Any) -> JobRun:
    return JobRun(
        id=row.id,
        name=row.name,
        state=row.state,
        user=row.user_name,
        requested_at=row.requested_at,
        arguments=row.arguments,
        progress=row.progress,
        doing=row.doing,
        text=row.text,
        started_at=row.started_at,
        ended_at=row.ended_at,
        host=row.host,
        pid=row.pid,
        attempt=row.attempt,
    )
