"""The desk: what operators ask for, from the form to what became of it.

``read_form`` gives an `Intent`, ``plan`` says what it would do, ``submit`` does what was shown.
"""

from wwt_framework.services.desk.drafts import OpenDraft, open_draft
from wwt_framework.services.desk.evidence import evidence_of
from wwt_framework.services.desk.following import Withdrawn, expire_holds, picked_sites, requeue, withdraw, withdraw_all
from wwt_framework.services.desk.form import FormView, form_view
from wwt_framework.services.desk.intent import Intent, from_plain, intent_of, to_plain, with_sites
from wwt_framework.services.desk.kinds import KindChoice, kind_named, kinds
from wwt_framework.services.desk.listing import (
    ActionHistory,
    ActionLine,
    ActionPage,
    ActionQuery,
    action_history,
    action_lines,
)
from wwt_framework.services.desk.planning import plan, shown_of
from wwt_framework.services.desk.reading import read_document, read_form
from wwt_framework.services.desk.reasons import book
from wwt_framework.services.desk.results import told_before
from wwt_framework.services.desk.shapes import (
    Change,
    Line,
    NotConfirmed,
    Plan,
    Result,
    ResultLine,
    TaskLine,
    Totals,
)
from wwt_framework.services.desk.sites import sites_to_run
from wwt_framework.services.desk.submitting import keep, submit
from wwt_framework.services.desk.working import ActionWork, mark_told

__all__ = [
    "ActionHistory",
    "ActionLine",
    "ActionPage",
    "ActionQuery",
    "ActionWork",
    "Change",
    "FormView",
    "Intent",
    "KindChoice",
    "Line",
    "NotConfirmed",
    "OpenDraft",
    "Plan",
    "Result",
    "ResultLine",
    "TaskLine",
    "Totals",
    "Withdrawn",
    "action_history",
    "action_lines",
    "book",
    "evidence_of",
    "expire_holds",
    "form_view",
    "from_plain",
    "intent_of",
    "keep",
    "kind_named",
    "kinds",
    "mark_told",
    "open_draft",
    "picked_sites",
    "plan",
    "read_document",
    "read_form",
    "requeue",
    "shown_of",
    "sites_to_run",
    "submit",
    "to_plain",
    "told_before",
    "with_sites",
    "withdraw",
    "withdraw_all",
]
