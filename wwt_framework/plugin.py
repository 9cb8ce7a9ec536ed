"""What a plugin receives and what it can hand over. Nothing here knows CherryPy or the store.

A door is a protocol that the house implements and lends to plugins that may use it:
``PluginContext`` carries the doors, granted by namespace (`docs/writing-plugins`).
A plugin that opens a door it was not granted gets a `PluginError` that names the namespaces that may.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from logging import Logger
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from wwt_framework.model import Action, ActionState, Case, Prediction, Reason, SiteStatus, User

if TYPE_CHECKING:
    import click
    import pydantic
    import requests

OptionsT = TypeVar("OptionsT")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

#: Called by long work: how far (0..1, None when it can not be told) and what it is at.
Progress = Callable[[float | None, str], None]


# -- the world, as pages and jobs see it --------------------------------------


class Snapshot(Protocol):
    """The world at ``taken_at``: read by every page, never changed. Cases are made on demand."""

    @property
    def version(self) -> str:
        """Sorts by time."""

    @property
    def taken_at(self) -> datetime:
        """Of when it is, UTC."""

    def workflow_names(self) -> Sequence[str]:
        """All workflows of the snapshot, sorted."""

    def case(self, workflow: str) -> Case | None:
        """Everything known about *workflow*; None when the snapshot does not have it."""

    def status(self, workflow: str) -> str:
        """ReqMgr2 status of *workflow*, cheap; "" where it is not known, or the snapshot does not have the workflow."""

    def site_statuses(self) -> Mapping[str, SiteStatus]:
        """Site name -> status, of the sites whose status is known."""

    def exit_code_totals(self) -> Mapping[int, tuple[int, int]]:
        """Exit code -> failed jobs, and workflows that have some."""


# -- doors --------------------------------------------------------------------


class ActionsDoor(Protocol):
    """For a plugin through which an executor pulls actions. One transaction each. Granted to wwt.actions."""

    def open(self, since: datetime | None = None) -> list[Action]:
        """Actions that are QUEUED or SENT, oldest first."""

    def done(self, since: datetime | None = None) -> list[Action]:
        """Actions that are DONE, oldest first."""

    def hand_out(self, executor: str, since: datetime | None = None) -> list[Action]:
        """The open actions; those QUEUED become SENT in the same transaction."""

    def report(self, executor: str, workflows: Sequence[str]) -> Reported:
        """Close the action last handed out under each name."""

    def claim(self, executor: str, limit: int, kinds: Collection[str] | None = None) -> list[Action]:
        """Hand out at most *limit* open actions to *executor* alone, of *kinds* only (None: any)."""

    def answer(
        self, executor: str, action: str, words: Sequence[ExecutorWord], outcome: ActionState | None, note: str = ""
    ) -> Action:
        """Keep what *executor* says of the tasks of one action; DONE or FAILED ends it, None leaves it open.

        Raises `NotFound`, and `Denied` when another executor has claimed it.
        """

    def heard(self, executor: str, doing: str | None = None, manifest: Mapping[str, Any] | None = None) -> None:
        """*executor* has spoken; None keeps what is known."""

    def executors(self) -> list[ExecutorSeen]:
        """Every executor that has ever spoken, by name."""

    def kinds(self) -> list[ActionKind]:
        """The kinds of action that executors pull."""

    def stuck(self, before: datetime) -> list[Action]:
        """Actions handed out before *before* of which nobody has said anything since."""


@dataclass(frozen=True)
class ExecutorWord:
    """What an executor says of an action, or of one of its tasks."""

    word: str  # claimed, accepted, rejected, created
    task: str = ""  # Task.short; "" for the whole action
    why: str = ""
    request: str = ""  # the workflow that was made
    executor: str = ""
    at: datetime | None = None  # None: it was not kept yet


@dataclass(frozen=True)
class ExecutorSeen:
    """An executor that has spoken to us."""

    name: str
    seen_at: datetime
    doing: str = ""
    manifest: Mapping[str, Any] = field(default_factory=dict)  # what it says that it honours; empty: it never said
    manifest_at: datetime | None = None


@dataclass(frozen=True)
class Reported:
    """What became of a report, name by name, in the order given."""

    success: tuple[str, ...] = ()
    already_reported: tuple[str, ...] = ()
    does_not_exist: tuple[str, ...] = ()


@dataclass(frozen=True)
class Account:
    """A local account as an auth plugin sees it. ``secret`` is a password hash, never a password."""

    name: str
    secret: str = field(repr=False)
    roles: frozenset[str] = frozenset()
    full_name: str = ""
    email: str = ""
    active: bool = True


class AccountsDoor(Protocol):
    """Local accounts in the store. Granted to wwt.auth."""

    def find(self, name: str) -> Account | None:
        """The account called *name*, active or not; None when there is none."""

    def add(self, account: Account) -> None:
        """Keep a new account. Raises `WwtError` when the name is taken or a role is unknown."""

    def change(self, name: str, **fields: Any) -> Account:
        """Change fields of an account; returns it. Raises `NotFound`."""

    def all(self) -> list[Account]:
        """Every account, by name."""

    def with_email(self, email: str) -> list[Account]:
        """Accounts with this mail address, however it is written in case, active or not."""

    def end_sessions(self, name: str) -> int:
        """Sign *name* out of every browser; returns how many there were."""


@dataclass(frozen=True)
class Credential:
    """What lets somebody in: a token, a passkey, a code that was mailed. The secret itself is never kept.

    ``name``: by which it is found. Where that is a secret, keep its SHA-256; ``details`` are JSON values.
    """

    kind: str  # "token", "passkey", "reset": as the plugin calls it
    name: str = field(repr=False)
    owner: str  # the name of an account
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    expires_at: datetime | None = None  # None: never
    created_at: datetime | None = None  # None: it was not kept yet
    used_at: datetime | None = None  # to the minute


class CredentialsDoor(Protocol):
    """Credentials in the store, yours alone. What has expired is not there any more. Granted to wwt.auth."""

    def add(self, credential: Credential) -> Credential:
        """Keep a new one. Raises `WwtError` when there is one of this kind and name."""

    def find(self, kind: str, name: str) -> Credential | None:
        """The one of that name."""

    def all(self, kind: str, owner: str | None = None) -> list[Credential]:
        """Those of *owner*; None: everybody's. Newest first."""

    def take(self, kind: str, name: str) -> Credential | None:
        """The one of that name, which is gone then: of two who take it at the same time one gets it."""

    def change(self, kind: str, name: str, **fields: Any) -> Credential:
        """Change ``details`` or ``expires_at``; returns it. Raises `NotFound`."""

    def use(self, kind: str, name: str) -> None:
        """Note that it was used just now. A full disk keeps nobody out."""

    def forget(self, kinds: Collection[str], owner: str | None = None) -> int:
        """Delete all of *owner*; None: all that have expired. Returns how many."""


class LimitsDoor(Protocol):
    """How often something may be tried, counted for all processes together. Granted to wwt.auth."""

    def take(
        self, what: Literal["sign_in", "registration", "reset"], *, account: str = "", remote: str = ""
    ) -> tuple[int, ...]:
        """Count one try, for *account* (a name, or a mail address) and for the address *remote* (``visit.remote``).

        Take it before you look whether there is such an account, and say the same either way.
        What `wwt_framework` checks itself (the hook ``authenticate``) it counts itself.
        Raises `TooOften`, a `Denied`, which says when to try again: let it through, the house makes a page of it.
        """

    def give_back(self, turn: tuple[int, ...]) -> None:
        """Do not count a try that turned out well; *turn*: what ``take`` returned."""


class AuditDoor(Protocol):
    """The record of who did what, which is only added to. Granted to wwt.auth."""

    def write(self, deed: str, user: str = "", subject: str = "", *, remote: str = "", **details: Any) -> None:
        """Write down that *user* did *deed* to *subject*; that it came by you is added.

        *deed* is a few constant words, like "token made": /audit offers them as a filter. *details*: JSON values.
        Never write a secret: admins read it, and it can not be taken back.
        Inside a transaction of the house it is kept with it, or not at all.
        """


class MailDoor(Protocol):
    """Sends mail through the installation's server. Granted to wwt.auth, wwt.actions and wwt.extras."""

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
        """Queue one mail; returns its id. It is kept, and tried until it is sent, refused or given up.

        Addresses like ``olga@example.org`` or ``Olga Example <olga@example.org>``. The subject is one line.
        *html* says the same as *text*, for the inside of a body; escape what comes from outside.
        *reply_to*: where answers go; "": to the webmaster.
        *once*: names what the mail tells of; a second mail of that name, by the same plugin, is not sent.
        Inside a transaction of the house it is queued with it, or not at all.
        Raises `PluginError` when there is no mail server, or the mail can not be meant.
        """

    def trouble(self) -> str:
        """Why no mail goes out at this moment, in words; "" when nothing is known against it."""

    def has_server(self) -> bool:
        """Whether this installation sends mail at all."""

    def webmaster(self) -> str:
        """Address of who answers for this installation; "" when none is named."""


class JobsDoor(Protocol):
    """Asks for background work. Granted to every namespace."""

    def request(self, name: str, **arguments: Any) -> str:
        """Queue a run of the job *name*; returns the run's id, which /jobs shows."""


class ComputeDoor(Protocol):
    """Heavy work, spread over processes of this machine or over a cluster, as ``wwt.compute`` says. Granted to every namespace.

    Work goes to other processes: functions are those of a module, and a cluster has that module installed, too.
    Only for what takes seconds; never while somebody waits for a page.
    """

    def map(self, function: Callable[..., Any], items: Iterable[Any], *shared: Any) -> list[Any]:
        """``[function(item, *shared) for item in items]``; the first call that raises ends it.

        *shared* is what all calls need, such as a matrix. Raises `WwtError` when the cluster can not be reached.
        """

    def spread(self) -> AbstractContextManager[int]:
        """Inside the block what scikit-learn does with ``n_jobs=-1`` is spread; gives how many work at the same time.

        Raises `WwtError` when the cluster can not be reached.
        """


@dataclass(frozen=True)
class PluginContext(Generic[OptionsT]):
    """The only argument of a plugin's constructor: everything the house lends it."""

    name: str  # e.g. "clustering.kmeans"
    options: OptionsT  # plugins.yml, checked against Plugin.Options
    log: Logger
    http: requests.Session  # timeout, retries, certificate and user agent already set
    data_dir: Path  # yours alone; trained models go here
    memory: MutableMapping[str, Any]  # yours alone; JSON values, kept in the store
    actions: ActionsDoor
    accounts: AccountsDoor
    credentials: CredentialsDoor
    limits: LimitsDoor
    audit: AuditDoor
    mail: MailDoor
    jobs: JobsDoor
    compute: ComputeDoor
    url: Callable[..., str]  # url("/seeworkflow", workflow=name) -> address that works from outside
    gather: Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
    """``gather(function, items)``: results in the order of items, made by the house's bounded pool of threads.

    A call that raised gives its exception in place of a result.
    """
    snapshot: Callable[[], Snapshot]
    """``snapshot()``: the newest snapshot, for jobs; read it once. A page is given the one that it is drawn from."""


# -- forms and actions --------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """One parameter of an action, once per form or once per task."""

    name: str
    label: str
    type: Literal["text", "integer", "choice", "choices", "flag", "sites"] = "text"
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    per_task: bool = False
    help: str = ""
    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""  # shown after the field, e.g. "MB"


@dataclass(frozen=True)
class ActionKind:
    """Something an operator can ask for."""

    name: str  # acdc, clone, recovery, force-complete, on-hold, ggus-ticket
    label: str
    help: str
    fields: tuple[Field, ...] = ()
    role: str = "operator"
    many: bool = True  # may be applied to several workflows at once
    delivery: Literal["pull", "push"] = "pull"  # pull: an executor fetches it; push: execute_action is called


@dataclass(frozen=True)
class AutoRule:
    """Something by which actions could be asked for without an operator. It only acts once an admin switched it on."""

    name: str  # unique in its plugin, and for ever: "lost-reports"
    label: str
    help: str = ""
    fingerprint: str = ""  # another one whenever the rule would decide otherwise: it has to be measured anew then
    asks_outside: bool = False  # somebody outside decides, so that it can not be asked what it would have said then


# -- pages --------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """One HTTP request, without the web framework."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    form: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    json: Any = None  # the body, when it was JSON
    remote: str = ""  # address of who asks, after trusted proxies
    peer: str = ""  # address of whoever spoke to this server, a proxy's too; "": it can not be told
    base_url: str = ""  # scheme and host that the visitor used
    remote_user: str = ""  # WSGI REMOTE_USER, set by the server in front
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the server that runs us by WSGI says beside that, e.g. OIDC_CLAIM_groups; no visitor can set it."""
    client_certificate: Mapping[str, str] = field(default_factory=dict)
    """What the server that ended TLS says: subject, issuer, serial, verified ("SUCCESS"), pem; empty: none was shown."""
    scratch: MutableMapping[str, Any] = field(default_factory=dict)  # short memory before sign-in: state, nonce


@dataclass(frozen=True)
class Reply:
    """What a contributed page answers: a template with values, JSON, bytes, or somewhere else to go."""

    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    body: bytes | None = None
    content_type: str = ""
    redirect: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    sign_in: User | None = None  # start a session for this user; wwt.auth only


@dataclass(frozen=True)
class Page:
    """A page of its own, served at /p/<plugin>/<path>; a path that begins with "/" is taken as it is."""

    path: str
    title: str
    handler: Callable[[Visit, User, Snapshot], Reply]
    role: str = "viewer"  # or "anyone"
    in_menu: bool = True
    in_user_menu: Callable[[User], bool] | None = (
        None  # whether the menu of this user, who may ask for it, has it; no I/O
    )
    methods: tuple[str, ...] = ("GET",)
    accepts: type[pydantic.BaseModel] | None = None  # what the JSON body must be
    asks: tuple[Field, ...] = ()  # what it reads of the address; the house checks it
    answers: Any = None
    """The shape of its JSON, for /api/v1/openapi.json; None: it answers none.

    A pydantic model, a type, ``{name: shape}`` for exactly these keys, ``{str: shape}`` for any, ``[shape]`` for a list,
    ``(shape, shape)`` for one or the other. ``{200: shape, 422: shape}`` where other statuses tell more than an error.
    """


@dataclass(frozen=True)
class Panel:
    """A box on a page of the core."""

    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    place: Literal["top", "side", "main", "bottom"] = "main"
    order: int = 50


@dataclass(frozen=True)
class Link:
    """An address outside, about one workflow."""

    label: str
    href: str
    help: str = ""


@dataclass(frozen=True)
class LoginOption:
    """One way in, shown on the login page: a password form or a link to follow."""

    label: str
    href: str = ""  # "/path" of this installation, or https://...; "": it is a user name and password form
    help: str = ""
    leave: str = ""  # "/path" or https://..., where one signs out there, too; offered after signing out here


# -- learning -----------------------------------------------------------------


@dataclass(frozen=True)
class Matrix:
    """A sparse matrix with named rows and columns: how workflows fail.

    Rows are sorted by name. ``values``: scipy CSR, (len(rows), len(columns)), failed jobs unless the columns say otherwise.
    """

    rows: Sequence[str]  # workflow names
    columns: Sequence[str]  # feature names: "code:8028", "site:T1_US_FNAL", "type:Merge", "log:<template>"
    values: Any


@dataclass(frozen=True)
class Correction:
    """An operator said: these belong together; or, of a split: these belong together, and not to the others."""

    kind: Literal["merge", "split"]
    workflows: tuple[str, ...]
    user: str
    at: datetime
    others: tuple[str, ...] = ()  # of a split: what they do not belong to


@dataclass(frozen=True)
class Corpus:
    """What a clusterer learns from."""

    current: Matrix
    history: Matrix
    corrections: tuple[Correction, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)  # log template id -> its text


@dataclass(frozen=True)
class FitReport:
    """What a fit came to."""

    text: str  # one line for the log and for /jobs
    clusters: int
    numbers: Mapping[str, float] = field(default_factory=dict)  # inertia, ...


@dataclass(frozen=True)
class Decision:
    """One thing that operators did, with the case as it was shown to them."""

    case: Case
    action: Action
    decided_at: datetime


class History(Protocol):
    """Past decisions; may be read again and again, oldest first."""

    def __iter__(self) -> Iterator[Decision]: ...

    def __len__(self) -> int: ...

    def until(self, at: datetime) -> History:
        """Only what was decided before *at*: how the lab trains without looking ahead."""


@dataclass(frozen=True)
class TrainingReport:
    """What a training came to."""

    text: str  # one line for the log and for /jobs
    decisions: int
    training_set: str  # id of what was learned from
    numbers: Mapping[str, float] = field(default_factory=dict)  # accuracy, ...


class Predictor(Protocol):
    """A trained model in memory. ``on_view`` True: it does I/O, and is asked per view with a deadline."""

    on_view: bool

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        """For each case its predictions, most probable first."""


# -- background work, and who is told -----------------------------------------


@dataclass(frozen=True)
class Job:
    """Background work. A job never overlaps itself. ``run(progress, **arguments)`` returns one line for /jobs."""

    name: str
    run: Callable[..., str]
    every: timedelta | None = None  # None: only when asked for
    at_start: bool = False
    help: str = ""


@dataclass(frozen=True)
class Command:
    """``wwt <name>``: a click command; the house adds ``--config``."""

    name: str
    help: str
    command: click.Command


@dataclass(frozen=True)
class Event:
    """Something that happened, for whoever wants to tell somebody."""

    name: Literal["action_changed", "snapshot_taken", "plugin_failed"]
    text: str
    action: Action | None = None
    plugin: str = ""
    snapshot: Snapshot | None = None
    previous: Snapshot | None = None
    id: str = ""  # names what happened; after a crash the same may be told twice, with the same id


@dataclass(frozen=True)
class Health:
    """Whether a plugin could work right now."""

    ok: bool
    text: str


__all__ = [
    "Account",
    "AccountsDoor",
    "ActionKind",
    "ActionsDoor",
    "AuditDoor",
    "AutoRule",
    "Command",
    "ComputeDoor",
    "Corpus",
    "Correction",
    "Credential",
    "CredentialsDoor",
    "Decision",
    "Event",
    "ExecutorSeen",
    "ExecutorWord",
    "Field",
    "FitReport",
    "Health",
    "History",
    "Job",
    "JobsDoor",
    "LimitsDoor",
    "Link",
    "LoginOption",
    "MailDoor",
    "Matrix",
    "Page",
    "Panel",
    "PluginContext",
    "Predictor",
    "Progress",
    "Reason",
    "Reply",
    "Reported",
    "Snapshot",
    "TrainingReport",
    "Visit",
]
