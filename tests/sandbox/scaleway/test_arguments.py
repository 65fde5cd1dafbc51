from typing import Any

import pytest

from proxy.sandbox.scaleway.arguments import fill, position

STRING = {"type": "string"}
NUMBER = {"type": "number"}


def made(message: str, required: list[str] | None = None, **properties: Any) -> Any:
    names = list(properties) if required is None else required
    return fill({"type": "object", "properties": properties, "required": names}, message)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ('Look for "red bicycle" in the shed', "red bicycle"),
        ("Look for “red bicycle” in the shed", "red bicycle"),
        ("Cherche « vélo rouge » dans le garage", "vélo rouge"),
        ("Find 'red bicycle' please", "red bicycle"),
        ("What's the weather in Paris?", "Paris"),
        ("weather for New York and nothing else", "New York"),
        ("weather for St. Gallen. Thanks", "St"),
        ("Paris", "Paris"),
    ],
)
def test_a_string_is_quoted_text_or_a_phrase_or_the_message(message: str, text: str) -> None:
    assert made(message, city=STRING) == {"city": text}


def test_each_text_is_used_once_in_the_order_of_the_schema() -> None:
    message = 'Send "Hello" and "See you" to Ann'
    assert made(message, subject=STRING, body=STRING, to=STRING, cc=STRING) == {
        "subject": "Hello",
        "body": "See you",
        "to": "Ann",
        "cc": message,
    }


@pytest.mark.parametrize(
    ("schema", "message", "number"),
    [
        ({"type": "integer"}, "for 3 days", 3),
        ({"type": "integer"}, "for 2.6 days", 3),
        (NUMBER, "at -1.5 degrees", -1.5),
        (NUMBER, "at 4.0 degrees", 4),
        ({"type": "integer", "maximum": 7}, "for 9 days", 7),
        ({"type": "integer", "minimum": 2}, "for 1 day", 2),
        ({"type": "integer", "minimum": 2}, "for some days", 2),
        ({"type": "integer"}, "for some days", 0),
        ({"type": "integer"}, 'the file "2024 report"', 0),
        ({"type": "integer"}, "version v2 of B52", 0),
    ],
)
def test_a_number_is_the_next_one_within_the_bounds(
    schema: Any, message: str, number: float
) -> None:
    found = made(message, days=schema)["days"]
    assert found == number
    assert isinstance(found, int) == (number == int(number))


@pytest.mark.parametrize(
    ("message", "value"), [("Turn it on", True), ("Do not turn it on", False), ("Don't", False)]
)
def test_a_boolean_is_true_unless_denied(message: str, *, value: bool) -> None:
    assert made(message, on={"type": "boolean"}) == {"on": value}


@pytest.mark.parametrize(
    ("message", "unit"), [("in Fahrenheit please", "fahrenheit"), ("how warm?", "celsius")]
)
def test_an_enum_is_the_named_value_or_the_first(message: str, unit: str) -> None:
    assert made(message, unit={"enum": ["celsius", "fahrenheit"]}) == {"unit": unit}


def test_an_enum_of_nothing_is_null() -> None:
    assert made("x", unit={"enum": []}) == {"unit": None}


def test_an_array_takes_all_numbers_or_one_item() -> None:
    numbers = {"type": "array", "items": NUMBER}
    assert made("add 1, 2 and 3.5", values=numbers) == {"values": [1, 2, 3.5]}
    assert made("add them", values=numbers) == {"values": [0]}
    assert made('tag it "new"', tags={"type": "array", "items": STRING}) == {"tags": ["new"]}
    assert made('tag it "new"', tags={"type": "array"}) == {"tags": ["new"]}


def test_optional_properties_are_filled_in_after_the_required_where_there_is_something() -> None:
    schema = {
        "note": STRING,
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
        "verbose": {"type": "boolean"},
        "city": STRING,
    }
    assert made("weather in Paris", ["city"], **schema) == {"city": "Paris"}
    assert made('for 3 days in fahrenheit: "Paris" "hi"', ["city"], **schema) == {
        "city": "Paris",
        "note": "hi",
        "unit": "fahrenheit",
        "days": 3,
    }


def test_null_and_constants_are_what_they_are() -> None:
    assert made("x", a={"type": "null"}, b={"const": 5}) == {"a": None, "b": 5}


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": "null"}, STRING]},
        {"oneOf": [STRING, NUMBER]},
        {"allOf": [STRING]},
        {"type": ["null", "string"]},
        {"$ref": "#/$defs/City"},
        {},
        True,
    ],
)
def test_indirect_schemas_are_followed(schema: Any) -> None:
    root = {
        "type": "object",
        "properties": {"city": schema},
        "required": ["city"],
        "$defs": {"City": STRING},
    }
    assert fill(root, "weather in Paris") == {"city": "Paris"}


@pytest.mark.parametrize("kind", [["null"], "null"])
def test_only_null_is_null(kind: Any) -> None:
    assert made("x", a={"type": kind}, b={"anyOf": [{"type": "null"}]}) == {"a": None, "b": None}


def test_a_reference_to_nowhere_says_nothing() -> None:
    assert made("hello", a={"$ref": "#/$defs/Gone/Further"}) == {"a": "hello"}


@pytest.mark.parametrize("wrong", [None, True, 1, "x", [], [1], {}, {"": None}], ids=repr)
@pytest.mark.parametrize("keyword", ["$ref", "anyOf", "enum", "minimum", "maximum"])
def test_a_keyword_of_a_wrong_type_says_nothing(keyword: str, wrong: Any) -> None:
    kind = "number" if keyword.endswith("imum") else "string"
    filled = made("hello", a={"type": kind, keyword: wrong}, b=STRING)
    assert filled["b"] == "hello"


@pytest.mark.parametrize("wrong", [None, 1, "city", ["city"]], ids=repr)
def test_an_object_whose_properties_are_none_is_empty(wrong: Any) -> None:
    assert fill({"type": "object", "properties": wrong}, "hello") == {}
    broken = {"type": "object", "properties": {"a": STRING}, "required": wrong}
    assert fill(broken, "hello") == {}


def test_a_schema_that_contains_itself_ends_somewhere() -> None:
    node = {
        "type": "object",
        "properties": {
            "child": {"$ref": "#/$defs/Node"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        },
        "required": ["child", "children"],
    }
    filled = fill({"$ref": "#/$defs/Node", "$defs": {"Node": node}}, "x")
    assert set(filled) == {"child", "children"}
    assert len(filled["children"]) == 1


def test_a_reference_in_a_circle_ends_too() -> None:
    assert fill({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "x") == "x"


def test_an_object_is_known_by_its_properties_alone() -> None:
    assert fill({"properties": {"a": STRING}, "required": ["a"]}, "x") == {"a": "x"}


def test_an_empty_schema_gets_an_empty_object() -> None:
    assert fill({}, "anything") == {}


def test_verbatim_puts_the_whole_message_into_strings() -> None:
    schema = {"type": "object", "properties": {"answer": STRING}, "required": ["answer"]}
    assert fill(schema, 'It is "blue" [1].', verbatim=True) == {"answer": 'It is "blue" [1].'}


@pytest.mark.parametrize(
    ("message", "place"),
    [("use Get_Time now", 4), ("use get_times", None), ("forget_time", None), ("get_time", 0)],
)
def test_a_name_is_found_as_a_word_of_its_own(message: str, place: int | None) -> None:
    assert position(message, "get_time") == place
