"""Our form, the original's form and the original's documents are read by the same rules."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.desk_world import ACDC1, GEN, IVAN, KINDS, MERGE, OLGA, OTHER, WF, Desk, World, hooks_with
from wwt_framework.errors import WwtError
from wwt_framework.model import Reason
from wwt_framework.services import desk as the_desk
from wwt_framework.services.desk.reading import WORKFLOW_LIMIT, read_sites
from wwt_framework.store import Store, ledger


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("desk")
    store = Store.memory(lambda: datetime(2026, 11, 23, 12, tzinfo=timezone.utc))
    yield Desk(hooks_with(folder, KINDS), World().open(folder / "snapshot"), store)
    store.close()


def read(desk: Desk, form):
    intent, problems = desk.read(form)
    assert problems == ()
    return intent


def wrong(desk: Desk, form) -> list[str]:
    return [problem.message for problem in desk.read(form)[1]]


# -- the original's form --


def test_f1_the_form_of_the_original_is_read_as_it_was(desk):
    intent = read(
        desk,
        {
            "workflows": [WF, OTHER], "action": "acdc", "method": "Manual", "dotasks": [GEN],
            "task_0": GEN, "param_0_memory": "", "param_0_splitting": "3x", "param_0_sites": ["T1_US_FNAL", "T2_CH_CERN"],
            "task_1": MERGE, "param_1_xrootd": "enabled",
            "param_2_memory": "12000", "param_2_cores": "4",
            "shortreason0": "quick", "longreason0": "first line\r\nsecond", "shortreason1": "", "longreason1": "only long",
            "selectedreason": ["none", "old one"],
        },
    )  # fmt: skip

    assert (intent.kind, intent.workflows, intent.method, intent.only_tasks) == ("acdc", (WF, OTHER), "manual", (GEN,))
    assert intent.by_task == {GEN: {"splitting": "3x"}, MERGE: {"xrootd": "enabled"}}
    assert intent.all_tasks == {"memory": 12000, "cores": 4}
    assert intent.sites == {GEN: ("T1_US_FNAL", "T2_CH_CERN")}
    assert intent.reasons == (Reason("quick", "first line\nsecond"), Reason("", "only long"))
    assert intent.picked == ("old one",)


def test_f1_names_of_many_workflows_may_stand_in_one_field(desk):
    assert read(desk, {"workflows": f"{WF}\r\n{OTHER}, {WF}", "action": "clone"}).workflows == (WF, OTHER)


def test_f4_ban_has_one_list_for_all_tasks(desk):
    intent = read(desk, {"workflows": WF, "action": "acdc", "method": "Ban", "param_2_sites": "T2_US_Purdue"})

    assert (intent.method, intent.sites) == ("ban", {"": ("T2_US_Purdue",)})


@pytest.mark.parametrize(
    ("form", "method"),
    [({}, "auto"), ({"sites": "T1_US_FNAL"}, "manual"), ({"sites": ""}, "auto"), ({"method": "Ban"}, "ban")],
)
def test_f4_sites_without_a_word_on_how_they_are_meant_are_where_it_shall_run(desk, form, method):
    assert read(desk, {"workflow": WF, "kind": "acdc", **form}).method == method


@pytest.mark.parametrize(
    ("old", "new"), [("recover", "acdc"), ("investigate", "special"), ("acdc", "acdc"), ("clone", "clone")]
)
def test_o6_names_of_older_forms_are_understood(desk, old, new):
    assert read(desk, {"workflows": WF, "action": old}).kind == new


@pytest.mark.parametrize("splitting", ["2x", "3x", "10x", "20x", "50x", "100x", "200x", "max"])
def test_f2_every_splitting_of_the_original_is_known(desk, splitting):
    intent = read(desk, {"workflows": WF, "action": "acdc", "param_0_splitting": splitting})

    assert intent.all_tasks == {"splitting": splitting}


@pytest.mark.parametrize(
    ("kind", "per_form", "per_task"),
    [
        ("clone", {"splitting", "memory", "cores"}, set()),
        ("acdc", set(), {"splitting", "memory", "cores", "xrootd", "secondary"}),
        ("recovery", set(), {"splitting", "memory", "cores", "xrootd", "secondary", "group"}),
        ("special", {"action", "other", "until"}, set()),
    ],
)
def test_f2_each_kind_has_its_parameters(desk, kind, per_form, per_task):
    choice = the_desk.kind_named(desk.hooks, kind)

    assert {field.name for field in choice.per_form} == per_form
    assert {field.name for field in choice.per_task} == per_task


# -- our own form --


def test_own_form_tells_values_of_all_tasks_from_those_of_one(desk):
    form = {
        "workflow": WF, "kind": "acdc", "value.memory": "4000", f"task.{MERGE}.memory": "6 GB", f"task.{GEN}.memory": "",
        "only_task": [GEN, MERGE], f"seen.{WF}": "0", f"why.{WF}": "matches 8028", "source": "all with 8028",
    }  # fmt: skip

    intent = read(desk, form)

    assert (intent.all_tasks, intent.by_task) == ({"memory": 4000}, {MERGE: {"memory": 6144}})
    assert (intent.only_tasks, intent.seen, intent.why) == ((GEN, MERGE), {WF: 0}, {WF: "matches 8028"})
    assert intent.source == "all with 8028"


def test_page_that_does_not_say_what_it_showed_has_shown_what_there_is_now(desk):
    intent = read(desk, {"workflow": [WF, OTHER], "kind": "acdc"})

    assert intent.seen == {WF: 0, OTHER: 0}


@pytest.mark.parametrize(("posted", "read_as"), [(-1, -1), (0, 0), (1000, 0)])  # from the last event on
def test_no_page_has_shown_what_is_still_to_come(desk, posted, read_as):
    desk.submit({"workflow": ACDC1, "kind": "special", "value.action": "by-pass"}, confirmed=True)
    last = ledger.last_events(desk.store, [ACDC1])[ACDC1]

    intent = read(desk, {"workflow": ACDC1, "kind": "special", f"seen.{ACDC1}": str(last + posted)})

    assert intent.seen == {ACDC1: last + read_as}


def test_what_the_kind_has_no_field_for_is_told_and_left_out(desk):
    intent, (problem,) = desk.read({"workflow": WF, "kind": "acdc", "value.group": "DATAOPS"})

    assert (intent.all_tasks, problem.blocking, problem.field) == ({}, False, "group")
    assert problem.message == "ACDC has no field group: it is left out."


def test_what_can_not_be_read_names_its_task(desk):
    assert wrong(desk, {"workflow": WF, "kind": "acdc", f"task.{GEN}.splitting": "4x"}) == [
        f"{GEN}: Splitting must be one of 2x, 3x, 10x, 20x, 50x, 100x, 200x, max, got '4x'."
    ]


def test_too_many_workflows_are_refused_and_counted(desk):
    names = " ".join(f"w{i}" for i in range(WORKFLOW_LIMIT + 1))

    assert wrong(desk, {"workflows": names, "kind": "clone"}) == [
        "These are 2,001 workflows; up to 2,000 can be acted on at once."
    ]


@pytest.mark.parametrize(
    ("until", "at"),
    [
        ("7", datetime(2026, 11, 30, 12, tzinfo=timezone.utc)),
        ("2026-12-24", datetime(2026, 12, 24, tzinfo=timezone.utc)),
        ("2026-12-24T10:00:00+01:00", datetime(2026, 12, 24, 9, tzinfo=timezone.utc)),
    ],
)
def test_hold_ends_after_days_or_at_a_date(desk, until, at):
    form = {"workflow": WF, "kind": "special", "value.action": "on-hold", "value.until": until}

    assert read(desk, form).expires_at == at


@pytest.mark.parametrize("until", ["0", "9999", "2026-11-01", "tomorrow", "\u0661", "2026-13-45", "999999999999999999"])
def test_hold_that_can_not_end_then_is_refused(desk, until):
    (told,) = wrong(desk, {"workflow": WF, "kind": "special", "value.action": "on-hold", "value.until": until})

    assert told.startswith("Until must be a number of days from 1 to 365, or a date like 2026-12-24 in the future")


def test_draft_of_somebody_else_is_not_taken_over(desk):
    mine = the_desk.keep(desk.store, desk.plan({"workflow": WF, "kind": "acdc"}))
    other = Desk(desk.hooks, desk.snapshot, desk.store, IVAN)

    assert other.read({"workflow": WF, "kind": "acdc", "draft": mine})[0].id != mine
    assert desk.read({"workflow": WF, "kind": "acdc", "draft": mine})[0].id == mine


# -- documents --


def test_j3_document_of_the_original_is_read(desk):
    document = {
        "workflow": WF,
        "parameters": {
            "Action": "acdc",
            "Reasons": ["one<br>two", " "],
            "ACDCs": [],
            "Parameters": {
                GEN: {"memory": "Same", "splitting": "2x", "xrootd": "", "cores": None, "sites": ["T1_US_FNAL"]},
                "AllSteps": {"secondary": "enabled"},
            },
        },
    }

    intent, problems = the_desk.read_document(desk.hooks, desk.snapshot, desk.store, document)

    assert problems == ()
    assert (intent.workflows, intent.kind, intent.only_tasks, intent.method) == ((WF,), "acdc", (GEN,), "manual")
    assert (intent.by_task, intent.all_tasks) == ({GEN: {"splitting": "2x"}}, {"secondary": "enabled"})
    assert (intent.sites, intent.reasons) == ({GEN: ("T1_US_FNAL",)}, (Reason("", "one\ntwo"),))


def test_j3_document_with_what_no_database_can_hold_is_read_without_it(desk):
    parameters = {"Action": "acdc", "Parameters": {f"{GEN}\0\ud800": {"memory": "4000"}}, "Reasons": ["a\0b\ud800"]}

    intent, _ = the_desk.read_document(
        desk.hooks, desk.snapshot, desk.store, {"workflow": WF, "parameters": parameters}
    )

    assert (intent.only_tasks, intent.reasons) == ((f"{GEN}?",), (Reason("", "ab?"),))


def test_j3_document_with_flat_parameters_is_one_action_on_the_whole_workflow(desk):
    document = {"workflow": WF, "parameters": {"Action": "clone", "Parameters": {"memory": "4000"}}}

    intent, _ = the_desk.read_document(desk.hooks, desk.snapshot, desk.store, document)

    assert (intent.kind, intent.values, intent.only_tasks) == ("clone", {"memory": 4000}, ())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["workflow", "parameters", "x"]), json_values))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_j3_any_document_is_read_or_told_to_be_wrong(desk, document):
    intent, problems = the_desk.read_document(desk.hooks, desk.snapshot, desk.store, document)

    assert intent.workflows or problems


@given(json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_j3_any_parameters_are_read_or_told_to_be_wrong(desk, parameters):
    document = {"workflow": WF, "parameters": {"Action": "acdc", "Parameters": parameters, "Reasons": parameters}}

    intent, _ = the_desk.read_document(desk.hooks, desk.snapshot, desk.store, document)

    assert the_desk.from_plain(the_desk.to_plain(intent)) == intent


# -- round trips --

keys = st.sampled_from(
    [
        "workflow", "workflows", "kind", "action", "method", "dotasks", "only_task", "value.memory", "value.splitting",
        f"task.{GEN}.memory", "task_0", "param_0_memory", "param_0_sites", "sites", f"sites.{GEN}", "shortreason1",
        "longreason1", "selectedreason", f"seen.{WF}", f"why.{WF}", "source", "draft", "value.until", "param_x_y",
    ]
)  # fmt: skip
words = st.sampled_from([WF, ACDC1, "acdc", "special", "clone", "manual", "ban", GEN, "4000", "2x", "T1_US_FNAL", "7"])
posted = st.dictionaries(keys, words | st.text(max_size=20) | st.lists(words | st.text(max_size=20), max_size=3))


@given(posted)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_form_is_read_and_what_is_read_survives_being_kept(desk, form):
    intent, _ = desk.read(form)

    assert the_desk.from_plain(the_desk.to_plain(intent)) == intent


def test_draft_that_can_not_be_read_any_more_says_so(desk):
    with pytest.raises(WwtError, match="can not be read any more"):
        the_desk.from_plain({"id": "x"})


# -- picking sites --


def test_p14_picked_sites_are_read_by_the_path_of_their_task(desk):
    form = {"task_0": f"/{WF}/{GEN}", "param_0_sites": ["T1_US_FNAL", "T2_CH_CERN"], "task_1": f"/{WF}/{MERGE}"}

    assert read_sites(form) == {f"/{WF}/{GEN}": ("T1_US_FNAL", "T2_CH_CERN")}


def test_j4_sites_without_a_draft_change_the_open_action(tmp_path: Path):
    store = Store.memory()
    desk = Desk(hooks_with(tmp_path, KINDS), World().open(tmp_path / "snapshot"), store)
    (line,) = desk.submit({"workflow": WF, "kind": "acdc", f"task.{GEN}.memory": "3000"}).lines

    (intent,) = the_desk.picked_sites(store, OLGA, {"task_0": f"/{WF}/{GEN}", "param_0_sites": "T2_DE_DESY"})
    (changed,) = desk.submit(intent, confirmed=True).lines

    assert changed.action.task_values == {
        GEN: {"memory": 3000, "sites": ["T2_DE_DESY"]},
        MERGE: {"sites": ["T2_CH_CERN"]},
    }
    assert [old.id for old in changed.superseded] == [line.action.id]
    assert [one.workflow for one in ledger.open_actions(store)] == [WF]
    store.close()


def test_hold_of_a_week_from_now_is_a_week_from_now(desk):
    form = {"workflow": WF, "kind": "special", "value.action": "on-hold", "value.until": "7"}

    assert read(desk, form).expires_at == desk.store.now() + timedelta(days=7)
