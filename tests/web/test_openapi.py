"""The description of all addresses for programs is made from what handlers declare."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import pydantic
import pytest

from tests.web.test_frame_plugins import WithPages
from wwt_framework.plugin import Field, Page, Reply
from wwt_framework.web.parameters import Among, Day, Matching, Moment, Number, Parameter, parameters_for, signature_of
from wwt_framework.web.responses import Response
from wwt_framework.web.shapes import Schemas, Text, by_status
from wwt_framework.web.tools import page

ADDRESS = "/api/v1/openapi.json"


class Asked(pydantic.BaseModel):
    name: str


# -- shapes --


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (str, {"type": "string"}),
        ([int], {"type": "array", "items": {"type": "integer"}}),
        ({str: int}, {"type": "object", "additionalProperties": {"type": "integer"}}),
        ((str, None), {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (datetime | None, {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
        (Text, {"type": "string"}),
        (
            {"state": Literal["ok"]},
            {
                "type": "object", "required": ["state"], "additionalProperties": False,
                "properties": {"state": {"const": "ok", "type": "string"}},
            },
        ),
    ],
)  # fmt: skip
def test_a_shape_is_written_as_it_looks(shape: Any, schema: Any) -> None:
    assert Schemas().of(shape) == schema


def test_a_model_is_told_once_and_referred_to() -> None:
    schemas = Schemas()

    assert schemas.of([Asked])["items"] == {"$ref": "#/components/schemas/Asked"}
    assert schemas.named["Asked"]["required"] == ["name"]


def test_two_shapes_of_one_name_are_refused() -> None:
    other = pydantic.create_model("Asked", number=(int, ...))
    schemas = Schemas()
    schemas.of(Asked)

    with pytest.raises(ValueError, match="two shapes are called Asked"):
        schemas.of(other)


def test_an_answer_is_told_by_status_where_it_is_declared_so() -> None:
    assert by_status({200: str, 422: int}) == {200: str, 422: int}
    assert by_status({"name": str}) == {200: {"name": str}}


def test_a_handler_of_json_has_to_say_of_what_shape() -> None:
    with pytest.raises(ValueError, match="answers JSON: say with answers="):
        page(json=True)(lambda: None)

    with pytest.raises(ValueError, match="answers JSON: say with answers="):

        @page()
        def table(format: str = "") -> Response: ...  # noqa: A002


# -- parameters --


@pytest.mark.parametrize(
    ("kind", "good", "bad", "words"),
    [
        (Among(("json", "csv")), ["json", "csv"], ["", "xml", "JSON"], "n can be json or csv, not "),
        (Number("a number of lines", 1, 50), ["1", "50", "007"], ["0", "51", "", "x", "1.5", "\u0661", "9" * 400], "a number of lines"),
        (Number("any", -5, 5), ["-5", "5"], ["-6", "+1", "--1"], "n must be any, got "),
        (Matching("[a-z]+", "small letters"), ["abc", " abc "], ["", "A", "abc\nd"], "n must be small letters, got "),
        (Day(), ["2026-11-23", " 2026-11-23"], ["2026-13-01", "9999-12-31", "20261123", "\u0662026-11-23"], "a day such as"),
        (Moment(), ["2026-11-23", "2026-11-23T12:00", "2026-11-23T12:00+02:00"], ["", "now", "9999-12-31T23:59"], "expected a day like"),
    ],
)  # fmt: skip
def test_a_parameter_says_what_it_takes(kind: Any, good: list[str], bad: list[str], words: str) -> None:
    assert [kind.complaint("n", text) for text in good] == [""] * len(good)
    assert all(words in kind.complaint("n", text) for text in bad)


def test_the_default_is_always_taken_and_of_several_values_the_last_counts() -> None:
    def handler(days: Annotated[str, Among(("30", "90"))] = "", names: tuple[str, ...] = ()) -> None: ...

    assert parameters_for(handler, {"days": ""}) == {"days": ""}
    assert parameters_for(handler, {"days": ["7", "90"], "names": "a"}) == {"days": "90", "names": ("a",)}
    assert signature_of(handler)[0][0] == Parameter("days", "", (Among(("30", "90")),))


# -- the document --


def described(client: Any, **how: Any) -> Any:
    got = client.get(ADDRESS, **how)
    assert got.status == 200
    return got.json


def test_pages_of_plugins_are_described_like_those_of_the_core(installation: Any) -> None:
    asks = (
        Field("code", "code", "integer", minimum=1, maximum=9, required=True, help="an exit code"),
        Field("format", "format", "choice", ("json", "csv"), required=True),
    )

    def handler(visit: Any, user: Any, snapshot: Any) -> Reply:
        """What I know.

        And more.
        """
        return Reply(json=[{"name": "x"}])

    mine = Page("report", "Mine", handler, role="operator", asks=asks, answers=[{"name": str}])
    client = installation(plugins={"extras.mine": WithPages((mine,))})

    told = described(client)["paths"]["/p/extras.mine/report"]["get"]

    assert (told["summary"], told["x-role"], told["tags"]) == ("What I know", "operator", ["extras.mine"])
    assert told["description"] == "And more.\n\nNeeds the role operator."
    assert {} not in told["security"]
    assert told["parameters"] == [
        {"name": "code", "in": "query", "required": True, "description": "an exit code",
         "schema": {"type": "integer", "minimum": 1, "maximum": 9}},
        {"name": "format", "in": "query", "required": True, "schema": {"enum": ["json", "csv"]}},
    ]  # fmt: skip
    assert set(told["responses"]["200"]["content"]) == {"application/json", "text/csv"}
    assert told["responses"]["400"] == {"$ref": "#/components/responses/400"}


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("code=5", 200, ""),
        ("code=5&format=json", 200, ""),
        ("", 400, "The address lacks code: add ?code=... to it."),
        ("code=ten", 400, "code must be a whole number from 1 to 9, got 'ten'."),
        ("code=5&format=xml", 400, "format can be json, not 'xml'."),
    ],
)
def test_what_a_plugin_reads_of_the_address_is_checked_by_the_house(
    installation: Any, query: str, status: int, words: str
) -> None:
    asks = (
        Field("code", "code", "integer", minimum=1, maximum=9, required=True),
        Field("format", "format", "choice", ("json",), required=True),
    )
    mine = Page("report", "Mine", lambda visit, user, snapshot: Reply(json={}), asks=asks, answers={})
    client = installation(plugins={"extras.mine": WithPages((mine,))})

    got = client.get(f"/p/extras.mine/report?{query}", headers={"Accept": "*/*"})

    assert (got.status, got.json.get("error", "")) == (status, words)


def test_what_a_plugin_reads_of_the_address_of_a_post_is_no_form(installation: Any) -> None:
    asks = (Field("code", "code", "integer", minimum=1, maximum=9),)
    mine = Page(
        "report", "Mine", lambda visit, user, snapshot: Reply(json={}), methods=("POST",), asks=asks, accepts=Asked, answers={},
    )  # fmt: skip
    client = installation(plugins={"extras.mine": WithPages((mine,))})

    told = described(client)["paths"]["/p/extras.mine/report"]["post"]

    assert [(one["name"], one["in"]) for one in told["parameters"]] == [("code", "query")]
    assert told["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Asked"}


def test_a_plugin_whose_shape_is_none_costs_its_own_line_only(installation: Any, caplog: Any) -> None:
    broken = Page("broken", "Broken", lambda visit, user, snapshot: Reply(json=1), answers=object())
    fine = Page("fine", "Fine", lambda visit, user, snapshot: Reply(json=1), answers=int)
    client = installation(plugins={"extras.mine": WithPages((broken, fine))})

    paths = described(client)["paths"]

    assert "/p/extras.mine/fine" in paths
    assert "/p/extras.mine/broken" not in paths
    assert "can not be described" in caplog.text


def test_where_reading_is_closed_the_description_is_closed_and_says_so(installation: Any) -> None:
    client = installation(open_reading=False)

    told = described(client, user="vera")

    assert client.get(ADDRESS).status == 401
    assert {} not in told["paths"]["/getprepids"]["get"]["security"]
    assert told["paths"]["/health"]["get"]["security"] == []
    assert {} in told["paths"]["/sessions"]["get"]["security"]


def test_where_reading_is_open_anybody_reads_it(installation: Any) -> None:
    told = described(installation())

    assert {} in told["paths"]["/getprepids"]["get"]["security"]
    assert {} not in told["paths"]["/submit2"]["post"]["security"]


def test_a_page_that_is_a_script_s_by_get_is_not_for_sessions(installation: Any) -> None:
    told = described(installation())["paths"]["/resetcache"]["get"]

    assert told["security"] == [{"basic": []}, {"token": []}]


def test_people_read_the_same_list_as_a_page(installation: Any) -> None:
    client = installation()

    got = client.get("/help/api")
    paths = {(cell.text or "") for cell in got.dom().findall(".//tbody/tr/th/code")}

    assert paths == set(described(client)["paths"])
