"""Rules of plugins.yml: when they speak, and when they are another rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from wwt_framework.errors import PluginError
from wwt_framework.model import (
    NOT_REPORTED,
    Case,
    ErrorCount,
    ErrorTable,
    Known,
    LogExcerpt,
    Recommendation,
    Workflow,
)
from wwt_framework.testing.running import Running

Make = Callable[..., Running]


def case(*counts: tuple[int, int], rate: float | None = 0.1, state: str = "ok", text: str = "lost") -> Case:
    """A workflow with (exit code, failed jobs)."""
    errors = ErrorTable(ErrorCount("/wf/t", code, "T1_US_FNAL", n) for code, n in counts)
    logs = tuple(LogExcerpt("/wf/t", code, "T1_US_FNAL", "Kind", text) for code, _ in counts)
    known = {"errors": Known("errors", "errors.x", state)}
    return Case(Workflow("wf", request_type="TaskChain", failure_rate=rate), errors, logs, known=known)


def said(make: Make, case: Case, **rule: Any) -> Recommendation | None:
    it = make("actions.auto_rules", rules={"lost": {"exit_codes": [99303], **rule}})
    answer: Recommendation | None = it.ask("apply_rule", rule="lost", case=case)
    return answer


def test_it_asks_for_its_action_and_says_why(wwt_plugin: Make) -> None:
    told = said(wwt_plugin, case((99303, 9), (85, 1)), share=0.9, parameters={"xrootd": "enabled"})

    assert told is not None
    assert (told.action, told.parameters) == ("acdc", {"xrootd": "enabled"})
    assert told.reason == "9 of 10 failed jobs have exit code 99303, which lost takes for a case of acdc"


@pytest.mark.parametrize(
    ("failing", "rule"),
    [
        (case((99303, 8), (85, 2)), {"share": 0.9}),
        (case((85, 5)), {}),
        (case((99303, 11)), {"most_jobs": 10}),
        (case((99303, 1)), {"request_types": ["ReReco"]}),
        (case((99303, 1), rate=0.6), {"most_failure_rate": 0.5}),
        (case((99303, 1), rate=None), {"most_failure_rate": 0.5}),
        (case((99303, 1), state="partial"), {}),
        (case((99303, 1), state="old"), {}),
        (case((99303, 1)), {"log_says": "Job killed"}),
        (replace(case((99303, 1)), logs=()), {"log_says": "lost"}),
        (case((99303, 5), (NOT_REPORTED, 5)), {}),
        (case((NOT_REPORTED, 5)), {"unreported": True}),
        (case(), {}),
    ],
    ids=[
        "too small a share", "another code", "too many jobs", "another type", "rate too high", "rate not known",
        "lower bounds", "old counts", "other logs", "no logs", "unreported jobs", "unreported jobs only", "nothing failed",
    ],
)  # fmt: skip
def test_otherwise_it_says_nothing(wwt_plugin: Make, failing: Case, rule: dict[str, Any]) -> None:
    assert said(wwt_plugin, failing, **rule) is None


def test_jobs_that_nobody_reported_can_count(wwt_plugin: Make) -> None:
    assert said(wwt_plugin, case((99303, 5), (NOT_REPORTED, 5)), unreported=True) is not None


def test_a_rule_has_another_fingerprint_when_it_decides_otherwise(wwt_plugin: Make) -> None:
    def fingerprint(**rule: Any) -> str:
        (told,) = wwt_plugin("actions.auto_rules", rules={"lost": {"exit_codes": [99303], **rule}}).ask(
            "register_rules"
        )
        return str(told.fingerprint)

    assert fingerprint() == fingerprint(label="Other words")
    assert len({fingerprint(), fingerprint(share=0.5), fingerprint(parameters={"memory": 4000})}) == 3


def test_a_rule_is_told_in_words(wwt_plugin: Make) -> None:
    (told,) = wwt_plugin(
        "actions.auto_rules", rules={"lost": {"exit_codes": [99303, 99305], "share": 0.95, "log_says": "lost"}}
    ).ask("register_rules")

    assert told.label == (
        'acdc where at least 95% of at most 1,000 failed jobs have exit code 99303, 99305, whose logs all say "lost"'
    )


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"lost": {"exit_codes": []}}, "exit_codes"),
        ({"Lost!": {"exit_codes": [1]}}, "rules"),
        ({"lost": {"exit_codes": [1], "shar": 1}}, "shar"),
        ({"lost": {"exit_codes": [1], "action": "kill"}}, "action"),
    ],
)
def test_a_rule_that_can_not_be_meant_is_refused(wwt_plugin: Make, rules: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match=said):
        wwt_plugin("actions.auto_rules", rules=rules)


def test_an_unknown_rule_is_named(wwt_plugin: Make) -> None:
    it = wwt_plugin("actions.auto_rules", rules={"lost": {"exit_codes": [1]}})
    with pytest.raises(PluginError, match="there is no rule 'x'; there are: lost"):
        it.ask("apply_rule", rule="x", case=case())
