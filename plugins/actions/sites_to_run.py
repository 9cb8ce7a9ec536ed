"""Where tasks can run again: where the ACDC server says their input is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Case, Recovery, SiteStatus, TaskSites
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

# Names of storage: WorkflowWebTools, workflowinfo.py, site_to_run.
_NO_JOBS = re.compile(r"T0_.*|.*_(?:MSS|Export)", re.DOTALL)
_DISK = re.compile(r"_(?:ECHO_)?Disk$")


class SitesToRun:
    """Take the sites of the ACDC documents: no tape, no tier 0, disks by the name of their site."""

    class Options(PluginOptions):
        known_only: bool = Field(True, description="leave out sites whose status no source knows, where any is known")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._known_only = context.options.known_only

    @hookimpl
    def build_sites(self, case: Case) -> Sequence[TaskSites] | None:
        """Every task of the ACDC documents, with its sites; None without documents."""
        if not case.recoveries:
            return None
        by_task: dict[str, list[Recovery]] = {}
        for recovery in case.recoveries:
            by_task.setdefault(recovery.task, []).append(recovery)
        return [self._of_task(case, path, recoveries) for path, recoveries in sorted(by_task.items())]

    def _of_task(self, case: Case, path: str, recoveries: Sequence[Recovery]) -> TaskSites:
        short = "/".join(path.split("/")[2:])
        whitelist = case.workflow.parameters.get("SiteWhitelist")
        if any(recovery.fake_files for recovery in recoveries) and isinstance(whitelist, list):
            sites = self._sites(map(str, whitelist), case.sites)
            return TaskSites(short, sites, "simulated without input: the whole whitelist")
        told = (site for recovery in recoveries for site in recovery.sites)
        return TaskSites(short, self._sites(told, case.sites), "where its input is, by the ACDC server")

    def _sites(self, names: Iterable[str], known: Mapping[str, SiteStatus]) -> frozenset[str]:
        clean = {_DISK.sub("", name) for name in names if not _NO_JOBS.fullmatch(name)}
        return frozenset(name for name in clean if name and (name in known or not (self._known_only and known)))
