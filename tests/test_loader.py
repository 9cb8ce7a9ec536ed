"""Loading, against distributions made up in tmp_path and a plugins.yml beside them."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wwt_framework import config
from wwt_framework.errors import PluginError
from wwt_framework.hooks import loader
from wwt_framework.hooks.loader import MUST, Loaded
from wwt_framework.hooks.manager import Hooks
from wwt_framework.hooks.option_rows import HIDDEN
from wwt_framework.hooks.table import HOOKS
from wwt_framework.model import User

GOOD = """
    from pydantic import Field
    from wwt_framework import hookimpl
    from wwt_framework.model import User
    from wwt_framework.options import PluginOptions

    class P:
        '''Knows one person.

        And nobody else.
        '''
        class Options(PluginOptions):
            who: str = Field("ana", description="the one person")
            tries: int = Field(3, ge=1)

        def __init__(self, context):
            self.context = context

        @hookimpl
        def authenticate(self):
            return User(self.context.options.who)

        @hookimpl
        def startup(self):
            self.context.log.append(("startup", self.context.name))

        @hookimpl
        def shutdown(self):
            self.context.log.append(("shutdown", self.context.name))
"""


@dataclass
class Context:
    """What the loader hands on; a stand-in that carries only what these plugins take."""

    name: str
    options: Any
    namespace: str
    log: list[tuple[str, str]]


@dataclass
class Installation:
    """A folder of made-up distributions and a plugins.yml."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    log: list[tuple[str, str]] = field(default_factory=list)

    def distribution(
        self, name: str, version: str, plugins: dict[str, str], namespace: str = "auth", requires: str = ""
    ) -> None:
        """Put a distribution on sys.path: {entry point: source of its module}; every class is called P."""
        home = self.folder / name
        info = home / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
        for entry, source in plugins.items():
            (home / f"{name}_{entry}.py").write_text(textwrap.dedent(source))
        lines = [f"[wwt.{namespace}]", *(f"{entry} = {name}_{entry}:P" for entry in plugins)]
        (info / "entry_points.txt").write_text("\n".join(lines))
        self.monkeypatch.syspath_prepend(str(home))

    def read(self, yml: str) -> config.Config:
        path = self.folder / "plugins.yml"
        path.write_text(textwrap.dedent(yml))
        return config.load(path, {"WHO": "from the environment"})

    def load(self, hooks: Hooks, yml: str, before: tuple[Hooks, list[Loaded]] | None = None) -> list[Loaded]:
        return loader.load(hooks, self.read(yml), self.context, before)

    def context(self, plugin: config.PluginConfig, options: Any, namespace: str) -> Any:
        return Context(plugin.full_name, options, namespace, self.log)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return Installation(tmp_path, monkeypatch)


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


def only_one(here: Installation, hooks: Hooks, yml: str) -> Loaded:
    (item,) = here.load(hooks, yml)
    return item


# -- what is found --


def test_order_of_the_file_is_the_order_of_asking(here, hooks):
    here.distribution("wwt_t_order", "1.0", {"one": GOOD, "two": GOOD})

    here.load(hooks, "auth:\n  two: {who: bob}\n  one: {}\n")

    assert hooks.implementing("authenticate") == ["auth.two", "auth.one"]
    assert hooks.first("authenticate", username="x", password="y").value == User("bob")


def test_all_that_can_be_told_of_a_plugin_is_recorded(here, hooks):
    here.distribution("wwt_t_record", "3.1", {"sso": GOOD})

    item = only_one(here, hooks, "auth:\n  sso: {tries: 5}\n")

    assert (item.state, item.reason, item.complaint) == ("ready", "", "")
    assert (item.namespace, item.name, item.full_name) == ("auth", "sso", "auth.sso")
    assert (item.target, item.distribution, item.version) == ("wwt_t_record_sso:P", "wwt_t_record", "3.1")
    assert (item.package, item.text) == ("wwt_t_record_sso", "Knows one person.")
    assert item.hooks == ("authenticate", "startup", "shutdown")
    assert [(o.name, o.type, o.default, o.value, o.given, o.description) for o in item.options] == [
        ("who", "text", "ana", "ana", False, "the one person"),
        ("tries", "integer", "3", "5", True, ""),
    ]


def test_two_instances_of_one_plugin_have_their_own_options(here, hooks):
    here.distribution("wwt_t_use", "1.0", {"sso": GOOD})

    here.load(hooks, "auth:\n  one: {use: sso, who: ana}\n  two: {use: sso, who: bob}\n")

    who = [hooks.only(name, "authenticate", username="", password="x").value.name for name in hooks.plugins]
    assert who == ["ana", "bob"]


def test_context_is_made_for_the_entry_points_namespace(here, hooks):
    here.distribution("wwt_t_space", "1.0", {"sso": GOOD})

    here.load(hooks, "auth:\n  sso: {}\n")

    assert hooks.plugins["auth.sso"].context.namespace == "wwt.auth"


def test_what_is_not_listed_is_not_imported(here, hooks):
    here.distribution("wwt_t_unlisted", "1.0", {"wanted": GOOD, "unwanted": "raise SystemExit('imported')"})

    assert only_one(here, hooks, "auth:\n  wanted: {}\n").ok
    assert "wwt_t_unlisted_unwanted" not in sys.modules


def test_offers_are_listed_without_importing_them(here):
    here.distribution("wwt_t_offer", "1.0", {"zz_offer": "raise SystemExit('imported')"})

    offers = [offer for offer in loader.offers() if offer.name == "zz_offer"]

    assert [(o.namespace, o.target, o.distribution, o.version) for o in offers] == [
        ("auth", "wwt_t_offer_zz_offer:P", "wwt_t_offer", "1.0")
    ]


def test_plugin_installed_a_moment_ago_is_found(here, hooks):
    here.distribution("wwt_t_early", "1.0", {"early": GOOD})
    here.load(Hooks(), "auth:\n  early: {}\n")
    here.distribution("wwt_t_late", "1.0", {"late": GOOD})

    assert only_one(here, hooks, "auth:\n  late: {}\n").ok


def test_house_keys_reach_the_manager(here, hooks):
    here.distribution("wwt_t_keys", "1.0", {"sso": GOOD})

    here.load(hooks, "auth:\n  sso: {shadow: true, deadline_s: 60}\n")

    assert hooks.first("authenticate", username="", password="x") is None
    assert [noted.hook for noted in hooks.record("auth.sso").noted] == ["authenticate"]


# -- what is left out, and why --


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nope_nope", "it needs the Python module 'nope_nope', which is not installed; `pip install nope_nope` may bring it"),
        ("assert 0, 'why'", "importing wwt_t_bad_bad:P raised AssertionError: why"),
        ("raise SystemExit(3)", "importing wwt_t_bad_bad:P raised SystemExit: 3"),
        ("1 / 0", "importing wwt_t_bad_bad:P raised ZeroDivisionError: division by zero"),
        ("def", "importing wwt_t_bad_bad:P raised SyntaxError: "),
        ("x = 1", "importing wwt_t_bad_bad:P raised AttributeError: module 'wwt_t_bad_bad' has no attribute 'P'"),
        ("P = 3", "wwt_t_bad_bad:P: expected a class, got int P"),
        (GOOD.replace("self.context = context", "raise OSError('no such host')"), "making it raised OSError: no such host"),
        (GOOD.replace("self.context = context", "raise SystemExit('bye')"), "making it raised SystemExit: bye"),
        (GOOD.replace("(self, context)", "(self)"), "making it raised TypeError: "),
        (GOOD.replace("def authenticate(self)", "def authenticat(self)"), "implements unknown hook 'authenticat'; did you mean 'authenticate'?"),
        (GOOD.replace("def authenticate(self)", "def authenticate(self, name)"), "hook 'authenticate': unknown argument 'name'; did you mean 'username'?"),
        (GOOD.replace("(PluginOptions)", ""), "Options: expected a class made from wwt_framework.options.PluginOptions"),
        (GOOD.replace("def authenticate(self)", "def list_workflows(self)"), "a plugin of wwt.auth implements at least one of authenticate, identify, grant_roles, register_login_options; this one implements list_workflows, startup, shutdown"),
    ],
)  # fmt: skip
def test_one_bad_plugin_is_left_out_with_its_reason_and_the_rest_stands(here, hooks, source, reason):
    here.distribution("wwt_t_bad", "1.0", {"bad": source, "good": GOOD})

    bad, good = here.load(hooks, "auth:\n  bad: {}\n  good: {}\n")
    sys.modules.pop("wwt_t_bad_bad", None)

    assert (bad.state, good.state) == ("failed", "ready")
    assert bad.reason.startswith(reason)
    assert bad.complaint == f"plugins.yml:2: auth.bad: {bad.reason}"
    assert list(hooks.plugins) == ["auth.good"]


def test_missing_dependency_names_the_extra_that_brings_it(here, hooks):
    requires = "Requires-Dist: NoSuch>=3 ; extra == 'sso'\n"
    here.distribution("wwt_t_extra", "1.0", {"sso": "import nosuch"}, requires=requires)

    item = only_one(here, hooks, "auth:\n  sso: {}\n")

    assert item.reason == (
        "it needs the Python module 'nosuch', which is not installed; `pip install 'wwt_t_extra[sso]'` brings it"
    )


def test_missing_dependency_names_the_package_as_it_is_required(here, hooks):
    here.distribution("wwt_t_needs", "1.0", {"sso": "import no_such.thing"}, requires="Requires-Dist: No-Such>=2\n")

    assert only_one(here, hooks, "auth:\n  sso: {}\n").reason.endswith("`pip install No-Such` brings it")


def test_entry_point_to_a_module_that_is_gone_asks_for_a_reinstall(here, hooks):
    here.distribution("wwt_t_gone", "1.0", {"sso": GOOD})
    (here.folder / "wwt_t_gone" / "wwt_t_gone_sso.py").unlink()

    assert only_one(here, hooks, "auth:\n  sso: {}\n").reason == (
        "its entry point names the module wwt_t_gone_sso, and there is no wwt_t_gone_sso; install the package again"
    )


def test_plugin_that_is_not_installed_gets_a_guess_and_what_there_is(here, hooks):
    here.distribution("wwt_t_guess", "1.0", {"zz_single_sign_on": GOOD})

    item = only_one(here, hooks, "auth:\n  zz_single_singon: {}\n")

    assert item.state == "missing"
    assert (
        "no plugin 'zz_single_singon' is installed; did you mean 'zz_single_sign_on'?; wwt.auth offers: " in item.reason
    )
    assert "zz_single_sign_on" in item.reason.partition("offers: ")[2]
    assert "pip install -e ." in item.reason


def test_name_offered_by_two_distributions_is_refused_before_either_is_imported(here, hooks):
    here.distribution("wwt_t_mine", "1.0", {"sso": GOOD})
    here.distribution("wwt_t_stranger", "2.0", {"sso": "raise SystemExit('taken over')"})

    item = only_one(here, hooks, "auth:\n  sso: {}\n")

    assert item.state == "ambiguous"
    assert "wwt_t_mine 1.0 (wwt_t_mine_sso:P)" in item.reason
    assert "wwt_t_stranger 2.0 (wwt_t_stranger_sso:P)" in item.reason
    assert hooks.plugins == {}
    assert not {"wwt_t_mine_sso", "wwt_t_stranger_sso"} & sys.modules.keys()


def test_wrong_options_are_named_with_their_own_lines(here, hooks):
    here.distribution("wwt_t_options", "1.0", {"sso": GOOD})

    item = only_one(here, hooks, "auth:\n  sso:\n    tries: many\n    woh: bob\n")

    lines = item.complaint.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["plugins.yml:3", "plugins.yml:4"]
    assert "did you mean 'who'?" in lines[1]
    assert [row.value for row in item.options] == ["", ""]


def test_options_for_a_plugin_that_takes_none_are_refused(here, hooks):
    bare = GOOD.replace('who: str = Field("ana", description="the one person")', "").replace(
        "tries: int = Field(3, ge=1)", "pass"
    )
    here.distribution("wwt_t_bare", "1.0", {"sso": bare})

    assert "who" in only_one(here, hooks, "auth:\n  sso: {who: bob}\n").reason


def test_broken_plugin_that_is_required_keeps_the_house_closed(here, hooks):
    here.distribution("wwt_t_must", "1.0", {"guard": "import nope_nope"})

    with pytest.raises(PluginError, match=r"plugins\.yml:2: auth\.guard: it needs .*\(and it is required\)"):
        here.load(hooks, "auth:\n  guard: {required: true}\n")


@pytest.mark.parametrize("namespace", MUST)
def test_table_of_purposes_names_hooks_that_exist(namespace):
    assert set(MUST[namespace]) <= set(HOOKS)
    assert namespace in config.NAMESPACES


# -- secrets --


def test_secrets_are_not_shown(here, hooks):
    secretive = GOOD.replace(
        "tries: int = Field(3, ge=1)",
        """url: str = "" ; bind_password: str = ""; proof: SecretStr = SecretStr("")""",
    ).replace("from pydantic import Field", "from pydantic import Field, SecretStr")
    here.distribution("wwt_t_secret", "1.0", {"sso": secretive})

    item = only_one(
        here, hooks,
        "auth:\n  sso: {who: {$env: WHO}, url: 'https://ana:pw1@example.org/x', bind_password: pw2, proof: pw3}\n",
    )  # fmt: skip

    assert [(row.name, row.value) for row in item.options] == [
        ("who", HIDDEN), ("url", f"https://{HIDDEN}@example.org/x"), ("bind_password", HIDDEN), ("proof", HIDDEN),
    ]  # fmt: skip
    assert not any(secret in repr(item) for secret in ("from the environment", "pw1", "pw2", "pw3"))


# -- start, change, stop --


def test_startup_and_shutdown_go_in_opposite_order(here, hooks):
    here.distribution("wwt_t_life", "1.0", {"one": GOOD, "two": GOOD})
    loaded = here.load(hooks, "auth:\n  one: {}\n  two: {}\n")

    loader.start(hooks, loaded)
    loader.stop(hooks)

    assert here.log == [
        ("startup", "auth.one"), ("startup", "auth.two"), ("shutdown", "auth.two"), ("shutdown", "auth.one"),
    ]  # fmt: skip


def test_plugin_whose_startup_raises_is_left_out(here, hooks):
    bad = GOOD.replace('self.context.log.append(("startup", self.context.name))', "raise OSError('no such folder')")
    here.distribution("wwt_t_start", "1.0", {"bad": bad, "good": GOOD})
    loaded = here.load(hooks, "auth:\n  bad: {}\n  good: {}\n")

    started = loader.start(hooks, loaded)

    assert [(item.state, item.reason) for item in started] == [
        ("failed", "startup raised OSError: no such folder"), ("ready", ""),
    ]  # fmt: skip
    assert list(hooks.plugins) == ["auth.good"]


def test_required_plugin_whose_startup_raises_keeps_the_house_closed(here, hooks):
    bad = GOOD.replace('self.context.log.append(("startup", self.context.name))', "raise OSError('no such folder')")
    here.distribution("wwt_t_start_must", "1.0", {"bad": bad})
    loaded = here.load(hooks, "auth:\n  bad: {required: true}\n")

    with pytest.raises(PluginError, match=r"startup raised OSError: no such folder \(and it is required\)"):
        loader.start(hooks, loaded)


def test_unchanged_plugin_goes_on_through_a_change_of_the_file(here, hooks):
    here.distribution("wwt_t_change", "1.0", {"one": GOOD, "two": GOOD})
    loaded = loader.start(hooks, here.load(hooks, "auth:\n  one: {}\n  two: {}\n"))
    second = Hooks()

    after = loader.start(
        second, here.load(second, "# new line\nauth:\n  two: {}\n  one: {who: bob}\n", (hooks, loaded))
    )
    loader.stop(hooks, still_running=second)

    assert [(item.full_name, item.carried, item.config.where) for item in after] == [
        ("auth.two", True, "plugins.yml:3"), ("auth.one", False, "plugins.yml:4"),
    ]  # fmt: skip
    assert second.plugins["auth.two"] is hooks.plugins["auth.two"]
    assert here.log[2:] == [("startup", "auth.one"), ("shutdown", "auth.one")]


def test_bad_edit_is_not_taken_up(here, hooks):
    here.distribution("wwt_t_edit", "1.0", {"sso": GOOD})
    loaded = here.load(hooks, "auth:\n  sso: {}\n")

    with pytest.raises(PluginError, match=r"plugins\.yml:2: auth\.sso\.tries: expected"):
        here.load(Hooks(), "auth:\n  sso: {tries: 0}\n", (hooks, loaded))


def test_edit_beside_a_plugin_that_failed_before_is_taken_up(here, hooks):
    here.distribution("wwt_t_beside", "1.0", {"bad": "import nope_nope", "sso": GOOD})
    loaded = here.load(hooks, "auth:\n  bad: {}\n  sso: {}\n")

    after = here.load(Hooks(), "auth:\n  bad: {}\n  sso: {who: bob}\n", (hooks, loaded))

    assert [item.state for item in after] == ["failed", "ready"]


def test_what_was_started_for_a_change_that_is_not_taken_up_is_shut_down_again(here, hooks):
    bad = GOOD.replace('self.context.log.append(("startup", self.context.name))', "raise OSError('no such folder')")
    here.distribution("wwt_t_undo", "1.0", {"bad": bad, "kept": GOOD, "new": GOOD})
    loaded = loader.start(hooks, here.load(hooks, "auth:\n  kept: {}\n"))
    second = Hooks()
    after = here.load(second, "auth:\n  kept: {}\n  new: {}\n  bad: {}\n", (hooks, loaded))

    with pytest.raises(PluginError, match=r"auth\.bad: startup raised"):
        loader.start(second, after)

    assert here.log[1:] == [("startup", "auth.new"), ("shutdown", "auth.new")]


def test_plugin_that_failed_is_tried_again_at_the_next_change(here, hooks):
    here.distribution("wwt_t_again", "1.0", {"sso": GOOD.replace("self.context = context", "raise OSError")})
    loaded = here.load(hooks, "auth:\n  sso: {}\n")
    source = here.folder / "wwt_t_again" / "wwt_t_again_sso.py"
    source.write_text(textwrap.dedent(GOOD))
    del sys.modules["wwt_t_again_sso"]
    importlib.invalidate_caches()
    second = Hooks()

    (item,) = here.load(second, "auth:\n  sso: {}\n", (hooks, loaded))

    assert (loaded[0].state, item.state) == ("failed", "ready")


# -- what is shipped --


def test_every_shipped_plugin_is_imported_and_serves_its_purpose(hooks):
    shipped = [o for o in loader.offers() if o.distribution == "wwt-framework"]
    if not shipped:
        pytest.skip("wwt-framework is not installed here")
    for offer in shipped:
        (entry,) = importlib.metadata.entry_points(group=f"wwt.{offer.namespace}", name=offer.name)
        made = entry.load()
        implemented = {name for name in HOOKS if hasattr(getattr(made, name, None), "wwt_impl")}
        wanted = set(MUST[offer.namespace])
        assert implemented & wanted if wanted else implemented, f"{offer.target} implements {sorted(implemented)}"
