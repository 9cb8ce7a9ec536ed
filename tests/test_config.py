from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from wwt_framework import config
from wwt_framework.errors import ConfigError
from wwt_framework.options import HouseKeys, HouseOptions

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


class TestLoading:
    def test_the_listed_plugins_come_in_the_order_of_the_file(self, write: Write):
        loaded = config.load(
            write("auth:\n  ldap: {uri: ldaps://x}\n  local:\nerrors:\n  fnal: {use: json_file}\n"), {}
        )

        assert [plugin.full_name for plugin in loaded.plugins] == ["auth.ldap", "auth.local", "errors.fnal"]
        assert [plugin.use for plugin in loaded.plugins] == ["ldap", "local", "json_file"]
        assert [plugin.where for plugin in loaded.plugins] == ["plugins.yml:2", "plugins.yml:3", "plugins.yml:5"]
        assert [plugin.name for plugin in loaded.of("auth")] == ["ldap", "local"]
        assert loaded.of("ml") == []

    def test_the_keys_of_the_house_are_not_options_of_the_plugin(self, write: Write):
        text = "actions:\n  guard: {required: true, shadow: true, deadline_s: 2.5, use: drain_guard, days: 3}\n"

        (guard,) = config.load(write(text), {}).plugins

        assert (guard.use, guard.required, guard.shadow, guard.deadline_s) == ("drain_guard", True, True, 2.5)
        assert guard.options == {"days": 3}

    def test_the_house_has_its_defaults_without_a_block(self, write: Write, tmp_path: Path):
        house = config.load(write("errors: {}"), {}).house

        assert (house.host, house.port, house.threads) == ("127.0.0.1", 8080, 30)
        assert house.data_dir == tmp_path / "wwt-data"
        assert house.store == f"sqlite:///{tmp_path}/wwt-data/wwt.db"

    def test_relative_paths_belong_to_the_folder_of_the_file(self, write: Write, tmp_path: Path):
        (tmp_path / "mine").mkdir()
        text = "wwt: {data_dir: kept, templates: mine, pid_file: /run/wwt.pid, log_dir: logs}"

        house = config.load(write(text), {}).house

        assert house.data_dir == tmp_path / "kept"
        assert house.store == f"sqlite:///{tmp_path}/kept/wwt.db"
        assert house.templates == tmp_path / "mine"
        assert house.pid_file == Path("/run/wwt.pid")
        assert house.log_dir == tmp_path / "logs"

    @pytest.mark.parametrize(
        ("asked", "store"),
        [
            ("sqlite:///wwt.db", "sqlite:///{folder}/wwt.db"),
            ("sqlite:////var/wwt.db", "sqlite:////var/wwt.db"),
            ("sqlite:///:memory:", "sqlite:///:memory:"),
            ("psycopg3+pool://wwt@db/wwt", "psycopg3+pool://wwt@db/wwt"),
        ],
    )
    def test_so_does_a_relative_database(self, write: Write, tmp_path: Path, asked: str, store: str):
        house = config.load(write(f"wwt: {{store: '{asked}'}}"), {}).house

        assert house.store == store.format(folder=tmp_path)

    def test_addresses_end_without_a_slash(self, write: Write):
        assert config.load(write("wwt: {base_url: https://x.org/wwt/}"), {}).house.base_url == "https://x.org/wwt"

    def test_a_relative_path_to_the_file_gives_absolute_folders(self, write: Write, monkeypatch: pytest.MonkeyPatch):
        path = write("wwt: {}")
        monkeypatch.chdir(path.parent)

        loaded = config.load(Path("plugins.yml"), {})

        assert loaded.path == path
        assert loaded.house.data_dir == path.parent / "wwt-data"

    def test_a_home_is_found_for_the_tilde(self, write: Write):
        assert config.load(write("wwt: {data_dir: ~/wwt}"), {}).house.data_dir == Path.home() / "wwt"

    def test_the_checksum_is_of_the_text(self, write: Write):
        # printf 'wwt: {}\n' | sha256sum
        assert config.load(write("wwt: {}\n"), {}).checksum == "d5de89c47fbd"
        assert config.load(write("wwt: {} \n"), {}).checksum != "d5de89c47fbd"

    def test_a_byte_order_mark_is_no_part_of_the_text(self, tmp_path: Path):
        path = tmp_path / "plugins.yml"
        path.write_bytes(b"\xef\xbb\xbfwwt: {threads: 7}\n")

        assert config.load(path, {}).house.threads == 7

    def test_a_plugin_is_the_same_when_only_lines_moved(self, write: Write):
        before = config.load(write("errors:\n  a: {x: 1}\n"), {}).plugins
        after = config.load(write("# more\n\nerrors:\n  a: {x: 1}\n"), {}).plugins
        changed = config.load(write("errors:\n  a: {x: 2}\n"), {}).plugins

        assert before == after
        assert hash(before) == hash(after)
        assert before != changed


class TestFilesThatAreNone:
    def test_a_missing_file_says_so(self, tmp_path: Path):
        assert problems(tmp_path / "gone.yml") == [f"{tmp_path}/gone.yml: does not exist"]

    def test_a_folder_says_so(self, tmp_path: Path):
        assert problems(tmp_path) == [f"{tmp_path}: is a folder; expected a file"]

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path):
        os.mkfifo(tmp_path / "pipe")

        assert problems(tmp_path / "pipe") == [f"{tmp_path}/pipe: is not a file"]

    def test_a_file_that_can_not_be_read_says_so(self):
        assert problems(Path("/proc/self/mem")) == ["/proc/self/mem: can not be read: Input/output error"]

    def test_latin_1_is_named_with_its_line(self, tmp_path: Path):
        path = tmp_path / "plugins.yml"
        path.write_bytes(b"wwt:\n  webmaster: {name: Ren\xe9}\n")

        assert problems(path) == [f"{path}: is not UTF-8 text (line 2); save it as UTF-8"]

    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "~"])
    def test_an_empty_file_says_so(self, write: Write, text: str):
        assert "is empty" in problems(write(text))[0]

    def test_a_file_without_end_is_not_read_to_its_end(self, write: Write):
        assert "is larger than 200,000 bytes" in problems(write("#" * 200_001))[0]


class TestFinding:
    def test_what_is_asked_for_comes_first_there_or_not(self, tmp_path: Path):
        (tmp_path / "plugins.yml").touch()

        assert config.find("/etc/a.yml", {"WWT_CONFIG": "/b.yml"}, tmp_path) == Path("/etc/a.yml")
        assert config.find("a.yml", {}, tmp_path) == tmp_path / "a.yml"

    def test_then_comes_the_environment(self, tmp_path: Path):
        (tmp_path / "plugins.yml").touch()

        assert config.find(None, {"WWT_CONFIG": "/b.yml"}, tmp_path) == Path("/b.yml")

    def test_then_the_folder_one_stands_in(self, tmp_path: Path):
        (tmp_path / "plugins.yml").touch()

        assert config.find(None, {"WWT_CONFIG": ""}, tmp_path) == tmp_path / "plugins.yml"

    def test_and_then_there_is_none(self, tmp_path: Path):
        assert config.find(None, {}, tmp_path) is None


def _not_installed(name: str) -> None:
    raise config.importlib.metadata.PackageNotFoundError(name)


class TestTheShippedFile:
    @pytest.fixture
    def shipped(self, write: Write) -> Path:
        return write(config.default_text())

    def test_it_runs_the_made_up_world(self, shipped: Path):
        loaded = config.load(shipped, {})

        assert [plugin.full_name for plugin in loaded.plugins] == [
            "errors.world",
            "errors.cms_names",
            "errors.cms_exit_codes",
            "errors.cms_links",
            "clustering.nearest",
            "clustering.patterns",
            "clustering.error_vectors",
            "clustering.log_templates",
            "actions.acdc",
            "actions.clone",
            "actions.recovery",
            "actions.special",
            "actions.sites_to_run",
            "actions.procedures",
            "actions.drain_guard",
            "actions.task_guard",
            "actions.memory_guard",
            "actions.overlap_guard",
            "actions.executor",
            "ml.baseline",
            "ml.linear",
            "auth.token",
            "auth.local",
        ]
        assert all(plugin.options == {} for plugin in loaded.plugins)

    @pytest.mark.parametrize("place", ["plugins.yml", "share/wwt_framework/plugins.yml"])
    def test_it_is_found_in_the_tree_and_beside_the_packages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("wwt: {}")
        if place == "plugins.yml":
            (tmp_path / "setup.py").touch()
        monkeypatch.setattr(config, "__file__", str(tmp_path / "wwt_framework/config.py"))
        monkeypatch.setattr(config.importlib.metadata, "files", _not_installed)

        assert config.default_text() == "wwt: {}"

    def test_where_it_was_not_installed_that_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(config, "__file__", str(tmp_path / "wwt_framework/config.py"))
        monkeypatch.setattr(config.importlib.metadata, "files", _not_installed)
        monkeypatch.setattr(config.sysconfig, "get_path", lambda _name: str(tmp_path))

        with pytest.raises(ConfigError, match=r"the shipped plugins\.yml is not installed"):
            config.default_text()

    def test_every_key_of_the_house_is_there_with_its_default(self, write: Write, tmp_path: Path):
        block = re.findall(r"^  # (\w+: .*)$", config.default_text(), re.MULTILINE)
        default = HouseOptions.model_validate({}, context={"folder": tmp_path})

        named = yaml.safe_load("\n".join(block))

        assert named.keys() == HouseOptions.model_fields.keys()
        assert config.load(write("wwt:\n  " + "\n  ".join(block)), {}).house == default

    def test_every_key_for_plugins_is_there_with_its_default(self):
        block = re.findall(r"^#     (\w+): (\S+)", config.default_text(), re.MULTILINE)

        assert [key for key, _ in block] == list(HouseKeys.model_fields)
        assert [yaml.safe_load(value) for _, value in block[1:]] == [False, False, None]

    def test_every_option_of_the_house_says_what_it_is(self):
        fields = HouseOptions.model_fields | HouseKeys.model_fields

        assert [name for name, field in fields.items() if not field.description] == []
