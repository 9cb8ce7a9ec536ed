"""What several commands of `wwt` take, and how they find their installation."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wwt_framework import config as configuration

if TYPE_CHECKING:
    from wwt_framework.app import App

CommandT = Callable[..., Any]


def config_option(command: CommandT) -> CommandT:
    """``--config FILE``, the same everywhere."""
    return click.option(
        "--config",
        "config_file",
        metavar="FILE",
        help="The plugins.yml to use. Otherwise: $WWT_CONFIG, then plugins.yml in this folder.",
    )(command)


def find(config_file: str | None) -> Path:
    """The plugins.yml that is meant. Raises `click.ClickException` where there is none."""
    path = configuration.find(config_file, os.environ, Path.cwd())
    if path is None:
        raise click.ClickException(
            f"no plugins.yml in {Path.cwd()}; go where it is, give --config FILE, or run `wwt serve`, which writes one"
        )
    return path


def build(path: Path) -> App:
    """The whole house of *path*."""
    from wwt_framework.app import App  # too slow for `wwt --help`

    return App.build(path)


def complain(words: str) -> None:
    """Say on standard error."""
    click.echo(words, err=True)


@dataclass(frozen=True)
class Aside:
    """How the clockwork runs a command as a process of its own (`jobs.Chore`); by hand all of it is None."""

    run_id: str | None  # the run that /jobs shows
    text: str | None  # the configuration that runs, in the place of the file's
    report: int | None  # the file descriptor into which to say what it came to

    def end(self, told: str) -> None:
        """Say what it came to."""
        if self.report is None:
            click.echo(told)
        else:
            os.write(self.report, told.encode("utf-8", "replace"))


def aside_options(command: CommandT) -> CommandT:
    """The hidden options with which a job runs *command*, given to it as ``aside``."""

    @click.option("--run", "run_id", hidden=True, help="The run that /jobs shows.")
    @click.option("--as-running", is_flag=True, hidden=True, help="Read the configuration from standard input.")
    @click.option("--report", type=int, hidden=True, help="The file descriptor into which to say what it came to.")
    @functools.wraps(command)
    def with_aside(*args: Any, run_id: str | None, as_running: bool, report: int | None, **more: Any) -> Any:
        text = sys.stdin.buffer.read().decode() if as_running else None
        return command(*args, aside=Aside(run_id, text, report), **more)

    return with_aside
