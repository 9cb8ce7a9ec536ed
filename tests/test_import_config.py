from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wwt_framework import config
from wwt_framework.errors import ConfigError
from wwt_framework.import_config import Converted, Original, convert

# Every key that PROMISES section 6 lists, with values as an installation had them.
EVERYTHING = """\
webmaster: {name: Jane Doe, email: jane@example.org}
host: {name: 0.0.0.0, port: 8443, threads: 12}
data:
  workflow_history: history.db
  all_errors: https://unified.example.org/statuses.json
  explain_errors: explained.json
  cookie_file: cookie.txt
  cookie_pem: pem.pem
  cookie_key: key.pem
valid_emails: {domains: [cern.ch], whitelist: [joe@example.org]}
actions:
  submithistory: 3
  key: s3cret-1
  database: workflowwebtools
  uri: mongodb://joe:s3cret-2@mongo.example.org/db
cluster:
  n_clusters: 30
  n_init: 10
  skip: false
  sitename: {distance: 1.0, width: 0.2, midpoint: 50}
  errorcode: {distance: 2.0, width: 0.4, midpoint: 50}
cache_refresh: {errors: 345600, jira: 60}
workspace: /var/wwt
refresh_period: 30
include_all_acdcs: true
oracle: [joe, s3cret-3, dsn.example.org]
aieh: {static: "https://a.example.org", models: "https://b.example.org", user: joe, dry: true}
no_predict: true
"""
KEYS = [
    "webmaster.name",
    "webmaster.email",
    "host.name",
    "host.port",
    "host.threads",
    "data.workflow_history",
    "data.all_errors",
    "data.explain_errors",
    "data.cookie_file",
    "data.cookie_pem",
    "data.cookie_key",
    "valid_emails.domains",
    "valid_emails.whitelist",
    "actions.submithistory",
    "actions.key",
    "actions.database",
    "actions.uri",
    "cluster.n_clusters",
    "cluster.n_init",
    "cluster.skip",
    "cluster.sitename.distance",
    "cluster.sitename.width",
    "cluster.sitename.midpoint",
    "cluster.errorcode.distance",
    "cluster.errorcode.width",
    "cluster.errorcode.midpoint",
    "cache_refresh",
    "workspace",
    "refresh_period",
    "include_all_acdcs",
    "oracle",
    "aieh.static",
    "aieh.models",
    "aieh.user",
    "aieh.dry",
    "no_predict",
]
MONIT = """\
oracle: [joe, s3cret-1, dsn]
workflow_status_db: status.db
alert_recipients: [joe@example.org]
"""
CREDENTIAL = """\
producer: wwt
topic: /topic/workflows
hostport: {host: mq.example.org, port: 61313}
cert: cert.pem
key: key.pem
"""


def loaded(converted: Converted, folder: Path) -> config.Config:
    path = folder / "plugins.yml"
    path.write_text(converted.text, encoding="utf-8")
    return config.load(path, {})


def test_what_has_a_home_is_carried_over(tmp_path: Path):
    house = loaded(convert(Original(EVERYTHING, "config.yml")), tmp_path).house

    assert (house.host, house.port, house.threads) == ("0.0.0.0", 8443, 12)
    assert (house.webmaster.name, house.webmaster.email) == ("Jane Doe", "jane@example.org")
    assert house.submit_history_days == 3
    assert house.refresh_minutes == 30
    assert house.include_all_acdcs
    assert house.data_dir == Path("/var/wwt/wwt-data")
    assert house.pid_file == tmp_path / "pid"
    assert house.log_dir == tmp_path


def test_the_errors_are_read_from_where_they_were(tmp_path: Path):
    plugins = loaded(convert(Original(EVERYTHING, "config.yml")), tmp_path).plugins

    assert plugins[0].full_name == "errors.json_file"
    assert plugins[0].options == {"path": "https://unified.example.org/statuses.json"}
    assert "auth.local" in [plugin.full_name for plugin in plugins]


def test_the_states_of_sites_are_fetched_as_the_original_did(tmp_path: Path):
    plugins = loaded(convert(Original("no_predict: true", "config.yml")), tmp_path).plugins

    assert "errors.prod_status" in [plugin.full_name for plugin in plugins]


def test_every_key_is_carried_over_or_left_with_a_reason():
    converted = convert(Original(EVERYTHING, "config.yml"))

    carried = {key for line in converted.carried for key in line.partition(" -> ")[0].split(", ")}
    left = {line.partition(": ")[0] for line in converted.left}
    assert [key for key in KEYS if key not in carried | left] == []
    assert carried & left == set()


def test_the_prediction_service_is_asked_where_it_was_and_predictions_stay_off(tmp_path: Path):
    config = loaded(convert(Original(EVERYTHING, "config.yml")), tmp_path)
    (service,) = [plugin for plugin in config.plugins if plugin.full_name == "ml.prediction_service"]

    assert service.options == {"url": "https://b.example.org"}
    assert config.house.predict is False


def test_an_address_of_the_prediction_service_that_is_none_is_left_with_a_reason():
    converted = convert(Original("aieh: {models: 'b.example.org'}", "config.yml"))

    assert "aieh.models: expected an address with http(s)://; no prediction service is asked" in converted.left


def test_no_key_is_unknown_to_us():
    converted = [convert(Original(text, "config.yml")) for text in (EVERYTHING, MONIT, CREDENTIAL)]

    assert [line for one in converted for line in one.left if "unknown" in line] == []


def test_c8_the_files_of_workflowmonit_become_options_of_the_plugin(tmp_path: Path):
    old = tmp_path / "old"
    converted = convert(
        Original(EVERYTHING, "config.yml"), Original(MONIT, "config.yml"), Original(CREDENTIAL, "c.yml", old)
    )

    options = {plugin.full_name: plugin.options for plugin in loaded(converted, tmp_path).plugins}
    assert options["extras.workflowmonit"] == {
        "brokers": ["mq.example.org:61313"], "producer": "wwt", "topic": "/topic/workflows",
        "certificate": f"{old}/cert.pem", "key": f"{old}/key.pem", "alert_recipients": ["joe@example.org"],
    }  # fmt: skip
    assert "oracle: stands in config.yml once more; the first one counts" in converted.left
    assert "workflow_status_db: the statuses of workflows are in every snapshot; nothing to do" in converted.left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("hostport: {host: mq}", "hostport.host: expected the name of a host and a port"),
        ("hostport: {host: 'm q', port: 1}", "hostport.host, hostport.port: expected the name of a host and a port"),
        ("producer: 5", "producer: expected a text, got 5; extras.workflowmonit.producer keeps its default"),
        ("key: key.pem", "key: means nothing without cert"),
        ("cert: [x]", "cert: expected the path of a PEM file, got a list"),
        ("alert_recipients: [joe]", "alert_recipients: expected mail addresses, got 'joe'; that is left out"),
    ],
)
def test_a_value_of_workflowmonit_that_means_nothing_is_left(tmp_path: Path, text: str, left: str):
    converted = convert(Original(text, "credential.yml"))

    assert any(line.startswith(left) for line in converted.left), converted.left
    loaded(converted, tmp_path)


def test_files_of_workflowmonit_alone_say_nothing_of_the_console(tmp_path: Path):
    converted = convert(Original(MONIT, "config.yml", tmp_path), Original(CREDENTIAL, "credential.yml", tmp_path))

    assert "pid_file" not in converted.text
    assert not any(line.startswith("keys/") for line in converted.left)


@pytest.mark.parametrize("text", [EVERYTHING, MONIT, CREDENTIAL])
def test_no_secret_is_said(text: str):
    converted = convert(Original(text, "config.yml"))

    assert "s3cret" not in "\n".join([converted.text, *converted.carried, *converted.left])


def test_what_is_left_stands_in_the_new_file_too():
    converted = convert(Original(EVERYTHING, "config.yml"))

    assert [line for line in converted.left if f"# - {line}\n" not in converted.text] == []


def test_unknown_keys_are_named_with_a_guess():
    left = convert(
        Original("hots: {name: x}\nhost: {prot: 1}\ncluster: {sitename: {widht: 1}}\nzzzz: 1\n", "c.yml")
    ).left

    assert "hots: unknown key, which the original never had; did you mean 'host'?" in left
    assert "host.prot: unknown key, which the original never had; did you mean 'port'?" in left
    assert "cluster.sitename.widht: unknown key, which the original never had; did you mean 'width'?" in left
    assert any(
        line.startswith("zzzz: unknown key, which the original never had; there are: actions, ") for line in left
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("host: {name: x y, port: 1}", "host.name, host.port: expected host:port like 127.0.0.1:8080, got 'x y:1'"),
        ("host: {threads: many}", "host.threads: expected an integer from 1 to 1000, got 'many'; wwt.threads keeps"),
        (
            "refresh_period: 0",
            "refresh_period: expected a number above 0, got 0; wwt.refresh_minutes keeps its default",
        ),
        ("refresh_period:", "refresh_period: is empty; wwt.refresh_minutes keeps its default"),
        ("webmaster: {email: jane}", "webmaster.email: expected an address like name@example.org, got 'jane'"),
        ("webmaster: {name: }", "webmaster.name: is empty"),
        ("workspace: [x]", "workspace: expected a path, got a list"),
        ("data: {all_errors: [x]}", "data.all_errors: expected a file or URL, got a list"),
        ("no_predict: 1", "data.all_errors: is not there, so no source is listed"),
        ("host: 5", "host: expected a mapping, as the original did; nothing of it is carried over"),
    ],
)
def test_a_value_that_plugins_yml_would_refuse_is_left(tmp_path: Path, text: str, left: str):
    converted = convert(Original(text, "config.yml"))

    assert any(line.startswith(left) for line in converted.left), converted.left
    loaded(converted, tmp_path)


def test_one_half_of_the_webmaster_comes_without_the_other(tmp_path: Path):
    converted = convert(Original("webmaster: {name: Jane, email: nowhere}", "config.yml"))

    assert loaded(converted, tmp_path).house.webmaster.name == "Jane"


def test_host_and_port_have_the_defaults_of_the_original(tmp_path: Path):
    assert loaded(convert(Original("host: {port: 9}", "c.yml")), tmp_path).house.listen == "127.0.0.1:9"
    assert loaded(convert(Original("host: {name: '::1'}", "c.yml")), tmp_path).house.listen == "[::1]:8080"


def test_with_the_folder_of_the_original_paths_are_absolute_and_its_keys_are_found(tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "keys").mkdir(parents=True)
    new.mkdir()
    (old / "keys/cert.pem").touch()
    (old / "keys/privkey.pem").touch()

    converted = convert(Original("data: {all_errors: errors.json}\nworkspace: .\n", "config.yml", old))

    house, (source, *_) = loaded(converted, new).house, loaded(converted, new).plugins
    assert source.options == {"path": f"{old}/errors.json"}
    assert house.data_dir == old / "wwt-data"
    assert house.log_dir == old
    assert house.tls
    assert (house.tls.certificate, house.tls.key) == (old / "keys/cert.pem", old / "keys/privkey.pem")


def test_the_service_of_rules_comes_over_and_only_lists(tmp_path: Path):
    converted = convert(
        Original("aieh: {static: 'https://rules.example.org/x', user: robot, dry: false}", "config.yml", tmp_path)
    )

    options = {plugin.full_name: plugin.options for plugin in loaded(converted, tmp_path).plugins}
    assert options["actions.auto_acdc"] == {"static": "https://rules.example.org/x", "user": "robot"}
    assert "aieh.dry: automatic ACDCs are only listed here; nothing is submitted by itself" in converted.left


def test_without_the_address_of_the_service_no_automatic_acdc_is_listed(tmp_path: Path):
    converted = convert(Original("aieh: {static: '', user: robot, dry: true}", "config.yml", tmp_path))

    assert "auto_acdc" not in converted.text
    assert [line for line in converted.left if line.startswith("aieh")] == [
        "aieh.static: is empty; no automatic ACDCs are listed",
        "aieh.user: means nothing without aieh.static",
        "aieh.dry: means nothing without aieh.static",
    ]


def test_p15_who_may_register_comes_over(tmp_path: Path):
    converted = convert(Original(EVERYTHING, "config.yml"))

    assert "valid_emails.domains -> auth.local.domains: cern.ch" in converted.carried
    assert "valid_emails.whitelist -> auth.local.whitelist: joe@example.org" in converted.carried
    assert "  local: {domains: [cern.ch], whitelist: [joe@example.org]}  # valid_emails\n" in converted.text


@pytest.mark.parametrize("value", ["cern.ch", "[cern]", "[5]", "{a: b}", "['a b.ch']"])
def test_domains_that_can_not_be_meant_are_left(value: str):
    converted = convert(Original(f"valid_emails: {{domains: {value}}}", "config.yml"))

    assert "valid_emails.domains: expected a list of domains" in " ".join(converted.left)
    assert "  local: {}" in converted.text


def test_it_is_said_that_the_salt_is_dropped_and_how_accounts_come_over():
    left = " ".join(convert(Original("host: {port: 80}", "config.yml")).left)

    assert "keys/salt.txt: is dropped" in left
    assert "users.db: comes over by itself: wwt import-users users.db" in left


def test_the_key_of_executors_is_not_written_down_and_it_is_said_where_it_goes(tmp_path: Path):
    converted = convert(Original("actions: {key: 'very secret'}", "config.yml", tmp_path))

    assert "very secret" not in converted.text + "".join(converted.left)
    assert "  executor: {}" in converted.text
    assert any(line.startswith("actions.key: is a secret; write it into a file") for line in converted.left)


def test_a_certificate_without_its_key_is_left(tmp_path: Path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/cert.pem").touch()

    converted = convert(Original("no_predict: 1", "config.yml", tmp_path))

    assert any("expected an existing file, got" in line and "privkey.pem" in line for line in converted.left)
    assert loaded(converted, tmp_path).house.tls is None


@pytest.mark.parametrize("text", ["", "- a", "5", "a: 1\na: 2\n", "a: [", "a: &x 1\nb: *x\n"])
def test_what_is_no_configuration_is_refused(text: str):
    with pytest.raises(ConfigError, match=r"^config\.yml:\d: "):
        convert(Original(text, "config.yml"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*KEYS, "hots", "host", "a\nb"]), VALUES, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_whatever_is_carried_over_can_be_loaded(tmp_path: Path, values: dict[str, object]):
    original: dict[str, object] = {}
    for key, value in values.items():
        *outer, last = key.split(".")
        block = original
        for name in outer:
            inner = block.get(name)
            block[name] = block = inner if isinstance(inner, dict) else {}
        block[last] = value
    text = yaml.safe_dump(original)

    try:
        converted = convert(Original(text, "config.yml"))
    except ConfigError:
        return

    loaded(converted, tmp_path)
