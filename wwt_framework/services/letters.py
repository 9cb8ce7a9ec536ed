"""A mail as it goes over the line: headers, text and HTML, seven bits wide, no line too long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timezone
from email.charset import QP, Charset
from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from html import escape
from typing import cast

from wwt_framework.addresses import address
from wwt_framework.errors import WwtError
from wwt_framework.options import HouseOptions, MailOptions
from wwt_framework.store.ledger import Mail

MOST_RECIPIENTS = 100  # RFC 5321 4.5.3.1.8: what every server takes at once
_LONGEST_SUBJECT = 500  # characters
_LONGEST_TEXT = 2_000_000  # characters; servers refuse what is larger than some megabytes

#: What could end a header, or is no character.
_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_POLICY = compat32.clone(linesep="\r\n", cte_type="7bit")
_QUOTED = Charset("utf-8")
_QUOTED.body_encoding = QP


def checked(
    to: Sequence[str], cc: Sequence[str], reply_to: str, subject: str, texts: Sequence[str]
) -> tuple[list[Address], list[Address], str]:
    """Recipients, copies and the address for answers, as they may be kept. Raises `WwtError` in a sentence.

    Nobody is addressed twice. A line break in a subject, a name or an address would begin another header:
    it is refused, and not taken out, since nobody means it well.
    """
    if isinstance(to, str) or isinstance(cc, str):
        raise WwtError(f"a mail's recipients: expected a list of addresses, got {to if isinstance(to, str) else cc!r}")
    if found := _BREAKING.search(subject):
        raise WwtError(f"a mail's subject: expected one line of text, got {found[0]!a} in {subject[:80]!a}")
    if not 0 < len(subject.strip()) <= _LONGEST_SUBJECT:
        raise WwtError(f"a mail's subject: expected 1 to {_LONGEST_SUBJECT} characters, got {len(subject)}")
    if sum(map(len, texts)) > _LONGEST_TEXT:
        raise WwtError(f"a mail's text: expected at most {_LONGEST_TEXT:,} characters, got {sum(map(len, texts)):,}")
    try:
        recipients = _apart([address(one) for one in to], [])
        copies = _apart([address(one) for one in cc], recipients)
        answers = str(address(reply_to)) if reply_to else ""
    except ValueError as err:
        raise WwtError(f"a mail's address: {err}") from None
    if not 0 < len(recipients) + len(copies) <= MOST_RECIPIENTS or not recipients:
        raise WwtError(f"a mail's recipients: expected 1 to {MOST_RECIPIENTS}, got {len(recipients) + len(copies)}")
    return recipients, copies, answers


def _apart(found: Sequence[Address], before: Sequence[Address]) -> list[Address]:
    """*found*, each address once, without those of *before*."""
    seen = {one.addr_spec.lower() for one in before}
    first = {one.addr_spec.lower(): one for one in reversed(found)}
    return [one for one in found if first[one.addr_spec.lower()] is one and one.addr_spec.lower() not in seen]


def compose(mail: Mail, options: MailOptions, house: HouseOptions) -> bytes:
    """*mail* with its headers and footer; the same at every try, so that a server may notice a second one."""
    sender, footer = address(options.sender), _footer(house)
    text = _part("\n".join([mail.text.rstrip("\n"), "", "-- ", *footer, ""]), "plain")
    message = (
        MIMEMultipart("alternative", _subparts=[text, _part(_page(mail.html, footer), "html")]) if mail.html else text
    )
    message["From"] = _addresses([options.sender])
    message["To"] = _addresses(mail.recipients)
    if mail.copies:
        message["Cc"] = _addresses(mail.copies)
    if reply_to := mail.reply_to or house.webmaster.email:
        message["Reply-To"] = _addresses([reply_to])
    message["Subject"] = _words(mail.subject)
    message["Date"] = format_datetime(mail.created_at.astimezone(timezone.utc))
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
    return message.as_bytes(policy=_POLICY)


def _addresses(several: Sequence[str]) -> str:
    """A header of addresses, ASCII.

    Made by hand: how the header objects of `email.policy.SMTP` fold long names differs between versions of Python.
    """
    found = [address(one) for one in several]
    return ", ".join(
        str(one) if one.display_name.isascii() else f"{_words(one.display_name)} <{one.addr_spec}>" for one in found
    )


def _words(text: str) -> str:
    """*text* as RFC 2047 has it; also what a reader would take for that.

    The first line leaves room for the name of the header, ours have nine letters at most.
    """
    return text if text.isascii() and "=?" not in text else Header(text, "utf-8", header_name="Reply-To").encode()


def _part(text: str, subtype: str) -> MIMEText:
    return MIMEText(text, subtype, cast(str, _QUOTED))


def _page(inside: str, footer: Sequence[str]) -> str:
    lines = "<br>\n".join(escape(line) for line in footer)
    head = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"></head><body>'
    return f"{head}\n{inside}\n<hr><p>{lines}</p>\n</body></html>\n"


def _footer(house: HouseOptions) -> list[str]:
    who = " ".join(filter(None, [house.webmaster.name, house.webmaster.email and f"<{house.webmaster.email}>"]))
    return [*([who] if who else []), house.base_url or f"http://{house.listen}"]
