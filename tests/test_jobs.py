"""The clockwork: every run has a row from the request to its end, and none overlaps another of its job."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from wwt_framework import hookimpl, job_refresh, job_runs
from wwt_framework.config import Config, load
from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.jobs import REFRESH, WAITING, Chore, Clockwork
from wwt_framework.plugin import Job, Progress
from wwt_framework.store import ledger, open_store
from wwt_framework.store.ledger import JobRun

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@dataclass
class House:
    config: Config
    hooks: Hooks


class App:
    """An installation with nothing but jobs."""

    def __init__(self, folder: Path, *jobs: Job, errors: str = "{}", data: str = "data") -> None:
        self.path = folder / "plugins.yml"
        house = f"{{data_dir: {data}, store: 'sqlite:///data/wwt.db', refresh_minutes: 15}}"
        self.path.write_text(f"wwt: {house}\nerrors: {errors}\n", encoding="utf-8")
        config = load(self.path)
        for made in (folder / "data", config.house.data_dir):
            made.mkdir(exist_ok=True)
        self.now = NOON
        self.store = open_store(config.house.store, clock=lambda: self.now)
        self.house = House(config, Hooks())
        self.have(*jobs)
        self.clockwork = Clockwork(self)

    def have(self, *jobs: Job) -> None:
        class Plugin:
            @hookimpl
            def register_jobs(self) -> list[Job]:
                return list(jobs)

        hooks = Hooks()
        hooks.register("extras.jobs", Plugin())
        self.house = House(self.house.config, hooks)

    @property
    def data_dir(self) -> Path:
        return self.house.config.house.data_dir

    def run(self, run_id: str) -> JobRun:
        return ledger.run(self.store, run_id)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., App]]:
    apps: list[App] = []

    def app(*jobs: Job, **options: Any) -> App:
        apps.append(App(tmp_path, *jobs, **options))
        return apps[-1]

    yield app
    for made in apps:
        made.clockwork.stop()
        made.store.close()


def until(claim: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until *claim* holds; a test waits for threads and processes here and nowhere else."""
    end = time.monotonic() + seconds
    while not (value := claim()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)
    return value


def ended(app: App, run_id: str) -> JobRun:
    return until(lambda: run if (run := app.run(run_id)).state in {"done", "failed", "lost"} else None)


# -- asking -------------------------------------------------------------------


def test_a_run_has_a_row_from_the_request(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    run = app.run(app.clockwork.request("count", "olga", n=1))

    assert (run.name, run.user, run.state, run.arguments, run.requested_at) == (
        "count",
        "olga",
        "queued",
        {"n": 1},
        NOON,
    )


def test_what_waits_with_the_same_arguments_is_not_doubled(make: Callable[..., App]) -> None:
    request = make().clockwork.request

    assert request(REFRESH) == request(REFRESH)
    assert request(REFRESH, workflows=["a"]) == request(REFRESH, "olga", workflows=["a"])
    assert len({request(REFRESH), request(REFRESH, workflows=["a"]), request(REFRESH, workflows=["b"])}) == 3


def test_a_job_that_nobody_has_is_refused_with_those_there_are(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))

    with pytest.raises(WwtError, match="there is no job 'cuont'; there are: refresh, count"):
        app.clockwork.request("cuont")


def test_arguments_that_json_can_not_hold_are_refused(make: Callable[..., App]) -> None:
    with pytest.raises(WwtError, match="expected arguments that JSON can hold"):
        make().clockwork.request(REFRESH, workflows={1, 2})


def test_waiting_runs_do_not_grow_without_bounds(make: Callable[..., App]) -> None:
    app = make()
    for i in range(WAITING):
        app.clockwork.request(REFRESH, workflows=[f"w{i}"])

    with pytest.raises(WwtError, match="100 runs of refresh are waiting already"):
        app.clockwork.request(REFRESH, workflows=["one more"])


# -- running ------------------------------------------------------------------


def test_a_run_ends_with_the_line_that_the_job_gives(make: Callable[..., App]) -> None:
    run = make(Job("count", lambda progress, n: f"{n} \n counted")).clockwork.run_now("count", n=3)

    assert (run.state, run.text, run.attempt) == ("done", "3 counted", 1)


def test_a_run_tells_how_far_it_is(make: Callable[..., App]) -> None:
    seen: list[JobRun] = []

    def count(progress: Progress) -> str:
        progress(0.5, "counting")
        seen.extend(ledger.runs(app.store))
        return ""

    app = make(Job("count", count))
    app.clockwork.run_now("count")

    assert [(run.state, run.progress, run.doing) for run in seen] == [("running", 0.5, "counting")]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WwtError("the disk is full"), "the disk is full"),
        (ValueError("x"), "ValueError: x"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_a_job_that_raises_has_failed_with_a_sentence(
    make: Callable[..., App], error: BaseException, text: str
) -> None:
    def fail(progress: Progress) -> str:
        raise error

    run = make(Job("fail", fail)).clockwork.run_now("fail")

    assert (run.state, run.text) == ("failed", text)


def test_a_job_whose_plugin_is_gone_has_failed(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    run_id = app.clockwork.request("count")
    app.have()
    app.clockwork.perform(run_id)

    assert (app.run(run_id).state, app.run(run_id).text) == ("failed", "no plugin has the job count any more")


def test_a_name_that_is_taken_is_left_out(make: Callable[..., App]) -> None:
    app = make(
        Job("count", lambda progress: "first"),
        Job("count", lambda progress: "second"),
        Job(REFRESH, lambda progress: ""),
    )

    assert list(app.clockwork.contributed()) == ["count"]
    assert app.clockwork.run_now("count").text == "first"


def test_a_run_that_ended_is_not_performed_again(make: Callable[..., App]) -> None:
    calls: list[int] = []
    app = make(Job("count", lambda progress: str(calls.append(1))))
    run_id = app.clockwork.run_now("count").id
    app.clockwork.perform(run_id)

    assert calls == [1]


def test_a_job_never_overlaps_itself_and_what_waits_comes_next(make: Callable[..., App]) -> None:
    gate, began = threading.Event(), threading.Semaphore(0)
    inside: list[str] = []
    order: list[str] = []

    def work(progress: Progress, who: str) -> str:
        inside.append(who)
        order.append(who)
        assert inside == [who]
        began.release()
        gate.wait(60)
        inside.remove(who)
        return who

    app = make(Job("work", work))
    runs = [app.clockwork.request("work", who=who) for who in ("a", "b", "c")]
    app.clockwork.start()
    assert began.acquire(timeout=60)
    gate.set()

    assert [ended(app, run_id).text for run_id in runs] == ["a", "b", "c"]
    assert order == ["a", "b", "c"]


def test_different_jobs_run_side_by_side(make: Callable[..., App]) -> None:
    together = threading.Barrier(2)

    def meet(progress: Progress) -> str:
        together.wait(60)
        return "met"

    app = make(Job("one", meet), Job("two", meet))
    runs = [app.clockwork.request(name) for name in ("one", "two")]
    app.clockwork.start()

    assert [ended(app, run_id).text for run_id in runs] == ["met", "met"]


def test_a_run_asked_for_in_another_process_is_performed(make: Callable[..., App], tmp_path: Path) -> None:
    app = make(Job("count", lambda progress: "1"))
    app.clockwork.start()
    other = App(tmp_path, Job("count", lambda progress: "elsewhere"))
    run_id = other.clockwork.request("count")

    assert ended(app, run_id).text == "1"
    other.clockwork.stop()
    other.store.close()


# -- on time ------------------------------------------------------------------


def names(app: App) -> list[str]:
    return [run.name for run in ledger.runs(app.store)]


def test_the_refresh_is_due_every_refresh_minutes(make: Callable[..., App]) -> None:
    app = make()
    for minutes, expected in ((0, 1), (14, 1), (15, 2), (29, 2), (30, 3), (300, 4)):
        app.now = NOON + timedelta(minutes=minutes)
        app.clockwork.tick()
        for run in ledger.runs(app.store, states=("queued",)):
            ledger.end_run(app.store, run.id, "done")
        assert len(names(app)) == expected, minutes


def test_a_failed_refresh_is_tried_again_by_the_next_period(make: Callable[..., App]) -> None:
    app = make()
    app.clockwork.tick()
    ledger.end_run(app.store, ledger.runs(app.store)[0].id, "failed", "no sources")
    app.now += timedelta(minutes=15)
    app.clockwork.tick()

    assert [run.state for run in ledger.runs(app.store)] == ["queued", "failed"]


def test_what_is_due_and_still_waits_or_runs_is_not_asked_for_again(make: Callable[..., App]) -> None:
    app = make()
    app.clockwork.tick()
    app.now += timedelta(minutes=15)
    app.clockwork.tick()
    ledger.start_run(app.store, ledger.runs(app.store)[0].id)
    app.now += timedelta(minutes=15)
    app.clockwork.tick()

    assert len(names(app)) == 1


def test_asking_for_single_workflows_does_not_put_off_the_refresh(make: Callable[..., App]) -> None:
    app = make()
    app.clockwork.tick()
    ledger.end_run(app.store, ledger.runs(app.store)[0].id, "done")
    app.now += timedelta(minutes=14)
    app.clockwork.request(REFRESH, workflows=["a"])
    app.now += timedelta(minutes=1)
    app.clockwork.tick()

    assert [dict(run.arguments) for run in ledger.runs(app.store)] == [{}, {"workflows": ["a"]}, {}]


def test_a_clock_that_was_set_back_does_not_stop_the_refresh(make: Callable[..., App]) -> None:
    app = make()
    app.now = NOON + timedelta(days=400)
    app.clockwork.tick()
    ledger.end_run(app.store, ledger.runs(app.store)[0].id, "done")
    app.now = NOON
    app.clockwork.tick()

    assert len(names(app)) == 2


def test_contributed_jobs_are_due_in_their_own_rhythm(make: Callable[..., App]) -> None:
    app = make(Job("hourly", lambda progress: "", every=timedelta(hours=1)), Job("asked", lambda progress: ""))
    app.clockwork.tick()
    for run in ledger.runs(app.store):
        ledger.end_run(app.store, run.id, "done")
    app.now += timedelta(minutes=59)
    app.clockwork.tick()
    before = names(app).count("hourly")
    app.now += timedelta(minutes=1)
    app.clockwork.tick()

    assert before == 1
    assert names(app).count("hourly") == 2
    assert "asked" not in names(app)


def test_at_the_start_the_refresh_and_what_wants_it_are_asked_for(make: Callable[..., App]) -> None:
    app = make(Job("early", lambda progress: "here", at_start=True), Job("late", lambda progress: ""))
    app.clockwork.start()

    assert {run.name for run in ledger.runs(app.store)} == {REFRESH, "early"}


# -- the refresh, for real ----------------------------------------------------

GOOD = "{json_file: {path: errors.json}}"


def with_file(app: App) -> App:
    (app.path.parent / "errors.json").write_text('{"/a/one": {"85": {"T1_US_FNAL": 3}}}', encoding="utf-8")
    return app


@pytest.mark.slow
def test_a_refresh_runs_in_a_process_of_its_own(make: Callable[..., App]) -> None:
    app = with_file(make(errors=GOOD))
    run = app.clockwork.run_now(REFRESH)

    assert run.state == "done", run.text
    assert run.text.startswith("1 workflow, 1 cell from 1 source in ")
    assert ledger.current_version(app.store) is not None


def test_a_refresh_that_can_not_write_has_failed_with_its_sentence(make: Callable[..., App]) -> None:
    app = with_file(make(errors=GOOD))
    (app.house.config.house.data_dir / "snapshots").write_text("in the way", encoding="utf-8")
    run = app.clockwork.run_now(REFRESH)

    assert run.state == "failed"
    assert "snapshots" in run.text


@pytest.mark.slow
def test_a_bad_edit_of_the_configuration_does_not_stop_refreshes(make: Callable[..., App]) -> None:
    app = with_file(make(errors=GOOD))
    app.path.write_text("wwt: {no_such_key: 1}\n", encoding="utf-8")
    run = app.clockwork.run_now(REFRESH)

    assert run.state == "done", run.text


@pytest.mark.slow
def test_single_workflows_and_prep_ids_that_wait_are_asked_for_at_once(make: Callable[..., App]) -> None:
    app = with_file(make(errors=GOOD))
    runs = [
        app.clockwork.request(REFRESH, workflows=["b"]),
        app.clockwork.request(REFRESH, workflows=["a"]),
        app.clockwork.request(REFRESH, prep_ids=["P"]),
    ]
    whole = [app.clockwork.request(REFRESH), app.clockwork.request(REFRESH, anew=True)]
    app.clockwork._hand_over = lambda: None  # type: ignore[method-assign]  # one step at a time
    app.clockwork.perform(runs[0])

    assert [app.run(run_id).state for run_id in runs] == ["done", "done", "done"]
    assert len({app.run(run_id).text for run_id in runs}) == 1
    assert len(ledger.versions(app.store)) == 1
    assert [app.run(run_id).state for run_id in whole] == ["queued", "queued"]


@pytest.mark.slow
def test_p19_a_refresh_that_wants_everything_anew_says_so_to_its_process(make: Callable[..., App]) -> None:
    app = with_file(make(errors=GOOD))
    run = app.clockwork.run_now(REFRESH, "olga", anew=True)

    assert run.state == "done", run.text
    assert "--anew" in job_refresh._command(REFRESH, app.path, "1", {"anew": True})
    assert "--anew" not in job_refresh._command(REFRESH, app.path, "1", {})


def test_closing_ends_a_refresh_and_says_so(make: Callable[..., App], tmp_path: Path) -> None:
    app = make(errors="{json_file: {path: pipe}}")
    os.mkfifo(tmp_path / "pipe")  # whoever reads it waits for ever
    app.clockwork.start()
    (run,) = until(lambda: ledger.runs(app.store, states=("running",)))
    until(lambda: app.clockwork._child._process)
    app.clockwork.stop()

    assert (app.run(run.id).state, app.run(run.id).text) == ("lost", "ended because the program was closed")


@pytest.mark.slow
def test_a_chore_aside_is_a_command_in_a_process_of_its_own(make: Callable[..., App]) -> None:
    app = make()
    aside = Chore(Job("no-such-thing", lambda *_: "not here"), aside=timedelta(minutes=5))
    app.clockwork = Clockwork(app, (aside,))
    run = app.clockwork.run_now("no-such-thing")

    assert (run.state, run.text) == ("failed", "Error: No such command 'no-such-thing'.")


def test_arguments_of_a_run_become_options_of_its_command() -> None:
    words = job_refresh._command("lab", Path("p.yml"), "r1", {"days": 30, "anew": True, "no": None, "by": ["a", "b"]})

    assert words[4:] == [
        "lab", "--config", "p.yml", "--as-running", "--run", "r1", "--days=30", "--anew", "--by=a", "--by=b",
    ]  # fmt: skip


def test_a_refresh_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    )
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    assert child.stdout.readline() == "ready\n"
    child.kill()
    child.wait()

    until(lambda: not _runs(grandchild))
    child.stdout.close()


#: A process that starts another one as the clockwork does, which would sleep for ten minutes.
_PARENT = """
import os, subprocess, sys, time
code = "import sys, time; from wwt_framework.job_child import end_with; end_with(int(sys.argv[1])); print('ready', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code, str(os.getpid())])
print(child.pid, flush=True)
time.sleep(600)
"""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# -- runs whose process died --------------------------------------------------


def _leave(app: App) -> str:
    """A run that is running in nobody's hands."""
    run_id = ledger.request_run(app.store, "count")
    assert ledger.start_run(app.store, run_id)
    return run_id


def test_a_run_whose_process_died_is_lost_and_says_so(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    run_id = _leave(app)
    app.clockwork.sweep()

    assert app.run(run_id).state == "lost"
    assert app.run(run_id).text.startswith("its process ended without a word (process ")


def test_a_lost_run_does_not_hold_up_the_next_one(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    _leave(app)
    run_id = app.clockwork.request("count")
    app.clockwork.start()

    assert ended(app, run_id).text == "1"


def test_a_run_that_is_at_work_is_not_buried(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    run_id = _leave(app)
    with job_runs.held(app.data_dir, run_id):
        app.clockwork.sweep()

    assert app.run(run_id).state == "running"


#: A server in the folder that is its argument, which has one job: it waits until its input ends.
OTHER = """
import sys
from pathlib import Path
from tests.test_jobs import App
from wwt_framework.plugin import Job

def work(progress):
    print("at work", flush=True)
    sys.stdin.read()
    return "done"

app = App(Path(sys.argv[1]), Job("count", work), data="other")
print(app.clockwork.run_now("count").state, flush=True)
"""


@contextmanager
def at_work(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another server with the same store, in the middle of a run."""
    command = [sys.executable, "-c", OTHER, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at work\n"
        yield other


def test_two_servers_with_one_sqlite_store_and_folders_of_their_own_leave_each_others_runs_alone(
    make: Callable[..., App], tmp_path: Path
) -> None:
    with at_work(tmp_path) as other:
        app = make(Job("count", lambda progress: "1"))
        app.clockwork.sweep()
        (run,) = ledger.runs(app.store, 5)
        ends, _ = other.communicate()

    assert run.state == "running"
    assert ends == "done\n"
    assert app.run(run.id).text == "done"


def test_the_run_of_another_server_that_was_killed_is_lost(make: Callable[..., App], tmp_path: Path) -> None:
    with at_work(tmp_path) as other:
        other.kill()
    app = make(Job("count", lambda progress: "1"))
    app.clockwork.sweep()

    assert [run.state for run in ledger.runs(app.store, 5)] == ["lost"]


def test_a_killed_process_lets_go_of_its_run(make: Callable[..., App], tmp_path: Path) -> None:
    app = make()
    code = (
        "import sys; from pathlib import Path; from wwt_framework import job_runs\n"
        "with job_runs.held(Path(sys.argv[1]), sys.argv[2]) as mine: print(mine, flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(app.data_dir), "r1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    during = job_runs.is_held(app.data_dir, "r1")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()

    assert during
    assert not job_runs.is_held(app.data_dir, "r1")


def test_only_one_holds_a_run(make: Callable[..., App]) -> None:
    app = make()
    with job_runs.held(app.data_dir, "r1") as first, job_runs.held(app.data_dir, "r1") as second:
        pass

    assert (first, second) == (True, False)


# -- the queue's file ---------------------------------------------------------


def test_a_damaged_queue_is_made_anew_with_a_sentence_and_nothing_is_lost(
    make: Callable[..., App], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    first = make(Job("count", lambda progress: "1"))
    run_id = first.clockwork.request("count")
    first.clockwork.stop()
    (first.data_dir / "huey.db").write_bytes(b"this is no database" * 1000)
    with caplog.at_level(logging.WARNING):
        again = make(Job("count", lambda progress: "1"))
        again.clockwork.start()

    assert ended(again, run_id).text == "1"
    assert "the queue of jobs was damaged and is made anew" in caplog.text


def test_a_queue_that_is_damaged_while_it_is_used_is_made_anew(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress, n: str(n)))
    app.clockwork.request("count", n=1)
    with (app.data_dir / "huey.db").open("r+b") as file:
        file.write(b"\xff" * 100_000)
    for suffix in ("-wal", "-shm"):
        (app.data_dir / f"huey.db{suffix}").unlink(missing_ok=True)
    run_id = app.clockwork.request("count", n=2)
    app.clockwork.sweep()
    app.clockwork.start()

    assert ended(app, run_id).text == "2"


def test_a_queue_that_is_deleted_under_a_running_clockwork_is_made_anew(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    app.clockwork.start()
    for path in app.data_dir.glob("huey.db*"):
        path.unlink()
    app.clockwork.sweep()

    assert ended(app, app.clockwork.request("count")).text == "1"


def test_a_queue_that_was_deleted_loses_no_run(make: Callable[..., App]) -> None:
    first = make(Job("count", lambda progress: "1"))
    run_id = first.clockwork.request("count")
    first.clockwork.stop()
    for path in first.data_dir.glob("huey.db*"):
        path.unlink()
    again = make(Job("count", lambda progress: "1"))
    again.clockwork.start()

    assert ended(again, run_id).text == "1"


def test_the_queue_carries_nothing_that_could_be_made_to_run(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    run_id = app.clockwork.request("count")
    app.clockwork.stop()
    with sqlite3.connect(app.data_dir / "huey.db") as db:
        ((message,),) = db.execute("select data from task").fetchall()
    db.close()

    assert bytes(message).startswith(b"[")
    assert run_id.encode() in bytes(message)


def test_old_runs_are_forgotten_at_the_start(make: Callable[..., App]) -> None:
    app = make(Job("count", lambda progress: "1"))
    old = app.clockwork.run_now("count").id
    app.now += timedelta(days=31)
    app.clockwork.start()

    assert old not in {run.id for run in ledger.runs(app.store)}


# -- jobs of the house itself --------------------------------------------------


class Work:
    """Something to do now and then."""

    def __init__(self, *, fails: bool = False) -> None:
        self.waits = False
        self.done = 0
        self.fails = fails
        self.chore = Chore(Job("mail", self.do), lambda: self.waits)

    def do(self, _progress: Progress) -> str:
        if self.fails:
            raise WwtError("the mail server is away")
        self.done += 1
        self.waits = False
        return "1 sent"


def runs_of_mail(app: App) -> list[JobRun]:
    return ledger.runs(app.store, name="mail")


def test_a_job_of_the_house_is_asked_for_when_there_is_something_to_do_and_then_only(make: Callable[..., App]) -> None:
    app, work = make(), Work()
    app.clockwork = Clockwork(app, (work.chore,))
    app.clockwork.tick()
    assert runs_of_mail(app) == []
    work.waits = True
    for _ in range(3):
        app.clockwork.tick()

    assert [run.state for run in runs_of_mail(app)] == ["queued"]
    app.clockwork.perform(runs_of_mail(app)[0].id)
    assert [(run.state, run.text) for run in runs_of_mail(app)] == [("done", "1 sent")]
    app.clockwork.tick()
    assert len(runs_of_mail(app)) == 1


def test_a_job_of_the_house_that_failed_is_left_alone_for_a_moment(make: Callable[..., App]) -> None:
    app, work = make(), Work(fails=True)
    app.clockwork = Clockwork(app, (work.chore,))
    work.waits = True
    app.clockwork.tick()
    app.clockwork.perform(runs_of_mail(app)[0].id)
    app.now += timedelta(seconds=9)
    app.clockwork.tick()
    assert [(run.state, run.text) for run in runs_of_mail(app)] == [("failed", "the mail server is away")]
    app.now += timedelta(seconds=1)
    app.clockwork.tick()

    assert [run.state for run in runs_of_mail(app)] == ["queued", "failed"]


def test_a_plugin_can_not_take_the_name_of_a_job_of_the_house(
    make: Callable[..., App], caplog: pytest.LogCaptureFixture
) -> None:
    app = make(Job("mail", lambda progress: "mine"))
    app.clockwork = Clockwork(app, (Work().chore,))

    assert app.clockwork.contributed() == {}
    assert "a job's name is taken" in caplog.text
