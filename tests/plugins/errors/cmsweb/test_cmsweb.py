"""The source over HTTPS: what it asks, what it tells, and what it says on the services' bad days."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.errors import SourceError
from wwt_framework.model import ErrorCount, Recovery, Workflow
from wwt_framework.testing import ErrorSourceContract
from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.grid_services import Given, GridServices
from wwt_framework.testing.running import Running, running

from .conftest import ACDC, COUNTS, DETAIL, PREP, REQUEST, TASK, WF, told

CODES = frozenset({8028})
HERE = Workflow(WF)
CELLS = {ErrorCount(TASK, 8028, "T1_US_FNAL", 7), ErrorCount(TASK, -1, "T2_CH_CERN", 1)}


class TestContract(ErrorSourceContract):
    plugin = "errors.cmsweb"
    workflow = WF

    @pytest.fixture(autouse=True)
    def _stand_in(self, services: GridServices, authority: Authority, proxy: Path) -> None:
        self.services, self.authority, self.proxy = services, authority, proxy

    def make_options(self, folder: Path) -> dict[str, Any]:
        return {
            "url": self.services.url, "certificate": str(self.proxy), "ca": str(self.authority.path),
            "statuses": ["running-closed"], "parameters_age_s": 0, "family_age_s": 0,
        }  # fmt: skip

    def break_source(self, it: Running) -> None:
        self.services.mood.misbehave("", "500")

    def cut_short(self, it: Running) -> str:
        self.services.mood.misbehave("/wmstatsserver/data/request", "more failed jobs")
        return WF


# -- what it tells --


def test_requests_of_a_status_are_listed(cmsweb: Running) -> None:
    assert [workflow.name for workflow in cmsweb.ask("list_workflows")] == [WF]


def test_d_e_parameters_and_failure_rate_are_told(cmsweb: Running) -> None:
    (workflow,) = cmsweb.ask("fetch_workflows", names=[WF])

    assert (workflow.prep_id, workflow.request_type, workflow.failure_rate) == (PREP, "TaskChain", 0.07)


def test_a_family_is_all_requests_of_its_prep_id(cmsweb: Running) -> None:
    assert {workflow.name for workflow in cmsweb.ask("fetch_family", prep_id=PREP)} == {WF, "op_ACDC0_task_A"}


def test_d_a_failed_jobs_and_those_not_reported_are_told(cmsweb: Running) -> None:
    errors = cmsweb.ask("fetch_errors", workflow=HERE)

    assert set(errors.counts) == CELLS
    assert errors.complete


def test_logs_come_from_the_samples(cmsweb: Running) -> None:
    (log,) = cmsweb.ask("fetch_logs", workflow=HERE, exit_codes=CODES)

    assert (log.task, log.exit_code, log.site, log.error_type) == (TASK, 8028, "T1_US_FNAL", "Fatal Exception")


def test_four_questions_tell_everything_about_a_workflow(cmsweb: Running, services: GridServices) -> None:
    cmsweb.ask("fetch_workflows", names=[WF])
    cmsweb.ask("fetch_errors", workflow=HERE)
    cmsweb.ask("fetch_logs", workflow=HERE, exit_codes=CODES)
    cmsweb.ask("fetch_recoveries", workflow=HERE)

    assert services.asked == {
        "reqmgr2/data/request": 1,
        "wmstatsserver/data/jobdetail": 1,
        "wmstatsserver/data/request": 1,
        "couchdb/acdcserver/_design": 1,
    }


def test_an_answer_that_did_not_change_is_not_sent_again(cmsweb: Running, services: GridServices) -> None:
    before = cmsweb.ask("fetch_errors", workflow=HERE)

    after = cmsweb.ask("fetch_errors", workflow=HERE)

    assert after == before
    assert services.confirmed >= 1


def test_an_answer_that_changed_is_taken(cmsweb: Running, answers: Given) -> None:
    cmsweb.ask("fetch_errors", workflow=HERE)
    answers.told[DETAIL]["result"][0][WF][TASK]["jobfailed"]["8028"]["T1_US_FNAL"]["errorCount"] = 11

    errors = cmsweb.ask("fetch_errors", workflow=HERE)

    assert ErrorCount(TASK, 8028, "T1_US_FNAL", 11) in errors.counts


# -- bad days --

FATAL = ("500", "503", "cut off", "sign-in page", "redirect", "{}", "[]", "no JSON", "not UTF-8")


@pytest.mark.parametrize("fault", FATAL)
def test_a_failing_jobdetail_is_no_answer_and_not_zero(cmsweb: Running, services: GridServices, fault: str) -> None:
    services.mood.misbehave("jobdetail", fault)

    with pytest.raises(SourceError, match="localhost"):
        cmsweb.ask("fetch_errors", workflow=HERE)


def test_an_empty_jobdetail_of_a_workflow_with_failed_jobs_is_no_answer(
    cmsweb: Running, services: GridServices
) -> None:
    services.mood.misbehave("jobdetail", "empty result")

    with pytest.raises(SourceError, match=r"counts 7 failed jobs .* tells no details"):
        cmsweb.ask("fetch_errors", workflow=HERE)


def test_an_empty_jobdetail_of_a_workflow_without_failed_jobs_is_none(cmsweb: Running, answers: Given) -> None:
    answers.told[DETAIL] = {"result": [{}]}
    answers.told[COUNTS]["result"][0][WF]["AgentJobInfo"]["a"]["status"]["failure"] = {}
    answers.told[ACDC] = {"rows": []}

    errors = cmsweb.ask("fetch_errors", workflow=HERE)

    assert errors.counts == ()
    assert errors.complete


@pytest.mark.parametrize("fault", FATAL)
def test_without_the_acdc_server_counts_are_lower_bounds(cmsweb: Running, services: GridServices, fault: str) -> None:
    services.mood.misbehave("acdcserver", fault)

    errors = cmsweb.ask("fetch_errors", workflow=HERE)

    assert errors.counts == (ErrorCount(TASK, 8028, "T1_US_FNAL", 7),)
    assert not errors.complete
    assert "jobs that were not reported are missing here" in errors.note


def test_counts_that_disagree_are_lower_bounds(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("/wmstatsserver/data/request", "more failed jobs")

    errors = cmsweb.ask("fetch_errors", workflow=HERE)

    assert set(errors.counts) == CELLS
    assert errors.note == "WMStats counts 36 failed jobs, its details 7"


def test_an_agent_that_is_missing_in_the_details_is_named(cmsweb: Running, answers: Given) -> None:
    agents = {f"http://{host}.example.org:5984": {"status": {"failure": {"exception": 7}}} for host in ("one", "two")}
    answers.told[COUNTS] = {"result": [{WF: {"AgentJobInfo": agents}}]}
    told = answers.told[DETAIL]["result"][0][WF][TASK]["jobfailed"]["8028"]["T1_US_FNAL"]["samples"][0]
    told["agent_name"] = "one.example.org"

    assert cmsweb.ask("fetch_errors", workflow=HERE).note == (
        "WMStats counts 14 failed jobs, its details 7; no detail comes from two.example.org"
    )


@pytest.mark.parametrize("fault", ["numbers as text", "1 MB texts", "repeated documents"])
def test_what_is_true_but_written_otherwise_is_read_the_same(
    cmsweb: Running, services: GridServices, fault: str
) -> None:
    services.mood.misbehave("", fault)

    assert set(cmsweb.ask("fetch_errors", workflow=HERE).counts) == CELLS


def test_a_null_site_is_shown_as_it_is(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("jobdetail", "null sites")

    assert ErrorCount(TASK, 8028, "null", 7) in cmsweb.ask("fetch_errors", workflow=HERE).counts


def test_exit_code_zero_has_no_log(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("jobdetail", "exit code 0")

    assert list(cmsweb.ask("fetch_logs", workflow=HERE, exit_codes=frozenset({0, 8028}))) == []


def test_what_documents_without_files_ask_for_is_not_known(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("acdcserver", "empty documents")

    assert list(cmsweb.ask("fetch_recoveries", workflow=HERE)) == [Recovery(TASK, frozenset(), None)]


def test_documents_without_files_make_counts_lower_bounds(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("acdcserver", "empty documents")

    errors = cmsweb.ask("fetch_errors", workflow=HERE)

    assert errors.counts == (ErrorCount(TASK, 8028, "T1_US_FNAL", 7),)
    assert errors.note.startswith("1 document of the ACDC server name no files")


@pytest.mark.parametrize(
    ("part", "hook", "question"),
    [
        ("status=running-closed", "list_workflows", {}),
        ("prep_id=", "fetch_family", {"prep_id": PREP}),
        ("acdcserver", "fetch_recoveries", {"workflow": HERE}),
    ],
)
def test_what_was_there_is_not_gone_because_a_service_says_so_once(
    cmsweb: Running, services: GridServices, part: str, hook: str, question: dict[str, Any]
) -> None:
    before = cmsweb.ask(hook, **question)
    services.mood.misbehave(part, "empty result")

    cmsweb.plugin._looks.begin()  # within one look an answer serves all questions
    with pytest.raises(SourceError, match="says that there is nothing, where there was something at"):
        cmsweb.ask(hook, **question)
    services.mood.behave()

    assert cmsweb.ask(hook, **question) == before


def test_a_request_that_reqmgr2_has_forgotten_keeps_its_parameters(cmsweb: Running, services: GridServices) -> None:
    cmsweb.ask("fetch_workflows", names=[WF])
    services.mood.misbehave("name=", "empty result")

    with pytest.raises(SourceError, match="says that there is nothing"):
        cmsweb.ask("fetch_workflows", names=[WF])


@pytest.mark.parametrize(("options", "hours"), [({}, 6), ({"believed_after_h": 0.1}, 0.1)])
def test_what_was_there_is_believed_to_be_gone_after_hours(
    wwt_plugin: Any, services: GridServices, authority: Authority, proxy: Path, options: dict[str, float], hours: float
) -> None:
    now = [time.time()]
    cmsweb = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(proxy), ca=str(authority.path), **options)
    cmsweb.plugin._now = cmsweb.plugin._services._clock = cmsweb.plugin._cache._now = lambda: now[0]
    cmsweb.ask("fetch_recoveries", workflow=HERE)
    services.mood.misbehave("acdcserver", "empty result")
    now[0] += hours * 3600 + 1
    cmsweb.plugin._looks.begin()

    assert list(cmsweb.ask("fetch_recoveries", workflow=HERE)) == []


# -- dead services --


def test_a_dead_service_is_asked_less_often(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("jobdetail", "500")
    for n in range(40):
        cmsweb.answer("fetch_errors", workflow=Workflow(f"{WF}{n}"))

    assert services.asked["wmstatsserver/data/jobdetail"] == 12  # and 28 times it was not asked


def test_a_service_that_was_dead_in_the_last_refresh_is_tried_once(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("wmstatsserver", "500")
    for n in range(40):
        cmsweb.answer("fetch_errors", workflow=Workflow(f"{WF}{n}"))
    before = services.asked["wmstatsserver/data/jobdetail"]
    again = running("errors.cmsweb", cmsweb.plugin._options.model_dump(), cmsweb.doors.folder, cmsweb.doors)

    for n in range(40):
        again.answer("fetch_errors", workflow=Workflow(f"{WF}{n}"))

    assert services.asked["wmstatsserver/data/jobdetail"] - before == 1


def test_a_service_that_lives_again_is_asked_as_ever(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("wmstatsserver", "500")
    for n in range(40):
        cmsweb.answer("fetch_errors", workflow=Workflow(f"{WF}{n}"))
    services.mood.behave()
    again = running("errors.cmsweb", cmsweb.plugin._options.model_dump(), cmsweb.doors.folder, cmsweb.doors)

    assert all(set(again.ask("fetch_errors", workflow=HERE).counts) == CELLS for _ in range(3))


def test_one_dead_service_does_not_silence_the_others(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("acdcserver", "500")

    for _ in range(30):
        assert ErrorCount(TASK, 8028, "T1_US_FNAL", 7) in cmsweb.ask("fetch_errors", workflow=HERE).counts


def test_a_text_of_a_megabyte_is_cut(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("jobdetail", "1 MB texts")

    (log,) = cmsweb.ask("fetch_logs", workflow=HERE, exit_codes=CODES)

    assert len(log.text) == 16_384


def test_an_answer_that_never_comes_ends(cmsweb: Running, services: GridServices) -> None:
    cmsweb.plugin._services._timeout = (1, 0.3)
    services.mood.misbehave("jobdetail", "time out")

    with pytest.raises(SourceError, match="did not answer in time"):
        cmsweb.ask("fetch_errors", workflow=HERE)


def test_an_answer_that_trickles_ends(
    wwt_plugin: Any, services: GridServices, authority: Authority, proxy: Path
) -> None:
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(proxy), ca=str(authority.path), timeout_s=0.5)
    services.mood.misbehave("jobdetail", "drip")

    with pytest.raises(SourceError, match="it only trickles"):
        it.ask("fetch_errors", workflow=HERE)


def test_one_bad_workflow_does_not_cost_the_others(cmsweb: Running, services: GridServices, answers: Given) -> None:
    answers.told["/reqmgr2/data/request?name=other"] = {"result": [{"other": {"PrepID": "other"}}]}
    answers.told["/wmstatsserver/data/request/other"] = {"result": [{}]}
    services.mood.misbehave(REQUEST, "500")

    found = cmsweb.ask("fetch_workflows", names=[WF, "other"])

    assert [workflow.name for workflow in found] == ["other"]
    assert [(one.workflow, "500" in one.why) for one in found.rejected] == [(WF, True)]


def test_an_error_page_does_not_come_back_from_the_cache(cmsweb: Running, services: GridServices) -> None:
    services.mood.misbehave("jobdetail", "sign-in page")
    with pytest.raises(SourceError):
        cmsweb.ask("fetch_errors", workflow=HERE)
    services.mood.behave()

    assert set(cmsweb.ask("fetch_errors", workflow=HERE).counts) == CELLS


def test_a_damaged_cache_costs_time_only(cmsweb: Running) -> None:
    (cmsweb.doors.folder / "errors.cmsweb" / "answers.db").write_bytes(
        b"no database at all, but long enough for one" * 99
    )

    assert set(cmsweb.ask("fetch_errors", workflow=HERE).counts) == CELLS


# -- certificates --


def test_a_server_that_the_authority_does_not_know_is_refused(
    wwt_plugin: Any, services: GridServices, proxy: Path, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(proxy), ca=str(other.path))

    with pytest.raises(SourceError, match="certificate is not trusted"):
        it.ask("fetch_errors", workflow=HERE)


def test_a_server_with_a_certificate_for_another_name_is_refused(
    wwt_plugin: Any, authority: Authority, proxy: Path
) -> None:
    with GridServices(Given(told()), authority, host="elsewhere.example.org").open() as services:
        it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(proxy), ca=str(authority.path))

        with pytest.raises(SourceError, match="certificate is not trusted"):
            it.ask("fetch_errors", workflow=HERE)


def test_a_server_that_is_not_verified_is_told(wwt_plugin: Any, services: GridServices, proxy: Path) -> None:
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(proxy), verify=False)

    with pytest.warns(match="Unverified HTTPS"):
        health = it.ask("report_health")

    assert (health.ok, health.text) == (
        False,
        "the server's certificate is not verified (verify: false): whoever answers is taken for the grid",
    )


def test_a_certificate_that_expired_is_named_before_anything_is_asked(
    wwt_plugin: Any, services: GridServices, authority: Authority
) -> None:
    old = authority.person("late", timedelta(hours=-2))
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(old), ca=str(authority.path))

    with pytest.raises(SourceError, match=r"person-late.pem expired at .* make a new proxy"):
        it.ask("list_workflows")
    assert not services.asked


def test_a_certificate_that_ends_soon_is_named_while_it_still_works(
    wwt_plugin: Any, services: GridServices, authority: Authority
) -> None:
    soon = authority.person("soon", timedelta(hours=3))
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(soon), ca=str(authority.path))

    health = it.ask("report_health")

    assert not health.ok
    assert (
        "person-soon.pem expires in 3.0 h" in health.text
        or "expires in 2.9" in health.text
        or "expires in 3.0 h" in health.text
    )


def test_a_missing_certificate_says_how_to_make_one(wwt_plugin: Any, services: GridServices, tmp_path: Path) -> None:
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(tmp_path / "none.pem"))

    with pytest.raises(SourceError, match=r"none.pem: the grid certificate can not be read .*voms-proxy-init"):
        it.ask("list_workflows")


def test_the_proxy_of_the_environment_is_used(
    wwt_plugin: Any, services: GridServices, authority: Authority, proxy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X509_USER_PROXY", str(proxy))
    it = wwt_plugin("errors.cmsweb", url=services.url, ca=str(authority.path), statuses=["running-closed"])

    assert [workflow.name for workflow in it.ask("list_workflows")] == [WF]


def test_a_connection_is_kept_for_the_next_question(cmsweb: Running, services: GridServices) -> None:
    for _ in range(3):
        cmsweb.ask("fetch_errors", workflow=HERE)

    assert services.connections == 1


def test_a_workflow_that_wmstats_does_not_know_any_more_is_unknown(cmsweb: Running, answers: Given) -> None:
    answers.told[DETAIL] = answers.told[COUNTS] = {"result": [{}]}

    with pytest.raises(SourceError, match="does not know"):
        cmsweb.ask("fetch_errors", workflow=Workflow(WF, status="normal-archived"))


def test_a_workflow_that_has_not_begun_has_no_failed_jobs(cmsweb: Running, answers: Given) -> None:
    answers.told[DETAIL] = answers.told[COUNTS] = {"result": [{}]}
    answers.told[ACDC] = {"rows": []}

    assert cmsweb.ask("fetch_errors", workflow=Workflow(WF, status="acquired")).complete


# -- ages, and who wants something anew --

AGES = {
    "listing_age_s": ("reqmgr2/data/request", "list_workflows", {}),
    "parameters_age_s": ("reqmgr2/data/request", "fetch_workflows", {"names": [WF]}),
    "rate_age_s": ("wmstatsserver/data/request", "fetch_workflows", {"names": [WF]}),
    "family_age_s": ("reqmgr2/data/request", "fetch_family", {"prep_id": PREP}),
    "errors_age_s": ("wmstatsserver/data/jobdetail", "fetch_errors", {"workflow": HERE}),
    "recoveries_age_s": ("couchdb/acdcserver/_design", "fetch_errors", {"workflow": HERE}),
}


@pytest.fixture
def aged(wwt_plugin: Any, services: GridServices, authority: Authority, proxy: Path) -> Any:
    """``aged(errors_age_s=600)``: the plugin with that age, and its clock."""

    def make(**ages: int) -> tuple[Running, Clock]:
        it = wwt_plugin(
            "errors.cmsweb", url=services.url, certificate=str(proxy), ca=str(authority.path),
            statuses=["running-closed"], **ages,
        )  # fmt: skip
        clock = Clock(time.time())
        it.plugin._now = it.plugin._cache._now = it.plugin._services._clock = it.plugin._looks._now = clock
        return it, clock

    return make


class Clock:
    """A clock that a test moves."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize("age", AGES)
def test_d_g_each_kind_of_answer_has_an_age_within_which_it_is_not_asked_for(
    aged: Any, services: GridServices, age: str
) -> None:
    place, hook, arguments = AGES[age]
    it, clock = aged(**{age: 600})
    asked = []
    for _ in range(4):
        it.plugin._looks.begin()
        it.ask(hook, **arguments)
        asked.append(services.asked[place])
        clock.at += 250  # 0, 250, 500: young; 750: not any more

    assert asked == [1, 1, 1, 2]


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("names", [None, [WF, PREP]])
def test_d_g_p19_what_somebody_wants_anew_is_asked_for_whatever_its_age(
    aged: Any, services: GridServices, age: str, names: list[str] | None
) -> None:
    place, hook, arguments = AGES[age]
    it, clock = aged(**{age: 600})
    it.ask(hook, **arguments)
    clock.at += 10
    it.ask("forget_answers", names=names)
    it.ask(hook, **arguments)
    clock.at += 10
    it.plugin._looks.begin()
    it.ask(hook, **arguments)  # what was asked anew is young again

    assert services.asked[place] == (1 if age == "listing_age_s" and names else 2)


def test_d_g_a_reset_of_one_workflow_asks_for_no_other(aged: Any, services: GridServices) -> None:
    it, clock = aged(errors_age_s=600)
    it.ask("fetch_errors", workflow=HERE)
    clock.at += 10
    it.ask("forget_answers", names=["another"])
    it.ask("fetch_errors", workflow=HERE)

    assert services.asked["wmstatsserver/data/jobdetail"] == 1


def test_d_g_counts_that_are_not_asked_for_say_of_when_they_are(aged: Any) -> None:
    it, clock = aged(errors_age_s=600, recoveries_age_s=600, parameters_age_s=600, family_age_s=600)
    first = clock.at
    it.ask("fetch_errors", workflow=HERE)
    it.ask("fetch_workflows", names=[WF])
    it.ask("fetch_family", prep_id=PREP)
    clock.at += 300
    it.plugin._looks.begin()
    told = [
        it.ask("fetch_errors", workflow=HERE), it.ask("fetch_logs", workflow=HERE, exit_codes=CODES),
        it.ask("fetch_recoveries", workflow=HERE), it.ask("fetch_workflows", names=[WF]),
        it.ask("fetch_family", prep_id=PREP),
    ]  # fmt: skip

    assert {round(one.as_of.timestamp() - first) for one in told} == {0}


def test_logs_of_a_look_whose_question_failed_are_not_those_of_an_earlier_look(
    aged: Any, services: GridServices
) -> None:
    it, clock = aged()
    it.ask("fetch_errors", workflow=HERE)
    clock.at += 10
    it.plugin._looks.begin()
    services.mood.misbehave("jobdetail", "500")

    for hook, arguments in (("fetch_errors", {}), ("fetch_logs", {"exit_codes": CODES})):
        with pytest.raises(SourceError, match="failed"):
            it.ask(hook, workflow=HERE, **arguments)


# -- what is wrong with how we ask --


def test_a_server_that_is_not_verified_is_a_warning_with_every_list(
    wwt_plugin: Any, services: GridServices, proxy: Path
) -> None:
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(proxy), verify=False)

    assert "not verified (verify: false)" in it.ask("list_workflows").warning


def test_a_certificate_that_ends_soon_is_a_warning_with_every_list(
    wwt_plugin: Any, services: GridServices, authority: Authority
) -> None:
    soon = authority.person("soon-listed", timedelta(hours=3))
    it = wwt_plugin("errors.cmsweb", url=services.url, certificate=str(soon), ca=str(authority.path))

    assert "expires in 3.0 h" in it.ask("list_workflows").warning


def test_without_anything_wrong_there_is_no_warning(cmsweb: Running) -> None:
    assert cmsweb.ask("list_workflows").warning == ""
