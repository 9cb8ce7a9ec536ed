"""Rounds of watching: what is kept, what waits, who is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.errors import PluginError
from wwt_framework.testing.running import Running
from wwt_plugins.actions.workflowmonit import Outbox

from .conftest import NOON, TEAM, case, collect, world

Watch = Callable[..., Running]
NOBODY = "127.0.0.1:1"  # nothing listens there


def kept(it: Running, folder: str = "copies") -> dict[str, list[dict[str, Any]]]:
    """Round -> its messages."""
    found = {}
    for path in sorted((it.doors.folder / it.name / folder).glob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found[path.name] = [json.loads(line) for line in lines]
    return found


def failure(it: Running, minutes: float = 5) -> str:
    with pytest.raises(PluginError) as caught:
        collect(it, minutes)
    return str(caught.value)


def test_c8_a_round_keeps_a_document_for_each_running_workflow_that_fails(watch: Watch) -> None:
    it = watch(
        case("wf_A"), case("wf_B", status="running-closed"), case("done", status="completed"), case("fine", 0, rate=0)
    )

    assert collect(it) == "2 documents about workflows that fail; 1 fail for days, and nobody is to be told"
    ((name, messages),) = kept(it).items()
    assert name == "20261123T120000Z.jsonl.gz"
    assert [message["body"]["data"]["name"] for message in messages] == ["wf_A", "wf_B"]


def test_c8_a_message_is_wrapped_as_monitoring_takes_it(watch: Watch) -> None:
    it = watch(case("wf_A"), producer="us")
    collect(it)
    ((message,),) = kept(it).values()
    metadata = message["body"]["metadata"]

    assert (message["type"], message["version"], message["producer"]) == ("workflowmonit_us", "0.1", "us")
    assert (metadata["timestamp"], metadata["producer"]) == (1795435200000, "us")
    assert len(metadata["_id"]) == len(metadata["uuid"].replace("-", "")) == 32


def test_the_same_snapshot_is_told_once(watch: Watch) -> None:
    it = watch(case())
    collect(it)

    assert collect(it, 35) == "nothing new since 12:00 UTC"
    assert len(kept(it)) == 1


def test_a_house_that_has_fetched_nothing_yet_has_nothing_to_tell(watch: Watch) -> None:
    assert collect(watch()) == "there are no workflows"


def test_c8_what_no_broker_takes_waits_and_the_copy_is_there(watch: Watch) -> None:
    it = watch(case(), brokers=[NOBODY], tls=False, timeout_s=5)
    told = failure(it)

    assert told.startswith("no broker of 127.0.0.1:1 takes messages: ")
    assert "refused" in told
    assert kept(it, "waiting") == kept(it)


def test_a_round_that_waits_is_not_made_anew(watch: Watch) -> None:
    it = watch(case(), brokers=[NOBODY], tls=False, timeout_s=5)
    failure(it)
    before = kept(it, "waiting")
    failure(it, 35)

    assert kept(it, "waiting") == before


def test_what_can_not_be_sent_for_days_is_given_up_and_told(watch: Watch) -> None:
    it = watch(case(), brokers=[NOBODY], tls=False, timeout_s=5, keep_unsent_days=1, keep_days=3)
    failure(it)
    it.doors.snapshot = world(minutes=1441)

    assert collect(it, 1445) == "there are no workflows; 1 documents were too old to be sent and are given up; 0 sent"
    assert (kept(it, "waiting"), len(kept(it))) == ({}, 1)


def test_without_a_broker_health_says_that_documents_are_only_kept(watch: Watch) -> None:
    told = watch().ask("report_health")

    assert (told.ok, told.text) == (True, "keeps documents as files; no broker is named")


def test_old_copies_go(watch: Watch) -> None:
    it = watch(case(), keep_days=1)
    collect(it)
    it.doors.snapshot = world(case(), minutes=2000)
    collect(it, 2001)

    assert list(kept(it)) == ["20261124T212000Z.jsonl.gz"]


def test_a_damaged_round_is_named(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.put([{"body": {}}], NOON, to_send=True)
    (round_,) = outbox.waiting()
    round_.write_bytes(round_.read_bytes()[:10])

    with pytest.raises(PluginError, match=r"20261123T120000Z\.jsonl\.gz: can not be read .* move it away"):
        outbox.confirm(round_, set())


def test_health_tells_what_waits(watch: Watch) -> None:
    it = watch(case(), brokers=[NOBODY], tls=False, timeout_s=5)
    failure(it)

    assert it.ask("report_health").text == "documents of 1 rounds wait to be sent, the oldest of 20261123T1200 UTC"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"brokers": ["broker"]}, "expected host:port like broker.example.org:61614, got 'broker'"),
        ({"brokers": ["broker:70000"]}, "expected host:port"),
        ({"user": "guest"}, "user and password belong together"),
        ({"key": "k.pem"}, "key is given without certificate"),
    ],
)
def test_options_that_can_not_be_meant_are_refused(watch: Watch, options: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match=said):
        watch(**options)


# -- who is told --------------------------------------------------------------


def test_e4_a_workflow_that_fails_for_days_is_mailed_once(watch: Watch) -> None:
    it = watch(case("wf_A", 1200), case("<b>"), alert_recipients=[TEAM])
    collect(it)
    it.doors.snapshot = world(case("wf_A"), case("<b>"), minutes=30)
    collect(it, 31)

    (mail,) = it.doors.mail.sent
    assert (mail.to, mail.subject) == ((TEAM,), "2 workflows fail for days")
    assert mail.text == (
        "2 workflows fail: at least 50% of the jobs, and running-open for at least 2 days.\n\n"
        "<b>: 60.0% fail, 3 failed jobs known, since 2026-11-20 12:00 UTC\n"
        "https://wwt.example.org/seeworkflow?workflow=%3Cb%3E\n\n"
        "wf_A: 60.0% fail, 1,200 failed jobs known, since 2026-11-20 12:00 UTC\n"
        "https://wwt.example.org/seeworkflow?workflow=wf_A"
    )
    assert "<b>" not in mail.html
    assert "&lt;b&gt;" in mail.html


@pytest.mark.parametrize(
    "fine",
    [
        case(rate=0.49), case(rate=None), case(since_days=1.9), case(status="running-closed"),
    ],
    ids=["rate is lower", "rate is not known", "not for long", "in another status"],
)  # fmt: skip
def test_e4_only_what_is_over_the_limits_is_mailed(watch: Watch, fine: Any) -> None:
    it = watch(fine, alert_recipients=[TEAM])
    collect(it)

    assert it.doors.mail.sent == []


def test_e4_one_that_recovered_and_fails_again_is_mailed_again(watch: Watch) -> None:
    it = watch(case(), alert_recipients=[TEAM])
    collect(it)
    for minutes, rate in ((30, 0.1), (60, 0.9)):
        it.doors.snapshot = world(case(rate=rate), minutes=minutes)
        collect(it, minutes + 1)

    assert len(it.doors.mail.sent) == 2


def test_e4_one_that_goes_on_failing_is_mailed_again_after_some_days(watch: Watch) -> None:
    it = watch(case(), alert_recipients=[TEAM], alert_again_days=1)
    collect(it)
    it.doors.snapshot = world(case(), minutes=1500)
    collect(it, 1501)

    assert len(it.doors.mail.sent) == 2


def test_e4_a_mail_that_can_not_be_sent_is_told_and_made_up_for(watch: Watch) -> None:
    it = watch(case(), alert_recipients=[TEAM])
    it.doors.mail.closed = "there is no mail server"

    assert failure(it) == "1 workflows fail for days and nobody could be told: there is no mail server"
    it.doors.mail.closed = ""
    it.doors.snapshot = world(case(), minutes=30)
    collect(it, 31)
    assert it.doors.mail.sent[0].subject == "1 workflow fails for days"


def test_e5_a_failure_of_the_watching_is_mailed_once_a_day_and_its_end(watch: Watch) -> None:
    it = watch(case(rate=0.1), brokers=[NOBODY], tls=False, timeout_s=5, alert_recipients=[TEAM], keep_unsent_days=0.1)
    for minutes in (5, 35):
        failure(it, minutes)
    it.doors.snapshot = world(minutes=300)
    collect(it, 301)

    broken, works = it.doors.mail.sent
    assert (broken.subject, works.subject) == ("Watching workflows fails", "Watching workflows works again")
    assert "no broker of 127.0.0.1:1 takes messages" in broken.text
    assert "It has been so since 2026-11-23 12:05 UTC" in broken.text
    assert works.text == "Documents about running workflows are made and sent again, after 4 hours."


def test_e5_an_exception_that_nobody_foresaw_is_mailed_and_goes_on(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = watch(case(), alert_recipients=[TEAM])
    monkeypatch.setattr(it.plugin, "_take", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        collect(it)
    assert "ZeroDivisionError: division by zero" in it.doors.mail.sent[0].text


def test_e5_that_nothing_new_is_fetched_is_a_failure_after_some_hours(watch: Watch) -> None:
    it = watch(case(rate=0.1), alert_recipients=[TEAM], stale_hours=3)
    collect(it)

    assert failure(it, 181) == "nothing new was fetched for more than 3 hours, since 2026-11-23 12:00 UTC"
    assert [mail.subject for mail in it.doors.mail.sent] == ["Watching workflows fails"]


def test_a_round_comes_every_half_hour(watch: Watch) -> None:
    (job,) = watch().ask("register_jobs")

    assert (job.name, job.every) == ("extras.workflowmonit.collect", timedelta(minutes=30))
