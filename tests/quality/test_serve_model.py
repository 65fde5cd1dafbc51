"""The chat template that the model is served with."""

import runpy
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tests.quality.questions import HERE


@pytest.fixture(name="template")
def _template(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "xllamacpp", types.ModuleType("xllamacpp"))
    return runpy.run_path(str(HERE / "serve_model.py"))["template"]


def test_the_sample_of_a_call_in_the_models_template_is_made_json(
    tmp_path: Path, template: Any
) -> None:
    sample = r'"{\"name\": <function-name>, \"arguments\": <args-json-object>}\n"'
    doubled = sample.replace('"{', '"{{').replace(r"}\n", r"}}\n")
    kept = f"{{%- if tools %}}{{{{- {doubled} }}}}{{%- endif %}}"
    length = len(kept).to_bytes(8, "little")
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF tokenizer.chat_template\x08\0\0\0" + length + kept.encode() + b"more")
    assert template(file) == f"{{%- if tools %}}{{{{- {sample} }}}}{{%- endif %}}"
