"""Which automatic rules act by themselves: only those that were measured as they are now, and that an admin switched on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from wwt_framework.errors import Denied, WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import User
from wwt_framework.services.lab.subjects import Subject, find_subject, subjects
from wwt_framework.services.lab.words import LabResult, readable, result_of
from wwt_framework.store import Store, ledger


@dataclass(frozen=True)
class RuleState:
    """One rule, and whether it acts."""

    subject: Subject
    is_on: bool
    result: (
        LabResult | None
    )  # the newest of the rule as it is now; of one that acts, that with which it was switched on
    switched_by: str = ""
    switched_at: datetime | None = None
    lapsed: bool = False  # it was switched on, and is another rule since: it does not act

    @property
    def why_not(self) -> str:
        """Why it can not be switched on; "" when it can."""
        if self.result is None:
            return "it was never measured as it is now"
        if not self.result.spoke:
            return "it said nothing in the days that were measured"
        return ""


def rule_states(store: Store, hooks: Hooks) -> list[RuleState]:
    """All automatic rules, in the order in which plugins name them."""
    switches = {switch.rule: switch for switch in ledger.rule_switches(store)}
    found = []
    for subject in subjects(hooks):
        if subject.kind != "rule":
            continue
        switch = switches.get(subject.name)
        result = _newest(store, subject)
        if switch is None:
            found.append(RuleState(subject, False, result))
            continue
        is_same = switch.fingerprint == subject.fingerprint
        kept = ledger.lab_result(store, switch.result) if is_same else None
        shown = next(iter(readable([kept.content] if kept else ())), result)
        found.append(RuleState(subject, is_same, shown, switch.user, switch.at, not is_same))
    return found


def switch_on(store: Store, hooks: Hooks, rule: str, result: str, user: User) -> RuleState:
    """Have *rule* act by itself, with the *result* that was shown. Raises `Denied`, `NotFound` or `WwtError` in words."""
    if not user.may("admin"):
        raise Denied(f"Switching a rule on needs the role admin; you are {user.name or 'nobody'}.")
    subject = find_subject(hooks, rule)
    if subject.kind != "rule":
        raise WwtError(f"{rule} is no rule that acts; only rules can be switched on.")
    kept = ledger.lab_result(store, result)
    measured = result_of(kept.content) if kept else None
    if measured is None or measured.subject != rule or measured.fingerprint != subject.fingerprint:
        raise WwtError(f"{rule} was not measured as it is now; measure it, look at the result, and switch it on then.")
    if not measured.spoke:
        raise WwtError(f"{rule} said nothing in the days that were measured; measure more days.")
    with store.write():
        ledger.set_rule_switch(store, rule, subject.fingerprint, result, user.name)
        agreement = measured.agreement.value
        ledger.write_down(store, user.name, "switched rule on", rule, result=result, agreement=agreement)
    return next(state for state in rule_states(store, hooks) if state.subject.name == rule)


def switch_off(store: Store, rule: str, user: User) -> bool:
    """Have *rule* not act any more; False when it did not. Raises `Denied`."""
    if not user.may("operator"):
        raise Denied(f"Switching a rule off needs the role operator; you are {user.name or 'nobody'}.")
    with store.write():
        was = ledger.drop_rule_switch(store, rule)
        if was:
            ledger.write_down(store, user.name, "switched rule off", rule)
    return was


def _newest(store: Store, subject: Subject) -> LabResult | None:
    kept = ledger.lab_results(store, subject.name, limit=20)
    return next(iter(readable(one.content for one in kept if one.fingerprint == subject.fingerprint)), None)
