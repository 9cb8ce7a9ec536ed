"""What is installed is what is in the tree, under the names that setup.py says."""

from __future__ import annotations

import importlib.metadata
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import setuptools

pytestmark = pytest.mark.slow

NAMESPACES = ("errors", "clustering", "actions", "ml", "auth")
PACKAGES = {"wwt_framework": "wwt_framework", "plugins": "wwt_plugins"}  # folder -> package
SHIPPED = ("setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "plugins.yml", *PACKAGES)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.db")


@pytest.fixture(scope="module")
def setup_py(root: Path) -> Mapping[str, Any]:
    """The keywords that setup.py hands to setuptools."""
    handed: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(setuptools, "setup", handed.update)
        runpy.run_path(str(root / "setup.py"))
    return handed


@pytest.fixture(scope="module")
def listed(setup_py: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Entry points of setup.py: group, name, target."""
    return [
        (group, *map(str.strip, line.split("=", 1)))
        for group, lines in setup_py["entry_points"].items()
        for line in lines
    ]


@pytest.fixture(scope="module")
def tree(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what goes into a wheel: building in the tree itself would leave things behind."""
    copy = tmp_path_factory.mktemp("tree")
    for name in SHIPPED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, copy)
    return copy


def build_wheel(tree: Path, to: Path) -> Path:
    """Build the wheel of *tree* with the setuptools that is here; nothing is fetched."""
    command = "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", command, str(to)], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = to.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_wheel(tree, tmp_path_factory.mktemp("wheel")))


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__"} & set(path.parts) and path.suffix not in {".pyc", ".db"}
    }


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_plugin_module_is_an_entry_point(namespace, root, listed):
    folder = root / "plugins" / namespace
    modules = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    public = {f"wwt_plugins.{namespace}.{name}" for name in modules if not name.startswith("_")}
    targets = {target.split(":")[0] for _, _, target in listed}

    missing = sorted(public - targets)
    assert not missing, f"not an entry point in setup.py: {', '.join(missing)} (a helper's name begins with _)"


def test_every_entry_point_names_something_that_is_there(root, listed):
    absent = []
    for group, name, target in listed:
        module, _, attribute = target.partition(":")
        inside = re.sub(r"^wwt_plugins\b", "plugins", module).replace(".", "/")
        places = [root / f"{inside}.py", root / inside / "__init__.py"]
        text = next((place.read_text(encoding="utf-8") for place in places if place.is_file()), None)
        if text is None or (attribute and not re.search(rf"^(class|def) {attribute}\b", text, re.MULTILINE)):
            absent.append(f"{group}: {name} = {target}")

    assert not absent, "setup.py lists what is not there:\n" + "\n".join(absent)


def test_plugins_are_listed_under_the_namespace_of_their_folder(listed):
    plugins = [(group, target) for group, _, target in listed if target.startswith("wwt_plugins.")]

    assert [entry for entry in plugins if entry[0] not in (f"wwt.{entry[1].split('.')[1]}", "wwt.extras")] == []


def test_what_is_installed_is_what_setup_py_says(listed):
    installed = {
        (entry.group, entry.name, entry.value)
        for entry in importlib.metadata.distribution("wwt-framework").entry_points
    }

    assert installed == set(listed), "setup.py was changed since it was installed: run `make install`"


@pytest.mark.parametrize("module", ["plugins", "plugins.errors"])
def test_plugins_under_their_folder_name_are_refused(module, root):
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"], cwd=root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: This package is installed as 'wwt_plugins' and was imported as 'plugins', "
        "which would load every plugin a second time; write 'import wwt_plugins' instead."
    )


@pytest.mark.xdist_group("wheel")
class TestWheel:
    @pytest.mark.parametrize("folder", PACKAGES)
    def test_holds_every_file_of_the_tree(self, folder, tree, wheel):
        held = {name.partition("/")[2] for name in wheel.namelist() if name.startswith(PACKAGES[folder] + "/")}
        there = files_below(tree / folder)

        assert not there - held, "left out (a folder without __init__.py, or not templates/, static/, data/?)"
        assert not held - there, "not in the tree"

    def test_holds_no_second_copy_of_the_plugins_and_no_tests(self, wheel):
        tops = {name.split("/")[0] for name in wheel.namelist()}

        assert tops == {"wwt_framework", "wwt_plugins", "wwt_framework-0.1.0.data", "wwt_framework-0.1.0.dist-info"}

    def test_holds_the_configuration_and_the_licence(self, wheel):
        names = set(wheel.namelist())

        assert "wwt_framework-0.1.0.data/data/share/wwt_framework/plugins.yml" in names
        assert "wwt_framework-0.1.0.dist-info/licenses/LICENSE" in names

    def test_is_imported_under_both_names_from_where_it_is_installed(self, wheel, tmp_path):
        wheel.extractall(tmp_path)
        command = "import wwt_framework, wwt_plugins.errors as e; print(wwt_framework.__file__, e.__file__, sep='\\n')"
        done = subprocess.run(
            [sys.executable, "-c", command],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout.splitlines() == [
            str(tmp_path / "wwt_framework" / "__init__.py"),
            str(tmp_path / "wwt_plugins" / "errors" / "__init__.py"),
        ]

    def test_a_removed_module_stays_out_of_the_next_one(self, tree, tmp_path):
        gone = tree / "plugins" / "ml" / "_gone.py"
        gone.write_text("")
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
        first = zipfile.ZipFile(build_wheel(tree, tmp_path / "first")).namelist()
        gone.unlink()
        second = zipfile.ZipFile(build_wheel(tree, tmp_path / "second")).namelist()

        assert "wwt_plugins/ml/_gone.py" in first
        assert "wwt_plugins/ml/_gone.py" not in second
