from proxy.upstreams.lighton import sightings
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.sightings import Sightings

ANN = ("ann", "key")
HERE = LightOnScope(workspace_id=(1,))
ELSEWHERE = LightOnScope(workspace_id=(2,))


def test_a_document_was_seen_within_its_scope_and_no_other() -> None:
    seen = Sightings()
    seen.note(ANN, HERE, [7], 100.0)
    assert seen.since(ANN, HERE, 7, 100.0)
    assert seen.since(ANN, LightOnScope(workspace_id=(1,)), 7, 100.0)
    assert not seen.since(ANN, HERE, 8, 100.0)
    assert not seen.since(ANN, ELSEWHERE, 7, 100.0)
    assert not seen.since(ANN, LightOnScope(), 7, 100.0)


def test_a_sighting_counts_from_the_last_time() -> None:
    seen = Sightings()
    seen.note(ANN, HERE, [7], 100.0)
    assert not seen.since(ANN, HERE, 7, 100.5)
    seen.note(ANN, HERE, [7], 110.0)
    assert seen.since(ANN, HERE, 7, 110.0)


def test_the_oldest_sightings_go_first() -> None:
    seen = Sightings()
    seen.note(ANN, HERE, [7, 8], 1.0)
    seen.note(ANN, HERE, [7], 2.0)
    seen.note(ANN, HERE, range(1_000, 1_000 + sightings.MOST - 1), 3.0)
    assert seen.since(ANN, HERE, 7, 1.0)
    assert not seen.since(ANN, HERE, 8, 1.0)


def test_what_one_client_has_seen_another_one_has_not() -> None:
    seen = Sightings()
    seen.note(ANN, HERE, [7], 1.0)
    assert not seen.since(("bob", "key"), HERE, 7, 1.0)
    assert not seen.since(("ann", "other key"), HERE, 7, 1.0)
