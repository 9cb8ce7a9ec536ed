"""How numbers, ages, times and long names look on a page."""

from __future__ import annotations

import html
from datetime import datetime, timezone
from numbers import Integral
from typing import Any

from markupsafe import Markup, escape

from wwt_framework.model import NO_SITES

THIN = "\u202f"  # narrow no-break space
ELLIPSIS = "\u2026"
UNKNOWN = "not known"

#: Characters that change the direction of what follows, or can not be seen: shown as what they are.
_TRICKS = {
    ord(c): f"\u27e8U+{ord(c):04X}\u27e9"
    for c in "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
}
_TRICKS.update({c: f"\u27e8U+{c:04X}\u27e9" for c in [*range(9), 11, 12, *range(14, 32), *range(127, 160)]})
_TRICKS.update(dict.fromkeys(range(55296, 57344), "�"))  # halves of characters can not be sent


def plain(text: Any) -> str:
    """*text* with the characters spelt out that would turn, hide or break what stands beside it."""
    shown = str(text)
    # Nearly every name is plain ASCII, and a page shows hundreds.
    return shown if shown.isascii() and shown.isprintable() else shown.translate(_TRICKS)


def site(name: Any) -> str:
    """*name* of a site as it is, and in words what only stands in the place of one."""
    return NO_SITES.get(str(name)) or plain(name)


def number(value: Any, zero: str = "0") -> str:
    """1 234 567 with thin spaces; "not known" for None; *zero* for none at all.

    >>> number(1204) == "1" + THIN + "204"
    True
    """
    if value is None:
        return UNKNOWN
    if not value:
        return zero
    # A page has hundreds of numbers: to ask an abstract class about each takes a tenth of its time.
    whole = type(value) is int or isinstance(value, Integral)
    return (f"{value:,}" if whole else f"{value:,.1f}").replace(",", THIN)


def percent(part: float, whole: float) -> str:
    """*part* of *whole*; "under 1 %" rather than a zero that is none."""
    if not whole:
        return UNKNOWN
    share = 100 * part / whole
    if 0 < share < 1:
        return f"under 1{THIN}%"
    return f"{share:.0f}{THIN}%"


def age_words(seconds: float) -> str:
    """How long ago, in one unit: "now", "4 min", "3 h", "2 days"."""
    if seconds < -60:
        return "in the future"
    minutes = int(seconds // 60)
    if minutes < 1:
        return "now"
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def seconds_words(seconds: float | None) -> str:
    """How long something took: "12 ms", "3.4 s", "2 min 5 s"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def in_utc(when: datetime) -> datetime:
    return when.astimezone(timezone.utc) if when.tzinfo else when.replace(tzinfo=timezone.utc)


def utc(when: datetime | None, now: datetime | None = None) -> Markup:
    """A time element: "12:03 UTC" on the day of *now*, "2018-11-26 12:03 UTC" on any other."""
    if when is None:
        return escape(UNKNOWN)
    when = in_utc(when)
    words = (
        f"{when:%H:%M} UTC" if now is not None and in_utc(now).date() == when.date() else f"{when:%Y-%m-%d %H:%M} UTC"
    )
    return Markup('<time datetime="{}">{}</time>').format(f"{when:%Y-%m-%dT%H:%M:%SZ}", words)


def middle_cut(name: Any, width: int = 40) -> str:
    """*name* in at most *width* characters: its head, an ellipsis, its tail. Both ends tell names apart."""
    text = plain(name)
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}{ELLIPSIS}{text[-tail:] if tail else ''}"


def short(name: Any, width: int = 40) -> Markup:
    """*name* cut in the middle, the whole in its title; as it is when it fits."""
    text = plain(name)
    cut = middle_cut(text, width)
    title = "" if cut == text else f' title="{html.escape(middle_cut(text, 4000))}"'
    # Not Markup.format, nor a sum of Markup: a list has two hundred names, and these take half of its time.
    return Markup(f'<bdi class="name"{title}>{html.escape(cut)}</bdi>')  # noqa: S704  # both are escaped


FILTERS = {
    "plain": plain,
    "site": site,
    "number": number,
    "percent": percent,
    "age_words": age_words,
    "seconds": seconds_words,
    "utc": utc,
    "middle_cut": middle_cut,
    "short": short,
}
