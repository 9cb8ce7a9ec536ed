"""People whom a server in front of us has signed in: Shibboleth, mod_auth_openidc, Kerberos, anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urljoin

from pydantic import Field, field_validator, model_validator

from wwt_framework import hookimpl
from wwt_framework.model import User
from wwt_framework.plugin import Health, LoginOption, PluginContext, Visit

from .._auth.fronts import Ignored, ProxyNetwork, Separator, as_said, is_among
from .._auth.granting import RoleOptions, usable_name


class ProxyHeader:
    """Believe a server in front of this one who somebody is: Shibboleth, mod_auth_openidc, Kerberos."""

    class Options(RoleOptions):
        proxies: tuple[ProxyNetwork, ...] = Field(
            (),
            description="addresses or networks of the proxies that may say who somebody is; of nobody else it is heard",
        )
        variables: bool = Field(
            False, description="true: what follows names variables of the server that runs us by WSGI, not headers"
        )
        user: str = Field("", description="header with the user's name; empty: X-Remote-User, or REMOTE_USER by WSGI")
        groups: str = Field("", description="header with the user's groups; empty: none")
        separator: Separator = Field(";", description="what stands between two groups")
        full_name: str = Field("", description="header with the name that pages show")
        email: str = Field("", description="header with the mail address")
        login: str = Field("", description="address where one signs in, e.g. /Shibboleth.sso/Login; empty: none")
        logout: str = Field("", description="address where one signs out, e.g. /Shibboleth.sso/Logout; empty: none")
        label: str = Field("Single sign-on", description="what the sign-in page calls it")

        @field_validator("user", "groups", "full_name", "email")
        @classmethod
        def _is_a_name(cls, name: str) -> str:
            if not re.fullmatch(r"[A-Za-z0-9_-]*", name):
                raise ValueError(f"expected the name of a header like X-Remote-User, got '{name}'")
            return name

        @field_validator("login", "logout")
        @classmethod
        def _is_an_address(cls, address: str) -> str:
            if address and not re.match(r"/[^/\\]|https?://", address):
                raise ValueError(f"expected an address like /Shibboleth.sso/Login or https://..., got '{address}'")
            return address

        @model_validator(mode="after")
        def _somebody_is_heard(self) -> ProxyHeader.Options:
            if self.variables and self.proxies:
                raise ValueError("proxies concern headers; with variables: true the server that runs us is believed")
            if not self.variables and not self.proxies:
                raise ValueError("name the proxies that may set the header, e.g. proxies: [127.0.0.1]")
            if not self.variables and (
                bad := [n for n in (self.user, self.groups, self.full_name, self.email) if "_" in n]
            ):
                raise ValueError(
                    f"'{bad[0]}': the built-in server drops headers with underscores; let the proxy use hyphens"
                )
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        self._name = context.name
        self._options = context.options
        self._user = context.options.user or ("REMOTE_USER" if context.options.variables else "X-Remote-User")
        self._url = context.url
        self._ignored = Ignored(context.log)

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        told = self._options
        by_itself = "" if told.login else "The server in front of this one does it by itself."
        return [LoginOption(told.label, self._outside(told.login) or "/", by_itself, self._outside(told.logout))]

    def _outside(self, address: str) -> str:
        """*address* of the server in front, whole: it may lie beside our pages, not below them."""
        return address and urljoin(self._url("/"), address)

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        """Whoever the server in front names; nobody when it names none, or when somebody else says so."""
        name = self._said(visit, self._user)
        if not name:
            return None
        if not self._options.variables and not is_among(visit.peer, self._options.proxies):
            self._ignored.note(visit)
            return None
        groups = [group.strip() for group in self._said(visit, self._options.groups).split(self._options.separator)]
        return User(
            usable_name(name, "The server in front of this one"),
            _one_line(self._said(visit, self._options.full_name)),
            _one_line(self._said(visit, self._options.email)),
            self._options.granted(filter(None, groups)),
            self._name,
        )

    def _said(self, visit: Visit, name: str) -> str:
        if self._options.variables:
            return as_said(visit.remote_user if name == "REMOTE_USER" else visit.variables.get(name, ""))
        return as_said(visit.headers.get(name.lower(), ""))

    @hookimpl
    def report_health(self) -> Health:
        if self._options.variables:
            return Health(True, f"takes {self._user} from the server that runs us by WSGI")
        return Health(True, f"takes {self._user} from the proxies that are named{self._ignored.text}")


def _one_line(text: str) -> str:
    """*text* for pages; nothing when it can not be shown in a line."""
    return text if text.isprintable() and len(text) <= 256 else ""
