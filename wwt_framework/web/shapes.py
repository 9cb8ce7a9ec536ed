"""The shapes of JSON, as handlers declare them, as JSON Schema.

A shape is a type or a pydantic model; ``{name: shape}``, an object of exactly these keys; ``{str: shape}``, one of any
keys; ``[shape]``, a list; ``(shape, shape)``, one or the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pydantic

Mode = Literal["validation", "serialization"]
Schema = dict[str, Any]


class Fault(pydantic.BaseModel):
    """Why there is no other answer."""

    error: str = pydantic.Field(description="what is wrong, and what to do, in words")
    status: int = pydantic.Field(description="the status of the answer")


class Text:
    """The shape of an answer that is plain text."""


def by_status(answers: Any) -> dict[int, Any]:
    """Status -> shape; what is not told by status is the answer when all went well."""
    if isinstance(answers, Mapping) and answers and all(isinstance(key, int) for key in answers):
        return dict(answers)
    return {200: answers}


class Schemas:
    """Makes schemas, and keeps those that have names."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}

    def of(self, shape: Any, mode: Mode = "serialization") -> Schema:
        """The schema of *shape*; it may refer to `named` ones. *mode*: of what is sent to us, or by us."""
        if isinstance(shape, list):
            (item,) = shape
            return {"type": "array", "items": self.of(item, mode)}
        if isinstance(shape, tuple):
            return {"anyOf": [self.of(one, mode) for one in shape]}
        if isinstance(shape, Mapping):
            return self._object(shape, mode)
        if shape is Text:
            return {"type": "string"}
        return self._typed(shape, mode)

    def _object(self, shape: Mapping[Any, Any], mode: Mode) -> Schema:
        if set(shape) == {str}:
            return {"type": "object", "additionalProperties": self.of(shape[str], mode)}
        properties = {name: self.of(one, mode) for name, one in shape.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def _typed(self, shape: Any, mode: Mode) -> Schema:
        schema = pydantic.TypeAdapter(shape).json_schema(mode=mode, ref_template="#/components/schemas/{model}")
        self._keep(schema.pop("$defs", {}).items())
        if isinstance(shape, type) and "properties" in schema:  # a model or dataclass is told by its name
            self._keep([(shape.__name__, schema)])
            return {"$ref": f"#/components/schemas/{shape.__name__}"}
        return schema

    def _keep(self, named: Iterable[tuple[str, Schema]]) -> None:
        for name, schema in named:
            if self.named.setdefault(name, schema) != schema:
                raise ValueError(f"two shapes are called {name}; give one of them another name")
