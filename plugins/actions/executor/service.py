"""/api/v1/executor/...: the optional, better way for executors. They say what they honour and what became of each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from wwt_framework.model import Action, ActionState, User
from wwt_framework.plugin import ActionsDoor, ExecutorWord, Page, Reply, Snapshot, Visit

from . import words
from .documents import as_document
from .profile import Profile, refusals

BEGINNING = "/api/v1/executor/"

#: path -> what it is for, what is sent, what comes back
CALLS: Mapping[str, tuple[str, type[BaseModel], type[BaseModel]]] = {
    "manifest": ("Say what you honour.", words.Manifest, words.ManifestTaken),
    "heartbeat": ("Say that you are alive.", words.Heartbeat, words.Heard),
    "claim": ("Take actions for yourself alone.", words.Claim, words.Claimed),
    "answer": ("Say what became of an action.", words.Answered, words.AnswerTaken),
}
_OUTCOMES = {"open": None, "done": ActionState.DONE, "failed": ActionState.FAILED}

ModelT = TypeVar("ModelT", bound=BaseModel)


class Service:
    """The pages of the API."""

    def __init__(self, actions: ActionsDoor) -> None:
        self._actions = actions

    def pages(self) -> list[Page]:
        handlers: Mapping[str, Callable[[Visit, User], BaseModel]] = {
            "manifest": self._manifest, "heartbeat": self._heartbeat, "claim": self._claim, "answer": self._answer,
        }  # fmt: skip
        asked = [
            Page(
                BEGINNING + name, help_, _replying(handlers[name]), role="machine", in_menu=False, methods=("POST",),
                accepts=accepts, answers=answers,
            )
            for name, (help_, accepts, answers) in CALLS.items()
        ]  # fmt: skip
        return [
            *asked,
            Page(
                BEGINNING + "openapi.json",
                "Executor protocol",
                _openapi,
                role="anyone",
                in_menu=False,
                answers={str: Any},
            ),
        ]

    def _manifest(self, visit: Visit, user: User) -> words.ManifestTaken:
        manifest = words.Manifest.model_validate(visit.json)
        self._actions.heard(user.at_backend, manifest=manifest.model_dump(mode="json"))
        refused = [one.why for one in refusals(manifest.kinds, self._actions.kinds(), user.at_backend)]
        return words.ManifestTaken(executor=user.at_backend, refused=refused)

    def _heartbeat(self, visit: Visit, user: User) -> words.Heard:
        self._actions.heard(user.at_backend, words.Heartbeat.model_validate(visit.json).doing)
        return words.Heard(executor=user.at_backend, at=datetime.now(timezone.utc))

    def _claim(self, visit: Visit, user: User) -> words.Claimed:
        wish = words.Claim.model_validate(visit.json)
        self._actions.heard(user.at_backend)
        kinds = wish.kinds if wish.kinds is not None else self._honoured(user.at_backend)
        return words.Claimed(
            actions=[_told(action) for action in self._actions.claim(user.at_backend, wish.limit, kinds)]
        )

    def _answer(self, visit: Visit, user: User) -> words.AnswerTaken:
        said = words.Answered.model_validate(visit.json)
        self._actions.heard(user.at_backend)
        tasks = [ExecutorWord(one.word, one.task, one.why, one.request) for one in said.tasks]
        action = self._actions.answer(user.at_backend, said.action, tasks, _OUTCOMES[said.outcome], said.why)
        return words.AnswerTaken(action=action.id, state=action.state.value)

    def _honoured(self, executor: str) -> list[str] | None:
        seen = {one.name: one for one in self._actions.executors()}
        manifest = manifest_of(seen[executor].manifest) if executor in seen else None
        return None if manifest is None else sorted(manifest)


def manifest_of(kept: Mapping[str, Any]) -> Profile | None:
    """The profile in a manifest as it is kept; None when there is none."""
    return words.Manifest.model_validate(kept).kinds if kept else None


def _told(action: Action) -> words.ClaimedAction:
    return words.ClaimedAction(
        id=action.id,
        workflow=action.workflow,
        kind=action.kind,
        user=action.user,
        submitted_at=action.submitted_at,
        reasons=[reason.long for reason in action.reasons],
        acdcs=list(action.acdcs),
        document=as_document(action),
    )


def _replying(answer: Callable[[Visit, User], BaseModel]) -> Callable[[Visit, User, Snapshot], Reply]:
    def handler(visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG001  # as every page
        return Reply(json=answer(visit, user).model_dump(mode="json"))

    return handler


def _openapi(visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # noqa: ARG001  # as every page
    """What executors may say, in OpenAPI 3.1, without all else."""
    return Reply(json=openapi())


def openapi() -> dict[str, Any]:
    """The API in OpenAPI 3.1, made from the models."""
    models: Sequence[type[BaseModel]] = [
        words.Fault,
        *(model for _, sent, back in CALLS.values() for model in (sent, back)),
    ]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Executors",
            "version": "1",
            "description": "What executors and operators' console say to each other. /getaction and /reportaction stay.",
        },
        "paths": {BEGINNING + name: {"post": _operation(name, *call)} for name, call in CALLS.items()},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(name: str, help_: str, sent: type[BaseModel], back: type[BaseModel]) -> dict[str, Any]:
    refused = {
        "401": "The token is not known here.",
        "403": "The action was claimed by another executor, or your account is no machine.",
        "404": "There is no such action.",
        "422": "The body is not what this address takes; it says what was expected.",
    }
    answers = {code: {"description": text, "content": _content(words.Fault)} for code, text in refused.items()}
    return {
        "operationId": name,
        "summary": help_,
        "description": sent.__doc__,
        "requestBody": {"required": True, "content": _content(sent)},
        "responses": {"200": {"description": back.__doc__, "content": _content(back)}, **answers},
    }


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
