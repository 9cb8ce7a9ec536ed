"""What to do about exit codes: procedures that operators write in YAML, tried on a case and its logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Case, Recommendation
from wwt_framework.options import ConfigPath, PluginOptions
from wwt_framework.plugin import Command, Health, Page, PluginContext

from .commands import command
from .library import Folder, Shelf
from .matching import recommend
from .page import ASKS, PLAIN, ProceduresPage

SHIPPED = Path(__file__).parent / "data"


class Procedures:
    """Recommend what procedures say about the exit codes of a workflow; `/procedures` lists them.

    A folder of your own holds files like the shipped ones. A procedure of the same id takes the place of a shipped
    one; a change is taken up within a second.
    """

    class Options(PluginOptions):
        folders: tuple[ConfigPath, ...] = Field((), description="folders of your own YAML files; later ones win")
        shipped: bool = Field(True, description="use the shipped procedures, too")
        frequent_jobs: int = Field(
            100, ge=1, description="failed jobs from which on an exit code without a procedure is called frequent"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        options = context.options
        folders = [Folder(SHIPPED, shipped=True)] if options.shipped else []
        self._shelf = Shelf([*folders, *(Folder(path) for path in options.folders)])
        self._page = ProceduresPage(self._shelf, options.frequent_jobs)

    @hookimpl
    def startup(self) -> None:
        """Read the files before anybody waits for them; one that is wrong is told on /procedures."""
        self._shelf.library()

    @hookimpl
    def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
        """What the procedures say about each exit code of each task, the most failed jobs first."""
        return recommend(self._shelf.library(), case)

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        """The list of procedures, with what is wrong with them."""
        return [Page("/procedures", "Procedures", self._page.show, asks=ASKS, answers=PLAIN)]

    @hookimpl
    def register_commands(self) -> Sequence[Command]:
        """``wwt procedures check`` and ``wwt procedures table``."""
        return [Command("procedures", "Check and list procedures.", command(self._shelf))]

    @hookimpl
    def report_health(self) -> Health:
        """Whether every file could be read."""
        library = self._shelf.library()
        if library.problems:
            more = f" (and {len(library.problems) - 1} more, see /procedures)" if len(library.problems) > 1 else ""
            return Health(False, f"{library.problems[0]}{more}")
        return Health(True, f"{len(library.listed)} procedures for {len(library.by_code)} exit codes")
