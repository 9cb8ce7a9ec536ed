"""The lab (`/lab`): what predictors, procedures and rules would have said, beside what operators did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.services import lab as the_lab
from wwt_framework.services.lab import Interval, LabResult, RuleState, Subject
from wwt_framework.services.learning.history import COUNTED
from wwt_framework.store import ledger
from wwt_framework.store.ledger import JobRun, KeptResult
from wwt_framework.web.exchange import Refused
from wwt_framework.web.parameters import Drawn, Format
from wwt_framework.web.render import as_json, redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_house, current_snapshot, current_user, page

JOB = "lab"
MOST_DAYS = 3660
KINDS = {"predictor": "predictor", "procedures": "procedures", "rule": "rule"}
#: Results that the list shows.
SHOWN = 50
_DAYS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/lab": lab, "/lab/try": try_it, "/lab/switch": switch, "/lab/*": (one,)}


@dataclass(frozen=True)
class SubjectLine:
    """One thing that can be tried, and what came of it last."""

    subject: Subject
    kind: str
    result: LabResult | None
    is_same: bool  # the result is of it as it is now
    rule: RuleState | None = None
    run: JobRun | None = None  # that waits or runs


@dataclass(frozen=True)
class LabPage:
    """What the list shows."""

    lines: Sequence[SubjectLine]
    results: Sequence[LabResult]
    days: int  # that are chosen unless somebody chooses others
    done: str = ""
    unreadable: int = 0  # results that another version kept
    spans: tuple[int, ...] = the_lab.SPANS


@dataclass(frozen=True)
class ResultPage:
    """What the page of one result shows."""

    result: LabResult
    subject: Subject | None  # None: no plugin has it any more
    rule: RuleState | None
    may_switch: bool  # it is a rule, and just this result is one with which it can be switched on
    labels: Mapping[str, str]  # exit code -> "8028: file could not be opened"


_COLUMNS = {
    "id": str, "subject": str, "kind": str, "made_at": datetime, "user": str, "days": float, "decisions": int, "tasks": int,
    "families": int, "spoke": int, "agreed": int, "agreement": float | None, "agreement_low": float | None,
    "agreement_high": float | None, "usual": float | None, "most": float | None, "gain": float | None,
    "gain_low": float | None, "gain_high": float | None, "learnt": int, "model": str,
}  # fmt: skip


@page(answers=[_COLUMNS])
def lab(done: Drawn = "", format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """All that can be tried with its last result, the rules that act, and earlier results."""
    app, house = current_app(), current_house()
    kept = ledger.lab_results(app.store, limit=SHOWN)
    results = the_lab.readable(one.content for one in kept)
    if format:
        return table_response(_COLUMNS, [_row(result) for result in results], format, "lab")
    runs = ledger.runs(app.store, 100, name=JOB, states=("queued", "running"))
    waiting = {str(run.arguments.get("subject")): run for run in runs}
    rules = {state.subject.name: state for state in the_lab.rule_states(app.store, house.hooks)}
    lines = [_line(subject, results, rules, waiting) for subject in the_lab.subjects(house.hooks)]
    return render("lab.html", page=LabPage(lines, results, _days(), done, len(kept) - len(results)))


def _days() -> int:
    store = current_app().store
    return the_lab.days_for(ledger.newest_decided(store, COUNTED, the_lab.ENOUGH), store.now())


def _line(
    subject: Subject, results: Sequence[LabResult], rules: Mapping[str, RuleState], waiting: Mapping[str, JobRun]
) -> SubjectLine:
    mine = [result for result in results if result.subject == subject.name] or _earlier(subject)
    same = next((result for result in mine if result.fingerprint == subject.fingerprint), None)
    shown = same or (mine[0] if mine else None)
    rule = rules.get(subject.name)
    return SubjectLine(subject, KINDS[subject.kind], shown, same is not None, rule, waiting.get(subject.name))


def _earlier(subject: Subject) -> Sequence[LabResult]:
    """What of *subject* is older than the newest results of all."""
    kept = ledger.lab_results(current_app().store, subject.name, limit=5)
    return the_lab.readable(one.content for one in kept)


def _row(result: LabResult) -> tuple[Any, ...]:
    return (
        result.id, result.subject, result.kind, result.made_at.isoformat(), result.user, result.days, result.decisions,
        result.tasks, result.families, result.spoke, result.agreed, *_three(result.agreement), result.usual.value,
        result.most.value, *_three(result.gain), result.learnt, result.model,
    )  # fmt: skip


def _three(share: Interval) -> tuple[float | None, float | None, float | None]:
    return share.value, share.low, share.high


_DIFFERS = (
    "at", "workflow", "task", "exit_code", "site", "decided", "said", "probability", "why", "usual", "user", "action",
)  # fmt: skip


@page(answers=LabResult)
def one(rest: str, format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """One result: how often it agrees, where it does not, and with what evidence."""
    result = the_lab.result_of(_kept(rest).content)
    if format == "json":
        return as_json(the_lab.plain_result(result))
    if format:
        return table_response(_DIFFERS, [_differing(row) for row in result.differs], format, "lab")
    hooks = current_house().hooks
    subject = next((one for one in the_lab.subjects(hooks) if one.name == result.subject), None)
    states = the_lab.rule_states(current_app().store, hooks) if result.kind == "rule" else []
    rule = next((state for state in states if state.subject.name == result.subject), None)
    fits = bool(rule and rule.subject.fingerprint == result.fingerprint and result.spoke and not rule.is_on)
    return render("lab_result.html", page=ResultPage(result, subject, rule, fits, _labels(result)))


def _differing(row: the_lab.Row) -> tuple[Any, ...]:
    return (
        row.at.isoformat(), row.workflow, row.task, row.code, row.site, row.decided, row.said, row.probability, row.why,
        row.usual, row.user, row.action,
    )  # fmt: skip


def _kept(result_id: str) -> KeptResult:
    kept = ledger.lab_result(current_app().store, result_id)
    if kept is None:
        raise Refused(404, f"There is no result {result_id[:40]!r} in the lab; results are kept for a year.")
    return kept


def _labels(result: LabResult) -> dict[str, str]:
    known = current_snapshot().exit_codes
    keys = {tally.key for tally in result.by_code} | {str(row.code) for row in result.differs}
    return {key: known[int(key)].short for key in keys if int(key) in known}


@page(role="operator", methods=("POST",))
def try_it(subject: str, days: str) -> Response:
    """Have one subject tried on the last days, in the background."""
    if not _DAYS.fullmatch(days.strip()) or not 0 < float(days) <= MOST_DAYS:
        raise Refused(400, f"days must be a number above 0 and up to {MOST_DAYS}, got {days[:40]!r}.")
    found = the_lab.find_subject(current_house().hooks, subject)
    user = current_user().name
    current_app().clockwork.request(JOB, user=user, subject=found.name, days=float(days), user_name=user)
    return redirect("/lab", done=f"{found.name} is tried on the last {float(days):g} days; the result comes here.")


@page(role="operator", methods=("POST",))
def switch(rule: str, step: str, result: str = "") -> Response:
    """Let a rule act by itself, with the result that was shown, or not any more."""
    app, house = current_app(), current_house()
    if step == "off":
        was = the_lab.switch_off(app.store, rule, current_user())
        return redirect("/lab", done=f"{rule} does not act any more." if was else f"{rule} did not act.")
    if step != "on":
        raise Refused(400, f"step can be on or off, not {step[:40]!r}.")
    the_lab.switch_on(app.store, house.hooks, rule, result, current_user())
    return redirect("/lab", done=f"{rule} acts by itself from now on.")
