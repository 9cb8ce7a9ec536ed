"""Signing in and out, who may what, and changes that somebody meant."""

from __future__ import annotations

import pytest

from tests.web.house import PEOPLE, TAKEN
from wwt_framework.model import SourceReport, User

ORIGIN = {"Origin": "http://wwt.example"}
JSON = {"Accept": "*/*"}


def test_a_name_and_a_password_open_a_session(client):
    got = client.sign_in("olga")

    assert got.status == 303
    assert "Signed in as" in client.get("/").text


def test_the_cookie_is_kept_from_scripts_and_other_sites(client):
    cookies = client.sign_in("olga").all_headers("Set-Cookie")

    assert len(cookies) == 2  # the session, and by what the browser is known again
    for cookie in cookies:
        assert "; HttpOnly" in cookie
        assert "; SameSite=Lax" in cookie
        assert "; Path=/" in cookie
        assert "Secure" not in cookie


def test_behind_https_the_cookie_stays_on_it(installation):
    client = installation(base_url="https://wwt.example")

    cookies = client.sign_in("olga").all_headers("Set-Cookie")

    assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-wwt_session_8080", "__Host-wwt_device_8080"]
    assert all("; Secure" in cookie and "; Path=/;" in cookie for cookie in cookies)


def test_below_a_path_the_cookie_stays_on_https_and_there(installation):
    client = installation(base_url="https://wwt.example/console")
    cookie = client.sign_in("olga").all_headers("Set-Cookie")[0]

    assert cookie.startswith("__Secure-wwt_session_8080=")
    assert "; Path=/console;" in cookie


def test_a_cookie_that_plain_http_could_have_set_is_nothing_behind_https(installation):
    client = installation(base_url="https://wwt.example")
    client.sign_in("olga")
    client.cookies = {name.removeprefix("__Host-"): value for name, value in client.cookies.items()}

    assert "Signed in as" not in client.get("/").text


def test_behind_https_a_page_of_the_same_host_without_it_changes_nothing(installation):
    client = installation(base_url="https://wwt.example")
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token()}

    assert client.post("/jobs/refresh", form=form, headers={"Origin": "http://wwt.example"}).status == 403
    assert client.post("/jobs/refresh", form=form, headers={"Origin": "https://wwt.example"}).status == 303


def test_the_session_is_a_new_one_at_each_sign_in(client):
    client.sign_in("olga")
    first = dict(client.cookies)
    client.sign_in("olga")

    assert client.cookies != first


def test_a_wrong_password_is_said_beside_the_form(client):
    got = client.post("/login", form={"username": "olga", "password": "wrong", "next": "/jobs"}, headers=ORIGIN)

    dom = got.dom()
    values = {i.get("name"): i.get("value") for i in dom.iter("input")}
    assert got.status == 401
    assert "not right" in got.text
    assert (values["username"], values["next"]) == ("olga", "/jobs")
    assert "wrong" not in got.text
    assert not got.header("WWW-Authenticate")
    assert not client.cookies


def test_one_comes_back_to_where_one_was(client):
    dom = client.get("/jump?q=a+b&q=%C3%BC").dom()
    link = next(a.get("href") for a in dom.iter("a") if a.get("class") == "sign-in")
    form = client.get(link).dom()
    target = next(i.get("value") for i in form.iter("input") if i.get("name") == "next")
    got = client.post("/login", form={"username": "vera", "password": "arev", "next": target}, headers=ORIGIN)

    assert got.header("Location") == "/jump?q=a+b&q=%C3%BC"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=y",
        "",
        "evil",
        "/logout",
        "/login?next=/login",
        " //evil.example",
        "/\n/evil.example",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(client, target):
    got = client.post("/login", form={"username": "vera", "password": "arev", "next": target}, headers=ORIGIN)

    assert (got.status, got.header("Location")) == (303, "/")


def test_signing_out_ends_the_session_also_for_a_stolen_cookie(client):
    client.sign_in("olga")
    stolen = dict(client.cookies)
    got = client.post("/logout", form={"csrf_token": client.csrf_token()}, headers=ORIGIN)
    client.cookies.update(stolen)

    assert got.status == 303
    assert "Max-Age=0" in got.header("Set-Cookie")
    assert "Signed in as" not in client.get("/").text


def test_a_link_signs_nobody_out(client):
    client.sign_in("olga")
    client.get("/logout")

    assert "Signed in as" in client.get("/").text


def test_the_sign_in_page_is_not_kept_anywhere(client):
    assert client.get("/login").header("Cache-Control") == "no-store"


# -- 401 and 403 --


def test_p20_a_browser_without_a_sign_in_gets_a_page_with_a_link(installation):
    got = installation(open_reading=False, webmaster={"name": "Wanda", "email": "w@example.org"}).get("/jobs?x=1")

    links = {a.get("href") for a in got.dom().iter("a")}
    assert got.status == 401
    assert not got.header("WWW-Authenticate")
    assert "Request Access" in got.text
    assert "/login?next=%2Fjobs%3Fx%3D1" in links
    assert any(link.startswith("mailto:w@example.org") for link in links if link)


def test_p20_a_script_without_a_sign_in_hears_of_basic(installation):
    got = installation(open_reading=False).get("/jobs", headers=JSON)

    assert got.status == 401
    assert got.header("WWW-Authenticate").startswith("Basic ")


def test_who_lacks_a_role_is_told_who_they_are_and_what_is_missing(client):
    got = client.post("/jobs/refresh", user="vera", headers=JSON)

    assert got.status == 403
    assert "vera" in got.json["error"]
    assert "operator" in got.json["error"]


def test_a_wrong_password_by_basic_is_heard_even_where_reading_is_open(client):
    client.passwords["olga"] = "wrong"

    assert client.get("/jobs", user="olga", headers=JSON).status == 401


def test_closed_reading_shows_no_number_on_the_welcome_page(installation):
    got = installation(open_reading=False).get("/")

    assert got.status == 200
    assert "Reading needs a sign-in" in got.text


# -- the table of roles: address, method, who may --

EVERYBODY = ("", "nora", "max", "vera", "olga", "adam")
READERS = ("max", "vera", "olga", "adam")
TABLE = [
    ("GET", "/", EVERYBODY),
    ("GET", "/login", EVERYBODY),
    ("GET", "/logout", EVERYBODY),
    ("GET", "/help/keys", EVERYBODY),
    ("GET", "/health", EVERYBODY),
    ("GET", "/static/wwt.css", EVERYBODY),
    ("GET", "/help/api", READERS),
    ("GET", "/api/v1/openapi.json", READERS),
    ("GET", "/jump", READERS),
    ("GET", "/freshness", READERS),
    ("GET", "/plugins", READERS),
    ("GET", "/jobs", READERS),
    ("POST", "/jobs/refresh", ("olga", "adam")),
    ("POST", "/plugins/release", ("adam",)),
]


@pytest.mark.slow
@pytest.mark.parametrize("user", EVERYBODY)
@pytest.mark.parametrize(("method", "path", "who"), TABLE)
def test_roles_with_closed_reading(installation, method, path, who, user):
    client = installation(open_reading=False)
    got = client.request(method, path, user=user, headers=JSON, form={"plugin": "none"} if method == "POST" else None)

    refused = got.status in (401, 403)
    assert refused == (user not in who)
    if refused:
        assert got.status == (403 if user else 401)


@pytest.mark.parametrize("path", [path for method, path, _ in TABLE if method == "GET"])
def test_open_reading_lets_everybody_read(client, path):
    assert client.get(path).status == 200


def _walk(client):
    """Every address there is, whoever wrote its page, with each of its methods."""
    for path, handlers in {**client.wsgi.exact, **{f"{p}/x": h for p, h in client.wsgi.below.items()}}.items():
        for handler in handlers:
            for method in handler.rules.methods:
                yield method, path, handler.rules.role


@pytest.mark.parametrize("user", EVERYBODY)
def test_no_address_answers_somebody_who_lacks_its_role(installation, user):
    client = installation(open_reading=False)
    person = User(user, roles=frozenset(filter(None, [PEOPLE.get(user, "")])))

    for method, path, role in _walk(client):
        if not person.may(role):
            got = client.request(method, path, user=user, headers=JSON)
            assert got.status == (403 if user else 401), (method, path, role)


def test_every_change_by_a_browser_needs_the_token(client):
    client.sign_in("adam")

    for method, path, _ in _walk(client):
        if method not in ("GET", "HEAD"):
            assert client.request(method, path, form={"x": "1"}, headers=ORIGIN).status == 403, (method, path)


def test_what_changes_something_is_never_open_to_everybody(client):
    open_to_all = {(method, path) for method, path, role in _walk(client) if method != "GET" and role == "anyone"}

    # The latter two look for a code, and for a sign-in, by themselves.
    own = {("POST", "/break-glass"), ("POST", "/sessions/end")}
    assert open_to_all == {("POST", "/login"), ("POST", "/logout"), *own}


def test_every_address_of_the_frame_is_in_the_table_of_roles(client):
    ours = [f"wwt_framework.web.pages.{name}" for name in ("home", "login", "plugins", "jobs", "contributed")]
    told = {(method, path) for method, path, _ in TABLE} | {("POST", "/login"), ("POST", "/logout"), ("GET", "/static")}
    pages = client.wsgi
    mounted = {
        (method, path)
        for path, handlers in {**pages.exact, **pages.below}.items()
        for handler in handlers
        if handler.__module__ in ours
        for method in handler.rules.methods
    }

    assert mounted <= told


# -- changes that somebody meant --


def _refreshes(client):
    return [run["name"] for run in client.get("/jobs?format=json", user="olga").json]


def test_a_form_with_its_token_changes_something(client):
    client.sign_in("olga")
    got = client.post("/jobs/refresh", form={"csrf_token": client.csrf_token()}, headers=ORIGIN)

    assert got.status == 303
    assert _refreshes(client) == ["refresh"]


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_its_token_changes_nothing(client, token):
    client.sign_in("olga")
    got = client.post("/jobs/refresh", form={"csrf_token": token} if token is not None else {"x": 1}, headers=ORIGIN)

    assert got.status == 403
    assert "Nothing was changed" in got.text
    assert _refreshes(client) == []


def test_the_token_may_come_in_a_header(client):
    client.sign_in("olga")
    got = client.post("/jobs/refresh", headers={**ORIGIN, "X-CSRF-Token": client.csrf_token()})

    assert got.status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing_even_with_the_token(client, headers):
    client.sign_in("olga")
    got = client.post("/jobs/refresh", form={"csrf_token": client.csrf_token()}, headers=headers)

    assert got.status == 403
    assert _refreshes(client) == []


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_signs_nobody_in(client, headers):
    got = client.post("/login", form={"username": "vera", "password": "arev"}, headers=headers)

    assert got.status == 403
    assert not client.cookies


def test_a_token_of_another_session_is_worth_nothing(installation):
    one, other = installation(), installation()
    one.sign_in("olga")
    other.sign_in("adam")
    got = one.post("/jobs/refresh", form={"csrf_token": other.csrf_token()}, headers=ORIGIN)

    assert got.status == 403


def test_a_script_with_basic_needs_no_token(client):
    assert client.post("/jobs/refresh", user="olga", headers=JSON).status == 303


@pytest.mark.parametrize(
    "trace", [{"Sec-Fetch-Site": "same-origin"}, ORIGIN, {"Referer": "http://wwt.example/"}, {"Cookie": "a=b"}]
)
def test_a_browser_with_basic_needs_the_token(client, trace):
    assert client.post("/jobs/refresh", user="olga", headers={**JSON, **trace}).status == 403


def test_refresh_now_asks_once_until_it_begins(client):
    for _ in range(3):
        client.post("/jobs/refresh", user="olga", headers=JSON)

    assert _refreshes(client) == ["refresh"]


@pytest.mark.parametrize("path", ["/", "/login", "/help/keys", "/nowhere"])
def test_where_reading_is_closed_a_visitor_is_not_told_of_the_sources(installation, snapshot, path):
    source = SourceReport("errors.secret_lab", "errors", "kept", TAKEN, TAKEN, note="https://lab.example: 404")
    client = installation(snapshot=snapshot(sources=[source]), open_reading=False)

    assert "secret_lab" not in client.get(path).text
    assert "secret_lab" in client.get("/help/keys", user="vera").text
