"""`rag-proxy ask`: one question through OpenAI's own client; the answer as it comes, its sources.

Only this module needs the openai package, which an extra brings: see `require_openai`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import click
import openai
from openai.types.chat import ChatCompletionChunk

from proxy.access.loopback import is_loopback_host
from proxy.core.names import FIELD
from proxy.errors import SettingsError
from proxy.settings.sources import CLIENT_KEY

_KEYS: Final = (CLIENT_KEY, "OPENAI_API_KEY")
_NO_KEY: Final = "none"
"""The client does not go without a key; a proxy without client keys takes any."""
_CONTROLS: Final = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")})
"""What could make a terminal do more than show text: documents and models write it, too."""


def run(question: str, model: str, url: str) -> int:
    """Print the answer, and its sources below. Returns 1 if there is none, or only a part."""
    base, key = base_url(url), key_in(os.environ)
    client = openai.OpenAI(
        base_url=base,
        api_key=key,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=not is_here(base)),
    )
    hearing = _Hearing()
    try:
        with client, hearing:
            stream = client.chat.completions.create(
                model=_encodable(model),
                messages=[{"role": "user", "content": _encodable(question)}],
                stream=True,
            )
            with stream:
                hearing.hear(stream)
    except openai.APIConnectionError as error:
        return _complain(_no_connection(base, error, has_begun=hearing.has_begun))
    except openai.AuthenticationError as error:
        advice = f"Set {CLIENT_KEY} to your key for {base}." if key == _NO_KEY else ""
        return _complain(advice or _said(error) or error.message)
    except openai.APIStatusError as error:
        return _complain(_said(error) or f"{base} answers with status {error.status_code}.")
    except openai.APIError as error:
        return _complain(_said(error) or error.message)
    if not hearing.finish_reason:
        return _complain(f"{base} sent no whole answer. Is it a rag-proxy?")
    for line in sources(hearing.report):
        click.echo(line)
    if hearing.finish_reason != "stop":
        click.echo(f"rag-proxy: the answer was cut off ({hearing.finish_reason})", err=True)
    return 0


class _Hearing:
    """Prints the text of a streamed answer, and ends its last line."""

    def __init__(self) -> None:
        self.has_begun = False
        self.finish_reason = ""
        self.report: Mapping[str, Any] = {}
        self._is_line_open = False

    def hear(self, chunks: Iterable[ChatCompletionChunk]) -> None:
        for chunk in chunks:
            self.report = (chunk.model_extra or {}).get(FIELD) or self.report
            for choice in chunk.choices:
                self.finish_reason = choice.finish_reason or self.finish_reason
                if text := _shown(choice.delta.content or ""):
                    self.has_begun = True
                    self._is_line_open = not text.endswith("\n")
                    click.echo(text, nl=False)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        if self._is_line_open:
            self._is_line_open = False
            click.echo()


def sources(report: Mapping[str, Any]) -> Iterator[str]:
    """The sources that an answer cites, one a line, and a blank line above them."""
    for place, each in enumerate(report.get("citations") or ()):
        if place == 0:
            yield ""
        title, url = _shown(str(each["title"])), _shown(str(each["url"]))
        yield f"[{each['n']}] {title}  {url}{_pages(each['passages'])}"


def _pages(passages: Iterable[Mapping[str, Any]]) -> str:
    found = {
        (each["page_start"], each["page_end"] or each["page_start"])
        for each in passages
        if each["page_start"] is not None
    }
    if not found:
        return ""
    written = (f"{first}" if first == last else f"{first}-{last}" for first, last in sorted(found))
    return f", p. {', '.join(written)}"


def base_url(url: str) -> str:
    """Where the API begins, of an address with or without `http://` and `/v1`."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = (parts.hostname or "").encode("idna")  # ValueError for what no name server takes
        is_ours = parts.scheme in {"http", "https"} and url.isascii() and url.isprintable()
        is_address = is_ours and bool(host)
        _ = parts.port  # raises ValueError for what is no port
    except ValueError:
        is_address = False
    if not is_address:
        raise SettingsError("--url: must be an address such as http://127.0.0.1:8000")
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}/v1"


def is_here(base: str) -> bool:
    """Whether it is on this machine, to which no outbound proxy leads."""
    return is_loopback_host(urlsplit(base).hostname or "")


def key_in(environment: Mapping[str, str]) -> str:
    """The client key. Raises SettingsError for one that no header can hold."""
    for name in _KEYS:
        if key := environment.get(name, "").strip():
            if not (key.isascii() and key.isprintable()):
                raise SettingsError(f"{name}: must be one line of ASCII characters")
            return key
    return _NO_KEY


def _no_connection(base: str, error: openai.APIConnectionError, *, has_begun: bool) -> str:
    if has_begun:
        return f"The connection to {base} broke off."
    why = str(error.__cause__ or error).strip()
    return (
        f"Cannot reach {base} ({_shown(why)}). Start the proxy with `rag-proxy serve`, or name "
        "the address of another one with --url."
    )


def _said(error: openai.APIError) -> str:
    """The server's own sentence; "" if it said none."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return _shown(message) if isinstance(message, str) else ""


def _encodable(text: str) -> str:
    """A text from the command line: it has half a pair for each byte that is no UTF-8."""
    return text.encode(errors="replace").decode()


def _complain(sentence: str) -> int:
    click.echo(f"rag-proxy: {sentence}", err=True)
    return 1


def _shown(text: str) -> str:
    return text.translate(_CONTROLS)
