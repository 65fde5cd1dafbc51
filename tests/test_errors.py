import inspect
import re
from collections.abc import Iterator

import pytest

from proxy import errors
from proxy.errors import (
    AnswerTimeout,
    BadCredentials,
    BadReply,
    BadRequest,
    EmptyScope,
    IdentityUnavailable,
    InternalError,
    LimitExceeded,
    ModelNotFound,
    NoAccess,
    NoPerson,
    OutOfReach,
    Overloaded,
    PayloadTooLarge,
    ProxyError,
    QueueFull,
    QueueTimeout,
    RateLimited,
    RequestTimeout,
    RetrievalNotAllowed,
    SearchKeyMissing,
    TooBusy,
    Unauthorized,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ProxyError)
]
OPERATORS_FAULTS = (BadCredentials, OutOfReach, SearchKeyMissing)
_WAITED_FOR = (LimitExceeded, QueueFull, QueueTimeout, RateLimited, RequestTimeout)
LINE = re.compile(r"^ {4}(?P<indent>[│ ├└─]*)(?P<name>\w+)(?: +(?P<status>\d{3}))?", re.MULTILINE)


def drawn() -> Iterator[tuple[str, str | None, int | None]]:
    """Name, parent and status of each error in the tree of the module's docstring."""
    path: list[str] = []
    for match in LINE.finditer(inspect.getdoc(errors) or ""):
        depth = len(match["indent"]) // 4
        path[depth:] = [match["name"]]
        status = int(match["status"]) if match["status"] else None
        yield match["name"], path[depth - 1] if depth else None, status


def make(kind: type[ProxyError], message: str = "No.") -> ProxyError:
    return kind("LightOn", message) if issubclass(kind, UpstreamError) else kind(message)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    tree = list(drawn())
    assert {name for name, _, _ in tree} == {kind.__name__ for kind in KINDS}
    for name, parent, status in tree:
        kind = getattr(errors, name)
        assert parent is None or kind.__bases__ == (getattr(errors, parent),)
        assert status is None or kind.status == status


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_all_four_keys_of_openais_format(kind: type[ProxyError]) -> None:
    error = make(kind)
    assert error.body() == {
        "error": {"message": "No.", "type": kind.type, "param": None, "code": kind.code}
    }
    assert str(error) == "No."


@pytest.mark.parametrize(
    ("kind", "status", "type_", "code"),
    [
        (BadRequest, 400, "invalid_request_error", None),
        (Unauthorized, 401, "invalid_request_error", "invalid_api_key"),
        (NoPerson, 401, "invalid_request_error", "no_person"),
        (NoAccess, 403, "invalid_request_error", "no_access"),
        (IdentityUnavailable, 503, "server_error", "identity_unavailable"),
        (EmptyScope, 403, "invalid_request_error", "empty_scope"),
        (RetrievalNotAllowed, 403, "invalid_request_error", "retrieval_not_allowed"),
        (ModelNotFound, 404, "invalid_request_error", "model_not_found"),
        (PayloadTooLarge, 413, "invalid_request_error", "request_too_large"),
        (AnswerTimeout, 504, "server_error", "answer_timeout"),
        (TooBusy, 503, "server_error", "overloaded"),
        (InternalError, 500, "server_error", "internal_error"),
        (SearchKeyMissing, 503, "server_error", "search_key_missing"),
        (UpstreamRejected, 400, "invalid_request_error", "upstream_rejected"),
        (RateLimited, 429, "rate_limit_error", "rate_limit_exceeded"),
        (BadCredentials, 502, "upstream_error", "upstream_credentials"),
        (Unreachable, 502, "upstream_error", "upstream_unreachable"),
        (BadReply, 502, "upstream_error", "upstream_bad_reply"),
        (Overloaded, 503, "upstream_error", "upstream_unavailable"),
        (UpstreamTimeout, 504, "upstream_error", "upstream_timeout"),
    ],
)
def test_clients_can_tell_errors_apart(
    kind: type[ProxyError], status: int, type_: str, code: str | None
) -> None:
    assert (kind.status, kind.type, kind.code) == (status, type_, code)


def test_codes_are_not_shared_but_for_that_of_rates() -> None:
    """SDKs know the code of rates. Whose the limit is makes no difference to them."""
    assert LimitExceeded.code == RateLimited.code
    codes = [kind.code for kind in KINDS if kind.code is not None and kind is not RateLimited]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_client_or_operator_must_change_first_is_not_tried_again(
    kind: type[ProxyError],
) -> None:
    is_clients_fault = 400 <= kind.status < 500 and kind not in _WAITED_FOR
    is_lasting = is_clients_fault or kind in OPERATORS_FAULTS or kind is AnswerTimeout
    assert kind.retryable is not is_lasting


def test_a_name_that_a_client_may_not_use_is_refused_in_the_same_words_as_one_that_is_nowhere() -> (
    None
):
    error = ModelNotFound.of("hr")
    assert error.message == "The model 'hr' does not exist. GET /v1/models lists those that do."
    assert error.param == "model"


def test_an_error_names_a_field_and_a_time_to_wait() -> None:
    error = BadRequest("No.", param="n", retry_after_s=1.5)
    assert error.body()["error"]["param"] == "n"
    assert error.retry_after_s == 1.5


def test_an_upstreams_error_says_which_upstream() -> None:
    error = RateLimited("Scaleway", "Too many.", param="p", retry_after_s=5)
    assert (error.upstream, error.message, error.param) == ("Scaleway", "Too many.", "p")
    assert error.retry_after_s == 5


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_can_be_raised_again_without_what_the_first_one_passed_through(
    kind: type[ProxyError],
) -> None:
    first = make(kind)
    first.param = "model"
    with pytest.raises(kind):
        raise first
    again = first.again()
    assert type(again) is kind
    assert (vars(again), str(again)) == (vars(first), str(first))
    assert again.__traceback__ is None


@pytest.mark.parametrize(
    ("problems", "sentence"),
    [
        (("port: must be a number", "host: is empty"), "port: must be a number; host: is empty."),
        (("budget: did you mean budget_s?",), "budget: did you mean budget_s?"),
    ],
)
def test_problems_of_settings_are_one_sentence_for_the_log(
    problems: tuple[str, ...], sentence: str
) -> None:
    assert errors.SettingsError(*problems).sentence == sentence
