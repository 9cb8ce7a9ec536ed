"""/api/v1/openapi.json: what programs may ask for, in OpenAPI 3.1. Made from what handlers declare; nothing is told twice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from wwt_framework.web.operations import Operation
from wwt_framework.web.parameters import Parameter
from wwt_framework.web.shapes import Fault, Schema, Schemas, Text

_MEDIA = {"csv": "text/csv", "txt": "text/plain"}

log = logging.getLogger(__name__)

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

ABOUT = """\
Every address here answers JSON. Sign in with each request, by HTTP basic or by a token; where reading is open, what needs
the role viewer needs no sign-in. Errors are `{error, status}`, the error in words.

Answers to GET have an `ETag`; ask with `If-None-Match`, and what you have already is answered with 304 and nothing.
`X-Snapshot` says of which state of the world an answer is: put numbers beside each other only when it is the same.
"""
_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "Name and password of an account, for scripts."},
    "token": {"type": "http", "scheme": "bearer", "description": "A token of a person or of an executor, see /tokens."},
}
_READING = {
    "400": "A parameter is missing, or is not what it has to be; or the address can not be read.",
    "404": "There is no such thing here.",
}
_KNOWN = {
    "401": "Nobody of this name, password or token is known here, and this is not for everybody.",
    "403": "You lack the role, or another web page sent this in your name.",
    "429": "Too many tries to sign in; Retry-After says when to try again.",
    "5XX": "It can not be told at this moment, or failed; the sentence says which.",
}
_CHANGING = {
    "409": "Somebody was faster.",
    "411": "The body has no length.",
    "413": "The body is too long, or has too much in it.",
    "422": "The body is not what this address takes; it says what was expected.",
}


def document(operations: Sequence[Operation], session_cookie: str, *, open_reading: bool) -> dict[str, Any]:
    """The description of *operations*, without the addresses of servers."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        if told := _told(one, schemas, open_reading=open_reading):
            paths.setdefault(one.path, {})[one.method.lower()] = told
    session = {
        "type": "apiKey", "in": "cookie", "name": session_cookie,
        "description": "As browsers sign in. What changes something needs the form's csrf_token, too.",
    }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "WorkflowWebTools", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {
            "responses": _refusals(schemas),
            "schemas": schemas.named,
            "securitySchemes": {**_SCHEMES, "session": session},
        },
        "tags": [{"name": name} for name in sorted({one.of for one in operations})],
    }


def _told(one: Operation, schemas: Schemas, *, open_reading: bool) -> dict[str, Any]:
    """The description of *one*; empty where a plugin declares what is no shape, which costs nobody else anything."""
    try:
        return _operation(one, schemas, open_reading=open_reading)
    except Exception:  # what a plugin declares may be anything, and pydantic raises whatever that does
        if one.of == "core":
            raise
        log.exception("what a plugin's page answers can not be described", extra={"plugin": one.of, "path": one.path})
        return {}


def _operation(one: Operation, schemas: Schemas, *, open_reading: bool) -> dict[str, Any]:
    role = "Anyone may ask." if one.role == "anyone" else f"Needs the role {one.role}."
    told: dict[str, Any] = {
        "operationId": "_".join([one.method.lower(), *filter(None, _plain(one.path).split("_"))]),
        "summary": one.summary,
        "description": f"{one.description}\n\n{role}".strip(),
        "tags": [one.of],
        "x-role": one.role,
        "security": _security(one, open_reading=open_reading),
        "responses": _responses(one, schemas),
    }
    told["parameters"] = [
        *([_in_path("id")] if "{id}" in one.path else []),
        *(_parameter(parameter) for parameter in one.parameters if not one.in_form),
    ]
    if one.changes and (body := _body(one, schemas)):
        told["requestBody"] = body
    return told


def _plain(path: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in path)


def _security(one: Operation, *, open_reading: bool) -> list[dict[str, list[str]]]:
    if not one.identify:
        return []
    ways = ("basic", "token") if one.for_scripts else ("basic", "token", "session")
    needed: list[dict[str, list[str]]] = [{way: []} for way in ways]
    free = one.role == "anyone" or (one.role == "viewer" and open_reading and not one.changes)
    return [{}, *needed] if free else needed


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _parameter(one: Parameter) -> dict[str, Any]:
    told = one.words or next(filter(None, (getattr(kind, "words", "") for kind in one.kinds)), "")
    words = {"description": told} if told else {}
    return {"name": one.name, "in": "query", "required": one.required, **words, "schema": parameter_schema(one)}


def parameter_schema(one: Parameter) -> Schema:
    """What a parameter takes; the default itself is always taken."""
    schema: Schema = {"type": "string"}
    for kind in one.kinds:
        schema = kind.schema()
    if one.several:
        return {"type": "array", "items": schema, **({"minItems": 1} if one.required else {})}
    if one.required:
        return schema
    if one.default == "" and one.kinds:
        return {"anyOf": [schema, {"const": ""}]} if "enum" not in schema else {"enum": ["", *schema["enum"]]}
    if not one.default:
        return schema
    return {**schema, "default": int(one.default) if schema.get("type") == "integer" else one.default}


def _body(one: Operation, schemas: Schemas) -> dict[str, Any]:
    if one.accepts is not None:
        return {"required": True, "content": {JSON: {"schema": schemas.of(one.accepts, "validation")}}}
    if not one.in_form or not (one.parameters or one.open_form):
        return {}
    required = [parameter.name for parameter in one.parameters if parameter.required]
    schema = {
        "type": "object",
        "properties": {parameter.name: parameter_schema(parameter) for parameter in one.parameters},
        **({"required": required} if required else {}),  # other fields are taken, and mean something or nothing
    }
    return {"required": bool(required), "content": {FORM: {"schema": schema}}}


def _responses(one: Operation, schemas: Schemas) -> dict[str, Any]:
    told = {str(status): _answer(status, shape, one, schemas) for status, shape in one.answers.items()}
    words = {**_READING, **(_KNOWN if one.identify else {}), **(_CHANGING if one.changes else {})}
    if not (one.parameters or one.open_form or one.accepts or "{id}" in one.path):
        del words["404"]  # it is asked for nothing that could be missing
    refused = {status: {"$ref": f"#/components/responses/{status}"} for status in words}
    return dict(sorted({**refused, **told}.items()))


def _refusals(schemas: Schemas) -> dict[str, Any]:
    """What every address may answer in the place of what was asked for."""
    fault = {JSON: {"schema": schemas.of(Fault)}}
    words = {**_READING, **_KNOWN, **_CHANGING}
    return {status: {"description": text, "content": fault} for status, text in sorted(words.items())}


def _answer(status: int, shape: Any, one: Operation, schemas: Schemas) -> dict[str, Any]:
    kind = "text/plain" if shape is Text else JSON
    content: dict[str, Any] = {kind: {"schema": schemas.of(shape)}}
    if status == 200:
        content |= {_MEDIA[kind]: {"schema": {"type": "string"}} for kind in one.files}
    return {"description": "As asked for." if status == 200 else "Not all went well; it says what.", "content": content}
