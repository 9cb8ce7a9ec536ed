"""HTTP basic, as scripts have signed in since 2016: with a password, or a token in its place; and it is limited."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable

import argon2
import pytest

from tests.plugins.auth.auth_house import GOOD, AuthHouse
from tests.web.house import Got
from wwt_framework.store import ledger
from wwt_plugins.auth.token import TokenBackend

House = Callable[..., AuthHouse]


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house()
    made.add("auth.token", TokenBackend)
    local = made.add_local()
    local.add("olga", GOOD, ["operator"])
    local.add("closed", GOOD, ["operator"])
    ledger.change_account(made.app.store, "closed", active=False)
    return made


def ask(house: AuthHouse, name: str, password: str, path: str = "/submitaction") -> Got:
    secret = base64.b64encode(f"{name}:{password}".encode()).decode()
    return house.visitor().get(path, headers={"Authorization": f"Basic {secret}", "Accept": "application/json"})


def test_a_script_signs_in_with_the_password_of_an_account(house: AuthHouse) -> None:
    assert ask(house, "olga", GOOD).status not in (401, 403)
    assert ask(house, "olga", "wrong").status == 401


def test_wrong_passwords_are_counted_and_refused_after_ten_and_a_token_still_works(house: AuthHouse) -> None:
    made = house.app.house.hooks.plugins["auth.token"]._tokens.make(
        house.app.house.hooks.plugins["auth.local"].authenticate("olga", GOOD), "operator", "", 1
    )
    statuses = [ask(house, "olga", f"wrong {number}").status for number in range(11)]

    assert statuses == [401] * 10 + [429]
    assert ask(house, "olga", GOOD).status == 429
    bearer = {"Authorization": f"Bearer {made.text}", "Accept": "application/json"}
    assert house.visitor().get("/getprepids", headers=bearer).status == 200


def test_the_work_of_a_wrong_sign_in_tells_nothing_of_which_accounts_there_are(
    make_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the clock is read, which a busy machine moves, but what argon2 is asked to do: passes and memory."""
    house = make_house()
    local = house.add_local()
    chance = random.Random(6)
    names = [f"user{number}" for number in range(40)]
    for name in names[:10]:
        local.add(name, GOOD)
    for name in names[10:15]:
        local.add(name, GOOD)
        ledger.change_account(house.app.store, name, active=False)
    for name in names[15:20]:
        local.add(name, GOOD)
        ledger.change_account(house.app.store, name, secret="!")
    work: list[tuple[int, int]] = []
    real = argon2.low_level.hash_secret, argon2.low_level.verify_secret
    monkeypatch.setattr(
        "argon2._password_hasher.hash_secret",
        lambda **given: (work.append((given["time_cost"], given["memory_cost"])), real[0](**given))[1],
    )

    def verify(secret: bytes, *rest: object) -> bool:
        costs = argon2.extract_parameters(secret.decode())
        work.append((costs.time_cost, costs.memory_cost))
        return real[1](secret, *rest)

    monkeypatch.setattr("argon2._password_hasher.verify_secret", verify)
    seen: dict[str, Counter[tuple[tuple[int, int], ...]]] = {"known": Counter(), "unknown": Counter()}
    for _ in range(400):
        name = chance.choice(names)
        work.clear()
        assert local.authenticate(name, "wrong") is None
        seen["known" if name in names[:20] else "unknown"][tuple(work)] += 1

    assert set(seen["known"]) == set(seen["unknown"]) == {((1, 8),)}
    assert min(seen["known"].total(), seen["unknown"].total()) > 150


def test_a_right_password_is_remembered_no_longer_than_it_is_right(house: AuthHouse) -> None:
    assert ask(house, "olga", GOOD).status not in (401, 403)
    hashed = house.app.house.hooks.plugins["auth.local"]._passwords.hash("another four unlikely words")
    ledger.change_account(house.app.store, "olga", secret=hashed)

    assert ask(house, "olga", GOOD).status == 401


def test_a_script_loses_a_role_at_once_and_so_it_does_when_its_account_is_closed(house: AuthHouse) -> None:
    assert ask(house, "olga", GOOD).status not in (401, 403)
    ledger.change_account(house.app.store, "olga", roles={"viewer"})
    assert ask(house, "olga", GOOD).status == 403
    ledger.change_person(house.app.store, "olga", roles={"operator"})
    assert ask(house, "olga", GOOD).status not in (401, 403)
    ledger.change_account(house.app.store, "olga", active=False)

    assert ask(house, "olga", GOOD).status == 403
    assert "is closed" in ask(house, "olga", GOOD).text


def test_the_bearer_of_a_token_loses_a_role_at_once(house: AuthHouse) -> None:
    local, tokens = (house.app.house.hooks.plugins[name] for name in ("auth.local", "auth.token"))
    made = tokens._tokens.make(local.authenticate("olga", GOOD), "operator", "", 1)
    bearer = {"Authorization": f"Bearer {made.text}", "Accept": "application/json"}
    assert house.visitor().get("/submitaction", headers=bearer).status not in (401, 403)
    ledger.change_account(house.app.store, "olga", roles={"viewer"})

    assert house.visitor().get("/submitaction", headers=bearer).status == 403
