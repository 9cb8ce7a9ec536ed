"""The kinds of action that are shipped, and where tasks can run again."""

from __future__ import annotations

import pytest

from wwt_framework.model import Case, Draft, ErrorTable, Recovery, SiteStatus, TaskSites, User, Workflow
from wwt_framework.testing import ActionContract, GuardContract
from wwt_framework.testing.contracts_actions import contract_case


class TestAcdc(ActionContract):
    plugin = "actions.acdc"


class TestClone(ActionContract):
    plugin = "actions.clone"


class TestRecovery(ActionContract):
    plugin = "actions.recovery"


class TestSpecial(ActionContract, GuardContract):
    plugin = "actions.special"

    def make_objection(self, it):
        return special(), [contract_case()]


class TestSitesToRun(ActionContract):
    plugin = "actions.sites_to_run"


def special(**values: str) -> Draft:
    return Draft("d", "special", ("contract",), values, {"contract": {}}, (), User("ana"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, ["Nothing is asked for."]),
        ({"action": "by-pass"}, []),
        ({"other": "call the site"}, []),
        ({"action": "on-hold", "until": "7"}, []),
        ({"action": "by-pass", "until": "7"}, ["Only on-hold ends by itself, so an end says nothing here."]),
    ],
)
def test_f2_special_asks_for_something_and_only_a_hold_ends_by_itself(wwt_plugin, values, told):
    problems = wwt_plugin("actions.special").ask(
        "check_action", draft=special(**values), cases=[contract_case()], open_actions=[]
    )

    assert [problem.message for problem in problems] == told


@pytest.mark.parametrize(
    ("options", "group"), [({}, "production"), ({"group": "DATAOPS"}, "DATAOPS")]
)  # fmt: skip
def test_o6_group_of_a_recovery_begins_as_the_installation_says(wwt_plugin, options, group):
    (kind,) = wwt_plugin("actions.recovery", **options).ask("register_actions")

    assert {field.name: field.default for field in kind.fields}["group"] == group


# -- where tasks can run again --


def sites_of(wwt_plugin, *recoveries: Recovery, known=("T1_US_FNAL", "T2_CH_CERN", "T2_UK_London_IC"), **options):
    workflow = Workflow("w", parameters={"SiteWhitelist": ["T1_US_FNAL", "T2_CH_CERN", "T0_CH_CERN"]})
    case = Case(workflow, ErrorTable(), recoveries=recoveries, sites={name: SiteStatus(name) for name in known})
    return wwt_plugin("actions.sites_to_run", **options).ask("build_sites", case=case)


def recovery(*sites: str, task: str = "/w/T", **more) -> Recovery:
    return Recovery(task, frozenset(sites), **more)


@pytest.mark.parametrize(
    ("storage", "site"),
    [
        ("T1_US_FNAL", {"T1_US_FNAL"}),
        ("T1_US_FNAL_Disk", {"T1_US_FNAL"}),
        ("T2_UK_London_IC_ECHO_Disk", {"T2_UK_London_IC"}),
        ("T1_US_FNAL_MSS", set()),
        ("T2_CH_CERN_Export", set()),
        ("T0_CH_CERN", set()),
        ("T0_CH_CERN_Disk", set()),
        ("T2_XX_Unheard", set()),
        ("", set()),
    ],
)
def test_d_f_names_of_storage_become_sites_and_tape_is_none(wwt_plugin, storage, site):
    (told,) = sites_of(wwt_plugin, recovery(storage))

    assert (told.task, told.sites) == ("T", frozenset(site))


def test_d_f_task_without_real_input_runs_at_the_whole_whitelist(wwt_plugin):
    told = sites_of(wwt_plugin, recovery("T2_UK_London_IC", fake_files=True))

    assert told == [
        TaskSites("T", frozenset({"T1_US_FNAL", "T2_CH_CERN"}), "simulated without input: the whole whitelist")
    ]


def test_d_f_documents_of_one_task_are_joined(wwt_plugin):
    told = sites_of(wwt_plugin, recovery("T1_US_FNAL"), recovery("T2_CH_CERN"), recovery("T2_CH_CERN", task="/w/T/M"))

    assert [(one.task, sorted(one.sites)) for one in told] == [
        ("T", ["T1_US_FNAL", "T2_CH_CERN"]),
        ("T/M", ["T2_CH_CERN"]),
    ]


def test_d_f_where_no_state_of_a_site_is_known_every_name_is_taken(wwt_plugin):
    (told,) = sites_of(wwt_plugin, recovery("T2_XX_Unheard"), known=())

    assert told.sites == {"T2_XX_Unheard"}


def test_d_f_sites_that_nobody_knows_may_be_asked_for(wwt_plugin):
    (told,) = sites_of(wwt_plugin, recovery("T2_XX_Unheard"), known_only=False)

    assert told.sites == {"T2_XX_Unheard"}


def test_d_f_workflow_without_documents_is_left_to_the_next_plugin(wwt_plugin):
    assert sites_of(wwt_plugin) is None
