"""How far the exchange of a connection has come.

This table lists every transition:

    state      event                              next state
    IDLE       the proxy sends a request          ASKED
    IDLE       anything arrives                   CLOSED: nobody has asked
    ASKED      the first byte of a reply arrives  HEAD
    HEAD       a notice arrives, such as 103      HEAD
    HEAD       a complete head arrives            BODY
    HEAD       the head is a 408, on a            CLOSED, as if nothing had arrived
               connection that was kept open
    BODY       a part of the body arrives         BODY
    BODY       the reply is complete              DONE
    BODY       the peer closes, and the reply     DONE, but not fit for another request
               has no other end
    DONE       anything arrives, or the peer      DONE, but not fit for another request
               closes
    DONE       the pool calls `rest`              IDLE
    all but    the connection breaks, or what     CLOSED
      DONE     arrives is not HTTP
    any        the receiver fails, or nobody      CLOSED
               awaits the exchange
"""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    IDLE = auto()
    ASKED = auto()
    HEAD = auto()
    BODY = auto()
    DONE = auto()
    CLOSED = auto()


# Looking up a member of an Enum is slow, and the connection compares states for each packet.
IDLE, ASKED, HEAD, BODY, DONE, CLOSED = State
