"""What has a period or an age of its own, and what a reset makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.services.refresh_house import NOON, House, source
from wwt_framework.errors import SourceError
from wwt_framework.model import (
    ErrorCount,
    Errors,
    Known,
    LogExcerpt,
    Recovery,
    Rejected,
    SiteStatus,
    SiteStatuses,
    Told,
    Workflow,
    Workflows,
)

EARLIER = NOON - timedelta(minutes=40)
FNAL = SiteStatus("T1_US_FNAL", production="enabled")
DRAINED = SiteStatus("T1_US_FNAL", production="drain")
ALL_DAY = {"refresh_minutes": 15, "sites_minutes": 30}


def site_line(house: House):
    return next(line for line in house.refresh().sources if line.kind == "site statuses")


def test_d_e_states_of_sites_are_asked_for_every_half_hour_and_not_with_every_refresh(house: House) -> None:
    house.options = ALL_DAY
    house.sources["one"] = it = source(fetch_site_statuses=[FNAL])
    asked = []
    for _ in range(5):
        house.refresh()
        asked.append(it.times("fetch_site_statuses"))
        house.go_on(15)

    assert asked == [1, 1, 2, 2, 3]


def test_d_e_between_two_looks_the_states_are_those_of_before_with_their_time(house: House) -> None:
    house.options = ALL_DAY
    house.sources["one"] = it = source(fetch_site_statuses=[FNAL])
    house.refresh()
    it.answers["fetch_site_statuses"] = [DRAINED]
    house.go_on(15)
    snapshot = house.refresh()
    (line,) = snapshot.sources

    assert snapshot.sites["T1_US_FNAL"].production == "enabled"
    assert (line.state, line.as_of, line.asked_at) == ("ok", NOON, NOON)

    house.go_on(15)

    assert house.refresh().sites["T1_US_FNAL"].production == "drain"


@pytest.mark.parametrize("answer", [SourceError("no connection"), SiteStatuses((FNAL,), (Rejected("line 2", "no"),))])
def test_d_e_a_source_that_failed_or_could_not_be_read_whole_is_asked_again_at_once(
    house: House, answer: object
) -> None:
    house.options = ALL_DAY
    house.sources["one"] = it = source(fetch_site_statuses=answer)
    house.refresh()
    it.answers["fetch_site_statuses"] = [FNAL]
    house.go_on(15)

    assert site_line(house).as_of == house.now


def test_d_e_p19_a_reset_of_everything_asks_for_sites_at_once(house: House) -> None:
    house.options = ALL_DAY
    house.sources["one"] = it = source(fetch_site_statuses=[FNAL])
    house.refresh()
    it.answers["fetch_site_statuses"] = [DRAINED]
    house.go_on(1)

    assert house.refresh(anew=True).sites["T1_US_FNAL"].production == "drain"


def test_d_e_a_clock_that_was_set_back_keeps_no_state_for_ever(house: House) -> None:
    house.options = ALL_DAY
    house.sources["one"] = it = source(fetch_site_statuses=[FNAL])
    house.refresh()
    house.go_on(-60)
    house.refresh()

    assert it.times("fetch_site_statuses") == 2


def test_d_e_one_source_that_rests_does_not_keep_another_one_from_being_asked(house: House) -> None:
    house.options = ALL_DAY
    house.sources["one"] = first = source(fetch_site_statuses=[FNAL])
    house.sources["two"] = second = source(fetch_site_statuses=SourceError("no connection"))
    house.refresh()
    house.go_on(15)
    house.refresh()

    assert (first.times("fetch_site_statuses"), second.times("fetch_site_statuses")) == (1, 2)


# -- answers that say of when they are --


def test_d_g_counts_that_a_source_kept_are_shown_with_their_age(house: House) -> None:
    told = Errors((ErrorCount("/a/T", 1, "S", 2),), as_of=EARLIER)
    house.sources["one"] = source(
        list_workflows=[Workflow("a"), Workflow("b")],
        fetch_errors=lambda w: told if w.name == "a" else Errors(),
    )
    snapshot = house.refresh()

    assert snapshot.known("a")["errors"] == Known("errors", "", "ok", EARLIER)
    assert snapshot.known("b")["errors"].at == NOON
    assert next(line for line in snapshot.sources if line.kind == "errors").as_of == EARLIER


def test_d_g_no_source_tells_the_future(house: House) -> None:
    told = Errors((ErrorCount("/a/T", 1, "S", 2),), as_of=NOON + timedelta(hours=1))
    house.sources["one"] = source(list_workflows=[Workflow("a")], fetch_errors=told)

    assert house.refresh().known("a")["errors"].at == NOON


def test_d_g_parameters_families_logs_and_recoveries_say_of_when_they_are(house: House) -> None:
    house.sources["one"] = source(
        list_workflows=[Workflow("a", prep_id="P")],
        fetch_errors=Errors((ErrorCount("/a/T", 1, "S", 2),)),
        fetch_workflows=Workflows((Workflow("a", "P", status="completed"),), as_of=EARLIER),
        fetch_family=Workflows((Workflow("a", "P"),), as_of=EARLIER),
        fetch_logs=Told((LogExcerpt("/a/T", 1, "S", "E", "text"),), as_of=EARLIER),
        fetch_recoveries=Told((Recovery("/a/T", frozenset({"S"}), 5),), as_of=EARLIER),
    )
    known = house.refresh().known("a")

    assert {kind: known[kind].at for kind in ("parameters", "family", "logs", "recoveries")} == dict.fromkeys(
        ("parameters", "family", "logs", "recoveries"), EARLIER
    )


def test_what_could_not_be_read_of_logs_is_named(house: House) -> None:
    house.sources["one"] = source(
        list_workflows=[Workflow("a")],
        fetch_errors=Errors((ErrorCount("/a/T", 1, "S", 2),)),
        fetch_logs=Told((LogExcerpt("/a/T", 1, "S", "E", "text"),), (Rejected("sample 2", "no text"),)),
    )
    known = house.refresh().known("a")["logs"]

    assert (known.state, known.note) == ("partial", "sample 2: no text")


# -- what a source says of itself, and what a reset says to it --


def test_what_is_wrong_with_a_source_that_answers_stands_beside_its_answer(house: House) -> None:
    house.sources["one"] = source(list_workflows=Workflows((Workflow("a"),), warning="expires in 3.0 h"))
    line = next(line for line in house.refresh().sources if line.kind == "workflows")

    assert (line.state, line.warning) == ("ok", "expires in 3.0 h")


def test_a_warning_outlives_the_reset_of_one_workflow_and_ends_with_its_reason(house: House) -> None:
    house.sources["one"] = it = source(
        list_workflows=Workflows((Workflow("a"),), warning="expires in 3.0 h"), fetch_errors=Errors()
    )
    house.refresh()
    after_reset = house.refresh(workflows=["a"]).sources
    it.answers["list_workflows"] = [Workflow("a")]
    after_renewal = house.refresh().sources

    assert {line.warning for line in after_reset} == {"expires in 3.0 h", ""}
    assert {line.warning for line in after_renewal} == {""}


def test_p19_sources_are_told_what_somebody_wants_anew(house: House) -> None:
    house.sources["one"] = it = source(
        list_workflows=[Workflow("a", prep_id="P")], forget_answers=None,
        fetch_family=[Workflow("a", "P"), Workflow("b", "P")], fetch_errors=Errors(),
    )  # fmt: skip
    house.refresh()
    before = it.times("forget_answers")
    house.refresh(workflows=["a"])
    house.refresh(prep_ids=["P"])
    house.refresh(anew=True)

    assert before == 0
    assert [call[1] for call in it.asked if call[0] == "forget_answers"] == [["a"], ["P", "a"], ["b"], None]
