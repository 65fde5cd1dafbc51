from proxy.upstreams.lighton import sightings
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.sightings import Sightings

HERE = LightOnScope(workspace_id=(1,))
ELSEWHERE = LightOnScope(workspace_id=(2,))


def test_a_document_was_seen_within_its_scope_and_no_other() -> None:
    seen = Sightings()
    seen.note(HERE, [7], 100.0)
    assert seen.since(HERE, 7, 100.0)
    assert seen.since(LightOnScope(workspace_id=(1,)), 7, 100.0)
    assert not seen.since(HERE, 8, 100.0)
    assert not seen.since(ELSEWHERE, 7, 100.0)
    assert not seen.since(LightOnScope(), 7, 100.0)


def test_a_sighting_counts_from_the_last_time() -> None:
    seen = Sightings()
    seen.note(HERE, [7], 100.0)
    assert not seen.since(HERE, 7, 100.5)
    seen.note(HERE, [7], 110.0)
    assert seen.since(HERE, 7, 110.0)


def test_the_oldest_sightings_go_first() -> None:
    seen = Sightings()
    seen.note(HERE, [7, 8], 1.0)
    seen.note(HERE, [7], 2.0)
    seen.note(HERE, range(1_000, 1_000 + sightings.MOST - 1), 3.0)
    assert seen.since(HERE, 7, 1.0)
    assert not seen.since(HERE, 8, 1.0)
