"""The doors of `wwt_framework.plugin`, kept in memory: what a plugin under test is lent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from wwt_framework.addresses import address
from wwt_framework.errors import Denied, NotFound, PluginError, TooOften, WwtError
from wwt_framework.model import OPEN_STATES, ROLES, TRANSITIONS, Action, ActionState, Case, SiteStatus, name_key
from wwt_framework.plugin import Account, ActionKind, Credential, ExecutorSeen, ExecutorWord, Reported

QUEUED = ActionState.QUEUED

#: door -> the namespaces that may open it
GRANTED = {
    "actions": ("wwt.actions",),
    "accounts": ("wwt.auth",),
    "limits": ("wwt.auth",),
    "audit": ("wwt.auth",),
    "credentials": ("wwt.auth",),
    "mail": ("wwt.auth", "wwt.actions", "wwt.extras"),
}


class ActionsInMemory:
    """`ActionsDoor` over a dictionary: action id -> action."""

    def __init__(self, actions: Iterable[Action] = (), now: Callable[[], datetime] | None = None) -> None:
        self.kept = {action.id: action for action in actions}
        self.handed_out: dict[str, str] = {}  # workflow -> id of the action last handed out
        self.claimed: dict[str, str] = {}  # action -> executor
        self.words: list[tuple[str, ExecutorWord]] = []  # action, what was said of it
        self.spoken: dict[str, ExecutorSeen] = {}
        self.pulled: list[ActionKind] = []
        self._now = now or (lambda: datetime.now(timezone.utc))

    def open(self, since: datetime | None = None) -> list[Action]:
        return self._select(OPEN_STATES, since)

    def done(self, since: datetime | None = None) -> list[Action]:
        return self._select({ActionState.DONE}, since)

    def hand_out(self, executor: str, since: datetime | None = None) -> list[Action]:
        for action in self._select(OPEN_STATES, since):
            if action.state is ActionState.QUEUED:
                self._move(action, ActionState.SENT, f"fetched by {executor}")
            self.handed_out[action.workflow] = action.id
        return self.open(since)

    def report(self, executor: str, workflows: Sequence[str]) -> Reported:
        success, again, unknown = [], [], []
        for workflow in workflows:
            action = self.kept.get(self.handed_out.get(workflow, ""))
            if action is None:
                unknown.append(workflow)
            elif action.state is ActionState.DONE:
                again.append(workflow)
            else:
                if ActionState.DONE in TRANSITIONS[action.state]:
                    self._move(action, ActionState.DONE, f"reported by {executor}")
                success.append(workflow)
        return Reported(tuple(success), tuple(again), tuple(unknown))

    def claim(self, executor: str, limit: int, kinds: Collection[str] | None = None) -> list[Action]:
        mine = [a for a in self._select(OPEN_STATES, None) if self.claimed.get(a.id, executor) == executor]
        wanted = [a for a in mine if (kinds is None or a.kind in kinds) and (a.state is QUEUED or a.id in self.claimed)]
        for action in wanted[:limit]:
            self.claimed[action.id] = executor
            self.handed_out[action.workflow] = action.id
            if action.state is QUEUED:
                self._move(action, ActionState.SENT, f"claimed by {executor}")
        return [self.kept[action.id] for action in wanted[:limit]]

    def answer(
        self, executor: str, action: str, words: Sequence[ExecutorWord], outcome: ActionState | None, note: str = ""
    ) -> Action:
        if action not in self.kept:
            raise NotFound(f"There is no action {action!r}.")
        if self.claimed.get(action, executor) != executor:
            raise Denied(f"The action {action} was claimed by {self.claimed[action]}, not by {executor}.")
        self.words += [(action, replace(word, executor=executor)) for word in words]
        if outcome is not None and outcome in TRANSITIONS[self.kept[action].state]:
            self._move(self.kept[action], outcome, note)
        return self.kept[action]

    def heard(self, executor: str, doing: str | None = None, manifest: Mapping[str, Any] | None = None) -> None:
        known = self.spoken.get(executor, ExecutorSeen(executor, self._now()))
        changes: dict[str, Any] = {} if doing is None else {"doing": doing}
        changes |= {} if manifest is None else {"manifest": manifest, "manifest_at": self._now()}
        self.spoken[executor] = replace(known, seen_at=self._now(), **changes)

    def executors(self) -> list[ExecutorSeen]:
        return [self.spoken[name] for name in sorted(self.spoken)]

    def kinds(self) -> list[ActionKind]:
        return list(self.pulled)

    def stuck(self, before: datetime) -> list[Action]:
        return [action for action in self._select({ActionState.SENT}, None) if action.changed_at < before]

    def _select(self, states: Iterable[ActionState], since: datetime | None) -> list[Action]:
        wanted = set(states)
        found = [a for a in self.kept.values() if a.state in wanted and (since is None or a.submitted_at >= since)]
        return sorted(found, key=lambda action: action.submitted_at)

    def _move(self, action: Action, state: ActionState, note: str) -> None:
        self.kept[action.id] = replace(action, state=state, note=note, changed_at=self._now())


class AccountsInMemory:
    """`AccountsDoor` over a dictionary."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self._kept = {name_key(account.name): account for account in accounts}
        self.signed_out: list[str] = []

    def find(self, name: str) -> Account | None:
        return self._kept.get(name_key(name))

    def add(self, account: Account) -> None:
        if name_key(account.name) in self._kept:
            raise WwtError(f"There is already an account '{account.name}'.")
        if strange := account.roles - set(ROLES):
            raise WwtError(f"Unknown role '{min(strange)}'; there are {', '.join(ROLES)}.")
        self._kept[name_key(account.name)] = account

    def change(self, name: str, **fields: Any) -> Account:
        key = name_key(name)
        if key not in self._kept:
            raise NotFound(f"There is no account '{name}'.")
        if "roles" in fields:
            fields["roles"] = frozenset(fields["roles"])
        self._kept[key] = replace(self._kept[key], **fields)
        return self._kept[key]

    def all(self) -> list[Account]:
        return [self._kept[name] for name in sorted(self._kept)]

    def with_email(self, email: str) -> list[Account]:
        return [account for account in self.all() if account.email and account.email.lower() == email.lower()]

    def end_sessions(self, name: str) -> int:
        self.signed_out.append(name)
        return 1


class CredentialsInMemory:
    """`CredentialsDoor` over a dictionary, with a clock that a test can set."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(timezone.utc))
        self._kept: dict[tuple[str, str], Credential] = {}

    def add(self, credential: Credential) -> Credential:
        if (credential.kind, credential.name) in self._kept:
            raise WwtError(f"There is a {credential.kind} of this name already.")
        kept = replace(credential, owner=name_key(credential.owner), created_at=self.now(), used_at=None)
        self._kept[kept.kind, kept.name] = kept
        return kept

    def find(self, kind: str, name: str) -> Credential | None:
        found = self._kept.get((kind, name))
        return None if found is None or self._expired(found) else found

    def all(self, kind: str, owner: str | None = None) -> list[Credential]:
        whose = None if owner is None else name_key(owner)
        wanted = [one for one in self._kept.values() if one.kind == kind and whose in (None, one.owner)]
        return [one for one in reversed(wanted) if not self._expired(one)]

    def take(self, kind: str, name: str) -> Credential | None:
        found = self.find(kind, name)
        self._kept.pop((kind, name), None)
        return found

    def change(self, kind: str, name: str, **fields: Any) -> Credential:
        found = self.find(kind, name)
        if found is None:
            raise NotFound(f"There is no such {kind}.")
        self._kept[kind, name] = replace(found, **fields)
        return self._kept[kind, name]

    def use(self, kind: str, name: str) -> None:
        if (found := self.find(kind, name)) is not None:
            self._kept[kind, name] = replace(found, used_at=self.now())

    def forget(self, kinds: Collection[str], owner: str | None = None) -> int:
        gone = [
            key
            for key, one in self._kept.items()
            if one.kind in kinds and (self._expired(one) if owner is None else one.owner == name_key(owner))
        ]
        for key in gone:
            del self._kept[key]
        return len(gone)

    def _expired(self, one: Credential) -> bool:
        return one.expires_at is not None and one.expires_at <= self.now()


@dataclass
class LimitsInMemory:
    """`LimitsDoor` that counts and keeps: (what, account or address) -> tries. At ``most`` it refuses."""

    most: int = 10
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    _turns: list[tuple[tuple[str, str], ...]] = field(default_factory=list)

    def take(self, what: str, *, account: str = "", remote: str = "") -> tuple[int, ...]:
        keys = tuple((what, one) for one in (account.casefold(), remote) if one)
        if any(self.tries[key] >= self.most for key in keys):
            raise TooOften(f"There were too many tries to {what}. Try again in 60 seconds.", 60)
        self.tries.update(keys)
        self._turns.append(keys)
        return (len(self._turns) - 1,)

    def give_back(self, turn: tuple[int, ...]) -> None:
        for number in turn:
            self.tries.subtract(self._turns[number])


@dataclass
class AuditInMemory:
    """`AuditDoor` that keeps what was written: (deed, user, subject, details)."""

    deeds: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    def write(self, deed: str, user: str = "", subject: str = "", *, remote: str = "", **details: Any) -> None:
        self.deeds.append((deed, user, subject, {**details, **({"remote": remote} if remote else {})}))


@dataclass(frozen=True)
class SentMail:
    """One mail as a plugin handed it over."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    once: str = ""


@dataclass
class MailInMemory:
    """`MailDoor` that keeps what was sent. Addresses and subjects that the house would refuse are refused."""

    sent: list[SentMail] = field(default_factory=list)
    closed: str = ""  # why no mail can be sent
    of_webmaster: str = "webmaster@example.org"

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
        if self.closed:
            raise PluginError(self.closed)
        if not subject.isprintable() or not subject.strip():
            raise PluginError(f"a mail's subject: expected one line of text, got {subject!a}")
        try:
            for one in (*to, *cc, *([reply_to] if reply_to else [])):
                address(one)
        except ValueError as err:
            raise PluginError(f"a mail's address: {err}") from err
        if once and (before := [number for number, mail in enumerate(self.sent) if mail.once == once]):
            return str(before[0])
        self.sent.append(SentMail(tuple(to), subject, text, html, tuple(cc), reply_to, once))
        return str(len(self.sent) - 1)

    def trouble(self) -> str:
        return self.closed

    def has_server(self) -> bool:
        return not self.closed

    def webmaster(self) -> str:
        return self.of_webmaster


@dataclass
class JobsInMemory:
    """`JobsDoor` that keeps what was asked for: (job, arguments)."""

    requested: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def request(self, name: str, **arguments: Any) -> str:
        self.requested.append((name, arguments))
        return str(len(self.requested))


@dataclass
class SnapshotInMemory:
    """`plugin.Snapshot` over a dictionary: workflow name -> case."""

    cases: Mapping[str, Case] = field(default_factory=dict)
    taken_at: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
    sites: Mapping[str, SiteStatus] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.taken_at.strftime("%Y%m%dT%H%M%S.%fZ")

    def workflow_names(self) -> Sequence[str]:
        return sorted(self.cases)

    def case(self, workflow: str) -> Case | None:
        return self.cases.get(workflow)

    def status(self, workflow: str) -> str:
        found = self.cases.get(workflow)
        return found.workflow.status if found else ""

    def site_statuses(self) -> Mapping[str, SiteStatus]:
        return self.sites

    def exit_code_totals(self) -> Mapping[int, tuple[int, int]]:
        jobs: Counter[int] = Counter()
        workflows: Counter[int] = Counter()
        for case in self.cases.values():
            for (code,), count in case.errors.by("exit_code").items():
                jobs[code] += count
                workflows[code] += 1
        return {code: (jobs[code], workflows[code]) for code in jobs}


class ComputeHere:
    """`ComputeDoor` that does the work in this thread."""

    def map(self, function: Callable[..., Any], items: Iterable[Any], *shared: Any) -> list[Any]:
        return [function(item, *shared) for item in items]

    @contextmanager
    def spread(self) -> Iterator[int]:
        yield 1


class ClosedDoor:
    """A door that a plugin of this namespace may not open."""

    def __init__(self, door: str, namespace: str) -> None:
        self._why = f"{namespace} may not open context.{door}; {', '.join(GRANTED[door])} may"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python itself looks for these
            raise AttributeError(name)
        raise PluginError(self._why)


def gather(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """As the house's, one call after the other."""
    for item in items:
        try:
            yield function(item)
        except Exception as err:  # noqa: BLE001  # it is the result for this item
            yield err
