from typing import Any

import pytest

from proxy.errors import SettingsError
from proxy.settings.messages import fault, misspelt, unknown, unquoted


def test_the_text_of_the_error_is_its_problems_line_by_line() -> None:
    error = SettingsError("one", "two")
    assert (str(error), error.problems) == ("one\ntwo", ("one", "two"))


def test_a_key_can_neither_add_a_line_nor_write_to_the_terminal() -> None:
    error = SettingsError("a\nINFO proxy: \x1b[31mé\u202e: no such setting", "two")
    assert str(error) == "a?INFO proxy: ?[31mé?: no such setting\ntwo"
    assert len(error.problems) == 2


def test_the_nearest_name_is_said_as_it_is_really_called() -> None:
    assert unknown("prot", {"port": "PORT"}) == "no such setting; did you mean PORT?"


def test_without_a_near_name_none_is_said() -> None:
    assert unknown("zzz", {"port": "PORT"}) == "no such setting"


@pytest.mark.parametrize(
    ("name", "known", "now"),
    [
        ("model_timeout_s", "round_idle_s", "round_idle_s"),
        ("MODEL_TIMEOUT_S", "ROUND_IDLE_S", "RAG_PROXY_ROUND_IDLE_S"),
    ],
)
def test_a_setting_that_has_another_name_now_is_told_it(name: str, known: str, now: str) -> None:
    names = {known: now, "search_timeout_s": "X", "CONNECT_TIMEOUT_S": "Y"}
    assert unknown(name, names) == f"no such setting any more; use {now}"


@pytest.mark.parametrize("name", ["log_levels_all", "log_"])
def test_a_name_that_goes_on_or_stops_short_is_near(name: str) -> None:
    assert unknown(name, {"log_level": "L", "port": "P"}).endswith("did you mean L?")


@pytest.mark.parametrize("name", ["model", "log", "hosting", "support"])
def test_a_guess_that_may_well_be_wrong_is_not_made(name: str) -> None:
    known = ("model_retries", "models_ttl_s", "log_level", "passage_chars", "port")
    assert unknown(name, {each: each for each in known}) == "no such setting"


def test_a_table_in_a_profile_is_a_name_that_lacks_quotes() -> None:
    assert unquoted("a.b").endswith('needs quotes: [profiles."a.b"]')


KEYS = ("SCALEWAY_API_KEY", "SCW_SECRET_KEY")


@pytest.mark.parametrize(
    "name", ["SCALEWAY_APIKEY", "SCALEWAY_API_KY", "scaleway_api_key", "SCW_SECRETKEY"]
)
def test_a_misspelt_variable_is_found(name: str) -> None:
    assert misspelt(KEYS, ["PATH", name]) == name


@pytest.mark.parametrize(
    "name", ["SCALEWAY_API_KEY", "AWS_SECRET_KEY", "SCW_ACCESS_KEY", "OPENAI_API_KEY"]
)
def test_another_variable_is_no_misspelling(name: str) -> None:
    assert misspelt(KEYS, [name]) is None


def details(kind: str, **context: Any) -> Any:
    return {
        "type": kind,
        "loc": ("x",),
        "msg": "Input Should Be Well",
        "input": "?",
        "ctx": context,
    }


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (details("int_parsing"), "must be a whole number"),
        (details("less_than_equal", le=1.0), "must be at most 1"),
        (details("string_too_long", max_length=3), "must have at most 3 characters"),
        (details("value_error", error=ValueError("must rhyme")), "must rhyme"),
        (details("something_new"), "input should be well"),
    ],
)
def test_a_fault_is_said_in_plain_words(error: Any, text: str) -> None:
    assert fault(error) == text


def test_a_fault_inside_a_list_counts_from_one() -> None:
    assert fault(details("int_type") | {"loc": ("x", 0)}) == "item 1 must be a whole number"
