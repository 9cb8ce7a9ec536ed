"""Every command says what it does, and what is wrong."""

from __future__ import annotations

import json

import pytest

from tests.roof.conftest import CHEAP, WORLD


@pytest.mark.parametrize(
    "command", ["serve", "work", "demo", "refresh", "check", "plugins", "import-config", "user", "user add"]
)
def test_every_command_has_help(wwt, command):
    wwt.write()

    assert "Usage:" in wwt.run(*command.split(), "--help").stdout


def test_help_lists_the_commands_of_plugins_too(wwt):
    wwt.write()

    told = wwt.run("--help").stdout

    assert all(name in told for name in ("serve", "demo", "refresh", "check", "plugins", "user"))


def test_help_works_beside_a_broken_plugins_yml(wwt):
    wwt.write("errors: [")

    assert "serve" in wwt.run("--help").stdout


def test_check_is_content_with_a_good_file(wwt):
    wwt.write()

    assert "nothing is wrong" in wwt.run("check").stdout


def test_check_names_every_problem_with_file_and_line_and_ends_with_1(wwt):
    wwt.write("wwt: {thread: 3}\nerrors:\n  wrld: {}\n  world: {workflows: many}\n")

    told = wwt.run("check", code=1).stderr

    assert "plugins.yml:1: wwt.thread: unknown option; did you mean 'threads'?" in told


def test_check_names_options_and_plugins_that_do_not_exist(wwt):
    wwt.write(f"errors:\n  wrld: {{}}\n  world: {{workflows: many}}\nauth:\n  {CHEAP}\n")

    told = wwt.run("check", code=1).stderr

    assert "plugins.yml:2: errors.wrld: no plugin 'wrld' is installed; did you mean 'world'?" in told
    assert "plugins.yml:3: errors.world.workflows: expected an integer" in told


def test_plugins_lists_what_is_listed_and_what_is_not_used(wwt):
    wwt.write()

    told = wwt.run("plugins").stdout

    assert "errors.world" in told
    assert "errors.json_file" in told


def test_plugins_describes_the_options_of_one(wwt):
    wwt.write()

    told = wwt.run("plugins", "errors.world").stdout

    assert "workflows (integer): workflows alive at a time" in told


def test_a_plugin_that_is_not_there_is_told_with_those_that_are(wwt):
    wwt.write()

    assert "listed there: errors.world, auth.local" in wwt.run("plugins", "nobody", code=1).stderr


def test_refresh_says_what_it_came_to(wwt):
    wwt.write()

    assert "workflows," in wwt.run("refresh").stdout


def test_refresh_of_one_workflow_asks_only_for_that(wwt):
    (wwt.folder / "e.json").write_text(json.dumps({"/a/t": {"1": {"T1": 1}}, "/b/t": {"1": {"T1": 1}}}))
    wwt.write(f"errors:\n  json_file: {{path: e.json}}\nauth:\n  {CHEAP}\n")
    wwt.run("refresh")
    (wwt.folder / "e.json").write_text(json.dumps({"/a/t": {"1": {"T1": 5}}, "/b/t": {"1": {"T1": 5}}}))

    wwt.run("refresh", "--workflow", "a")

    server = wwt.start("serve", "--no-jobs", "--port", "0")
    totals = {w["workflow"]: w["errors"] for w in server.json("/getworkflows?prepid=NoPrepID")}
    assert totals == {"a": 5, "b": 1}


def test_where_no_configuration_is_the_commands_say_what_to_do(wwt):
    assert "no plugins.yml in" in wwt.run("refresh", code=1).stderr


def test_a_configuration_that_was_asked_for_and_is_not_there_is_told(wwt):
    assert "nowhere.yml" in wwt.run("check", "--config", "nowhere.yml", code=1).stderr


def test_the_config_option_stands_anywhere_for_commands_of_plugins(wwt):
    (wwt.folder / "other.yml").write_text(WORLD)
    words = ["user", "add", "x", "--role", "viewer", "--password-stdin", "--config", "other.yml"]

    assert "Made the account x" in wwt.run(*words, typed="long enough\n").stdout


def test_a_short_password_is_refused_in_words(wwt):
    wwt.write()

    told = wwt.run("user", "add", "x", "--role", "viewer", "--password-stdin", typed="short\n", code=1)

    assert "8 to 1024 characters" in told.stderr


def test_an_unknown_role_is_refused_with_those_there_are(wwt):
    wwt.write()

    told = wwt.run("user", "add", "x", "--role", "king", "--password-stdin", typed="long enough\n", code=2)

    assert "viewer" in told.stderr


def test_a_config_yml_of_the_original_becomes_a_plugins_yml_that_checks(wwt):
    (wwt.folder / "config.yml").write_text(
        "host: {name: x.example.org, port: 8443, threads: 12}\nrefresh_period: 30\ndata: {all_errors: errors.json}\n"
        "cluster: {n_clusters: 5}\n"
    )
    (wwt.folder / "errors.json").write_text("{}")

    done = wwt.run("import-config", "config.yml", "--output", "plugins.yml")

    assert "cluster.n_clusters" in done.stderr
    assert "refresh_minutes: 30" in (wwt.folder / "plugins.yml").read_text()
    assert "errors.json_file: ready" in wwt.run("check", code=1).stdout  # the site page can not be reached from here


def test_an_import_does_not_write_over_a_file(wwt):
    (wwt.folder / "config.yml").write_text("refresh_period: 30\n")
    wwt.write("kept")

    assert "is there already" in wwt.run("import-config", "config.yml", "--output", "plugins.yml", code=1).stderr
    assert (wwt.folder / "plugins.yml").read_text() == "kept"
