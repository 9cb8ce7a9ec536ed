"""Who may import whom. The tables are the architecture; this test keeps them true.

What stands under ``if TYPE_CHECKING`` does not count: it is not there when the program runs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

WORDS = (
    "errors", "model", "plugin", "options", "cube", "forms", "documents", "addresses", "keylines", "evidence", "shell",
)  # fmt: skip
CONFIG = ("config", "config_messages", "config_reading")
SNAPSHOT = ("snapshot", "snapshot_columns", "snapshot_detail", "snapshot_meta", "snapshot_templates")
JOBS = ("jobs", "job_queue", "job_refresh", "job_runs")
ROOF = (
    "app",
    "cli",
    "cli_learning",
    "cli_options",
    "cli_people",
    "checking",
    "running",
    "demo",
    "demo_live",
    "trials",
    "demo_past",
    "errands",
    "job_child",
    "setup_tls",
    "scaffold",
    "learning",
    "__main__",
)

#: Room -> the rooms of ours that it may import, beside itself. The longest name that fits a module is its room.
MAY: dict[str, tuple[str, ...]] = {
    "__init__": ("hooks.__init__",),
    # floor 1: words
    "errors": (),
    "model": (),
    "plugin": ("model",),
    "addresses": (),
    "shell": (),
    "keylines": (),
    "options": ("addresses",),
    "cube": ("model", "errors"),
    "forms": ("model", "plugin", "errors"),
    "evidence": ("model", "plugin"),
    "documents": ("config_messages", "config_reading"),
    # floor 2: machinery
    **dict.fromkeys(CONFIG, ("errors", "options", *CONFIG)),
    "import_config": (
        "errors",
        "options",
        "import_config_clusters",
        "import_config_monit",
        "import_config_people",
        *CONFIG,
    ),
    "import_config_clusters": CONFIG,
    "import_config_monit": ("addresses", *CONFIG),
    "import_config_people": ("options", *CONFIG),
    "http": ("errors",),
    "pool": (),
    "logs": (),
    "compute": WORDS,
    **dict.fromkeys(SNAPSHOT, (*WORDS, *SNAPSHOT)),
    "hooks.__init__": (),
    "hooks.specs": ("hooks.__init__",),
    "hooks": (*WORDS, *CONFIG),
    "store": WORDS,
    **dict.fromkeys(JOBS, (*WORDS, *JOBS, "config", "hooks", "store", "pool")),
    # floor 3: the rules
    "services": (*WORDS, *SNAPSHOT, "config", "hooks", "store", "pool", "http", "compute"),
    # floor 4: pages
    "web": ("__init__", *WORDS, *SNAPSHOT, "config", "hooks", "store", "jobs", "services"),
    # the roof knows everybody, and nobody knows the roof
    **dict.fromkeys(ROOF, ("*",)),
    # the kit of plugin authors
    "testing": (*WORDS, *CONFIG, "http", "hooks"),
}

#: What nobody may import although the room is open.
NEVER: dict[str, tuple[str, ...]] = {
    "hooks": ("services", "web", "store"),
    "services": ("hooks.loader", "hooks.specs", "hooks.fitting", "hooks.lane"),
    "web": ("hooks.manager", "hooks.specs", "hooks.fitting", "hooks.lane", "store.tables"),
    **dict.fromkeys(JOBS, ("hooks.loader", "hooks.specs", "store.tables")),
}

#: Library -> the rooms that may import it. A library that is not here is a decision that nobody took yet.
ONLY: dict[str, tuple[str, ...]] = {
    "pluggy": ("hooks.__init__", "hooks.manager"),
    "stevedore": ("hooks.loader",),
    "cherrypy": ("web",),
    "cheroot": ("web",),
    "jinja2": ("web",),
    "markupsafe": ("web",),
    "peewee": ("store",),
    "playhouse": ("store",),
    "psycopg": ("store",),
    "psycopg_pool": ("store",),
    "huey": ("job_queue",),
    "requests": ("http", "plugins"),
    "urllib3": ("http", "plugins"),
    "yaml": (*CONFIG, "import_config"),
    "click": (*ROOF, "plugins"),
    "numpy": ("cube", *SNAPSHOT, "services", "testing", "plugins"),
    "scipy": ("services", "plugins", "testing"),
    "sklearn": ("compute", "plugins"),
    "threadpoolctl": ("plugins",),
    "joblib": ("compute",),
    "skops": ("plugins",),
    "dask": ("compute",),
    "distributed": ("compute",),
    "orjson": (*SNAPSHOT, *JOBS, "services", "store", "web", "plugins"),
    "re2": ("services", "plugins"),
    "argon2": ("plugins",),
    "cryptography": ("plugins",),
    "authlib": ("plugins",),
    "joserfc": ("plugins",),
    "ldap": ("plugins",),
    "oracledb": ("plugins",),
    "webauthn": ("plugins",),
    "stomp": ("plugins",),
    "trustme": ("testing",),
    "pydantic": (
        "options",
        "documents",
        *CONFIG,
        "import_config",
        "import_config_people",
        "hooks",
        "services",
        "web",
        "plugins",
    ),
    "pydantic_core": CONFIG,
    "pytest": ("testing",),
}

#: Libraries with which something is learnt.
FITS = ("scipy", "sklearn", "skops", "joblib", "dask", "distributed")

#: What a plugin may import of ours.
DOOR = {"wwt_framework.hookimpl", *(f"wwt_framework.{word}" for word in WORDS)}


class Import(NamedTuple):
    name: str  # "wwt_framework.hooks.manager.Hooks"
    line: int
    level: int  # 0: absolute
    inside: bool  # of a function


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> tuple[Import, ...]:
    return tuple(_walk(ast.parse(path.read_text(encoding="utf-8")), inside=False))


def _walk(node: ast.AST, inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, 0, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = f"{child.module}." if child.module else ""
            yield from (Import(module + alias.name, child.lineno, child.level, inside) for alias in child.names)
        yield from _walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def within(name: str, rooms: tuple[str, ...]) -> bool:
    """Whether *name* is one of *rooms*, or lies in it; "hooks.__init__" is the package without what lies in it."""
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def module_of(path: Path) -> str:
    """``hooks.manager``, ``hooks.__init__``."""
    return ".".join(path.relative_to(ROOT / "wwt_framework").with_suffix("").parts)


def room_of(module: str) -> str:
    fitting = [room for room in MAY if within(module, (room,))]
    assert fitting, f"wwt_framework/{module}: say in MAY what this room may import"
    return max(fitting, key=len)


def target_of(name: str) -> str:
    """The module of ours that *name* is, or lies in: ``wwt_framework.hooks.hookspec`` -> ``hooks.__init__``."""
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath("wwt_framework", *parts[:length])
        if place.with_suffix(".py").is_file():
            return ".".join(parts[:length])
        if (place / "__init__.py").is_file():
            return ".".join([*parts[:length], "__init__"])
    return "__init__"


CORE = files("wwt_framework")
PLUGINS = files("plugins")
THIN = files("tests/thin/plugins")


def readable(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CORE, ids=readable)
def test_room_imports_only_what_is_below_it(path):
    module = module_of(path)
    room = room_of(module)
    allowed = (room, *MAY[room])

    wrong = []
    for item in imports(path):
        assert item.level == 0, f"{readable(path)}:{item.line}: the core imports by full names"
        if item.name.split(".")[0] != "wwt_framework":
            continue
        target = target_of(item.name)
        up = "*" not in allowed and not within(target, allowed)
        if up or within(target, NEVER.get(room.split(".")[0], ())):
            wrong.append(f"{readable(path)}:{item.line} ({room}) imports {item.name}")

    assert wrong == []


@pytest.mark.parametrize("path", CORE + PLUGINS + THIN, ids=readable)
def test_library_is_known_in_its_rooms_only(path):
    here = module_of(path) if path in CORE else "plugins"

    wrong = []
    for item in imports(path):
        library = item.name.split(".")[0]
        if item.level or library in sys.stdlib_module_names or library in ("wwt_framework", "wwt_plugins"):
            continue
        if not within(here, ONLY.get(library, ())):
            wrong.append(f"{readable(path)}:{item.line} imports {library}; may: {', '.join(ONLY.get(library, ()))}")

    assert wrong == []


@pytest.mark.parametrize("path", PLUGINS + THIN, ids=readable)
def test_plugin_knows_the_words_and_the_marker_and_nothing_else_of_the_house(path):
    wrong = [
        f"{readable(path)}:{item.line} imports {item.name}"
        for item in imports(path)
        if item.level == 0
        and item.name.split(".")[0] in ("wwt_framework", "wwt_plugins", "plugins")
        and not within(item.name, tuple(DOOR))
    ]

    assert wrong == []


@pytest.mark.parametrize("path", PLUGINS, ids=readable)
def test_plugins_share_only_what_is_in_underscore_modules(path):
    own = path.relative_to(ROOT / "plugins").parts[:2]  # ("errors", "json_file")
    own = (own[0], own[1].removesuffix(".py")) if len(own) > 1 else own

    wrong = []
    for item in imports(path):
        if not item.level:
            continue
        folder = path.parents[item.level - 1].relative_to(ROOT / "plugins").parts
        target = (*folder, *item.name.split("."))
        if target[:2] != own and not any(part.startswith("_") for part in target[:2]):
            wrong.append(f"{readable(path)}:{item.line} imports {'.'.join(target)}")

    assert wrong == []


def test_pages_do_not_import_each_other():
    pages = [path for path in CORE if module_of(path).startswith("web.pages.")]

    wrong = [
        f"{readable(path)}:{item.line} imports {item.name}"
        for path in pages
        for item in imports(path)
        if item.name.startswith("wwt_framework.web.pages.") and not path.stem.startswith("_")
    ]

    assert pages
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("testing/__init__.py", "wwt_framework"),  # pytest loads it before coverage starts
        ("cli.py", "wwt_framework.web"),  # `wwt check` needs no web server
        ("cli.py", "cherrypy"),
    ],
)
def test_what_is_not_always_needed_is_imported_late(module, late):
    at_start = [item for item in imports(ROOT / "wwt_framework" / module) if not item.inside]

    assert [item for item in at_start if within(item.name, (late,))] == []


@pytest.mark.parametrize("path", CORE + PLUGINS, ids=readable)
def test_libraries_of_fits_are_imported_by_fits_only(path):
    """They take longer than all the rest together, and every command of `wwt` would wait for them."""
    at_start = [item for item in imports(path) if not item.inside]

    assert [item for item in at_start if within(item.name, FITS)] == []


def test_every_room_of_the_table_is_there():
    """A room that is gone leaves the table; those that the plan names for later may stand in it."""
    later = {"forms", "scaffold", "__main__"}
    there = {room_of(module_of(path)) for path in CORE}

    assert set(MAY) - there <= later
