"""Signing in at an identity provider. Thin: it trusts the provider's connection and checks no signature."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.errors import Denied
from wwt_framework.model import User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import LoginOption, Page, PluginContext, Reply, Snapshot, Visit


class Oidc:
    """Sign people in at an OpenID Connect provider."""

    class Options(PluginOptions):
        provider: str = Field(description="address of the provider")
        client: str = Field("wwt", description="what the provider calls us")
        operators: str = Field("grid-operators", description="members of this group are operators")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        self._base = f"/p/{context.name}"

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        return [LoginOption("Single sign-on", href=f"{self._base}/login")]

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return [
            Page("login", "Sign in", self.login, role="anyone", in_menu=False),
            Page("callback", "Signed in", self.callback, role="anyone", in_menu=False),
        ]

    def login(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # as every page
        visit.scratch["state"], visit.scratch["nonce"] = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        query = {
            "response_type": "code",
            "client_id": self._context.options.client,
            "redirect_uri": self._context.url(f"{self._base}/callback"),
            "state": visit.scratch["state"],
            "nonce": visit.scratch["nonce"],
        }
        return Reply(redirect=f"{self._context.options.provider}/authorize?{urlencode(query)}")

    def callback(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # as every page
        state, nonce = visit.scratch.pop("state", ""), visit.scratch.pop("nonce", "")
        if not state or not hmac.compare_digest(state, str(visit.query.get("state", ""))):
            raise Denied("This sign-in was not begun here, or was begun twice; please start again.")
        form = {"grant_type": "authorization_code", "code": visit.query.get("code", "")}
        answer = self._context.http.post(f"{self._context.options.provider}/token", data=form)
        if not answer.ok:
            raise Denied(f"The provider refused this sign-in ({answer.status_code}); please start again.")
        claims = _claims(answer.json()["id_token"])
        if not nonce or not hmac.compare_digest(nonce, str(claims.get("nonce", ""))):
            raise Denied("The provider answered to another sign-in; please start again.")
        roles = {"operator"} if self._context.options.operators in claims.get("groups", []) else {"viewer"}
        who = User(claims["sub"], claims.get("name", ""), claims.get("email", ""), frozenset(roles))
        return Reply(redirect="/", sign_in=who)


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))  # type: ignore[no-any-return]
