"""What programs may ask for: /api/v1/openapi.json for them, /help/api for those who write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.openapi import document
from wwt_framework.web.operations import Operation
from wwt_framework.web.render import as_json, render
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/api/v1/openapi.json": openapi, "/help/api": operations}


@page(json=True, answers={str: Any})
def openapi() -> Response:
    """Every address that answers JSON, in OpenAPI 3.1."""
    exchange = current_exchange()
    described = document(
        exchange.room.operations, exchange.cookie_name, open_reading=exchange.house.config.house.open_reading
    )
    return as_json({**described, "servers": [{"url": exchange.prefix or "/"}]})


@dataclass(frozen=True)
class ApiPage:
    """What the page shows."""

    operations: tuple[Operation, ...]

    def given(self, one: Operation) -> str:
        """The names of what *one* reads; a mark behind those that it must have."""
        return ", ".join(f"{each.name}{'*' if each.required else ''}" for each in one.parameters)


@page()
def operations() -> Response:
    """Every address that answers JSON, with what it reads and who may ask."""
    return render("api.html", page=ApiPage(current_exchange().room.operations))
