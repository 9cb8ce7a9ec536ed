"""The list of actions: each with its state as a sentence, and what can still be done about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wwt_framework.model import OPEN_STATES, TRANSITIONS, Action, ActionState
from wwt_framework.plugin import ExecutorWord
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import ActionEvent, ActionSearch

#: Lines of one page.
PAGE = 50
#: Handed out so long ago, and not a word since: something is stuck.
STUCK_AFTER = timedelta(minutes=60)


@dataclass(frozen=True)
class ActionQuery:
    """Which actions the list shows; empty fields do not matter."""

    states: tuple[ActionState, ...] = ()
    kinds: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    text: str = ""  # part of the workflow's name, or of its prep id
    days: float | None = None  # submitted not longer ago
    draft: str = ""
    stuck: bool = False
    page: int = 1
    reason: str = ""  # short name of one of its reasons


@dataclass(frozen=True)
class ActionLine:
    """One action of the list."""

    action: Action
    sentence: str
    words: tuple[ExecutorWord, ...] = ()  # what executors said, oldest first
    stuck: bool = False
    rehearsed: bool = False

    @property
    def can_withdraw(self) -> bool:
        return ActionState.WITHDRAWN in TRANSITIONS[self.action.state]

    @property
    def can_requeue(self) -> bool:
        return self.action.state is ActionState.FAILED

    @property
    def is_open(self) -> bool:
        return self.action.state in OPEN_STATES


@dataclass(frozen=True)
class ActionPage:
    """A page of the list, the newest first."""

    query: ActionQuery
    lines: tuple[ActionLine, ...]
    total: int
    counts: Mapping[ActionState, int] = field(default_factory=dict)  # of the same query, whatever its states
    stuck: int = 0  # of all actions

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True)
class ActionHistory:
    """Everything about one action."""

    line: ActionLine
    events: tuple[ActionEvent, ...]
    others: tuple[Action, ...]  # on the same workflow, the newest first
    evidence: bool  # whether what was on the page is kept


def action_lines(store: Store, query: ActionQuery, *, push: Collection[str] = ()) -> ActionPage:
    """The actions that fit. *push*: kinds that no executor fetches."""
    now = store.now()
    stuck = ledger.stuck(store, now - STUCK_AFTER)
    since = None if query.days is None else now - timedelta(days=query.days)
    users = tuple(name for user in query.users for name in ledger.names_of(store, user))
    wanted = ActionSearch(query.states, query.kinds, users, query.text, since, query.draft, reason=query.reason)
    if query.stuck:
        found, total = _page_of([action for action in stuck if _fits(action, wanted)], query.page)
    else:
        found, total = ledger.search_actions(store, wanted, PAGE, (query.page - 1) * PAGE)
    any_state = ActionSearch((), query.kinds, users, query.text, since, query.draft, reason=query.reason)
    lines = lines_of(store, found, now, push=push, stuck={action.id for action in stuck})
    return ActionPage(query, lines, total, ledger.count_actions(store, any_state), len(stuck))


def lines_of(
    store: Store, actions: Sequence[Action], now: datetime, *, push: Collection[str] = (), stuck: Collection[str] = ()
) -> tuple[ActionLine, ...]:
    """*actions* with their sentences."""
    ids = [action.id for action in actions]
    words, rehearsed = ledger.words(store, ids), ledger.rehearsed_among(store, ids)
    names = ledger.aliases(store)
    actions = [replace(action, user=names.get(action.user, action.user)) for action in actions]
    return tuple(
        ActionLine(
            action,
            sentence(action, words.get(action.id, ()), now, push=action.kind in push, rehearsed=action.id in rehearsed),
            tuple(words.get(action.id, ())),
            action.id in stuck,
            action.id in rehearsed,
        )
        for action in actions
    )


def action_history(store: Store, action_id: str, *, push: Collection[str] = ()) -> ActionHistory:
    """Everything about one action. Raises `NotFound`."""
    action = ledger.action(store, action_id)
    now = store.now()
    stuck = {one.id for one in ledger.stuck(store, now - STUCK_AFTER)}
    (line,) = lines_of(store, [action], now, push=push, stuck=stuck)
    others = [one for one in reversed(ledger.actions_on(store, action.workflow)) if one.id != action_id]
    names = ledger.aliases(store)
    events = tuple(replace(one, user=names.get(one.user, one.user)) for one in ledger.events(store, action_id))
    others = [replace(one, user=names.get(one.user, one.user)) for one in others]
    return ActionHistory(line, events, tuple(others), ledger.has_evidence(store, action_id))


def _page_of(actions: Sequence[Action], page: int) -> tuple[list[Action], int]:
    newest = list(reversed(actions))
    return newest[(page - 1) * PAGE : page * PAGE], len(newest)


def _fits(action: Action, wanted: ActionSearch) -> bool:
    return (
        (not wanted.states or action.state in wanted.states)
        and (not wanted.kinds or action.kind in wanted.kinds)
        and (not wanted.users or action.user in wanted.users)
        and wanted.text.lower() in action.workflow.lower()
        and (wanted.since is None or action.submitted_at >= wanted.since)
    )


# -- sentences --


def sentence(
    action: Action, words: Sequence[ExecutorWord], now: datetime, *, push: bool = False, rehearsed: bool = False
) -> str:
    """How it stands with *action*: "fetched 3 min ago, not yet reported"."""
    ago = _ago(now - action.changed_at)
    note = f": {action.note}" if action.note else ""
    if rehearsed:
        done = action.state is ActionState.DONE
        return f"rehearsed {ago}, nothing was done{note}" if done else "a rehearsal, nothing will be done"
    if action.state is ActionState.SENT:
        return _sent(action, words, now, ago)
    told = {
        ActionState.QUEUED: f"queued {ago}, {'its plugin carries it out' if push else 'not yet fetched'}",
        ActionState.DONE: f"done {ago}{_made(action, words)}",
        ActionState.FAILED: f"failed {ago}{note}",
        ActionState.WITHDRAWN: f"taken back {ago}{note}",
        ActionState.SUPERSEDED: f"replaced {ago}{note}",
    }[action.state]
    ends = action.expires_at
    return f"{told}, ends {ends:%Y-%m-%d %H:%M} UTC" if ends is not None and ends > now else told


def _sent(action: Action, words: Sequence[ExecutorWord], now: datetime, ago: str) -> str:
    rejected = [word for word in words if word.word == "rejected"]
    if rejected:
        whole = next((word for word in rejected if not word.task), None)
        tasks = len({word.task for word in rejected})
        which = "rejected" if whole else f"{tasks} task{'' if tasks == 1 else 's'} rejected"
        why = (whole or rejected[-1]).why
        return f"{which}{f': {why}' if why else ''}{_made(action, words)}"
    if made := _made(action, words):
        return f"under way{made}"
    last = next((word for word in reversed(words) if word.at is not None), None)
    if last is not None and last.at is not None:
        return f"fetched {ago}, {last.word} by {last.executor} {_ago(now - last.at)}, not yet reported"
    return f"fetched {ago}, not yet reported"


def _made(action: Action, words: Sequence[ExecutorWord]) -> str:
    made = list(dict.fromkeys(word.request for word in words if word.request))
    made = made or ([action.reference] if action.reference else [])
    if not made:
        return ""
    return f", made {made[0]}{f' and {len(made) - 1} more' if len(made) > 1 else ''}"


def _ago(span: timedelta) -> str:
    """How long ago, in one unit."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"
