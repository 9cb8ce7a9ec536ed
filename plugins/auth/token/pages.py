"""/tokens: one's own; /tokens/all: everybody's and those of executors, for admins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from wwt_framework.errors import Denied, NotSignedIn, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Page, PluginContext, Reply, Snapshot, Visit

from ..._auth.posted import FORMAT, one, table
from .kept import LONGEST_LABEL, MACHINE, SCOPES, Made, Token, Tokens

COLUMNS = {
    "id": str, "owner": str, "backend": str, "scope": str, "label": str, "created_at": datetime, "expires_at": datetime | None,
    "used_at": datetime | None,
}  # fmt: skip
#: How both lists are asked for by a program, and what it gets.
_AS_TABLE: Any = {"asks": (FORMAT,), "answers": [COLUMNS]}


class Pages:
    """The pages of tokens."""

    def __init__(self, context: PluginContext[Any], tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens

    def pages(self) -> list[Page]:
        """Every signed-in person has their own page; whoever else comes is told what is missing."""
        posts = {
            "/tokens": ("anyone", self.create), "/tokens/rotate": ("anyone", self.rotate),
            "/tokens/revoke": ("anyone", self.revoke), "/tokens/all": ("admin", self.create_machine),
        }  # fmt: skip
        return [
            Page(
                "/tokens", "Your tokens", self.mine, role="anyone", in_menu=False, in_user_menu=_is_person, **_AS_TABLE
            ),
            Page(
                "/tokens/all",
                "All tokens",
                self.everybodys,
                role="admin",
                in_menu=False,
                in_user_menu=_has_no_scope,
                **_AS_TABLE,
            ),
            *(
                Page(path, "Tokens", handler, role=role, in_menu=False, methods=("POST",))
                for path, (role, handler) in posts.items()
            ),
        ]

    # -- one's own --

    def mine(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """One's own tokens, and a form for a new one."""
        _check_owner(user)
        tokens = self._tokens.of(user)
        if wanted := one(visit.query, "format"):
            return table(COLUMNS, map(_row, tokens), wanted, "tokens")
        return self._drawn_mine(user, tokens)

    def create(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Make a token of one's own, and show it this once."""
        _check_owner(user)
        scope, form = one(visit.form, "scope"), visit.form
        try:
            if scope not in _scopes(user):
                raise WwtError(
                    f"A token of yours can give {' or '.join(_scopes(user)) or 'nothing: you have no role'}."
                )
            made = self._tokens.make(user, scope, one(form, "label"), _days(form))
        except WwtError as err:
            return self._drawn_mine(user, self._tokens.of(user), str(err))
        self._write_down("token made", user, made.token, visit)
        return self._shown_once(made, "/tokens")

    def rotate(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Make a token in the place of another one, which goes on working for a while."""
        id_, back = self._whose(visit, user)
        options = self._context.options
        made = self._tokens.rotate(id_, options.days, options.overlap_hours, None)
        self._write_down("token rotated", user, made.token, visit, before=id_)
        return self._shown_once(made, back, options.overlap_hours)

    def revoke(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """End a token at once."""
        id_, back = self._whose(visit, user)
        token = self._tokens.revoke(id_, None)
        self._write_down("token revoked", user, token, visit)
        return Reply(redirect=back)

    def _whose(self, visit: Visit, user: User) -> tuple[str, str]:
        """Id of the token that is meant, and the page to go back to. Raises `Denied`, `NotFound`."""
        _check_person(user)
        id_ = one(visit.form, "id")
        mine = id_ in {token.id for token in self._tokens.of(user)}
        if not mine and not user.may("admin"):
            self._tokens.get(id_, ())  # says that there is none, whether there is or not
        self._tokens.get(id_, None)
        return id_, "/tokens/all" if one(visit.form, "back") == "all" and user.may("admin") else "/tokens"

    # -- everybody's --

    def everybodys(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """All tokens, and a form for one of an executor."""
        _check_person(user)
        if wanted := one(visit.query, "format"):
            return table(COLUMNS, map(_row, self._tokens.all()), wanted, "tokens")
        return self._drawn_all()

    def create_machine(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Make a token of an executor, and show it this once."""
        _check_person(user)
        form, name = visit.form, one(visit.form, "name").strip()
        try:
            made = self._tokens.make(executor(name), MACHINE, one(form, "label"), _days(form))
        except WwtError as err:
            return self._drawn_all(str(err), name)
        self._write_down("token made", user, made.token, visit)
        return self._shown_once(made, "/tokens/all")

    def _write_down(self, deed: str, user: User, token: Token, visit: Visit, **more: str) -> None:
        about = {"token": token.id, "scope": token.scope, **more}
        self._context.audit.write(deed, user.name, token.owner, remote=visit.remote, **about)

    # -- drawn --

    def _drawn_mine(self, user: User, tokens: Sequence[Token], problem: str = "") -> Reply:
        scopes = {scope: SCOPES[scope] for scope in _scopes(user)}
        return self._drawn("tokens.html", 422 if problem else 200, tokens=tokens, problem=problem, choices=scopes)

    def _drawn_all(self, problem: str = "", name: str = "") -> Reply:
        tokens = self._tokens.all()
        return self._drawn("tokens_all.html", 422 if problem else 200, tokens=tokens, problem=problem, name=name)

    def _shown_once(self, made: Made, back: str, overlap_hours: float = 0) -> Reply:
        return self._drawn(
            "token_made.html",
            made=made,
            back=back,
            overlap_hours=overlap_hours,
            example=self._context.url("/getprepids"),
        )

    def _drawn(self, template: str, status: int = 200, **values: Any) -> Reply:
        options = self._context.options
        shared = {"scopes": SCOPES, "days": options.days, "most_days": options.most_days, "longest": LONGEST_LABEL,
                  "overlap": options.overlap_hours}  # fmt: skip
        values = {"today": datetime.now(timezone.utc), **shared, **values}
        return Reply(template=template, status=status, values=values, headers={"Cache-Control": "no-store"})


def executor(name: str) -> User:
    """An executor as the owner of a token. Raises `WwtError` for what can not be its name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name, re.ASCII):
        raise WwtError("An executor's name has letters from a to z, digits, dots and dashes, 100 at most.")
    return User(name, roles=frozenset({MACHINE}))


def _check_person(user: User) -> None:
    """Raises `Denied`: a token makes no tokens, so that whoever finds one can not stay."""
    if not user.name:
        raise NotSignedIn("Tokens belong to people; sign in first.")
    if user.scope is not None or MACHINE in user.roles:
        raise Denied(f"You are {user.name} by a token or as a machine. Tokens are made by people who sign in.")


def _check_owner(user: User) -> None:
    """Raises `Denied`, too, for who came in by what is no backend: their token would open nothing."""
    _check_person(user)
    if not user.backend.startswith("auth."):
        raise Denied(f"You are in by {user.backend}, which vouches for nobody later: a token would open nothing.")


def _is_person(user: User) -> bool:
    return user.scope is None and MACHINE not in user.roles and user.backend.startswith("auth.") and bool(_scopes(user))


def _has_no_scope(user: User) -> bool:
    return user.scope is None


def _scopes(user: User) -> list[str]:
    """What a token of *user* can give: at most what *user* has."""
    return [scope for scope in SCOPES if scope != MACHINE and user.may(scope)]


def _days(form: Any) -> float:
    text = one(form, "days").strip()
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise WwtError(f"Days: expected a number, got {text[:40]!r}.")
    return float(text)


def _row(token: Token) -> tuple[Any, ...]:
    times = (token.created_at, token.expires_at, token.used_at)
    return (
        token.id,
        token.owner,
        token.backend,
        token.scope,
        token.label,
        *(at.isoformat() if at else None for at in times),
    )
