"""What is said over /api/v1/executor: the models of requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from .profile import Honours


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Manifest(_Said):
    """What an executor honours. From then on it counts in the place of the profile in plugins.yml."""

    kinds: Mapping[str, Honours] = Field(description="kind of action -> what is honoured of it", min_length=1)
    version: str = Field("", max_length=200, description="of the executor, shown to operators")


class ManifestTaken(_Said):
    """What operators can not ask for any more, in words."""

    executor: str
    refused: list[str]


class Heartbeat(_Said):
    """A sign of life."""

    doing: str = Field("", max_length=500, description="what it is at, shown to operators")


class Heard(_Said):
    """The name under which we know who spoke, and the time here."""

    executor: str
    at: AwareDatetime


class Claim(_Said):
    """A wish for work: what is given to one executor, no other gets."""

    limit: int = Field(10, ge=1, le=1000, description="at most so many actions")
    kinds: list[str] | None = Field(None, description="only these kinds; null: those of the manifest, or all")


class ClaimedAction(_Said):
    """One action, as operators asked for it."""

    id: str = Field(description="give it to remote systems as idempotency key")
    workflow: str
    kind: str
    user: str
    submitted_at: AwareDatetime
    reasons: list[str]
    acdcs: list[str] = Field(description="ACDCs of the same prep id, newer than the workflow")
    document: Mapping[str, Any] = Field(
        description="the same as /getaction tells it: {Action, Reasons, Parameters, ...}"
    )


class Claimed(_Said):
    """What is yours now: first what you have claimed before and not ended, then the oldest of the rest."""

    actions: list[ClaimedAction]


class TaskAnswer(_Said):
    """What was made of one task."""

    task: str = Field("", max_length=2000, description="path without the workflow; empty: the whole action")
    word: Literal["accepted", "rejected", "created"]
    why: str = Field("", max_length=2000, description="why it was rejected; shown to operators as it is")
    request: str = Field("", max_length=500, description="the workflow that was created")


class Answered(_Said):
    """What became of an action. May be sent again: what was said before is not kept twice."""

    action: str = Field(description="its id")
    tasks: list[TaskAnswer] = Field(default_factory=list, max_length=1000)
    outcome: Literal["open", "done", "failed"] = Field("open", description="open: more will be said later")
    why: str = Field("", max_length=2000, description="of a failure, in words for operators")


class AnswerTaken(_Said):
    """The state of the action now."""

    action: str
    state: str = Field(description="sent, done, failed; or withdrawn, superseded, when an operator was faster")


class Fault(_Said):
    """Why something was refused."""

    error: str
    status: int
