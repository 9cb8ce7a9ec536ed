"""What executors say: what they honour, that they are alive, and what they made of each task of an action."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from wwt_framework.errors import Denied, NotFound
from wwt_framework.model import Action, ActionState
from wwt_framework.plugin import ExecutorSeen, ExecutorWord
from wwt_framework.store import Store
from wwt_framework.store.ledger.executor import CLAIMED, claims, close, hand_out
from wwt_framework.store.ledger.life import action_of, actions_of, put

_SENT = ActionState.SENT.value


def heard(store: Store, name: str, doing: str | None = None, manifest: Mapping[str, Any] | None = None) -> None:
    """The executor *name* has spoken. None keeps what is known of *doing* and *manifest*."""
    table, now = store.tables.executor, store.now()
    changes: dict[str, Any] = {"seen_at": now}
    if doing is not None:
        changes["doing"] = doing
    if manifest is not None:
        changes |= {"manifest": dict(manifest), "manifest_at": now}
    with store.write(alone="executors"):
        if not table.update(**changes).where(table.name == name).execute():
            table.create(**{"name": name, "doing": "", "manifest": {}, "manifest_at": None, **changes})


def executors(store: Store) -> list[ExecutorSeen]:
    """Every executor that has ever spoken, by name."""
    table = store.tables.executor
    with store.connection():
        return [
            ExecutorSeen(row.name, row.seen_at, row.doing, row.manifest, row.manifest_at)
            for row in table.select().order_by(table.name)
        ]


def claim(
    store: Store, executor: str, limit: int, kinds: Collection[str] | None = None, but: Collection[str] = ()
) -> list[Action]:
    """Hand out at most *limit* open actions to *executor* alone: those it has claimed before, then queued ones.

    Others do not get them any more, neither by a claim nor by `hand_out`. *kinds* None: any.
    """
    table = store.tables.action
    with store.write(alone="actions"):
        mine = (table.state == _SENT) & table.id.in_(claims(store, by=executor))
        wanted = (table.state == ActionState.QUEUED.value) | mine
        if kinds is not None:
            wanted &= table.kind.in_(list(kinds))
        if but:
            wanted &= table.kind.not_in(list(but))
        # "sent" before "queued": what was claimed and not answered is not put off by what is new.
        rows = table.select(table.id, table.state).where(wanted).order_by(table.state.desc(), table.number).limit(limit)
        found = {row.id: row.state for row in rows}
        if not found:
            return []
        actions = hand_out(store, executor, ids=list(found))
        say(store, executor, {i: [ExecutorWord(CLAIMED)] for i, state in found.items() if state != _SENT}, again=True)
        return actions


def say(store: Store, executor: str, words: Mapping[str, Iterable[ExecutorWord]], *, again: bool = False) -> int:
    """Keep what *executor* says, by action; what it said before in the same words is kept twice only *again*.

    Returns how many were new.
    """
    table, now, new = store.tables.executor_word, store.now(), 0
    with store.write(alone="actions"):
        for action_id, several in words.items():
            before = {
                (row.task, row.word, row.why, row.request)
                for row in table.select().where((table.action_id == action_id) & (table.executor == executor))
            }
            for word in several:
                said = (word.task, word.word, word.why, word.request)
                if again or said not in before:
                    before.add(said)
                    new += 1
                    table.create(
                        action_id=action_id, task=word.task, at=now, executor=executor, word=word.word, why=word.why,
                        request=word.request,
                    )  # fmt: skip
    return new


def words(store: Store, action_ids: Sequence[str]) -> dict[str, list[ExecutorWord]]:
    """What executors said of these actions, oldest first; actions of which nothing was said are left out."""
    table = store.tables.executor_word
    told: dict[str, list[ExecutorWord]] = {}
    with store.connection():
        for begin in range(0, len(action_ids), 500):  # SQLite binds 999 values at most
            some = list(action_ids[begin : begin + 500])
            for row in table.select().where(table.action_id.in_(some)).order_by(table.number):
                word = ExecutorWord(row.word, row.task, row.why, row.request, row.executor, row.at)
                told.setdefault(row.action_id, []).append(word)
    return told


def answer(
    store: Store,
    executor: str,
    action_id: str,
    said: Sequence[ExecutorWord],
    outcome: ActionState | None,
    note: str = "",
) -> Action:
    """Keep what *executor* says of one action, and end it when *outcome* is DONE or FAILED; None: it goes on.

    To say the same twice changes nothing. An action that was withdrawn or superseded meanwhile keeps its state:
    its life says that it was done all the same.
    Raises `NotFound`, and `Denied` when another executor has claimed it.
    """
    table = store.tables.action
    with store.write(alone="actions"):
        row = table.get_or_none(table.id == action_id)
        if row is None:
            raise NotFound(f"There is no action {action_id!r}.")
        word = store.tables.executor_word
        claimed = word.action_id.in_(claims(store, by_others_than=executor)) & (word.word == CLAIMED)
        if other := word.get_or_none((word.action_id == action_id) & claimed):
            raise Denied(f"The action {row.kind} on {row.workflow} was claimed by {other.executor}, not by {executor}.")
        say(store, executor, {action_id: said})
        made = sorted({word.request for word in said if word.request})
        if outcome is ActionState.DONE and row.reported_at is None and row.state != ActionState.DONE.value:
            close(store, row, executor, ", ".join(made) or row.reference)
        elif outcome is ActionState.FAILED and row.state in (_SENT, ActionState.QUEUED.value):
            put(store, row, ActionState.FAILED, executor, note)
        return action_of(table.get(table.id == action_id))


def stuck(store: Store, before: datetime) -> list[Action]:
    """Actions that were handed out before *before*, and of which nobody has said anything since. Oldest first."""
    table, word = store.tables.action, store.tables.executor_word
    spoken = word.select(word.action_id).where((word.at >= before) & (word.word != CLAIMED))
    with store.connection():
        return actions_of(store, (table.state == _SENT) & (table.changed_at < before) & table.id.not_in(spoken))
