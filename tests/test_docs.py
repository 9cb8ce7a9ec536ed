"""The docs say what is: commands, options, addresses, words, links and examples."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.util import setup_testing_defaults

import click
import pytest
import yaml

from wwt_framework import cli, config
from wwt_framework.options import HouseKeys, HouseOptions
from wwt_framework.testing.running import running
from wwt_framework.web import pages, wsgi

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])

#: Words of which each means one thing here.
WORDS = (
    "workflow", "task", "prep id", "campaign", "request type", "exit code", "site", "installation", "readiness",
    "production status", "ACDC", "recovery", "case", "snapshot", "procedure", "recommendation", "prediction", "action",
    "operator", "user",
)  # fmt: skip


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"wwt_docs_{name}", ROOT / "docs" / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


configuration = tool("configuration")


# -- reading Markdown --


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """Fenced blocks of *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(path), re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    """The text without fenced blocks and comments."""
    return re.sub(r"^```.*?^```|<!--.*?-->", "", text_of(path), flags=re.MULTILINE | re.DOTALL)


def spans(path: Path) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(path))


def shell(path: Path) -> Iterator[str]:
    """Every command that the page tells."""
    yield from spans(path)
    for block in [*blocks(path, "sh"), *blocks(path, "ini"), *blocks(path, "")]:
        yield from (line.partition(" #")[0] for line in block.splitlines())


def anchors(path: Path) -> set[str]:
    """Where links into the page can lead, as GitHub and MyST name it."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'^\((\S+)\)=$|<a (?:id|name)="(\S+)"', text_of(path), re.MULTILINE))


def told(paths: list[Path], pattern: str) -> list[tuple[str, str]]:
    """What *pattern* finds in the commands of *paths*: (page, found)."""
    return [(path.name, found) for path in paths for line in shell(path) for found in re.findall(pattern, line)]


# -- commands --


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[click.Group]:
    """``wwt`` with what the shipped plugins contribute."""
    path = tmp_path / "plugins.yml"
    path.write_text("errors: {world: {workflows: 5}}\nauth: {token: {}, local: {}}\nactions: {procedures: {}}\n")
    monkeypatch.setenv("WWT_CONFIG", str(path))
    monkeypatch.setattr(sys, "argv", ["wwt"])
    with click.Context(cli.cli):
        yield cli.cli


def found_command(group: click.Group, words: list[str]) -> click.Command | None:
    """The command that *words* begin with; None when there is none of that name."""
    context = click.get_current_context()
    command: click.Command | None = group
    for word in words:
        if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        command = command.get_command(context, word)
    return command


def test_every_target_of_make_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = told(DOCS, r"(?:^|&& )make ([a-z-]+)")

    assert {"demo", "test"} <= {target for _, target in named}
    assert [found for found in named if found[1] not in targets] == []


def test_two_commands_begin_with_what_a_bare_machine_lacks():
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines() if "apt-get" in line]

    assert [line.rpartition("&& ")[2] for line in lines] == ["make demo", "make test"]
    for line in lines:
        assert line.startswith("$(command -v sudo) apt-get update && ")
        assert " make python3-venv " in line


@pytest.mark.slow
def test_every_command_in_the_docs_exists(commands: click.Group):
    named = told(DOCS, r"(?:^|/|[|] )wwt((?: (?:--verbose|[a-z][a-z-]*))+)")
    missing = [
        (page, words)
        for page, words in named
        if found_command(commands, [w for w in words.split() if not w.startswith("-")]) is None
    ]

    assert len(named) > 20
    assert missing == []


@pytest.mark.slow
def test_every_option_of_a_command_in_the_docs_exists(commands: click.Group):
    wrong = []
    for page, line in told(DOCS, r"(?:^|/|[|] )wwt (\S.*)"):
        words = [word for word in line.split() if word != "--verbose"]
        command = found_command(commands, words)
        known = {name for parameter in command.params for name in parameter.opts} if command else set()
        wrong += [
            (page, line, w)
            for w in re.findall(r"--[a-z-]+", line)
            if w not in known | {"--version", "--help", "--verbose"}
        ]

    assert wrong == []


def test_every_option_told_alone_belongs_to_some_command(commands: click.Group):
    context = click.get_current_context()
    known = {"--help", "--version", "--verbose"}
    groups = [
        commands,
        *(c for n in commands.list_commands(context) if isinstance(c := commands.get_command(context, n), click.Group)),
    ]
    for group in groups:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command
            known |= {option for parameter in command.params for option in parameter.opts}
    ours = [path for path in DOCS if path.name in ("README.md", "admins.md", "operators.md", "configuration.md")]
    named = [(path.name, span.split()[0]) for path in ours for span in spans(path) if span.startswith("--")]

    assert named
    assert [found for found in named if found[1] not in known] == []


def test_every_command_is_in_the_docs(commands: click.Group):
    page = text_of(ROOT / "docs" / "admins.md")

    for name in commands.list_commands(click.get_current_context()):
        assert f"`wwt {name}" in page, f"docs/admins.md says nothing of wwt {name}"


# -- options --


def test_the_page_of_options_is_up_to_date():
    again = "run `python docs/tools/configuration.py` and keep what it writes"

    assert text_of(configuration.PAGE) == configuration.text(), again


@pytest.mark.parametrize("model", [HouseOptions, HouseKeys])
def test_every_option_of_the_house_is_told(model: type[HouseOptions | HouseKeys]):
    page = text_of(configuration.PAGE)

    for name in model.model_fields:
        assert f"| `{name}` |" in page


def test_every_shipped_plugin_and_its_options_are_told():
    page = text_of(configuration.PAGE)

    for namespace in config.NAMESPACES:
        for name, plugin in configuration.shipped(namespace):
            section = page.partition(f"### `{namespace}.{name}`\n")[2].partition("\n##")[0]
            assert section, f"{namespace}.{name}"
            for option in plugin.Options.model_fields:
                assert f"| `{option}` |" in section


def test_every_option_has_a_meaning():
    for namespace in config.NAMESPACES:
        for name, plugin in configuration.shipped(namespace):
            for option, field in configuration.options(plugin.Options):
                assert field.description, f"{namespace}.{name}.{option}"


def configurations() -> Iterator[tuple[str, str]]:
    """Every example of a plugins.yml, with the page it stands on."""
    for path in DOCS:
        for block in blocks(path, "yaml"):
            data = yaml.safe_load(block)
            if isinstance(data, dict) and data.keys() <= {"wwt", *config.NAMESPACES}:
                yield path.name, block


@pytest.mark.parametrize(("page", "text"), list(configurations()))
def test_every_example_of_a_configuration_is_accepted(page: str, text: str, tmp_path: Path):
    for name in ("host.pem", "host.key", "executor-key", "ca.pem", "ldap-password", "oidc-secret", "people.yml"):
        (tmp_path / name).write_text("x" * 16)
    for name in ("templates", "authorities"):
        (tmp_path / name).mkdir()
    path = tmp_path / "plugins.yml"
    path.write_text(text.replace("/etc/wwt/", f"{tmp_path}/"))
    environ = dict.fromkeys(re.findall(r"\$env: *(\w+)", text), "x" * 16)
    shipped = {
        (namespace, name): plugin
        for namespace in config.NAMESPACES
        for name, plugin in configuration.shipped(namespace)
    }

    loaded = config.load(path, environ)

    for plugin in loaded.plugins:
        if made := shipped.get((plugin.namespace, plugin.use)):
            config.fill(made.Options, plugin)


# -- addresses --


def mounted() -> set[str]:
    names = [module.name for module in pkgutil.iter_modules(pages.__path__)]
    modules = [importlib.import_module(f"{pages.__name__}.{name}") for name in names]
    exact, below = wsgi.collected({module.__name__: module.mount(None) for module in modules})
    return {*exact, *below}


#: Options of plugins with pages that can not do without.
NEEDED = {"oidc": {"issuer": "https://auth.example.org", "client_id": "wwt"}}


def contributed(folder: Path) -> set[str]:
    """The addresses that shipped plugins add to those of the core."""
    found: set[str] = set()
    for namespace in config.NAMESPACES:
        for name, plugin in configuration.shipped(namespace):
            if hasattr(plugin, "register_pages"):
                it = running(f"{namespace}.{name}", NEEDED.get(name, {}), folder)
                found |= {page.path for page in it.ask("register_pages")}
                it.stop()
    return found


def test_every_address_in_the_docs_is_served(tmp_path: Path):
    paths = mounted() | contributed(tmp_path)
    ours = [ROOT / "docs" / "operators.md", ROOT / "docs" / "admins.md"]
    named = [
        (path.name, span.split("?")[0]) for path in ours for span in spans(path) if re.match(r"/[a-z0-9_]+(\?|$)", span)
    ]

    assert len(named) > 20
    assert [found for found in named if found[1] not in paths] == []


def test_every_address_is_in_the_docs():
    pages_ = text_of(ROOT / "docs" / "operators.md") + text_of(ROOT / "docs" / "admins.md")
    whole = {path for path in mounted() if path.count("/") == 1 and path not in ("/", "/static", "/p")}

    assert sorted(path for path in whole if not re.search(rf"{path}(?![a-z0-9_])", pages_)) == []


def test_every_key_is_in_the_docs():
    template = text_of(ROOT / "wwt_framework" / "web" / "templates" / "_key_list.html")
    page = text_of(ROOT / "docs" / "operators.md")

    for row in re.findall(r"<tr><td>(.*?)</td>", template):
        assert " ".join(f"`{key}`" for key in re.findall(r"<kbd>(.*?)</kbd>", row)) in page


def test_every_module_is_in_the_table_of_rooms():
    table = re.findall(r"^\| (`.*?) \|", text_of(ROOT / "docs" / "architecture.md"), re.MULTILINE)
    patterns = [span for cell in table for span in re.findall(r"`([^`]+)`", cell)]
    rooms = [path.name if path.is_file() else f"{path.name}/" for path in (ROOT / "wwt_framework").iterdir()]

    assert [
        room
        for room in rooms
        if room.endswith((".py", "/")) and not room.startswith("__") and not any(fnmatch(room, p) for p in patterns)
    ] == []


@pytest.fixture
def application(tmp_path: Path) -> Iterator[wsgi.Pages]:
    """What the example for other WSGI servers makes."""
    (tmp_path / "plugins.yml").write_text("wwt: {data_dir: data}\nauth: {local: {}}\n")
    (example,) = (block for block in blocks(ROOT / "docs" / "admins.md", "python") if "application =" in block)
    made: dict[str, Any] = {}
    exec(example.replace("/etc/wwt/", f"{tmp_path}/"), made)
    yield made["application"]
    made["application"].app.close()


def ask(application: wsgi.Pages, path: str) -> tuple[str, bytes]:
    """Status and body of a GET."""
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    body = b"".join(application(environ, lambda status, *_: statuses.append(status)))
    return statuses[0], body


def test_c7_d10_the_application_of_the_docs_serves_pages(application: wsgi.Pages):
    status, body = ask(application, "/globalerror")

    assert status.startswith("200")
    assert b"</html>" in body


def test_c9_one_request_tells_whether_it_is_alive(application: wsgi.Pages):
    status, body = ask(application, "/health")

    assert status.startswith("200")
    assert json.loads(body)["state"] in ("ok", "degraded")


# -- words, links, images --


def test_every_word_of_ours_is_in_the_glossary():
    page = text_of(ROOT / "docs" / "glossary.md")
    entries = {
        word.strip() for entry in re.findall(r"^\| \*\*(.*?)\*\*", page, re.MULTILINE) for word in entry.split(",")
    }

    assert set(WORDS) - entries == set()


def links(path: Path) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)) if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_between_the_docs_leads_somewhere(path: Path):
    for target in links(path):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name}: {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{path.name}: {target}"


def test_every_page_is_in_the_table_of_contents():
    trees = re.findall(r"```\{toctree\}\n(.*?)```", text_of(ROOT / "docs" / "index.md"), re.DOTALL)
    listed = {line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")}

    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} == listed


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "images").glob("*.png")), ids=lambda path: path.name)
def test_images_are_small_and_used(path: Path):
    used = "".join(text_of(page) for page in DOCS)

    assert path.stat().st_size < 250_000
    assert path.name in used


def test_measured_tables_have_their_place():
    page = text_of(ROOT / "docs" / "performance.md")

    assert page.count("<!-- measured: begin -->") == page.count("<!-- measured: end -->") == 1
