"""The post: mails are queued in the store and sent by the job "mail", whatever the mail server is doing.

What it promises. A queued mail is in the store before anybody is told that it is; it is tried until the server has
taken or refused it for every recipient, or until ``give_up_days`` have passed. It survives any restart.

What SMTP can not promise. Between the server's "250, I have it" and our note of it, and when the line breaks after the
last byte and before that answer, nobody on this side knows whether the mail went out. It is sent again then, since a
second mail is better than none: with the same Message-ID and Date, by which many servers and readers notice it.
That a server has taken a mail does not mean that it was delivered; what comes back later goes to ``sender``.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.errors import MessageError

from wwt_framework.addresses import address
from wwt_framework.errors import WwtError
from wwt_framework.options import HouseOptions, MailOptions
from wwt_framework.plugin import Progress
from wwt_framework.services.letters import checked, compose
from wwt_framework.services.smtp import Broken, Line, ServerTrouble
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Mail

log = logging.getLogger(__name__)

JOB = "mail"
NO_SERVER = "mail can not be sent, this installation has no mail server"
#: Days for which it is kept what became of a mail, and which events were told.
KEEP_DAYS = 30
_FIRST_WAIT = 60.0  # seconds after the first failure; the double after each further one
_LONGEST_WAIT = 3600.0
#: Times that the line may break in one run.
_BREAKS = 3
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class PostState:
    """How the post is."""

    server: str = ""  # host:port; "" when there is none
    trouble: str = ""  # why the server takes no mail, in words; "" when nothing is known against it
    trouble_in_short: str = ""  # the same, naming no host and quoting nobody
    since: datetime | None = None  # of the trouble
    next_at: datetime | None = None  # when the server is tried again
    counts: Mapping[str, int] = field(default_factory=dict)  # state -> mails
    tried_in_hour: int = 0
    per_hour: int = 0


class Post:
    """Queue mails in any process; ``deliver`` is the work of the job "mail", which never overlaps itself."""

    def __init__(
        self, store: Store, house: Callable[[], HouseOptions], chance: Callable[[], float] = random.random
    ) -> None:
        self._store = store
        self._house = house
        self._chance = chance
        self._memory = ledger.Memory(store, "wwt.mail")
        self._tried: MailOptions | None = None  # what this process has tried the server with

    @property
    def has_server(self) -> bool:
        return self._house().mail is not None

    @property
    def webmaster(self) -> str:
        """Address of who answers for this installation; "" when none is named."""
        return self._house().webmaster.email

    def queue(
        self,
        asked_by: str,
        to: Sequence[str],
        subject: str,
        text: str,
        html: str = "",
        *,
        cc: Sequence[str] = (),
        reply_to: str = "",
        once: str = "",
    ) -> str:
        """Keep a mail until it can be sent; returns its id. Raises `WwtError` when it can not be meant.

        *html*: what stands inside of a body. *once*: names what the mail tells of; a second one of that name
        is not sent, as long as it is remembered (`KEEP_DAYS` after the first was sent).
        """
        recipients, copies, answers = checked(to, cc, reply_to, subject, (text, html))
        return ledger.queue_mail(
            self._store, [str(one) for one in recipients], [one.addr_spec for one in (*recipients, *copies)], subject,
            text, html, copies=[str(one) for one in copies], reply_to=answers, asked_by=asked_by, once=once,
        )  # fmt: skip

    def due(self) -> bool:
        """Whether there is something to do now: cheap, the clock asks every second."""
        options = self._house().mail
        if options is None or not ledger.waiting_mail(self._store):
            return False
        return self._may_send(options) and not self._pausing(options)

    def _pausing(self, options: MailOptions) -> bool:
        """Whether the server was in trouble lately; who was started, or configured, since then tries at once."""
        trouble = self._memory.get("trouble") if options == self._tried else None
        return trouble is not None and self._store.now() < datetime.fromisoformat(trouble["next_at"])

    def state(self) -> PostState:
        """How the server was when it was last spoken to, and what waits."""
        options, trouble = self._house().mail, self._memory.get("trouble") or {}
        counts = ledger.mail_counts(self._store)
        if options is None:
            return PostState(counts=counts)
        since, next_at = (datetime.fromisoformat(trouble[key]) if trouble else None for key in ("since", "next_at"))
        tried = ledger.mails_tried(self._store, self._store.now() - _HOUR)
        return PostState(
            options.server, trouble.get("text", ""), trouble.get("what", ""), since, next_at, counts, tried,
            options.per_hour,
        )  # fmt: skip

    def retry(self, mail_id: str = "") -> int:
        """Try a mail, or all that wait, now; the server as well. Returns how many. Raises `NotFound`."""
        with self._store.write():
            count = ledger.retry_mail(self._store, mail_id)
            self._memory.pop("trouble", None)
        return count

    def greet(self) -> str:
        """Speak to the server without sending anything; returns what to say of it. Raises `ServerTrouble`, `WwtError`."""
        options = self._options()
        with Line(options):
            security = "not encrypted" if options.security == "none" else options.security
            return f"the mail server {options.server} answers ({security}{', signed in' if options.user else ''})"

    # -- the job --

    def deliver(self, progress: Progress) -> str:
        """Send what is due; returns what it came to. Raises `WwtError` when the server takes no mail."""
        store, options = self._store, self._options()
        self._tried = options
        ledger.take_back_mails(store)
        ledger.forget_mails(store, store.now() - timedelta(days=KEEP_DAYS))
        tally: Counter[str] = Counter()
        try:
            while self._more(options) and not self._over_one_line(options, tally, progress):
                if tally["broken"] == _BREAKS:
                    raise ServerTrouble(options.server, f"closed the connection {_BREAKS} times in the midst of a mail")
        except ServerTrouble as err:
            next_at = self._note(err)
            ledger.give_up_mails(store, store.now() - timedelta(days=options.give_up_days), str(err))
            waiting = ledger.mail_counts(store)["waiting"]
            told = f"{err}; {_mails(waiting)} until it is tried again at {next_at:%H:%M} UTC"
            raise WwtError(told + (f"; before that: {_words(tally)}" if _words(tally) else "")) from err
        ledger.give_up_mails(store, store.now() - timedelta(days=options.give_up_days), "it was never its turn")
        return _words(tally) or "nothing was to be sent"

    def _more(self, options: MailOptions) -> bool:
        return self._may_send(options) and ledger.waiting_mail(self._store)

    def _may_send(self, options: MailOptions) -> bool:
        return ledger.mails_tried(self._store, self._store.now() - _HOUR) < options.per_hour

    def _over_one_line(self, options: MailOptions, tally: Counter[str], progress: Progress) -> bool:
        """Send until nothing is due; False when the line ended before that."""
        with Line(options) as line:
            self._memory.pop("trouble", None)
            while line.is_open:
                mail = ledger.take_mail(self._store) if self._may_send(options) else None
                if mail is None:
                    return True
                progress(None, _words(tally))
                try:
                    tally[self._send(line, mail, options)] += 1
                except Broken as err:
                    self._put_back(mail, str(err))
                    tally.update(["waits", "broken"])
                    return False
                except ServerTrouble as err:
                    ledger.put_back_mail(self._store, mail.id, self._store.now(), str(err))
                    raise
        return False

    def _send(self, line: Line, mail: Mail, options: MailOptions) -> str:
        """Try one mail; returns what it came to: sent, failed or waits."""
        try:
            message = compose(mail, options, self._house())
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            MessageError,
        ) as err:  # it was checked when it was queued, by another version perhaps
            log.exception("a mail can not be composed", extra={"mail": mail.id})
            ledger.end_mail(self._store, mail.id, "failed", f"it can not be composed: {err}")
            return "failed"
        outcome = line.send(message, address(options.sender).addr_spec, mail.left)
        if outcome.deferred:
            self._put_back(mail, _first(outcome.deferred), list(outcome.deferred), outcome.refused)
            return "waits"
        refused = {**mail.refused, **outcome.refused}
        if refused:
            ledger.end_mail(self._store, mail.id, "failed", _first(refused), [], outcome.refused)
            return "failed"
        ledger.end_mail(self._store, mail.id, "sent")
        return "sent"

    def _put_back(
        self, mail: Mail, reason: str, left: Sequence[str] | None = None, refused: Mapping[str, str] | None = None
    ) -> None:
        next_at = self._store.now() + self._pause(mail.attempts)
        ledger.put_back_mail(self._store, mail.id, next_at, reason, left, refused)

    def _note(self, err: ServerTrouble) -> datetime:
        """Remember that the server is in trouble; returns when it is tried again."""
        now, before = self._store.now(), self._memory.get("trouble")
        failures = before["failures"] + 1 if before else 1
        next_at = now + self._pause(failures)
        self._memory["trouble"] = {
            "text": str(err), "what": err.what, "failures": failures,
            "since": before["since"] if before else now.isoformat(), "next_at": next_at.isoformat(),
        }  # fmt: skip
        return next_at

    def _pause(self, failures: int) -> timedelta:
        """How long to wait after *failures* in a row: doubling, and never for all at the same moment."""
        seconds = min(_FIRST_WAIT * 2 ** min(failures - 1, 20), _LONGEST_WAIT)
        return timedelta(seconds=seconds * (0.75 + 0.5 * self._chance()))

    def _options(self) -> MailOptions:
        options = self._house().mail
        if options is None:
            raise WwtError(f"{NO_SERVER}; wwt.mail in plugins.yml names one")
        return options


def _first(said: Mapping[str, str]) -> str:
    """Why somebody did not get a mail, in a sentence."""
    who, why = next(iter(said.items()))
    others = len(said) - 1
    return f"{who}: {why}" + (f"; and {others} more" if others else "")


def _mails(count: int) -> str:
    return "1 mail waits" if count == 1 else f"{count} mails wait"


def _words(tally: Mapping[str, int]) -> str:
    parts = (("sent", "sent"), ("waits", "put off"), ("failed", "failed"))
    return ", ".join(f"{tally[key]} {word}" for key, word in parts if tally[key])
