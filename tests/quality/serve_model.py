"""llama.cpp's HTTP server with one model: `serve_model.py MODEL.gguf PORT THREADS`.

It runs in the environment that `model.py` makes, which has xllamacpp and nothing of this project.
"""

from __future__ import annotations

import re
import struct
import sys
import threading
from pathlib import Path
from typing import Final

import xllamacpp  # type: ignore[import-not-found]  # not in the project's environment

_CONTEXT: Final = 16_384
_HEAD: Final = 16_000_000
_TEMPLATE: Final = b"tokenizer.chat_template"
_STRING: Final = struct.Struct("<IQ")
"""In a GGUF file a type and a length stand before a text."""


def main(model: str, port: int, threads: int) -> None:
    wanted = xllamacpp.CommonParams()
    wanted.model.path = model
    wanted.model_alias = {"local"}
    wanted.hostnames, wanted.port = ["127.0.0.1"], port
    wanted.n_ctx, wanted.n_parallel = _CONTEXT, 1
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = threads
    wanted.use_jinja = True
    wanted.chat_template = template(Path(model))
    server = xllamacpp.Server(wanted)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    threading.Event().wait()


def template(model: Path) -> str:
    """The model's own chat template, with the sample of a tool call mended.

    It shows the call in doubled braces, and a model that copies those writes no JSON.
    """
    with model.open("rb") as file:
        head = file.read(_HEAD)
    start = head.index(_TEMPLATE) + len(_TEMPLATE)
    _, length = _STRING.unpack_from(head, start)
    text = head[start + _STRING.size :][:length].decode()
    doubled = re.compile(r'\{(\{\\"name\\": <[^\n]{1,99}>\})\}')
    return doubled.sub(lambda call: call[1], text)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
