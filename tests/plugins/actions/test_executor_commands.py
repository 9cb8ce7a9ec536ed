"""The commands for executors, as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.actions.conftest import KEY, Served
from wwt_framework.errands import report_actions
from wwt_framework.errors import WwtError
from wwt_framework.model import ActionState

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "wwt_framework.cli", *words], cwd=folder, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done


def key_file(served: Served, folder: Path, **changes: object) -> Path:
    path = folder / "key.json"
    told = {"url": f"http://{served.host}", "port": served.port, "path": "/reportaction", "key": KEY}
    path.write_text(json.dumps({**told, **changes}))
    return path


def test_c3_a_person_reports_what_was_acted_on(served: Served, tmp_path: Path) -> None:
    action = served.submit("wf_c3")
    key_file(served, tmp_path)

    assert run(tmp_path, "report-action", "wf_c3").stdout == "wf_c3: reported\n"
    assert served.state(action) is ActionState.DONE
    again = run(tmp_path, "report-action", "wf_c3", "wf_none", code=1).stdout
    assert again == "wf_c3: was reported before\nwf_none: nobody asked for it\n"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": "wrong"}, "does not know this key"),
        ({"path": "/getprepids"}, "answered 405"),
        ({"path": "/"}, "answered 405"),
        ({"url": "ftp://host"}, "expected a host or an address with http(s):// as url, got 'ftp://host'"),
        ({"port": "many"}, "expected a number as port, got 'many'"),
        ({"key": None}, "expected JSON with url and key"),
        ({"url": "127.0.0.1"}, "Where no TLS is spoken, write http:// before url in the key file"),
    ],
)
def test_c3_what_is_wrong_is_said_in_a_sentence(
    served: Served, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(WwtError) as caught:
        report_actions(key_file(served, tmp_path, **changes), ["wf_a"], False, print)
    assert words in str(caught.value)


def test_c3_without_a_key_file_it_says_what_it_expects(tmp_path: Path) -> None:
    told = run(tmp_path, "report-action", "wf_a", "--key-file", "none.json", code=1).stderr

    assert "none.json: expected JSON like {url, port, path, key}" in told


def test_c6_actions_are_imported_by_a_command_which_names_what_was_bad(tmp_path: Path) -> None:
    (tmp_path / "plugins.yml").write_text("wwt: {}\n")
    good = {"workflow": "wf_a", "timestamp": 1_550_000_000, "acted": 1, "parameters": {"Action": "clone"}}
    (tmp_path / "past.json").write_text(json.dumps(good) + '\n{"workflow": "wf_b"}\n')
    first = run(tmp_path, "import-actions", "past.json", code=1)
    second = run(tmp_path, "import-actions", "past.json", code=1)

    assert first.stdout == "past.json: 1 actions and 0 reasons kept, 0 were here already\n"
    assert second.stdout == "past.json: 0 actions and 0 reasons kept, 1 were here already\n"
    assert first.stderr.startswith("not imported: past.json: line 2: 'wf_b': timestamp must be seconds since 1970")
