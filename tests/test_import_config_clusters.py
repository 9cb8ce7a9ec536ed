from __future__ import annotations

import pytest
import yaml

from wwt_framework.import_config import Original, convert

ALL = """
cluster:
  n_clusters: 30
  n_init: 5
  skip: false
  sitename: {distance: 1.5, width: 0.2, midpoint: 40}
  errorcode: {distance: 2, width: 0, midpoint: 50}
"""


def listed(text):
    return yaml.safe_load(convert(Original(text, "config.yml")).text).get("clustering")


def test_every_option_of_the_clusters_is_carried_over():
    assert listed(ALL)["error_vectors"] == {
        "n_clusters": 30, "n_init": 5, "sitename": {"distance": 1.5, "width": 0.2, "midpoint": 40},
        "errorcode": {"distance": 2, "width": 0, "midpoint": 50},
    }  # fmt: skip


def test_what_is_carried_over_is_accepted_by_the_plugin(wwt_plugin):
    assert wwt_plugin("clustering.error_vectors", **listed(ALL)["error_vectors"]).loaded.ok


def test_an_installation_that_skips_groups_nothing():
    assert listed("cluster: {skip: true, n_clusters: 3}") is None
    assert (
        "cluster.skip -> nothing is listed under clustering" in convert(Original("cluster: {skip: true}", "c")).carried
    )


def test_without_a_word_about_clusters_they_are_made_as_ever():
    assert listed("host: {port: 8080}") == {"error_vectors": {}, "nearest": {}}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("n_clusters: many", "cluster.n_clusters: expected a whole number from 1 to 1000, got 'many'"),
        ("n_init: 0", "cluster.n_init: expected a whole number from 1 to 1000, got 0"),
        ("n_init: .inf", "cluster.n_init: expected a whole number from 1 to 1000, got"),
        ("sitename: {midpoint: 0}", "cluster.sitename.midpoint: expected a number above 0, got 0"),
        ("errorcode: {width: -1}", "cluster.errorcode.width: expected a number of at least 0, got -1"),
        ("errorcode: {width: .nan}", "cluster.errorcode.width: expected a number of at least 0, got"),
    ],
)
def test_what_can_not_be_meant_is_left_with_a_reason(value, why):
    converted = convert(Original(f"cluster: {{{value}}}", "config.yml"))

    assert any(line.startswith(why) for line in converted.left)
    assert yaml.safe_load(converted.text)["clustering"]["error_vectors"] == {}
