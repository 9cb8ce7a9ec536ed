"""The words of the trade, as frozen dataclasses. Standard library only.

Names follow ReqMgr2 and WMStats (dmwm/WMCore).
Where operators say it differently, the docstring says so.
Times are aware datetimes in UTC.
Mappings are read-only by agreement; the plugin contracts check that they stay as given.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar, overload

ItemT = TypeVar("ItemT")

#: Exit code of a failed job that no agent reported; it is only known from the
#: ACDC server. Shown to operators as "not reported".
NOT_REPORTED = -1

#: What stands in the place of a site where none is known. Such jobs are counted under these names; people read the words.
NO_SITES: Mapping[str, str] = {
    "Unknown": "unknown site",
    "NoReportedSite": "no site reported",
    "null": "no site",
}


# -- workflows and what fails -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One node of a workflow's task tree.

    ``path`` is the full name, ``/<workflow>/<parent>/.../<task>``.
    Old tools say *step*, *stepname* or *subtask* for the same thing;
    a *step* is what runs inside one job (``cmsRun1``, ``stageOut1``).
    """

    path: str
    task_type: str = ""  # Production, Processing, Merge, Skim, Harvesting, LogCollect, Cleanup
    splitting: str = ""  # EventBased, EventAwareLumiBased, ...

    @property
    def workflow(self) -> str:
        return self.path.split("/")[1]

    @property
    def short(self) -> str:
        """The path without the workflow: what operators read and action parameters are keyed by."""
        return "/".join(self.path.split("/")[2:])


@dataclass(frozen=True, slots=True)
class Workflow:
    """One request in ReqMgr2. An empty string, None or an empty tuple means: this source does not know."""

    name: str  # the request name; unique for ever
    prep_id: str = ""  # e.g. HIG-RunIISummer20UL16wmLHEGEN-00123; groups a request and its ACDCs
    campaign: str = ""
    request_type: str = ""  # TaskChain, StepChain, ReReco, MonteCarlo, Resubmission, ...
    status: str = ""  # ReqMgr2 status, e.g. running-closed, completed
    priority: int | None = None
    requested_at: datetime | None = None
    original: str = ""  # for an ACDC: the workflow it recovers
    estimated_jobs: int | None = None
    failure_rate: float | None = None  # failed jobs / (failed + succeeded), 0..1
    tasks: tuple[Task, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)  # as ReqMgr2 sent them
    assistance: str = ""  # what Unified says of one that waits for an operator, e.g. assistance-manual

    @property
    def is_acdc(self) -> bool:
        return self.request_type == "Resubmission"


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """``count`` failed jobs of ``task`` at ``site`` with ``exit_code``."""

    task: str  # Task.path
    exit_code: int  # CMSSW, wrapper or agent code; NOT_REPORTED
    site: str  # CMS name, e.g. T2_CH_CERN
    count: int


class ErrorTable(tuple[ErrorCount, ...]):
    """The sparse cube task x exit code x site of one workflow."""

    __slots__ = ()

    @property
    def total(self) -> int:
        """Failed jobs in all."""
        return sum(e.count for e in self)

    def by(self, *axes: str) -> dict[tuple[Any, ...], int]:
        """Sum over everything but *axes*, which are among task, exit_code, site.

        >>> table = ErrorTable([ErrorCount("/w/a", 85, "T1_US_FNAL", 3), ErrorCount("/w/b", 85, "T1_US_FNAL", 1)])
        >>> table.by("exit_code", "site")
        {(85, 'T1_US_FNAL'): 4}
        """
        sums: Counter[tuple[Any, ...]] = Counter()
        for e in self:
            sums[tuple(getattr(e, axis) for axis in axes)] += e.count
        return dict(sums)

    def only(self, **wanted: Any) -> ErrorTable:
        """Keep the counts whose fields equal *wanted*."""
        return ErrorTable(e for e in self if all(getattr(e, k) == v for k, v in wanted.items()))

    @property
    def main_exit_code(self) -> int | None:
        """The most frequent exit code; the smaller one on a tie; None when empty.

        That nobody reported one is an exit code only where there is no other.
        """
        sums: Counter[int] = Counter()
        for e in self:
            sums[e.exit_code] += e.count
        return min(sums, key=lambda code: (code == NOT_REPORTED, -sums[code], code)) if sums else None

    @property
    def tasks(self) -> list[str]:
        """The tasks that have failed jobs, by path."""
        return sorted({e.task for e in self})


@dataclass(frozen=True, slots=True)
class Errors:
    """What one source answers for one workflow.

    ``complete`` False: the counts are lower bounds, ``note`` says why
    ("2 of 3 agents answered").
    """

    counts: tuple[ErrorCount, ...] = ()
    complete: bool = True
    note: str = ""
    as_of: datetime | None = None  # of when they are; None: of now


@dataclass(frozen=True, slots=True)
class Rejected:
    """One thing in an answer that could not be read, by its path in that answer."""

    path: str  # e.g. /wf/task > 8028 > T1_US_FNAL
    why: str  # what was expected, what came
    workflow: str = ""  # whose last good data is kept; "" when it can not be told


@dataclass(frozen=True)
class Told(Sequence[ItemT]):
    """An answer with something to be said of it: what could be read, in its order, and the rest by its path."""

    items: tuple[ItemT, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    warning: str = ""  # what is wrong with the source although it answers, in a sentence: it stands on the strip
    as_of: datetime | None = None  # of when the oldest of it is; None: of now

    @overload
    def __getitem__(self, index: int) -> ItemT: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ItemT, ...]: ...
    def __getitem__(self, index: int | slice) -> ItemT | tuple[ItemT, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


class Workflows(Told[Workflow]):
    """Workflows of one answer; one that could not be read stays as it was last told."""


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One error of a failed job, in the order in which they happened."""

    error_type: str  # not an enumeration: whole messages occur
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class LogExcerpt:
    """What failed jobs said. ``text`` is hostile; it is cut to 8 KiB by the core."""

    task: str
    exit_code: int
    site: str
    error_type: str = ""  # e.g. FileReadError
    text: str = field(default="", repr=False)
    url: str = ""
    count: int = 1  # jobs that said just this, as far as the source knows
    chain: tuple[ChainLink, ...] = ()  # first cause first
    at: datetime | None = None
    files: tuple[str, ...] = ()  # input files named by the source
    template: str = ""  # id of the message template that the text is of, set by the core; "": nobody told
    values: tuple[str, ...] = ()  # what the text has in the places of its template, in their order; may be unknown


@dataclass(frozen=True, slots=True)
class Template:
    """What many texts have in common: a message with places where they differ.

    A place is a word in angle brackets that says what stands there: <file>, <site>, <host>, <address>, <number>,
    <time>, <id>, <mail>, or <*> for anything.
    """

    id: str  # the same over refreshes and restarts; letters, digits, "-" and "_"
    text: str = ""  # one line; may get more places as more texts are seen


@dataclass(frozen=True)
class Mined:
    """Which templates some texts are of."""

    of: tuple[str, ...]  # Template.id of each text, in the order asked; "": of none
    templates: tuple[Template, ...] = ()  # those in ``of``, each once
    values: tuple[tuple[str, ...], ...] = ()  # of each text what stands in the places, in order; () for none at all


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """What somebody looks for in logs. What is empty does not matter."""

    search: str = ""  # as it was typed
    words: tuple[str, ...] = ()  # its words; each has to be there, as a part of a word at least
    module: str = ""  # part of the subject
    exit_code: int | None = None
    site: str = ""
    workflow: str = ""
    since: datetime | None = None  # then or later
    until: datetime | None = None  # before then
    limit: int = 50


@dataclass(frozen=True, slots=True)
class LogHit:
    """One entry of a log store. All of it is hostile."""

    text: str = field(repr=False)
    subject: str = ""  # the module that wrote it
    at: datetime | None = None
    meta: str = field(default="", repr=False)  # what the store says of it beside
    author: str = ""
    level: str = ""  # error, warning, info, ...; "" when it is not told


@dataclass(frozen=True)
class LogHits:
    """What a log store found."""

    hits: tuple[LogHit, ...] = ()  # the newest first
    total: int | None = None  # how many there are; None: not known
    note: str = ""  # what it could not heed, in a sentence: "exit codes are not in this store"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the ACDC server would rerun for one task."""

    task: str
    sites: frozenset[str]  # where the input is
    events: int | None = None  # missing events; None: not known
    events_by_site: Mapping[str, int] = field(default_factory=dict)
    fake_files: bool = False  # MC without input: sites say nothing, any allowed site will do


# -- sites and exit codes -----------------------------------------------------


class Readiness(Enum):
    """Site Readiness colour, with the words operators use."""

    GREEN = "ready"
    YELLOW = "waiting room"
    RED = "morgue"
    NONE = "unknown"

    @property
    def colour(self) -> str:
        """The word of the original's addresses and style sheets: green, yellow, red, none."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """State of one site. ``production`` as its source says: enabled, drain, disabled, test, unknown."""

    site: str
    readiness: Readiness = Readiness.NONE
    production: str = "unknown"
    since: datetime | None = None
    url: str = ""

    @property
    def usable(self) -> bool:
        return self.production == "enabled"


class SiteStatuses(Told[SiteStatus]):
    """Site statuses of one answer; a site that could not be read keeps its last status."""


@dataclass(frozen=True, slots=True)
class ExitCode:
    """What an exit code means, in words, during a span of time: meanings drift."""

    code: int
    short: str  # five words at most, shown beside the number
    meaning: str  # one or two plain sentences
    category: str = ""  # input, memory, time, site, stage-out, application, agent, configuration
    advice: str = ""  # the next thing to look at
    since: datetime | None = None  # None: always
    until: datetime | None = None  # None: still
    source: str = ""  # where the fact comes from, with its date


# -- what is known, of when ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """How far one kind of knowledge about a workflow can be trusted.

    ``state``: "ok", "old" (kept from an earlier answer), "partial" (lower bounds), "unknown" (never answered).
    """

    kind: str  # errors, logs, recoveries, parameters, family
    source: str  # plugin
    state: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How one source answered one kind of question in a refresh: a line of the freshness strip."""

    plugin: str
    kind: str  # workflows, errors, logs, recoveries, family, site statuses, exit codes
    state: str  # ok; partial (some of it could not be read); kept (failed, earlier answer shown); failed (nothing)
    asked_at: datetime
    as_of: datetime | None = None  # of when the data is that is shown; None: there is none
    seconds: float = 0.0
    note: str = ""  # the failure in a sentence
    rejected: tuple[Rejected, ...] = ()  # the first 200
    rejected_count: int = 0
    warning: str = ""  # what is wrong with the source although it may have answered


@dataclass(frozen=True)
class Case:
    """All that is known about one workflow: the file an operator opens. Made on demand from a snapshot."""

    workflow: Workflow
    errors: ErrorTable = field(default_factory=ErrorTable)
    logs: tuple[LogExcerpt, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    sites: Mapping[str, SiteStatus] = field(default_factory=dict, repr=False)
    family: tuple[Workflow, ...] = ()  # workflows of the same prep id, itself left out, oldest first
    known: Mapping[str, Known] = field(default_factory=dict)  # kind -> Known

    def lacking(self, *kinds: str) -> tuple[Known, ...]:
        """Those of *kinds* that are not whole and of now, for who must not act on less; all is well where it is empty.

        A kind that no source told counts as unknown.
        """
        told = (self.known.get(kind) or Known(kind, "", "unknown", note="no source tells it") for kind in kinds)
        return tuple(known for known in told if known.state != "ok")

    @property
    def acdcs(self) -> tuple[str, ...]:
        """ACDCs of the same prep id that are newer than this workflow, oldest first."""
        mine = self.workflow.requested_at
        return tuple(
            w.name
            for w in self.family
            if w.is_acdc and (mine is None or w.requested_at is None or w.requested_at > mine)
        )


# -- what plugins think -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What a procedure says to do, and why."""

    action: str  # ActionKind.name; "" when there is nothing to submit, only something to read
    reason: str  # one sentence, shown as it is
    parameters: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""  # Task.path; "" for the whole workflow
    evidence: tuple[str, ...] = ()  # log lines with where they come from, sites
    exit_code: int | None = None  # that it is about; None: about none in particular
    title: str = ""  # a few words for a heading
    cause: str = ""  # why jobs fail like this
    normal: str = ""  # what is usually done, in words
    additional: str = ""  # what to do when that does not help
    captured: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> what logs said, e.g. files
    procedure: str = ""  # id of what says so: the form is told ?advice=<id>
    page: str = ""  # path of it within the installation, e.g. /procedures#file-open
    source: str = ""  # where it comes from, and who wrote it
    reviewed: date | None = None  # when somebody last said that it still holds
    doubt: str = ""  # why it may rest on too little: "counts are lower bounds"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model expects an operator to do."""

    action: str
    probability: float  # 0..1, calibrated by the plugin or marked uncalibrated in `model`
    model: str  # name and version, e.g. "errors-forest 2026-03-01"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    why: tuple[str, ...] = ()  # the features that weighed most, in words
    training_set: str = ""  # id of what it learned from


@dataclass(frozen=True, slots=True)
class Clustering:
    """Workflows that fail alike. Label -1 means: like no other."""

    labels: Mapping[str, int]  # workflow name -> label
    names: Mapping[int, str] = field(default_factory=dict)  # label -> words for an operator

    def peers(self, workflow: str) -> list[str]:
        """Workflows with the same label, itself left out, sorted; none for label -1."""
        label = self.labels.get(workflow, -1)
        return sorted(w for w, other in self.labels.items() if other == label != -1 and w != workflow)


@dataclass(frozen=True, slots=True)
class Similar:
    """A workflow that fails like another one, and why one may think so."""

    workflow: str
    distance: float  # 0: the same; the scale belongs to the plugin
    shared: tuple[str, ...] = ()  # "8028 at T2_US_Purdue", the heaviest first
    differs: tuple[str, ...] = ()


# -- what operators do --------------------------------------------------------


class ActionState(Enum):
    QUEUED = "queued"  # an operator asked for it
    SENT = "sent"  # handed to whoever carries it out
    DONE = "done"
    FAILED = "failed"  # carried out and failed; may be queued again
    WITHDRAWN = "withdrawn"  # taken back by an operator
    SUPERSEDED = "superseded"  # a newer action on the same workflow took its place


#: state -> states it may move to. Nothing else moves an action.
TRANSITIONS: Mapping[ActionState, frozenset[ActionState]] = {
    ActionState.QUEUED: frozenset(
        {ActionState.SENT, ActionState.DONE, ActionState.FAILED, ActionState.WITHDRAWN, ActionState.SUPERSEDED}
    ),
    ActionState.SENT: frozenset({ActionState.DONE, ActionState.FAILED, ActionState.WITHDRAWN, ActionState.SUPERSEDED}),
    ActionState.FAILED: frozenset({ActionState.QUEUED, ActionState.WITHDRAWN, ActionState.SUPERSEDED}),
    ActionState.DONE: frozenset(),
    ActionState.WITHDRAWN: frozenset(),
    ActionState.SUPERSEDED: frozenset(),
}

#: What the original's words mean: pending is open, acted is done.
OPEN_STATES = frozenset({ActionState.QUEUED, ActionState.SENT})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an operator acts."""

    short: str  # picked from the reason book; "" when the operator wants no entry there
    long: str


ROLES = ("viewer", "operator", "admin", "machine")

#: In whose name the house itself acts: its rules, its clock, who came by a break-glass code. Nobody else is called so.
HOUSE_NAMES = frozenset({"auto", "wwt", "break-glass"})


def name_key(name: str) -> str:
    """*name* as names of people are compared: without case, and however its accents were typed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@dataclass(frozen=True, slots=True)
class User:
    """Who is asking. The nameless user is a visitor who did not sign in."""

    name: str = ""
    full_name: str = ""
    email: str = ""
    roles: frozenset[str] = frozenset()  # viewer, operator, admin, machine
    backend: str = ""  # the plugin that vouches for this user, e.g. "auth.local"
    login: str = ""  # what that backend calls them, where it is not their name here; `at_backend` knows
    scope: frozenset[str] | None = None  # roles that whoever shows a token has at most; None: no token was shown
    account_of: str = ""  # the backend whose account this is, when a token or a passkey of another one stands for it

    @property
    def at_backend(self) -> str:
        """The name by which the backend knows this user; ``name`` is that of the person, whatever they came by."""
        return self.login or self.name

    def may(self, role: str) -> bool:
        """Whether this user has *role*: an admin has all but machine, an operator may view; "anyone" is open."""
        if role == "anyone" or role in self.roles:
            return True
        if role == "viewer":
            return bool(self.roles & {"operator", "admin", "machine"})
        return role == "operator" and "admin" in self.roles


@dataclass(frozen=True, slots=True)
class TaskSites:
    """Where one task of a workflow can run again."""

    task: str  # Task.short
    sites: frozenset[str]  # empty: nowhere
    note: str = ""  # how one knows: "simulated without input: the whole whitelist"


@dataclass(frozen=True)
class Draft:
    """What each task of each workflow would get: parsed, typed and resolved, not yet accepted.

    ``seen`` holds, per workflow, the last event number on the page that the operator saw:
    a colleague who acted since then makes that line a conflict.
    """

    id: str  # the idempotency key of the whole submit
    kind: str  # ActionKind.name
    workflows: tuple[str, ...]
    values: Mapping[str, Any]  # of fields that are once per form: field name -> value
    task_values: Mapping[str, Mapping[str, Mapping[str, Any]]]  # workflow -> Task.short -> field name -> value
    reasons: tuple[Reason, ...]
    user: User
    seen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """One action on one workflow, as kept in the store."""

    id: str  # uuid4, hex; give it to remote systems as idempotency key
    kind: str
    workflow: str
    values: Mapping[str, Any]
    task_values: Mapping[str, Mapping[str, Any]]
    reasons: tuple[Reason, ...]
    user: str
    state: ActionState
    submitted_at: datetime
    changed_at: datetime
    reference: str = ""  # name given by the remote side, e.g. the ACDC request name
    note: str = ""
    acdcs: tuple[str, ...] = ()  # ACDCs of the same prep id, newer than the workflow, when this was asked for
    expires_at: datetime | None = None  # a hold ends by itself then; None: it does not


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action when it was executed or followed."""

    state: ActionState  # SENT, DONE or FAILED
    note: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a draft from being accepted, makes it doubtful, or can be mended.

    One with a ``change`` or ``leave_out`` is mended: the desk does it, shows it in the preview, and asks again.
    Otherwise a blocking one stops its task, or its workflow when no task is named; the rest of the draft goes on.
    """

    message: str
    field: str = ""  # "" for the form as a whole
    blocking: bool = True
    workflow: str = ""  # "" for all of them
    task: str = ""  # Task.short; "" for the whole workflow
    fix: str = ""  # what the operator can do about it
    change: Mapping[str, Any] = dataclasses.field(
        default_factory=dict
    )  # field name -> the value that this task gets instead
    leave_out: bool = False  # this task is left out


@dataclass(frozen=True, slots=True)
class Effect:
    """What the executor will do with one task of a draft, and what it will not look at."""

    workflow: str
    text: str  # one sentence: "makes an ACDC with half the events per job at T1_DE_KIT"
    task: str = ""  # Task.short; "" for the whole workflow
    ignored: tuple[str, ...] = ()  # sentences: "cores: today's Unified reads multicore only"
    acts: bool = True  # False: the executor will do nothing at all with it


@dataclass(frozen=True, slots=True)
class NotHonoured:
    """Something that the executor does not honour: a kind of action, one of its fields, or one choice of a field."""

    kind: str  # ActionKind.name
    why: str
    field: str = ""  # "": the whole kind
    choice: str = ""  # "": the whole field
