from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, NotSignedIn
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import User
from wwt_framework.options import LimitsOptions
from wwt_framework.plugin import Visit
from wwt_framework.services.access import Access, Browser
from wwt_framework.services.access.credentials import KeyedHash, Recent
from wwt_framework.store import Store, ledger


@dataclass
class Options:
    open_reading: bool = True
    session_hours: float = 12
    session_idle_hours: float = 4
    limits: LimitsOptions = field(default_factory=LimitsOptions)


class Clock:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **span: float) -> None:
        self.now += timedelta(**span)


class Backend:
    """Knows olga's password, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        self.asked += 1
        if self.error:
            raise self.error
        known = {"olga": "correct: horse", "Ольга": "паи\0ль", "a b": "battery!"}
        return User(username, roles=frozenset({"operator"})) if known.get(username) == password else None


class Proxy:
    """Believes a header."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        if self.error:
            raise self.error
        if visit.headers.get("authorization") == "Bearer good":
            return User("robot", roles=frozenset({"machine"}))
        return User(visit.remote_user, roles=frozenset({"viewer"})) if visit.remote_user else None


class RolesFile:
    """Grants what it is told to."""

    def __init__(self) -> None:
        self.roles: dict[str, list[str]] = {}
        self.error: Exception | None = None
        self.asked = 0

    @hookimpl
    def grant_roles(self, user: User) -> Sequence[str]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.roles.get(user.name, [])


@dataclass
class Gate:
    """The porter and everything he works with."""

    store: Store
    clock: Clock
    options: Options = field(default_factory=Options)
    backend: Backend = field(default_factory=Backend)
    proxy: Proxy = field(default_factory=Proxy)
    roles: RolesFile = field(default_factory=RolesFile)

    def __post_init__(self) -> None:
        self.hooks = Hooks()
        for name in ("backend", "proxy", "roles"):
            self.hooks.register(f"auth.{name}", getattr(self, name), deadline_s=60)
        self.access = self.another_process()

    def another_process(self) -> Access:
        return Access(lambda: self.hooks, self.store, lambda: self.options)

    def sign_in(self) -> str:
        session, _ = self.access.sign_in("olga", "correct: horse", Browser("127.0.0.1"))
        return session.token

    def visit(self, cookie: str = "", authorization: str = "", remote_user: str = "") -> Any:
        headers = {"authorization": authorization} if authorization else {}
        return self.access.visitor(cookie, authorization, Visit("GET", "/", headers, remote_user=remote_user))


@pytest.fixture
def gate() -> Iterator[Gate]:
    clock = Clock()
    store = Store.memory(clock)
    yield Gate(store, clock)
    store.close()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode("utf-8", "surrogatepass")).decode()


# -- signing in ---------------------------------------------------------------


def test_who_signs_in_is_known_by_the_cookie(gate: Gate) -> None:
    session, _ = gate.access.sign_in("olga", "correct: horse", Browser("127.0.0.1"))
    user = session.user

    visitor = gate.visit(session.token)
    assert visitor.user == user == User("olga", roles=frozenset({"operator"}), backend="auth.backend")
    assert visitor.via == "session"


@pytest.mark.parametrize(
    ("name", "password"), [("olga", "wrong"), ("nobody", "correct: horse"), ("olga", "correct: horse "), ("Olga", "x")]
)
def test_a_wrong_name_and_a_wrong_password_hear_the_same(gate: Gate, name: str, password: str) -> None:
    with pytest.raises(NotSignedIn, match=r"^Name or password is not right\.$"):
        gate.access.sign_in(name, password)


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("", "x", "Give both a name and a password."),
        ("olga", "", "Give both a name and a password."),
        ("  ", "x", "Give both a name and a password."),
        ("x" * 257, "x", "A name has at most 256 characters, got 257."),
        ("olga", "x" * 1_000_000, "A password has at most 1024 characters, got 1,000,000."),
        ("ol\0ga", "x", r"A name can not have the character '\x00' in it."),
        ("ol\ud800ga", "x", r"A name can not have the character '\ud800' in it."),
    ],
)
def test_what_can_not_be_right_is_refused_in_words_and_asks_nobody(
    gate: Gate, name: str, password: str, says: str
) -> None:
    with pytest.raises(NotSignedIn) as caught:
        gate.access.sign_in(name, password)

    assert str(caught.value) == says
    assert gate.backend.asked == 0


def test_names_and_passwords_of_any_character_work(gate: Gate) -> None:
    assert gate.access.sign_in("Ольга", "паи\0ль")[0].user.name == "Ольга"


def test_a_backend_s_refusal_is_told_in_its_words(gate: Gate) -> None:
    gate.backend.error = Denied("The account olga is closed.")

    with pytest.raises(Denied, match=r"^The account olga is closed\.$"):
        gate.access.sign_in("olga", "correct: horse")


def test_a_backend_that_breaks_lets_nobody_in_and_is_named(gate: Gate) -> None:
    gate.backend.error = OSError("ldap://secret-host: timed out")

    with pytest.raises(NotSignedIn) as caught:
        gate.access.sign_in("olga", "correct: horse")
    assert "auth.backend could not be asked" in str(caught.value)
    assert "secret-host" not in str(caught.value)


def test_signing_in_makes_a_new_token_and_ends_the_old_one(gate: Gate) -> None:
    before = gate.access.sessions.keep_scratch("", {"next": "/globalerror"}).token
    session, _ = gate.access.sign_in("olga", "correct: horse", Browser(token=before))

    assert session.token != before
    assert gate.visit(before).session is None


def test_signing_out_ends_the_session(gate: Gate) -> None:
    token = gate.sign_in()
    gate.access.sessions.end(token)

    assert gate.visit(token).user.name == ""


def test_signing_in_and_out_is_written_down(gate: Gate) -> None:
    gate.access.sessions.end(gate.sign_in())

    assert [(deed.user, deed.deed, deed.remote) for deed in ledger.deeds(gate.store)] == [
        ("olga", "signed out", ""),
        ("olga", "signed in", "127.0.0.1"),
    ]


def test_only_two_passwords_are_checked_at_once(gate: Gate) -> None:
    inside, most, lock, go = 0, 0, threading.Lock(), threading.Semaphore(0)

    class Slow:
        @hookimpl
        def authenticate(self, username: str, password: str) -> User | None:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            two.release()
            assert go.acquire(timeout=50)
            with lock:
                inside -= 1
            return User(username)

    two = threading.Semaphore(0)
    hooks = Hooks()
    hooks.register("auth.slow", Slow(), deadline_s=60)
    access = Access(lambda: hooks, gate.store, lambda: gate.options)
    with ThreadPoolExecutor(5) as pool:
        signing_in = [pool.submit(access.sign_in, f"user{number}", "x") for number in range(5)]
        assert two.acquire(timeout=50)
        assert two.acquire(timeout=50)
        go.release(5)
        names = [future.result()[0].user.name for future in signing_in]

    assert most == 2
    assert names == [f"user{number}" for number in range(5)]


def test_a_backend_can_not_speak_for_another_one(gate: Gate) -> None:
    class Liar:
        @hookimpl
        def authenticate(self, username: str, password: str) -> User | None:
            return User("olga", backend="auth.backend") if password == "lie" else None

    gate.hooks.register("auth.liar", Liar(), deadline_s=60)

    assert gate.access.sign_in("olga", "lie")[0].user.backend == "auth.liar"


class Tokens:
    """A token of olga that reads only, and one of an account nobody knows any more."""

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        of = {"Bearer hers": "auth.roles", "Bearer stale": "auth.gone"}.get(visit.headers.get("authorization", ""))
        return User("olga", scope=frozenset({"viewer"}), account_of=of) if of else None

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        if (username, password) != ("olga", "token"):
            return None
        return User("olga", scope=frozenset({"viewer", "admin"}), account_of="auth.roles")


def test_a_token_stands_for_an_account_of_another_backend_and_gives_its_scope_at_most(gate: Gate) -> None:
    gate.hooks.register("auth.tokens", Tokens(), deadline_s=60)
    gate.roles.roles["olga"] = ["operator"]

    user = gate.visit(authorization="Bearer hers").user
    assert (user.name, user.backend, user.roles) == ("olga", "auth.roles", {"viewer"})


def test_a_token_gives_no_role_that_its_owner_lacks(gate: Gate) -> None:
    gate.hooks.register("auth.tokens", Tokens(), deadline_s=60)
    gate.roles.roles["olga"] = ["operator"]

    assert gate.visit(authorization=basic("olga", "token")).user.roles == {"viewer"}


def test_a_token_of_a_backend_that_is_gone_is_nobody(gate: Gate) -> None:
    gate.hooks.register("auth.tokens", Tokens(), deadline_s=60)

    with pytest.raises(NotSignedIn, match=r"auth\.gone, which is not there any more"):
        gate.visit(authorization="Bearer stale")


def test_a_token_starts_no_session(gate: Gate) -> None:
    gate.hooks.register("auth.tokens", Tokens(), deadline_s=60)

    with pytest.raises(Denied, match="A token is for programs"):
        gate.access.sign_in("olga", "token")


def test_a_token_that_is_shown_as_a_password_is_asked_for_each_time(gate: Gate) -> None:
    tokens = Tokens()
    gate.hooks.register("auth.tokens", tokens, deadline_s=60)
    gate.roles.roles["olga"] = ["operator"]
    gate.visit(authorization=basic("olga", "token"))
    gate.visit(authorization=basic("olga", "token"))

    assert gate.backend.asked == 2


# -- sessions -----------------------------------------------------------------


def test_a_session_ends_after_its_hours_however_busy(gate: Gate) -> None:
    token = gate.sign_in()
    for _ in range(11):
        gate.clock.go_on(hours=1)
        assert gate.visit(token).user.name == "olga"
    gate.clock.go_on(hours=1)

    assert gate.visit(token).user.name == ""


def test_a_session_that_nobody_uses_ends(gate: Gate) -> None:
    token = gate.sign_in()
    gate.clock.go_on(hours=3, minutes=59)
    assert gate.visit(token).user.name == "olga"
    gate.clock.go_on(hours=4)

    assert gate.visit(token).user.name == ""


@pytest.mark.parametrize("cookie", ["x", "\0", "é" * 5000, "0" * 43])
def test_a_made_up_cookie_is_nobody(gate: Gate, cookie: str) -> None:
    gate.sign_in()

    assert gate.visit(cookie).via == "none"


def test_a_session_works_in_every_process(gate: Gate) -> None:
    token = gate.sign_in()

    visitor = gate.another_process().visitor(token, "", Visit("GET", "/", {}))
    assert visitor == gate.visit(token)


def test_roles_of_all_plugins_add_up(gate: Gate) -> None:
    gate.roles.roles["olga"] = ["admin"]

    assert gate.visit(gate.sign_in()).user.roles == {"operator", "admin"}


def test_roles_that_there_are_not_are_left_out(gate: Gate) -> None:
    gate.roles.roles["olga"] = ["root", "machine"]

    assert gate.visit(gate.sign_in()).user.roles == {"operator", "machine"}


def test_roles_are_asked_again_after_five_minutes_and_not_before(gate: Gate) -> None:
    gate.roles.roles["olga"] = ["admin"]
    token = gate.sign_in()
    gate.roles.roles["olga"] = []
    gate.clock.go_on(minutes=4, seconds=59)
    before = gate.visit(token).user.roles
    gate.clock.go_on(seconds=1)

    assert before == {"operator", "admin"}
    assert gate.visit(token).user.roles == {"operator"}
    assert gate.visit(token).user.roles == {"operator"}
    assert gate.roles.asked == 2


def test_roles_stay_while_who_grants_them_can_not_be_asked(gate: Gate) -> None:
    gate.roles.roles["olga"] = ["admin"]
    token = gate.sign_in()
    gate.roles.error = OSError("no route to host")
    gate.clock.go_on(minutes=6)

    assert gate.visit(token).user.roles == {"operator", "admin"}


def test_a_user_who_may_not_be_here_any_more_is_signed_out(gate: Gate) -> None:
    token = gate.sign_in()
    gate.roles.error = Denied("olga has left")
    gate.clock.go_on(minutes=6)
    assert gate.visit(token).user.name == ""
    gate.roles.error = None

    assert gate.visit(token).user.name == ""


def test_who_was_let_in_by_a_backend_that_is_gone_is_signed_out(gate: Gate) -> None:
    token = gate.sign_in()
    gate.hooks.unregister("auth.backend")
    gate.clock.go_on(minutes=6)

    assert gate.visit(token).user.name == ""


def test_the_backend_s_own_roles_replace_those_it_gave_at_sign_in(gate: Gate) -> None:
    class Both(Backend):
        now = ("operator", "admin")

        @hookimpl
        def grant_roles(self, user: User) -> Sequence[str]:
            return self.now if user.backend == "auth.both" else ()

    both = Both()
    hooks = Hooks()
    hooks.register("auth.both", both, deadline_s=60)
    access = Access(lambda: hooks, gate.store, lambda: gate.options)
    session, _ = access.sign_in("olga", "correct: horse")
    user = session.user
    both.now = ("viewer",)
    gate.clock.go_on(minutes=5)

    assert user.roles == {"operator", "admin"}
    assert access.visitor(session.token, "", Visit("GET", "/", {})).user.roles == {"viewer"}


def test_a_session_ends_when_its_proxy_names_somebody_else(gate: Gate) -> None:
    session, _ = gate.access.sessions.begin(User("olga", backend="auth.proxy"), Browser())

    assert gate.visit(session.token, remote_user="olga").user.name == "olga"
    assert gate.visit(session.token, remote_user="pavel").user.name == "pavel"
    assert gate.visit(session.token).user.name == ""


def test_what_is_kept_before_signing_in_lasts_a_quarter_of_an_hour(gate: Gate) -> None:
    token = gate.access.sessions.keep_scratch("", {"state": "x"}).token
    gate.access.sessions.keep_scratch(token, {"state": "y", "nonce": 1})

    assert gate.visit(token).session.scratch == {"state": "y", "nonce": 1}
    assert gate.visit(token).user.name == ""
    gate.clock.go_on(minutes=15)
    assert gate.visit(token).session is None


# -- scripts ------------------------------------------------------------------


def test_a_script_signs_in_by_basic_without_a_session(gate: Gate) -> None:
    visitor = gate.visit(authorization=basic("olga", "correct: horse"))

    assert (visitor.user.name, visitor.user.roles, visitor.via, visitor.session) == (
        "olga", {"operator"}, "basic", None,
    )  # fmt: skip


def test_a_right_password_is_remembered_for_five_minutes(gate: Gate) -> None:
    for _ in range(10):
        gate.visit(authorization=basic("olga", "correct: horse"))
        gate.clock.go_on(seconds=29)
    asked_before = gate.backend.asked
    gate.clock.go_on(seconds=10)
    gate.visit(authorization=basic("olga", "correct: horse"))

    assert (asked_before, gate.backend.asked) == (1, 2)


def test_a_wrong_password_is_asked_each_time(gate: Gate) -> None:
    gate.visit(authorization=basic("olga", "correct: horse"))
    for _ in range(2):
        with pytest.raises(NotSignedIn, match="Name or password is not right"):
            gate.visit(authorization=basic("olga", "wrong"))

    assert gate.backend.asked == 3


def test_remembering_tells_where_the_name_ends() -> None:
    keyed = KeyedHash()

    assert keyed("olga", "x", "open") == keyed("olga", "x", "open")
    assert keyed("olga", "x", "open") != keyed("olg", "ax", "open")
    assert keyed("olga", "x", "open") != keyed("olga", "xo", "pen")


def test_what_was_remembered_is_not_found_after_a_change_of_the_account() -> None:
    keyed = KeyedHash()

    assert keyed("olga", "x", "operator") != keyed("olga", "x", "viewer")


def test_what_is_remembered_means_nothing_to_another_process() -> None:
    assert KeyedHash()("olga", "x", "") != KeyedHash()("olga", "x", "")


def test_only_so_many_are_remembered() -> None:
    recent: Recent[int] = Recent(timedelta(minutes=5), most=2)
    for number in range(3):
        recent.add(number, User(str(number)), Clock.now)

    assert [recent.find(number, Clock.now) is not None for number in range(3)] == [False, True, True]


def test_no_password_is_kept_in_memory(gate: Gate) -> None:
    gate.visit(authorization=basic("olga", "correct: horse"))

    assert "horse" not in repr(vars(gate.access._basic))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("Basic", "expected a name, a colon and a password in base64"),
        ("Basic !!!", "what follows is not base64"),
        ("Basic " + "é" * 10, "what follows is not base64"),
        ("Basic " + "A" * 100_001, "what follows is not base64"),
        ("Basic " + base64.b64encode(b"no colon").decode(), "expected a name, a colon and a password in base64"),
        ("Basic " + base64.b64encode(b":" + b"x").decode(), "Give both a name and a password"),
        ("Basic " + base64.b64encode(b"olga:").decode(), "Give both a name and a password"),
        ("Basic " + base64.b64encode(b"ol\0ga:x").decode(), "A name can not have the character"),
        ("Basic " + base64.b64encode(b"olga:" + b"x" * 1_000_000).decode(), "at most 1024 characters"),
        ("Bearer bad", "The token in the Authorization header is not known here"),
    ],
)
def test_a_header_that_is_wrong_is_refused_in_words(gate: Gate, header: str, says: str) -> None:
    with pytest.raises(NotSignedIn, match=says):
        gate.visit(authorization=header)


def test_a_password_may_have_colons_and_older_clients_send_latin_1(gate: Gate) -> None:
    class Old:
        @hookimpl
        def authenticate(self, username: str, password: str) -> User | None:
            return User(username) if (username, password) == ("jürgen", "a:b:ö") else None

    gate.hooks.register("auth.old", Old(), deadline_s=60)

    header = "basic  " + base64.b64encode("jürgen:a:b:ö".encode("latin-1")).decode()
    assert gate.visit(authorization=header).user.name == "jürgen"


def test_a_header_says_who_asks_even_beside_a_cookie(gate: Gate) -> None:
    token = gate.sign_in()

    assert gate.visit(token, "Bearer good").user.name == "robot"


def test_what_the_server_in_front_says_counts_without_a_session(gate: Gate) -> None:
    gate.roles.roles["pavel"] = ["operator"]
    visitor = gate.visit(remote_user="pavel")

    assert (visitor.user, visitor.via) == (
        User("pavel", roles=frozenset({"viewer", "operator"}), backend="auth.proxy"), "identify",
    )  # fmt: skip


def test_roles_of_a_visitor_without_a_session_are_asked_every_five_minutes(gate: Gate) -> None:
    for _ in range(3):
        gate.visit(remote_user="pavel")
    asked_before = gate.roles.asked
    gate.clock.go_on(minutes=5)
    gate.visit(remote_user="pavel")

    assert (asked_before, gate.roles.asked) == (1, 2)


def test_a_backend_that_can_not_identify_leaves_a_visitor_without_a_name(gate: Gate) -> None:
    gate.proxy.error = OSError("no route to host")

    assert gate.visit(remote_user="pavel").user.name == ""


# -- who may ------------------------------------------------------------------


def test_everybody_may_read_where_reading_is_open(gate: Gate) -> None:
    user = gate.visit().user

    assert user.roles == {"viewer"}
    gate.access.require(user, "viewer")


def test_nobody_reads_without_a_name_where_reading_is_closed(gate: Gate) -> None:
    gate.options.open_reading = False
    user = gate.visit().user

    assert user.roles == frozenset()
    with pytest.raises(NotSignedIn, match=r"^This needs the role viewer; sign in first\.$"):
        gate.access.require(user, "viewer")


def test_a_refusal_says_who_you_are_and_what_is_missing(gate: Gate) -> None:
    with pytest.raises(Denied, match=r"^You are signed in as olga with roles viewer; this needs operator\.$"):
        gate.access.require(User("olga", roles=frozenset({"viewer"})), "operator")


@pytest.mark.parametrize(
    ("roles", "role", "may"),
    [
        (["admin"], "operator", True),
        (["admin"], "machine", False),
        (["operator"], "admin", False),
        (["machine"], "viewer", True),
        (["viewer"], "operator", False),
        ([], "anyone", True),
    ],
)
def test_roles_hold_what_they_hold(gate: Gate, roles: list[str], role: str, may: bool) -> None:
    gate.options.open_reading = False
    user = User("olga", roles=frozenset(roles))

    if may:
        gate.access.require(user, role)
    else:
        with pytest.raises(Denied, match=f"this needs {role}"):
            gate.access.require(user, role)


# -- form tokens --------------------------------------------------------------


def test_a_form_token_is_good_for_its_own_session_in_every_process(gate: Gate) -> None:
    one, other = gate.visit(gate.sign_in()), gate.visit(gate.sign_in())

    assert gate.another_process().csrf_ok(one, one.csrf_token)
    assert not gate.access.csrf_ok(one, other.csrf_token)


@pytest.mark.parametrize("given", ["", "x", "\0", "\ud800", "é"])
def test_a_made_up_form_token_is_refused(gate: Gate, given: str) -> None:
    assert not gate.access.csrf_ok(gate.visit(gate.sign_in()), given)


def test_a_form_token_without_a_session_hangs_on_the_name(gate: Gate) -> None:
    olga, pavel = gate.visit(remote_user="olga"), gate.visit(remote_user="pavel")

    assert gate.another_process().csrf_ok(olga, olga.csrf_token)
    assert not gate.access.csrf_ok(pavel, olga.csrf_token)


def test_nobody_has_no_form_token_that_could_be_right(gate: Gate) -> None:
    visitor = gate.visit()

    assert visitor.csrf_token == ""
    assert not gate.access.csrf_ok(visitor, "")


def test_a_form_token_does_not_tell_the_session(gate: Gate) -> None:
    token = gate.sign_in()
    visitor = gate.visit(token)

    assert token not in visitor.csrf_token
    assert visitor.session.csrf not in visitor.csrf_token
