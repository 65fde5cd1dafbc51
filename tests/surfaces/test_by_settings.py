from __future__ import annotations

from pathlib import Path

from proxy.settings import Settings
from proxy.surfaces.by_settings import audit_of, traces_of, usage_of
from proxy.surfaces.parts import Parts, Share
from proxy.telemetry.spans import Server, Servers

SERVERS = Servers(Server("scaleway", "scaleway.test", 443))


def test_there_are_no_records_without_files() -> None:
    parts = Parts()
    assert usage_of(Settings(), Share(parts)) is None
    assert audit_of(Settings(), Share(parts)) is None
    assert traces_of(Settings(), {}, SERVERS, Share(parts)) is None
    assert len(parts) == 0


async def test_applications_that_follow_each_other_write_to_one_file(tmp_path: Path) -> None:
    given = Settings(usage_file=str(tmp_path / "usage"), audit_file=str(tmp_path / "audit"))
    other = given.model_copy(update={"default_model": "other", "audit_texts": True})
    parts = Parts()
    for make in (usage_of, audit_of):
        first, second = make(given, Share(parts)), make(other, Share(parts))
        assert first is not None
        assert second is not None
        assert first.file is second.file
        assert first is not second
    assert len(parts) == 2
    await parts.aclose()


async def test_applications_that_follow_each_other_send_their_traces_together() -> None:
    parts = Parts()
    given = Settings(traces=True)
    first = traces_of(given, {}, SERVERS, Share(parts))
    assert first is traces_of(given, {}, SERVERS, Share(parts))
    texts = given.model_copy(update={"trace_contents": True})
    assert first is not traces_of(texts, {}, SERVERS, Share(parts))
    assert traces_of(Settings(traces=False), {}, SERVERS, Share(parts)) is None
    assert len(parts) == 2
    await parts.aclose()
