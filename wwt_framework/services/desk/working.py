"""The job "actions": carries out what plugins carry out themselves, follows it, ends holds, and tells who listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from wwt_framework.config import Config
from wwt_framework.errors import IllegalTransition
from wwt_framework.hooks.manager import Answer, Hooks
from wwt_framework.model import Action, ActionState, Case, Draft, Outcome, User
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import Event, Progress
from wwt_framework.services.desk.kinds import pushed as pushed_kinds
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import ActionEvent

log = logging.getLogger(__name__)

JOB = "actions"
#: How often what is under way is followed, and old things are forgotten.
FOLLOW_EVERY, FORGET_EVERY = timedelta(seconds=30), timedelta(hours=6)
#: Days for which a draft that was never submitted is kept.
DRAFT_DAYS = 7
#: Events that are told in one run, and days after which it is too late to tell.
_TELL, _TELL_DAYS = 500, 1
_TOLD, _FORGOT, _FOLLOWED = "told", "forgot_at", "followed_at"


class House(Protocol):
    """What the job needs of a house."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def config(self) -> Config: ...


class ActionWork:
    """``due`` is asked every second by the clock; ``run`` is the job, which never overlaps itself."""

    def __init__(self, store: Store, house: Callable[[], House], snapshot: Callable[[], Snapshot]) -> None:
        self._store = store
        self._house = house
        self._snapshot = snapshot
        self._memory = ledger.Memory(store, "wwt.desk")

    def due(self) -> bool:
        """Whether there is something to do now: cheap."""
        store, now = self._store, self._store.now()
        if ledger.last_event_number(store) > int(self._memory.get(_TOLD, 0)):
            return True
        return ledger.has_expired(store, now) or self._is_time(_FORGOT, FORGET_EVERY, now) or self._may_follow(now)

    def run(self, progress: Progress) -> str:
        """Do all of it; returns what it came to in a line."""
        now, house, snapshot = self._store.now(), self._house(), self._snapshot()
        progress(None, "ends holds")
        ended = len(ledger.expire(self._store, now))
        rehearsed = self._rehearse(house.hooks, snapshot)
        progress(None, "carries out what plugins carry out")
        done, failed = self._execute(house.hooks, snapshot, house.config.house)
        followed = self._follow(house.hooks, now)
        progress(None, "tells who listens")
        told = self._tell(house.hooks, now)
        self._forget(house.config.house, now)
        said = [
            (ended, "holds ended"), (rehearsed, "rehearsed"), (done, "carried out"), (failed, "failed"),
            (followed, "moved on"), (told, "events told"),
        ]  # fmt: skip
        return ", ".join(f"{count} {words}" for count, words in said if count) or "nothing to do"

    def _is_time(self, key: str, every: timedelta, now: datetime) -> bool:
        last = self._memory.get(key)
        return last is None or not now - every < datetime.fromisoformat(last) <= now

    # -- carrying out --

    def _may_follow(self, now: datetime) -> bool:
        """Whether something is under way whose turn it is; what is queued is carried out as soon as it was told."""
        if not self._is_time(_FOLLOWED, FOLLOW_EVERY, now):
            return False
        pushed = pushed_kinds(self._house().hooks)
        return bool(pushed) and ledger.has_open(self._store, pushed)

    def _execute(self, hooks: Hooks, snapshot: Snapshot, options: HouseOptions) -> tuple[int, int]:
        """Carry out what is queued of kinds that plugins carry out; gives how many went and how many failed."""
        pushed = pushed_kinds(hooks)
        if not pushed or options.dry_run:
            return 0, 0
        went = failed = 0
        for action in ledger.open_actions_of(self._store, pushed, ActionState.QUEUED):
            case = snapshot.case(action.workflow)
            outcome = _checked(hooks, action, case) or _outcome(
                hooks.only(pushed[action.kind], "execute_action", action=action, case=case, dry_run=False)
            )
            self._move(action, outcome, pushed[action.kind])
            went, failed = (went, failed + 1) if outcome.state is ActionState.FAILED else (went + 1, failed)
        return went, failed

    def _follow(self, hooks: Hooks, now: datetime) -> int:
        pushed = pushed_kinds(hooks)
        if not pushed or not self._is_time(_FOLLOWED, FOLLOW_EVERY, now):
            return 0
        moved = 0
        for action in ledger.open_actions_of(self._store, pushed, ActionState.SENT):
            answer = hooks.only(pushed[action.kind], "follow_action", action=action)
            if answer.ok and answer.value is not None and answer.value.state is not ActionState.SENT:
                self._move(action, answer.value, pushed[action.kind])
                moved += 1
        self._memory[_FOLLOWED] = now.isoformat()
        return moved

    def _rehearse(self, hooks: Hooks, snapshot: Snapshot) -> int:
        """End what was submitted as a rehearsal: plugins say what they would do, and nothing is done."""
        rehearsals = ledger.queued_rehearsals(self._store)
        pushed = pushed_kinds(hooks)
        for action in rehearsals:
            case = snapshot.case(action.workflow)
            if action.kind in pushed:
                answer = hooks.only(pushed[action.kind], "execute_action", action=action, case=case, dry_run=True)
                note = answer.value.note if answer.ok else answer.complaint
            else:
                note = _effects(hooks, action, case)
            ledger.move(self._store, action.id, ActionState.DONE, "wwt", f"rehearsed: {note}", rehearsed=True)
        return len(rehearsals)

    def _move(self, action: Action, outcome: Outcome, plugin: str) -> None:
        try:
            ledger.move(self._store, action.id, outcome.state, plugin, outcome.note[:1000], reference=outcome.reference)
        except IllegalTransition as err:  # taken back while the plugin was at it
            log.warning("an action went on without us", extra={"action": action.id, "error": str(err)})
            ledger.note(self._store, action.id, plugin, f"carried out all the same: {outcome.note[:900]}")

    # -- telling --

    def _tell(self, hooks: Hooks, now: datetime) -> int:
        """Tell every event since the last time, in their order; one told already is not told again."""
        told = 0
        for event, action in ledger.events_since(self._store, int(self._memory.get(_TOLD, 0)), _TELL):
            if event.at > now - timedelta(days=_TELL_DAYS):
                what = Event(
                    "action_changed", sentence(event, action), action=action, id=f"action-event-{event.number}"
                )
                hooks.each("notify", event=what)
                told += 1
            self._memory[_TOLD] = event.number
        return told

    def _forget(self, options: HouseOptions, now: datetime) -> None:
        if not self._is_time(_FORGOT, FORGET_EVERY, now):
            return
        ledger.forget_drafts(self._store, now - timedelta(days=DRAFT_DAYS))
        ledger.forget_evidence(self._store, now - timedelta(days=options.evidence_days))
        self._memory[_FORGOT] = now.isoformat()


def mark_told(store: Store) -> None:
    """Nobody is told of what happened until now: for imports of what others were told long ago."""
    ledger.Memory(store, "wwt.desk")[_TOLD] = ledger.last_event_number(store)


def sentence(event: ActionEvent, action: Action) -> str:
    """What happened, for a mail or a chat."""
    what = f"{action.kind} on {action.workflow}"
    if event.before is None:
        return f"{event.user} asked for {what}."
    moved = f"{what} is {event.after.value} now" if event.before is not event.after else f"{what}: something happened"
    return f"{moved} ({event.user}{f': {event.note}' if event.note else ''})."


def _draft(action: Action) -> Draft:
    """*action* as guards see it."""
    return Draft(
        action.id, action.kind, (action.workflow,), action.values, {action.workflow: action.task_values},
        action.reasons, User(action.user),
    )  # fmt: skip


def _checked(hooks: Hooks, action: Action, case: Case | None) -> Outcome | None:
    """Why *action* may not be carried out now, though it could be queued; None when nobody objects."""
    if case is None:
        return None
    answers = hooks.each("check_action", draft=_draft(action), cases=[case], open_actions=[])
    failed = [f"a guard could not check this: {answer.complaint}" for answer in answers if not answer.ok]
    objections = [
        problem.message
        for answer in answers
        if answer.ok
        for problem in answer.value
        if problem.blocking or problem.change or problem.leave_out
    ]
    said = _joined([*failed, *objections])
    return Outcome(ActionState.FAILED, f"not carried out, since things changed: {said}") if said else None


def _outcome(answer: Answer) -> Outcome:
    if not answer.ok:
        return Outcome(ActionState.FAILED, answer.complaint)
    outcome: Outcome = answer.value
    if outcome.state not in (ActionState.SENT, ActionState.DONE, ActionState.FAILED):
        told = f"{answer.plugin}, execute_action: expected sent, done or failed, got {outcome.state.value}"
        return Outcome(ActionState.FAILED, f"{told}: {outcome.note}")
    return outcome


def _effects(hooks: Hooks, action: Action, case: Case | None) -> str:
    if case is None:
        return "the workflow has left the snapshot"
    answers = hooks.each("build_effects", draft=_draft(action), cases=[case])
    texts = [effect.text for answer in answers if answer.ok for effect in answer.value]
    return _joined(texts) or "no executor says what it would do"


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))[:900]
