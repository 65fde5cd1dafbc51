"""Secrets in files of their own, as Docker and Kubernetes mount them.

Where `X` holds a secret setting in the environment, `X_FILE` may name a file that does.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

SUFFIX: Final = "_FILE"


def is_secret(info: FieldInfo) -> bool:
    return _mentions_secret(info.annotation)


def read_secret(path: str, *, many: bool) -> str:
    """The text of a file; `many` secrets, one on each line, become a list with commas.

    Raises ValueError that says why it is none. It never repeats what the file holds.
    """
    try:
        text = Path(path.strip()).read_bytes().decode()
    except OSError as error:
        raise ValueError(f"names a file that cannot be read ({error.strerror})") from None
    except ValueError:
        raise ValueError("names a file that cannot be read (not UTF-8 text)") from None
    if not text.strip():
        raise ValueError("names a file that is empty")
    if not many:
        return text
    if _is_key_file(text):
        raise ValueError(
            "names a file that `rag-proxy keys` writes: name it in RAG_PROXY_KEYS_FILE, so that "
            "each key opens only what is its own"
        )
    return text if text.lstrip().startswith("[") else ",".join(text.split("\n"))


def _is_key_file(text: str) -> bool:
    """Also one that holds no key any more has the command's comment left."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return "keys" in document or not document


def _mentions_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_mentions_secret, get_args(annotation)))
