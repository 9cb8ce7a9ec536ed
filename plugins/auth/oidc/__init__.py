"""Single sign-on by OpenID Connect: Keycloak (CERN's is one), INDIGO IAM, Dex, any provider."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, PluginError
from wwt_framework.model import User
from wwt_framework.plugin import Health, LoginOption, Page, PluginContext, Reply, Snapshot, Visit

from ..._auth.granting import usable_name
from ..._auth.posted import within
from .claims import find, text, texts, verified
from .options import OidcOptions
from .provider import Provider, plain

_START_AGAIN = "This sign-in was not begun in this browser, took too long, or was completed before. Please start again."


class Oidc:
    """Sign people in at an OpenID provider: Keycloak, INDIGO IAM, CERN's single sign-on."""

    Options = OidcOptions

    def __init__(self, context: PluginContext[OidcOptions]) -> None:
        self._name = context.name
        self._options = context.options
        self._url = context.url
        self._log = context.log
        self._base = f"/p/{context.name}"
        self._provider = Provider(context.options)

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        leave = f"{self._base}/leave" if self._options.sign_out else ""
        return [LoginOption(self._options.label, f"{self._base}/login", self._options.help, leave)]

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return [
            Page("login", "Sign in", self.login, role="anyone", in_menu=False),
            Page("callback", "Signed in", self.callback, role="anyone", in_menu=False),
            Page("leave", "Sign out", self.leave, role="anyone", in_menu=False),
        ]

    @hookimpl
    def report_health(self) -> Health:
        """Whether the provider answers, with keys."""
        try:
            return Health(True, self._provider.check())
        except PluginError as err:
            return Health(False, str(err))

    # -- pages --

    def login(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """Send the visitor to the provider, and remember for this browser what has to come back."""
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        url, state = self._provider.start(self._callback, verifier, nonce)
        visit.scratch[self._name] = {
            "state": state, "nonce": nonce, "verifier": verifier, "next": within(visit.query.get("next", "/"))
        }  # fmt: skip
        return Reply(redirect=url)

    def callback(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """Take the provider's word for who this is. Raises `Denied` in words; what was remembered is used up."""
        begun = visit.scratch.pop(self._name, None)
        given = {name: value for name, value in visit.query.items() if isinstance(value, str)}
        if not isinstance(begun, Mapping) or not _same(begun["state"], given.get("state", "")):
            raise Denied(_START_AGAIN)
        self._check_sender(given)
        if "code" not in given:
            why = plain(given.get("error_description") or given.get("error") or "it gave no reason")
            raise Denied(f"The provider did not sign you in: {why}.")
        tokens = self._provider.redeem(given["code"], self._callback, begun["verifier"])
        claims = verified(tokens["id_token"], self._provider, self._options, begun["nonce"])
        who = self._user(self._completed(claims, tokens["access_token"]))
        self._log.info("somebody was vouched for", extra={"user": who.name, "sub": plain(claims["sub"])})
        return Reply(redirect=begun["next"], sign_in=who)

    def leave(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """Where the provider signs people out, and brings them back (RP-initiated logout 1.0)."""
        endpoint = self._provider.metadata.get("end_session_endpoint")
        if not endpoint:
            return Reply(redirect="/")
        query = {"client_id": self._options.client_id, "post_logout_redirect_uri": self._url("/")}
        return Reply(redirect=f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}")

    # -- checks --

    @property
    def _callback(self) -> str:
        return self._url(f"{self._base}/callback")

    def _check_sender(self, given: Mapping[str, str]) -> None:
        """Make sure that it is our provider who answers (RFC 9207). Raises `Denied`."""
        promised = self._provider.metadata.get("authorization_response_iss_parameter_supported") is True
        if given.get("iss", self._options.issuer) != self._options.issuer or (promised and "iss" not in given):
            raise Denied(
                f"Another provider answered, '{plain(given.get('iss', 'without a name'))}'. Please start again."
            )

    def _completed(self, claims: Mapping[str, Any], access_token: str) -> Mapping[str, Any]:
        """*claims*, with what only the provider's userinfo tells. Raises `Denied` when that is about somebody else."""
        wanted = (self._options.user_claim, self._options.groups_claim)
        if all(find(claims, path) is not None for path in wanted):
            return claims
        more = self._provider.userinfo(access_token)
        if more and more.get("sub") != claims["sub"]:
            raise Denied("The provider's answers are about two people. Please start again.")
        return {**more, **claims}

    def _user(self, claims: Mapping[str, Any]) -> User:
        options = self._options
        name = text(claims, options.user_claim)
        if not name:
            raise Denied(
                f"The provider does not say your name: there is no claim {options.user_claim}. "
                "Whoever runs this installation can name another one, or have the provider send it."
            )
        email = text(claims, options.email_claim) if claims.get("email_verified") is not False else ""
        roles = options.granted(texts(claims, options.groups_claim))
        return User(usable_name(name, "The provider"), text(claims, options.full_name_claim), email, roles, self._name)


def _same(kept: str, given: str) -> bool:
    return bool(kept) and hmac.compare_digest(kept.encode(), given.encode("utf-8", "replace"))
