from proxy.sandbox.scaleway.quirks import UNSUPPORTED
from proxy.settings import Settings
from proxy.settings.params import DROPPED, REFUSED


def test_what_scaleway_does_not_support_is_dropped() -> None:
    assert Settings().drop_params == DROPPED
    assert set(DROPPED) == set(UNSUPPORTED)


def test_what_is_refused_is_not_dropped_and_arguments_of_templates_pass() -> None:
    assert Settings().refused_params == REFUSED
    assert not {*DROPPED, "chat_template_kwargs", "top_k"}.intersection(REFUSED)


def test_the_lists_are_in_alphabetical_order() -> None:
    assert list(DROPPED) == sorted(set(DROPPED))
    assert list(REFUSED) == sorted(set(REFUSED))
