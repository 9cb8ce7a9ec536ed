"""Mails on their way: queued, taken, sent or put back, given up. What they say is forgotten when they were sent.

waiting -> sending -> sent, failed, or waiting again. One sender at a time takes them; a mail that it was sending
when it died is taken back by the next one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound, StoreError
from wwt_framework.store import Store

WAITING, SENDING, SENT, FAILED = "waiting", "sending", "sent", "failed"
ENDS = (SENT, FAILED)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. ``text`` and ``html`` are empty when it was sent."""

    id: str
    asked_by: str  # a plugin, or a user
    recipients: tuple[str, ...]  # with their names
    copies: tuple[str, ...]
    reply_to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    state: str  # waiting, sending, sent (everybody has got it), failed (somebody has not, and will not)
    left: tuple[str, ...]  # addresses, without names, that have neither got it nor refused it
    refused: Mapping[str, str]  # address -> what the server said
    reason: str  # why it waits or failed; "" when nothing was tried yet
    attempts: int
    created_at: datetime
    fresh_at: datetime  # from when on the days are counted after which it is given up
    next_at: datetime  # when it is tried next, when it waits
    tried_at: datetime | None
    ended_at: datetime | None


def queue_mail(
    store: Store,
    recipients: Sequence[str],
    left: Sequence[str],
    subject: str,
    text: str,
    html: str = "",
    *,
    copies: Sequence[str] = (),
    reply_to: str = "",
    asked_by: str = "",
    once: str = "",
) -> str:
    """Keep a mail until it can be sent; returns its id. Part of the caller's transaction, where there is one.

    *left*: the addresses of all *recipients* and *copies*.
    *once*: names what it tells of; while a mail of that name is kept, another one is not queued,
    and the id is that of the one before.
    """
    table, now = store.tables.mail, store.now()
    values: dict[str, Any] = {
        "id": uuid.uuid4().hex, "once": once or None, "asked_by": asked_by, "recipients": list(recipients),
        "copies": list(copies), "reply_to": reply_to, "subject": subject, "text": text, "html": html,
        "state": WAITING, "left": list(left), "refused": {}, "reason": "", "attempts": 0, "created_at": now,
        "fresh_at": now, "next_at": now,
    }  # fmt: skip
    with store.write():
        if not once:
            table.create(**values)
            return str(values["id"])
        # Ignored, not caught: on PostgreSQL a refused insert would spoil the caller's transaction.
        table.insert(**values).on_conflict_ignore().execute()
        return str(table.get(table.once == once).id)


def waiting_mail(store: Store) -> bool:
    """Whether a mail waits whose time has come, or was left by a sender that died."""
    table = store.tables.mail
    due = (table.state == SENDING) | ((table.state == WAITING) & (table.next_at <= store.now()))
    with store.connection():
        return bool(table.select(table.number).where(due).exists())


def take_mail(store: Store) -> Mail | None:
    """Begin to send the mail that waits longest past its time; None when there is none."""
    table, now = store.tables.mail, store.now()
    due = (table.state == WAITING) & (table.next_at <= now)
    with store.write(alone="mail"):
        row = table.select().where(due).order_by(table.next_at, table.number).first()
        if row is None:
            return None
        table.update(state=SENDING, attempts=table.attempts + 1, tried_at=now).where(table.id == row.id).execute()
        return _mail(_row(store, row.id))


def take_back_mails(store: Store) -> int:
    """Let those wait again whose sender died; only for who knows that nobody else is sending. Returns how many."""
    table = store.tables.mail
    with store.write(alone="mail"):
        changed: int = table.update(state=WAITING).where(table.state == SENDING).execute()
    return changed


def put_back_mail(
    store: Store,
    mail_id: str,
    next_at: datetime,
    reason: str,
    left: Sequence[str] | None = None,
    refused: Mapping[str, str] | None = None,
) -> None:
    """Let a mail wait until *next_at*; *left*: for whom, where somebody has got it; *refused*: who has not, for good."""
    changes: dict[str, Any] = {"state": WAITING, "next_at": next_at, "reason": reason}
    _settle(store, mail_id, changes, left, refused)


def end_mail(
    store: Store,
    mail_id: str,
    state: str,
    reason: str = "",
    left: Sequence[str] | None = None,
    refused: Mapping[str, str] | None = None,
) -> None:
    """Say that a mail was sent, or failed for good. Raises `StoreError` for another *state*."""
    if state not in ENDS:
        raise StoreError(f"{store.where}: a mail ends as one of {', '.join(ENDS)}, got {state!r}")
    forgotten = {"text": "", "html": "", "left": []} if state == SENT else {}
    _settle(store, mail_id, {"state": state, "reason": reason, "ended_at": store.now(), **forgotten}, left, refused)


def _settle(
    store: Store,
    mail_id: str,
    changes: dict[str, Any],
    left: Sequence[str] | None,
    refused: Mapping[str, str] | None,
) -> None:
    table = store.tables.mail
    with store.write(alone="mail"):
        row = _row(store, mail_id)
        if left is not None:
            changes["left"] = list(left)
        if refused:
            changes["refused"] = {**row.refused, **refused}
        table.update(**changes).where((table.id == mail_id) & (table.state == SENDING)).execute()


def give_up_mails(store: Store, before: datetime, why: str) -> int:
    """End those that wait since before *before*: they failed for their last reason, or else for *why*."""
    table = store.tables.mail
    old = (table.state == WAITING) & (table.fresh_at < before)
    with store.write(alone="mail"):
        rows = list(table.select(table.number, table.reason).where(old))
        for row in rows:
            reason = f"given up: {row.reason or why}"
            table.update(state=FAILED, reason=reason, ended_at=store.now()).where(table.number == row.number).execute()
    return len(rows)


def retry_mail(store: Store, mail_id: str = "") -> int:
    """Try a mail that waits or failed now, and from the beginning; "": all that wait. Returns how many.

    Who has got it already does not get it again. Raises `NotFound`.
    """
    table, now = store.tables.mail, store.now()
    fresh: dict[str, Any] = {"state": WAITING, "fresh_at": now, "next_at": now, "ended_at": None, "attempts": 0}
    with store.write(alone="mail"):
        if not mail_id:
            changed: int = table.update(**fresh).where(table.state == WAITING).execute()
            return changed
        row = _row(store, mail_id)
        if row.state not in {WAITING, FAILED}:
            return 0
        everybody = list(dict.fromkeys([*row.left, *row.refused]))
        table.update(**fresh, left=everybody, refused={}).where(table.id == mail_id).execute()
    return 1


def mail(store: Store, mail_id: str) -> Mail:
    """The mail with this id. Raises `NotFound`."""
    with store.connection():
        return _mail(_row(store, mail_id))


def mails(store: Store, limit: int = 100, states: Sequence[str] = ()) -> list[Mail]:
    """Mails, the last queued first; only those in *states* where these are given."""
    table = store.tables.mail
    query = table.select().order_by(table.number.desc()).limit(limit)
    if states:
        query = query.where(table.state.in_(list(states)))
    with store.connection():
        return [_mail(row) for row in query]


def mail_counts(store: Store) -> dict[str, int]:
    """State -> how many mails are in it; 0 where there are none."""
    table = store.tables.mail
    with store.connection():
        return {state: table.select().where(table.state == state).count() for state in (WAITING, SENDING, SENT, FAILED)}


def mails_tried(store: Store, since: datetime) -> int:
    """How many mails were handed to the server, or should have been, at *since* or later."""
    table = store.tables.mail
    with store.connection():
        return int(table.select().where(table.tried_at >= since).count())


def forget_mails(store: Store, before: datetime) -> int:
    """Delete mails that ended before *before*; returns how many. What they told may be told again then."""
    table = store.tables.mail
    with store.write():
        deleted: int = table.delete().where(table.state.in_(ENDS) & (table.ended_at < before)).execute()
    return deleted


def _row(store: Store, mail_id: str) -> Any:
    row = store.tables.mail.get_or_none(store.tables.mail.id == mail_id)
    if row is None:
        raise NotFound(f"There is no mail {mail_id!r}.")
    return row


def _mail(row: Any) -> Mail:
    return Mail(
        id=row.id,
        asked_by=row.asked_by,
        recipients=tuple(row.recipients),
        copies=tuple(row.copies),
        reply_to=row.reply_to,
        subject=row.subject,
        text=row.text,
        html=row.html,
        state=row.state,
        left=tuple(row.left),
        refused=row.refused,
        reason=row.reason,
        attempts=row.attempts,
        created_at=row.created_at,
        fresh_at=row.fresh_at,
        next_at=row.next_at,
        tried_at=row.tried_at,
        ended_at=row.ended_at,
    )
