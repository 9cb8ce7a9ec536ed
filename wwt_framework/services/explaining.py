"""What failed jobs said: the logs of one exit code, identical texts once, with the lines that tell most marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from wwt_framework.errors import NotFound
from wwt_framework.keylines import key_lines
from wwt_framework.model import NOT_REPORTED, ExitCode, LogExcerpt
from wwt_framework.services.caselines import chain_words
from wwt_framework.services.casetables import anchor_of, label_of, meaning_of, ordered, short_of
from wwt_framework.snapshot import Snapshot

#: Texts of a page.
PAGE = 40


@dataclass(frozen=True)
class Line:
    """One line of a text."""

    text: str
    key: bool  # it tells what went wrong


@dataclass(frozen=True)
class Saying:
    """What some failed jobs said alike."""

    number: int  # on all pages, from 1
    lines: tuple[Line, ...]
    text: str
    count: int  # jobs that said it, as far as the sources know
    sites: tuple[tuple[str, int], ...]  # the site of most jobs first
    tasks: tuple[tuple[str, str, int], ...]  # path, short, jobs
    chain: tuple[str, ...]  # "type (Exit code: n)", the first cause first
    files: tuple[str, ...]  # input files that the sources name
    urls: tuple[str, ...]  # of whole logs, http(s) only


@dataclass(frozen=True)
class Explanation:
    """The page of the logs of one exit code."""

    code: int
    label: str
    told: ExitCode  # its meaning; empty words when nobody told
    workflow: str  # "": of all workflows
    task: str  # "": of all tasks
    short: str  # of the task
    anchor: str  # of the task's table on the workflow's page
    site: str  # "": of all sites
    elsewhere: bool  # the task (or site) has no logs: these are those of the whole workflow
    failed: int | None  # failed jobs of this code there; None: not known
    jobs: int  # that said any of this, as far as the sources know
    sayings: tuple[Saying, ...]  # of this page
    found: int  # different texts, on all pages
    offset: int
    next: int | None


def explain(snapshot: Snapshot, code: int, step: str = "", site: str = "", offset: int = 0) -> Explanation:
    """What failed jobs with *code* said in *step*: "/workflow/task", "/workflow", or "" for all workflows.

    A task (or site) without logs is answered with those of its whole workflow.
    Raises `NotFound` for a workflow that the snapshot does not have.
    """
    workflow = step.split("/")[1] if step.startswith("/") else step
    task = step if step.startswith("/") and step.count("/") > 1 and step.strip("/") != workflow else ""
    elsewhere = False
    if workflow:
        if snapshot.cube.workflows.find(workflow) < 0:
            raise NotFound(f"There is no workflow {workflow} in this snapshot.")
        every = snapshot.logs(workflow, code)
        logs = [log for log in every if log.task == (task or log.task) and log.site == (site or log.site)]
        elsewhere = bool(every) and not logs
        logs = logs or every
    else:
        logs = snapshot.global_logs(code)
    sayings = alike(logs)
    end = offset + PAGE
    return Explanation(
        code, label_of(code), meaning_of(snapshot.exit_codes, code), workflow, task, short_of(task), anchor_of(task),
        site, elsewhere, _failed(snapshot, code, workflow, task, site), sum(log.count for log in logs),
        tuple(sayings[offset:end]), len(sayings), offset, end if end < len(sayings) else None,
    )  # fmt: skip


def _failed(snapshot: Snapshot, code: int, workflow: str, task: str, site: str) -> int | None:
    """Failed jobs of *code*, as the errors say; None where they do not."""
    cube = snapshot.cube
    at = cube.code_index(code)
    if not workflow:
        return 0 if at < 0 else int(cube.cell_count[cube.cell_code == at].sum())
    index = cube.workflows.find(workflow)
    if snapshot.known(workflow)["errors"].state == "unknown":
        return None
    return sum(
        cell.count
        for cell in cube.table(index)
        if cell.exit_code == code and cell.task == (task or cell.task) and cell.site == (site or cell.site)
    )


def alike(logs: Iterable[LogExcerpt]) -> list[Saying]:
    """Identical texts with identical chains once, those of most jobs first."""
    groups: dict[tuple[str, tuple[str, ...]], list[LogExcerpt]] = {}
    for log in logs:
        groups.setdefault((log.text, tuple(chain_words(log))), []).append(log)
    order = sorted(groups, key=lambda key: (-sum(log.count for log in groups[key]), key))
    return [_saying(i, *key, groups[key]) for i, key in enumerate(order, 1)]


def _saying(number: int, text: str, chain: tuple[str, ...], logs: list[LogExcerpt]) -> Saying:
    sites: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    for log in logs:
        sites[log.site] += log.count
        tasks[log.task] += log.count
    return Saying(
        number, marked(text), text, sum(log.count for log in logs),
        tuple((site, sites[site]) for site in ordered(sites, "errors")),
        tuple((task, short_of(task), tasks[task]) for task in ordered(tasks, "errors")),
        chain, tuple(dict.fromkeys(file for log in logs for file in log.files)),
        tuple(dict.fromkeys(log.url for log in logs if log.url.lower().startswith(("http://", "https://")))),
    )  # fmt: skip


def marked(text: str) -> tuple[Line, ...]:
    """The lines of *text*; a few that tell what went wrong are marked, the more telling kinds first.

    The line after "Exception Message:" is the message itself.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    keys = set(key_lines(lines))
    return tuple(Line(line, i in keys) for i, line in enumerate(lines))


def read_code(text: str) -> int | None:
    """The exit code that an address gives; None for what can not be one.

    >>> read_code("8028"), read_code("NotReported"), read_code("x")
    (8028, -1, None)
    """
    if text in ("NotReported", "n.r.", "not reported", str(NOT_REPORTED)):
        return NOT_REPORTED
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
