"""Everything that can go wrong with a request, as one tree.

    ProxyError
    ├── BadRequest            400  the client's request is at fault; `param` names the field
    ├── Unauthorized          401  the client's key or token is missing, unknown or expired
    │   └── NoPerson          401  the client's key stands for people, and nobody is named
    ├── Forbidden             403  the request asks for too much, or comes from another machine
    │   ├── NoAccess          403  no rule opens anything for the person who asks
    │   ├── EmptyScope        403  nothing is left after narrowing; never an unscoped search
    │   └── RetrievalNotAllowed 403  the client's key has other retrieval modes
    ├── NotFound              404  no such route, or no such response
    │   └── PreviousNotFound  404  the response to go on from is not stored, or no longer
    ├── ModelNotFound         404  neither a profile nor a model that this client may use
    ├── MethodNotAllowed      405
    ├── RequestTimeout        408  the client stopped in the middle of its request
    ├── PayloadTooLarge       413
    ├── UnsupportedMedia      415  the client encoded the body, for example compressed it
    ├── HeadTooLarge          431  the request line and headers are more than any client needs
    ├── LimitExceeded         429  the client has used what its key, or all clients, may use now
    │   ├── QuotaExceeded     429  … in a day or a month
    │   └── RequestTooCostly  429  … in a minute, by this request alone
    ├── QueueFull             429  too many requests wait for the model already
    ├── QueueTimeout          429  the model was busy for as long as a request may wait for it
    ├── TooManyWrongKeys      429  one address or name keeps trying what the proxy does not know
    ├── InternalError         500  a bug in the proxy itself
    ├── SearchKeyMissing      503  the client's key searches with a key that is not set
    ├── IdentityUnavailable   503  nobody can tell now whether a token is right
    ├── LimitsUnavailable     503  nobody can tell now how much of a limit is used
    ├── StoreUnavailable      503  what is stored cannot be read or deleted now
    ├── ShuttingDown          503  the proxy stops before it finishes the answer
    ├── TooBusy               503  running requests hold as much memory as they may
    ├── AnswerTimeout         504  the time for all of an answer is over
    └── UpstreamError         502  LightOn or Scaleway
        ├── UpstreamRejected  400  the upstream rejects the request
        ├── RateLimited       429  the upstream has no quota left
        ├── BadCredentials    502  the upstream rejects the proxy's own key
        ├── OutOfReach        502  the proxy's key may read nothing within the scope
        ├── Unreachable       502  no connection, or it broke
        ├── BadReply          502  a reply that breaks the protocol, or holds no answer
        ├── Overloaded        503  the upstream says it is unavailable
        │   └── CircuitOpen   503  it kept failing, so the proxy does not ask it now
        └── UpstreamTimeout   504

Code raises an error where it notices it; `proxy.surfaces.replies` renders it once. The client's
user reads the message: it says what to do next and holds no secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self


class ProxyError(Exception):
    """An error with a place in OpenAI's error format: status, type, code and param."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None
    retryable: bool = True
    """Whether the client may send the same request again. False tells SDKs not to do so.

    It is False of a kind of error that no retry mends, and of one error that outlasted the proxy's
    own retries: else those of proxy and SDK would multiply.
    """
    has_outlasted: bool = False
    """Whether only the proxy's own retries made it not `retryable`: later it may pass."""

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    @property
    def word(self) -> str:
        """The error in a word, for operators. For an upstream's, that is its cause."""
        return self.code or self.type

    def outlast(self) -> None:
        """It has outlasted the proxy's own retries."""
        self.has_outlasted = self.has_outlasted or self.retryable
        self.retryable = False

    def again(self) -> Self:
        """A fresh copy of this error. A raised error refers to every frame it passed through."""
        fresh = type(self).__new__(type(self), *self.args)
        fresh.__dict__.update(self.__dict__)
        return fresh

    def body(self) -> dict[str, Any]:
        """The JSON object of OpenAI's error format, all four keys present."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


class BadRequest(ProxyError):
    status = 400
    type = "invalid_request_error"
    retryable = False


class Unauthorized(ProxyError):
    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"
    retryable = False

    def __init__(self, message: str, *, tried_by: str = "") -> None:
        """`tried_by` is the name under which wrong tries count; "" if the address is all there is.

        Give one only if the sender could not have chosen it freely: behind a right key, say.
        """
        super().__init__(message)
        self.tried_by = tried_by


class NoPerson(Unauthorized):
    """No try to be anybody: the front-end has left the name out."""

    code = "no_person"


class Forbidden(ProxyError):
    status = 403
    type = "invalid_request_error"
    code = "forbidden"
    retryable = False


class NoAccess(Forbidden):
    code = "no_access"


class EmptyScope(Forbidden):
    code = "empty_scope"


class RetrievalNotAllowed(Forbidden):
    code = "retrieval_not_allowed"


class NotFound(ProxyError):
    status = 404
    type = "invalid_request_error"
    code = "not_found"
    retryable = False


class PreviousNotFound(NotFound):
    code = "previous_response_not_found"


class ModelNotFound(ProxyError):
    status = 404
    type = "invalid_request_error"
    code = "model_not_found"
    retryable = False

    @classmethod
    def of(cls, model: str, advice: str = "GET /v1/models lists those that do.") -> Self:
        """For a name that a client may not use: in the same words whether it exists or not."""
        return cls(f"The model {model!r} does not exist. {advice}", param="model")


class MethodNotAllowed(ProxyError):
    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"
    retryable = False

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        """`allowed` are the methods that the route takes; none where there is no route at all."""
        super().__init__(message)
        self.allowed = tuple(allowed)


class RequestTimeout(ProxyError):
    status = 408
    type = "invalid_request_error"
    code = "request_timeout"


class PayloadTooLarge(ProxyError):
    status = 413
    type = "invalid_request_error"
    code = "request_too_large"
    retryable = False


class UnsupportedMedia(ProxyError):
    status = 415
    type = "invalid_request_error"
    code = "unsupported_media"
    retryable = False


class HeadTooLarge(ProxyError):
    status = 431
    type = "invalid_request_error"
    code = "request_head_too_large"
    retryable = False


class LimitExceeded(ProxyError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class QuotaExceeded(LimitExceeded):
    code = "insufficient_quota"
    retryable = False


class RequestTooCostly(LimitExceeded):
    """The request alone is more than the limit, so no wait helps."""

    code = "request_exceeds_limit"
    retryable = False


class QueueFull(ProxyError):
    status = 429
    type = "rate_limit_error"
    code = "queue_full"


class QueueTimeout(ProxyError):
    status = 429
    type = "rate_limit_error"
    code = "queue_timeout"
    is_of_model: bool = False
    """Whether only this model had nothing left, so that another one might answer."""


class TooManyWrongKeys(ProxyError):
    status = 429
    type = "rate_limit_error"
    code = "too_many_wrong_keys"
    retryable = False


class IdentityUnavailable(ProxyError):
    status = 503
    code = "identity_unavailable"


class LimitsUnavailable(ProxyError):
    status = 503
    code = "limits_unavailable"


class StoreUnavailable(ProxyError):
    status = 503
    code = "store_unavailable"


class InternalError(ProxyError):
    code = "internal_error"


class SearchKeyMissing(ProxyError):
    status = 503
    code = "search_key_missing"
    retryable = False


class ShuttingDown(ProxyError):
    status = 503
    code = "shutting_down"


class TooBusy(ProxyError):
    status = 503
    code = "overloaded"


class AnswerTimeout(ProxyError):
    """The same request would most likely take as long again, and cost as much."""

    status = 504
    code = "answer_timeout"
    retryable = False


class UpstreamError(ProxyError):
    """A fault of an upstream. `upstream` is the name that users know it by."""

    status = 502
    type = "upstream_error"
    code = "upstream_error"

    def __init__(  # noqa: PLR0913 - callers pass few of them at a time
        self,
        upstream: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        cause: str = "",
        said: str = "",
    ) -> None:
        """`cause` is a word for the operator's log; `said` is the reason that the upstream gave.

        `said` is one line without secrets. Both are "" if the proxy does not know them.
        """
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.upstream = upstream
        self.cause = cause
        self.said = said
        self.told_status = 0
        """The HTTP status that the upstream told; 0 if it told none."""
        self.told_wait_s: float | None = None
        """How long the upstream asked to wait, in seconds; None if it did not."""
        self.is_refused = False
        """Whether the upstream surely did nothing with the request.

        It sent a complete reply with status 429 or 5xx, or there never was a connection to it.
        """

    @property
    def word(self) -> str:
        return self.cause or super().word


class UpstreamRejected(UpstreamError):
    status = 400
    type = "invalid_request_error"
    code = "upstream_rejected"
    retryable = False


class RateLimited(UpstreamError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BadCredentials(UpstreamError):
    code = "upstream_credentials"
    retryable = False


class OutOfReach(UpstreamError):
    code = "upstream_out_of_reach"
    retryable = False


class Unreachable(UpstreamError):
    code = "upstream_unreachable"


class BadReply(UpstreamError):
    code = "upstream_bad_reply"


class Overloaded(UpstreamError):
    status = 503
    code = "upstream_unavailable"


class CircuitOpen(Overloaded):
    """No request was made. `retry_after_s` is when the next one may be."""

    code = "upstream_circuit_open"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class SettingsError(ValueError):
    """Faults of the settings, one line for each problem. No request sees it.

    A key of a file may hold line breaks, or what a terminal obeys: a problem shows them as `?`.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(map(_one_line, problems))
        super().__init__("\n".join(self.problems))

    @property
    def sentence(self) -> str:
        """All of them in one line of the log. Some end with a question."""
        said = "; ".join(self.problems)
        return said if said.endswith("?") else f"{said}."


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
