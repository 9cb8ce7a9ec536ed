"""``wwt procedures``: check procedures on their own examples, and print them as a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .library import Folder, Library, Shelf
from .table import as_csv, as_markdown
from .trial import examples, tried


def command(shelf: Shelf) -> click.Command:
    """The command, for the procedures of *shelf*."""

    @click.group()
    def procedures() -> None:
        """Check and list procedures."""

    @procedures.command()
    @click.argument("folder", required=False, type=click.Path(path_type=Path))
    def check(folder: Path | None) -> None:
        """Try every procedure on its own example logs; exit code 1 when something is wrong.

        With FOLDER only the files there, which need not be listed in plugins.yml.
        """
        library = _library(shelf, folder)
        sentences = tried(library)
        for sentence in sentences:
            click.echo(sentence, err=True)
        if sentences:
            sys.exit(1)
        click.echo(f"{len(library.listed)} procedures, {examples(library)} examples: nothing is wrong")

    @procedures.command()
    @click.option("--format", "form", type=click.Choice(["md", "csv"]), default="md", show_default=True)
    def table(form: str) -> None:
        """Print the procedures as a table."""
        library = _library(shelf, None)
        click.echo(as_csv(library) if form == "csv" else as_markdown(library), nl=False)
        for sentence in library.problems:
            click.echo(sentence, err=True)

    return procedures


def _library(shelf: Shelf, folder: Path | None) -> Library:
    return Shelf([Folder(folder)]).library() if folder else shelf.library()
