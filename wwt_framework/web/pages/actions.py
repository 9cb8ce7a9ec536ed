"""What was asked for and what became of it: the list (`/actions`), and a page for each action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

from wwt_framework.model import Action, ActionState, Reason
from wwt_framework.plugin import ExecutorWord, Field
from wwt_framework.services import desk
from wwt_framework.services.desk.listing import PAGE
from wwt_framework.store import ledger
from wwt_framework.store.ledger import Evidence
from wwt_framework.web.acting import Worded
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.parameters import Among, Drawn, Format, JsonFormat, Number
from wwt_framework.web.render import as_json, redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.results import RESULT, kind_words, result_plain, result_response
from wwt_framework.web.tools import current_app, current_house, current_user, page

#: What the original called open, and each state in words: as filters.
STATE_FILTERS: Mapping[str, tuple[str, tuple[ActionState, ...]]] = {
    "": ("all", ()),
    "open": ("open", (ActionState.QUEUED, ActionState.SENT)),
    "queued": ("queued", (ActionState.QUEUED,)),
    "sent": ("fetched", (ActionState.SENT,)),
    "done": ("done", (ActionState.DONE,)),
    "failed": ("failed", (ActionState.FAILED,)),
    "withdrawn": ("taken back", (ActionState.WITHDRAWN,)),
    "superseded": ("replaced", (ActionState.SUPERSEDED,)),
}
COLOURS = {
    "queued": "warn",
    "sent": "warn",
    "done": "good",
    "failed": "bad",
    "withdrawn": "muted",
    "superseded": "muted",
}
SIGNS = {"queued": "…", "sent": "→", "done": "✓", "failed": "✗", "withdrawn": "↩", "superseded": "⇄"}
WORDS = {state.value: STATE_FILTERS[state.value][0] for state in ActionState}
_SPANS = (("", "any time"), ("1", "a day"), ("7", "a week"), ("30", "30 days"), ("365", "a year"))
_ROWS = 5000  # actions in one file


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/actions": (actions, undo), "/actions/*": (one, change)}


@dataclass(frozen=True)
class ListPage:
    """What the list shows."""

    found: desk.ActionPage
    given: Mapping[str, str]  # the filters of the address; "" where it says nothing
    kinds: tuple[tuple[str, str], ...]  # name, label
    users: tuple[str, ...]
    states: Mapping[str, tuple[str, tuple[ActionState, ...]]] = field(default_factory=lambda: STATE_FILTERS)
    spans: tuple[tuple[str, str], ...] = _SPANS
    colours: Mapping[str, str] = field(default_factory=lambda: COLOURS)
    signs: Mapping[str, str] = field(default_factory=lambda: SIGNS)

    def count(self, name: str) -> int:
        """Actions behind a filter by state, with all other filters as they are."""
        counts = self.found.counts
        states = STATE_FILTERS[name][1] or tuple(counts)
        return sum(counts.get(state, 0) for state in states)

    def label(self, kind: str) -> str:
        return dict(self.kinds).get(kind, kind)

    def address(self, **changes: Any) -> str:
        """The address of this list with *changes*."""
        pairs = {**self.given, "page": None, **changes}
        return current_exchange().url("/actions", **{name: value or None for name, value in pairs.items()})

    @property
    def is_filtered(self) -> bool:
        return any(self.given.values())


_COLUMNS = {
    "id": str, "workflow": str, "kind": str, "state": ActionState, "sentence": str, "user": str, "submitted_at": datetime,
    "changed_at": datetime, "reasons": [str], "values": {str: Any}, "task_values": {str: {str: Any}}, "acdcs": [str],
    "stuck": bool, "rehearsed": bool,
}  # fmt: skip


@page(answers=([_COLUMNS], RESULT))
def actions(
    state: Annotated[str, Among(tuple(STATE_FILTERS))] = "",
    kind: str = "",
    user: str = "",
    search: str = "",
    days: Annotated[str, Number("a whole number", 0, 99_999)] = "",
    draft: str = "",
    reason: str = "",
    stuck: str = "",
    page: Annotated[str, Number("a whole number from 1 on", 1, 999_999)] = "1",
    repeated: Drawn = "",
    format: Format = "",  # noqa: A002  # as in ?format=
) -> Response:
    """What was asked for, the newest first; with ``draft`` what became of one submit, a line per workflow."""
    given = {
        "state": state, "kind": kind, "user": user, "search": search, "days": days, "draft": draft, "reason": reason,
        "stuck": stuck,
    }  # fmt: skip
    if draft and not state and (mine := _result_of(draft, repeated, format)):
        return mine
    query = _query(given, page)
    if format:
        return _table(query, format)
    found = desk.action_lines(current_app().store, query, push=_push())
    kinds = tuple((choice.kind.name, choice.kind.label) for choice in desk.kinds(current_house().hooks))
    store = current_app().store
    names = ledger.aliases(store)
    users = tuple(dict.fromkeys(names.get(name, name) for name in ledger.action_users(store)))
    shown = ListPage(found, given, kinds, users)
    return render("actions.html", page=shown)


@page(role="operator", methods=("POST",))
def undo(draft: str) -> Response:
    """Take back, of one submit, all that no executor has fetched yet."""
    desk.withdraw_all(current_app().store, draft, current_user().name)
    return redirect("/actions", draft=draft, state="withdrawn")


def _result_of(draft: str, repeated: str, format: str) -> Response | None:  # noqa: A002  # as in ?format=
    """What became of a draft, for whoever submitted it; None for others, who see its actions in the list."""
    store = current_app().store
    told, kept = desk.told_before(store, draft), ledger.find_draft(store, draft)
    if told is None or kept is None or kept.user != current_user().name:
        return None
    if format == "json":
        return as_json(result_plain(told))
    intent = desk.open_draft(store, draft, current_user()).intent
    return None if format else result_response(told, intent, repeated=bool(repeated))


def _query(given: Mapping[str, str], page: str) -> desk.ActionQuery:
    """What the address asks for."""
    days = given["days"]
    return desk.ActionQuery(
        STATE_FILTERS[given["state"]][1],
        (given["kind"],) if given["kind"] else (),
        (given["user"],) if given["user"] else (),
        given["search"].strip(),
        float(days) if days else None,
        given["draft"],
        given["stuck"] not in ("", "0"),
        int(page),
        given["reason"],
    )


def _push() -> set[str]:
    """Kinds that their plugin carries out: no executor fetches them."""
    return {choice.kind.name for choice in desk.kinds(current_house().hooks) if choice.kind.delivery == "push"}


def _table(query: desk.ActionQuery, format: str) -> Response:  # noqa: A002  # as in ?format=
    lines: list[desk.ActionLine] = []
    for number in range(query.page, query.page + _ROWS // PAGE):
        found = desk.action_lines(
            current_app().store, desk.ActionQuery(**{**_fields(query), "page": number}), push=_push()
        )
        lines += found.lines
        if number >= found.pages:
            break
    return table_response(_COLUMNS, [_row(line, format) for line in lines], format, "actions")


def _fields(query: desk.ActionQuery) -> dict[str, Any]:
    return {name: getattr(query, name) for name in query.__dataclass_fields__}


def _row(line: desk.ActionLine, format: str) -> tuple[Any, ...]:  # noqa: A002  # as in ?format=
    action = line.action
    told: tuple[Any, ...] = (action.values, action.task_values)
    if format == "csv":
        told = tuple(as_json(one).body.decode() if one else "" for one in told)
    return (
        action.id, action.workflow, action.kind, action.state.value, line.sentence, action.user,
        action.submitted_at.isoformat(), action.changed_at.isoformat(), [r.short or r.long for r in action.reasons],
        *told, list(action.acdcs), line.stuck, line.rehearsed,
    )  # fmt: skip


# -- one action --


@dataclass(frozen=True)
class ActionPage(Worded):
    """What the page of one action shows."""

    history: desk.ActionHistory
    label_of_kind: str
    fields: Mapping[str, Field]
    evidence: Evidence | None
    complaint: str = ""
    colours_of: Mapping[str, str] = field(default_factory=lambda: COLOURS)
    signs: Mapping[str, str] = field(default_factory=lambda: SIGNS)
    words_of: Mapping[str, str] = field(default_factory=lambda: WORDS)

    @property
    def action(self) -> Action:
        return self.history.line.action

    @property
    def state(self) -> str:
        return self.action.state.value

    @property
    def was_sent(self) -> bool:
        """Whether an executor has it, and may carry it out whatever is done here."""
        return self.action.state is ActionState.SENT


_EVENT = {"at": datetime, "user": str, "before": ActionState | None, "after": ActionState, "note": str}
_ONE = {
    **_COLUMNS, "reasons": [Reason], "words": [ExecutorWord], "events": [_EVENT], "evidence": ({str: Any}, None),
}  # fmt: skip


@page(answers=_ONE)
def one(rest: str, format: JsonFormat = "") -> Response:  # noqa: A002  # as in ?format=
    """One action: what was asked for and why, what was known then, and all that happened to it."""
    return _draw(rest, format=format)


@page(role="operator", methods=("POST",))
def change(rest: str, step: str = "", confirm: str = "") -> Response:
    """Take it back, or queue it once more."""
    store, user = current_app().store, current_user().name
    if step == "requeue":
        desk.requeue(store, rest, user)
    elif step == "withdraw":
        if ledger.action(store, rest).state is ActionState.SENT and confirm != "yes":
            return _draw(rest, "An executor has fetched this already: say that you know it may carry it out.", 422)
        desk.withdraw(store, rest, user)
    else:
        raise Refused(400, f"step can be withdraw or requeue, not {step[:40]!r}.")
    return redirect(f"/actions/{rest}")


def _draw(action_id: str, complaint: str = "", status: int = 200, format: str = "") -> Response:  # noqa: A002
    store = current_app().store
    history = desk.action_history(store, action_id, push=_push())
    evidence = desk.evidence_of(store, action_id) if history.evidence else None
    if format:
        return _plain(history, evidence)
    label, fields = kind_words(history.line.action.kind)
    return render("action.html", status, page=ActionPage(history, label, fields, evidence, complaint))


def _plain(history: desk.ActionHistory, evidence: Evidence | None) -> Response:
    return as_json({
        **dict(zip(_COLUMNS, _row(history.line, "json"), strict=True)),
        "reasons": [asdict(reason) for reason in history.line.action.reasons],
        "words": [asdict(word) for word in history.line.words],
        "events": [
            {
                "at": event.at, "user": event.user, "before": event.before and event.before.value,
                "after": event.after.value, "note": event.note,
            }
            for event in history.events
        ],
        "evidence": evidence and {"at": evidence.at, "snapshot": evidence.snapshot, **evidence.content},
    })  # fmt: skip
