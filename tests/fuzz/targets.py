"""All that is fuzzed, by name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Final

from tests.fuzz.chat_request import chat_requests
from tests.fuzz.door import door
from tests.fuzz.events import Events
from tests.fuzz.frames import Frames
from tests.fuzz.mistral import mistral
from tests.fuzz.other_requests import other_requests
from tests.fuzz.path import path
from tests.fuzz.responses_request import responses_requests
from tests.fuzz.runner import Opener

TARGETS: Final[Mapping[str, Opener]] = {
    "sse": lambda: nullcontext(Events()),
    "frames": lambda: nullcontext(Frames()),
    "request": chat_requests,
    "responses": responses_requests,
    "others": other_requests,
    "http": door,
    "mistral": mistral,
    "path": path,
}
