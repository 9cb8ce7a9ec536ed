"""The tables, as peewee models. They know no database until a store binds them: two stores may live in one process.

What changes here needs a new file in ``migrations/``; a test compares both.
Rows never leave ``store/``: the ledger answers with frozen dataclasses.
"""

from __future__ import annotations

from typing import Any, TypeVar

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    Database,
    DoubleField,
    IntegerField,
    Model,
)

from wwt_framework.store.fields import Json, Moment, Words


class Account(Model):
    """A local account. ``key`` is the name as it is compared: without case, in one Unicode form."""

    id = AutoField()
    key = Words(unique=True)
    name = Words()
    secret = Words()  # a password hash, never a password
    full_name = Words()
    email = Words()
    roles = Json()
    active = BooleanField()
    created_at = Moment()


class Session(Model):
    """Somebody's browser. Only the SHA-256 of its token is here: who reads this table can not use it."""

    digest = Words(primary_key=True)
    user_name = Words(index=True)  # "" before signing in
    user = Json()
    vouched = Json()  # roles that the backend gave at sign-in
    created_at = Moment(index=True)
    last_seen = Moment(index=True)
    roles_at = Moment()  # when the roles were asked last
    csrf = Words()  # secret of this session's form tokens
    scratch = Json()  # short memory of sign-in flows: state, nonce
    remote = Words()
    agent = Words(default="")  # what the browser calls itself
    ends_at = Moment(null=True)  # for break-glass: when it ends, whatever the limits are


class Person(Model):
    """Somebody, whatever they sign in by. ``key``: the name as it is compared."""

    number = AutoField()
    key = Words(unique=True)
    name = Words()
    full_name = Words()
    email = Words()
    roles = Json()  # granted here, beside what backends say
    disabled_at = Moment(null=True)
    disabled_by = Words()
    alias_of = IntegerField(null=True, index=True)  # the person to whom all identities of this one were linked
    created_at = Moment()


class Identity(Model):
    """What one backend calls one person."""

    number = AutoField()
    backend = Words()
    login = Words()
    person = IntegerField(index=True)
    origin = IntegerField()  # the person as whom it came first: where it goes when it is unlinked
    account = BooleanField()  # it is an account of this installation, whose roles are kept here
    vouched = Json()  # roles that the backend gave last
    linked_at = Moment()
    linked_by = Words()  # "" for who was never linked
    seen_at = Moment(null=True)  # last sign-in; None: there was none yet

    class Meta:
        indexes = ((("backend", "login"), True),)


class Device(Model):
    """A browser by which somebody has signed in. Only the SHA-256 of its cookie is here."""

    number = AutoField()
    digest = Words()
    person = Words()
    agent = Words()
    first_at = Moment()
    seen_at = Moment(index=True)

    class Meta:
        indexes = ((("digest", "person"), True),)


class Attempt(Model):
    """One try of something that is limited. ``key`` is a keyed hash: it tells nobody who tried."""

    number = AutoField()
    key = Words(index=True)
    at = Moment(index=True)


class BreakGlass(Model):
    """A code that lets whoever has the shell in as admin, once, for a while."""

    digest = Words(primary_key=True)
    made_by = Words()
    made_at = Moment()
    ends_at = Moment(index=True)
    used_at = Moment(null=True)


class Credential(Model):
    """What a plugin of wwt.auth lets somebody in by: a token, a passkey, a code that was mailed. Never a secret itself."""

    number = AutoField()
    plugin = Words()
    kind = Words()
    name = Words()  # by which it is found
    owner = Words(index=True)  # the name of an account as it is compared
    details = Json()
    created_at = Moment()
    expires_at = Moment(null=True, index=True)
    used_at = Moment(null=True)

    class Meta:
        indexes = ((("plugin", "kind", "name"), True),)


class Action(Model):
    """What an operator asked for. ``number`` is the order in which actions came."""

    number = AutoField()
    id = Words(unique=True)
    draft = Words(index=True)  # id of the submit that it was part of
    kind = Words()
    workflow = Words(index=True)
    field_values = Json()
    task_values = Json()
    reasons = Json()
    user_name = Words()
    state = Words(index=True)
    submitted_at = Moment()
    changed_at = Moment()
    reference = Words()
    note = Words()
    handed_event = IntegerField(null=True)  # number of the event with which an executor last got it
    reported_at = Moment(null=True)
    rehearsed = BooleanField()
    acdcs = Json(default=list)  # of the same prep id and newer, when it was asked for
    expires_at = Moment(null=True, index=True)


class ActionEvent(Model):
    """Every move of an action, and what else happened to it. Never changed, never deleted."""

    number = AutoField()
    action_id = Words(index=True, constraints=[SQL("REFERENCES action (id)")])
    workflow = Words(index=True)
    at = Moment()
    user_name = Words()
    from_state = Words()  # "" for the first
    to_state = Words()
    note = Words()


class Draft(Model):
    """An action under way to being submitted: frozen names, values, and what the operator saw."""

    id = Words(primary_key=True)
    user_name = Words(index=True)
    content = Json()
    created_at = Moment(index=True)
    changed_at = Moment()
    submitted_at = Moment(null=True)


class Reason(Model):
    """An entry of the reason book. ``key`` is the short text as it is compared: without case and outer blanks."""

    number = AutoField()
    key = Words(unique=True)
    short = Words()
    long = Words()
    user_name = Words()
    created_at = Moment()
    used_at = Moment(null=True)
    uses = IntegerField(default=0)


class Evidence(Model):
    """What was on the page when an action was decided: JSON, compressed with zlib."""

    action_id = Words(primary_key=True)
    workflow = Words(index=True)
    snapshot = Words()
    at = Moment(index=True)
    content = BlobField()


class Executor(Model):
    """An executor that has spoken to us: what it honours, and when it was last heard of."""

    name = Words(primary_key=True)
    manifest = Json()
    manifest_at = Moment(null=True)
    seen_at = Moment()
    doing = Words()


class ExecutorWord(Model):
    """What an executor said about one task of an action: accepted, rejected, created. Never changed."""

    number = AutoField()
    action_id = Words(index=True)
    task = Words()  # Task.short; "" for the whole action
    at = Moment()
    executor = Words()
    word = Words()
    why = Words()
    request = Words()  # the workflow that was made


class LabResult(Model):
    """What a trial in the lab came to: JSON, compressed with zlib."""

    number = AutoField()
    id = Words(unique=True)
    subject = Words(index=True)
    fingerprint = Words()
    made_at = Moment(index=True)
    user_name = Words()
    content = BlobField()


class RuleSwitch(Model):
    """An automatic rule that an admin switched on. It counts as long as the rule has this fingerprint."""

    rule = Words(primary_key=True)
    fingerprint = Words()
    result = Words()  # LabResult.id with which it was switched on
    user_name = Words()
    at = Moment()


class PluginMemory(Model):
    """A plugin's small memory: JSON values by key."""

    plugin = Words()
    key = Words()
    value = Json()

    class Meta:
        primary_key = CompositeKey("plugin", "key")


class JobRun(Model):
    """One run of a background job, from the request to its end."""

    number = AutoField()
    id = Words(unique=True)
    name = Words()
    arguments = Json()
    user_name = Words()
    state = Words(index=True)
    progress = DoubleField(null=True)
    doing = Words()
    text = Words()
    requested_at = Moment()
    started_at = Moment(null=True)
    ended_at = Moment(null=True)
    host = Words()
    pid = IntegerField(null=True)
    attempt = IntegerField()


class RefreshMark(Model):
    """A prep id that somebody wants to be fetched anew."""

    prep_id = Words(primary_key=True)
    user_name = Words()
    at = Moment()


class SnapshotVersion(Model):
    """A published snapshot; the one with the highest number is what pages read."""

    number = AutoField()
    version = Words(unique=True)
    taken_at = Moment()
    folder = Words()
    published_at = Moment()


class Deed(Model):
    """Who did what that others may ask about later: resets, sign-ins, changed accounts.

    Only added to: a trigger of the database refuses anything else.
    """

    number = AutoField()
    at = Moment(index=True)
    user_name = Words()
    deed = Words()
    subject = Words(index=True)
    details = Json()
    remote = Words()


class Mail(Model):
    """A mail on its way, or what became of it. Its text is emptied when it was sent: links for one person are in it."""

    number = AutoField()
    id = Words(unique=True)
    once = Words(null=True, unique=True)  # the event that it tells of, so that it is told once
    asked_by = Words()
    recipients = Json()
    copies = Json()
    reply_to = Words()
    subject = Words()
    text = Words()
    html = Words()
    state = Words(index=True)
    left = Json()  # addresses that have neither got it nor refused it
    refused = Json()  # address -> what the server said
    reason = Words()  # why it waits or failed
    attempts = IntegerField()
    created_at = Moment()
    fresh_at = Moment()  # from when on the days are counted after which it is given up
    next_at = Moment(index=True)
    tried_at = Moment(null=True, index=True)
    ended_at = Moment(null=True, index=True)


class Correction(Model):
    """An operator's word about groups: these workflows belong together, or they do not belong to those others."""

    number = AutoField()
    kind = Words()  # merge, split
    workflows = Json()
    others = Json()
    user_name = Words()
    at = Moment(index=True)
    ended_by = Words()  # who took it back
    ended_at = Moment(null=True, index=True)


class Secret(Model):
    """Random keys of this installation, shared by its processes."""

    name = Words(primary_key=True)
    value = Words()
    created_at = Moment()


class HistorySite(Model):
    """A site that failed jobs were ever seen at, by the number that packed cells carry."""

    number = AutoField()
    name = Words()


class HistoryWorkflow(Model):
    """What is known of all times about a workflow that ever had failed jobs. Times are seconds since 1970.

    ``key`` is a hash of the name: a name may be longer than what an index takes.
    """

    number = AutoField()
    key = BlobField(unique=True)
    name = Words()
    digest = BlobField()  # of what was told last; a look that tells the same changes no cell
    jobs = BigIntegerField()  # failed jobs when it was seen last
    cells = IntegerField()
    first_at = BigIntegerField()
    written_at = BigIntegerField()  # cells last seen at this time were seen until ``seen_at``
    seen_at = BigIntegerField(index=True)
    days = BlobField()  # failed jobs day by day, packed


class HistoryCells(Model):
    """The cells of one workflow, packed: each task, exit code and site once."""

    number = IntegerField(primary_key=True)  # as in HistoryWorkflow
    tasks = Words()  # one to a line, without the workflow
    packed = BlobField()


class HistoryDay(Model):
    """The last look at the grid on one day (UTC); a day without a row is a day on which nobody looked."""

    day = IntegerField(primary_key=True)  # since 1970
    at = BigIntegerField()  # seconds
    jobs = BigIntegerField()
    workflows = IntegerField()
    failing = IntegerField()  # workflows with failed jobs
    unsure = IntegerField()  # workflows whose failed jobs were not known, or lower bounds
    totals = BlobField()  # by exit code, and by site, packed
    sites = BlobField()  # readiness and production status, packed
    pairs = BlobField()  # by exit code and site, packed; empty: thinned out


_ModelT = TypeVar("_ModelT", bound=Model)


class Tables:
    """The models, bound to one database."""

    def __init__(self, database: Database) -> None:
        self.models: list[type[Model]] = []
        self._database = database
        self.account = self._bound(Account, "account")
        self.session = self._bound(Session, "session")
        self.person = self._bound(Person, "person")
        self.identity = self._bound(Identity, "identity")
        self.device = self._bound(Device, "device")
        self.attempt = self._bound(Attempt, "attempt")
        self.break_glass = self._bound(BreakGlass, "break_glass")
        self.credential = self._bound(Credential, "credential")
        self.action = self._bound(Action, "action")
        self.action_event = self._bound(ActionEvent, "action_event")
        self.draft = self._bound(Draft, "draft")
        self.reason = self._bound(Reason, "reason")
        self.evidence = self._bound(Evidence, "evidence")
        self.executor = self._bound(Executor, "executor")
        self.executor_word = self._bound(ExecutorWord, "executor_word")
        self.lab_result = self._bound(LabResult, "lab_result")
        self.rule_switch = self._bound(RuleSwitch, "rule_switch")
        self.plugin_memory = self._bound(PluginMemory, "plugin_memory")
        self.job_run = self._bound(JobRun, "job_run")
        self.refresh_mark = self._bound(RefreshMark, "refresh_mark")
        self.snapshot_version = self._bound(SnapshotVersion, "snapshot_version")
        self.deed = self._bound(Deed, "deed")
        self.mail = self._bound(Mail, "mail")
        self.correction = self._bound(Correction, "correction")
        self.secret = self._bound(Secret, "secret")
        self.history_site = self._bound(HistorySite, "history_site")
        self.history_workflow = self._bound(HistoryWorkflow, "history_workflow")
        self.history_cells = self._bound(HistoryCells, "history_cells")
        self.history_day = self._bound(HistoryDay, "history_day")

    def _bound(self, model: type[_ModelT], table: str) -> type[_ModelT]:
        """A subclass of *model* of our own: binding the model itself would bind it for every store."""
        meta: Any = type("Meta", (), {"database": self._database, "table_name": table})
        build: Any = type(model)
        bound: type[_ModelT] = build(model.__name__, (model,), {"Meta": meta, "__doc__": model.__doc__})
        self.models.append(bound)
        return bound
