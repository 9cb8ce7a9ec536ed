"""docs/hooks.md, from the hook specifications, their callers and the shipped plugins that implement them.

python docs/tools/hooks.py
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from wwt_framework.hooks import specs
from wwt_framework.hooks.loader import MUST
from wwt_framework.hooks.table import DEADLINES, HOOKS, Hook

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "hooks.md"

_ASKED = {
    "each": "every plugin, in the order of plugins.yml; answers are joined",
    "first": "in the order of plugins.yml, until one answers other than None",
    "owner": "only the plugin that the thing in question belongs to",
}
_SECTION = re.compile(r"^# -- (.+?) -*$", re.MULTILINE)


def hooks_page() -> str:
    """The whole of docs/hooks.md."""
    callers, users = _callers(), _users()
    silent = [name for name in HOOKS if not callers.get(name)]
    parts = [_INTRODUCTION, _purposes(), _deadlines(), _not_called(silent)]
    for section, hooks in _sections():
        parts.append(f"## {section[:1].upper()}{section[1:]}")
        parts += [_hook(hook, callers.get(hook.name, []), users.get(hook.name, [])) for hook in hooks]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = f"""\
# Hooks

<!-- Made by `python docs/tools/hooks.py` from wwt_framework/hooks/specs.py; do not edit. -->

A hook is a question that the house asks its plugins.
A plugin answers the hooks it likes: methods marked with `@hookimpl`, named as the hook is,
with any of its arguments, by name.
[Writing plugins](writing-plugins.md) shows how.

There are {len(HOOKS)} hooks.
`None`, or an empty list, means: nothing to say.
A plugin that raises, that answers something else than the hook declares, or that is late
loses its own answer and nothing else;
the failure is logged, counted on `/plugins`, and shown where the answer is missing.
Hooks of one plugin may be called from several threads at once.

How a hook is asked:

| asked | who |
|---|---|
{chr(10).join(f"| {word} | {meaning} |" for word, meaning in _ASKED.items())}

An answer that is a sequence is a list or a tuple, never a generator."""


def _purposes() -> str:
    rows = [
        f"| `wwt.{namespace}` | {', '.join(_link(hook) for hook in hooks) or 'any hook'} |"
        for namespace, hooks in MUST.items()
    ]
    return "\n".join(
        [
            "A plugin's namespace says what it is mainly for.",
            "It may implement any hook, and must implement at least one of these:",
            "",
            "| namespace | at least one of |",
            "|---|---|",
            *rows,
        ]
    )


def _deadlines() -> str:
    rows = [
        f"| `{start}{'...' if start.endswith('_') else ''}` | {seconds:g} |" for start, seconds in DEADLINES.items()
    ]
    return "\n".join(
        [
            "Somebody waits for these hooks, so they have a deadline.",
            "An answer that is late is missing; after three late ones in a row the hook of that plugin is asked",
            "only once a minute, until it answers in time or an admin releases it on `/plugins`.",
            "`deadline_s` in plugins.yml sets another deadline for one plugin.",
            "",
            "| hook | seconds |",
            "|---|--:|",
            *rows,
        ]
    )


def _not_called(silent: list[str]) -> str:
    if not silent:
        return "The house calls all of them."
    names = ", ".join(_link(name) for name in silent)
    return f"## Not called yet\n\nThe house does not call these hooks yet; a plugin may implement them: {names}."


def _link(hook: str) -> str:
    return f"[`{hook}`](#{hook})"


def _sections() -> Iterator[tuple[str, list[Hook]]]:
    """The headings of specs.py, each with its hooks."""
    source = inspect.getsource(specs)
    headings = list(_SECTION.finditer(source))
    bounds = [*(heading.start() for heading in headings), len(source)]
    for heading, start, end in zip(headings, bounds, bounds[1:], strict=False):
        names = re.findall(r"^def (\w+)\(", source[start:end], re.MULTILINE)
        yield re.sub(r"(wwt\.\w+)", r"`\1`", heading[1]), [HOOKS[name] for name in names]


def _hook(hook: Hook, callers: list[str], users: list[str]) -> str:
    text = re.sub(r"``(.+?)``", r"`\1`", inspect.getdoc(hook.spec) or "")
    text = re.sub(rf" Asked: {hook.asked}\.", "", text, count=1)
    answer = "nothing; what is returned is not looked at" if hook.returns.kind is None else hook.returns.words
    lines = [
        f"### {hook.name}",
        "",
        "```python",
        _signature(hook),
        "```",
        "",
        text,
        "",
        f"- Asked: {hook.asked}, {_ASKED[hook.asked]}.",
        f"- Answer: {answer}.",
        f"- Deadline: {f'{hook.deadline_s:g} s' if hook.deadline_s else 'none'}.",
        f"- Called from: {', '.join(f'`{caller}`' for caller in callers) or 'nowhere yet'}.",
        f"- Shipped plugins that answer it: {', '.join(users) or 'none'}.",
    ]
    return "\n".join(lines)


def _signature(hook: Hook) -> str:
    line = f"def {hook.signature}: ..."
    if len(line) <= 100:
        return line
    parameters = inspect.signature(hook.spec).parameters.values()
    inner = "".join(f"    {parameter},\n" for parameter in parameters).replace("'", "")
    return f"def {hook.name}(\n{inner}){hook.signature.rpartition(')')[2]}: ..."


def _callers() -> dict[str, list[str]]:
    """Hook -> the modules of the core that name it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "wwt_framework").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "wwt_framework").with_suffix("").parts).removesuffix(".__init__")
        if module.startswith("testing") or (module.startswith("hooks") and module != "hooks.loader"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = _arguments(tree) if module == "hooks.loader" else _constants(tree)
        for name in sorted(names & HOOKS.keys()):
            found.setdefault(name, []).append(module)
    return found


def _constants(tree: ast.Module) -> set[str]:
    """Every text in the code but those of ``__all__``."""
    kept = [
        node for node in tree.body if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
    ]
    return {
        node.value
        for statement in kept
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _arguments(tree: ast.Module) -> set[str]:
    """Every text that is handed to a function."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    given = (argument for call in calls for argument in call.args if isinstance(argument, ast.Constant))
    return {argument.value for argument in given if isinstance(argument.value, str)}


def _users() -> dict[str, list[str]]:
    """Hook -> the shipped plugins that implement it."""
    found: dict[str, list[str]] = {}
    plugins = ROOT / "plugins"
    for path in sorted(plugins.rglob("*.py")):
        parts = path.relative_to(plugins).with_suffix("").parts
        if len(parts) < 2 or any(part.startswith("_") for part in parts[:2]):
            continue
        for hook in sorted(_implemented(ast.parse(path.read_text(encoding="utf-8")))):
            names = found.setdefault(hook, [])
            if ".".join(parts[:2]) not in names:
                names.append(".".join(parts[:2]))
    return found


def _implemented(tree: ast.Module) -> set[str]:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {f.name for f in functions if any("hookimpl" in ast.unparse(mark) for mark in f.decorator_list)}


if __name__ == "__main__":
    PAGE.write_text(hooks_page(), encoding="utf-8")
