"""The box of similar workflows on the page of one: who is like it, why, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import NO_SITES
from wwt_framework.services import picking
from wwt_framework.services.alike.groups import Group
from wwt_framework.services.alike.likeness import Alike, Likeness
from wwt_framework.services.errortypes import message_words
from wwt_framework.snapshot import Snapshot
from wwt_framework.web.marks import marks_of, recent_marks
from wwt_framework.web.tools import current_app, current_house, current_snapshot

#: Similar workflows on the page.
SHOWN = 10
#: Reasons that are drawn for each.
_SHARED, _DIFFERS = 4, 3


@dataclass(frozen=True)
class Feature:
    """Something that workflows share, in words."""

    words: str
    help: str = ""
    href: tuple[str, dict[str, str]] | None = None


@dataclass(frozen=True)
class SimilarLine:
    """One similar workflow."""

    name: str
    distance: float | None  # None: an operator put it here
    total: int
    shared: tuple[Feature, ...]
    differs: tuple[Feature, ...]
    mark: str  # none, pending, acted
    said: str  # what an operator said about it and this one


@dataclass(frozen=True)
class SimilarBox:
    """What the box shows."""

    found: Likeness | None  # None: no plugin finds similar workflows
    lines: tuple[SimilarLine, ...] = ()
    away: tuple[SimilarLine, ...] = ()
    others: tuple[str, ...] = ()  # other plugins that can be asked
    by: str = ""  # the plugin that makes groups; "": none does
    group: Group | None = None
    acted: int = 0  # others of the group that were acted on
    alone: bool = False  # it is like no other
    trouble: str = ""  # why its group is not known

    @property
    def lines_acted(self) -> int:
        """Similar workflows that somebody acted on."""
        return sum(line.mark == "acted" for line in self.lines)

    def plain(self) -> list[dict[str, Any]]:
        """The list as JSON: `PLAIN`."""
        return [
            {
                "workflow": line.name, "distance": line.distance, "failed_jobs": line.total, "action": line.mark,
                "shared": [one.words for one in line.shared], "differs": [one.words for one in line.differs],
                "said": line.said,
            }
            for line in self.lines
        ]  # fmt: skip


#: The shape of `SimilarBox.plain`.
PLAIN = [{
    "workflow": str, "distance": float, "failed_jobs": int | None, "action": str, "shared": [str], "differs": [str], "said": str,
}]  # fmt: skip


def similar_box(workflow: str, asked: str = "") -> SimilarBox:
    """The box of *workflow*. *asked*: the plugin that shall find; "": the first. Raises `NotFound`."""
    app, hooks, snapshot = current_app(), current_house().hooks, current_snapshot()
    finders = app.alike.finders(hooks)
    if asked and asked not in finders:
        raise NotFound(
            f"No plugin {asked[:80]} finds similar workflows here; there are: {', '.join(finders) or 'none'}."
        )
    by, group, acted, alone, trouble = _group_of(workflow)
    if not finders:
        return SimilarBox(None, (), (), (), by, group, acted, alone, trouble)
    plugin = asked or finders[0]
    found = app.alike.similar(snapshot, hooks, plugin, workflow, SHOWN)
    marks = marks_of([line.similar.workflow for line in (*found.lines, *found.away)])
    lines, away = (
        tuple(_line(snapshot, line, marks.get(line.similar.workflow, "none")) for line in some)
        for some in (found.lines, found.away)
    )
    others = tuple(name for name in finders if name != plugin)
    return SimilarBox(found, lines, away, others, by, group, acted, alone, trouble)


# -- acting on them ------------------------------------------------------------


def several(posted: Mapping[str, Any], name: str) -> list[str]:
    """All values of one field of a form."""
    value = posted.get(name, [])
    return list(value) if isinstance(value, (list, tuple)) else [str(value)]


def picked_alike(posted: Mapping[str, Any]) -> picking.Picked:
    """The workflow ``of`` and those ticked beside it, each with why it is like it; or all of its group."""
    app, hooks, snapshot = current_app(), current_house().hooks, current_snapshot()
    by, of = (str(posted.get(name, "")) for name in ("by", "of"))
    if posted.get("scope") == "group":
        soon = app.alike.groups(snapshot, hooks, by) if by in app.alike.groupers(hooks) else None
        group = soon.value.group_of(of) if soon and soon.value else None
        if group is None:
            raise WwtError(f"The group of {of[:200]} is not there any more; load its page anew, and choose there.")
        members = snapshot.cube.workflows.take(group.members[: picking.MOST_AT_ONCE + 1])
        return picking.group(snapshot, members, group.name)
    ticked = [name for name in several(posted, "workflows") if name != of]
    near = app.alike.similar(snapshot, hooks, by, of, SHOWN).lines if by in app.alike.finders(hooks) else ()
    reasons = {line.similar.workflow: _reason(snapshot, line) for line in near}
    return picking.alike(of, {name: reasons.get(name, "ticked") for name in ticked})


def _reason(snapshot: Snapshot, line: Alike) -> str:
    shared = ", ".join(feature.words for feature in _features(snapshot, line.similar.shared[:3]))
    if not shared:
        return line.said or "like it"
    return f"like it, distance {line.similar.distance:.2f}: {shared}"


# -- the box -------------------------------------------------------------------


def _group_of(workflow: str) -> tuple[str, Group | None, int, bool, str]:
    app, hooks, snapshot = current_app(), current_house().hooks, current_snapshot()
    by = next(iter(app.alike.groupers(hooks)), "")
    if not by:
        return "", None, 0, False, ""
    soon = app.alike.groups(snapshot, hooks, by)
    if soon.value is None:
        return by, None, 0, False, soon.error or f"{by} is working out the groups."
    group = soon.value.group_of(workflow)
    if group is None:
        return (
            by,
            None,
            0,
            soon.value.fitted_at is not None,
            "" if soon.value.fitted_at else f"{by} has not learnt yet.",
        )
    label, groups = group.label, soon.value
    acted = sum(m == "acted" and w != workflow and groups.label_of(w) == label for w, m in recent_marks().items())
    return by, group, acted, False, ""


def _line(snapshot: Snapshot, line: Alike, mark: str) -> SimilarLine:
    one = line.similar
    told = bool(one.shared or one.differs or not line.said)
    return SimilarLine(
        one.workflow, one.distance if told else None, line.total, _features(snapshot, one.shared[:_SHARED]),
        _features(snapshot, one.differs[:_DIFFERS]), mark, line.said,
    )  # fmt: skip


def _features(snapshot: Snapshot, names: Sequence[str]) -> tuple[Feature, ...]:
    return tuple(feature_of(snapshot, name) for name in names)


def feature_of(snapshot: Snapshot, name: str) -> Feature:
    """A column of the matrix in words, ``code:8028``; what is none is shown as it is."""
    kind, _, value = name.partition(":")
    if kind == "code" and value.lstrip("-").isdigit():
        known = snapshot.exit_codes.get(int(value))
        words = f"{value} {known.short}" if known and known.short else value
        return Feature(words, known.meaning if known else "", ("/explainerror", {"errorcode": value}))
    if kind == "site":
        return Feature(NO_SITES.get(value, value), "site", ("/globalerror", {"site": value}))
    if kind == "type":
        return Feature(f"tasks of type {value}" if value else "tasks of unknown type")
    if kind == "log":
        text = snapshot.log_templates().texts.get(value, "")
        return Feature(f"“{message_words(text)}”" if text else "a message", text)
    return Feature(name)
