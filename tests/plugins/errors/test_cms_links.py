"""Links to the services that know more about a workflow."""

from __future__ import annotations

import pytest

from wwt_framework.errors import PluginError
from wwt_framework.model import Case, Workflow

CASE = Case(Workflow("op_task_X__v1_T_190101_000000_1", prep_id="task_X"))


def links(wwt_plugin, case=CASE, **options):
    found = wwt_plugin("errors.cms_links", **options).ask("show_links", case=case)
    return {link.label: link.href for link in found}


def test_p9_links_lead_to_reqmgr2_monitor_tickets_and_logs(wwt_plugin):
    name = "op_task_X__v1_T_190101_000000_1"

    assert links(wwt_plugin) == {
        "ReqMgr2": f"https://cmsweb.cern.ch/reqmgr2/fetch?rid={name}",
        "ReqMgr2 JSON": f"https://cmsweb.cern.ch/reqmgr2/data/request?name={name}",
        "PrepID": "https://cmsweb.cern.ch/reqmgr2/data/request?prep_id=task_X&detail=true",
        "Production monitor": "https://dmytro.web.cern.ch/dmytro/cmsprodmon/workflows.php?prep_id=task_X",
        "JIRA": "https://its.cern.ch/jira/secure/QuickSearch.jspa?searchString=task_X",
        "Logs": f"https://cms-unified.web.cern.ch/cms-unified/showlog/?search={name}",
        "Error logs": f"https://cms-unified.web.cern.ch/cms-unified/showlog/?search={name}&module=error",
        "Error report": f"https://cms-unified.web.cern.ch/cms-unified/report/{name}",
    }


def test_links_that_need_a_prep_id_are_left_out_without_one(wwt_plugin):
    found = links(wwt_plugin, Case(Workflow("wf")))

    assert sorted(found) == ["Error logs", "Error report", "Logs", "ReqMgr2", "ReqMgr2 JSON"]


def test_names_are_quoted(wwt_plugin):
    found = links(
        wwt_plugin,
        Case(Workflow("a b/c&d=<é>{prep_id}")),
        links=[{"label": "x", "href": "https://example.org/?q={workflow}"}],
    )

    assert found == {"x": "https://example.org/?q=a%20b%2Fc%26d%3D%3C%C3%A9%3E%7Bprep_id%7D"}


def test_own_links_take_the_place_of_the_shipped_ones(wwt_plugin):
    own = [{"label": "Grafana", "href": "https://example.org/d/{prep_id}/{workflow}", "help": "plots"}]

    assert links(wwt_plugin, links=own) == {"Grafana": "https://example.org/d/task_X/op_task_X__v1_T_190101_000000_1"}


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert('{workflow}')", "/relative/{workflow}", "ftp://example.org/{workflow}", "data:text/html,x",
        "https://{workflow}/", "https://{workflow}.example.org/", "https://user:pw@example.org/{workflow}", "",
        "https://example.org/{site}", "https://example.org/{workflow!r}", "https://example.org/{workflow.__class__}",
        "https://example.org/{", "https://example.org/}", "https://example.org/{{workflow}}", "https://example.org/a b",
        'https://example.org/"onclick', "https://example.org/\n",
    ],
)  # fmt: skip
def test_address_that_could_lead_elsewhere_is_refused_at_start(wwt_plugin, href):
    with pytest.raises(PluginError, match="expected "):
        wwt_plugin("errors.cms_links", links=[{"label": "x", "href": href}])


def test_link_without_a_label_is_refused(wwt_plugin):
    with pytest.raises(PluginError):
        wwt_plugin("errors.cms_links", links=[{"label": "", "href": "https://example.org/"}])
