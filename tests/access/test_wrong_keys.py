from proxy.access.wrong_keys import MOST_TRIES, SPAN_S, WrongKeys
from tests.state.hand_clock import HandClock


def tries(keys: WrongKeys, address: str, count: int) -> list[float | None]:
    return [keys.note(address) for _ in range(count)]


def test_ten_tries_a_minute_are_free_and_the_next_one_waits_for_the_first_to_be_old() -> None:
    clock = HandClock()
    keys = WrongKeys(clock=clock)
    assert tries(keys, "10.0.0.1", MOST_TRIES) == [None] * MOST_TRIES
    clock.now += 20
    assert keys.note("10.0.0.1") == SPAN_S - 20
    clock.now += 40
    assert keys.note("10.0.0.1") is None


def test_a_try_that_is_too_many_does_not_prolong_the_wait() -> None:
    clock = HandClock()
    keys = WrongKeys(clock=clock)
    tries(keys, "10.0.0.1", 10 * MOST_TRIES)
    clock.now += SPAN_S
    assert tries(keys, "10.0.0.1", MOST_TRIES) == [None] * MOST_TRIES


def test_another_address_is_not_slowed() -> None:
    keys = WrongKeys(clock=HandClock())
    tries(keys, "10.0.0.1", MOST_TRIES + 1)
    assert keys.note("10.0.0.2") is None


def test_the_addresses_of_one_ipv6_network_are_one_client() -> None:
    keys = WrongKeys(clock=HandClock())
    for number in range(MOST_TRIES):
        assert keys.note(f"2001:db8::{number:x}") is None
    assert keys.note("2001:db8::ffff") == SPAN_S
    assert keys.note("2001:db8:0:1::1") is None


def test_it_remembers_a_bounded_number_of_addresses() -> None:
    keys = WrongKeys(3, clock=HandClock())
    tries(keys, "10.0.0.1", MOST_TRIES)
    for number in range(1_000):
        keys.note(f"10.1.{number // 250}.{number % 250}")
        assert len(keys._addresses) <= 3
    assert keys.note("10.0.0.1") is None


def by_name(keys: WrongKeys, name: str, count: int) -> list[float | None]:
    return [keys.note_name(name) for _ in range(count)]


def test_names_are_slowed_like_addresses_each_for_itself() -> None:
    clock = HandClock()
    keys = WrongKeys(clock=clock)
    assert by_name(keys, "ann", MOST_TRIES) == [None] * MOST_TRIES
    clock.now += 20
    assert keys.note_name("ann") == SPAN_S - 20
    assert by_name(keys, "bob", MOST_TRIES) == [None] * MOST_TRIES
    clock.now += 40
    assert keys.note_name("ann") is None


def test_a_name_that_looks_like_an_address_slows_nobody_there() -> None:
    keys = WrongKeys(clock=HandClock())
    by_name(keys, "10.0.0.1", MOST_TRIES + 1)
    assert tries(keys, "10.0.0.1", MOST_TRIES) == [None] * MOST_TRIES


def test_very_many_long_names_neither_fill_the_memory_nor_have_an_address_forgotten() -> None:
    keys = WrongKeys(3, clock=HandClock())
    tries(keys, "10.0.0.1", MOST_TRIES)
    for number in range(1_000):
        keys.note_name("\udcff" * 10_000 + str(number))
        assert len(keys._names) <= 3
        assert all(len(each) == 32 for each in keys._names._tries)
    assert keys.note("10.0.0.1") is not None


def test_a_try_within_the_last_second_of_the_wait_is_still_too_many() -> None:
    clock = HandClock()
    keys = WrongKeys(clock=clock)
    tries(keys, "10.0.0.1", MOST_TRIES)
    clock.now += SPAN_S - 0.5
    assert keys.note("10.0.0.1") == 0.5


def test_it_remembers_as_many_addresses_as_it_may() -> None:
    keys = WrongKeys(2, clock=HandClock())
    tries(keys, "10.0.0.1", MOST_TRIES)
    keys.note("10.0.0.2")
    assert keys.note("10.0.0.1") == SPAN_S


def test_the_tries_of_one_address_do_not_fill_the_memory() -> None:
    clock = HandClock()
    keys = WrongKeys(clock=clock)
    for _ in range(10 * MOST_TRIES):
        clock.now += SPAN_S
        assert keys.note("10.0.0.1") is None
    assert len(keys._addresses._tries["10.0.0.1"]) == MOST_TRIES
