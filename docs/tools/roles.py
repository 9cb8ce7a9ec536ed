"""docs/roles.md, from the addresses themselves: who may ask for which, of the core and of every shipped plugin.

python docs/tools/roles.py
"""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from wwt_framework.app import App
from wwt_framework.web import wsgi

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "roles.md"

_HEAD = """\
# Who may ask for what

<!-- Made by `python docs/tools/roles.py` from the addresses themselves; do not edit. A test walks all of them in every role. -->

| role | may |
|---|---|
| anyone | what needs no sign-in; a page may still ask for one itself, as your own sessions do |
| viewer | read; without a sign-in, too, unless `open_reading: false` |
| operator | ask for actions and refreshes, and read |
| admin | everything but what is the executor's |
| machine | fetch and report actions, and read |

Roles come from the backend that lets somebody in, from plugins that grant them, and from what an admin granted on
`/people`; they add up.
Who is nobody gets 401 with a way to sign in and to request access; who lacks a role gets 403 with who they are and
what is missing.
Whatever changes something is a POST with the token of its form, from a page of this installation.

## Addresses

`/*` stands for all below it. Pages of plugins are there when the plugin is listed.

| address | method | role | of |
|---|---|---|---|
"""

#: Options without which a plugin that has pages does not load; nothing outside is asked at these addresses.
_OPTIONS = {"oidc": "{issuer: 'https://127.0.0.1:1', client_id: wwt, client_secret: x}"}


class Address(NamedTuple):
    """One row."""

    path: str
    method: str
    role: str
    of: str  # "core", or the plugin


def addresses(app: App) -> list[Address]:
    """Every address of *app*, with its declared role."""
    return sorted(_addresses(app))


def _addresses(app: App) -> Iterator[Address]:
    pages = wsgi.build(app)
    for path, handlers in pages.own.items():
        for handler in handlers:
            for method in handler.rules.methods:
                yield Address(path, method, handler.rules.role, "core")
    for path, several in pages.room(app.house).pages.items():
        for one in several:
            for method in one.page.methods:
                yield Address(path, method, one.page.role, one.plugin)


def everything(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> App:
    """An installation in *folder* with local accounts and every shipped plugin that has pages.

    *more*: ``actions.acdc`` -> its options, of plugins that are to be there beside these, or with other options.
    """
    wanted = {**{f"auth.{name}": told for name, told in _OPTIONS.items()}, **more}
    lines = ["wwt:", "  data_dir: data", "  webmaster: {name: W, email: w@example.org}"]
    lines += ["  mail: {server: '127.0.0.1:1', security: none, sender: wwt@example.org}"]
    for namespace in ("errors", "clustering", "actions", "ml", "auth", "extras"):
        lines.append(f"{namespace}:")
        points = importlib.metadata.entry_points(group=f"wwt.{namespace}")
        ours = [point for point in points if point.value.startswith("wwt_plugins.")]
        names = sorted(point.name for point in ours if hasattr(point.load(), "register_pages"))
        others = [name.partition(".")[2] for name in wanted if name.startswith(f"{namespace}.")]
        listed = dict.fromkeys([*names, *(["local"] if namespace == "auth" else []), *others])
        lines += [f"  {name}: {wanted.get(f'{namespace}.{name}', '{}')}" for name in listed]
    path = folder / "plugins.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    app = App.build(path)
    if complaints := [item.complaint for item in app.house.loaded if not item.ok]:
        raise SystemExit(f"give these plugins options in _OPTIONS of {__file__}: {complaints}")
    return app


def text() -> str:
    """The page."""
    with tempfile.TemporaryDirectory() as folder:
        app = everything(Path(folder))
        try:
            rows = addresses(app)
        finally:
            app.close()
    return _HEAD + "".join(f"| `{row.path}` | {row.method} | {row.role} | {row.of} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
