"""Rules in plugins.yml by which actions are asked for without an operator, once they were measured and switched on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from wwt_framework import hookimpl
from wwt_framework.errors import PluginError
from wwt_framework.model import NOT_REPORTED, Case, Recommendation
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import AutoRule, PluginContext

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]


class Rule(BaseModel):
    """When a workflow fails like this, this is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field("", description="what people read; empty: made of the rest")
    exit_codes: tuple[int, ...] = Field(min_length=1, description="the codes that it is about")
    share: float = Field(1.0, gt=0, le=1, description="least share of the failed jobs that have one of these codes")
    most_jobs: int = Field(1000, ge=1, description="failed jobs of the workflow at most; with more a person decides")
    most_failure_rate: float | None = Field(
        None, gt=0, le=1, description="failure rate at most; a workflow whose rate is not known is left alone then"
    )
    request_types: tuple[str, ...] = Field((), description="only workflows of these types; empty: of any")
    log_says: str = Field("", description="text that every log of these codes must hold; empty: logs are not looked at")
    unreported: bool = Field(False, description="true: jobs that nobody reported count as if they had these codes")
    action: Literal["acdc", "recovery", "clone", "special"] = Field("acdc", description="kind of action")
    parameters: dict[str, Any] = Field(default_factory=dict, description="its fields, the same for each task")

    @property
    def fingerprint(self) -> str:
        """Another one whenever it decides otherwise."""
        told = self.model_dump(mode="json", exclude={"label"})
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        """What it does, in a sentence."""
        codes = ", ".join(map(str, self.exit_codes))
        what = f"{self.action} where at least {self.share:.0%} of at most {self.most_jobs:,} failed jobs have exit code {codes}"
        limits = [f"of type {' or '.join(self.request_types)}"] if self.request_types else []
        limits += [f"with a failure rate of at most {self.most_failure_rate:.0%}"] if self.most_failure_rate else []
        limits += [f'whose logs all say "{self.log_says}"'] if self.log_says else []
        return ", ".join([what, *limits])


class AutoRules:
    """Ask for actions by rules of `plugins.yml`; each has to be measured and switched on in the lab."""

    class Options(PluginOptions):
        rules: dict[Name, Rule] = Field(default_factory=dict, description="name -> rule; names are for ever")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._rules: Mapping[str, Rule] = context.options.rules

    @hookimpl
    def register_rules(self) -> Sequence[AutoRule]:
        return [
            AutoRule(name, rule.label or rule.words, rule.words if rule.label else "", rule.fingerprint)
            for name, rule in self._rules.items()
        ]

    @hookimpl
    def apply_rule(self, rule: str, case: Case) -> Recommendation | None:
        """What the rule called *rule* asks for."""
        known = self._rules.get(rule)
        if known is None:
            raise PluginError(f"there is no rule {rule!r}; there are: {', '.join(self._rules) or 'none'}")
        return _decide(rule, known, case)


def _decide(name: str, rule: Rule, case: Case) -> Recommendation | None:
    total, meant = case.errors.total, set(rule.exit_codes) | ({NOT_REPORTED} if rule.unreported else set())
    mine = sum(count.count for count in case.errors if count.exit_code in meant)
    seen = any(count.exit_code in rule.exit_codes for count in case.errors)
    if not seen or total > rule.most_jobs or mine < rule.share * total or not _may(rule, case):
        return None
    codes = ", ".join(map(str, rule.exit_codes))
    reason = f"{mine:,} of {total:,} failed jobs have exit code {codes}, which {name} takes for a case of {rule.action}"
    return Recommendation(rule.action, reason, dict(rule.parameters))


def _may(rule: Rule, case: Case) -> bool:
    """Whether the workflow is one that *rule* is about, as far as more than its counts tell."""
    known = case.known.get("errors")
    if known is not None and known.state != "ok":
        return False  # lower bounds and old counts are no ground to act on
    if rule.request_types and case.workflow.request_type not in rule.request_types:
        return False
    rate = case.workflow.failure_rate
    if rule.most_failure_rate is not None and (rate is None or rate > rule.most_failure_rate):
        return False
    logs = [log for log in case.logs if log.exit_code in rule.exit_codes]
    return not rule.log_says or (bool(logs) and all(rule.log_says in log.text for log in logs))
