"""What WMStats answers: failed jobs with samples of their reports (jobdetail), and counts of all jobs (request)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from wwt_framework.errors import SourceError
from wwt_framework.model import ChainLink, ErrorCount, LogExcerpt

from ..._cms.parsing import shown, shown_text, whole_number
from ..._cms.rules import DIGITS, LONGEST_SITE, MOST_JOBS, exit_code, is_dropped

#: The state of jobs that are counted; those whose reports are read are more (WMCore ChangeState.py).
COUNTED = "jobfailed"
REPORTED = ("jobfailed", "submitfailed")

#: Texts and links that are read of one report; what a broken agent repeats a thousand times tells nothing new.
_MOST_LINKS = 50
_LONGEST = 16_384  # characters of a text; the core keeps half of them

Cell = tuple[str, str, str, str, Mapping[str, Any]]  # task, state, exit code, site, what is told of it


@dataclass(frozen=True)
class Details:
    """Failed jobs of one workflow; ``faults`` are sentences about what could not be read."""

    counts: tuple[ErrorCount, ...]
    faults: tuple[str, ...]
    agents: frozenset[str] = frozenset()  # hosts whose samples are among them

    @property
    def total(self) -> int:
        """Failed jobs."""
        return sum(count.count for count in self.counts)


def inside(answer: Any, workflow: str, where: str) -> Mapping[str, Any]:
    """What stands under *workflow* in ``{"result": [{workflow: {...}}]}``; empty where it is not named.

    Raises SourceError for anything else, an empty ``{}`` among them: that is how a failing service answers.
    """
    result = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(result, list):
        raise SourceError(f'{where}: expected {{"result": [...]}}, got {shown(answer)}')
    for entry in result:
        if not isinstance(entry, Mapping):
            raise SourceError(f"{where}: expected objects in its result, got {shown(entry)}")
        if (found := entry.get(workflow)) is not None:
            if not isinstance(found, Mapping):
                raise SourceError(f"{where}: expected an object under the workflow, got {shown(found)}")
            return found
    return {}


# -- jobdetail ----------------------------------------------------------------


def read_details(told: Mapping[str, Any]) -> Details:
    """Failed jobs by task, exit code and site, of what ``inside`` gives of a jobdetail answer.

    LogCollect and Cleanup tasks are left out, and exit codes that are no numbers.
    """
    counts: dict[tuple[str, int, str], int] = {}
    faults: list[str] = []
    agents: set[str] = set()
    for task, state, name, site, cell in _cells(told, faults):
        code = exit_code(name)
        if state != COUNTED or code is None or is_dropped(task):
            continue
        place = f"{task} > {name} > {site}"
        agents.update(_host(s.get("agent_name")) for s in _list(cell.get("samples")) if isinstance(s, Mapping))
        n = whole_number(cell.get("errorCount"))
        if n is None or not 0 <= n <= MOST_JOBS:
            faults.append(f"{place}: expected a number of failed jobs, got {shown(cell.get('errorCount'))}")
        elif len(name) > DIGITS or len(site) > LONGEST_SITE or not site.isprintable() or not site:
            faults.append(f"{place[:300]}: expected an exit code and the name of a site")
        elif n:
            counts[task, code, site] = counts.get((task, code, site), 0) + n
    found = tuple(ErrorCount(task, code, site, n) for (task, code, site), n in counts.items())
    return Details(found, tuple(faults), frozenset(agents - {""}))


def _host(agent: Any) -> str:
    """The host of an agent, which is named by it or by an address: http://vocms008.cern.ch:5984/..."""
    name = agent if isinstance(agent, str) and agent.isprintable() else ""
    try:
        return (urlsplit(name).hostname or "") if "//" in name else name.partition(":")[0].lower()
    except ValueError:
        return ""


def read_logs(told: Mapping[str, Any], exit_codes: frozenset[int]) -> list[LogExcerpt]:
    """What the samples say of jobs with one of *exit_codes*; code 0 has nothing to say."""
    found = []
    for task, state, name, site, cell in _cells(told, []):
        code = exit_code(name)
        if state not in REPORTED or code not in exit_codes or not code or is_dropped(task):
            continue
        samples = [sample for sample in _list(cell.get("samples")) if isinstance(sample, Mapping)]
        jobs = whole_number(cell.get("errorCount")) or 1
        each = jobs if len(samples) == 1 else 1
        found += [log for sample in samples if (log := _log(task, code, site, sample, each)) is not None]
    return found


def _log(task: str, code: int, site: str, sample: Mapping[str, Any], jobs: int) -> LogExcerpt | None:
    links = sorted(_links(sample.get("errors")), key=lambda link: link[1] != code)  # stable: the cause comes first
    if not links:
        return None
    text = "\n\n".join(f"{kind} (Exit code: {shown_code(n)})\n\n{details}" for kind, n, details in links)
    at = sample.get("timestamp")
    return LogExcerpt(
        task, code, site, links[0][0][:200], text[:_LONGEST], count=max(1, min(jobs, MOST_JOBS)),
        chain=tuple(ChainLink(kind[:200], n) for kind, n, _ in links),
        at=_moment(at), files=tuple(_files(sample.get("inputfiles"))),
    )  # fmt: skip


def shown_code(code: int | None) -> str:
    return "unknown" if code is None else str(code)


def _links(errors: Any) -> Iterator[tuple[str, int | None, str]]:
    """Type, exit code and text of every error of a report, in its order."""
    if not isinstance(errors, Mapping):
        return
    n = 0
    for step in errors.values():
        for error in _list(step):
            if isinstance(error, Mapping) and n < _MOST_LINKS:
                n += 1
                kind, details = error.get("type"), error.get("details")
                yield (
                    kind.strip() if isinstance(kind, str) and kind.strip() else "no type named",
                    whole_number(error.get("exitCode")),
                    details if isinstance(details, str) else "" if details is None else shown_text(str(details), 1000),
                )


def _files(given: Any) -> list[str]:
    """LFNs of the input files of a report; WMStats writes them as objects, older agents as plain names."""
    names = [one.get("lfn") if isinstance(one, Mapping) else one for one in _list(given)]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name.startswith("/")))[:50]


def _cells(told: Mapping[str, Any], faults: list[str]) -> Iterator[Cell]:
    """Every cell of a jobdetail answer; what is no object on the way to it becomes a fault."""
    for task, states in told.items():
        for state, codes in _objects(states, task, faults):
            if state not in REPORTED:
                continue
            for code, sites in _objects(codes, f"{task} > {state}", faults):
                for site, cell in _objects(sites, f"{task} > {state} > {code}", faults):
                    if isinstance(cell, Mapping):
                        yield task, state, code, site, cell
                    else:
                        faults.append(f"{task} > {state} > {code} > {site}: expected an object, got {shown(cell)}")


def _objects(given: Any, place: str, faults: list[str]) -> list[tuple[str, Any]]:
    if isinstance(given, Mapping):
        return list(given.items())
    faults.append(f"{place[:300]}: expected an object, got {shown(given)}")
    return []


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _moment(given: Any) -> datetime | None:
    if isinstance(given, (int, float)) and not isinstance(given, bool) and 0 < given < 4_102_444_800:  # before 2100
        return datetime.fromtimestamp(given, timezone.utc)
    return None


# -- request ------------------------------------------------------------------


@dataclass(frozen=True)
class JobCounts:
    """Jobs of one workflow over all agents that told of it."""

    failed: int
    succeeded: int
    agents: frozenset[str]  # hosts of those with failed jobs

    @property
    def failure_rate(self) -> float | None:
        """Failed / (failed + succeeded); None when no job has ended."""
        ended = self.failed + self.succeeded
        return self.failed / ended if ended else None


def read_counts(told: Mapping[str, Any], where: str) -> JobCounts | None:
    """Job counts of what ``inside`` gives of a request answer; None where no agent told any.

    Numbers that are zero are left out by WMStats. Raises SourceError for what can not be read.
    """
    agents = told.get("AgentJobInfo")
    if agents is None or agents == {}:
        return None
    if not isinstance(agents, Mapping):
        raise SourceError(f"{where}: expected an object AgentJobInfo, got {shown(agents)}")
    failed = succeeded = 0
    failing: set[str] = set()
    for agent, info in agents.items():
        status = info.get("status", {}) if isinstance(info, Mapping) else None
        failure = status.get("failure", {}) if isinstance(status, Mapping) else None
        if not isinstance(status, Mapping) or not isinstance(failure, Mapping):
            raise SourceError(f"{where}: expected the job counts of agent {shown(agent)}, got {shown(info)}")
        numbers = [whole_number(n) for n in (status.get("success", 0), *failure.values())]
        if any(n is None or n < 0 for n in numbers):
            raise SourceError(f"{where}: expected numbers of jobs from agent {shown(agent)}, got {shown(status)}")
        succeeded += numbers[0] or 0
        failed += sum(n or 0 for n in numbers[1:])
        if any(numbers[1:]):
            failing.add(_host(agent))
    return JobCounts(failed, succeeded, frozenset(failing - {""}))
