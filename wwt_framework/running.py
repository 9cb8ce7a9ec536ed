"""What `wwt serve`, `work`, `demo` and `refresh` do: logs, the house, the server, and an orderly end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from wwt_framework.app import App
from wwt_framework.job_runs import progress_of
from wwt_framework.logs import keep_logs
from wwt_framework.services.access.admins import warning
from wwt_framework.services.refresh import refresh as take_snapshot


@contextmanager
def app_of(path: Path, text: str | None = None) -> Iterator[App]:
    """The house of *path*, with its logs, for one command. *text*: what is to be read instead of the file."""
    app = App.build(path, text)
    keep_logs(app.house.config.house.log_dir)
    try:
        yield app
    finally:
        app.close()


@contextmanager
def _house(path: Path, jobs: bool) -> Iterator[App]:
    with app_of(path) as app, app.watching():
        for item in app.house.loaded:
            if not item.ok:
                click.echo(f"wwt: {item.complaint}", err=True)
        if locked_out := warning(app.house.hooks, app.store):
            click.echo(f"wwt: warning: {locked_out}", err=True)
        if jobs:
            app.clockwork.start()
        yield app


def serve(path: Path, port: int | None, jobs: bool, opened: Callable[[str], None] | None = None) -> None:
    """Serve the house of *path* until a signal ends it."""
    from wwt_framework.web import encrypted, server, wsgi  # the only place outside web/ that knows it

    with _house(path, jobs) as app:
        app.forecasts.warm()
        options = app.house.config.house
        how = server.Serving(
            options.host,
            options.port if port is None else port,
            options.threads,
            encrypted.Keys(*options.tls.parts) if options.tls else None,
            options.pid_file,
        )
        server.run(wsgi.build(app), how, opened or _say_where, lambda: None)


def _say_where(address: str) -> None:
    click.echo(f"wwt serves {address}  (Ctrl-C ends it)")


def work(path: Path) -> None:
    """Run the jobs of the house of *path* until a signal ends it."""
    until_signal = _hearing("SIGTERM", "SIGINT", "SIGHUP")
    with _house(path, jobs=True):
        click.echo("wwt runs jobs  (Ctrl-C ends it)")
        until_signal()


def _hearing(*names: str) -> Callable[[], None]:
    """Hear these signals from now on; gives a call that waits for one of them, also one that has come by then.

    The system may hand a signal to any thread, where it wakes nobody: Python acts on it in the main thread only, and not
    before that one goes on. What wakes it is a byte in a pipe, which is written wherever the signal came.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for name in names:
        signal.signal(getattr(signal, name), lambda *_: None)

    def wait() -> None:
        os.read(heard, 1)

    return wait


def refresh(
    path: Path,
    workflows: Sequence[str],
    prep_ids: Sequence[str],
    run_id: str | None,
    text: str | None = None,
    anew: bool = False,
) -> str:
    """Take a snapshot now; returns what it came to in a line. With *run_id*, /jobs shows how far it is.

    *text*: what is to be read instead of the file at *path*. *anew*: however young what is kept is.
    """
    with app_of(path, text) as app:
        report = take_snapshot(
            app.house.hooks,
            app.house.config,
            app.store,
            app.house.config.house.data_dir,
            workflows=list(workflows) or None,
            prep_ids=list(prep_ids) or None,
            progress=progress_of(app.store, run_id),
            anew=anew,
            history=app.history,
        )
        return report.text
