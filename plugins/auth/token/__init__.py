"""Tokens: what programs show in the place of a password. Per person, and per executor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from pydantic import Field, model_validator

from wwt_framework import hookimpl
from wwt_framework.model import User, name_key
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Command, Health, Job, Page, PluginContext, Progress, Visit

from .commands import commands
from .kept import Token, Tokens, is_token
from .pages import Pages

_WARN = timedelta(days=7)  # before the end of a token


class TokenBackend:
    """Let programs in by tokens that people make for them, and executors by tokens that admins make."""

    class Options(PluginOptions):
        days: int = Field(90, ge=1, le=3660, description="days for which a new token is good unless asked otherwise")
        most_days: int = Field(366, ge=1, le=3660, description="days for which a token can be good at most")
        overlap_hours: float = Field(
            24, ge=0, le=8784, description="hours for which the old token still works after a rotation"
        )

        @model_validator(mode="after")
        def _in_order(self) -> TokenBackend.Options:
            if self.days > self.most_days:
                raise ValueError(f"days must be at most most_days, {self.most_days}")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        self._tokens = Tokens(context.credentials, context.options.most_days)

    # -- who is it --

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        """The owner of ``Authorization: Bearer wwt_...``, with what the token gives at most."""
        scheme, _, given = visit.headers.get("authorization", "").partition(" ")
        token = self._tokens.find(given.strip()) if scheme.lower() == "bearer" else None
        return token.user() if token else None

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        """The same by HTTP basic, for programs that know only that: the token in the place of the password."""
        token = self._tokens.find(password) if is_token(password) else None
        return token.user() if token and name_key(token.owner) == name_key(username) else None

    # -- what people and admins see --

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return Pages(self._context, self._tokens).pages()

    @hookimpl
    def register_commands(self) -> Sequence[Command]:
        return commands(self._context, self._tokens)

    @hookimpl
    def register_jobs(self) -> Sequence[Job]:
        return [
            Job(
                f"{self._context.name}.watch", self.watch, timedelta(days=1),
                help="tells owners of tokens a week before they end",
            )
        ]  # fmt: skip

    def watch(self, progress: Progress) -> str:  # noqa: ARG002  # as every job
        """Mail who has a token that ends within a week, once; the webmaster for executors."""
        self._context.credentials.forget(["token"])
        mail, told = self._context.mail, 0
        for token in _ending(self._tokens.all()) if mail.has_server() else ():
            if to := token.email or mail.webmaster():
                mail.send([to], f"A token of {token.owner} ends soon", self._warning(token), once=f"ends:{token.id}")
                told += 1
        return f"{told} tokens end within a week"

    def _warning(self, token: Token) -> str:
        page = self._context.url("/tokens/all" if token.is_machine else "/tokens")
        return (
            f"The token {token.id} of {token.owner} ({token.label or 'no word of what it is for'}) ends at "
            f"{token.expires_at:%Y-%m-%d %H:%M} UTC.\n\nIf it is still needed, make a new one in its place; the old one "
            f"goes on working for a while then:\n{page}\n"
        )

    @hookimpl
    def report_health(self) -> Health:
        """Whether an executor is about to lose its way in."""
        tokens = self._tokens.all()
        told = f"{len(tokens)} token{'' if len(tokens) == 1 else 's'}"
        # One that was replaced ends as it should: the last of each executor counts.
        machines = sorted((token for token in tokens if token.is_machine), key=lambda token: token.expires_at)
        ending = _ending({token.owner: token for token in machines}.values())
        if not ending:
            return Health(True, told)
        first = min(ending, key=lambda token: token.expires_at)
        return Health(
            False, f"{told}; the one of the executor {first.owner} ends at {first.expires_at:%Y-%m-%d %H:%M} UTC"
        )


def _ending(tokens: Iterable[Token]) -> list[Token]:
    """Those that are good for a week at most."""
    soon = datetime.now(timezone.utc) + _WARN
    return [token for token in tokens if token.expires_at <= soon]
