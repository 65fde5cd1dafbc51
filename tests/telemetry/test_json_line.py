from __future__ import annotations

import json

from proxy.telemetry.json_line import json_line


def test_a_document_is_one_line() -> None:
    assert json_line({"a": "x\ny", "b": [1, None]}) == b'{"a":"x\\ny","b":[1,null]}'


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert json.loads(json_line({"a": "x\ud800y", "b": "é"})) == {"a": "x?y", "b": "é"}
