"""New client keys: 256 random bits, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import Final

PREFIX: Final = "rp-"
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BITS: Final = 256
_LENGTH: Final = 43
"""So many digits hold 256 bits, because 62 ** 43 is just above 2 ** 256."""


def make_key() -> str:
    """Letters and digits only, so that a double click selects all of it."""
    number = secrets.randbits(_BITS)
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return PREFIX + "".join(digits)


def make_id() -> str:
    return secrets.token_hex(8)


def hash_of(key: str) -> str:
    """As the key file holds it. A hash of so many random bits needs no salt and no slowness."""
    return hashlib.sha256(key.encode()).hexdigest()
