"""What every test may ask for: the real data, and programs beside Python."""

from __future__ import annotations

import glob
import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# A busy machine is no finding: no test is judged by its time. More of everything: --hypothesis-profile=drill.
hypothesis.settings.register_profile("fast", deadline=None, max_examples=60)
hypothesis.settings.register_profile("drill", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("fast")

IN_CI = os.environ.get("CI") == "true"

# component -> where to look: names on the path, or patterns of files, newest last
COMPONENTS: dict[str, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "rabbitmq": ("/usr/lib/rabbitmq/bin/rabbitmq-server",),
    "apache2": ("apache2", "/usr/sbin/apache2"),
    "nginx": ("nginx", "/usr/sbin/nginx"),
    "slapd": ("slapd", "/usr/sbin/slapd"),
    "python-ldap": (f"{sysconfig.get_path('platlib')}/ldap/__init__.py*",),
    "oidc-provider": (f"{Path(__file__).parents[1]}/.npm/node_modules/oidc-provider/package.jso*",),
    "mod_auth_openidc": ("/usr/lib/apache2/modules/mod_auth_openidc.s*",),
    "mod_wsgi": ("/usr/lib/apache2/modules/mod_wsgi.s*",),
    "postgresql": ("postgres", "/usr/lib/postgresql/*/bin/postgres"),
}

#: Folders whose tests start the program, or sit through its bad days.
WHOLE_PROGRAMS = {"attack", "benchmarks", "live", "roof", "soak"}


def find(component: str) -> str | None:
    """Path of the program of *component*, None where it is not installed."""
    for place in COMPONENTS[component]:
        pattern = "*" in place
        found = max(glob.glob(place), default=None) if pattern else shutil.which(place)  # noqa: PTH207 - absolute
        if found:
            return found
    return None


def lacking(reason: str) -> None:
    """Skip the test for *reason*; in CI nothing may be missing, so fail it."""
    if IN_CI:
        pytest.fail(f"{reason}; in CI this is a failure", pytrace=False)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in WHOLE_PROGRAMS:
            item.add_marker(pytest.mark.slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for component in marker.args:
            if component not in COMPONENTS:
                pytest.fail(f"needs({component!r}): known are {', '.join(COMPONENTS)}", pytrace=False)
            if find(component) is None:
                lacking(f"{component} is not installed (`make test` as root installs it)")


@pytest.fixture(scope="session")
def component() -> Callable[[str], str]:
    """``component("chromium")``: the path of a program that the test is marked to need."""

    def path(name: str) -> str:
        found = find(name)
        assert found, f"{name} is not installed; mark the test needs({name!r})"
        return found

    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the tree."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data; it is not part of the tree, so $WWT_TEST_DATA says where it is."""
    folder = os.environ.get("WWT_TEST_DATA")
    if not folder:
        pytest.skip("WWT_TEST_DATA is not set: no real data here")
    assert Path(folder).is_dir(), f"WWT_TEST_DATA: expected a folder, got {folder!r}"
    return Path(folder)
