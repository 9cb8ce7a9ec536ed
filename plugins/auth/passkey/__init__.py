"""Passkeys (WebAuthn) for local accounts: a device signs a challenge, and no password leaves anybody's hands."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Health, LoginOption, Page, PluginContext

from .ceremony import KIND, Ceremony
from .pages import Pages


class Passkeys:
    """Let people sign in by a passkey that they have added to their local account."""

    class Options(PluginOptions):
        accounts: str = Field("auth.local", description="the plugin to whose accounts passkeys are added")
        minutes: float = Field(5, gt=0, le=15, description="minutes that adding one, or signing in by it, may take")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        self._ceremony = Ceremony(context)

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        if self._ceremony.place.problem:
            return []
        return [LoginOption("With a passkey", "/passkeys/sign-in", "One that you have added to your account.")]

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return Pages(self._context, self._ceremony).pages()

    @hookimpl
    def report_health(self) -> Health:
        """Whether browsers do passkeys at the address that others reach us by."""
        place = self._ceremony.place
        count = len(self._context.credentials.all(KIND))
        told = f"{count} passkey{'' if count == 1 else 's'}"
        return Health(not place.problem, f"{told}; {place.problem}" if place.problem else f"{told} for {place.host}")
