from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wwt_framework import config
from wwt_framework.errors import ConfigError

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


class TestSecrets:
    def test_variables_and_files_stand_in_for_values_at_any_depth(self, write: Write, tmp_path: Path):
        (tmp_path / "pass").write_text("hunter2\n")
        text = "wwt: {listen: {$env: WHERE}}\nauth: {ldap: {servers: [{password: {$file: pass}}, {$env: B}]}}\n"

        loaded = config.load(write(text), {"WHERE": "0.0.0.0:9", "B": "b"})

        assert loaded.house.port == 9
        assert loaded.plugins[0].options == {"servers": [{"password": "hunter2"}, "b"]}

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("{$env: NOPE}", "the environment variable NOPE is not set"),
            ("{$env: EMPTY}", "the environment variable EMPTY is empty"),
            ("{$env: }", "expected a name after $env"),
            ("{$env: [A]}", "expected a name after $env"),
            ("{$env: A, x: 1}", "$env stands alone; take the other keys out"),
            ("{$environ: A}", "'$environ' is not known; there are $env and $file"),
            ("{$file: gone}", "gone does not exist"),
            ("{$file: .}", "is a folder; expected a file"),
            ("{$file: empty}", "empty is empty"),
            ("{$file: binary}", "binary is not UTF-8 text (line 1)"),
            ("{$file: ~nobody-here/x}", "the file ~nobody-here/x"),
            ('{$file: "a\\0"}', "expected a name after $file"),
        ],
    )
    def test_what_is_not_there_is_named_with_its_line(self, write: Write, tmp_path: Path, value: str, problem: str):
        (tmp_path / "empty").write_text("\n")
        (tmp_path / "binary").write_bytes(b"\xff\xfe")

        (said,) = problems(write(f"errors:\n  a:\n    path: {value}\n"), EMPTY="")

        assert said.startswith("plugins.yml:3: errors.a.path: ")
        assert problem in said

    @pytest.mark.parametrize(
        "text",
        [
            "wwt: {threads: {$env: S}, dry_run: {$env: S}, listen: {$env: S}, store: {$env: S}, tls: {$env: S}}",
            "wwt: {tls: {certificate: {$env: S}, key: {$file: secret}}, templates: {$env: S}}",
            "wwt: {$env: S}",
            "errors: {$env: S}",
            "errors: {a: {$env: S}, b: {required: {$env: S}, use: {$file: secret}}}",
        ],
    )
    def test_their_text_is_never_said(self, write: Write, tmp_path: Path, text: str):
        (tmp_path / "secret").write_text("hunter/2")

        said = problems(write(text), S="hunter/2")

        assert said
        assert "hunter" not in "\n".join(said)

    def test_a_loaded_configuration_does_not_show_them(self, write: Write):
        text = "wwt: {store: {$env: DB}}\nauth: {ldap: {password: {$env: S}}}"

        shown = repr(config.load(write(text), {"S": "hunter2", "DB": "psycopg3://wwt:hunter3@db/wwt"}))

        assert "hunter" not in shown
