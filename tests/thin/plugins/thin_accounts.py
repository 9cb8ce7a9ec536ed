"""Accounts of this installation: names and password hashes behind the accounts door."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.errors import Denied
from wwt_framework.model import User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Account, LoginOption, PluginContext

NOBODY = Account("", f"{'00' * 16}:{'00' * 64}")


class Accounts:
    """Sign people in by name and password."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        return [LoginOption("Local account")]

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        account = self._context.accounts.find(username)
        right = _matches((account or NOBODY).secret, password)  # for nobody, too: it takes as long
        if account is None or not right:
            return None
        if not account.active:
            raise Denied(f"The account {account.name} is closed.")
        return User(account.name, account.full_name, account.email, account.roles, self._context.name)

    @hookimpl
    def grant_roles(self, user: User) -> Sequence[str]:
        account = self._context.accounts.find(user.name) if user.backend == self._context.name else None
        return sorted(account.roles) if account and account.active else []

    def add(self, name: str, password: str, roles: frozenset[str]) -> None:
        salt = secrets.token_bytes(16)
        self._context.accounts.add(Account(name, f"{salt.hex()}:{_hash(password, salt).hex()}", roles))


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**12, r=8, p=1)


def _matches(secret: str, password: str) -> bool:
    salt, _, wanted = secret.partition(":")
    return hmac.compare_digest(_hash(password, bytes.fromhex(salt)), bytes.fromhex(wanted))
