"""The port on which metrics can be read without a key. It is served in a thread of its own.

So it answers also while the event loop of the proxy is busy and, with several workers, in the
process that starts them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from proxy.access.loopback import is_loopback_host
from proxy.commands.listening import address, listen
from proxy.commands.serving import DrainingServer, server_config
from proxy.settings import Settings
from proxy.surfaces.door_limits import DoorLimits
from proxy.surfaces.metrics import metrics_app
from proxy.surfaces.middleware import METRICS_PATH
from proxy.telemetry.boards import Boards

_MOST_WAITING = 64
_GRACE_S = 1.0


@contextmanager
def metrics_served(settings: Settings, boards: Boards | None) -> Iterator[str]:
    """Serve metrics meanwhile, if the settings name a port; gives the URL, or "".

    Raises click.ClickException if the port is not to be had.
    """
    host, port = settings.metrics_host, settings.metrics_port
    if boards is None or port is None:
        yield ""
        return
    page = metrics_app(boards, is_loopback=is_loopback_host(host))
    limits = DoorLimits(max_waiting=_MOST_WAITING)
    config = server_config(page, settings.log_level, limits=limits, grace_s=_GRACE_S)
    server = DrainingServer(config)
    with listen(host, port, "metrics_port") as listener:
        serving = threading.Thread(target=server.run, args=([listener],), daemon=True)
        serving.start()
        try:
            yield address(listener) + METRICS_PATH
        finally:
            server.should_exit = True
            serving.join(2 * _GRACE_S)
