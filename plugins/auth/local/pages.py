"""/newuser, /confirmuser, /resetpassword, /password: what GET shows, what POST does. GET changes nothing.

Programs that look through mails follow the links in them: a link opens a page with a button.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wwt_framework.errors import NotFound, NotSignedIn, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Page, PluginContext, Reply, Snapshot, Visit

from ..._auth.posted import one
from .passwords import LONGEST, SHORTEST, Passwords, problem
from .registering import LONGEST_NAME, Registration
from .resetting import Resetting
from .wishes import Wishes

_BOUNDS = {"shortest": SHORTEST, "longest": LONGEST, "longest_name": LONGEST_NAME}


class Pages:
    """The pages of local accounts."""

    def __init__(
        self,
        context: PluginContext[Any],
        passwords: Passwords,
        registration: Registration,
        resetting: Resetting,
        wishes: Wishes,
    ) -> None:
        self._context = context
        self._passwords = passwords
        self._registration = registration
        self._resetting = resetting
        self._wishes = wishes

    def pages(self) -> list[Page]:
        both = {
            "/newuser": ("New account", self.new_user, self.register),
            "/confirmuser": ("Confirm", self.look_at_code, self.use_code),
            "/resetpassword": ("Reset password", self.ask_reset, self.reset),
            "/password": ("Password", self.ask_password, self.change_password),
        }
        found = []
        for path, (title, show, perform) in both.items():
            mine = self._is_mine if path == "/password" else None
            found.append(Page(path, title, show, role="anyone", in_menu=False, in_user_menu=mine))
            found.append(Page(path, title, perform, role="anyone", in_menu=False, methods=("POST",)))
        return found

    # -- /newuser --

    def new_user(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """The form, with the rules."""
        return self._form_of_registration()

    def register(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Take the form: "check your mail", whoever has an account already; or what is wrong with it."""
        form = visit.form
        email, name, password = (one(form, key) for key in ("email", "username", "password"))
        if not self._registration.is_open:
            return self._form_of_registration(status=403)
        again = one(form, "password2") if "password2" in form else None
        problems = self._registration.problems(email.strip(), name.strip(), password, again)
        if problems:
            return self._form_of_registration(problems, email, name, 422)
        self._context.limits.take("registration", account=email.strip(), remote=visit.remote)
        self._context.audit.write("account asked for", subject=name.strip(), remote=visit.remote)
        self._wishes.add("account", **self._registration.wish(email.strip(), name.strip(), password))
        return self._drawn("newuser_sent.html", email=email.strip())

    def _form_of_registration(
        self, problems: list[str] | None = None, email: str = "", name: str = "", status: int = 200
    ) -> Reply:
        desk = self._registration
        return self._drawn(
            "newuser.html", status, is_open=desk.is_open, domains=desk.allowed(), problems=problems or [], email=email,
            name=name, webmaster=self._context.mail.webmaster(), **_BOUNDS,
        )  # fmt: skip

    # -- /confirmuser --

    def look_at_code(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """A button that makes an account valid, or one that stops a reset; a code that is none leads home."""
        code = one(visit.query, "code")
        if name := self._registration.waiting(code):
            return self._drawn("confirmuser.html", code=code, name=name, stops_reset=False)
        if account := self._resetting.of(code):
            return self._drawn("confirmuser.html", code=code, name=account.name, stops_reset=True)
        return Reply(redirect="/")

    def use_code(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Make the account valid, or stop the reset: each code does one of the two, once."""
        code = one(visit.form, "code") or one(visit.query, "code")
        try:
            account = self._registration.confirm(code)
        except WwtError as err:
            return self._drawn("confirmuser_done.html", 409, name="", problem=str(err), stopped=False)
        if account is not None:
            self._context.audit.write("account confirmed", account.name, account.name, remote=visit.remote)
            return self._drawn("confirmuser_done.html", name=account.name, problem="", stopped=False)
        if owner := self._resetting.stop(code):
            self._context.audit.write("reset stopped", owner, owner, remote=visit.remote)
            return self._drawn("confirmuser_done.html", name="", problem="", stopped=True)
        return Reply(redirect="/")

    # -- /resetpassword --

    def ask_reset(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Nothing: asks for the mail address. A code: asks for the new password. Both: there is no such page."""
        code, email = one(visit.query, "code"), one(visit.query, "email")
        if code and email:
            raise NotFound("A reset takes a mail address, or the code that was mailed to it, and not both.")
        if code:
            return self._form_of_new_password(code)
        return self._form_of_reset(email)

    def reset(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """A mail address: "if we know it, a mail is on its way". Code and password: done, with the name of the account."""
        form = visit.form
        code, email, password = (one(form, key) for key in ("code", "email", "password"))
        if code and email:
            raise NotFound("A reset takes a mail address, or the code that was mailed to it, and not both.")
        if code and "password" in form:
            again = one(form, "password2") if "password2" in form else password
            return self._set_new_password(code, password, again, visit.remote)
        if code:
            return self._form_of_new_password(code)
        if not email.strip() or not self._context.mail.has_server():
            return self._form_of_reset(email, 422 if self._context.mail.has_server() else 503)
        self._context.limits.take("reset", account=email.strip()[:300], remote=visit.remote)
        self._context.audit.write("reset asked for", remote=visit.remote)
        self._wishes.add("reset", email=email.strip()[:300])
        return self._drawn("resetpassword_sent.html", email=email.strip())

    def _form_of_reset(self, email: str = "", status: int = 200) -> Reply:
        mail = self._context.mail
        return self._drawn(
            "resetpassword.html", status, email=email, can_mail=mail.has_server(), webmaster=mail.webmaster()
        )

    def _form_of_new_password(self, code: str, told: str = "") -> Reply:
        account = self._resetting.of(code)
        if account is None:
            return self._drawn("resetpassword_stale.html", 410)
        status = 422 if told else 200
        return self._drawn("newpassword.html", status, code=code, name=account.name, problem=told, **_BOUNDS)

    def _set_new_password(self, code: str, password: str, again: str, remote: str) -> Reply:
        account = self._resetting.of(code)
        if account is None:
            return self._drawn("resetpassword_stale.html", 410)
        if told := _refusal(password, again, account.name, account.email):
            return self._form_of_new_password(code, told)
        done = self._resetting.finish(code, password)
        if done is None:
            return self._drawn("resetpassword_stale.html", 410)
        self._context.audit.write("password reset", done.name, done.name, remote=remote)
        return self._drawn("resetpassword_done.html", name=done.name)

    # -- /password --

    def ask_password(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """The form in which one changes one's own password."""
        return self._form_of_own_password(user, done=one(visit.query, "done") == "1")

    def change_password(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002
        """Check the present password, set the new one, sign out every other browser."""
        form = visit.form
        account = self._context.accounts.find(user.at_backend) if self._is_mine(user) else None
        if account is None:
            return self._form_of_own_password(user)
        turn = self._context.limits.take("sign_in", account=account.name, remote=visit.remote)
        if not self._passwords.fits(account.secret, one(form, "current")):
            return self._form_of_own_password(user, "Your present password is another one; nothing was changed.")
        self._context.limits.give_back(turn)
        password = one(form, "password")
        if told := _refusal(password, one(form, "password2"), account.name, account.email):
            return self._form_of_own_password(user, told)
        self._resetting.set(account, password)
        self._context.audit.write("password changed", account.name, account.name, remote=visit.remote)
        return Reply(redirect="/password?done=1", sign_in=replace(user, name=account.name, login=""))

    def _form_of_own_password(self, user: User, told: str = "", done: bool = False) -> Reply:
        if not user.name:
            raise NotSignedIn("To change your password, sign in first.")
        values = {"mine": self._is_mine(user), "problem": told, "done": done, **_BOUNDS}
        return self._drawn("password.html", 422 if told else 200, **values)

    def _is_mine(self, user: User) -> bool:
        """Whether *user* is an account of ours, and is here with more than a token."""
        return user.backend == self._context.name and user.scope is None

    def _drawn(self, template: str, status: int = 200, **values: Any) -> Reply:
        script = f"plugins/{self._context.name}/passwords.js"
        headers = {"Cache-Control": "no-store"}
        return Reply(template=template, values={"script": script, **values}, status=status, headers=headers)


def _refusal(password: str, again: str, name: str, email: str) -> str:
    if password != again:
        return "The two passwords are not the same; type them again."
    return problem(password, name, email)
