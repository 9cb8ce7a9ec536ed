"""What admins do about accounts from /people: invite somebody, have somebody choose a new password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from wwt_framework.addresses import address
from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import ROLES, User
from wwt_framework.plugin import Account, Link, Page, PluginContext, Reply, Snapshot, Visit

from ..._auth.posted import one
from .passwords import NONE_YET
from .registering import LONGEST_NAME, name_problem
from .resetting import Resetting


class Inviting:
    """Pages for admins, led to from /people. Nobody but the owner of an account ever chooses its password."""

    def __init__(self, context: PluginContext[Any], resetting: Resetting) -> None:
        self._context = context
        self._resetting = resetting
        self._at = f"/p/{context.name}"

    def pages(self) -> list[Page]:
        both = {
            "invite": ("Invite somebody", self.ask_whom, self.invite),
            "reset": ("New password for somebody", self.ask_reset, self.reset),
        }
        found = []
        for path, (title, show, perform) in both.items():
            found.append(Page(path, title, show, role="admin", in_menu=False))
            found.append(Page(path, title, perform, role="admin", in_menu=False, methods=("POST",)))
        return found

    def links(self, account: User | None) -> Sequence[Link]:
        """For /people, and for the page of who has an account here."""
        if account is None:
            return [Link("Invite somebody", f"{self._at}/invite", "An account whose owner chooses the password.")]
        if account.backend != self._context.name:
            return []
        return [
            Link(
                "New password",
                f"{self._at}/reset?name={quote(account.name, safe='')}",
                "By a link; the old one works until then.",
            )
        ]

    # -- an account that is new --

    def ask_whom(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """The form for a new account."""
        return self._form()

    def invite(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Make an account without a password, and a link with which its owner chooses one."""
        form = visit.form
        name, full_name, email = (one(form, key).strip() for key in ("username", "full_name", "email"))
        given = form.get("role", [])
        roles = [given] if isinstance(given, str) else list(given)
        try:
            account = self._made(name, full_name, email, roles)
        except (ValueError, WwtError) as err:
            return self._form(str(err), name, full_name, email, roles)
        self._context.audit.write(
            "account made", user.name, account.name, remote=visit.remote, roles=sorted(account.roles)
        )
        return self._link(account, show="show" in form, new=True)

    def _made(self, name: str, full_name: str, email: str, roles: list[str]) -> Account:
        """The account, kept. Raises `ValueError` and `WwtError` in words."""
        if told := name_problem(name):
            raise WwtError(told)
        if email:
            email = address(email).addr_spec
        account = Account(name, NONE_YET, frozenset(roles), full_name, email)
        self._context.accounts.add(account)
        return account

    def _form(
        self,
        problem: str = "",
        name: str = "",
        full_name: str = "",
        email: str = "",
        roles: Sequence[str] = ("viewer",),
    ) -> Reply:
        return self._drawn(
            "invite.html", 422 if problem else 200, action=f"{self._at}/invite", problem=problem, name=name,
            full_name=full_name, email=email, roles=roles, all_roles=ROLES, longest_name=LONGEST_NAME,
        )  # fmt: skip

    # -- an account that there is --

    def ask_reset(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """A button."""
        account = self._account(one(visit.query, "name"))
        return self._drawn("reset_other.html", action=f"{self._at}/reset", account=account)

    def reset(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Mail the owner a link, or show it; the password works until then."""
        account = self._account(one(visit.form, "name"))
        if not account.active:
            return self._drawn("reset_other.html", 409, action=f"{self._at}/reset", account=account)
        self._context.audit.write("reset asked for", user.name, account.name, remote=visit.remote)
        return self._link(account, show="show" in visit.form)

    def _account(self, name: str) -> Account:
        account = self._context.accounts.find(name) if name else None
        if account is None:
            raise NotFound(f"There is no account called {name[:100]!r}.")
        return account

    # -- both --

    def _link(self, account: Account, show: bool, new: bool = False) -> Reply:
        """A link goes to the owner by mail; where it can not, or *show*, the admin hands it over."""
        if account.email and self._context.mail.has_server() and not show:
            (self._resetting.invite if new else self._resetting.mail)(account)
            return self._drawn("link_made.html", account=account, link="", until=None)
        code, until = self._resetting.open(account, new)
        link = self._context.url("/resetpassword", code=code)
        return self._drawn("link_made.html", account=account, link=link, until=until)

    def _drawn(self, template: str, status: int = 200, **values: Any) -> Reply:
        values["can_mail"] = self._context.mail.has_server()
        return Reply(template=template, values=values, status=status, headers={"Cache-Control": "no-store"})
