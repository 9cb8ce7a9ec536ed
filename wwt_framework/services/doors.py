"""The doors that the house lends to plugins, by namespace (`plugin.py` says what each is for)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from wwt_framework.compute import LOCAL, Compute
from wwt_framework.errors import PluginError, StoreError, WwtError
from wwt_framework.model import Action, ActionState, User
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import Account, ActionKind, ComputeDoor, Credential, ExecutorSeen, ExecutorWord, Reported
from wwt_framework.services.access.limits import Limits
from wwt_framework.services.mailing import NO_SERVER, Post
from wwt_framework.store import Store, ledger

log = logging.getLogger(__name__)

#: door -> the namespaces that may open it
GRANTED = {
    "actions": ("actions",),
    "accounts": ("auth",),
    "credentials": ("auth",),
    "limits": ("auth",),
    "audit": ("auth",),
    "mail": ("auth", "actions", "extras"),
}


class _Clockwork(Protocol):
    """What the jobs door needs of `jobs.Clockwork`."""

    def request(self, name: str, user: str = "", **arguments: Any) -> str: ...


@dataclass(frozen=True)
class Pulling:
    """What the actions door wants to know of the house."""

    kinds: Sequence[ActionKind] = ()  # all that plugins registered
    rehearsal: bool = False  # wwt.dry_run


class Actions:
    """`ActionsDoor`: what executors fetch, report and say.

    Kinds that are pushed are carried out here, so no executor gets them; in a rehearsal it gets nothing at all.
    """

    def __init__(self, store: Store, pulling: Callable[[], Pulling]) -> None:
        self._store = store
        self._pulling = pulling

    def kinds(self) -> list[ActionKind]:
        return [kind for kind in self._pulling().kinds if kind.delivery == "pull"]

    def _withheld(self) -> frozenset[str] | None:
        """Kinds that are not handed out; None: nothing is."""
        now = self._pulling()
        return None if now.rehearsal else frozenset(kind.name for kind in now.kinds if kind.delivery == "push")

    def open(self, since: datetime | None = None) -> list[Action]:
        withheld = self._withheld()
        if withheld is None:
            return []
        return [action for action in ledger.open_actions(self._store, since=since) if action.kind not in withheld]

    def done(self, since: datetime | None = None) -> list[Action]:
        return ledger.done_actions(self._store, since=since)

    def hand_out(self, executor: str, since: datetime | None = None) -> list[Action]:
        withheld = self._withheld()
        return [] if withheld is None else ledger.hand_out(self._store, executor, since, withheld)

    def report(self, executor: str, workflows: Sequence[str]) -> Reported:
        return ledger.report(self._store, executor, workflows, self._withheld() or ())

    def claim(self, executor: str, limit: int, kinds: Collection[str] | None = None) -> list[Action]:
        withheld = self._withheld()
        return [] if withheld is None else ledger.claim(self._store, executor, limit, kinds, withheld)

    def answer(
        self, executor: str, action: str, words: Sequence[ExecutorWord], outcome: ActionState | None, note: str = ""
    ) -> Action:
        return ledger.answer(self._store, executor, action, words, outcome, note)

    def heard(self, executor: str, doing: str | None = None, manifest: Mapping[str, Any] | None = None) -> None:
        ledger.heard(self._store, executor, doing, manifest)

    def executors(self) -> list[ExecutorSeen]:
        return ledger.executors(self._store)

    def stuck(self, before: datetime) -> list[Action]:
        return ledger.stuck(self._store, before)


class Accounts:
    """`AccountsDoor`. Who added or changed an account is remembered, in the name of the plugin."""

    def __init__(self, store: Store, plugin: str) -> None:
        self._store = store
        self._plugin = plugin

    def find(self, name: str) -> Account | None:
        return ledger.find_account(self._store, name)

    def all(self) -> list[Account]:
        return ledger.accounts(self._store)

    def add(self, account: Account) -> None:
        with self._store.write():
            ledger.add_account(self._store, account)
            self._is_known(account)
            ledger.write_down(self._store, self._plugin, "added account", account.name, roles=sorted(account.roles))

    def change(self, name: str, **fields: Any) -> Account:
        with self._store.write():
            account = ledger.change_account(self._store, name, **fields)
            self._is_known(account)
            ledger.write_down(self._store, self._plugin, "changed account", account.name, fields=sorted(fields))
        return account

    def with_email(self, email: str) -> list[Account]:
        return ledger.accounts_with_email(self._store, email)

    def end_sessions(self, name: str) -> int:
        account = ledger.find_account(self._store, name)
        person = ledger.person_of(self._store, self._plugin, account.name if account else name)
        return ledger.end_sessions_of(self._store, person.name) if person else 0

    def _is_known(self, account: Account) -> None:
        """The person is on /people, with these roles, before they sign in for the first time."""
        user = User(account.name, account.full_name, account.email, account.roles, self._plugin)
        ledger.meet(self._store, user, seen=False, account=True)


class Credentials:
    """`CredentialsDoor`: each plugin sees its own. Who did what with them the plugin writes down."""

    def __init__(self, store: Store, plugin: str) -> None:
        self._store = store
        self._plugin = plugin

    def add(self, credential: Credential) -> Credential:
        return ledger.add_credential(self._store, self._plugin, credential)

    def find(self, kind: str, name: str) -> Credential | None:
        return ledger.find_credential(self._store, self._plugin, kind, name)

    def all(self, kind: str, owner: str | None = None) -> list[Credential]:
        return ledger.credentials(self._store, self._plugin, kind, owner)

    def take(self, kind: str, name: str) -> Credential | None:
        return ledger.take_credential(self._store, self._plugin, kind, name)

    def change(self, kind: str, name: str, **fields: Any) -> Credential:
        return ledger.change_credential(self._store, self._plugin, kind, name, **fields)

    def use(self, kind: str, name: str) -> None:
        try:
            ledger.use_credential(self._store, self._plugin, kind, name)
        except StoreError as err:
            log.warning("last use of a credential could not be noted: %s", err)

    def forget(self, kinds: Collection[str], owner: str | None = None) -> int:
        return ledger.forget_credentials(self._store, self._plugin, kinds, owner)


class LimitsOf:
    """`LimitsDoor`: the tries that plugins count are the house's own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def take(self, what: str, *, account: str = "", remote: str = "") -> tuple[int, ...]:
        return self._limits.take(what, account, remote)

    def give_back(self, turn: tuple[int, ...]) -> None:
        self._limits.give_back(turn)


class Audit:
    """`AuditDoor`: what is written down names the plugin."""

    def __init__(self, store: Store, plugin: str) -> None:
        self._store = store
        self._plugin = plugin

    def write(self, deed: str, user: str = "", subject: str = "", *, remote: str = "", **details: Any) -> None:
        ledger.write_down(self._store, user, deed, subject, remote=remote, **{**details, "by": self._plugin})


class Mail:
    """`MailDoor`: mails are sent in the name of the plugin. Open as long as the installation has a mail server."""

    def __init__(self, post: Post, plugin: str) -> None:
        self._post = post
        self._plugin = plugin

    def send(
        self,
        to: Sequence[str],
        subject: str,
        text: str,
        html: str = "",
        *,
        cc: Sequence[str] = (),
        reply_to: str = "",
        once: str = "",
    ) -> str:
        if not self._post.has_server:
            raise PluginError(f"plugin '{self._plugin}': {NO_SERVER}")
        once = once and f"{self._plugin}:{once}"
        try:
            return self._post.queue(self._plugin, to, subject, text, html, cc=cc, reply_to=reply_to, once=once)
        except WwtError as err:
            raise PluginError(f"plugin '{self._plugin}': {err}") from err

    def trouble(self) -> str:
        return self._post.state().trouble if self._post.has_server else NO_SERVER

    def has_server(self) -> bool:
        return self._post.has_server

    def webmaster(self) -> str:
        return self._post.webmaster


class Jobs:
    """`JobsDoor`: runs are asked for in the name of the plugin."""

    def __init__(self, clockwork: _Clockwork, plugin: str) -> None:
        self._clockwork = clockwork
        self._plugin = plugin

    def request(self, name: str, **arguments: Any) -> str:
        return self._clockwork.request(name, user=self._plugin, **arguments)


class Closed:
    """A door that this plugin can not open; whatever is asked of it says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python itself looks for these, and takes an AttributeError for "no"
            raise AttributeError(name)
        raise PluginError(self._why)


def lend(
    store: Store,
    namespace: str,
    plugin: str,
    clockwork: _Clockwork,
    pulling: Callable[[], Pulling] = Pulling,
    post: Post | None = None,
    compute: ComputeDoor | None = None,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """The doors of one plugin, as `PluginContext` wants them, by name.

    *namespace*: "errors", "auth"; *plugin*: its full name, "auth.local". *pulling*: of this moment.
    *post*: None where mail is never sent. *compute*: None for processes of this machine.
    *limits*: None for those of `HouseOptions`.
    """
    limits = limits or Limits(store, HouseOptions)
    doors: dict[str, Any] = {"actions": Actions(store, pulling), "accounts": Accounts(store, plugin)}
    doors["credentials"] = Credentials(store, plugin)
    doors |= {"limits": LimitsOf(limits), "audit": Audit(store, plugin)}
    doors["mail"] = Mail(post, plugin) if post else Closed(f"plugin '{plugin}': {NO_SERVER}")
    for door, namespaces in GRANTED.items():
        if namespace not in namespaces:
            may = ", ".join(f"wwt.{name}" for name in namespaces)
            doors[door] = Closed(f"plugin '{plugin}': the door context.{door} is only lent to plugins of {may}")
    doors["compute"] = compute or Compute(lambda: LOCAL)
    return {**doors, "memory": ledger.Memory(store, plugin), "jobs": Jobs(clockwork, plugin)}
