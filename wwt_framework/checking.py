"""What `wwt check` and `wwt plugins` say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wwt_framework import config as configuration
from wwt_framework.app import App
from wwt_framework.errors import ConfigError, NotFound, WwtError
from wwt_framework.hooks import loader
from wwt_framework.hooks.loader import Loaded, Offer


def check(path: Path, say: Callable[[str], None]) -> list[str]:
    """Build the house of *path* and ask its plugins how they are; returns what is wrong, one sentence each."""
    try:
        configuration.load(path)
        app = App.build(path)
    except ConfigError as err:
        return list(err.problems)
    except WwtError as err:
        return str(err).splitlines()
    try:
        problems = [item.complaint for item in app.house.loaded if not item.ok]
        for item in app.house.loaded:
            if item.ok:
                say(f"{item.full_name}: ready ({item.distribution} {item.version})")
        for answer in app.house.hooks.each("report_health"):
            if not answer.ok:
                problems.append(answer.complaint)
            elif answer.value and not answer.value.ok:
                problems.append(f"{answer.plugin}: {answer.value.text}")
            elif answer.value:
                say(f"{answer.plugin}: {answer.value.text}")
        return problems
    finally:
        app.close()


def describe(path: Path | None, name: str | None) -> str:
    """What is installed and what runs; with *name*, the options of that plugin. Raises `NotFound`."""
    loaded: tuple[Loaded, ...] = ()
    if path is not None:
        app = App.build(path)
        loaded = app.house.loaded
        app.close()
    if name is None:
        return "\n".join(_lines(loaded, loader.offers()))
    for item in loaded:
        if name in (item.full_name, item.name):
            return _details(item)
    known = ", ".join(item.full_name for item in loaded) or "none"
    raise NotFound(f"no plugin {name!r} in {path or 'any plugins.yml'}; listed there: {known}")


def _lines(loaded: tuple[Loaded, ...], offers: list[Offer]) -> list[str]:
    lines = [f"{item.full_name:<28} {item.state:<10} {item.complaint or item.text}" for item in loaded]
    used = {(item.namespace, item.config.use) for item in loaded}
    lines += [
        f"{offer.namespace + '.' + offer.name:<28} {'not used':<10} installed by {offer.distribution} {offer.version}"
        for offer in offers
        if (offer.namespace, offer.name) not in used
    ]
    return lines or ["no plugin is installed"]


def _details(item: Loaded) -> str:
    lines = [
        f"{item.full_name}: {item.state}" + (f" ({item.reason})" if item.reason else ""),
        item.text,
        f"from {item.distribution} {item.version}, {item.target}, {item.config.where}",
        f"hooks: {', '.join(item.hooks) or 'none'}",
        "options:" if item.options else "no options",
    ]
    for row in item.options:
        lines.append(f"  {row.name} ({row.type}): {row.description}")
        lines.append(
            f"    {'is ' + row.value if row.given else 'default ' + row.default if row.default else 'must be given'}"
        )
    return "\n".join(lines)
