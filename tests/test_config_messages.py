from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr, field_validator, model_validator

from wwt_framework import config
from wwt_framework.errors import ConfigError
from wwt_framework.options import ConfigPath, Location, PluginOptions

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "plugins.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, environ)
    return list(caught.value.problems)


class TestProblems:
    def test_all_are_said_at_once_in_the_order_of_the_file(self, write: Write):
        text = """\
wwt:
  listen: 8080
  threds: 5
  threads: "many"
  refresh_minutes: 0
  webmaster: {nam: x, email: foo}
  dry_run: maybe
eror: {}
errors:
  json_file: [x]
  world: {required: 5, deadline_s: -1}
  "a/b": {}
  p: {path: {$env: NOPE}, q: {$fil: x}}
  p: {}
auth: local
"""

        assert problems(write(text)) == [
            "plugins.yml:2: wwt.listen: expected text, got 8080",
            "plugins.yml:3: wwt.threds: unknown option; did you mean 'threads'?",
            "plugins.yml:4: wwt.threads: expected an integer from 1 to 1000, got 'many'",
            "plugins.yml:5: wwt.refresh_minutes: expected a number above 0, got 0",
            "plugins.yml:6: wwt.webmaster.email: expected an address like name@example.org, got 'foo'",
            "plugins.yml:6: wwt.webmaster.nam: unknown option; did you mean 'name'?",
            "plugins.yml:7: wwt.dry_run: expected true or false, got 'maybe'",
            "plugins.yml:8: eror: unknown block; did you mean 'errors'?",
            "plugins.yml:10: errors.json_file: expected options as a mapping ({} for none), got a list",
            "plugins.yml:11: errors.world.required: expected true or false, got 5",
            "plugins.yml:11: errors.world.deadline_s: expected a number above 0, got -1",
            "plugins.yml:12: errors.a/b: expected a name of letters, digits, _ and -",
            "plugins.yml:13: errors.p.path: the environment variable NOPE is not set",
            "plugins.yml:13: errors.p.q: '$fil' is not known; there are $env and $file",
            "plugins.yml:14: errors.p: is given twice; the first is in line 13",
            "plugins.yml:15: auth: expected plugins, each with its options ({} for none), got 'local'",
        ]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (
                "- wwt",
                "plugins.yml:1: expected the blocks wwt, errors, clustering, actions, ml, auth, extras, got a list",
            ),
            ("wwt: [1]", "plugins.yml:1: wwt: expected a mapping of the house's options, got a list"),
            (
                "zzz:",
                "plugins.yml:1: zzz: unknown block; there are: wwt, errors, clustering, actions, ml, auth, extras",
            ),
            ("wwt: {listen: localhost}", "wwt.listen: expected host:port like 127.0.0.1:8080, got 'localhost'"),
            ("wwt: {listen: 'x:65536'}", "wwt.listen: expected host:port like 127.0.0.1:8080, got 'x:65536'"),
            (
                "wwt: {base_url: wwt.org}",
                "wwt.base_url: expected an address like https://wwt.example.org, got 'wwt.org'",
            ),
            ("wwt: {refresh_minutes: .inf}", "wwt.refresh_minutes: expected a finite number above 0, got inf"),
            ("wwt: {data_dir: ''}", "wwt.data_dir: expected a path; leave the key out to have none, got ''"),
            ("wwt: {data_dir: ~nobody-here/x}", "wwt.data_dir: expected the path of a file or folder"),
            ('wwt: {data_dir: "a\\0b"}', "wwt.data_dir: expected the path of a file or folder"),
            ("wwt: {templates: gone}", "wwt.templates: expected an existing folder, got '"),
            (
                "wwt: {tls: {certificate: gone.pem}}",
                "wwt.tls.key: is missing: PEM file of its private key",
            ),
            ("wwt: {webmaster: Jane}", "wwt.webmaster: expected a mapping, got 'Jane'"),
            ("errors: {a: {use: ''}}", "errors.a.use: expected text that matches"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_place(self, write: Write, text: str, problem: str):
        assert problem in "\n".join(problems(write(text)))

    def test_the_password_of_a_database_is_not_said(self, write: Write):
        (problem,) = problems(write("wwt: {store: 'mysql://wwt:hunter2@db/wwt'}"))

        assert "hunter2" not in problem
        assert "got 'mysql://...@db/wwt'" in problem

    def test_a_wrong_house_and_a_wrong_plugin_are_both_said(self, write: Write):
        assert len(problems(write("wwt: {threads: 0}\nml: {a: 5}\n"))) == 2


class Server(PluginOptions):
    url: str
    password: SecretStr = SecretStr("")


class Options(PluginOptions):
    n_clusters: int = Field(20, ge=2, description="how many groups")
    path: Location = Field("x", description="file or URL")
    token: SecretStr = SecretStr("")
    pin: SecretStr = SecretStr("")
    servers: tuple[Server, ...] = ()
    folder: ConfigPath | None = None

    @field_validator("n_clusters")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("expected an even number")
        return value

    @model_validator(mode="after")
    def _talkative(self) -> Options:
        if self.pin.get_secret_value():
            raise ValueError(f"no such pin: {self.pin.get_secret_value()}")
        return self


class TestFilling:
    def fill(self, write: Write, options: str, **environ: str) -> Options:
        (plugin,) = config.load(write(f"clustering:\n  vectors:\n{options}"), environ).plugins
        return config.fill(Options, plugin)

    def refused(self, write: Write, options: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.fill(write, options, **environ)
        assert caught.value.__cause__ is None  # a traceback would show what we do not
        return list(caught.value.problems)

    def test_options_are_checked_and_completed(self, write: Write, tmp_path: Path):
        options = self.fill(write, "    path: errors.json\n    folder: models\n    required: true\n")

        assert options.n_clusters == 20
        assert options.path == f"{tmp_path}/errors.json"
        assert options.folder == tmp_path / "models"

    def test_a_url_is_a_location_as_it_stands(self, write: Write):
        assert self.fill(write, "    path: https://x.org/a.json\n").path == "https://x.org/a.json"

    def test_variables_are_text_and_become_what_is_asked_for(self, write: Write):
        assert self.fill(write, "    n_clusters: {$env: N}\n", N="4").n_clusters == 4

    def test_the_line_is_that_of_the_key(self, write: Write):
        assert self.refused(write, "    path: x\n\n    n_clusters: twenty\n    n_cluster: 4\n    requird: true\n") == [
            "plugins.yml:5: clustering.vectors.n_clusters: expected an integer of at least 2, got 'twenty'",
            "plugins.yml:6: clustering.vectors.n_cluster: unknown option; did you mean 'n_clusters'?",
            "plugins.yml:7: clustering.vectors.requird: unknown option; did you mean 'required'?",
        ]

    def test_entries_of_lists_have_their_own_lines(self, write: Write):
        assert self.refused(
            write, "    servers:\n    - url: a\n    - urll: b\n    - url: [1]\n      url: 2\n"[:-13]
        ) == [
            "plugins.yml:5: clustering.vectors.servers[1].url: is missing",
            "plugins.yml:5: clustering.vectors.servers[1].urll: unknown option; did you mean 'url'?",
            "plugins.yml:6: clustering.vectors.servers[2].url: expected text, got a list",
        ]

    def test_a_rule_of_the_plugin_speaks_for_itself(self, write: Write):
        (problem,) = self.refused(write, "    n_clusters: 3\n")

        assert problem == "plugins.yml:3: clustering.vectors.n_clusters: expected an even number, got 3"

    @pytest.mark.parametrize(
        "options",
        [
            "    token: [hunter2]\n",
            "    token: 271828\n",
            "    pin: hunter2\n",
            "    servers: [{url: a, password: 271828}]\n",
            "    servers: [hunter2]\n",
            "    servers: {password: hunter2}\n",
            "    passwort: hunter2\n",
            "    n_clusters: {$env: S}\n",
            "    servers: {$env: S}\n",
        ],
    )
    def test_no_secret_is_ever_said(self, write: Write, options: str):
        said = "\n".join(self.refused(write, options, S="hunter2"))

        assert "hunter2" not in said
        assert "271828" not in said

    def test_an_option_without_a_file_behind_it_is_named_all_the_same(self):
        with pytest.raises(ConfigError, match=r"plugins.yml:1: ml.forest.n_clusters: expected an integer"):
            config.fill(Options, config.PluginConfig("ml", "forest", "forest", options={"n_clusters": "x"}))


class Wide(PluginOptions):
    size: Literal["small", "large"] = "small"
    either: int | bool | list[int] = 0
    name: str = Field("ab", min_length=2, max_length=4)
    code: str = Field("A1", pattern="^[A-Z][0-9]$")
    few: list[Annotated[int, Field(ge=3)]] = Field(default=[5], min_length=1)
    half: float = Field(0.5, gt=0, lt=1)
    step: int = Field(5, multiple_of=5)
    weights: dict[str, float] | None = None
    day: date | None = None
    backend: Local | Ldap | None = None
    kind: Annotated[Tcp | Udp | None, Field(discriminator="way")] = None


class Local(PluginOptions):
    file: str


class Ldap(PluginOptions):
    uri: str
    bind_pw: SecretStr


class Tcp(PluginOptions):
    way: Literal["tcp"]
    port: int = Field(ge=1)


class Udp(PluginOptions):
    way: Literal["udp"]
    port: int


class TestWords:
    @pytest.mark.parametrize(
        ("option", "words"),
        [
            ("size: big", "size: expected 'small' or 'large', got 'big'"),
            ("either: {a: 1}", "either: expected an integer or true or false or a list, got a mapping"),
            ("name: a", "name: expected text with a length of at least 2 and with a length of at most 4, got 'a'"),
            ("code: a1", "code: expected text that matches ^[A-Z][0-9]$, got 'a1'"),
            ("few: []", "few: expected a list with a length of at least 1, got a list"),
            ("few: [4, 2]", "few[1]: expected an integer of at least 3, got 2"),
            ("few: 4", "few: expected a list with a length of at least 1, got 4"),
            ("half: 1", "half: expected a number above 0 and below 1, got 1"),
            ("half: .nan", "half: expected a finite number above 0 and below 1, got nan"),
            ("step: 3", "step: expected an integer in steps of 5, got 3"),
            ("step: 5.5", "step: expected an integer in steps of 5, got 5.5"),
            ("weights: {T1_US: heavy}", "weights.T1_US: expected a number, got 'heavy'"),
            ("day: tomorrow", "day: expected a date like 2026-11-23, got 'tomorrow'"),
            ("step:", "step: expected an integer in steps of 5, got nothing"),
            ("name: no", "name: expected text with a length of at least 2 and with a length of at most 4, got false"),
            ("kind: {way: tcp, port: 0}", "kind.port: expected an integer of at least 1, got 0"),
            ("backend: {fil: x}", "backend.fil: unknown option; did you mean 'file'?"),
            ("zzz: 1", "zzz: unknown option; there are: size, either, name, "),
        ],
    )
    def test_say_what_was_expected_and_what_is_there(self, write: Write, option: str, words: str):
        (plugin,) = config.load(write(f"ml:\n  wide:\n    {option}\n"), {}).plugins

        with pytest.raises(ConfigError) as caught:
            config.fill(Wide, plugin)

        assert f"plugins.yml:3: ml.wide.{words}" in str(caught.value)
        assert "Input should" not in str(caught.value)

    def test_a_secret_in_one_member_of_a_union_is_kept(self, write: Write):
        (plugin,) = config.load(write("ml: {wide: {backend: {uri: 5, bind_pw: [hunter2]}}}"), {}).plugins

        with pytest.raises(ConfigError) as caught:
            config.fill(Wide, plugin)

        assert (
            "plugins.yml:1: ml.wide.backend.bind_pw: expected text, got a value that is not shown"
            in caught.value.problems
        )
        assert "plugins.yml:1: ml.wide.backend.uri: expected text, got 5" in caught.value.problems

    def test_keys_that_belong_to_different_members_of_a_union_are_named(self, write: Write):
        (plugin,) = config.load(write("ml: {wide: {backend: {uri: x, bind_pw: y, file: z}}}"), {}).plugins

        with pytest.raises(ConfigError, match=r"backend\.file: unknown option"):
            config.fill(Wide, plugin)

    def test_an_option_may_not_take_the_name_of_a_house_key(self):
        with pytest.raises(TypeError, match="'shadow' is the house's key"):
            type("Options", (PluginOptions,), {"__annotations__": {"shadow": bool}, "shadow": True})
