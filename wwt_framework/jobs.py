"""The clockwork: background jobs, on time or when asked for, one run of a job at a time.

Every run has a row in the store from the request to its end. The refresh runs in a process of its own,
contributed jobs run in threads of this one.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import orjson

from wwt_framework import job_runs
from wwt_framework.config import Config
from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.job_queue import Queue
from wwt_framework.job_refresh import Child, Ended, is_partial, joined
from wwt_framework.plugin import Job
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import JobRun

log = logging.getLogger(__name__)

REFRESH = "refresh"
#: Runs of one job that may wait; whoever asks for more is told to come again.
WAITING = 100
#: Days after which ended runs are forgotten.
FORGET_DAYS = 30
#: Looks at the time between two looks at runs that were left lying; the clock looks once a second.
_SWEEP_EVERY = 5
#: How long a job of the house that failed is left alone.
_REST = timedelta(seconds=10)


class House(Protocol):
    """What the clockwork needs of a house."""

    @property
    def config(self) -> Config: ...
    @property
    def hooks(self) -> Hooks: ...


class Installation(Protocol):
    """What the clockwork needs of an installation; ``house`` may be another one at every look."""

    @property
    def path(self) -> Path: ...
    @property
    def store(self) -> Store: ...
    @property
    def house(self) -> House: ...


@dataclass(frozen=True)
class Chore:
    """A job of the house itself, asked for when ``due`` says that there is something to do: every second, so quickly.

    ``aside``: its work is done by ``wwt <name of the job>`` in a process of its own, so that pages never wait for it;
    then ``job.run`` is not called. The command takes ``--run``, ``--as-running`` and ``--report`` as `refresh` does.
    """

    job: Job
    due: Callable[[], bool] = field(default=lambda: False)
    aside: timedelta | None = None  # after which it hangs


def aside(*_: Any, **__: Any) -> str:
    """What a `Job` that is done aside has for ``run``: it is never called."""
    raise AssertionError("this job is a command in a process of its own")


class Clockwork:
    """``request`` works in every process; runs are performed in the one that was told to ``start``."""

    def __init__(self, app: Installation, chores: Sequence[Chore] = ()) -> None:
        self._app = app
        self._chores = {chore.job.name: chore for chore in chores}
        self._busy: set[str] = set()  # jobs that run in this process
        self._busy_lock = threading.Lock()
        self._child = Child()
        self._asides = {name: Child() for name, chore in self._chores.items() if chore.aside}
        self._making = threading.Lock()
        self._made: Queue | None = None
        self._stopping = threading.Event()
        self._clock: threading.Thread | None = None
        self._next: dict[str, datetime] = {}  # job -> not due before
        self._known: tuple[Hooks | None, dict[str, Job]] = (None, {})

    # -- asking --

    def request(self, name: str, user: str = "", **arguments: Any) -> str:
        """Queue a run of the job *name*; returns its id. One that waits already with the same arguments is not doubled.

        Arguments are JSON values. Raises `WwtError` when there is no such job or too many runs of it wait.
        """
        known = [REFRESH, *self._chores, *self.contributed()]
        if name not in known:
            raise WwtError(f"there is no job {name!r}; there are: {', '.join(known)}")
        given, store = _as_json(name, arguments), self._app.store
        with store.write(alone="runs"):
            waiting = ledger.runs(store, WAITING, name=name, states=("queued",))
            same = next((run for run in waiting if run.arguments == given), None)
            if same is not None:
                return same.id
            if len(waiting) >= WAITING:
                raise WwtError(f"{WAITING} runs of {name} are waiting already; try again when some have ended")
            run_id = ledger.request_run(store, name, given, user)
        self._put(run_id)
        return run_id

    def contributed(self) -> dict[str, Job]:
        """Name -> job, of those that plugins contribute."""
        hooks = self._app.house.hooks
        if self._known[0] is not hooks:
            self._known = (hooks, _contributed(hooks, {REFRESH, *self._chores}))
        return self._known[1]

    # -- running --

    def start(self) -> None:
        """Perform runs from now on: what waits, what is due, what is asked for."""
        store = self._app.store
        job_runs.bury(store, self._data_dir)
        ledger.forget_runs(store, store.now() - timedelta(days=FORGET_DAYS))
        self.request(REFRESH)
        for job in self.contributed().values():
            if job.at_start:
                self.request(job.name)
        self._queue.start()
        self._hand_over()
        self._clock = threading.Thread(target=self._tick_on, name="clock", daemon=True)
        self._clock.start()

    def stop(self) -> None:
        """Let go: the refresh is ended, other runs have a few seconds; what has not ended then is lost."""
        self._stopping.set()
        for child in (self._child, *self._asides.values()):
            child.stop()
        if self._clock is not None:
            self._clock.join()
            self._clock = None
        if not self._queue.stop():
            log.warning("some jobs did not end in time and are lost", extra={"jobs": sorted(self._busy)})

    def run_now(self, name: str, user: str = "", **arguments: Any) -> JobRun:
        """Perform a run here and now, in this thread; returns it as it ended."""
        run_id = ledger.request_run(self._app.store, name, _as_json(name, arguments), user)
        self._one(ledger.run(self._app.store, run_id))
        return ledger.run(self._app.store, run_id)

    def tick(self) -> None:
        """Ask for what is due."""
        minutes = self._app.house.config.house.refresh_minutes
        self._ask_when_due(REFRESH, timedelta(minutes=minutes))
        for job in self.contributed().values():
            if job.every is not None:
                self._ask_when_due(job.name, job.every)
        for name, chore in self._chores.items():
            if chore.due() and self._rested(name):
                self._next[name] = self._app.store.now() + _REST
                self.request(name)

    def sweep(self) -> None:
        """Bury runs whose process died; hand over again what waits and may have been forgotten."""
        job_runs.bury(self._app.store, self._data_dir)
        self._queue.mend()
        self._hand_over()

    def _rested(self, name: str) -> bool:
        """Whether the job neither waits nor runs, nor was asked for just now and failed: it would fail again."""
        last = next(iter(ledger.runs(self._app.store, 1, name=name)), None)
        if last is None or last.state != "failed":
            return last is None or last.state not in {"queued", "running"}
        now = self._app.store.now()
        return not now < self._next.get(name, now) <= now + _REST

    def _ask_when_due(self, name: str, every: timedelta) -> None:
        now = self._app.store.now()
        not_before = self._next.get(name)
        if not_before is not None and now < not_before <= now + every:  # further off: the clock was set back
            return
        last = next((run for run in ledger.runs(self._app.store, 50, name=name) if not run.arguments), None)
        if last is not None and last.state in {"queued", "running"}:
            return
        self._next[name] = now if last is None or last.requested_at > now else last.requested_at + every
        if now >= self._next[name]:
            self.request(name)

    def _tick_on(self) -> None:
        looks = 0
        while not self._stopping.wait(1.0):
            looks += 1
            try:
                self.tick()
                if looks % _SWEEP_EVERY == 0:
                    self.sweep()
            except Exception:
                # Whatever it was, the store being away for example: the clock must go on.
                log.exception("the clockwork could not look at what is due")

    def _hand_over(self) -> None:
        """Put into the queue the oldest waiting run of every job that is not running."""
        active = ledger.runs(self._app.store, 1000, states=("queued", "running"))
        running = {run.name for run in active if run.state == "running"} | self._busy
        for run in reversed(active):
            if run.name not in running:
                running.add(run.name)
                self._put(run.id)

    def _put(self, run_id: str) -> None:
        try:
            self._queue.put(run_id)
        except (sqlite3.Error, OSError) as err:  # it waits in the store; the sweep mends and hands over again
            log.warning("a run could not be put into the queue", extra={"run": run_id, "error": str(err)})

    # -- one run --

    def perform(self, run_id: str) -> None:
        """Carry out the run of its job that waits longest, unless the job is running: then all go on waiting."""
        run = ledger.run(self._app.store, run_id)
        if run.state == "queued":
            waiting = ledger.runs(self._app.store, WAITING, name=run.name, states=("queued",))
            self._one(waiting[-1] if waiting else run)

    def _one(self, run: JobRun) -> None:
        if self._stopping.is_set():
            return
        with self._busy_lock:
            if run.name in self._busy:
                return
            self._busy.add(run.name)
        try:
            with job_runs.held(job_runs.place(self._app.store, self._data_dir), run.id) as mine:
                if mine and ledger.start_run(self._app.store, run.id):
                    self._carry_out(run)
        finally:
            with self._busy_lock:
                self._busy.discard(run.name)
        if not self._stopping.is_set():
            self._hand_over()

    def _carry_out(self, run: JobRun) -> None:
        store = self._app.store
        others = self._by_the_way(run)
        try:
            state, text = "done", self._work(run, others)
        except Ended as err:
            state, text = "lost", str(err)
        except WwtError as err:  # foreseen: the sentence says it all
            state, text = "failed", job_runs.sentence(err)
            log.warning("a job failed", extra={"job": run.name, "run": run.id, "why": text})
        except (Exception, SystemExit) as err:  # a contributed job may raise anything
            log.exception("a job failed", extra={"job": run.name, "run": run.id})
            state, text = "failed", job_runs.sentence(err)
        for one in [run, *others]:
            ledger.end_run(store, one.id, state, text)

    def _work(self, run: JobRun, others: list[JobRun]) -> str:
        if run.name == REFRESH:
            return self._child.run(self._app.house.config, run.id, joined([run, *others]) if others else run.arguments)
        chore = self._chores.get(run.name)
        if chore and chore.aside:
            child = self._asides[run.name]
            return child.run(self._app.house.config, run.id, run.arguments, run.name, chore.aside)
        job = chore.job if chore else self.contributed().get(run.name)
        if job is None:
            raise WwtError(f"no plugin has the job {run.name} any more")
        return job_runs.one_line(str(job.run(job_runs.progress_of(self._app.store, run.id), **run.arguments)))

    def _by_the_way(self, run: JobRun) -> list[JobRun]:
        """Waiting runs that this one does as well: single workflows and prep ids are asked for at once."""
        if run.name != REFRESH or not is_partial(run):
            return []
        return list(filter(is_partial, ledger.runs(self._app.store, WAITING, name=REFRESH, states=("queued",))))

    @cached_property
    def _data_dir(self) -> Path:
        return self._app.house.config.house.data_dir  # the first one counts: another one needs a restart

    @property
    def _queue(self) -> Queue:
        with self._making:
            if self._made is None:
                self._made = Queue(self._data_dir / "huey.db", self.perform)
            return self._made


def _as_json(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        given: dict[str, Any] = orjson.loads(orjson.dumps(arguments))
    except TypeError as err:
        raise WwtError(f"job {name}: expected arguments that JSON can hold: {err}") from err
    return given


def _contributed(hooks: Hooks, taken: set[str]) -> dict[str, Job]:
    found: dict[str, Job] = {}
    for answer in hooks.each("register_jobs"):
        for job in answer.value or ():
            if job.name in taken or job.name in found:
                log.error("a job's name is taken; it is left out", extra={"plugin": answer.plugin, "job": job.name})
            else:
                found[job.name] = job
    return found
