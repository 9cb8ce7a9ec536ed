"""Pages, panels, templates and files of plugins; what one of them does wrong costs only its own place."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pydantic
import pytest

from wwt_framework import hookimpl
from wwt_framework.config import PluginConfig
from wwt_framework.errors import Denied, NotFound, SourceError
from wwt_framework.hooks.loader import Loaded
from wwt_framework.model import User
from wwt_framework.plugin import Health, Page, Panel, Reply
from wwt_framework.web import wsgi
from wwt_framework.web.assets import Assets
from wwt_framework.web.render import as_json, show_panels
from wwt_framework.web.room import build_environment
from wwt_framework.web.tools import page

JSON = {"Accept": "*/*"}
ORIGIN = {"Origin": "http://wwt.example"}


@dataclass
class WithPages:
    """A plugin with these pages; ``seen`` keeps what its handlers were given."""

    pages: tuple[Page, ...] = ()
    seen: list = field(default_factory=list)

    @hookimpl
    def register_pages(self):
        return self.pages


@dataclass
class WithPanels:
    panels: tuple[Panel, ...] = ()

    @hookimpl
    def show_panels(self, page):
        if not self.panels:
            raise RuntimeError("no panel today")
        return self.panels


def one_page(installation, handler, name="extras.mine", open_reading=True, **page_fields):
    """A client of an installation with one contributed page."""
    plugin = WithPages((Page(**{"path": "report", "title": "My report", **page_fields}, handler=handler),))
    return installation(plugins={name: plugin}, open_reading=open_reading)


# -- where they stand --


def test_a_page_stands_below_its_plugin_and_in_the_menu(installation):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json={"who": user.name}))

    got = client.get("/p/extras.mine/report/", user="vera")

    assert got.json == {"who": "vera"}
    assert "/p/extras.mine/report" in {a.get("href") for a in client.get("/").dom().find(".//nav").iter("a")}


def test_a_page_may_have_a_root_address_that_nobody_has(installation):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json=[]), path="/getaction", in_menu=False)

    assert client.get("/getaction").json == []
    assert "My report" not in client.get("/").text


@pytest.mark.parametrize(
    "path", ["/", "/jobs", "/jobs/", "/login", "/static/wwt.css", "/static/x", "/p/extras.other/x", "/plugins/mine"]
)
def test_a_page_can_not_take_an_address_of_the_core(installation, path):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json="taken"), path=path)

    assert '"taken"' not in client.get(path).text
    assert "extras.mine" in client.get("/plugins").text
    assert "belongs to" in client.get("/plugins").text


def test_of_two_plugins_with_one_address_the_first_has_it(installation):
    first = WithPages((Page("/mine", "One", lambda visit, user, snapshot: Reply(json=1)),))
    second = WithPages((Page("/mine", "Two", lambda visit, user, snapshot: Reply(json=2)),))
    client = installation(plugins={"extras.one": first, "extras.two": second})

    assert client.get("/mine").json == 1
    assert "was taken by extras.one" in client.get("/plugins").text


def test_one_address_may_have_a_page_for_each_method(installation):
    plugin = WithPages(
        (
            Page("x", "X", lambda visit, user, snapshot: Reply(json="read")),
            Page("x", "X", lambda visit, user, snapshot: Reply(json="changed"), methods=("POST",), in_menu=False),
        )
    )
    client = installation(plugins={"extras.mine": plugin})

    assert client.get("/p/extras.mine/x").json == "read"
    assert client.post("/p/extras.mine/x", user="vera", headers=JSON).json == "changed"


# -- who may --


@pytest.mark.parametrize(
    ("role", "user", "status"),
    [
        ("anyone", "", 200),
        ("viewer", "", 401),
        ("operator", "vera", 403),
        ("operator", "olga", 200),
        ("machine", "adam", 403),
        ("machine", "max", 200),
    ],
)
def test_the_role_of_a_page_is_asked_for(installation, role, user, status):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json=1), role=role, open_reading=False)

    assert client.get("/p/extras.mine/report", user=user, headers=JSON).status == status


def test_a_page_with_an_unknown_role_is_refused(installation):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json=1), role="boss")

    assert client.get("/p/extras.mine/report").status == 404


def test_changes_by_a_browser_need_the_token_on_plugin_pages_too(installation):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json=1), methods=("POST",))
    client.sign_in("olga")

    refused = client.post("/p/extras.mine/report", form={"a": 1}, headers=ORIGIN)
    done = client.post("/p/extras.mine/report", form={"csrf_token": client.csrf_token()}, headers=ORIGIN)

    assert (refused.status, done.status) == (403, 200)


def test_a_key_in_the_body_needs_no_token(installation):
    client = one_page(
        installation,
        lambda visit, user, snapshot: Reply(json=visit.json["key"]),
        methods=("GET", "POST"),
        role="anyone",
        open_reading=False,
    )

    assert client.post("/p/extras.mine/report", json_body={"key": "k"}, headers=JSON).json == "k"
    assert client.request("GET", "/p/extras.mine/report", json_body={"key": "k"}, headers=JSON).json == "k"


# -- what they are given, and give --


def test_the_visit_says_everything_about_the_request(installation):
    seen = []

    def handler(visit, user, snapshot):
        seen.append(visit)
        return Reply(json=1)

    client = one_page(installation, handler, methods=("POST",), role="anyone")
    client.post(
        "/p/extras.mine/report?a=1&a=2&b=",
        form={"x": ["1", "2"], "y": "z"},
        headers={"X-Thing": "5", "REMOTE_USER": "proxy"},
    )

    (visit,) = seen
    assert (visit.method, visit.path) == ("POST", "/p/extras.mine/report")
    assert visit.query == {"a": ["1", "2"], "b": ""}
    assert visit.form == {"x": ["1", "2"], "y": "z"}
    assert visit.body == b"x=1&x=2&y=z"
    assert visit.headers["x-thing"] == "5"
    assert visit.remote == "127.0.0.1"
    assert visit.base_url == "http://wwt.example"
    assert visit.remote_user == "proxy"


def test_a_client_that_sends_a_remote_user_header_is_not_believed(installation):
    seen = []
    client = one_page(installation, lambda visit, user, snapshot: seen.append(visit) or Reply(json=1))
    client.get("/p/extras.mine/report", headers={"Remote-User": "root"})

    assert seen[0].remote_user == ""


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (Reply(body=b"abc", content_type="text/plain"), 200, b"abc"),
        (Reply(json={"a": None}, status=201), 201, b'{"a":null}'),
        (Reply(redirect="/jobs"), 303, b""),
        (Reply(template="keys.html"), 200, None),
    ],
)
def test_a_reply_is_bytes_json_a_redirect_or_a_template(installation, reply, status, body):
    got = one_page(installation, lambda visit, user, snapshot: reply).get("/p/extras.mine/report")

    assert got.status == status
    assert body is None or got.body == body


def test_a_reply_can_not_set_headers_of_the_house(installation):
    reply = Reply(
        json=1, headers={"X-Mine": "1", "Set-Cookie": "a=b", "Content-Security-Policy": "none", "X-Bad": "a\r\nb: c"}
    )

    got = one_page(installation, lambda visit, user, snapshot: reply).get("/p/extras.mine/report")

    assert got.header("X-Mine") == "1"
    assert not got.header("Set-Cookie")
    assert not got.header("X-Bad")
    assert got.header("Content-Security-Policy").startswith("default-src 'self'")


def test_what_a_page_accepts_is_checked_before_it_is_asked(installation):
    class Body(pydantic.BaseModel):
        key: str
        workflows: list[str]

    client = one_page(
        installation, lambda visit, user, snapshot: Reply(json=1), methods=("POST",), role="anyone", accepts=Body
    )

    got = client.post("/p/extras.mine/report", json_body={"key": 5}, headers=JSON)

    assert got.status == 422
    assert "key" in got.json["error"]
    assert "workflows" in got.json["error"]
    assert client.post("/p/extras.mine/report", json_body={"key": "5", "workflows": []}, headers=JSON).status == 200


# -- when they fail --


def test_a_page_that_raises_names_its_plugin_and_is_counted(installation):
    client = one_page(installation, lambda visit, user, snapshot: 1 / 0)

    got = client.get("/p/extras.mine/report")

    got.dom()
    assert got.status == 500
    assert "extras.mine" in got.text
    assert client.app.house.hooks.record("extras.mine").failure_count == 1
    assert "ZeroDivisionError" not in got.text


@pytest.mark.parametrize("reply", [Reply(body="text"), Reply(json=1, status=999), Reply(json=1, status="200")])
def test_a_page_whose_reply_can_not_be_sent_names_its_plugin(installation, reply):
    client = one_page(installation, lambda visit, user, snapshot: reply)

    got = client.get("/p/extras.mine/report")

    assert got.status == 500
    assert "extras.mine" in got.text
    assert client.app.house.hooks.record("extras.mine").failure_count == 1


def test_a_page_that_wants_to_end_the_program_costs_itself_only(installation):
    client = one_page(installation, lambda visit, user, snapshot: sys.exit(3))

    got = client.get("/p/extras.mine/report")

    assert got.status == 500
    assert "wanted to end the program" in got.text


@pytest.mark.parametrize(
    ("error", "status"), [(NotFound("no such report"), 404), (Denied("not for you"), 403), (SourceError("silent"), 503)]
)
def test_a_page_may_say_what_is_wrong_in_a_sentence(installation, error, status):
    def handler(visit, user, snapshot):
        raise error

    got = one_page(installation, handler).get("/p/extras.mine/report")

    assert got.status == status
    assert str(error) in got.text


@pytest.mark.parametrize(
    "reply",
    [
        None,
        "text",
        Reply(redirect="javascript:x"),
        Reply(redirect="//evil"),
        Reply(template="none.html"),
        Reply(json=object()),
    ],
)
def test_a_reply_that_can_not_be_sent_is_the_plugins_failure(installation, reply):
    client = one_page(installation, lambda visit, user, snapshot: reply)

    assert client.get("/p/extras.mine/report").status == 500
    assert client.app.house.hooks.record("extras.mine").failure_count == 1


# -- signing in --


def test_only_a_backend_may_sign_somebody_in(installation):
    reply = Reply(sign_in=User("eve", roles=frozenset({"admin"})), redirect="/")

    stranger = one_page(installation, lambda visit, user, snapshot: reply, role="anyone")
    backend = one_page(installation, lambda visit, user, snapshot: reply, role="anyone", name="auth.mine")

    assert stranger.get("/p/extras.mine/report").status == 500
    assert not stranger.cookies
    assert backend.get("/p/auth.mine/report").status == 303
    assert "Signed in as" in backend.get("/").text


def test_a_backend_remembers_a_browser_on_its_way_in(installation):
    def handler(visit, user, snapshot):
        visit.scratch["times"] = visit.scratch.get("times", 0) + 1
        return Reply(json=visit.scratch["times"])

    client = one_page(installation, handler, role="anyone", name="auth.mine")

    assert [client.get("/p/auth.mine/report").json for _ in range(3)] == [1, 2, 3]


# -- panels --


@page()
def panels_page():
    shown = show_panels("overview")
    return as_json(
        {place: [(p.plugin, str(p.body or ""), p.complaint) for p in panels] for place, panels in shown.items()}
    )


def panels_of(client):
    client.wsgi = wsgi.Pages(client.app, {"test": {"/test": panels_page}})
    return client.get("/test").json


def test_panels_are_drawn_by_place_and_order(installation, tmp_path):
    (tmp_path / "box.html").write_text("<p>{{ word }} for {{ user.name or 'you' }}</p>")
    plugin = WithPanels(
        (Panel("B", "box.html", {"word": "<b>"}, order=60), Panel("A", "box.html", {"word": "one"}, order=10))
    )

    shown = panels_of(installation(plugins={"extras.mine": plugin}, templates=tmp_path))

    assert shown["main"] == [["extras.mine", "<p>one for you</p>", ""], ["extras.mine", "<p>&lt;b&gt; for you</p>", ""]]


def test_a_panel_whose_template_fails_leaves_a_notice_in_its_place(installation, tmp_path):
    (tmp_path / "bad.html").write_text("{{ misspelt }}")
    (tmp_path / "good.html").write_text("fine")
    plugin = WithPanels((Panel("Bad", "bad.html", place="top"), Panel("Good", "good.html", place="top")))

    (bad, good) = panels_of(installation(plugins={"extras.mine": plugin}, templates=tmp_path))["top"]

    assert "misspelt" in bad[2]
    assert good == ["extras.mine", "fine", ""]


def test_a_panel_whose_template_wants_to_end_the_program_leaves_a_notice(installation, tmp_path):
    (tmp_path / "bad.html").write_text("{{ leave() }}")
    plugin = WithPanels((Panel("Bad", "bad.html", place="top", values={"leave": sys.exit}),))

    ((_, body, complaint),) = panels_of(installation(plugins={"extras.mine": plugin}, templates=tmp_path))["top"]

    assert not body
    assert "SystemExit" in complaint


def test_a_plugin_that_has_no_panel_to_give_costs_the_others_nothing(installation, tmp_path):
    (tmp_path / "good.html").write_text("fine")
    plugins = {"extras.bad": WithPanels(), "extras.good": WithPanels((Panel("Good", "good.html"),))}

    shown = panels_of(installation(plugins=plugins, templates=tmp_path))

    assert shown["main"] == [["extras.good", "fine", ""]]
    assert "no panel today" in shown["bottom"][0][2]


# -- templates and files --


def test_an_installation_can_extend_the_template_it_replaces(installation, tmp_path):
    (tmp_path / "home.html").write_text(
        '{% extends "core:home.html" %}{% block title %}CERN: {{ super() }}{% endblock %}'
    )

    got = installation(templates=tmp_path).get("/")

    assert got.dom().find(".//title").text == "CERN: Welcome \u2013 WWT"


def test_templates_are_looked_for_here_then_in_plugins_then_in_the_core(tmp_path):
    for name, files in {"local": ["a"], "first": ["a", "b"], "second": ["a", "b", "c"]}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / f"{file}.html").write_text(name)

    environment = build_environment(tmp_path / "local", [tmp_path / "first", tmp_path / "second"])

    assert [environment.get_template(f"{name}.html").render() for name in "abc"] == ["local", "first", "second"]


def test_an_upgrade_below_a_running_server_changes_no_shipped_template(tmp_path):
    shipped, mine = tmp_path / "shipped", tmp_path / "mine"
    for folder in (shipped, mine):
        folder.mkdir()
        (folder / f"{folder.name}.html").write_text("before")
    (shipped / "not-drawn-yet.html").write_text("before")
    running = build_environment(mine, [shipped])
    assert [running.get_template(f"{name}.html").render() for name in ("shipped", "mine")] == ["before", "before"]
    for path in (*shipped.iterdir(), *mine.iterdir()):
        path.write_text("{{ a_value_of_the_next_version }}after")
        os.utime(path, (2**31, 2**31))

    for environment in (running, build_environment(mine, [shipped])):  # with another plugins.yml a room is made anew
        for name in ("shipped", "not-drawn-yet"):
            assert environment.get_template(f"{name}.html").render() == "before"
        assert environment.get_template("mine.html").render(a_value_of_the_next_version="") == "after"


def test_files_of_a_plugin_are_served_under_its_name(tmp_path):
    (tmp_path / "box.css").write_text("p {}")
    (tmp_path / ".secret").write_text("no")
    (tmp_path / "out").symlink_to("/etc/hostname")

    assets = Assets({"extras.mine": tmp_path})

    assert assets.response("plugins/extras.mine/box.css", "").content_type == "text/css; charset=utf-8"
    assert assets.get("plugins/extras.mine/.secret") is None
    assert assets.get("plugins/extras.mine/out") is None


def test_a_file_that_changed_gets_another_version(tmp_path):
    file = tmp_path / "box.css"
    file.write_text("p {}")
    assets = Assets({"extras.mine": tmp_path})
    before = assets.version("plugins/extras.mine/box.css")
    file.write_text("p { color: red }")

    assert assets.version("plugins/extras.mine/box.css") != before


# -- /plugins and /health --


def loaded(name, **fields):
    return Loaded(PluginConfig("extras", name, name, where="plugins.yml:7"), **fields)


def test_the_plugins_page_says_why_one_is_missing(client):
    client.app.house.loaded = (
        loaded("good", state="ready"),
        loaded("gone", state="missing", reason="it is not installed"),
    )

    told = client.get("/plugins").text

    assert "plugins.yml:7: extras.gone: it is not installed" in told
    assert [row["state"] for row in client.get("/plugins?format=json").json] == ["ready", "missing"]


def test_values_of_options_are_for_admins(client):
    from wwt_framework.hooks.option_rows import OptionRow

    row = OptionRow("path", "text", "", "/srv/private/errors.json", True, "where the file is")
    client.app.house.loaded = (loaded("good", state="ready", options=(row,)),)

    assert "/srv/private" not in client.get("/plugins", user="olga").text
    assert "where the file is" in client.get("/plugins").text
    assert "/srv/private" in client.get("/plugins", user="adam").text


def test_a_bad_edit_of_plugins_yml_is_told(client):
    client.app.problems = ("plugins.yml:3: unknown key 'pluginz'",)

    assert "unknown key" in client.get("/plugins").text
    assert client.get("/health").json["state"] == "degraded"


class Late:
    @hookimpl
    def show_panels(self, page):
        return []


def test_a_quarantined_plugin_can_be_tried_again_by_an_admin(installation):
    client = installation(plugins={"extras.late": Late()})
    client.app.house.loaded = (loaded("late", state="ready", hooks=("show_panels",)),)
    for _ in range(3):
        client.app.house.hooks.record("extras.late").late("show_panels")

    before = client.get("/plugins", user="adam").text
    client.post("/plugins/release", user="adam", headers=JSON, form={"plugin": "extras.late"})

    assert "Try extras.late again" in before
    assert "Try extras.late again" not in client.get("/plugins", user="olga").text
    assert client.app.house.hooks.quarantined == ()


@dataclass
class Feels:
    health: Health
    asked: list = field(default_factory=list)

    @hookimpl
    def report_health(self):
        self.asked.append(1)
        return self.health


def test_health_asks_plugins_now_and_then_only(installation):
    plugin = Feels(Health(False, "the disk is full"))
    client = installation(plugins={"extras.mine": plugin})

    answers = [client.get("/health") for _ in range(5)]

    assert {got.status for got in answers} == {200}
    assert {"name": "extras.mine", "state": "degraded", "text": "the disk is full"} in answers[0].json["checks"]
    assert len(plugin.asked) == 1


def test_where_reading_is_closed_health_gives_no_details(installation):
    client = installation(plugins={"extras.mine": Feels(Health(True, "host db7.internal"))}, open_reading=False)

    got = client.get("/health")

    assert got.status == 200
    assert "db7" not in got.text


def test_health_never_names_the_servers_by_which_people_sign_in(installation):
    client = installation(plugins={"auth.directory": Feels(Health(False, "ldaps://dc1.internal does not answer"))})

    got = client.get("/health")

    assert {"name": "auth.directory", "state": "degraded", "text": ""} in got.json["checks"]
    assert "dc1" not in got.text


def test_health_is_down_when_the_store_is(client, monkeypatch):
    from wwt_framework.errors import StoreError
    from wwt_framework.store import ledger

    def broken(store):
        raise StoreError("gone")

    monkeypatch.setattr(ledger, "current_version", broken)

    got = client.get("/health")

    assert (got.status, got.json["state"]) == (503, "down")


def test_a_changed_house_brings_its_own_pages(installation):
    client = one_page(installation, lambda visit, user, snapshot: Reply(json=1))
    before = client.get("/p/extras.mine/report").status
    other = one_page(installation, lambda visit, user, snapshot: Reply(json=2), name="extras.yours")
    client.app.house = other.app.house

    assert before == 200
    assert client.get("/p/extras.mine/report").status == 404
    assert client.get("/p/extras.yours/report").json == 2


def test_core_templates_lie_beside_the_code():
    from wwt_framework.web import room

    assert (Path(room.TEMPLATES) / "base.html").is_file()
