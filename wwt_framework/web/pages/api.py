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
    return {"/api/v1/openapi.json": Description().openapi, "/help/api": operations}


class Description:
    """The description of all addresses, made once for each house: it takes a tenth of a second."""

    def __init__(self) -> None:
        self._kept: tuple[Any, str, dict[str, Any]] = (None, "", {})

    @page(json=True, answers={str: Any})
    def openapi(self) -> Response:
        """Every address that answers JSON, in OpenAPI 3.1."""
        exchange = current_exchange()
        room, cookie, described = self._kept
        if room is not exchange.room or cookie != exchange.cookie_name:
            room, cookie, house = exchange.room, exchange.cookie_name, exchange.house
            described = document(room.operations, cookie, open_reading=house.config.house.open_reading)
            self._kept = (room, cookie, described)
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
