"""ACDCs that need no operator: a service says which, operators see the list.

They are asked for by themselves only where ``dry`` is false and an admin has switched the rule on in the lab.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, SecretStr

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, NotSignedIn, PluginError, SourceError
from wwt_framework.model import Case, Recommendation, User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import AutoRule, Health, Page, Panel, PluginContext, Reply, Snapshot, Visit
from wwt_framework.plugin import Field as Parameter

from .asking import Round, Rule, Service, ask_all

#: What is said of knowledge that is not whole.
_STATES = {"old": "kept from earlier", "partial": "lower bounds or parts", "unknown": "not known"}

_ASKS = (
    Parameter("workflow", "workflow", required=True),
    Parameter("format", "format", "choice", ("json",), help="json: not the page that browsers get"),
)
_ANSWERS: Any = ({"workflow": str, "parameters": {str: Any}}, {})

#: The name of the one rule that there is, and the job of the house that follows rules.
RULE, JOB = "service", "automatic"


class AutoAcdc:
    """List the ACDCs that a service of rules would make: `/auto_acdc`, `/check_auto_acdc`."""

    class Options(PluginOptions):
        static: str = Field(
            "", pattern=r"^(https?://\S+)?$", description="address of the service; it is asked with ?wf=WORKFLOW"
        )
        user: str = Field("auto", min_length=1, description="in whose name its actions are told")
        dry: bool = Field(
            True, description="true: only list what would be done; false: it can be switched on in the lab"
        )
        key: SecretStr | None = Field(None, description="the key with which a cron job may ask for /check_auto_acdc")
        complete: tuple[Literal["errors", "logs", "recoveries", "parameters", "family"], ...] = Field(
            ("errors",), description="kinds of knowledge that must be whole and of now, or nothing is asked for"
        )
        timeout_s: float = Field(10, gt=0, le=120, description="seconds after which an answer is given up")
        mail_to: tuple[str, ...] = Field((), description="who is mailed what is new in the list; none: nobody")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        options = context.options
        self._service = (
            Service(context.http, options.static, options.timeout_s, options.user) if options.static else None
        )
        self._key = options.key.get_secret_value() if options.key else ""

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return [
            Page("/auto_acdc", "Automatic ACDC", self.of_one, in_menu=False, asks=_ASKS, answers=_ANSWERS),
            Page("/check_auto_acdc", "Automatic ACDCs", self.ask_check, role="anyone", in_menu=False),
            Page("/check_auto_acdc", "Automatic ACDCs", self.check, role="anyone", in_menu=False, methods=("POST",)),
        ]

    @hookimpl
    def register_rules(self) -> Sequence[AutoRule]:
        """The service as a rule, which it can only be where it is not dry."""
        options = self._context.options
        if options.dry or not options.static:
            return ()
        label = f"Whatever {options.static} says"
        return [AutoRule(RULE, label, "the service is asked about each workflow", options.static, asks_outside=True)]

    @hookimpl
    def apply_rule(self, rule: str, case: Case) -> Recommendation | None:
        """What the service asks for. Raises `SourceError` when that is not known."""
        if rule != RULE or self._service is None:
            raise PluginError(f"there is no rule {rule!r} here")
        if self._lacks(case):
            return None
        told = self._service.ask(case.workflow.name)
        if told is None:
            return None
        parameters = {name: value for name, value in told.parameters.items() if name not in ("Action", "user", "ACDCs")}
        return Recommendation(str(told.parameters["Action"]), f"{self._context.options.static} says so", parameters)

    @hookimpl
    def report_health(self) -> Health:
        """Whether there is a service, and whether its mails go out."""
        if self._service is None:
            return Health(True, "no service is named (option static): the list is empty")
        trouble = self._context.mail.trouble() if self._context.options.mail_to else ""
        return Health(
            not trouble, f"mails do not go out: {trouble}" if trouble else f"asks {self._context.options.static}"
        )

    # -- one workflow --

    @hookimpl
    def show_panels(self, page: str, case: Case | None) -> Sequence[Panel]:
        """A link that asks the service; looking at a workflow asks nobody."""
        if page != "workflow" or case is None or self._service is None or case.workflow.is_acdc:
            return ()
        return [Panel("Automatic ACDC", "auto_acdc_panel.html", {"workflow": case.workflow.name}, place="side")]

    def of_one(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """What the service would have done about a workflow.

        ``{workflow, parameters: {Action, ...}}``; ``{}`` when nothing would be done; 502 when that is not known.
        """
        workflow = visit.query.get("workflow", "")
        workflow = workflow if isinstance(workflow, str) else workflow[-1]
        rule, status, trouble = self._asked(workflow, snapshot.case(workflow))
        if _is_browser(visit) and visit.query.get("format") != "json":
            known = self._service is not None
            values = {"workflow": workflow, "service": known, "rows": _rows(rule), "trouble": trouble}
            return Reply(template="auto_acdc_one.html", values=values, status=status)
        if trouble:
            return Reply(json={"error": trouble, "status": status}, status=status)
        return Reply(json={"workflow": rule.workflow, "parameters": dict(rule.parameters)} if rule else {})

    def _asked(self, workflow: str, case: Case | None) -> tuple[Rule | None, int, str]:
        """What would be done, the status of the answer, and why it is not known or not done."""
        if self._service is None:
            return None, 200, ""
        if case is not None and (lacks := self._lacks(case)):
            return None, 409, f"Nothing would be done: {lacks}."
        try:
            return self._service.ask(workflow), 200, ""
        except SourceError as err:
            return None, 502, f"What would be done is not known: {err}."

    # -- all of them --

    def ask_check(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:
        """A person sees a button; a script with the key, or of an operator, gets the list at once."""
        if _is_browser(visit):
            self._admit(user)
            return Reply(template="auto_acdc.html", values={"service": self._context.options.static, "round": None})
        return self.check(visit, user, snapshot)

    def check(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:
        """The workflows with which something would be done, one a line; those that are not known follow after #."""
        if not self._is_key(visit):
            self._admit(user)
        found = self._round(snapshot)
        self._tell(found)
        if not self._context.options.dry and found.rules:
            self._context.jobs.request(JOB)  # where the rule is switched on, it is followed at once
        if _is_browser(visit):
            return Reply(template="auto_acdc.html", values={"service": self._context.options.static, "round": found})
        lines = [rule.workflow for rule in found.rules]
        lines += [f"# {name}: {why}" for name, why in found.unknown.items()]
        return Reply(body="".join(f"{line}\n" for line in lines).encode(), content_type="text/plain; charset=utf-8")

    def _round(self, snapshot: Snapshot) -> Round:
        """Ask about every workflow that fails, is no ACDC itself, and on which nobody has acted."""
        if self._service is None:
            return Round((), {})
        actions = self._context.actions
        acted = {action.workflow for action in (*actions.open(), *actions.done())}
        names = [name for name in snapshot.workflow_names() if name not in acted]
        failing = {
            name: case
            for name in names
            if (case := snapshot.case(name)) is not None and not case.workflow.is_acdc and case.errors.total
        }
        doubtful = {name: lacks for name, case in failing.items() if (lacks := self._lacks(case))}
        found = ask_all(self._service.ask, [name for name in failing if name not in doubtful], self._context.gather)
        return Round(found.rules, {**doubtful, **found.unknown})

    def _lacks(self, case: Case) -> str:
        """Why what is known of *case* is too little for this installation; "" when it is enough."""
        lacking = case.lacking(*self._context.options.complete)
        return "; ".join(f"{k.kind} are {_STATES[k.state]}" + (f" ({k.note})" if k.note else "") for k in lacking)

    def _tell(self, found: Round) -> None:
        """Mail what was not in the list before. What can not be sent is told by /health, and mailed the next time."""
        told = dict(self._context.memory.get("mailed", {}))
        new = [rule for rule in found.rules if rule.workflow not in told]
        to = self._context.options.mail_to
        if not new or not to or self._context.mail.trouble():
            return
        links = [self._context.url("/seeworkflow", workflow=rule.workflow) for rule in new]
        lines = [
            f"{rule.workflow}: {rule.parameters['Action']}\n  {link}" for rule, link in zip(new, links, strict=True)
        ]
        text = (
            "These workflows would get an automatic action. This is the list; nothing was submitted by making it.\n\n"
        )
        names = "\n".join(rule.workflow for rule in new)
        self._context.mail.send(
            to,
            f"Automatic ACDCs: {len(new)} would be made",
            text + "\n".join(lines) + "\n",
            once=hashlib.sha256(names.encode()).hexdigest(),
        )
        current = {rule.workflow for rule in found.rules} | set(found.unknown)
        kept = {name: at for name, at in told.items() if name in current}
        self._context.memory["mailed"] = {**kept, **dict.fromkeys((rule.workflow for rule in new), True)}

    def _is_key(self, visit: Visit) -> bool:
        posted = visit.json if isinstance(visit.json, dict) else {}
        given = visit.query.get("key") or visit.form.get("key") or posted.get("key") or ""
        return (
            bool(self._key)
            and isinstance(given, str)
            and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._key.encode())
        )

    def _admit(self, user: User) -> None:
        if not user.may("operator"):
            what = "This needs the role operator, or the key of the plugin actions.auto_acdc"
            raise Denied(f"{what}; you are {user.name}.") if user.name else NotSignedIn(f"{what}; sign in first.")


def _rows(rule: Rule | None) -> list[tuple[str, str]]:
    """Each parameter, those of tasks by task, as text."""
    if rule is None:
        return []
    flat = {name: value for name, value in rule.parameters.items() if name != "Parameters"}
    by_task = rule.parameters.get("Parameters")
    flat |= by_task if isinstance(by_task, dict) else {} if by_task is None else {"Parameters": by_task}
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in flat.items()
    ]


def _is_browser(visit: Visit) -> bool:
    headers: Mapping[str, Any] = visit.headers
    return any(name in headers for name in ("sec-fetch-mode", "cookie")) or "text/html" in headers.get("accept", "")
