"""Every hook of the house, and nothing else.

The verb says when a hook is called and what it may do there:

    register_              once, at start                          no I/O
    forget_                a refresh that somebody asked for       no I/O
    list_ load_ fetch_     refresh, in a child process             I/O
    describe_              refresh, and pages                      no I/O
    mine_                  refresh, in a child process             own folder
    recommend_             every view of a workflow                no I/O
    fit_ train_            background job                          own folder
    label_                 once for a snapshot and a fit, in a     its model
                           thread of its own
    find_                  every view of a workflow                its model
    load_predictor         after a training, at start              own folder
    authenticate identify  sign-in; each request without a session I/O, seconds
    grant_                 after either of them, every 5 minutes   I/O, seconds
    show_ build_           every page view                         no I/O
    search_                a search of logs                        I/O, seconds
    check_                 while an operator waits                 no I/O
    apply_                 job automatic, lab                      I/O
    execute_ follow_       action job                              I/O
    notify                 after a job                             I/O
    report_                wwt check, /health                      I/O, seconds

How a hook is asked stands at the end of its first paragraph:

    Asked: each     every plugin in the order of plugins.yml; answers are joined
    Asked: first    in that order, until one answers other than None
    Asked: owner    only the plugin that registered the thing in question

A plugin may take any subset of the arguments, by name.
None, or an empty list, means: nothing to say.
A plugin that raises loses its own answer;
the failure is logged, counted on /plugins, and shown where the answer is missing.
Hooks of one plugin may be called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wwt_framework.hooks import hookspec

if TYPE_CHECKING:
    from wwt_framework.cube import ErrorColumns
    from wwt_framework.model import (
        Action,
        Case,
        Clustering,
        Draft,
        Effect,
        Errors,
        ExitCode,
        LogExcerpt,
        LogHits,
        LogQuestion,
        Mined,
        NotHonoured,
        Outcome,
        Problem,
        Recommendation,
        Recovery,
        Similar,
        SiteStatus,
        TaskSites,
        User,
        Workflow,
    )
    from wwt_framework.plugin import (
        ActionKind,
        AutoRule,
        Command,
        Corpus,
        Event,
        Field,
        FitReport,
        Health,
        History,
        Job,
        Link,
        LoginOption,
        Matrix,
        Page,
        Panel,
        Predictor,
        Progress,
        Snapshot,
        TrainingReport,
        Visit,
    )

# -- what fails: wwt.errors ---------------------------------------------------


@hookspec
def forget_answers(names: Sequence[str] | None) -> None:
    """Somebody wants these workflows and prep ids fetched anew: answer from nothing that you kept. Asked: each.

    Before anything else of that refresh is asked.

    None: everything. Only for a source that does not ask its services each time; what it keeps for bad days may stay.
    """


@hookspec
def list_workflows() -> Sequence[Workflow]:
    """Return the workflows that need an operator. Asked: each.

    A name alone is enough; what is left empty is filled from ``fetch_workflows``.
    Two sources may name the same workflow; the first one's fields win.
    A source that could not read all of its answer returns ``Workflows``, with ``rejected``;
    one that has something to say of itself, with ``warning``.
    """


@hookspec
def fetch_workflows(names: Sequence[str]) -> Sequence[Workflow]:
    """Return what you know of these workflows: prep id, campaign, dates, status, parameters. Asked: each.

    Leave out those you do not know.
    Fields that an earlier source filled are kept.
    For many names ask in parallel with ``context.gather``.
    """


@hookspec
def fetch_family(prep_id: str) -> Sequence[Workflow]:
    """Return all workflows of *prep_id*, ACDCs among them. Asked: each.

    They are added to the snapshot: with their errors, or without any when the
    installation asks for it (``include_all_acdcs``).
    """


@hookspec
def load_errors(names: Sequence[str] | None) -> ErrorColumns:
    """Return failed-job counts of many workflows at once, as columns. Asked: each.

    *names*: the workflows that are asked for, None for all that you have.
    You may answer more than was asked; the core takes what it needs.
    ``workflows`` names those you looked at and found without errors; one you do not name stays unknown.
    What you could not read goes into ``rejected``: those workflows keep their last good data.
    Raise when the whole answer can not be read: then everything of yours is kept as it was.
    Two sources that count the same task, exit code and site are not added up: the first one's count is kept.
    """


@hookspec
def fetch_errors(workflow: Workflow) -> Errors:
    """Return failed-job counts of *workflow*, and whether they are all. Asked: each.

    For a source that is asked workflow by workflow; the core calls it from a bounded pool of threads.
    ``Errors(complete=False, note=...)`` marks the counts as lower bounds.
    Raise when it is not known: that is not the same as no errors.
    """


@hookspec
def fetch_logs(workflow: Workflow, exit_codes: frozenset[int]) -> Sequence[LogExcerpt]:
    """Return what failed jobs of *workflow* said. Asked: each.

    *exit_codes* are the codes seen in this refresh; a few excerpts for each are enough
    (the core keeps 20 per exit code and task, of 8 KiB each).
    """


@hookspec
def search_logs(asked: LogQuestion) -> LogHits:
    """Return what a log store outside holds of *asked*, the newest first. Asked: each; it has ten seconds.

    At most ``asked.limit`` hits; ``total`` says how many there are. Words may be parts of words.
    Raise when the store does not answer: that is not the same as no hits.
    """


@hookspec
def fetch_recoveries(workflow: Workflow) -> Sequence[Recovery]:
    """Return what an ACDC of *workflow* would rerun, task by task. Asked: each."""


@hookspec
def fetch_site_statuses() -> Sequence[SiteStatus]:
    """Return readiness and production status of grid sites. Asked: each.

    The first source that knows a site wins.
    A source that could not read all of its answer returns ``SiteStatuses``, with ``rejected``.
    """


@hookspec
def describe_exit_codes(at: datetime) -> Sequence[ExitCode]:
    """Return what exit codes meant at *at*: meanings drift. Asked: each.

    The first source that knows a code wins.
    """


# -- what fails alike: wwt.clustering -----------------------------------------


@hookspec(firstresult=True)
def mine_templates(texts: Sequence[str]) -> Mined | None:
    """Return which message template each of *texts* is of: logs are grouped and compared by it. Asked: first.

    *texts*: different excerpts of a refresh, hostile, of 8 KiB at most; a few thousand in one call, none twice.
    Remember in your folder what you made: a text that comes again, after a restart too, is of the template it was of.
    The same texts in another order get the same answer. Say something of every text, "" where it is of none.
    """


@hookspec
def fit_clusters(corpus: Corpus, into: Path, progress: Progress) -> FitReport:
    """Learn groups from history and current errors and keep them in the folder *into*. Asked: owner.

    The core swaps folders when you return; labelling goes on with the old one meanwhile.
    Corrections of operators must be respected.
    """


@hookspec
def label_workflows(matrix: Matrix, model: Path | None) -> Clustering:
    """Return the group of every row of *matrix*. Asked: owner; kept under its plugin's name.

    Pages do not wait for it: they show the groups when they are there.
    *model* is the folder of the last fit, None before the first.
    The core puts together and sets apart what operators named; how far that goes for others is yours, in the fit.
    Must label every row, the same twice, and accept no row, one row, and rows without errors.
    """


@hookspec
def find_similar(workflow: str, matrix: Matrix, model: Path | None, n: int) -> Sequence[Similar]:
    """Return the *n* workflows that fail most like *workflow*, nearest first, and why. Asked: owner.

    Names of columns (``code:8028``) among the reasons are shown in words, with links.
    The same matrix comes again and again: keep what you made of it last.
    """


# -- what to do: wwt.actions --------------------------------------------------


@hookspec
def recommend_actions(case: Case) -> Sequence[Recommendation]:
    """Return what your procedures say about *case*. Asked: each.

    The strongest recommendation first. Say why in words an operator can check.
    """


@hookspec
def register_actions() -> Sequence[ActionKind]:
    """Return the kinds of action you carry out. Asked: each, once.

    Of two plugins with the same name the first in plugins.yml keeps it; the form names both.
    """


@hookspec
def build_action_fields(kind: str, cases: Sequence[Case]) -> Sequence[Field] | None:
    """Return the fields of *kind* for these cases. Asked: owner.

    Only needed when the fields depend on the cases, e.g. on their tasks or on
    the sites that hold the input. None keeps the fields of the ActionKind.
    """


@hookspec(firstresult=True)
def build_sites(case: Case) -> Sequence[TaskSites] | None:
    """Return where each task of *case* can run again: what "Auto" means in the form. Asked: first.

    Sites that take no production jobs are taken out by the core.
    None: you can not tell for this case; the next plugin is asked.
    """


@hookspec
def build_refusals() -> Sequence[NotHonoured]:
    """Return what the executor that you speak for does not honour. Asked: each.

    The form disables it and says why; nothing of it is accepted.
    """


@hookspec
def build_effects(draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
    """Return what the executor that you speak for will do with each task of *draft*. Asked: each.

    Say in ``ignored`` what it will not look at.
    """


@hookspec
def check_action(draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:
    """Return what is wrong with *draft*. Asked: each; anyone may object.

    *open_actions*: those on the same workflows.
    Types, ranges and choices were checked before.
    Name workflow and task in each `Problem`: the other tasks of the draft go on.
    Called again right before execution, because the world may have changed.
    A checker that raises is an objection.
    """


@hookspec
def register_rules() -> Sequence[AutoRule]:
    """Return rules by which actions could be asked for without an operator. Asked: each.

    A rule does nothing before it was measured in the lab and an admin switched it on there;
    one whose ``fingerprint`` is another since then is off.
    """


@hookspec
def apply_rule(rule: str, case: Case) -> Recommendation | None:
    """Return what *rule* asks for in *case*; None: nothing. Asked: owner, from jobs.

    Also asked about past cases, as they were shown then.
    ``parameters`` are those of the action for each task that is meant, or ``{"Parameters": {short name of a task: {...}}}``.
    Raise when it is not known: that is not the same as nothing.
    """


@hookspec
def execute_action(action: Action, case: Case | None, dry_run: bool) -> Outcome:
    """Carry out *action*. Asked: owner, of a kind whose delivery is push.

    Must be safe to call twice with the same ``action.id``: after a crash it will be.
    With *dry_run* say in the note what would be done, and touch nothing.
    *case* is None when the workflow has left the snapshot.
    """


@hookspec
def follow_action(action: Action) -> Outcome | None:
    """Return the news of an action that was SENT; None when there are none. Asked: owner."""


# -- what operators will do: wwt.ml -------------------------------------------


@hookspec
def train_predictor(history: History, into: Path, progress: Progress) -> TrainingReport | None:
    """Learn from what operators did and keep the model in the folder *into*. Asked: owner, once a day.

    *history* can be read again and again; ``history.until(t)`` hides what came later.
    None: too little to learn from; the old model stays.
    """


@hookspec
def load_predictor(folder: Path) -> Predictor:
    """Return the model kept in *folder*. Asked: owner, after a training and at start."""


# -- who may: wwt.auth --------------------------------------------------------


@hookspec
def register_login_options() -> Sequence[LoginOption]:
    """Return the ways in that the sign-in page should offer. Asked: each, once."""


@hookspec(firstresult=True)
def authenticate(username: str, password: str) -> User | None:
    """Return the user if the password is right. Asked: first.

    None: this user is not yours, or the password is wrong; the next backend is asked.
    Raise ``Denied``: the user is yours and may not enter; nobody else is asked.
    Any other exception counts as None.
    *password* is never empty.
    Take the same time for users who do not exist.
    """


@hookspec(firstresult=True)
def identify(visit: Visit) -> User | None:
    """Return the user behind *visit*: certificate, proxy header or token. Asked: first, each request without a session.

    None: the request shows nothing that is yours, or a header from somebody who may not set it; the next one is asked.
    Raise ``Denied``: what it shows is yours and no good, expired or revoked say; every page tells so, in your words.
    Any other exception counts as None, and is a failure of yours.
    Trust a header only if your options name the proxies that may set it, and only by ``visit.peer``.
    A token that stands for somebody whom another backend knows names that one in ``account_of``, and in ``scope`` the
    roles that it gives at most: the other backend is asked which roles there are.
    """


@hookspec
def grant_roles(user: User) -> Sequence[str]:
    """Return roles of *user*: viewer, operator, admin, machine. Asked: each; roles add up."""


@hookspec
def show_account_links(account: User | None) -> Sequence[Link]:
    """Return pages of yours that do something about *account*, for admins who look at its person. Asked: each.

    *account*: by ``backend`` and ``name`` as that backend knows it, with the roles that it gave last.
    None: about nobody yet, to invite somebody say; they stand on the page of everybody.
    ``href`` is "/path" of this installation. Your pages ask for the role admin themselves.
    """


# -- what is shown: any namespace ---------------------------------------------


@hookspec
def register_pages() -> Sequence[Page]:
    """Return pages of your own. Asked: each, once. Served at /p/<plugin>/<path>, or at a root path nobody has.

    One that answers JSON says with ``answers`` of what shape, and with ``asks`` or ``accepts`` what it reads:
    /api/v1/openapi.json tells it to those who write programs.
    """


@hookspec
def show_panels(page: str, case: Case | None, snapshot: Snapshot, user: User) -> Sequence[Panel]:
    """Return boxes for a page of the core. Asked: each.

    *page* is overview or workflow. *case* is set on workflow.
    """


@hookspec
def show_links(case: Case) -> Sequence[Link]:
    """Return addresses outside that tell more about *case*. Asked: each."""


# -- who is told, and the daily round: any namespace --------------------------


@hookspec
def notify(event: Event) -> None:
    """Tell somebody. Asked: each, from a job: never while an operator waits."""


@hookspec
def register_commands() -> Sequence[Command]:
    """Return subcommands of `wwt`. Asked: each, once."""


@hookspec
def register_jobs() -> Sequence[Job]:
    """Return background jobs. Asked: each, once."""


@hookspec
def startup() -> None:
    """The house is built and about to open. Asked: each. Raise to be left out."""


@hookspec
def shutdown() -> None:
    """The house closes; let go of threads and files. Asked: each, in reverse order."""


@hookspec
def report_health() -> Health:
    """Say whether you could work right now. Asked: each, by `wwt check` and /health."""
