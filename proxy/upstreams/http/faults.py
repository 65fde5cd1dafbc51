"""How a request can fail on its way, whichever library carries it.

    TransportError
    ├── TimedOut
    │   ├── ConnectTimeout      no connection in time
    │   └── ReadTimeout         a connection, but no bytes in time
    ├── ConnectError            no connection
    ├── OutboundProxyError      no way through the outbound proxy
    ├── BrokenError             the connection broke
    ├── NotHTTPReplyError       what came is not HTTP
    └── DecodingError           the body does not match its encoding

The text may name addresses or credentials: `causes.py` has the words for people.
"""


class TransportError(Exception):
    """A request did not get its reply."""


class TimedOut(TransportError):
    """Something did not come in time."""


class ConnectTimeout(TimedOut):
    """There was no connection in time."""


class ReadTimeout(TimedOut):
    """There was a connection, but nothing came over it in time."""


class ConnectError(TransportError):
    """There was no connection."""


class OutboundProxyError(TransportError):
    """The outbound proxy failed. The fault is the cause, or its status is the text."""


class BrokenError(TransportError):
    """The connection broke before the reply was over."""


class NotHTTPReplyError(TransportError):
    """What came is not HTTP."""


class DecodingError(TransportError):
    """The body does not match its encoding."""
