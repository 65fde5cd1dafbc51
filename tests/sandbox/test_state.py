from pathlib import Path

import pytest

from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from proxy.sandbox.state import SandboxState
from tests.sandbox.samples import write


def state(tmp_path: Path, keys: frozenset[str] | None = None) -> SandboxState:
    return SandboxState(load_corpus(write(tmp_path, {"a.md": "a"})), Faults(), keys)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("Bearer key", True),
        ("bearer key", True),
        ("Bearer bad", False),
        ("Bearer bad-key", False),
        ("Bearer ", False),
        ("Bearer", False),
        ("Basic key", False),
        ("key", False),
        ("", False),
        (None, False),
    ],
)
def test_any_key_is_accepted_that_does_not_start_with_bad(
    tmp_path: Path, header: str | None, *, accepted: bool
) -> None:
    assert state(tmp_path).authorised(header) is accepted


def test_with_keys_only_those_are_accepted(tmp_path: Path) -> None:
    strict = state(tmp_path, frozenset({"bad-but-listed"}))
    assert strict.authorised("Bearer bad-but-listed")
    assert not strict.authorised("Bearer key")
