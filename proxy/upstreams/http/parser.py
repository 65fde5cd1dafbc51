"""The parser of replies: llhttp, through httptools."""

from __future__ import annotations

from typing import Final

import httptools

PARSER_FAULTS: Final = (httptools.HttpParserError, httptools.HttpParserUpgrade)


def new_parser(protocol: object) -> httptools.HttpResponseParser:
    """A parser that calls `protocol` and accepts the replies that aiohttp and httpx accept.

    It accepts lines that end in LF alone, continued lines, control characters in values, and spaces
    after the size of a chunk. None of these can make one reply look like two.
    """
    parser = httptools.HttpResponseParser(protocol)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser
