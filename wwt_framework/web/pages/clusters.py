"""Workflows that fail alike: the groups (`/clusters`), grouping anew (`/cluster`), and the original's `/similarwfs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wwt_framework.cube import Array
from wwt_framework.errors import NotFound, StoreError, WwtError
from wwt_framework.services.alike import correcting
from wwt_framework.services.alike.fitting import JOB
from wwt_framework.services.alike.groups import Group, Groups
from wwt_framework.services.alike.later import Soon
from wwt_framework.store import ledger
from wwt_framework.store.ledger import JobRun, KeptCorrection
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.marks import recent_marks
from wwt_framework.web.parameters import Format, Offset
from wwt_framework.web.render import as_json, redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import (
    current_app,
    current_house,
    current_snapshot,
    current_user,
    current_visit,
    page,
    seen_by_script,
)

#: Members of a group that are drawn at a time, and corrections that are listed.
LINES, SAID = 200, 100


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/cluster": (ask_cluster, cluster),
        "/clusters": clusters,
        "/clusters/merge": merge,
        "/clusters/split": split,
        "/clusters/undo": undo,
        "/similarwfs": similarwfs,
    }


# -- the groups ----------------------------------------------------------------


@dataclass(frozen=True)
class GroupLine:
    """One group as a line of the table."""

    group: Group
    acted: int  # members that somebody acted on
    pending: int


@dataclass(frozen=True)
class MemberLine:
    """One workflow of a group."""

    name: str
    jobs: int
    codes: tuple[tuple[int, int], ...]  # exit code, failed jobs; the most frequent first
    mark: str  # none, pending, acted


@dataclass(frozen=True)
class ClustersPage:
    """What the pages of groups show."""

    by: str  # the clusterer; "": none makes groups
    others: tuple[str, ...]  # other clusterers that do
    soon: Soon[Groups]
    lines: tuple[GroupLine, ...]
    run: JobRun | None  # the grouping that runs or waits
    last: JobRun | None  # the one that ended last
    said: tuple[KeptCorrection, ...]  # the newest first
    may_act: bool

    @property
    def groups(self) -> Groups | None:
        return self.soon.value


@dataclass(frozen=True)
class AlonePage:
    """What the list of workflows that are like no other shows."""

    by: str
    total: int
    members: tuple[MemberLine, ...]
    offset: int
    next: int | None


@dataclass(frozen=True)
class GroupPage:
    """What the page of one group shows."""

    by: str
    of: str
    line: GroupLine
    members: tuple[MemberLine, ...]
    offset: int
    next: int | None
    others: tuple[Group, ...]  # what it can be put together with
    may_act: bool


COLUMNS = {
    "group": str, "example": str, "workflows": int, "acted": int, "pending": int, "failed jobs": int, "exit codes": [str],
    "sites": [str],
}  # fmt: skip
_MEMBERS = {"workflow": str, "failed jobs": int, "exit codes": [int], "action": str}


@page(answers=([COLUMNS], [_MEMBERS]))
def clusters(by: str = "", of: str = "", alone: str = "", offset: Offset = "0", format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """Which workflows fail alike: all groups, with ``of`` the group of one workflow, with ``alone`` who is in none."""
    plugin = _plugin(by)
    if alone:
        return _alone(plugin, offset, format)
    if of:
        return _group(plugin, of, offset, format)
    shown = _clusters_page(plugin)
    if format:
        if shown.groups is None:
            raise Refused(503, shown.soon.error or "The groups are being worked out; ask again in a moment.")
        return table_response(COLUMNS, [_row(line) for line in shown.lines], format, "clusters")
    return render("clusters.html", page=shown)


def _row(line: GroupLine) -> tuple[Any, ...]:
    group = line.group
    codes, sites = ([part.name for part in parts] for parts in (group.codes, group.sites))
    return group.name, group.example, len(group), line.acted, line.pending, group.jobs, codes, sites


def _plugin(by: str) -> str:
    """The clusterer that is asked for, or the first one; "" when none makes groups."""
    there = current_app().alike.groupers(current_house().hooks)
    if by and by not in there:
        raise NotFound(f"No plugin {by[:80]} groups workflows here; there are: {', '.join(there) or 'none'}.")
    return by or next(iter(there), "")


def _soon(plugin: str) -> Soon[Groups]:
    if not plugin:
        return Soon()
    soon: Soon[Groups] = current_app().alike.groups(current_snapshot(), current_house().hooks, plugin)
    return soon


def _groups(plugin: str) -> Groups:
    """The groups of *plugin*, now. Refuses in words when they are not there."""
    if not plugin:
        raise NotFound("No plugin here groups workflows; list one under clustering: in plugins.yml.")
    soon = _soon(plugin)
    if soon.value is None:
        raise Refused(503, soon.error or "The groups are being worked out; load this page again in a moment.")
    return soon.value


def _clusters_page(plugin: str) -> ClustersPage:
    app, hooks = current_app(), current_house().hooks
    soon = _soon(plugin)
    runs = ledger.runs(app.store, 20, name=JOB)
    return ClustersPage(
        plugin,
        tuple(name for name in app.alike.groupers(hooks) if name != plugin),
        soon,
        tuple(_lines(soon.value)) if soon.value else (),
        next((run for run in runs if run.state in ("queued", "running")), None),
        next((run for run in runs if run.state not in ("queued", "running")), None),
        tuple(reversed(ledger.corrections(app.store, ended=True)))[:SAID],
        current_user().may("operator"),
    )


def _lines(groups: Groups) -> list[GroupLine]:
    counts: dict[tuple[int, str], int] = {}
    for name, mark in recent_marks().items():
        key = (groups.label_of(name), mark)
        counts[key] = counts.get(key, 0) + 1
    return [GroupLine(g, counts.get((g.label, "acted"), 0), counts.get((g.label, "pending"), 0)) for g in groups.all]


# -- one group -----------------------------------------------------------------


def _first(offset: str, there: int) -> int:
    """How many of *there* lines to leave out."""
    first = int(offset)
    if first and first >= there:
        raise NotFound(f"There are {there:,} workflows here, so none is left after leaving out {first:,}.")
    return first


def _drawn(members: Array, first: int, format: str) -> tuple[MemberLine, ...]:  # noqa: A002  # as in ?format=
    some = members[first:] if format else members[first : first + LINES]
    return tuple(_member(at) for at in some.tolist())


def _members_table(members: tuple[MemberLine, ...], format: str, name: str) -> Response:  # noqa: A002  # as in ?format=
    rows = [(m.name, m.jobs, [code for code, _ in m.codes], m.mark) for m in members]
    return table_response(_MEMBERS, rows, format, name)


def _alone(plugin: str, offset: str, format: str) -> Response:  # noqa: A002  # as in ?format=
    groups = _groups(plugin)
    if groups.fitted_at is None:
        raise NotFound(f"Nobody has a group yet: {plugin} has not learnt from anything so far.")
    alone = groups.alone
    first = _first(offset, len(alone))
    members = _drawn(alone, first, format)
    if format:
        return _members_table(members, format, "alone")
    rest = first + LINES
    shown = AlonePage(plugin, len(alone), members, first, rest if rest < len(alone) else None)
    return render("cluster_alone.html", page=shown)


def _why_none(groups: Groups, workflow: str) -> str:
    """Why *workflow* is in no group."""
    if current_snapshot().cube.workflows.find(workflow) < 0:
        return "is not in what was fetched last"
    if groups.fitted_at is None:
        return f"has no group yet: {groups.plugin} has not learnt from anything so far"
    return f"is like no other, as {groups.plugin} sees it"


def _group(plugin: str, of: str, offset: str, format: str) -> Response:  # noqa: A002  # as in ?format=
    groups = _groups(plugin)
    group = groups.group_of(of)
    if group is None:
        raise NotFound(f"{of[:200]} {_why_none(groups, of)}.")
    first = _first(offset, len(group))
    members = _drawn(group.members, first, format)
    if format:
        return _members_table(members, format, "cluster")
    line = next(line for line in _lines(groups) if line.group is group)
    rest = first + LINES
    others = tuple(other for other in groups.all if other is not group)[:200]
    shown = GroupPage(
        plugin, of, line, members, first, rest if rest < len(group) else None, others, current_user().may("operator")
    )
    return render("cluster_group.html", page=shown)


def _member(at: int) -> MemberLine:
    cube = current_snapshot().cube
    cells = cube.cells_of(at)
    sums: dict[int, int] = {}
    for code, count in zip(cube.codes[cube.cell_code[cells]].tolist(), cube.cell_count[cells].tolist(), strict=True):
        sums[code] = sums.get(code, 0) + count
    codes = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    name = cube.workflows[at]
    return MemberLine(name, int(cube.workflow_total[at]), tuple(codes), recent_marks().get(name, "none"))


# -- what operators say --------------------------------------------------------


@page(role="operator", methods=("POST",))
def merge(by: str = "", of: str = "", other: str = "", workflows: tuple[str, ...] = (), back: str = "") -> Response:
    """Puts two groups together, or the ticked workflows with one."""
    app, user, remote = current_app(), current_user().name, current_visit().remote
    try:
        if other:
            groups = _groups(_plugin(by))
            correcting.put_together(app.store, groups, _there(groups, of), _there(groups, other), user, remote)
        else:
            correcting.put_with(app.store, [_known(name) for name in (of, *workflows)], user, remote)
    except (StoreError, NotFound):
        raise
    except WwtError as error:
        raise Refused(400, str(error)) from error
    return _back(back, by, of)


@page(role="operator", methods=("POST",))
def split(by: str = "", of: str = "", workflows: tuple[str, ...] = (), back: str = "") -> Response:
    """Splits the ticked workflows off their group, or sets them apart from one workflow."""
    app, user, remote = current_app(), current_user().name, current_visit().remote
    try:
        if back == "workflow":
            correcting.set_pair_apart(app.store, _known(of), [_known(name) for name in workflows], user, remote)
        else:
            groups = _groups(_plugin(by))
            correcting.set_apart(app.store, groups, _there(groups, of), workflows, user, remote)
    except (StoreError, NotFound):
        raise
    except WwtError as error:
        raise Refused(400, str(error)) from error
    return _back(back, by, of)


@page(role="operator", methods=("POST",))
def undo(number: str, by: str = "") -> Response:
    """Takes back what somebody said about groups; what was learnt of it already is unlearnt by grouping anew."""
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Refused(400, f"number must be that of a correction, got {number[:40]!r}.")
    app, user = current_app(), current_user().name
    kept = correcting.take_back(app.store, int(number), user, current_visit().remote)
    if app.alike.have_learnt(current_house().hooks, kept):
        app.clockwork.request(JOB, user=user)
    return redirect("/clusters", by=by or None)


def _there(groups: Groups, workflow: str) -> Group:
    group = groups.group_of(workflow)
    if group is None:
        raise NotFound(f"{workflow[:200]} is in no group any more; load the page anew.")
    return group


def _known(workflow: str) -> str:
    if current_snapshot().cube.workflows.find(workflow) < 0:
        raise NotFound(f"There is no workflow {workflow[:200]} in what was fetched last.")
    return workflow


def _back(back: str, by: str, of: str) -> Response:
    return redirect("/seeworkflow", workflow=of) if back == "workflow" else redirect("/clusters", by=by or None)


# -- grouping anew -------------------------------------------------------------


_ASKED = {"message": str, "run": str}


@page(role="operator", answers=_ASKED)
def ask_cluster() -> Response:
    """Has workflows grouped anew, when a script asks.

    People are asked whether they mean it.
    """
    if current_visit().method == "GET" and seen_by_script():
        return _group_anew()
    return render("cluster.html", done=False, plugins=current_app().alike.groupers(current_house().hooks))


@page(role="operator", methods=("POST",), answers=_ASKED)
def cluster() -> Response:
    """Has all clusterers learn anew, from history and from what is there now."""
    return _group_anew()


def _group_anew() -> Response:
    app, exchange, user = current_app(), current_exchange(), current_user().name
    run = app.clockwork.request(JOB, user=user)
    ledger.write_down(app.store, user, "grouped anew", "clusters", remote=current_visit().remote, run=run)
    if exchange.wants_html() and not seen_by_script():
        return render("cluster.html", done=True, plugins=app.alike.groupers(current_house().hooks))
    return as_json({"message": "Workflows are being grouped anew.", "run": run})


# -- the original's address ----------------------------------------------------


@page(json=True, answers={"similar": [str], "acted": [str]})
def similarwfs(workflow: str = "", by: str = "") -> Response:
    """The other workflows of the group of *workflow*, sorted, and those of them that were acted on."""
    plugin = _plugin(by)
    soon = _soon(plugin)
    if soon.value is None and plugin:
        raise Refused(503, soon.error or "The groups are being worked out; ask again in a moment.")
    similar = soon.value.peers(workflow) if soon.value else []
    marks = recent_marks()
    return as_json({"similar": similar, "acted": [name for name in similar if marks.get(name) == "acted"]})
