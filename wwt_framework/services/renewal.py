"""Asking for workflows to be fetched anew: by operators at will, by anybody who met an unknown name within bounds.

An unknown workflow is usually one that came since the last refresh, so its page asks for it.
That page is open to everybody where reading is; each run costs the grid's services something.
So only what can be a request name is asked for, the same one once in five minutes,
and few at a time: fewer for visitors without a name than for people who signed in.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from wwt_framework.errors import WwtError
from wwt_framework.store import Store, ledger

#: <requestor>_<request string>_<yymmdd>_<hhmmss>_<number>, as ReqMgr2 makes them.
_REQUEST_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{2,300}_\d{6}_\d{6}_\d{1,6}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,400}")  # of a workflow or PrepID that somebody signed in asks for

SAME_NAME = timedelta(minutes=5)
#: Runs for unknown names that may wait or be under way.
WAITING_NAMED, WAITING_NAMELESS = 10, 2
#: Runs for unknown names in an hour, of all visitors without a name together.
HOURLY_NAMELESS = 12

_UNKNOWN = "unknown workflow"  # the deed in the audit
_RESET = "reset"

_turn = threading.Lock()  # looking and asking are one step


class Clockwork(Protocol):
    """What this room wants of the jobs."""

    def request(self, name: str, user: str = "", **arguments: Any) -> str: ...


@dataclass(frozen=True)
class Asked:
    """What became of a wish to have something fetched anew."""

    run: str  # id of the run; "" when none was asked for
    words: str  # a sentence


def is_request_name(name: str) -> bool:
    """Whether *name* can be the name of a request in ReqMgr2.

    >>> is_request_name("pdmvserv_task_HIG-RunIIFall18wmLHEGS-00388__v1_T_181126_083424_8286")
    True
    >>> is_request_name("../../etc/passwd")
    False
    """
    return bool(_REQUEST_NAME.fullmatch(name))


def ask_for_unknown(store: Store, clockwork: Clockwork, name: str, user: str = "", remote: str = "") -> Asked:
    """Ask for the workflow *name*, which no snapshot has; *user* "" is a visitor without a name."""
    if not is_request_name(name):
        return Asked("", "This can not be the name of a request in ReqMgr2, so nobody was asked about it.")
    with _turn:
        now = store.now()
        waiting = ledger.runs(store, 200, "refresh", ("queued", "running"))
        if run := next((run for run in waiting if name in run.arguments.get("workflows", ())), None):
            return Asked(run.id, "It is being fetched already. Load this page again in a minute or two.")
        if any(deed.at > now - SAME_NAME for deed in ledger.deeds(store, 1, _UNKNOWN, name)):
            return Asked("", "It was asked for less than five minutes ago; the sources did not know it.")
        limit = WAITING_NAMED if user else WAITING_NAMELESS
        hour = [deed for deed in ledger.deeds(store, 200, _UNKNOWN) if deed.at > now - timedelta(hours=1)]
        nameless = [deed for deed in hour if not deed.user]
        if sum("workflows" in run.arguments for run in waiting) >= limit or (
            not user and len(nameless) >= HOURLY_NAMELESS
        ):
            more = "" if user else ", or sign in"
            return Asked("", f"Too many unknown names were asked for just now; try again in a few minutes{more}.")
        run_id = clockwork.request("refresh", user=user, workflows=[name])
        ledger.write_down(store, user, _UNKNOWN, name, remote=remote, run=run_id)
    return Asked(run_id, "It will be fetched now. Load this page again in a minute or two.")


def reset_words(prep_id: str, workflow: str) -> str:
    """What a reset fetches anew, in words."""
    if workflow:
        return f"the workflow {workflow}"
    return f"all workflows of the PrepID {prep_id}" if prep_id else "everything"


def reset(
    store: Store, clockwork: Clockwork, user: str, prep_id: str = "", workflow: str = "", remote: str = ""
) -> Asked:
    """Have one workflow, one PrepID or (with neither) everything fetched anew, and write down who asked.

    What waits already is not asked for twice. Raises `WwtError` for what can not be a name.
    """
    name = workflow or prep_id
    if name and not NAME.fullmatch(name):
        kind = "the name of a workflow" if workflow else "a PrepID"
        raise WwtError(f"{name[:200]!r} can not be {kind}: expected letters, digits, dots, dashes and underscores.")
    arguments = {("workflows" if workflow else "prep_ids"): [name]} if name else {"anew": True}
    with _turn:
        waiting = ledger.runs(store, 200, "refresh", ("queued",))
        same = next((run for run in waiting if dict(run.arguments) == arguments), None)
        run_id = same.id if same else clockwork.request("refresh", user=user, **arguments)
        ledger.write_down(store, user, _RESET, name or "everything", remote=remote, run=run_id)
    words = reset_words(prep_id, workflow)
    return Asked(run_id, f"{words[0].upper()}{words[1:]} will be fetched anew.")


def last_reset(store: Store, subject: str) -> datetime | None:
    """When somebody last had *subject* (a workflow, a PrepID, "everything") fetched anew."""
    return next((deed.at for deed in ledger.deeds(store, 1, _RESET, subject)), None)
