"""Refresh: ask the sources, keep what they tell, publish the next snapshot.

Runs in a process of its own, so that pages never wait for it.
A source that fails keeps its own last good data and nobody else's; one workflow that can not be read
never fails a refresh. Whenever the process ends, by itself or not, the current snapshot is whole.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import chain
from pathlib import Path

from wwt_framework.config import Config
from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import SourceReport
from wwt_framework.plugin import Event, Progress
from wwt_framework.services.asking import REPORTS, Round
from wwt_framework.services.gathering import renewed
from wwt_framework.services.history import Look as Past
from wwt_framework.services.history import take_in
from wwt_framework.services.intake import adapter, path_trouble
from wwt_framework.services.kept import shelves
from wwt_framework.services.logfilling import fill
from wwt_framework.services.looking import SITE_STATUSES, Look
from wwt_framework.services.mining import miner
from wwt_framework.services.publish import FOLDER, alone, prune, publish, sweep
from wwt_framework.snapshot import Snapshot, open_snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.logs import open_log_index

log = logging.getLogger(__name__)

#: How far a refresh is when its snapshot is published.
HISTORY_BEGINS = 0.95


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh came to."""

    version: str
    text: str  # one line for the log and for /jobs
    sources: tuple[SourceReport, ...]
    workflows: int
    cells: int
    seconds: float


def _silent(fraction: float | None, doing: str) -> None:  # noqa: ARG001  # nobody listens
    return None


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def refresh(
    hooks: Hooks,
    config: Config,
    store: Store,
    data_dir: Path,
    workflows: Iterable[str] | None = None,
    prep_ids: Iterable[str] | None = None,
    progress: Progress = _silent,
    clock: Callable[[], datetime] = _utc_now,
    anew: bool = False,
    history: Store | None = None,
) -> RefreshReport:
    """Publish a new snapshot of all that the sources tell; *anew*: they ask for everything, however young it is.

    With *workflows* or *prep_ids* only these are asked again (a workflow that nobody knew is asked for, too),
    everything else is as each source last told it.
    *history*: where the history of failed jobs is kept; None: in *store*.
    Waits while another process refreshes the same *data_dir*.
    Raises `WwtError` when something can not be written or published; then the current snapshot stays.
    """
    began = time.monotonic()
    wanted = None if workflows is None and prep_ids is None else (frozenset(workflows or ()), frozenset(prep_ids or ()))
    with alone(data_dir, lambda: progress(None, "waiting for another refresh to end")), _uncollected():
        now = clock()
        # Opened only for those who look at it.
        looked_at = wanted is not None or hooks.implementing("notify")
        current = current_snapshot(store, data_dir) if looked_at else None
        try:
            sweep(data_dir)
            reports, snapshot = _take(hooks, config, store, data_dir, wanted, current, progress, now, anew)
        except OSError as err:
            raise WwtError(f"{err.filename or data_dir}: can not be kept: {err.strerror or err}") from err
        marked = wanted[1] if wanted else frozenset(ledger.marked_preps(store))
        ledger.clear_marks(store, marked, before=now)
        remembered = _remember(store if history is None else history, snapshot, progress)
        progress(0.97, "taking logs into the search")
        unfilled = fill(open_log_index(store, data_dir), snapshot, now, config.house)
    report = _report(snapshot, reports, time.monotonic() - began, remembered, unfilled)
    _tell(hooks, report, snapshot, current)
    return report


def _take(
    hooks: Hooks,
    config: Config,
    store: Store,
    data_dir: Path,
    wanted: tuple[frozenset[str], frozenset[str]] | None,
    current: Snapshot | None,
    progress: Progress,
    now: datetime,
    anew: bool,
) -> tuple[tuple[SourceReport, ...], Snapshot]:
    """Ask and publish. *wanted*: the workflows and prep ids that are asked again; None: all."""
    asked = prep_ids = frozenset[str]()
    if wanted is not None:
        asked, prep_ids = frozenset(w for w in wanted[0] if not path_trouble(f"/{w}/task")), wanted[1]
        asked |= _members(current, prep_ids)
    kept = shelves(data_dir, [plugin.full_name for plugin in config.plugins if not plugin.shadow])
    rests = {} if anew else {SITE_STATUSES: _rest(config.house.sites_minutes, config.house.refresh_minutes)}
    round_ = Round(hooks, kept, now, config.house.concurrency, None if wanted is None else asked, progress, rests)
    if wanted is not None or anew:
        round_.forget(None if wanted is None else sorted(asked | prep_ids))
    look = Look(round_, config.house.include_all_acdcs, prep_ids)
    look.gather()
    progress(0.9, "writing the snapshot")
    reports = _reports(round_)
    snapshot = publish(store, data_dir, look.parts(reports), miner(hooks))
    prune(store, data_dir, config.house.keep_snapshots)
    return reports, snapshot


def _rest(minutes: float, refresh_minutes: float) -> timedelta:
    """For how long an answer that is wanted every *minutes* is young enough: the nearest refresh counts, not the next one."""
    return timedelta(minutes=max(0.0, minutes - refresh_minutes / 2))


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collector: it would look again and again at the millions of numbers of a source, for a fifth of the time.

    A refresh makes no cycles worth a look, and its process ends soon.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def current_snapshot(store: Store, data_dir: Path) -> Snapshot | None:
    """The snapshot that pages read; None when there is none, or when it can not be read any more."""
    version = ledger.current_version(store)
    if version is None:
        return None
    try:
        return open_snapshot(data_dir / version.folder)
    except WwtError:
        return None


def _members(current: Snapshot | None, prep_ids: frozenset[str]) -> frozenset[str]:
    """The workflows of *prep_ids* as operators see them now."""
    if current is None:
        return frozenset()
    found = [current.preps.find(prep) for prep in prep_ids]
    members = chain.from_iterable(current.prep_workflows(prep).tolist() for prep in found if prep >= 0)
    return frozenset(current.workflow_names()[i] for i in members)


def _reports(round_: Round) -> tuple[SourceReport, ...]:
    """How every source answered, kept for the next time when only some workflows are asked again."""
    new = round_.reports()
    done: list[SourceReport] = []
    for source, shelf in round_.shelves.items():
        mine = {kind: report for (plugin, kind), report in new.items() if plugin == source}
        if round_.asked is not None:
            kept = shelf.whole(REPORTS, SourceReport)
            before = {report.kind: report for report in (kept.items if kept else ())}
            again = {kind: renewed(before.get(kind), report, round_.asked) for kind, report in mine.items()}
            mine = {**before, **again}
        shelf.put_whole(REPORTS, round_.now, adapter(SourceReport).dump_json(tuple(mine.values())))
        done += mine.values()
    return tuple(done)


def _remember(history: Store, snapshot: Snapshot, progress: Progress) -> str:
    """Take *snapshot* into the history; gives why that failed, in words. What is published stays published."""
    progress(HISTORY_BEGINS, "writing the history")
    try:
        take_in(history, Past.of_snapshot(snapshot))
    except WwtError as err:
        log.warning("the history was not written", extra={"why": str(err)})
        return str(err)
    return ""


def _report(
    snapshot: Snapshot, reports: tuple[SourceReport, ...], seconds: float, forgotten: str = "", unfilled: str = ""
) -> RefreshReport:
    workflows, cells = len(snapshot.cube.workflows), len(snapshot.cube)
    sources = len({report.plugin for report in reports})
    text = (
        f"{workflows:,} {'workflow' if workflows == 1 else 'workflows'}, {cells:,} {'cell' if cells == 1 else 'cells'}"
        f" from {sources} {'source' if sources == 1 else 'sources'} in {seconds:.1f} s"
    )
    if unread := sum(report.rejected_count for report in reports):
        text += f"; {unread:,} {'path' if unread == 1 else 'paths'} could not be read"
    for report in reports:
        if report.state in {"failed", "kept"}:
            text += f"; {report.plugin} did not answer ({report.kind})"
    if forgotten:
        text += f"; the history was not written: {forgotten}"
    if unfilled:
        text += f"; its logs can not be searched: {unfilled}"
    return RefreshReport(snapshot.version, text, reports, workflows, cells, seconds)


def _tell(hooks: Hooks, report: RefreshReport, snapshot: Snapshot, previous: Snapshot | None) -> None:
    if not hooks.implementing("notify"):
        return
    hooks.each("notify", event=Event("snapshot_taken", report.text, snapshot=snapshot, previous=previous))
    for plugin, text in _fallen_silent(report.sources, previous.sources if previous else ()):
        told = Event("plugin_failed", text, plugin=plugin, id=f"{plugin} {snapshot.version}")
        hooks.each("notify", event=told)


def _fallen_silent(now: Iterable[SourceReport], before: Iterable[SourceReport]) -> Iterator[tuple[str, str]]:
    """Sources that answered the last time, or were not there, and do not answer now; each once, with why."""
    silent = {"failed", "kept"}
    known = {(report.plugin, report.kind) for report in before if report.state in silent}
    fresh: dict[str, list[str]] = {}
    for report in now:
        if report.state in silent and (report.plugin, report.kind) not in known:
            fresh.setdefault(report.plugin, []).append(f"{report.kind}: {report.note or 'no answer'}")
    for plugin, kinds in fresh.items():
        yield plugin, f"{plugin} does not answer; {'; '.join(kinds)}"


__all__ = ["FOLDER", "HISTORY_BEGINS", "RefreshReport", "current_snapshot", "refresh"]
