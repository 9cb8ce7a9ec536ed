"""What failed jobs said: the logs of one exit code, by message, with the lines that tell most marked."""

from __future__ import annotations

from dataclasses import dataclass

from wwt_framework.errors import NotFound
from wwt_framework.model import NOT_REPORTED, ExitCode, LogExcerpt
from wwt_framework.services.casetables import anchor_of, label_of, meaning_of, short_of
from wwt_framework.services.messages import Message, Saying, alike, messages
from wwt_framework.snapshot import Snapshot

#: Messages, or texts, of a page.
PAGE = 40
#: Excerpts of one exit code that are looked at where no workflow is named.
_EXCERPTS = 3_000


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
    messages: tuple[Message, ...]  # of this page; where one template is looked at, only its own
    sayings: tuple[Saying, ...]  # of this page
    every: tuple[Saying, ...]  # on all pages
    found: int  # different texts, on all pages
    grouped: int  # messages, on all pages
    template: str  # the one that is looked at; "": all
    offset: int
    next: int | None
    left: int  # how many more messages, or texts, come on later pages
    unseen: int  # excerpts that were too many to be looked at
    trouble: str  # why texts are not grouped; "" when nothing went wrong

    @property
    def mined(self) -> bool:
        """Whether any of it has a template."""
        return any(message.template for message in self.messages)


def explain(
    snapshot: Snapshot, code: int, step: str = "", site: str = "", offset: int = 0, template: str = ""
) -> Explanation:
    """What failed jobs with *code* said in *step*: "/workflow/task", "/workflow", or "" for all workflows.

    With a *template* only what is of it, text by text.
    A task (or site) without logs is answered with those of its whole workflow.
    Raises `NotFound` for a workflow or template that the snapshot does not have.
    """
    workflow = step.split("/")[1] if step.startswith("/") else step
    task = step if step.startswith("/") and step.count("/") > 1 and step.strip("/") != workflow else ""
    logs, elsewhere, unseen = _logs(snapshot, code, workflow, task, site)
    if template:
        logs = [log for log in logs if log.template == template]
        if not logs:
            raise NotFound(f"No log of exit code {label_of(code)} here is of the message {template[:64]!r}.")
    every = alike(logs)
    grouped = messages(every, snapshot.log_templates().texts)
    end = offset + PAGE
    total = len(every) if template else len(grouped)
    return Explanation(
        code, label_of(code), meaning_of(snapshot.exit_codes, code), workflow, task, short_of(task), anchor_of(task),
        site, elsewhere, _failed(snapshot, code, workflow, task, site), sum(log.count for log in logs),
        tuple(grouped if template else grouped[offset:end]), tuple(every[offset:end]), tuple(every), len(every),
        len(grouped), template, offset, end if end < total else None, max(0, total - end), unseen,
        snapshot.detail.mining_trouble() if snapshot.detail else "",
    )  # fmt: skip


def _logs(snapshot: Snapshot, code: int, workflow: str, task: str, site: str) -> tuple[list[LogExcerpt], bool, int]:
    """The excerpts asked for; whether they are of the whole workflow instead; how many more there are."""
    if not workflow:
        logs = snapshot.global_logs(code, _EXCERPTS, site)
        return logs, False, max(0, snapshot.count_global_logs(code, site) - len(logs))
    if snapshot.cube.workflows.find(workflow) < 0:
        raise NotFound(f"There is no workflow {workflow} in this snapshot.")
    every = snapshot.logs(workflow, code)
    logs = [log for log in every if log.task == (task or log.task) and log.site == (site or log.site)]
    return logs or every, bool(every) and not logs, 0


def _failed(snapshot: Snapshot, code: int, workflow: str, task: str, site: str) -> int | None:
    """Failed jobs of *code*, as the errors say; None where they do not."""
    cube = snapshot.cube
    at = cube.code_index(code)
    if not workflow:
        if at < 0:
            return 0
        there = cube.cell_code == at
        if site:
            where = list(cube.sites).index(site) if site in cube.sites else -1
            there = there & (cube.cell_site == where)
        return int(cube.cell_count[there].sum())
    index = cube.workflows.find(workflow)
    if snapshot.known(workflow)["errors"].state == "unknown":
        return None
    return sum(
        cell.count
        for cell in cube.table(index)
        if cell.exit_code == code and cell.task == (task or cell.task) and cell.site == (site or cell.site)
    )


def read_code(text: str) -> int | None:
    """The exit code that an address gives; None for what can not be one.

    >>> read_code("8028"), read_code("NotReported"), read_code("x")
    (8028, -1, None)
    """
    if text in ("NotReported", "n.r.", "not reported", str(NOT_REPORTED)):
        return NOT_REPORTED
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
