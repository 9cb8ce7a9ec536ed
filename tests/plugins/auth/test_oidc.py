"""Against a real OpenID provider, and against those who pretend to be it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pydantic
import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from wwt_framework.errors import Denied, PluginError
from wwt_framework.testing.contracts import AuthContract
from wwt_plugins.auth.oidc.claims import find, texts, verified
from wwt_plugins.auth.oidc.options import OidcOptions
from wwt_plugins.auth.oidc.provider import Provider

from .fronts import free_port
from .installations import Installation, serve, who
from .openid import SECRET, Meddler, OpenIdProvider, go_through, unsigned

ROLES = "roles: {operator: [grid-operators], admin: [wwt-admins]}"
SCOPES = "scopes: [openid, profile, email, groups]"


class TestContract(AuthContract):
    plugin = "auth.oidc"
    options = {"issuer": "https://auth.example.org", "client_id": "wwt"}  # noqa: RUF012  # not changed


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    home = f"http://127.0.0.1:{port}"
    it = OpenIdProvider(tmp_path_factory.mktemp("op"), free_port(), home, [f"{home}/p/auth.oidc/callback"])
    yield it.start()
    it.program.stop()


@pytest.fixture(scope="module")
def meddler(provider: OpenIdProvider) -> Iterator[Meddler]:
    it = Meddler(provider.issuer)
    yield it
    it.stop()


@pytest.fixture(scope="module")
def house(port: int, provider: OpenIdProvider, meddler: Meddler, tmp_path_factory) -> Iterator[Installation]:
    client = f"client_id: wwt, client_secret: '{SECRET}', discovery: '{meddler.address}/'"
    auth = f"  oidc: {{issuer: '{provider.issuer}', {client}, {SCOPES}, {ROLES}}}\n"
    it = serve(tmp_path_factory.mktemp("house"), auth, port)
    yield it
    it.stop()


@pytest.fixture
def session(meddler: Meddler) -> Iterator[requests.Session]:
    with requests.Session() as it:
        it.trust_env = False
        it.headers["Accept"] = "text/html"
        yield it
    meddler.change, meddler.metadata = (lambda tokens: tokens), {}


def sign_in(house: Installation, session: requests.Session, name: str = "olga", to: str = "/") -> requests.Response:
    return go_through(session, f"{house.address}/p/auth.oidc/login?{urlencode({'next': to})}", name, house.address)


def complaint(page: requests.Response) -> str:
    found = re.search(r'<p[^>]*class="problem"[^>]*>(.*?)</p>', page.text, re.DOTALL)
    assert found, page.text
    return found[1]


needs_provider = pytest.mark.needs("oidc-provider")


@needs_provider
@pytest.mark.parametrize(
    ("name", "told"), [("olga", "olga: operator"), ("vera", "vera: none"), ("adam", "adam: admin")]
)
def test_who_signs_in_at_the_provider_is_signed_in_here_with_roles_by_groups(house, session, name, told) -> None:
    sign_in(house, session, name)

    assert who(house.address, session) == told


@needs_provider
def test_one_comes_to_where_one_wanted_to_go_and_never_elsewhere(house, session) -> None:
    assert sign_in(house, session, to="/logout?a=b").url == f"{house.address}/logout?a=b"
    for evil in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\tx", ""):
        session.cookies.clear()
        assert sign_in(house, session, to=evil).url == f"{house.address}/"


@needs_provider
def test_what_is_sent_to_the_provider_has_pkce_state_and_nonce(house, session, provider) -> None:
    sent = session.get(f"{house.address}/p/auth.oidc/login", allow_redirects=False, timeout=60).headers["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(sent).query).items()}

    assert sent.startswith(f"{provider.issuer}/auth?")
    assert query["code_challenge_method"] == "S256"
    assert (query["response_type"], query["client_id"], query["scope"]) == (
        "code",
        "wwt",
        "openid profile email groups",
    )
    assert query["redirect_uri"] == f"{house.address}/p/auth.oidc/callback"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 30


@needs_provider
def test_signing_in_gives_another_cookie(house, session) -> None:
    session.get(f"{house.address}/p/auth.oidc/login", allow_redirects=False, timeout=60)
    before = dict(session.cookies)
    sign_in(house, session)

    name = next(name for name in before if name.startswith("wwt_session"))
    assert session.cookies[name] != before[name]


@needs_provider
def test_after_signing_out_here_the_provider_is_offered_and_brings_one_back(house, session) -> None:
    sign_in(house, session)
    page = session.get(f"{house.address}/logout", timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    page = session.post(f"{house.address}/logout", data={"csrf_token": token[1]}, timeout=60)
    assert "Sign out at Single sign-on, too" in page.text
    page = go_through(session, f"{house.address}/p/auth.oidc/leave", "olga", house.address)

    assert page.url == f"{house.address}/"
    assert who(house.address, session) == ""


# -- those who pretend -----------------------------------------------------------

STRANGER = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
LATER = int(time.time()) + 3600


def forged(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, STRANGER)


def with_public_key(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    said = unsigned(claims, "HS256").rstrip(".")
    mac = hmac.digest(provider.key.as_pem(private=False), said.encode(), hashlib.sha256)
    return f"{said}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def jwk_inside(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "x", "jwk": STRANGER.as_dict(private=False)}, claims, STRANGER)


def otherwise(**changed: Any) -> Callable[[OpenIdProvider, dict[str, Any]], str]:
    return lambda provider, claims: provider.token(**{**claims, **changed})


LIES: dict[str, tuple[Callable[[OpenIdProvider, dict[str, Any]], str], str]] = {
    "a key of the same name": (forged, "none of its keys signed it"),
    "a key of another name": (
        lambda _, claims: jwt.encode({"alg": "RS256", "kid": "../x"}, claims, STRANGER), "none of its keys signed it",
    ),
    "a key inside": (jwk_inside, "none of its keys signed it"),
    "none": (lambda _, claims: unsigned(claims), "none of its keys signed it"),
    "NONE": (lambda _, claims: unsigned(claims, "NONE"), "none of its keys signed it"),
    "HS256 with the public key": (with_public_key, "none of its keys signed it"),
    "rubbish": (lambda *_: "a.b.c", "none of its keys signed it"),
    "audience": (otherwise(aud="other"), "it is meant for somebody else, &#39;other&#39;"),
    "no audience": (otherwise(aud=None), "it is meant for somebody else"),
    "part of the audience": (otherwise(aud="wwt-other"), "it is meant for somebody else"),
    "two audiences": (otherwise(aud=["wwt", "other"]), "it was issued to somebody else"),
    "another party": (otherwise(azp="other"), "it was issued to somebody else"),
    "issuer": (otherwise(iss="https://evil.example"), "it is of another issuer, &#39;https://evil.example&#39;"),
    "issuer with a slash": (lambda p, claims: p.token(**{**claims, "iss": f"{p.issuer}/"}), "it is of another issuer"),
    "expired": (otherwise(exp=int(time.time()) - 60, iat=int(time.time()) - 120), "it has expired"),
    "no end": (otherwise(exp=None), "it has expired"),
    "an end in words": (otherwise(exp="tomorrow"), "it has expired|none of its keys"),
    "not yet": (otherwise(iat=LATER, exp=LATER + 60), "it is from the future"),
    "not before": (otherwise(nbf=LATER), "it is from the future"),
    "nonce": (otherwise(nonce="another"), "it answers to another sign-in"),
    "no nonce": (otherwise(nonce=None), "it answers to another sign-in"),
    "nobody": (otherwise(sub=None), "it does not say who it is about"),
    "markup": (otherwise(iss="<script>alert(1)</script>"), "&lt;script&gt;"),
}  # fmt: skip


@needs_provider
@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_the_provider_s_signs_nobody_in(house, session, provider, meddler, lie) -> None:
    make, said = LIES[lie]

    def change(tokens: dict[str, Any]) -> dict[str, Any]:
        claims = jwt.decode(tokens["id_token"], provider.key).claims
        return {**tokens, "id_token": make(provider, claims)}

    meddler.change = change
    page = sign_in(house, session)

    assert page.status_code == 403
    assert re.search(said, complaint(page)), complaint(page)
    assert who(house.address, session) == ""


@needs_provider
def test_the_answer_about_somebody_else_signs_nobody_in(house, session, provider, meddler) -> None:
    meddler.change = lambda tokens: {
        **tokens,
        "id_token": provider.token(
            sub="adam", **{k: jwt.decode(tokens["id_token"], provider.key).claims[k] for k in ("nonce", "exp", "iat")}
        ),
    }

    assert "about two people" in complaint(sign_in(house, session))


def answer_of_the_provider(house: Installation, session: requests.Session) -> str:
    """The address with which the provider sends a browser back, not gone to yet."""
    page = session.get(f"{house.address}/p/auth.oidc/login", allow_redirects=False, timeout=60)
    url = page.headers["Location"]
    while not url.startswith(house.address):
        page = session.get(url, allow_redirects=False, timeout=60)
        if page.is_redirect:
            url = requests.compat.urljoin(url, page.headers["Location"])
            continue
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', page.text))
        fields |= {"login": "olga", "password": "x"} if 'name="login"' in page.text else {}
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action
        url = session.post(action[1], data=fields, allow_redirects=False, timeout=60).headers["Location"]
    return url


@needs_provider
def test_an_answer_works_once_and_in_the_browser_that_began_only(house, session) -> None:
    url = answer_of_the_provider(house, session)
    stranger = requests.get(url, headers={"Accept": "text/html"}, timeout=60)
    assert stranger.status_code == 403
    assert "was not begun in this browser" in complaint(stranger)

    assert session.get(url, timeout=60).url == f"{house.address}/"
    again = session.get(url, timeout=60)
    assert (again.status_code, "was completed before" in complaint(again)) == (403, True)


@needs_provider
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "x"}, "was not begun in this browser"),
        ({"state": ""}, "was not begun in this browser"),
        ({"iss": "https://evil.example"}, "Another provider answered, &#39;https://evil.example&#39;"),
        ({"iss": None}, "Another provider answered, &#39;without a name&#39;"),
        ({"code": "x"}, r"The provider did not take this sign-in \(invalid_grant\)"),
        ({"code": None, "error": "access_denied", "error_description": "<b>no</b>\x07"}, "sign you in: &lt;b&gt;no&lt;/b&gt; "),
        ({"code": None}, "it gave no reason"),
    ],
)  # fmt: skip
def test_an_answer_that_was_changed_signs_nobody_in_and_uses_the_sign_in_up(house, session, change, said) -> None:
    url = answer_of_the_provider(house, session)
    address, _, query = url.partition("?")
    right = {name: values[0] for name, values in parse_qs(query).items()}
    wrong = {name: value for name, value in {**right, **change}.items() if value is not None}

    assert re.search(said, complaint(session.get(f"{address}?{urlencode(wrong)}", timeout=60)))
    assert "was completed before" in complaint(session.get(url, timeout=60))
    assert who(house.address, session) == ""


@needs_provider
def test_a_parameter_given_twice_signs_nobody_in(house, session) -> None:
    url = answer_of_the_provider(house, session)

    assert "was not begun in this browser" in complaint(session.get(f"{url}&state=x", timeout=60))


# -- other clients, other claims ---------------------------------------------------


@needs_provider
@pytest.mark.parametrize(
    "more",
    [
        "client_id: wwt-public",
        f"client_id: wwt, client_secret: '{SECRET}', groups_claim: resource_access.wwt.roles",
        "client_id: wwt-public, user_claim: sub, groups_claim: nothing.here, everybody: [operator]",
    ],
)
def test_public_clients_and_claims_by_path(house, session, provider, more) -> None:
    before = house.path.read_text().partition("auth:\n")[2]
    house.swap(f"  oidc: {{issuer: '{provider.issuer}', {more}, {SCOPES}, {ROLES}}}\n")
    try:
        sign_in(house, session)
        assert who(house.address, session) == "olga: operator"
    finally:
        house.swap(before)


@needs_provider
def test_a_wrong_secret_and_a_missing_claim_are_said_in_words(house, session, provider) -> None:
    before = house.path.read_text().partition("auth:\n")[2]
    try:
        house.swap(f"  oidc: {{issuer: '{provider.issuer}', client_id: wwt, client_secret: wrong, {SCOPES}}}\n")
        page = sign_in(house, session)
        assert (page.status_code, "refuses client_id with client_secret" in page.text) == (503, True)
        house.swap(f"  oidc: {{issuer: '{provider.issuer}', client_id: wwt-public, user_claim: cern_upn}}\n")
        assert "there is no claim cern_upn" in complaint(sign_in(house, session))
    finally:
        house.swap(before)


def options_of(provider: OpenIdProvider, **more: Any) -> OidcOptions:
    return OidcOptions.model_validate({"issuer": provider.issuer, "client_id": "wwt", **more})


@needs_provider
def test_another_key_of_the_provider_is_looked_for_once(provider, monkeypatch) -> None:
    options = options_of(provider)
    known = Provider(options)
    assert verified(provider.token(), known, options, "n")["sub"] == "olga"
    provider.rotate("second")
    monkeypatch.setattr("wwt_plugins.auth.oidc.provider.AGAIN_S", 0)
    assert verified(provider.token(), known, options, "n")["sub"] == "olga"
    monkeypatch.setattr("wwt_plugins.auth.oidc.provider.AGAIN_S", 3600)
    monkeypatch.setattr(known, "_fetch", lambda: pytest.fail("the provider was asked again"))

    with pytest.raises(Denied, match="none of its keys signed it"):
        verified(jwt.encode({"alg": "RS256", "kid": "third"}, {"sub": "x"}, STRANGER), known, options, "n")


@needs_provider
@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"issuer": "https://evil.example"}, "is of the issuer 'https://evil.example'"),
        ({"token_endpoint": "http://evil.example/token"}, "token_endpoint: expected https://..., got 'http://evil"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint: expected https://"),
        ({"jwks_uri": None}, "jwks_uri: expected https://"),
    ],
)
def test_metadata_that_can_not_be_meant_are_refused(provider, meddler, session, metadata, said) -> None:
    meddler.metadata = metadata
    with pytest.raises(PluginError, match=said):
        Provider(options_of(provider, discovery=meddler.address)).check()


def test_a_provider_that_is_dead_is_a_failure_in_words(tmp_path: Path) -> None:
    dead: Any = SimpleNamespace(issuer=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PluginError, match=r"openid-configuration: did not answer as expected \(ConnectionError\)"):
        Provider(options_of(dead)).check()


def test_claims_are_found_by_path() -> None:
    claims = {"a.b": ["1"], "a": {"b": ["2"], "c.d": {"e": "3"}}, "f": "4", "g": [1, "5"]}

    assert [find(claims, path) for path in ("a.b", "a.c.d.e", "f", "f.g", "x", "")] == [
        ["1"],
        "3",
        "4",
        None,
        None,
        None,
    ]
    assert [texts(claims, path) for path in ("a.c.d.e", "g", "x")] == [["3"], ["5"], []]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"issuer": "http://auth.example.org"}, "expected an address like https://"),
        ({"issuer": "auth.example.org"}, "expected an address like https://"),
        ({"issuer": "https://a?b"}, "expected an address like https://"),
        ({"algorithms": ["HS256"]}, "expected some of RS256"),
        ({"algorithms": ["none"]}, "expected some of RS256"),
        ({"algorithms": []}, "at least 1 item"),
        ({"scopes": ["email"]}, "must have openid among them"),
        ({"client_id": ""}, "at least 1 character"),
        ({"roles": {"boss": []}}, "expected roles of viewer"),
    ],
)
def test_options_that_can_not_be_meant_are_named(more, said) -> None:
    with pytest.raises(pydantic.ValidationError, match=said):
        OidcOptions.model_validate({"issuer": "https://auth.example.org", "client_id": "wwt", **more})
