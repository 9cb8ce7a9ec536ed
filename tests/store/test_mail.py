from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from wwt_framework.errors import NotFound, StoreError
from wwt_framework.store import Store, ledger

OLGA, PETR = "olga@example.org", "petr@example.org"


def queue(store: Store, subject: str = "s", **more: Any) -> str:
    return ledger.queue_mail(store, [f"Olga <{OLGA}>", PETR], [OLGA, PETR], subject, "the text", "<p>the text", **more)


def take(store: Store) -> ledger.Mail:
    taken = ledger.take_mail(store)
    assert taken is not None
    return taken


def test_a_mail_goes_from_queued_to_sent_and_its_text_is_forgotten(store: Store, clock: Any) -> None:
    mail_id = queue(store, "reset", reply_to="w@example.org", asked_by="auth.local")
    queued = ledger.mail(store, mail_id)
    tried = clock.go_on(seconds=5)
    taken = take(store)
    ended = clock.go_on(seconds=1)
    ledger.end_mail(store, mail_id, "sent")

    sent = ledger.mail(store, mail_id)
    assert (queued.state, queued.text, queued.html, queued.recipients, queued.left, queued.attempts) == (
        "waiting", "the text", "<p>the text", (f"Olga <{OLGA}>", PETR), (OLGA, PETR), 0,
    )  # fmt: skip
    assert (taken.id, taken.state, taken.text, taken.attempts, taken.tried_at) == (
        mail_id, "sending", "the text", 1, tried,
    )  # fmt: skip
    assert (sent.state, sent.text, sent.html, sent.left, sent.ended_at, sent.asked_by) == (
        "sent", "", "", (), ended, "auth.local",
    )  # fmt: skip


def test_what_waits_longest_is_taken_first_and_what_is_not_due_is_left(store: Store, clock: Any) -> None:
    later = queue(store, "later")
    take(store)
    ledger.put_back_mail(store, later, clock.now + timedelta(minutes=2), "450 come again")
    first = queue(store, "first")
    clock.go_on(minutes=1)
    second = queue(store, "second")

    assert [take(store).id, take(store).id] == [first, second]
    assert ledger.take_mail(store) is None
    clock.go_on(minutes=1)
    assert take(store).id == later


def test_a_mail_is_taken_once(store: Store) -> None:
    queue(store)

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: ledger.take_mail(store), range(4)))

    assert sum(mail is not None for mail in taken) == 1


def test_whether_one_waits_depends_on_its_time(store: Store, clock: Any) -> None:
    assert not ledger.waiting_mail(store)
    mail_id = queue(store)
    assert ledger.waiting_mail(store)
    take(store)
    ledger.put_back_mail(store, mail_id, clock.now + timedelta(seconds=30), "no")
    assert not ledger.waiting_mail(store)
    clock.go_on(seconds=30)
    assert ledger.waiting_mail(store)


def test_what_a_sender_left_when_it_died_is_seen_and_taken_back(store: Store) -> None:
    mail_id = queue(store)
    take(store)

    assert ledger.waiting_mail(store)
    assert ledger.take_mail(store) is None
    assert ledger.take_back_mails(store) == 1
    again = take(store)
    assert (again.id, again.attempts) == (mail_id, 2)


def test_who_has_got_a_mail_is_not_among_those_that_are_left(store: Store, clock: Any) -> None:
    mail_id = queue(store)
    take(store)
    ledger.put_back_mail(store, mail_id, clock.now, "450 petr: later", left=[PETR], refused={"x@example.org": "550 no"})
    taken = take(store)
    ledger.end_mail(store, mail_id, "failed", "550 no such user", left=[], refused={PETR: "550 no such user"})

    assert (taken.left, taken.reason, taken.refused) == ((PETR,), "450 petr: later", {"x@example.org": "550 no"})
    assert ledger.mail(store, mail_id).left == ()
    assert ledger.mail(store, mail_id).refused == {"x@example.org": "550 no", PETR: "550 no such user"}


def test_one_event_is_queued_once(store: Store) -> None:
    first = queue(store, "a", once="actions.mail:1")

    assert queue(store, "b", once="actions.mail:1") == first
    assert queue(store, "b", once="actions.mail:2") != first
    assert [mail.subject for mail in ledger.mails(store)] == ["b", "a"]


def test_one_event_is_queued_once_by_many_at_the_same_time(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda n: queue(store, str(n), once="the same"), range(8)))

    assert len(ids) == 1
    assert ledger.mail_counts(store)["waiting"] == 1


def test_mails_that_name_no_event_are_all_queued(store: Store) -> None:
    assert queue(store) != queue(store)


def test_a_mail_of_a_transaction_that_fails_is_not_queued(store: Store) -> None:
    def fail() -> None:
        with store.write():
            queue(store)
            raise RuntimeError("the action was refused")

    with pytest.raises(RuntimeError):
        fail()
    assert ledger.mails(store) == []


def test_a_second_mail_of_an_event_leaves_the_transaction_whole(store: Store) -> None:
    queue(store, once="e")
    with store.write():
        queue(store, once="e")
        ledger.write_down(store, "olga", "deed", "subject")

    assert [deed.deed for deed in ledger.deeds(store)] == ["deed"]


def test_a_failed_mail_is_tried_again_for_those_who_refused_it_when_somebody_says_so(store: Store, clock: Any) -> None:
    mail_id = queue(store)
    take(store)
    ledger.put_back_mail(store, mail_id, clock.now, "450", left=[PETR], refused={"x@example.org": "550 no"})
    take(store)
    ledger.end_mail(store, mail_id, "failed", "550 no such user", refused={PETR: "550 no such user"})
    at = clock.go_on(days=1)

    assert ledger.retry_mail(store, mail_id) == 1
    again = take(store)
    assert (again.left, again.refused, again.attempts, again.fresh_at, again.text) == (
        (PETR, "x@example.org"), {}, 1, at, "the text",
    )  # fmt: skip


def test_all_that_wait_can_be_tried_now_but_not_what_failed_or_was_sent(store: Store, clock: Any) -> None:
    waits, failed, sent = queue(store), queue(store), queue(store)
    for _ in range(3):
        take(store)
    ledger.put_back_mail(store, waits, clock.now + timedelta(hours=1), "450")
    ledger.end_mail(store, failed, "failed", "550")
    ledger.end_mail(store, sent, "sent")

    assert (ledger.retry_mail(store), ledger.retry_mail(store, sent)) == (1, 0)
    assert take(store).id == waits
    assert ledger.take_mail(store) is None


def test_a_mail_that_was_not_taken_does_not_end(store: Store) -> None:
    mail_id = queue(store)
    ledger.end_mail(store, mail_id, "sent")

    assert ledger.mail(store, mail_id).state == "waiting"


def test_another_end_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="a mail ends as one of sent, failed, got 'done'"):
        ledger.end_mail(store, queue(store), "done")


def test_old_mails_are_given_up_for_the_reason_they_had(store: Store, clock: Any) -> None:
    greylisted, never, young = queue(store), queue(store), queue(store)
    take(store)
    ledger.put_back_mail(store, greylisted, clock.now + timedelta(days=4), "450 come again")
    then = clock.go_on(days=3)
    ledger.retry_mail(store, young)

    assert ledger.give_up_mails(store, then, "nobody answers") == 2
    assert [(m.state, m.reason, m.ended_at) for m in (ledger.mail(store, one) for one in (greylisted, never))] == [
        ("failed", "given up: 450 come again", then),
        ("failed", "given up: nobody answers", then),
    ]
    assert ledger.mail(store, young).state == "waiting"


def test_an_unknown_mail_is_told(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no mail 'x'"):
        ledger.mail(store, "x")
    with pytest.raises(NotFound):
        ledger.retry_mail(store, "x")


def test_ended_mails_are_forgotten_and_those_that_wait_are_not(store: Store, clock: Any) -> None:
    old, waits = queue(store, once="e"), queue(store)
    take(store)
    ledger.end_mail(store, old, "sent")
    clock.go_on(days=31)

    assert ledger.forget_mails(store, clock.now - timedelta(days=30)) == 1
    assert [mail.id for mail in ledger.mails(store)] == [waits]


def test_mails_are_counted_by_state_and_by_the_time_they_were_tried(store: Store, clock: Any) -> None:
    first, _ = queue(store), queue(store)
    take(store)
    ledger.end_mail(store, first, "failed", "550")
    hour = clock.go_on(hours=1)

    assert ledger.mail_counts(store) == {"waiting": 1, "sending": 0, "sent": 0, "failed": 1}
    assert ledger.mails_tried(store, hour - timedelta(hours=1)) == 1
    assert ledger.mails_tried(store, hour) == 0


def test_texts_from_outside_are_kept(store: Store) -> None:
    mail_id = ledger.queue_mail(store, ["a@b.c"], ["a@b.c"], "né\0 \ud800", "t\0", "h\ud800")

    kept = ledger.mail(store, mail_id)
    assert (kept.subject, kept.text, kept.html) == ("né\ufffd \ufffd", "t\ufffd", "h\ufffd")
