"""What `wwt serve`, `work`, `demo` and `refresh` do: logs, the house, the server, and an orderly end."""

from __future__ import annotations

import secrets
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from wwt_framework.app import App
from wwt_framework.errors import WwtError
from wwt_framework.logs import keep_logs
from wwt_framework.services.refresh import refresh as take_snapshot
from wwt_framework.store import ledger


@contextmanager
def _house(path: Path, jobs: bool) -> Iterator[App]:
    app = App.build(path)
    keep_logs(app.house.config.house.log_dir)
    for item in app.house.loaded:
        if not item.ok:
            click.echo(f"wwt: {item.complaint}", err=True)
    with ExitStack() as stack:
        stack.callback(app.close)
        stack.enter_context(app.watching())
        if jobs:
            app.clockwork.start()
        yield app


def serve(path: Path, port: int | None, jobs: bool, opened: Callable[[str], None] | None = None) -> None:
    """Serve the house of *path* until a signal ends it."""
    from wwt_framework.web import server, wsgi  # the only place outside web/ that knows it

    with _house(path, jobs) as app:
        options = app.house.config.house
        how = server.Serving(
            options.host,
            options.port if port is None else port,
            options.threads,
            options.tls.certificate if options.tls else None,
            options.tls.key if options.tls else None,
            options.pid_file,
        )
        server.run(wsgi.build(app), how, opened or _say_where, lambda: None)


def _say_where(address: str) -> None:
    click.echo(f"wwt serves {address}  (Ctrl-C ends it)")


def work(path: Path) -> None:
    """Run the jobs of the house of *path* until a signal ends it."""
    ended = threading.Event()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda *_: ended.set())
    with _house(path, jobs=True):
        click.echo("wwt runs jobs  (Ctrl-C ends it)")
        ended.wait()


def refresh(
    path: Path, workflows: Sequence[str], prep_ids: Sequence[str], run_id: str | None, text: str | None = None
) -> str:
    """Take a snapshot now; returns what it came to in a line. With *run_id*, /jobs shows how far it is.

    *text*: what is to be read instead of the file at *path*.
    """
    app = App.build(path, text)
    keep_logs(app.house.config.house.log_dir)
    house = app.house

    def progress(fraction: float | None, doing: str) -> None:
        if run_id:
            ledger.progress_run(app.store, run_id, fraction, doing)

    try:
        report = take_snapshot(
            house.hooks,
            house.config,
            app.store,
            house.config.house.data_dir,
            workflows=list(workflows) or None,
            prep_ids=list(prep_ids) or None,
            progress=progress,
        )
        return report.text
    finally:
        app.close()


_DEMO = """\
wwt: {{listen: "127.0.0.1:{port}", data_dir: data, refresh_minutes: 2}}
errors:
  world: {{workflows: {workflows}}}
  cms_names: {{}}
  cms_exit_codes: {{}}
  cms_links: {{}}
actions:
  acdc: {{}}
  clone: {{}}
  recovery: {{}}
  special: {{}}
  sites_to_run: {{}}
  drain_guard: {{}}
  task_guard: {{}}
  memory_guard: {{}}
  overlap_guard: {{}}
auth:
  local: {{}}
"""


def demo(port: int, workflows: int) -> None:
    """Serve a made-up grid from a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wwt-demo-") as folder:
        path = Path(folder) / "plugins.yml"
        path.write_text(_DEMO.format(port=port, workflows=workflows), encoding="utf-8")
        people = _demo_people(path)
        click.echo(f"Making a grid of {workflows:,} workflows that nobody runs ...")
        click.echo(refresh(path, (), (), None))

        def opened(address: str) -> None:
            click.echo(f"\nOpen {address}/globalerror\n")
            for name, password, role in people:
                click.echo(f"  {role:<9} name {name:<9} password {password}")
            click.echo("\nNothing here is real, and nothing is kept. Ctrl-C ends it.")

        serve(path, port, jobs=True, opened=opened)


def _demo_people(path: Path) -> list[tuple[str, str, str]]:
    """Accounts of an operator and an admin, made by the same command that an admin would use."""
    app = App.build(path)
    try:
        people = [(name, secrets.token_urlsafe(9), role) for name, role in (("olga", "operator"), ("ada", "admin"))]
        user = next(
            command.command
            for answer in app.house.hooks.each("register_commands")
            for command in answer.value or ()
            if command.name == "user"
        )
        for name, password, role in people:
            result = _invoke(user, ["add", name, "--role", role, "--password-stdin"], password)
            if result:
                raise WwtError(f"the demo's account {name} could not be made: {result}")
        return people
    finally:
        app.close()


def _invoke(command: click.Command, words: list[str], typed: str) -> str:
    from click.testing import CliRunner

    result = CliRunner().invoke(command, words, input=typed + "\n")
    return "" if result.exit_code == 0 else result.output
