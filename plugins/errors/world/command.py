"""``wwt world``: write the made-up grid out, and be the executor that works on it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from random import Random

import click
import orjson

from wwt_framework.errors import SourceError
from wwt_framework.evidence import plain_decision
from wwt_framework.model import Workflow

from .acts import FILE
from .client import Console, Executor, Round, read_key
from .export_files import write_files
from .export_services import write_services
from .grid import Grid
from .past import Past, past_of, told
from .sites import statuses
from .state import State

#: What the executor has done and not reported, beside the acts.
STATE = "executor.json"

Now = Callable[[], datetime]


def group(grid: Grid, now: Now, data_dir: Path) -> click.Group:
    """The commands about *grid*, whose time is *now()*; its acts are in *data_dir*."""
    commands = click.Group("world", help="Write the made-up grid out, or work on it as an executor does.")
    commands.add_command(_export(grid, now))
    commands.add_command(_history(grid, now))
    commands.add_command(_executor(grid, now, data_dir))
    return commands


def _export(grid: Grid, now: Now) -> click.Command:
    @click.command("export", help="Write the grid into the folder DIR: as files, or as answers of the grid's services.")
    @click.option("--format", "shape", type=click.Choice(("files", "services")), required=True, help="In which shape.")
    @click.option("--at", type=click.DateTime(("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")), help="Of when, UTC; else of now.")
    @click.option("--workflows", type=click.IntRange(1, 1_000_000), help="Another size than the installation's.")
    @click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Another grid than the installation's.")
    @click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
    def export(shape: str, at: datetime | None, workflows: int | None, seed: int | None, folder: Path) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise click.ClickException(f"{folder} is not empty; name a folder that is, or one that is not there")
        folder.mkdir(parents=True, exist_ok=True)
        counts = export_to(
            folder, shape, _like(grid, workflows, seed), at.replace(tzinfo=timezone.utc) if at else now()
        )
        for name, count in counts.items():
            click.echo(f"{count:9,} {name}")

    return export


def export_to(folder: Path, shape: str, grid: Grid, at: datetime) -> dict[str, int]:
    """Write *grid* as it is *at* into the empty *folder*; returns what was written, and how many of it."""
    state = grid.state(at)
    made = map(state.made_row, state.rows.tolist())
    sites, acted_on = statuses(grid.seed, at), grid.population.name == "acted"
    if shape == "files":
        counts = write_files(folder, made, sites, acted_on)
    else:
        counts = write_services(folder, made, sites, acted_on, lambda name: _workflow(state, name))
    about = {"at": at.isoformat(), "workflows": grid.size, "seed": grid.seed, "format": shape, "counts": counts}
    (folder / "world.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return counts


def _history(grid: Grid, now: Now) -> click.Command:
    @click.command("history", help="Write past decisions of operators into FILE, for `wwt train` and `wwt evaluate`.")
    @click.option("--tasks", type=click.IntRange(1, 1_000_000), default=33_000, show_default=True, help="How many.")
    @click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Another history than the installation's.")
    @click.option("--published-months", is_flag=True, help="From 2017-01 to 2019-07; else they end now.")
    @click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
    def history(tasks: int, seed: int | None, published_months: bool, file: Path) -> None:
        if file.exists():
            raise click.ClickException(f"{file} is there already; name another file, or move it away")
        past = past_of(tasks, grid.seed if seed is None else seed, None if published_months else now())
        click.echo(f"{write_history(file, past):,} decisions on {len(past):,} tasks written to {file}")

    return history


def write_history(file: Path, past: Past) -> int:
    """Write the decisions of *past* into *file*, a line for each, packed where its name ends in .gz; how many."""
    count = 0
    packed = file.suffix == ".gz"
    with gzip.open(file, "wb", compresslevel=4) if packed else file.open("wb") as out:
        for decision in told(past):
            out.write(orjson.dumps(plain_decision(decision)) + b"\n")
            count += 1
    return count


def _workflow(state: State, name: str) -> Workflow | None:
    row = state.row(name)
    return None if row is None else state.workflow(row)


def _like(grid: Grid, workflows: int | None, seed: int | None) -> Grid:
    """*grid* itself, or one of another size or seed, to which nothing was done."""
    if workflows in (None, grid.size) and seed in (None, grid.seed):
        return grid
    return Grid(workflows or grid.size, grid.seed if seed is None else seed, grid.lifetime_s, grid.population.name)


def _executor(grid: Grid, now: Now, data_dir: Path) -> click.Command:
    @click.command("executor", help="Fetch actions from a console, carry them out in the grid, and report them.")
    @click.option("--url", required=True, help="Where the console is, e.g. http://127.0.0.1:8080.")
    @click.option("--key-file", required=True, type=click.Path(path_type=Path), help="File with the key that is sent.")
    @click.option("--once", is_flag=True, help="One round, then end; exit code 1 when it fails.")
    @click.option(
        "--every", type=click.FloatRange(0.1), default=300.0, show_default=True, help="Seconds from round to round."
    )
    @click.option("--no-verify", is_flag=True, help="Do not look at the console's certificate, as the real one does.")
    @click.option("--seed", type=int, help="Draw the lots of each round from this number.")
    def executor(url: str, key_file: Path, once: bool, every: float, no_verify: bool, seed: int | None) -> None:
        def knows(name: str) -> bool:
            return grid.alone(name, now()) is not None

        console = Console(url, read_key(key_file), not no_verify)
        unified = Executor(console, data_dir / FILE, data_dir / STATE, now, knows, Random(seed))
        try:
            _go_on(unified, once, every)
        finally:
            console.close()

    return executor


def _go_on(unified: Executor, once: bool, every: float) -> None:
    """Round after round, until a signal ends it; a console that is away is asked again."""
    pause = threading.Event()
    while True:
        try:
            _tell(unified.round())
        except SourceError as error:
            if once:
                raise
            click.echo(f"{error}; trying again in {every:g} s", err=True)
        if once or pause.wait(every):
            return


def _tell(came: Round) -> None:
    for workflow in came.done:
        click.echo(f"did {workflow}")
    for workflow, why in came.left:
        click.echo(f"left {workflow}: {why}", err=True)
    for workflow in came.not_taken:
        click.echo(f"{workflow}: the report was not taken; the real executor would stop here", err=True)
    if came.fetched:
        click.echo(f"{came.fetched} open, {len(came.done)} done")
