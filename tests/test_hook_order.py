"""One plugin with every hook: the whole sequence of a start, a refresh, pages, an action and an end, line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.house import Client
from wwt_framework.app import App
from wwt_framework.hooks.table import HOOKS
from wwt_framework.model import User
from wwt_framework.services import desk
from wwt_framework.services.refresh import refresh
from wwt_framework.web import wsgi

#: A plugin that implements every hook and writes down what it is asked.
MODULE = '''
import inspect

from wwt_framework import hookimpl
from wwt_framework.hooks.table import HOOKS
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import *
from wwt_framework.plugin import *

ASKED = []
WORKFLOW = Workflow("wf_a", prep_id="P-1", request_type="TaskChain")
ANSWERS = {
    "list_workflows": [Workflow("wf_a")],
    "fetch_workflows": [WORKFLOW],
    "fetch_family": [WORKFLOW],
    "load_errors": ErrorColumns.of([ErrorCount("/wf_a/t", 85, "T1_US_FNAL", 3)]),
    "fetch_errors": Errors((ErrorCount("/wf_a/t", 85, "T1_US_FNAL", 3),)),
    "fetch_logs": [LogExcerpt("/wf_a/t", 85, "T1_US_FNAL", "FileReadError", "it could not be read")],
    "show_links": [Link("elsewhere", "https://example.org/wf_a")],
    "grant_roles": ["viewer"],
    "authenticate": User("ana"),
    "report_health": Health(True, "well"),
    "register_actions": [
        ActionKind(
            "ticket", "Ticket", "Open a ticket.", (Field("sites", "Sites", "sites", per_task=True),), delivery="push"
        )
    ],
    "build_sites": [TaskSites("t", frozenset({"T1_US_FNAL"}))],
    "execute_action": Outcome(ActionState.SENT, "opened"),
}


class Everything:
    """Implements every hook."""

    def __init__(self, context):
        ASKED.append("made")


def _add(hook):
    def method(self, **arguments):
        ASKED.append(hook.name)
        return ANSWERS.get(hook.name)

    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in ("self", *hook.arguments)]
    source = f"def {hook.name}({', '.join(['self', *hook.arguments])}): return method(self)"
    space = {"method": method}
    exec(source, space)
    setattr(Everything, hook.name, hookimpl(space[hook.name]))


for _hook in HOOKS.values():
    _add(_hook)
'''

YML = """
wwt:
  data_dir: data
errors:
  wwt_everything: {}
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    info = tmp_path / "site" / "wwt_everything-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wwt_everything\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wwt.errors]\nwwt_everything = wwt_everything:Everything\n")
    (info.parent / "wwt_everything.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(info.parent))
    (tmp_path / "plugins.yml").write_text(YML)
    app = App.build(tmp_path / "plugins.yml")
    yield app
    app.close()
    monkeypatch.delitem(sys.modules, "wwt_everything")


class Diary:
    """What the plugin was asked since one last looked."""

    def __init__(self) -> None:
        import wwt_everything

        self._asked: list[str] = wwt_everything.ASKED

    def read(self) -> list[str]:
        read = list(self._asked)
        self._asked.clear()
        return read


def test_hooks_are_asked_in_their_order(app, tmp_path):
    diary = Diary()

    assert app.house.loaded[0].hooks == tuple(HOOKS)
    assert diary.read() == ["made", "startup"]

    refresh(app.house.hooks, app.house.config, app.store, app.house.config.house.data_dir)
    assert diary.read() == [
        "list_workflows",
        "load_errors",
        "fetch_workflows",
        "fetch_family",
        "fetch_errors",
        "fetch_logs",
        "fetch_recoveries",
        "fetch_site_statuses",
        "describe_exit_codes",
        "mine_templates",
        "notify",
    ]

    app.alike._patience_s = 60.0  # on a busy machine groups come in time, too
    client = Client(wsgi.build(app), app, {"ana": "password"})
    assert client.get("/seeworkflow?workflow=wf_a").status == 200
    assert diary.read() == [
        "register_pages",
        "register_login_options",
        "identify",
        "show_links",
        "register_actions",
        "build_refusals",
        "recommend_actions",
        "label_workflows",
        "find_similar",
        "show_panels",
    ]

    assert client.get("/seeworkflow?workflow=wf_a").status == 200
    assert diary.read() == [
        "identify",
        "show_links",
        "build_refusals",
        "recommend_actions",
        "find_similar",
        "show_panels",
    ]

    assert client.get("/seeworkflow?workflow=wf_a", user="ana").status == 200
    assert diary.read() == [
        "identify",
        "authenticate",
        "grant_roles",
        "show_links",
        "build_refusals",
        "recommend_actions",
        "find_similar",
        "show_panels",
    ]

    assert client.get("/health").status == 200
    assert diary.read() == ["report_health"]

    plan = act(app)
    assert diary.read() == [
        "build_refusals",
        "build_action_fields",
        "build_refusals",
        "build_action_fields",
        "build_sites",
        "check_action",
        "build_effects",
    ]

    desk.submit(app.house.hooks, app.board.snapshot, app.store, plan)
    assert diary.read() == ["recommend_actions"]

    assert app.clockwork.run_now("actions").state == "done"
    assert diary.read() == ["check_action", "execute_action", "follow_action", "notify", "notify"]

    app.close()
    assert diary.read() == ["shutdown"]


def act(app: App) -> desk.Plan:
    """What a ticket about wf_a would do."""
    hooks, snapshot, ana = app.house.hooks, app.board.snapshot, User("ana", roles=frozenset({"operator"}))
    intent, problems = desk.read_form(hooks, snapshot, app.store, ana, {"workflow": "wf_a", "kind": "ticket"})
    return desk.plan(hooks, snapshot, app.store, intent, ana, problems=problems)
