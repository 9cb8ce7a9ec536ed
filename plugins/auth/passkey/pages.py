"""/passkeys: one's own; /passkeys/sign-in: the way in. What browsers ask in between is JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wwt_framework.errors import Denied, NotFound, NotSignedIn, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Account, Field, Page, PluginContext, Reply, Snapshot, Visit

from ..._auth.posted import one, within
from .ceremony import KIND, LONGEST_LABEL, Ceremony

_FORMAT = Field("format", "format", "choice", ("json",), required=True)
_PASSKEY = {"label": str, "created_at": datetime, "used_at": datetime | None}


class Pages:
    """The pages of passkeys."""

    def __init__(self, context: PluginContext[Any], ceremony: Ceremony) -> None:
        self._context = context
        self._ceremony = ceremony

    def pages(self) -> list[Page]:
        """Anyone may ask; whoever is not a local account is told what is missing."""
        posts: dict[str, tuple[Any, Any]] = {  # what each answers: JSON, or another page
            "/passkeys/options": (self.options, {str: Any}), "/passkeys/add": (self.add, {"added": str}),
            "/passkeys/remove": (self.remove, None), "/passkeys/challenge": (self.challenge, {str: Any}),
            "/passkeys/enter": (self.enter, {"entered": bool}),
        }  # fmt: skip
        return [
            Page(
                "/passkeys",
                "Passkeys",
                self.mine,
                role="anyone",
                in_menu=False,
                in_user_menu=self._is_of_ours,
                asks=(_FORMAT,),
                answers=[_PASSKEY],
            ),
            Page("/passkeys/sign-in", "Sign in with a passkey", self.way_in, role="anyone", in_menu=False),
            *(
                Page(path, "Passkeys", handler, role="anyone", in_menu=False, methods=("POST",), answers=answers)
                for path, (handler, answers) in posts.items()
            ),
        ]

    # -- one's own --

    def mine(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """One's own passkeys, and a button for a new one."""
        account = self._account(user)
        kept = self._context.credentials.all(KIND, account.name) if account else []
        if one(visit.query, "format") == "json":
            return Reply(json=[_row(passkey) for passkey in kept])
        return self._drawn("passkeys.html", mine=account is not None, kept=kept, longest=LONGEST_LABEL)

    def options(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """What the browser needs to make one."""
        account = self._must(user)
        try:
            return Reply(json=self._ceremony.options_for(account, visit.scratch))
        except WwtError as err:
            return _refused(err)

    def add(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Keep the one that the browser has made, and tell the owner by mail."""
        account = self._must(user)
        said = visit.json if isinstance(visit.json, dict) else {}
        try:
            kept = self._ceremony.add(account, said.get("credential"), str(said.get("label", "")), visit.scratch)
        except WwtError as err:
            return _refused(err)
        self._context.audit.write("passkey added", user.name, account.name, remote=visit.remote)
        self._tell(account, kept.details["label"])
        return Reply(json={"added": kept.details["label"]})

    def remove(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Take one away: nobody signs in by it any more."""
        account = self._must(user)
        name = one(visit.form, "id")
        if name not in {passkey.name for passkey in self._context.credentials.all(KIND, account.name)}:
            raise NotFound("You have no such passkey, or it was removed already.")
        self._context.credentials.take(KIND, name)
        self._context.audit.write("passkey removed", user.name, account.name, remote=visit.remote)
        return Reply(redirect="/passkeys")

    # -- the way in --

    def way_in(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """A button that has the browser ask for a passkey."""
        return self._drawn("passkeys_sign_in.html", next=within(visit.query.get("next", "/")))

    def challenge(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """What a device is to sign."""
        return Reply(json=self._ceremony.challenge(visit.scratch))

    def enter(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Start a session for who has signed it."""
        turn = self._context.limits.take("sign_in", remote=visit.remote)
        try:
            known = self._ceremony.enter(visit.json, visit.scratch)
        except Denied as denied:
            self._context.audit.write("sign-in failed", subject="passkey", remote=visit.remote, why=str(denied))
            return _refused(denied, 401)
        self._context.limits.give_back(turn)
        return Reply(json={"entered": True}, sign_in=known)

    # -- inside --

    def _account(self, user: User) -> Account | None:
        """The account of who is signed in; None when another backend knows them. Raises `NotSignedIn`."""
        if not user.name:
            raise NotSignedIn("Passkeys belong to an account; sign in first.")
        if not self._is_of_ours(user):
            return None
        return self._context.accounts.find(user.at_backend)

    def _is_of_ours(self, user: User) -> bool:
        """Whether *user* has a local account, and is here with more than a token."""
        return bool(user.backend == self._context.options.accounts and user.scope is None)

    def _must(self, user: User) -> Account:
        account = self._account(user)
        if account is None:
            raise Denied("Passkeys are for accounts of this installation, by who signs in to them.")
        return account

    def _tell(self, account: Account, label: str) -> None:
        if account.email and self._context.mail.has_server():
            text = (
                f"Hello {account.name},\n\na passkey called {label!r} was added to your account at "
                f"{self._context.url('/')} just now.\n\nIf it was not you, remove it and choose a new password:\n"
                f"{self._context.url('/passkeys')}\n{self._context.url('/resetpassword')}\n"
            )
            self._context.mail.send([account.email], "A passkey was added to your account", text)

    def _drawn(self, template: str, **values: Any) -> Reply:
        script = f"plugins/{self._context.name}/passkeys.js"
        place = self._ceremony.place
        values = {"script": script, "problem": place.problem, "host": place.host, **values}
        return Reply(template=template, values=values, headers={"Cache-Control": "no-store"})


def _row(passkey: Any) -> dict[str, Any]:
    used = passkey.used_at.isoformat() if passkey.used_at else None
    return {"label": passkey.details["label"], "created_at": passkey.created_at.isoformat(), "used_at": used}


def _refused(err: WwtError, status: int = 400) -> Reply:
    return Reply(json={"error": str(err), "status": status}, status=status)
