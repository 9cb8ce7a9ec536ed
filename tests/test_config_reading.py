from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import Field, SecretStr

from wwt_framework import config
from wwt_framework.config_reading import read
from wwt_framework.errors import ConfigError
from wwt_framework.options import ConfigPath, HouseKeys, HouseOptions, Location, PluginOptions


class TestReading:
    def test_everything_has_a_line(self):
        tree = read("a:\n  b: 1\n  c:\n  - x\n  -\n    d: 2\n", "f.yml")

        assert tree.data == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
        assert tree.lines[("a", "b")] == 2
        assert tree.lines[("a", "c")] == 3
        assert tree.lines[("a", "c", 0)] == 4
        assert tree.lines[("a", "c", 1, "d")] == 6
        assert tree.where(("a", "c", 1, "e")) == "f.yml:6"

    @pytest.mark.parametrize(
        ("text", "data"),
        [
            ("no: 1\n8021: 2\n", {"no": 1, "8021": 2}),
            ("at: 12:30", {"at": "12:30"}),
            ("at: 1:30.5", {"at": "1:30.5"}),
            ("on: 2026-11-23", {"on": "2026-11-23"}),
            ("a: yes\nb: off\nc: 1_000\nd: 0.5\ne: ~", {"a": True, "b": False, "c": 1000, "d": 0.5, "e": None}),
            ("a: =\nb: <<", {"a": "=", "b": "<<"}),
            ("<<: {a: 1}", {"<<": {"a": 1}}),
            ("a: &anchor 1", {"a": 1}),
            ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ],
    )
    def test_values_are_what_one_would_think(self, text: str, data: object):
        tree = read(text, "f.yml")

        assert tree.data == data
        assert tree.problems == []

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("a:\n\tb: 1", "f.yml:2: a tab; YAML wants spaces"),
            ("a: [1\nb: 2", "f.yml:2: a bracket that does not end, or a missing comma"),
            ("a: {b", "f.yml:1: a bracket that does not end, or a missing comma"),
            ('a: "x\n', "f.yml:2: a text in quotes, or a bracket, that does not end"),
            ("a: b: c", "f.yml:1: a colon where none is expected; put text with ': ' in quotes"),
            ("a:\n  b: 1\n c: 2", "f.yml:3: indented otherwise than the lines before it"),
            ("a: 1\nb\nc: 2\n", "f.yml:3: expected a colon and a space after the key"),
            (
                "a: *x",
                "f.yml:1: an alias (*name) is not taken; write the value out, and text beginning with '*' in quotes",
            ),
            ("a: !x y", "f.yml:1: a: a tag (!name) is not taken; put text beginning with '!' in quotes"),
            ("a: !x!y z", "f.yml:1: a tag (!name) is not taken; put text beginning with '!' in quotes"),
            ("a: !x {b: 1}", "f.yml:1: a: a tag (!name) is not taken; put text beginning with '!' in quotes"),
            ("a: @x", "f.yml:1: not YAML: found character '@' that cannot start any token"),
            ("---\na: 1\n---\nb: 1", "f.yml:3: a second document ('---'); one file holds one configuration"),
            ("a: 1\nb: 2\na: 3", "f.yml:3: a: is given twice; the first is in line 1"),
            ("a:\n  ? [x]\n  : 1", "f.yml:2: a: expected a word as key"),
            ("a: 1\nb: \x01", "f.yml:2: a control character, U+0001; take it out"),
            ("a: !!int x", "f.yml:1: a: expected a number that can be read"),
            ("a: !!bool x", "f.yml:1: a: expected true or false that can be read"),
            ("a: 0x" + "f" * 5000, "f.yml:1: a: expected a number that can be read"),
            ('a: "\\ud800"', "f.yml:1: a: a character that is half of a pair; take the backslash and what follows out"),
            ("a: " + "[" * 1000, "f.yml:1: nested more than 40 deep"),
        ],
    )
    def test_what_is_not_meant_is_said_with_its_line(self, text: str, problem: str):
        assert read(text, "f.yml").problems == [problem]

    @pytest.mark.parametrize(
        "secret", ["*hunter2", "!hunter2", "!hunter2!x", "!<hunter2>", "%hunter2", "@hunter2", "`hunter2"]
    )
    def test_a_password_that_is_no_yaml_is_not_said(self, secret: str):
        (problem,) = read(f"password: {secret}\n", "f.yml").problems

        assert "hunter2" not in problem

    def test_a_bomb_does_not_go_off(self):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

        (problem,) = read("\n".join(lines), "f.yml").problems

        assert problem.startswith("f.yml:2: an alias")


class Server(PluginOptions):
    url: str
    password: SecretStr = SecretStr("")


class Options(PluginOptions):
    n_clusters: int = Field(20, ge=2)
    path: Location = "x"
    token: SecretStr = SecretStr("")
    servers: tuple[Server, ...] = ()
    folder: ConfigPath | None = None


PIECES = [
    "wwt",
    "errors",
    "a",
    ":",
    " ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "$env",
    "$file",
    "threads",
    "!",
    "&a",
]
PIECES += [
    "*a",
    "'",
    '"',
    "\\",
    "\t",
    "|",
    ">",
    "%",
    "---",
    "...",
    "?",
    "#",
    "<<",
    "1",
    ".inf",
    "0x",
    "~",
    "\ud7ff",
    "\0",
]


class TestAnything:
    @given(raw=st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
    @example(raw=b"[" * 100_000)
    @example(raw=b"{a: " * 1000)
    @example(raw=b"a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n")
    @example(raw='"\\UFFFFFFFF"')
    @example(raw='"\\ud800": "\\ud800"')
    @example(raw="%YAML 1." + "9" * 5000 + "\n--- 1")
    @example(raw="wwt: {threads: 0x" + "f" * 5000 + "}")
    @example(raw="wwt: {threads: !!int x, dry_run: !!bool x, refresh_minutes: !!float }")
    @example(raw="wwt: !!python/object/apply:os.system [ls]")
    @example(raw="wwt: {refresh_minutes: 1_, session_hours: ._}")
    @example(raw="$env:")
    @example(raw="$env: HOME")
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
    def test_in_a_file_is_loaded_or_refused_in_words(self, tmp_path: Path, raw: bytes | str):
        path = tmp_path / "plugins.yml"
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass"))

        refusal = self.refusal(path)
        assert all(re.match(r"(plugins\.yml:\d+|/.*plugins\.yml): .", problem) for problem in refusal), refusal

    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=8,
        )
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
    def test_in_the_place_of_an_option_is_taken_or_refused_in_words(self, tmp_path: Path, value: object):
        path = tmp_path / "plugins.yml"
        blocks = [{"wwt": {key: value}} for key in HouseOptions.model_fields]
        blocks += [{"ml": {"a": {key: value}}} for key in [*Options.model_fields, *HouseKeys.model_fields, "unknown"]]
        for block in blocks:
            path.write_text(yaml.safe_dump(block), encoding="utf-8")
            refusal = self.refusal(path)
            assert all(re.match(r"plugins\.yml:\d+: .", problem) for problem in refusal), refusal

    def refusal(self, path: Path) -> tuple[str, ...]:
        try:
            for plugin in config.load(path, {}).plugins:
                config.fill(Options, plugin)
        except ConfigError as err:
            return err.problems or ("",)
        return ()
