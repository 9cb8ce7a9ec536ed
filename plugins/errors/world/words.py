"""What the failed jobs of a workflow say, as excerpts of logs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from random import Random

from wwt_framework.model import ChainLink, LogExcerpt

from .made import Failing, Made
from .texts import Said, job, named_files, telling
from .texts_chains import message_share
from .texts_scene import Scene

#: Sites of one task and exit code of which an excerpt is given: those with the most failed jobs.
SITES_EACH = 3
#: Evidence that names files, and a storage.
_OF_FILES = ("missing-file", "corrupt-file")
_OF_STORAGE = ("site-outage", "stage-out")


def excerpts(made: Made, exit_codes: Collection[int], acted_on: bool = True) -> list[LogExcerpt]:
    """One excerpt for each of the busiest sites of each task and exit code, where a message was kept.

    *acted_on*: as in the history of what operators acted on, where some codes never leave a message.
    """
    return [
        _excerpt(made, failing, site, count, acted_on)
        for failing in made.failings
        if failing.exit_code in exit_codes
        for site, count in failing.sites[:SITES_EACH]
        if has_message(failing, site, acted_on)
    ]


def has_message(failing: Failing, site: str, acted_on: bool = True) -> bool:
    """Whether a message was kept of the jobs that failed so at *site*."""
    return Random(f"{failing.key} {site} kept").random() < message_share(failing.exit_code, acted_on)


def scene(made: Made, failing: Failing, site: str, acted_on: bool = True, number: int = 0) -> Scene:
    """What the text of a job that failed so at *site* depends on: of its cause only what the evidence says."""
    evidence = failing.evidence
    names_storage = evidence in _OF_STORAGE
    began = failing.began + timedelta(minutes=7 * number)
    cores = made.workflow.parameters.get("Multicore", 1)
    return Scene(
        made.workflow.tasks[failing.task].path, failing.exit_code, site, failing.key, number, evidence, began,
        made.workflow.campaign or "RunIIFall17wmLHEGS", failing.lfns if evidence in _OF_FILES else (),
        failing.site if names_storage else "", failing.host if names_storage else "", failing.memory_mb,
        failing.memory_limit_mb or 2000, cores if isinstance(cores, int) else 1, failing.wall_s,
        failing.wall_limit_s or 159_600, old_words=acted_on,
    )  # fmt: skip


def _excerpt(made: Made, failing: Failing, site: str, count: int, acted_on: bool) -> LogExcerpt:
    what = scene(made, failing, site, acted_on)
    said = job(what)
    first = telling(said, failing.exit_code)
    return LogExcerpt(
        what.task, failing.exit_code, site, first.error_type.strip(), "\n\n".join(_texts(first, said)), count=count,
        chain=tuple(ChainLink(one.error_type.strip(), one.exit_code) for one in said), at=what.at,
        files=named_files(what, said),
    )  # fmt: skip


def _texts(first: Said, said: tuple[Said, ...]) -> Iterator[str]:
    """What says most comes first, since a long text is cut at its end; the rest as the report has it."""
    for one in (first, *(other for other in said if other is not first)):
        yield f"{one.error_type} (Exit code: {one.exit_code})\n\n{one.details}"
