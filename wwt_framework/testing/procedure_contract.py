"""What pages and rules rely on, of every plugin that recommends actions: `ProcedureContract`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from wwt_framework.model import (
    Case,
    ErrorCount,
    ErrorTable,
    Known,
    LogExcerpt,
    Readiness,
    Recommendation,
    SiteStatus,
    Task,
    Workflow,
)
from wwt_framework.testing.contracts import AT, PluginContract, about
from wwt_framework.testing.running import Running


class ProcedureContract(PluginContract):
    """What pages and rules rely on, of every plugin that recommends actions."""

    #: Kinds of action that the installation has beside those that the plugin registers itself.
    kinds: ClassVar[tuple[str, ...]] = ("acdc", "clone", "recovery", "special")
    #: Exit codes of the cases that it is tried on; or say the cases in ``make_cases``.
    codes: ClassVar[tuple[int, ...]] = (-1, 85, 8001, 8021, 8028, 50660, 50664, 71104, 71305, 99109, 99303)

    def make_cases(self) -> Sequence[Case]:
        """Cases on which the plugin has something to say: one for each state that counts can be in."""
        return [self._case(state) for state in ("ok", "partial", "old", "unknown")]

    @about("recommend_actions")
    def test_case_without_errors_is_accepted(self, running: Running) -> None:
        for known in ({}, {"errors": Known("errors", "", "ok", AT)}, {"errors": Known("errors", "", "unknown")}):
            assert list(running.ask("recommend_actions", case=Case(Workflow("empty"), known=known))) == []

    @about("recommend_actions")
    def test_every_recommendation_says_why(self, running: Running) -> None:
        assert [one for one in self._said(running) if not one.reason.strip()] == []

    @about("recommend_actions")
    def test_it_has_something_to_say(self, running: Running) -> None:
        assert self._said(running), "say in `codes` or `make_cases` what your procedures are about"

    @about("recommend_actions")
    def test_only_actions_are_recommended_that_somebody_takes(self, running: Running) -> None:
        own = [kind.name for kind in running.ask("register_actions")] if running.has("register_actions") else []
        assert {one.action for one in self._said(running)} <= {"", *self.kinds, *own}

    @about("recommend_actions")
    def test_recommendation_is_about_a_task_of_the_case_and_a_code_that_it_has(self, running: Running) -> None:
        for case in self.make_cases():
            tasks, codes = {"", *(e.task for e in case.errors)}, {None, *(e.exit_code for e in case.errors)}
            said = running.ask("recommend_actions", case=case)
            assert [one for one in said if one.task not in tasks or one.exit_code not in codes] == []

    @about("recommend_actions")
    def test_same_case_gets_the_same_recommendations(self, running: Running) -> None:
        assert self._said(running) == self._said(running)

    @about("recommend_actions")
    def test_recommending_opens_nothing(self, running: Running) -> None:
        self._said(running)  # what is imported late is there by now
        with opened() as seen:
            self._said(running)
        assert seen == [], "pages wait for this: read files in startup, ask services in a job"

    def _said(self, it: Running) -> list[Recommendation]:
        return [one for case in self.make_cases() for one in it.ask("recommend_actions", case=case)]

    def _case(self, state: str) -> Case:
        tasks = [Task(f"/contract_{state}/Task{kind}", kind) for kind in ("Processing", "Merge")]
        sites = {
            "T1_US_FNAL": SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled"),
            "T2_US_Purdue": SiteStatus("T2_US_Purdue", Readiness.RED, "drain"),
        }
        counts = [
            ErrorCount(task.path, code, site, 3 + number)
            for task in tasks
            for number, code in enumerate(self.codes)
            for site in (*sites, "T2_Not_Known")
        ]
        logs = [
            LogExcerpt(task.path, code, "T1_US_FNAL", "Fatal Exception", text, count=2)
            for task in tasks
            for code in self.codes
            for text in (*_SAID, "")
        ]
        known = {"errors": Known("errors", "contract", state, AT)}
        return Case(
            Workflow(f"contract_{state}", tasks=tuple(tasks)), ErrorTable(counts), tuple(logs), (), sites, (), known
        )


#: What jobs say, and what somebody may have them say.
_SAID = (
    "Failed to open the file 'root://xrootd.example.org//store/mc/a.root'\nNo such file\n",
    "Job has exceeded maxPSS: 2000 MB\nJob has PSS: 2192 MB\n",
    "The job can run only at a site that is currently in Draining state (WMAgent).T2_US_Purdue",
    "<script>alert(1)</script>\0\x1b[31m\u202e{limit} {0} %s ${x} \\1 " + "a" * 8000,
    "\n" * 4000 + "\r\n\t" * 1000,
)

_IO_EVENTS = frozenset({
    "open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "sqlite3.connect", "shutil.copyfile",
})  # fmt: skip
_watchers: list[list[str]] = []


@functools.cache
def _listen() -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if _watchers and event in _IO_EVENTS:
            for seen in _watchers:
                seen.append(f"{event} {arguments[0]!r}"[:200])

    sys.addaudithook(hook)  # can not be taken away again, so it listens only while somebody watches


@contextmanager
def opened() -> Iterator[list[str]]:
    """Files, connections and programs that anybody in this process opens meanwhile."""
    _listen()
    seen: list[str] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)
