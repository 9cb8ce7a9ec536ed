"""Where tasks can run again: what plugins say, and which of those sites take no production jobs now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, SiteStatus, TaskSites


@dataclass(frozen=True)
class SitesToRun:
    """What was said of one workflow. A task that is missing: nobody can tell."""

    tasks: dict[str, TaskSites] = field(default_factory=dict)  # Task.short -> where it can run
    complaint: str = ""  # why it could not be told


def ask_sites(hooks: Hooks, case: Case) -> SitesToRun:
    """Where the tasks of *case* can run again, sites in drain among them."""
    answer = hooks.first("build_sites", case=case)
    if answer is None:
        return SitesToRun()
    if not answer.ok:
        return SitesToRun(complaint=answer.complaint)
    return SitesToRun({told.task: told for told in answer.value})


def sites_to_run(hooks: Hooks, case: Case) -> dict[str, TaskSites]:
    """Task.short -> where it can run again, sites in drain among them; empty where nobody can tell."""
    return ask_sites(hooks, case).tasks


def is_drained(status: SiteStatus | None) -> bool:
    """Whether a site is known to take no production jobs: in drain, disabled, in test."""
    return status is not None and status.production not in ("enabled", "unknown")


def drained(case: Case, sites: Iterable[str]) -> tuple[str, ...]:
    """Those of *sites* that take no production jobs, sorted."""
    return tuple(sorted(site for site in sites if is_drained(case.sites.get(site))))
