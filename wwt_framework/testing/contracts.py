"""What the house relies on, as tests that a plugin inherits.

A contract loads the plugin through its entry point, as an installation does,
and asks it through the real manager: an answer of the wrong type is a failure here, too.
A test about a hook that the plugin does not implement passes.
"""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import Denied
from wwt_framework.model import ROLES, Errors, Rejected, User, Workflow
from wwt_framework.plugin import Visit
from wwt_framework.testing.running import Doors, Running, running

NO_SUCH_WORKFLOW = "wwt_contract_no_such_workflow"
AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def about(hook: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test of one hook: a plugin that does not implement it keeps that promise."""

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def asked(self: PluginContract, running: Running, *args: Any, **more: Any) -> None:
            if running.has(hook):
                test(self, running, *args, **more)

        return asked

    return mark


class PluginContract:
    """What is asked of every plugin."""

    #: The plugin, as namespace.entry_point: "errors.my_source".
    plugin: ClassVar[str] = ""
    #: Its options, as in plugins.yml; or say them in ``make_options``.
    options: ClassVar[dict[str, Any]] = {}

    def make_options(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002  # for those who override it
        """Prepare what the plugin reads, in *folder* or on a server of your own, and return its options."""
        return dict(self.options)

    @pytest.fixture
    def running(self, tmp_path: Path) -> Iterator[Running]:
        """The plugin, made and started."""
        it = running(self.plugin, self.make_options(tmp_path), tmp_path, Doors(tmp_path))
        self.prepare(it)
        yield it
        it.stop()

    def prepare(self, it: Running) -> None:
        """Do what must be done after the plugin has started: make accounts, hand out actions."""

    def test_it_says_what_it_is_for(self, running: Running) -> None:
        assert running.loaded.text, "the first line of the class's docstring is shown on /plugins"

    def test_every_option_is_described(self, running: Running) -> None:
        assert [row.name for row in running.loaded.options if not row.description] == []

    @about("report_health")
    def test_health_is_told(self, running: Running) -> None:
        health = running.ask("report_health")
        assert health is None or health.text, "say in words what works, or what does not"


class ErrorSourceContract(PluginContract):
    """What the refresh relies on, of every source of ``wwt.errors``.

    The one thing it must be able to tell apart is "nothing failed" and "not known":
    say how your source breaks (``break_source``) and, where it can happen,
    how a single cell goes bad (``spoil_one_cell``) and how an answer comes out short (``cut_short``).
    """

    #: A workflow that the source knows and that has errors.
    workflow: ClassVar[str] = ""

    def break_source(self, it: Running) -> None:  # noqa: ARG002  # for those who override it
        """Make everything unreadable: cut the file, let the server answer 500."""
        pytest.fail(f"{type(self).__name__}.break_source: say how to make your source unreadable")

    def spoil_one_cell(self, it: Running) -> str:  # noqa: ARG002  # for those who override it
        """Make one count unreadable and return the name of its workflow."""
        pytest.skip("this source says nothing about single cells that can not be read (spoil_one_cell)")

    def cut_short(self, it: Running) -> str:  # noqa: ARG002  # for those who override it
        """Make the source know only a part of what failed, and return the workflow that concerns."""
        pytest.skip("this source says nothing about answers that are not complete (cut_short)")

    # -- workflows --

    @about("list_workflows")
    def test_every_workflow_is_listed_once_and_has_a_name(self, running: Running) -> None:
        names = [workflow.name for workflow in running.ask("list_workflows")]
        assert [name for name, times in Counter(names).items() if times > 1] == []
        assert [name for name in names if not name or "/" in name] == []

    @about("fetch_workflows")
    def test_workflows_nobody_knows_are_left_out(self, running: Running) -> None:
        told = running.ask("fetch_workflows", names=[self.workflow, NO_SUCH_WORKFLOW])
        assert NO_SUCH_WORKFLOW not in [workflow.name for workflow in told]

    @about("list_workflows")
    def test_times_have_a_zone(self, running: Running) -> None:
        times = [w.requested_at for w in running.ask("list_workflows") if w.requested_at is not None]
        assert [at for at in times if at.tzinfo is None] == []

    @about("fetch_family")
    def test_family_has_the_prep_id_that_was_asked_for(self, running: Running) -> None:
        assert list(running.ask("fetch_family", prep_id="wwt-contract-no-such-prep-id")) == []

    # -- counts --

    def test_counts_are_positive_and_belong_to_tasks_of_workflows(self, running: Running) -> None:
        for name, columns in self._columns(running):
            _check_columns(columns)
            assert name is None or name in _workflows(columns), f"load_errors does not speak for {name}"
        for name, errors in self._errors(running):
            _check_errors(name, errors)

    def test_same_question_gets_the_same_answer(self, running: Running) -> None:
        for hook, question in self._questions(running):
            first, second = (_plain(running.ask(hook, **question)) for _ in range(2))
            assert first == second, hook

    def test_workflow_nobody_knows_is_unknown_and_not_without_errors(self, running: Running) -> None:
        if running.has("load_errors"):
            columns = running.ask("load_errors", names=[NO_SUCH_WORKFLOW])
            assert NO_SUCH_WORKFLOW not in _workflows(columns), "leave out what you do not know"
        if running.has("fetch_errors"):
            answer = running.answer("fetch_errors", workflow=Workflow(NO_SUCH_WORKFLOW))
            known = answer.ok and answer.value is not None and answer.value.complete
            assert not known, "raise, or return None: Errors() says that nothing failed"

    # -- what goes wrong --

    def test_source_that_can_not_be_read_raises(self, running: Running) -> None:
        self.break_source(running)
        for hook, question in self._questions(running):
            answer = running.answer(hook, **question)
            assert not answer.ok, f"{hook} answered {answer.value!r}: an empty answer means that there is nothing"
            assert str(answer.error), f"{hook} raised {answer.error!r} without a sentence"

    @about("load_errors")
    def test_cell_that_can_not_be_read_is_named_and_the_rest_is_told(self, running: Running) -> None:
        spoilt = self.spoil_one_cell(running)
        columns = running.ask("load_errors", names=None)
        _check_columns(columns)
        rejected: Sequence[Rejected] = columns.rejected
        assert spoilt in [item.workflow for item in rejected], "name the workflow, so that its last good data is kept"
        assert [item for item in rejected if not item.path or not item.why] == []

    def test_short_answer_is_called_one(self, running: Running) -> None:
        short = self.cut_short(running)
        if running.has("load_errors"):
            assert running.ask("load_errors", names=None).partial.get(short), "say in `partial` what is missing"
        else:
            errors = running.ask("fetch_errors", workflow=Workflow(short))
            assert (errors.complete, bool(errors.note)) == (False, True), "Errors(complete=False, note=...)"

    # -- what else is told --

    @about("fetch_logs")
    def test_logs_are_of_tasks_of_the_workflow(self, running: Running) -> None:
        logs = running.ask("fetch_logs", workflow=Workflow(self.workflow), exit_codes=frozenset(self._codes(running)))
        assert [log.task for log in logs if not log.task.startswith(f"/{self.workflow}/")] == []
        assert [log for log in logs if log.count < 1] == []

    @about("fetch_site_statuses")
    def test_every_site_is_told_once(self, running: Running) -> None:
        sites = [status.site for status in running.ask("fetch_site_statuses")]
        assert [site for site, times in Counter(sites).items() if times > 1 or not site] == []

    @about("describe_exit_codes")
    def test_every_exit_code_is_described_once_and_for_the_day_in_question(self, running: Running) -> None:
        codes = running.ask("describe_exit_codes", at=AT)
        assert [code for code, times in Counter(c.code for c in codes).items() if times > 1] == []
        assert [c.code for c in codes if (c.since and c.since > AT) or (c.until and c.until <= AT)] == []
        assert [c.code for c in codes if not c.short or not c.meaning] == []

    # -- asking --

    def _questions(self, it: Running) -> Iterator[tuple[str, dict[str, Any]]]:
        """The hooks that bring data in, with a question each that the source can answer."""
        workflow = Workflow(self.workflow)
        questions: dict[str, dict[str, Any]] = {
            "list_workflows": {},
            "load_errors": {"names": None},
            "fetch_errors": {"workflow": workflow},
            "fetch_site_statuses": {},
        }
        yield from ((hook, question) for hook, question in questions.items() if it.has(hook))

    def _columns(self, it: Running) -> Iterator[tuple[str | None, ErrorColumns]]:
        if it.has("load_errors"):
            yield None, it.ask("load_errors", names=None)
            if self.workflow:
                yield self.workflow, it.ask("load_errors", names=[self.workflow])

    def _errors(self, it: Running) -> Iterator[tuple[str, Errors]]:
        if it.has("fetch_errors") and self.workflow:
            yield self.workflow, it.ask("fetch_errors", workflow=Workflow(self.workflow))

    def _codes(self, it: Running) -> Iterable[int]:
        for _, columns in self._columns(it):
            yield from (int(code) for code in columns.codes)
        for _, errors in self._errors(it):
            yield from (count.exit_code for count in errors.counts)


class AuthContract(PluginContract):
    """What signing in relies on, of every backend of ``wwt.auth``."""

    #: Somebody who may enter, and how; or make them in ``prepare``.
    username: ClassVar[str] = ""
    password: ClassVar[str] = ""
    #: Names that must be strangers to the backend whatever the password is.
    strangers: ClassVar[tuple[str, ...]] = (
        "wwt_contract_nobody", "*", "*)(uid=*", "' OR '1'='1", "a\0b", "../../etc/passwd", "x" * 10_000, "\ud800",
    )  # fmt: skip

    def break_backend(self, it: Running) -> None:  # noqa: ARG002  # for those who override it
        """Make the backend unreachable: stop its server, take its file away."""
        pytest.skip("this backend has nothing that could be out of reach (break_backend)")

    # -- authenticate --

    @about("authenticate")
    def test_right_password_enters(self, running: Running) -> None:
        user = running.ask("authenticate", username=self.username, password=self.password)
        assert isinstance(user, User), "say username and password of somebody who may enter"
        assert user.name
        assert user.roles <= set(ROLES)

    @pytest.mark.parametrize("wrong", ["{0}x", "x{0}", "{1}", "", " {0}", "{0} ", "{0}\0", "*"])
    @about("authenticate")
    def test_wrong_password_does_not_enter(self, running: Running, wrong: str) -> None:
        password = wrong.format(self.password, self.password.swapcase())
        assert _nobody(running, "authenticate", username=self.username, password=password)

    @about("authenticate")
    def test_stranger_does_not_enter(self, running: Running) -> None:
        for name in self.strangers:
            assert _nobody(running, "authenticate", username=name, password=self.password), repr(name)

    @about("authenticate")
    def test_stranger_is_not_told_from_a_wrong_password_by_the_clock(self, running: Running) -> None:
        known, unknown = (_seconds(running, name) for name in (self.username, self.strangers[0]))
        if known < 0.005:
            pytest.skip("too quick to tell anything")
        assert 0.25 < unknown / known < 4, f"{known:.3f} s for a wrong password, {unknown:.3f} s for a stranger"

    @about("authenticate")
    def test_backend_that_is_out_of_reach_lets_nobody_in(self, running: Running) -> None:
        self.break_backend(running)
        assert _nobody(running, "authenticate", username=self.username, password=self.password)

    # -- identify --

    @about("identify")
    def test_request_that_shows_nothing_is_nobody(self, running: Running) -> None:
        assert running.ask("identify", visit=_visit({})) is None

    @pytest.mark.parametrize(
        "header",
        [
            "x-remote-user",
            "remote-user",
            "x-forwarded-user",
            "x-auth-request-user",
            "ssl-client-s-dn",
            "oidc-claim-sub",
        ],
    )
    @about("identify")
    def test_header_from_elsewhere_is_ignored(self, running: Running, header: str) -> None:
        assert _nobody(running, "identify", visit=_visit({header: self.username or "admin"}))

    @pytest.mark.parametrize("value", ["Bearer x", "Bearer ", "Bearer a.b.c", "Negotiate eA==", "Basic !", "\ud800"])
    @about("identify")
    def test_nonsense_in_the_authorization_header_is_nobody(self, running: Running, value: str) -> None:
        assert _nobody(running, "identify", visit=_visit({"authorization": value}))

    # -- grant_roles --

    @about("grant_roles")
    def test_only_roles_that_exist_are_granted(self, running: Running) -> None:
        user = User(self.username or "ana", backend=running.name)
        answer = running.answer("grant_roles", user=user)
        assert not answer.ok or set(answer.value) <= set(ROLES)

    @about("grant_roles")
    def test_user_without_a_name_is_granted_nothing(self, running: Running) -> None:
        answer = running.answer("grant_roles", user=User())
        assert not answer.ok or list(answer.value) == []

    @about("grant_roles")
    def test_name_vouched_for_by_another_backend_gets_no_more_than_a_stranger(self, running: Running) -> None:
        if running.has("authenticate"):
            answer = running.answer("grant_roles", user=User(self.username, backend="auth.wwt_contract_other"))
            assert not answer.ok or list(answer.value) == [], "somebody else of the same name is not your user"


def _nobody(it: Running, hook: str, **question: Any) -> bool:
    """Whether the answer lets nobody in: None, a refusal, or a failure."""
    answer = it.answer(hook, **question)
    return answer.value is None or isinstance(answer.error, Denied)


def _seconds(it: Running, username: str) -> float:
    """The shortest of three tries with a wrong password."""
    took = []
    for _ in range(3):
        started = time.perf_counter()
        it.answer("authenticate", username=username, password="wwt contract wrong")
        took.append(time.perf_counter() - started)
    return min(took)


def _visit(headers: dict[str, str]) -> Visit:
    return Visit("GET", "/", headers, remote="203.0.113.9", base_url="https://wwt.example.org")


def _workflows(columns: ErrorColumns) -> set[str]:
    """The workflows that an answer speaks for."""
    return {task.split("/")[1] for task in columns.tasks} | set(columns.workflows)


def _check_columns(columns: ErrorColumns) -> None:
    axes = {"task": columns.tasks, "code": columns.codes, "site": columns.sites}
    counts = np.asarray(columns.count)
    for axis, names in axes.items():
        indices = np.asarray(getattr(columns, axis))
        assert len(indices) == len(counts), f"{axis} and count are not equally long"
        assert len(set(names)) == len(names), f"a name occurs twice in {axis}s"
        assert not len(indices) or (indices.min() >= 0 and indices.max() < len(names)), f"{axis} points outside {axis}s"
    assert not len(counts) or counts.min() > 0, "a cell without failed jobs is left out"
    bad = [task for task in columns.tasks if not _is_task(task)]
    assert bad == [], "a task is called /<workflow>/<task>"
    assert [code for code in columns.codes if int(code) != code] == []


def _is_task(path: str) -> bool:
    parts = path.split("/")
    return len(parts) >= 3 and parts[0] == "" and all(parts[1:])


def _check_errors(name: str, errors: Errors) -> None:
    assert [c for c in errors.counts if c.count < 1] == []
    assert [c.task for c in errors.counts if not c.task.startswith(f"/{name}/")] == []
    cells = Counter((c.task, c.exit_code, c.site) for c in errors.counts)
    assert [cell for cell, times in cells.items() if times > 1] == []
    assert errors.complete or errors.note, "say why the counts are not complete"


def _plain(value: Any) -> Any:
    """*value* in a form that can be compared: columns become a table."""
    if not isinstance(value, ErrorColumns):
        return list(value) if isinstance(value, Sequence) else value
    rows = zip(
        *(np.asarray(column).tolist() for column in (value.task, value.code, value.site, value.count)), strict=True
    )
    return sorted((value.tasks[t], int(value.codes[c]), value.sites[s], n) for t, c, s, n in rows)
