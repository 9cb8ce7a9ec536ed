"""What `wwt demo` does: a made-up grid in a folder that is gone afterwards, with an executor that works on it.

``python -m wwt_framework.demo PARENT world executor ...`` is that executor: a command that ends with its parent.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from wwt_framework import cli, config_reading, demo_live, demo_past, running
from wwt_framework import config as configuration
from wwt_framework.app import App
from wwt_framework.errors import WwtError
from wwt_framework.job_child import end_with

#: Days that a workflow of a grid in time lapse stays: an afternoon sees them come, fail, be mended and go.
_DAYS = 4
#: Unified looks at what operators want every five minutes.
_EXECUTOR_EVERY_S = 300
#: Of ours: so long one can look at what was asked for before it is fetched, edit it and take it back.
_EXECUTOR_LEAST_S = 15.0
_KEY_FILE = "executor.key"
_REMOVED_WITHIN_S = 10.0


@dataclass(frozen=True)
class Demo:
    """How big a grid, on which port, and how fast its time goes."""

    port: int
    workflows: int
    time_lapse: float  # seconds there in a second here
    live: bool = False  # the grid is only known through its services
    faults: tuple[str, ...] = ()  # how these misbehave, see testing/faults.py

    def world(self, now: datetime) -> dict[str, Any]:
        """The options of the made-up grid."""
        if self.time_lapse == 1:
            return {"workflows": self.workflows}
        lapse = {"days": _DAYS, "time_lapse": self.time_lapse, "start": now.isoformat()}
        return {"workflows": self.workflows, **lapse}

    def configuration(self, sources: Mapping[str, Any]) -> str:
        """A plugins.yml for it: the shipped one with *sources* in the place of its made-up grid, and an executor's key."""
        plain: dict[str, Any] = config_reading.read(configuration.default_text(), "the shipped plugins.yml").data
        others = {name: options for name, options in plain["errors"].items() if name != "world"}
        plain["wwt"] = {
            "listen": f"127.0.0.1:{self.port}", "data_dir": "data", "include_all_acdcs": True,
            "refresh_minutes": 2 if self.time_lapse == 1 else 0.5,
            "sites_minutes": 30 / self.time_lapse,
        }  # fmt: skip
        plain["errors"] = {**sources, **others}
        plain["actions"] = {**(plain.get("actions") or {}), "executor": {"key": {"$file": _KEY_FILE}}}
        return json.dumps({name: block for name, block in plain.items() if block}, indent=1)  # which is YAML, too

    def pace(self) -> str:
        """How fast it goes, in words."""
        if self.time_lapse == 1:
            return "Its time is ours"
        if self.time_lapse == 60:
            return "An hour there is a minute of ours"
        return f"In a minute of ours, {self.time_lapse / 60:.3g} hours pass there"


def demo(wanted: Demo) -> None:
    """Serve a made-up grid until a signal ends it. Raises `WwtError` when its services can not be started."""
    if wanted.live:
        demo_live.check(wanted.faults)
    with _folder() as folder, ExitStack() as stack:
        path = folder / "plugins.yml"
        click.echo(f"Making a grid of {wanted.workflows:,} workflows that nobody runs ...")
        now = datetime.now(timezone.utc)
        world, grid = wanted.world(now), None
        if wanted.live:
            grid = stack.enter_context(demo_live.services(folder / "grid", world))
        path.write_text(
            wanted.configuration(grid.sources(wanted.time_lapse) if grid else {"world": world}), encoding="utf-8"
        )
        (folder / _KEY_FILE).write_text(secrets.token_urlsafe(24), encoding="utf-8")
        people = _people(path)
        demo_past.decide(path, grid.config if grid else path, folder)
        click.echo(running.refresh(path, (), (), None))
        demo_past.look(path, world, now)
        if grid:
            grid.misbehave(wanted.faults)  # not before there is something to keep
        with _executor(grid.config if grid else path, folder / _KEY_FILE, wanted) as start:

            def opened(address: str) -> None:
                click.echo(f"\nOpen {address}/globalerror\n")
                for person, password, role in people:
                    click.echo(f"  {role:<9} name {person:<9} password {password}")
                if grid:
                    _tell_of(grid)
                click.echo(f"\n{wanted.pace()}; the pages look again every now and then. What operators submit is")
                click.echo(
                    f"fetched by a made-up executor every {_every(wanted):.3g} s, carried out, and has its effect."
                )
                click.echo("Nothing here is real, and nothing is kept. Ctrl-C ends it.")
                start(address)

            running.serve(path, None, jobs=True, opened=opened)


def _tell_of(grid: demo_live.Grid) -> None:
    """Where the services of *grid* are, and how to spoil their day."""
    click.echo(f"\nThe grid is known through its services only, at {grid.url}, asked with a certificate made for this.")
    click.echo(f"A line in {grid.faults} spoils their day: 503, drip@jobdetail, 20%; an empty file ends it.")
    click.echo(f"  {', '.join(grid.kinds)}")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is gone afterwards, also where a job that is just being ended still writes into it."""
    folder = Path(tempfile.mkdtemp(prefix="wwt-demo-"))
    try:
        yield folder
    finally:
        ends = time.monotonic() + _REMOVED_WITHIN_S
        while folder.exists():
            shutil.rmtree(folder, ignore_errors=time.monotonic() < ends)


@contextmanager
def _executor(path: Path, key: Path, wanted: Demo) -> Iterator[Callable[[str], None]]:
    """Gives what starts the executor of the grid at *path* against an address; it is ended at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(address: str) -> None:
        words = [
            "--config",
            str(path),
            "--url",
            address,
            "--key-file",
            str(key),
            "--every",
            f"{_every(wanted):g}",
        ]
        # In a session of its own: Ctrl-C is for the demo, which ends it in order.
        started.append(
            subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "wwt_framework.demo", str(os.getpid()), "world", "executor", *words],
                start_new_session=True,
            )
        )

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
            process.wait()


def _every(wanted: Demo) -> float:
    """Seconds of ours from one round of the executor to the next."""
    return max(_EXECUTOR_LEAST_S, _EXECUTOR_EVERY_S / wanted.time_lapse)


def _people(path: Path) -> list[tuple[str, str, str]]:
    """Accounts of an operator and an admin, made by the same command that an admin would use."""
    app = App.build(path)
    try:
        people = [(name, secrets.token_urlsafe(9), role) for name, role in (("olga", "operator"), ("ada", "admin"))]
        user = demo_live.command(app, "user")
        for name, password, role in people:
            result = demo_live.invoke(user, ["add", name, "--role", role, "--password-stdin"], password)
            if result:
                raise WwtError(f"the demo's account {name} could not be made: {result}")
        return people
    finally:
        app.close()


def main() -> None:
    """Run a command that ends when its parent, the first argument, does."""
    end_with(int(sys.argv[1]))
    sys.argv = ["wwt", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
