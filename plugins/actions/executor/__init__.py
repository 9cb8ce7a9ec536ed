"""The executor's face: it fetches what operators asked for at /getaction, and tells at /reportaction what it has done."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from pydantic import BaseModel, Field, RootModel, SecretStr

from wwt_framework import hookimpl
from wwt_framework.model import Case, Draft, Effect, NotHonoured, User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Field as Parameter
from wwt_framework.plugin import Health, Page, PluginContext, Reply, Snapshot, Visit

from .documents import Documents
from .profile import Honours
from .service import Service
from .speaking import Speaking

#: What ``/getaction?test=1`` has answered since 2016.
SAMPLE: Mapping[str, Any] = {
    "test": {
        "Actions": "acdc",
        "Parameters": {"Task1": {"memory": "4000", "splitting": "2x", "sites": ["T1_US_FNAL"]}},
        "Reasons": ["This is a sample; there is no workflow of this name."],
    }
}
_MOST_DAYS, _MOST = 36_500, 999_999_999
_ASKS = (
    Parameter("days", "days", "integer", minimum=-_MOST, maximum=_MOST, help="submitted since so many days; 0: ever"),
    Parameter("acted", "acted", "integer", minimum=-_MOST, maximum=_MOST, help="0: open, 1: done, -1: both"),
    Parameter("test", "test", help="1: a sample"),
)
_ANSWERS = ({str: {str: Any}}, {"test": {str: Any}})
#: What is said of a report that can be read, and of another.
_NOT_REPORTED = {"valid_key": bool, "valid_format": bool}
_REPORTED = {**_NOT_REPORTED, "success": [str], "already_reported": [str], "does_not_exist": [str]}


class Report(BaseModel):
    """Workflows of which the action was carried out."""

    workflows: list[str]
    key: str = Field("", description="the shared key of old; who has a token needs none")


class Posted(RootModel[Report | Any]):
    """Whatever is posted is answered; what is no report is told so."""


class Executor:
    """Let executors fetch actions and report them, each by a token of its own or by the shared key of old."""

    class Options(PluginOptions):
        key: SecretStr | None = Field(
            None,
            description="the key that all old clients share; leave it out when every executor has a token (auth.token)",
        )
        key_owner: str = Field(
            "unified", min_length=1, description="whom the shared key stands for, as /actions says it"
        )
        honours: dict[str, Honours] | None = Field(
            None,
            description="what executors without a manifest look at: {acdc: {fields: [memory, sites]}}; null: as today's "
            "Unified does",
        )
        stuck_minutes: int = Field(
            60, ge=1, description="after which an action that was fetched and not reported is stuck"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        self._name = context.name
        self._log = context.log
        self._actions = context.actions
        options = context.options
        self._key = options.key.get_secret_value() if options.key else ""
        self._key_owner = options.key_owner
        self._speaking = Speaking(context.actions, options.honours, options.key_owner)
        self._service = Service(context.actions)
        self._documents = Documents()
        self._stuck_after = timedelta(minutes=options.stuck_minutes)

    # -- who is it --

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        """Whom the shared key stands for, when it is in the body of a GET. It opens nothing else."""
        if visit.path.rstrip("/") != "/getaction" or not self._is_key(_posted(visit).get("key")):
            return None
        return User(self._key_owner, roles=frozenset({"machine"}))

    def _is_key(self, given: Any) -> bool:
        return bool(self._key) and isinstance(given, str) and _same(given, self._key)

    # -- the two addresses of old --

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return [
            Page("/getaction", "Actions", self.get, in_menu=False, asks=_ASKS, answers=_ANSWERS),
            Page(
                "/reportaction",
                "Report",
                self.report,
                role="anyone",
                in_menu=False,
                methods=("POST",),
                accepts=Posted,
                answers=(_REPORTED, _NOT_REPORTED),
            ),
            *self._service.pages(),
        ]

    def get(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """What operators asked for: ``{workflow: {Action, Reasons, Parameters, user, ACDCs}}``.

        Open actions by default; ``acted=1`` those that were done, ``acted=-1`` both. ``days``: submitted since then;
        0, as nothing, means everything that there is.
        """
        if visit.query.get("test", "") not in ("", "0"):
            return Reply(json=SAMPLE)
        days, acted = _number(visit, "days"), _number(visit, "acted")
        since = datetime.now(timezone.utc) - timedelta(days=min(days, _MOST_DAYS)) if days > 0 else None
        if acted > 0:
            actions = self._actions.done(since)
        elif acted < 0:
            actions = self._actions.done(since) + self._actions.open(since)
        elif self._only_looks(visit, user):
            actions = self._actions.open(since)
        else:
            actions = self._actions.hand_out(self._called(visit, user), since)
            self._speaking.heard(user.at_backend)
        return Reply(body=self._documents(actions), content_type="application/json")

    def report(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG002  # as every page
        """Close what was handed out: ``{valid_key, valid_format, success, already_reported, does_not_exist}``."""
        posted = _posted(visit)
        machine = "machine" in user.roles
        valid_key = machine or self._is_key(posted.get("key"))
        workflows = posted.get("workflows")
        valid_format = isinstance(workflows, list) and all(isinstance(name, str) for name in workflows)
        answer: dict[str, Any] = {"valid_key": valid_key, "valid_format": valid_format}
        if not valid_key:
            self._log.warning("a report came without the key", extra={"remote": visit.remote})
        elif isinstance(workflows, list) and valid_format:
            reported = self._actions.report(user.at_backend if machine else self._key_owner, workflows)
            answer["success"] = list(reported.success)
            answer["already_reported"] = list(reported.already_reported)
            answer["does_not_exist"] = list(reported.does_not_exist)
        return Reply(json=answer)

    # -- what it makes of actions --

    @hookimpl
    def build_refusals(self) -> Sequence[NotHonoured]:
        return self._speaking.refusals()

    @hookimpl
    def build_effects(self, draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
        return self._speaking.effects(draft, cases)

    @hookimpl
    def report_health(self) -> Health:
        """Who asked last, and what was fetched and never heard of again."""
        seen = self._actions.executors()
        if not seen:
            how = "" if self._key else "; to report, one needs a token: wwt token add NAME --role machine"
            return Health(True, f"no executor has asked yet{how}")
        last = max(seen, key=lambda one: one.seen_at)
        told = f"{last.name} asked last, at {last.seen_at:%Y-%m-%d %H:%M} UTC"
        stuck = self._actions.stuck(datetime.now(timezone.utc) - self._stuck_after)
        if not stuck:
            return Health(True, told)
        return Health(
            False, f"{told}; {len(stuck)} actions were fetched and not reported, the oldest: {stuck[0].workflow}"
        )

    # -- inside --

    def _only_looks(self, visit: Visit, user: User) -> bool:
        """Whether a person asks: that somebody reads the list in a browser does not make actions "fetched"."""
        person = bool(user.at_backend) and "machine" not in user.roles
        return person or visit.method == "HEAD" or "sec-fetch-mode" in visit.headers or "cookie" in visit.headers

    def _called(self, visit: Visit, user: User) -> str:
        return user.at_backend or f"somebody without a key at {visit.remote or 'an unknown address'}"


def _same(given: str, secret: str) -> bool:
    """Compare in a time that tells nothing of how much is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode("utf-8", "surrogatepass"))


def _posted(visit: Visit) -> Mapping[str, Any]:
    return visit.json if isinstance(visit.json, dict) else {}


def _number(visit: Visit, name: str) -> int:
    """The number *name* of the address, 0 when it is not there."""
    given = visit.query.get(name) or "0"
    return int(given if isinstance(given, str) else given[-1])
