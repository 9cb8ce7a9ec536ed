"""An installation with the shipped kinds of action, and a small world to act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.services.desk_world import World, hooks_with
from tests.web.house import PEOPLE, Client, House, Installation, People
from wwt_framework.web import wsgi

KINDS = ("actions.acdc", "actions.clone", "actions.recovery", "actions.special", "actions.sites_to_run")
BROWSER = {"Origin": "http://wwt.example"}


def acting_app(
    folder: Path,
    world: World | None = None,
    kinds: Sequence[str] | Mapping[str, dict[str, Any]] = KINDS,
    plugins: dict[str, object] | None = None,
    **options: Any,
) -> Installation:
    """An installation whose operators can act; *plugins*: of the test's own."""
    app = Installation(folder, (world or World()).open(folder / "snapshot"), {}, **options)
    more = [("auth.people", People()), *(plugins or {}).items()]
    app.house = House(app.house.config, hooks_with(folder, kinds, *more))
    return app


def client_of(app: Installation) -> Client:
    return Client(wsgi.build(app), app, {name: name[::-1] for name in PEOPLE})


def fields_of(got: Any, form_id: str = "") -> dict[str, Any]:
    """What a browser would send of the form *form_id*, or of the only one in main, without its buttons."""
    form = next(f for f in got.dom().find(".//main").iter("form") if not form_id or f.get("id") == form_id)
    found: dict[str, list[str]] = {}
    for field in form.iter():
        name = field.get("name")
        if not name or field.get("disabled") is not None:
            continue
        if field.tag == "input":
            ticks = field.get("type") in ("checkbox", "radio")
            if not ticks or field.get("checked") is not None:
                found.setdefault(name, []).append(field.get("value") or "")
        elif field.tag == "textarea":
            found.setdefault(name, []).append((field.text or "").removeprefix("\n"))
        elif field.tag == "select":
            chosen = [o.get("value") or "" for o in field.iter("option") if o.get("selected") is not None]
            found.setdefault(name, []).append(chosen[0] if chosen else "")
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
