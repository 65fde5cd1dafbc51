import pickle
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack

import click
import pytest
from uvicorn.config import STARTUP_FAILURE

from proxy.commands.listening import Reservation, address, listen, own_address


def test_a_connection_is_accepted_before_any_server_runs() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        connection.close()


def test_the_address_has_the_port_that_the_system_chose() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port != 0
        assert address(listener) == f"http://127.0.0.1:{port}"


def test_an_ipv6_address_is_bracketed() -> None:
    with listen("::1", 0) as listener:
        assert address(listener) == f"http://[::1]:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("host", "reached_at"),
    [
        ("0.0.0.0", "http://127.0.0.1:"),  # noqa: S104 - for a moment, and nothing is served
        ("::", "http://[::1]:"),
        ("127.0.0.1", "http://127.0.0.1:"),
    ],
)
def test_this_machine_reaches_every_listener_at_an_address_of_its_own(
    host: str, reached_at: str
) -> None:
    with listen(host, 0) as listener:
        assert own_address(listener) == f"{reached_at}{listener.getsockname()[1]}"


def test_another_way_to_choose_a_port_can_be_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException, match=r"choose another with make PORT=…$"):
            listen("127.0.0.1", port, "make PORT=…")


def test_a_port_in_use_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException) as caught:
            listen("127.0.0.1", port)
    assert caught.value.message == (
        f"port {port} on 127.0.0.1 is in use; choose another with --port"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host.invalid"])
def test_an_address_that_is_not_this_machine_s_is_said(host: str) -> None:
    with pytest.raises(click.ClickException, match=f"cannot listen on {host} port 0: "):
        listen(host, 0)


linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux shares connections out among sockets of one port"
)


def sent(reservation: Reservation) -> socket.socket:
    """What another process gets, and listens on once it has loaded."""
    listener = pickle.loads(pickle.dumps(reservation))  # noqa: S301 - made here
    assert isinstance(listener, socket.socket)
    listener.listen()
    return listener


def accept_all(listener: socket.socket) -> int:
    """How many connections wait."""
    listener.settimeout(0)
    taken = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return taken
        connection.close()
        taken += 1


@linux_only
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_to_a_reserved_port_are_shared_out_among_all_who_were_sent_it(
    host: str,
) -> None:
    with (
        Reservation(host, 0) as reservation,
        sent(reservation) as one,
        sent(reservation) as other,
        ExitStack() as clients,
    ):
        assert address(reservation).endswith(f":{reservation.port}")
        for _ in range(100):
            clients.enter_context(socket.create_connection((host, reservation.port)))
        taken = [accept_all(one), accept_all(other)]
    assert sum(taken) == 100
    assert min(taken) > 10  # each connection goes to either with a chance of one half


@linux_only
def test_a_reserved_port_takes_no_connection_by_itself() -> None:
    with (
        Reservation("127.0.0.1", 0) as reservation,
        pytest.raises(ConnectionRefusedError),
    ):
        socket.create_connection((reservation.host, reservation.port))


@linux_only
def test_whoever_is_sent_a_reserved_port_does_not_listen_yet() -> None:
    with Reservation("127.0.0.1", 0) as reservation:
        received = pickle.loads(pickle.dumps(reservation))  # noqa: S301 - made here
        with received, pytest.raises(ConnectionRefusedError):
            socket.create_connection((reservation.host, reservation.port))


@linux_only
@pytest.mark.parametrize("has_listener", [False, True])
@pytest.mark.parametrize("reserve", [Reservation, listen])
def test_a_reserved_port_is_in_use_for_others(
    reserve: Callable[[str, int], object], *, has_listener: bool
) -> None:
    with Reservation("127.0.0.1", 0) as reservation, ExitStack() as stack:
        if has_listener:
            stack.enter_context(sent(reservation))
        with pytest.raises(click.ClickException, match="is in use; choose another with --port"):
            reserve("127.0.0.1", reservation.port)


@linux_only
def test_a_worker_that_cannot_listen_says_why_and_stops_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Reservation("127.0.0.1", 0) as reservation:
        sending = pickle.dumps(reservation)
    with listen(reservation.host, reservation.port), pytest.raises(SystemExit) as stopped:
        pickle.loads(sending)  # noqa: S301 - made here
    assert stopped.value.code == STARTUP_FAILURE
    assert f"port {reservation.port} on 127.0.0.1 is in use" in capsys.readouterr().err


@linux_only
def test_a_port_can_be_reserved_over_connections_that_still_end() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
        connection.close()  # whoever closes first keeps the port in TIME_WAIT
        client.close()
    with Reservation("127.0.0.1", port) as reservation, sent(reservation):
        pass


@linux_only
def test_a_port_can_be_reserved_by_one_only_also_before_anybody_listens() -> None:
    with Reservation("127.0.0.1", 0) as reservation:
        with pytest.raises(click.ClickException, match="is in use; choose another with --port"):
            Reservation("127.0.0.1", reservation.port)
        port = reservation.port
    with Reservation("127.0.0.1", port):
        pass
