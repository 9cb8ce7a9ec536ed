"""Whether the conditions of a procedure hold, and whether those of two can hold at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from wwt_framework.model import NOT_REPORTED, Case, SiteStatus

from .schema import When

#: Sites that a line of evidence names.
_SITES_NAMED = 4


@dataclass(frozen=True)
class Facts:
    """One exit code of one task, as far as conditions ask."""

    case: Case
    task: str
    task_type: str  # "" when no source told
    code: int
    sites: Counter[str]  # failed jobs with this code
    reported: int  # failed jobs of the task with any code that an agent reported
    acdc_round: int  # 1 for the first ACDC of the prep id; 0: the workflow is none
    doubt: str  # why the counts may be wrong; "" when they are whole and of now

    @cached_property
    def jobs(self) -> int:
        """Failed jobs with this code."""
        return self.sites.total()

    @cached_property
    def share(self) -> float:
        """Of what agents reported, 0..1; of what none did, 1: nothing is known to compare it with."""
        return 1.0 if self.code == NOT_REPORTED else self.jobs / self.reported

    @cached_property
    def worst(self) -> tuple[str, int]:
        """The site with most of them."""
        return min(self.sites.items(), key=lambda item: (-item[1], item[0]))

    def share_at(self, production: Sequence[str], readiness: Sequence[str]) -> float:
        """Share of these jobs at sites of one of these states; a site of which nothing is known has the state unknown."""
        fits = 0
        for site, jobs in self.sites.items():
            status = self.case.sites.get(site) or SiteStatus(site)
            if (not production or status.production in production) and (
                not readiness or status.readiness.value in readiness
            ):
                fits += jobs
        return fits / self.jobs

    @property
    def sentence(self) -> str:
        """Why this code matters in this task."""
        least = "at least " if self.doubt.endswith("lower bounds") else ""
        jobs = f"{least}{self.jobs:,} job{'' if self.jobs == 1 else 's'}"
        if self.code == NOT_REPORTED:
            return f"{jobs} of this task are known to the ACDC server only."
        verb = "ends" if self.jobs == 1 else "end"
        return f"{jobs} of this task {verb} with {self.code}, {_percent(self.share)} of its failed jobs."

    @property
    def where(self) -> str:
        """The sites, the worst first, with their state where it is not as usual."""
        ranked = sorted(self.sites.items(), key=lambda item: (-item[1], item[0]))
        named = [f"{site} {jobs:,}{self._state(site)}" for site, jobs in ranked[:_SITES_NAMED]]
        more = len(ranked) - _SITES_NAMED
        return "Sites: " + ", ".join(named) + (f" and {more} more" if more > 0 else "")

    def _state(self, site: str) -> str:
        status = self.case.sites.get(site)
        if status is None:
            return ""
        words: list[str] = [status.readiness.value] if status.readiness.value in ("waiting room", "morgue") else []
        words += [status.production] if status.production not in ("enabled", "unknown") else []
        return f" ({', '.join(words)})" if words else ""


def _percent(share: float) -> str:
    return "all" if share == 1 else "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def holds(when: When, facts: Facts) -> bool:
    """Whether all conditions hold. What is not known fulfils no condition that asks for it."""
    return all((
        not when.task_types or facts.task_type in when.task_types,
        not when.request_types or facts.case.workflow.request_type in when.request_types,
        facts.case.workflow.request_type not in when.not_request_types,
        facts.jobs >= when.jobs_at_least,
        facts.share >= when.share_at_least,
        when.share_below is None or facts.share < when.share_below,
        len(facts.sites) >= when.sites_at_least,
        when.sites_at_most is None or len(facts.sites) <= when.sites_at_most,
        facts.worst[1] >= when.one_site_at_least * facts.jobs,
        when.one_site_below is None or facts.worst[1] < when.one_site_below * facts.jobs,
        facts.acdc_round >= when.round_at_least,
        when.round_at_most is None or facts.acdc_round <= when.round_at_most,
        when.counts == "any" or not facts.doubt,
        not (when.production or when.readiness)
        or facts.share_at(when.production, when.readiness) >= when.at_such_sites,
    ))  # fmt: skip


# -- two procedures ------------------------------------------------------------


def overlap(one: When, other: When) -> bool:
    """Whether there can be a case in which both hold, as far as their conditions can tell."""
    if any(_apart(getattr(one, name), getattr(other, name)) for name in ("task_types", "request_types")):
        return False
    for these, those in ((one, other), (other, one)):
        if these.request_types and set(these.request_types) <= set(those.not_request_types):
            return False
        if _above(these.share_at_least, those.share_below) or _above(these.one_site_at_least, those.one_site_below):
            return False
        if _beyond(these.sites_at_least, those.sites_at_most) or _beyond(these.round_at_least, those.round_at_most):
            return False
    both = one.at_such_sites + other.at_such_sites > 1  # the same jobs would have to be at sites of both states
    return not (both and (_apart(one.production, other.production) or _apart(one.readiness, other.readiness)))


def covers(one: When, other: When) -> bool:
    """Whether *one* holds wherever *other* does: it asks for nothing more."""
    plain = When()
    for name in When.model_fields:
        mine, theirs, nothing = getattr(one, name), getattr(other, name), getattr(plain, name)
        if mine in (nothing, theirs) or name == "at_such_sites":
            continue
        if isinstance(mine, tuple):
            wider = set(mine) <= set(theirs) if name.startswith("not_") else bool(theirs) and set(theirs) <= set(mine)
        elif name == "counts":
            wider = False
        elif name.endswith("_at_least"):
            wider = mine <= theirs
        else:
            wider = theirs is not None and mine >= theirs
        if not wider:
            return False
    return not (one.production or one.readiness) or one.at_such_sites <= other.at_such_sites


def _apart(these: Sequence[str], those: Sequence[str]) -> bool:
    return bool(these and those) and not set(these) & set(those)


def _above(least: float, below: float | None) -> bool:
    return below is not None and least >= below


def _beyond(least: int, most: int | None) -> bool:
    return most is not None and least > most
