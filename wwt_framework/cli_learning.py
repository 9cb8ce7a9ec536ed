"""``wwt train``, ``evaluate``, ``lab``, and the history of decisions: what is learnt, and whether it is worth anything."""

from __future__ import annotations

import math
from pathlib import Path

import click

from wwt_framework.cli_options import Aside, aside_options, complain, config_option, find

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILES = click.argument("files", nargs=-1, type=_FILE)


def _a_number(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuses what no range does."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("expected a number of days, got nan")
    return value


_PLUGINS = click.option("--plugin", "plugins", multiple=True, metavar="NAME", help="Only this predictor; repeatable.")


@click.command()
@config_option
@_FILES
@_PLUGINS
@click.option("--force", is_flag=True, help="The new models count even when they are worse.")
@click.option("--shadow", is_flag=True, help="The new models are asked beside the old ones, and change nothing.")
@aside_options
def train(
    config_file: str | None, files: tuple[Path, ...], plugins: tuple[str, ...], force: bool, shadow: bool, aside: Aside
) -> None:
    """Train the predictors on what operators did, or on FILES of `wwt export-history` or the older console.

    The newest quarter is not learnt from: models are judged on it, and one that is worse than before does not count.
    """
    from wwt_framework import learning
    from wwt_framework.services.learning.training import How

    say = click.echo if aside.report is None else (lambda _: None)
    path, how = find(config_file), How(force, shadow, plugins)
    told = learning.train_now(path, files, how, say, complain, aside.run_id, aside.text)
    if aside.report is not None:
        aside.end(told)


@click.command()
@config_option
@_FILES
@_PLUGINS
@click.option("--rounds", type=click.IntRange(20, 10_000), default=500, show_default=True, help="Of the bootstrap.")
@click.option("--pictures", type=click.Path(file_okay=False, path_type=Path), help="Draw curves and tables in here.")
def evaluate(
    config_file: str | None, files: tuple[Path, ...], plugins: tuple[str, ...], rounds: int, pictures: Path | None
) -> None:
    """Say how good predictors are: learnt from the older part of the past, judged on the newer; nothing is kept."""
    from wwt_framework import learning

    learning.evaluate_now(find(config_file), files, plugins, rounds, pictures, click.echo, complain)


@click.command()
@config_option
@click.argument("subject", required=False)
@click.option("--subject", "named", hidden=True, help="The same as an option.")
@click.option(
    "--days",
    type=click.FloatRange(0, 3660, min_open=True),
    callback=_a_number,
    help="How far back; as many as have a hundred decisions unless it is given.",
)
@click.option("--history", type=_FILE, help="Past decisions in a file, in the place of this installation's.")
@click.option("--user-name", "user", default="", hidden=True, help="Who asked for it.")
@aside_options
def lab(
    config_file: str | None,
    subject: str | None,
    named: str | None,
    days: float | None,
    history: Path | None,
    user: str,
    aside: Aside,
) -> None:
    """Say what a predictor, procedures or a rule would have said in the last days, beside what operators did.

    Without SUBJECT: what there is to try.
    """
    from wwt_framework import trials

    path, wanted = find(config_file), subject or named
    if wanted is None:
        for line in trials.names(path):
            click.echo(line)
        return
    result = trials.lab(path, wanted, days, user, history, complain, aside.run_id, aside.text)
    if aside.report is not None:
        aside.end(trials.line(result))
        return
    for line in trials.report(result):
        click.echo(line)


@click.command("import-history")
@config_option
@click.argument("files", nargs=-1, required=True, type=_FILE)
def import_history(config_file: str | None, files: tuple[Path, ...]) -> None:
    """Take over decisions with what was seen then: FILES of `wwt export-history`, or the older console's JSON."""
    from wwt_framework import learning

    learning.import_history(find(config_file), files, click.echo, complain)


@click.command("export-history")
@config_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_history(config_file: str | None, file: Path) -> None:
    """Write what operators did, and what they saw, into FILE: the older console's JSON.

    A name that ends in .jsonl or .jsonl.gz gets a line for each decision, with all that was kept of it.
    """
    from wwt_framework import learning

    learning.export_history(find(config_file), file, click.echo)


COMMANDS = (train, evaluate, lab, import_history, export_history)
