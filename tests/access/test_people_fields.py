from __future__ import annotations

import tomllib
from typing import Any

import pytest

from proxy.access.clients import PeopleHeaders
from proxy.access.key_file import client_of
from proxy.access.key_records import records_of
from proxy.access.people_fields import header_name, people_of
from proxy.errors import SettingsError
from tests.access.key_samples import table


@pytest.mark.parametrize(
    ("lines", "people"),
    [
        ("", None),
        ('trust_user_header = "X-User"', PeopleHeaders("X-User")),
        (
            'trust_user_header = "X-User"\ntrust_groups_header = "X-Groups"',
            PeopleHeaders("X-User", groups="X-Groups"),
        ),
        (
            'signed_user_header = "X-Jwt"\nsigned_user_secret_env = "SECRET"',
            PeopleHeaders("X-Jwt", "SECRET"),
        ),
        (
            """
            signed_user_header = "X-Jwt"
            signed_user_secret_env = "SECRET"
            trust_groups_header = "X-Groups"
            """,
            PeopleHeaders("X-Jwt", "SECRET", "X-Groups"),
        ),
    ],
)
def test_a_key_stands_for_people_whom_its_headers_name(
    lines: str, people: PeopleHeaders | None
) -> None:
    (record,) = records_of(tomllib.loads(table(more=lines)))
    assert record.people == people
    assert client_of(record).people == people


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (
            {
                "signed_user_header": "X-Jwt",
                "signed_user_secret_env": "S",
                "trust_user_header": "X",
            },
            "trust_user_header: signed_user_header names the user already",
        ),
        ({"signed_user_header": "X-Jwt"}, "signed_user_secret_env: is missing"),
        ({"signed_user_secret_env": "S"}, "signed_user_header: is missing"),
        ({"trust_groups_header": "X-G"}, "trust_groups_header: needs signed_user_header or"),
        (
            {"trust_user_header": "X-User", "trust_groups_header": "x-user"},
            "trust_groups_header: must be another header",
        ),
    ],
)
def test_fields_that_do_not_go_together_are_refused(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}"):
        people_of(values)


@pytest.mark.parametrize("name", ["X-OpenWebUI-User-Jwt", "X-Forwarded-Email", "remote_user", "x"])
def test_a_header_may_be_any_that_says_nothing_else(name: str) -> None:
    assert header_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "cookie", "HOST", "Content-Type", "content-length"),
        *("X-LightOn-Workspace-Id", "x-request-id", "Transfer-Encoding", "Origin"),
        *("X-Forwarded-For", "forwarded", "X-Real-IP", "User-Agent"),
    ],
)
def test_a_header_that_says_something_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="already says something else"):
        header_name(name)


@pytest.mark.parametrize("name", ["", " X", "X User", "X:", "X-Ü", "a" * 101, 3, None, ["X"]])
def test_what_is_no_name_of_a_header_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="must be the name of a header"):
        header_name(name)


def test_a_fault_of_a_file_names_the_key() -> None:
    with pytest.raises(SettingsError) as caught:
        records_of(tomllib.loads(table(more='trust_groups_header = "X-G"')))
    assert caught.value.problems[0].startswith("keys.acme.trust_groups_header: needs ")
