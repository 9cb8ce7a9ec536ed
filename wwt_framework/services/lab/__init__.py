"""The lab: what a predictor, a set of procedures or an automatic rule would have said, beside what operators did.

``measure`` replays the past without looking ahead; a rule acts by itself only with such a result (`switching`).
"""

from wwt_framework.services.lab.measuring import ENOUGH, SPANS, Span, days_for, measure
from wwt_framework.services.lab.subjects import Subject, find_subject, subjects
from wwt_framework.services.lab.switching import RuleState, rule_states, switch_off, switch_on
from wwt_framework.services.lab.words import LabResult, Opinion, Row, Tally, plain_result, readable, result_of
from wwt_framework.services.learning.scoring import Interval

__all__ = [
    "ENOUGH",
    "SPANS",
    "Interval",
    "LabResult",
    "Opinion",
    "Row",
    "RuleState",
    "Span",
    "Subject",
    "Tally",
    "days_for",
    "find_subject",
    "measure",
    "plain_result",
    "readable",
    "result_of",
    "rule_states",
    "subjects",
    "switch_off",
    "switch_on",
]
