"""Every address for programs, as its own description has it: schemathesis makes requests of every kind, good and bad."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from tests.attack.besieged import ADMIN, FINE, FINE_PREP, MACHINE, OPERATOR, PASSWORD, besieged, workflows
from tests.attack.parameters import PLAUSIBLE, Visitors, addresses
from tests.test_docs import tool
from tests.web.test_lab_pages import keep as keep_lab_result
from wwt_framework.store import ledger
from wwt_framework.web import wsgi

DESCRIPTION = "/api/v1/openapi.json"
EXECUTORS = "/api/v1/executor/openapi.json"
#: What no schema can say of good requests: 400 is right for most of what is good by its parts.
PICKY = {
    "/passkeys/add": "a browser has begun it, and a device has signed",
    "/passkeys/options": "the account is one of this installation",
    "/listpage": "two of three parameters have to be given",
    "/file_exists": "one file of the grid has a name of its own form",
}
#: What is not there: what is asked for with it is refused, whatever it is.
REFUSED = {
    "POST /api/v1/executor/answer": "an action that is claimed", "GET /file_exists": "the program xrdfs",
    "POST /passkeys/add": "a device that signs", "POST /passkeys/enter": "a device that signs",
    "POST /passkeys/options": "an account of this installation behind basic", "POST /sitesfortasks": "a draft that waits",
}  # fmt: skip
#: What opens the way to the code behind the first check, beside what nobody else in these tests can act on.
SENSE: dict[str, Any] = {
    **PLAUSIBLE, "workflow": FINE, "prepid": FINE_PREP, "workflows": [FINE], "action": "clone", "by": "clustering.harm",
    "documents": [{"workflow": FINE, "parameters": {"Action": "clone"}}],
}  # fmt: skip
#: What a well-formed request gets whose content makes no sense here: an unknown workflow or site, an empty form.
_WELL_FORMED = ["2xx", "401", "403", "404", "409", "422", "429", "5xx"]
#: The client unpacks nothing.
_PLAIN = {"Accept-Encoding": "identity"}
#: The house says 503 where a plugin's provider or a program is not there.
_AWAY = ["2xx", "4xx", "501", "502", "503"]


def closed(pages: Any) -> Any:
    """*pages*, whose answers are closed as a server closes them; the client of schemathesis leaves them open."""

    def answer(environ: Any, start_response: Any) -> Any:
        found = pages(environ, start_response)
        try:
            return [b"".join(found)]
        finally:
            found.close()

    return answer


def for_people(case: Any) -> bool:
    """Whether *case* asks for a page, not for JSON: its ``format`` is not there."""
    asks = {one["name"] for one in case.operation.definition.raw.get("parameters", ()) if one["required"]}
    return "format" in asks and not (case.query or {}).get("format")


class Api:
    """An installation under attack, and what it says of itself."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.pages = closed(wsgi.build(app))
        self.asked: Counter[str] = Counter()
        self.answered: defaultdict[str, set[int]] = defaultdict(set)
        config = SchemathesisConfig.from_dict(
            {
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": _WELL_FORMED},
                    "not_a_server_error": {"expected-statuses": _AWAY},
                }
            }
        )
        self.schema = schemathesis.openapi.from_wsgi(DESCRIPTION, self.pages, config=config)
        # What operators ask for has to be something that an executor carries out.
        ledger.heard(app.store, "fine", "", {"kinds": {"clone": {}}, "version": "1"})
        keep_lab_result(app)
        self.known: dict[str, list[str]] = {
            "/actions/{id}": [action.id for action in ledger.actions_on(app.store, workflows()[0])],
            "/lab/{id}": [one.id for one in ledger.lab_results(app.store, limit=3)],
        }

    def operations(self) -> list[Any]:
        return [found.ok() for found in self.schema.get_all_operations()]

    def attack(self, operation: Any, visitor: str, mode: Any, examples: int) -> None:
        """Ask *operation* so many times, and compare every answer with what is described."""
        excluded = [schemathesis.checks.positive_data_acceptance] if operation.path in PICKY else []
        is_good = mode is schemathesis.GenerationMode.POSITIVE

        @hypothesis.seed(7191)
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        def ask(case: Any, data: Any) -> None:
            if is_good and data.draw(st.booleans()):
                self.make_sense(case)
            if is_good and case.query:  # 90.0 is an integer to JSON Schema, but nobody writes one so in an address
                case.query = {name: int(v) if isinstance(v, float) else v for name, v in case.query.items()}
            hypothesis.assume(not for_people(case))
            self.asked[operation.label] += 1
            auth = (visitor, PASSWORD) if visitor else None
            sent = {"auth": auth, "headers": _PLAIN}
            response = case.call(**sent)
            self.answered[operation.label].add(response.status_code)
            try:
                case.validate_response(response, headers=_PLAIN, excluded_checks=excluded, transport_kwargs=sent)
            except FailureGroup as failures:
                found = "; ".join(" ".join(str(one).split()) for one in failures.exceptions)
                raise AssertionError(
                    f"{found}\n{case.as_curl_command()}\n{response.status_code} {response.text[:300]}"
                ) from None

        ask()

    def make_sense(self, case: Any) -> None:
        """Name what is there, so that the code behind the first check is reached."""
        path, case.cookies = case.operation.path, {}
        case.query |= {name: SENSE[name] for name in case.query or {} if name in SENSE}
        if path == "/listpage":
            case.query = {"errorcode": "8028", "workflow": FINE, "format": "json"}
        if isinstance(case.body, dict) and SENSE.keys() & case.body.keys():
            case.body = {**case.body, **{name: SENSE[name] for name in case.body if name in SENSE}}
        if case.path_parameters and self.known.get(path):
            case.path_parameters["id"] = self.known[path][0]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    app = besieged(tmp_path_factory.mktemp("besieged"))
    yield Api(app)
    app.close()


def wrong_with(api: Api, visitor: str, mode: Any, examples: int) -> list[str]:
    """What answers were not as described, an operation each. An admin leaves to executors what is theirs."""
    wrong = []
    for operation in api.operations():
        who = MACHINE if visitor == ADMIN and operation.path.startswith("/api/v1/executor") else visitor
        try:
            api.attack(operation, who, mode, examples)
        except hypothesis.errors.Unsatisfiable:
            continue  # it reads nothing, so nothing that it is sent can be bad
        except AssertionError as error:
            wrong.append(f"{operation.label}: {error}"[:1500])
    return wrong


GOOD, BAD = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
MODES = pytest.mark.parametrize("mode", [GOOD, BAD], ids=["good", "bad"])
#: Everybody: who may do all, who may do some, who may do nothing.
VISITORS = (ADMIN, OPERATOR, MACHINE, "")


@pytest.mark.filterwarnings("ignore")
@MODES
def test_the_api_keeps_to_its_description_whatever_it_is_sent(api: Api, mode: Any) -> None:
    assert wrong_with(api, ADMIN, mode, 6) == []
    if mode is GOOD:
        assert {label for label, statuses in api.answered.items() if 200 not in statuses} <= set(REFUSED)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("visitor", VISITORS[1:], ids=["operator", "machine", "nobody"])
def test_the_api_keeps_to_its_description_whoever_asks(api: Api, visitor: str) -> None:
    assert wrong_with(api, visitor, GOOD, 2) == []


@pytest.mark.drill
@pytest.mark.filterwarnings("ignore")
@MODES
@pytest.mark.parametrize("visitor", VISITORS, ids=["admin", "operator", "machine", "nobody"])
def test_the_api_keeps_to_its_description_whatever_anybody_sends(api: Api, visitor: str, mode: Any) -> None:
    assert wrong_with(api, visitor, mode, 60) == []


# -- the description itself --


def test_the_description_is_valid_openapi(api: Api) -> None:
    api.schema.validate()


def described(api: Api) -> dict[tuple[str, str], Any]:
    """Address and method as the table of roles has them -> what is said of them."""
    return {
        (path.replace("/{id}", "/*"), method.upper()): one
        for path, methods in api.schema.raw_schema["paths"].items()
        for method, one in methods.items()
    }


def test_every_operation_has_the_role_that_its_address_declares(api: Api) -> None:
    declared = {(row.path, row.method): row.role for row in tool("roles").addresses(api.app)}
    told = {key: one["x-role"] for key, one in described(api).items()}

    assert {key: declared.get(key) for key in told} == told


def test_every_address_that_answers_json_is_described(api: Api) -> None:
    """Asked as programs ask, in words that make sense and with nothing at all."""
    visitors = Visitors(api.app)
    told = described(api)
    lacking = set()
    for address in addresses(visitors):
        rest = (api.known.get(address.path.replace("*", "{id}")) or ["x"])[0]
        sensible = {name: PLAUSIBLE[name] for name in address.names if name in PLAUSIBLE}
        for values in ({}, {"format": "json"}, sensible, {**sensible, "format": "json"}):
            got = address.ask(visitors, values, rest)
            is_json = got.header("Content-Type").startswith("application/json")
            if is_json and got.status < 300 and (address.path, address.method) not in told:
                lacking.add((address.path, address.method))
        visitors.stay()

    assert lacking == set()
    assert len(told) >= 65


def test_executors_keep_their_own_description(api: Api) -> None:
    whole = api.schema.raw_schema["paths"]
    own = schemathesis.openapi.from_wsgi(EXECUTORS, api.pages).raw_schema["paths"]

    assert set(own) == {path for path in whole if path.startswith("/api/v1/executor/") and path != EXECUTORS}
    assert {path: one["post"]["requestBody"] for path, one in own.items()} == {
        path: whole[path]["post"]["requestBody"] for path in own
    }
