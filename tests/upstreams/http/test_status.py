from __future__ import annotations

import logging

import pytest

from proxy.errors import (
    BadCredentials,
    Overloaded,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.http.status import Vendor

KEY = "upstream-secret"
VENDOR = Vendor("Upstream", "UPSTREAM_KEY and its permissions", 5, KEY)


@pytest.mark.parametrize(
    ("status", "expected", "told"),
    [
        (400, UpstreamRejected, 400),
        (413, UpstreamRejected, 400),
        (416, UpstreamRejected, 400),
        (422, UpstreamRejected, 400),
        (401, BadCredentials, 502),
        (403, BadCredentials, 502),
        (429, RateLimited, 429),
        (500, UpstreamError, 502),
        (502, UpstreamError, 502),
        (503, Overloaded, 503),
        (504, UpstreamTimeout, 504),
        (302, UpstreamError, 502),
        (404, UpstreamError, 502),
        (599, UpstreamError, 502),
    ],
)
def test_a_status_becomes_an_error_with_a_status_of_its_own(
    status: int, expected: type[UpstreamError], told: int
) -> None:
    error = VENDOR.error(status, "")
    assert type(error) is expected
    assert error.status == told
    assert error.upstream == "Upstream"
    assert "Upstream" in error.message


def test_a_407_is_told_of_a_proxy_and_not_of_the_upstream() -> None:
    error = VENDOR.error(407, "Proxy Authentication Required", headers={"location": "/login"})
    assert type(error) is Unreachable
    assert (error.cause, error.said) == ("proxy_credentials", "HTTP 407")
    assert error.message == (
        "A proxy on the way to Upstream wants credentials. Tell the operator of the proxy."
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "Upstream refused the request"),
        (404, "Upstream failed with HTTP 404"),
        (418, "Upstream failed with HTTP 418"),
        (422, "Upstream refused the request"),
        (429, "Upstream's quota is used up"),
        (500, "Upstream failed with HTTP 500"),
        (503, "Upstream is unavailable at the moment"),
        (504, "Upstream timed out"),
    ],
)
def test_the_client_is_told_what_the_upstream_says(status: int, told: str) -> None:
    assert VENDOR.error(status, "Not now").message == f"{told}: Not now"
    assert VENDOR.error(status, "").message == f"{told}."


def test_the_field_at_fault_is_named() -> None:
    assert VENDOR.error(422, "too high", param="max_tokens").param == "max_tokens"


# Credentials


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_the_operators_to_mend(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = VENDOR.error(status, f"no project for {KEY}")
    assert error.message == (
        "Upstream rejected the proxy's own credentials. "
        "The operator of the proxy must check UPSTREAM_KEY and its permissions."
    )
    assert not error.retryable
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        f"Upstream rejects the proxy's key (HTTP {status}): no project for [key] "
        "Check UPSTREAM_KEY and its permissions."
    )


def test_an_upstream_cannot_write_log_lines_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    VENDOR.error(403, "no\r\nINFO all is well\u2028")
    [record] = caplog.records
    assert r": no\r\nINFO all is well\u2028 Check" in record.getMessage()


def test_only_rejected_credentials_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    for status in (400, 404, 422, 429, 500, 503, 504):
        VENDOR.error(status, "no")
    assert caplog.records == []


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 504])
def test_the_key_is_never_repeated_to_the_client(status: int) -> None:
    error = VENDOR.error(status, f"{KEY} is wrong, {KEY}!")
    assert error.message.endswith(": [key] is wrong, [key]!")


def test_a_short_key_is_a_key_all_the_same() -> None:
    assert (
        Vendor("Upstream", "UPSTREAM_KEY", 5, "abcd")
        .error(400, "abcd?")
        .message.endswith(": [key]?")
    )


@pytest.mark.parametrize("key", ["", "bro"])
def test_without_a_key_worth_the_name_messages_stay_as_they_are(key: str) -> None:
    keyless = Vendor("Upstream", "UPSTREAM_KEY", 5, key)
    assert keyless.error(400, "broken").message == "Upstream refused the request: broken"


def test_the_key_is_hidden_when_a_vendor_is_printed() -> None:
    assert KEY not in repr(VENDOR)


# What may be sent again, and when


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(("said", "expected"), [("17", 17), ("0", 0), ("1.5", 1.5), ("90", 60)])
def test_the_upstreams_own_retry_after_is_passed_on_within_bounds(
    status: int, said: str, expected: float
) -> None:
    error = VENDOR.error(status, "slow down", headers={"retry-after": said})
    assert error.retry_after_s == expected
    assert error.told_wait_s == float(said)


def test_the_longest_wait_that_is_passed_on_is_the_operators_choice() -> None:
    vendor = Vendor("Upstream", "UPSTREAM_KEY", 5, KEY, 20)
    assert vendor.error(429, "", headers={"retry-after": "30"}).retry_after_s == 20


def test_a_date_is_a_wait_from_the_time_of_day_on() -> None:
    vendor = Vendor("Upstream", "UPSTREAM_KEY", 5, KEY, clock=lambda: 1_792_584_000)
    said = {"retry-after": "Wed, 21 Oct 2026 12:00:09 GMT"}
    assert vendor.error(429, "", headers=said).retry_after_s == 9


@pytest.mark.parametrize("headers", [None, {}, {"retry-after": "soon"}, {"retry-after": "inf"}])
@pytest.mark.parametrize("status", [429, 503])
def test_what_passes_without_a_wait_has_that_of_the_setting_for_clients_alone(
    headers: dict[str, str] | None, status: int
) -> None:
    error = VENDOR.error(status, "slow down", headers=headers)
    assert (error.retry_after_s, error.told_wait_s) == (5, None)
    assert VENDOR.error(502, "slow down", headers=headers).retry_after_s is None


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_request_that_was_wrong_says_nothing_of_waits(status: int) -> None:
    error = VENDOR.error(status, "no", headers={"retry-after": "17"})
    assert (error.retry_after_s, error.told_wait_s, error.is_refused) == (None, None, False)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_an_upstream_that_says_it_cannot_has_done_nothing(status: int) -> None:
    error = VENDOR.error(status, "no")
    assert error.is_refused
    assert error.told_status == status


def test_the_operator_is_told_the_status_and_the_upstreams_words_in_one_short_line() -> None:
    error = VENDOR.error(429, f"Too\n many {KEY} requests. " + "x" * 1000)
    assert error.cause == "status_429"
    assert error.said.startswith("Too many [key] requests. xxx")
    assert len(error.said) == 200


def test_what_a_client_may_not_know_of_a_rejected_key_is_told_to_the_operator() -> None:
    error = VENDOR.error(401, "token of project x is revoked")
    assert (error.cause, error.said) == ("status_401", "token of project x is revoked")
    assert "project x" not in error.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://new.test/v1/search", "https://new.test/v1/search"),
        ("https://user:password@new.test:8443/v1?token=1#x", "https://new.test:8443/v1"),
        ("/login?next=/v1", "/login"),
        (f"https://new.test/{KEY}", "https://new.test/[key]"),
        ("https://[new.test/", "an address that cannot be read"),
    ],
)
def test_a_redirect_is_told_with_its_target_and_the_setting_to_change(
    status: int, location: str, told: str
) -> None:
    error = VENDOR.error(status, "", headers={"location": location})
    assert f"Upstream redirects to {told}. " in error.message
    assert not error.retryable  # somebody must change the setting first
    assert "upstream_base_url" in error.message
    assert error.cause == f"status_{status}"


@pytest.mark.parametrize(
    ("status", "is_refused"), [(400, False), (403, False), (429, True), (500, True), (503, True)]
)
def test_a_whole_reply_says_whether_the_upstream_did_nothing(
    status: int,
    is_refused: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    assert VENDOR.error(status, "", headers={}).is_refused is is_refused
