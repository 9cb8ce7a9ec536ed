"""Who is signed in where. The store sees digests of tokens, never a token."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from wwt_framework.model import User
from wwt_framework.store import Store


@dataclass(frozen=True)
class Session:
    """One browser. ``user`` without a name: it has not signed in yet and is kept for its ``scratch``."""

    user: User  # with all roles that were granted
    vouched: frozenset[str]  # the roles that came with the user from the backend that vouched at sign-in
    created_at: datetime
    last_seen: datetime
    roles_at: datetime  # when the roles of the user were asked last
    csrf: str = field(repr=False)
    scratch: Mapping[str, Any] = field(default_factory=dict, repr=False)
    remote: str = ""
    agent: str = ""  # what the browser calls itself
    ends_at: datetime | None = None  # for break-glass
    digest: str = field(default="", repr=False)  # by which the functions below know it
    token: str = field(default="", repr=False)  # for the cookie; "" unless it was made just now


_LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def begin_session(
    store: Store,
    user: User,
    vouched: frozenset[str] = frozenset(),
    remote: str = "",
    scratch: Mapping[str, Any] | None = None,
    agent: str = "",
    ends_at: datetime | None = None,
) -> Session:
    """Make a session with a new token of 32 random bytes."""
    token = secrets.token_urlsafe(32)
    at = store.now()
    with store.write():
        row = store.tables.session.create(
            digest=digest_of(token),
            user_name=user.name,
            user=_user_as_data(user),
            vouched=sorted(vouched),
            created_at=at,
            last_seen=at,
            roles_at=at,
            csrf=secrets.token_hex(32),
            scratch=dict(scratch or {}),
            remote=remote,
            agent=agent[:500],
            ends_at=ends_at,
        )
    return _session(row, token)


def find_session(store: Store, token: str) -> Session | None:
    """The session of *token*, however old; None when there is none."""
    table = store.tables.session
    with store.connection():
        row = table.get_or_none(table.digest == digest_of(token))
        return None if row is None else _session(row)


def touch_session(store: Store, session: Session) -> None:
    """Say that the session was just used."""
    table = store.tables.session
    with store.write():
        table.update(last_seen=store.now()).where(table.digest == session.digest).execute()


def claim_roles(store: Store, session: Session) -> bool:
    """Whether this caller is to ask for the roles anew; of several at once one hears True."""
    table = store.tables.session
    with store.write():
        changed: int = (
            table.update(roles_at=store.now())
            .where((table.digest == session.digest) & (table.roles_at == session.roles_at))
            .execute()
        )
    return changed == 1


def change_user(store: Store, session: Session, user: User) -> None:
    """Keep what is now known of the user, e.g. other roles."""
    table = store.tables.session
    with store.write():
        table.update(user=_user_as_data(user)).where(table.digest == session.digest).execute()


def keep_scratch(store: Store, session: Session, scratch: Mapping[str, Any]) -> None:
    """Replace the session's scratch: JSON values."""
    table = store.tables.session
    with store.write():
        table.update(scratch=dict(scratch)).where(table.digest == session.digest).execute()


def end_session(store: Store, token: str) -> None:
    """Forget the session of *token*; nothing happens when there is none."""
    table = store.tables.session
    with store.write():
        table.delete().where(table.digest == digest_of(token)).execute()


def end_sessions_of(store: Store, user_name: str, digest: str = "", keep: str = "") -> int:
    """End the session *digest* of somebody, or all of them but *keep*; returns how many there were."""
    table = store.tables.session
    mine = (table.user_name == user_name) & (table.digest != keep)
    with store.write():
        ended: int = table.delete().where(mine & (table.digest == digest) if digest else mine).execute()
    return ended


def forget_role_times(store: Store, user_name: str) -> None:
    """Have the roles of somebody asked again at their next request, instead of within minutes."""
    table = store.tables.session
    with store.write():
        table.update(roles_at=_LONG_AGO).where(table.user_name == user_name).execute()


def sessions_of(store: Store, user_name: str) -> list[Session]:
    """Where somebody is signed in, the one used last first."""
    table = store.tables.session
    with store.connection():
        rows = table.select().where(table.user_name == user_name).order_by(table.last_seen.desc(), table.digest)
        return [_session(row) for row in rows]


def forget_sessions(store: Store, begun_before: datetime, seen_before: datetime, scratch_before: datetime) -> int:
    """Delete sessions that are too old, idle for too long, or never led to a sign-in; returns how many."""
    table = store.tables.session
    old = (table.created_at < begun_before) | (table.last_seen < seen_before)
    left = (table.user_name == "") & (table.created_at < scratch_before)
    with store.write():
        deleted: int = table.delete().where(old | left).execute()
    return deleted


def _user_as_data(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "full_name": user.full_name,
        "email": user.email,
        "roles": sorted(user.roles),
        "backend": user.backend,
        "login": user.login,
    }


def _session(row: Any, token: str = "") -> Session:
    return Session(
        user=User(**{**row.user, "roles": frozenset(row.user["roles"])}),
        vouched=frozenset(row.vouched),
        created_at=row.created_at,
        last_seen=row.last_seen,
        roles_at=row.roles_at,
        csrf=row.csrf,
        scratch=row.scratch,
        remote=row.remote,
        agent=row.agent,
        ends_at=row.ends_at,
        digest=row.digest,
        token=token,
    )
