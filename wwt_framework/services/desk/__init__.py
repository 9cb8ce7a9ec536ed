"""The desk: what operators ask for, from the form to what became of it.

``read_form`` gives an `Intent`, ``plan`` says what it would do, ``submit`` does what was shown.
"""

from wwt_framework.services.desk.drafts import OpenDraft, open_draft
from wwt_framework.services.desk.form import FormView, form_view
from wwt_framework.services.desk.intent import Intent, from_plain, intent_of, to_plain, with_sites
from wwt_framework.services.desk.kinds import KindChoice, kind_named, kinds
from wwt_framework.services.desk.planning import plan, shown_of
from wwt_framework.services.desk.reading import read_document, read_form
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

__all__ = [
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
    "form_view",
    "from_plain",
    "intent_of",
    "keep",
    "kind_named",
    "kinds",
    "open_draft",
    "plan",
    "read_document",
    "read_form",
    "shown_of",
    "sites_to_run",
    "submit",
    "to_plain",
    "told_before",
    "with_sites",
]
