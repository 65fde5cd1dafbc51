"""The results in print, and in `bench/RESULTS.md` and its chart."""

from __future__ import annotations

import platform
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench import metrics
from bench.chart import Bar, Panel, render_chart
from bench.gateways import LOOP, ONE_HOP, PROXY
from bench.metrics import Row
from bench.peers import LITELLM, TENSORZERO
from bench.procstat import machine
from bench.results import Results
from bench.site import OF_HTTPS, Gateway, plain_name
from bench.stats import median
from bench.subjects import Subject
from bench.table import render_table
from bench.targets import Verdict, verdicts

RESULTS: Final = "RESULTS.md"
CHART: Final = "results.svg"
_CHART_TITLE: Final = (
    "Less is better. rag-proxy searches for each answer; all others pass it through."
)
_WIDTH: Final = 100
_PACKAGES: Final = ("uvloop", "uvicorn", "starlette", "httptools", "httpx", "orjson")

NOTES: Final = """\
The gateway has one core for itself; load client and scripted upstream, two processes, share the
other. `rag-proxy` is the proxy as a user runs it (client keys, logs, citations) with its whole
loop: a model round that calls the search, a search with 5 passages of 1.1 kB, and the round that
answers. So each answer makes 3 upstream requests. `rag-proxy-off` searches nothing and, like the
peers, passes one request through.

Streams have 103 chunks, each its own write. At 1, 32 and 64 streams the chunks are 5 ms apart, at
256 20 ms and at 1000 80 ms. Streams begin evenly spread, as those of users do. Streams in step
begin at once, so every chunk of one arrives together with those of all others.

Where a name ends in `-https`, the gateway asks its upstream over TLS, as it would Scaleway and
LightOn: with HTTP/1.1, on connections that stay open. It checks the certificate, which is on the
curve P-256. The load client speaks plain HTTP to every gateway. `direct` is without TLS in both
tables, so what is "added" with https includes the upstream's own work for TLS. Over https, the
benchmark measures streams at 1, 64 and 1000 only.

CPU is user and system time of the server's processes, from the kernel: all that an answer costs.
The CPU of a chunk includes its share of the request and, with the loop, of the first round and of
the search.

"Added" is over `direct`: the same client on the upstream without a gateway. But the first token
with the loop is over the sum of the upstream's delays. `direct` itself shows what client and
upstream add to their schedule. Where the gap of p50 is much shorter than without a gateway, tokens
arrive in bunches. Values are medians over the runs of a subject; percentiles are those of a run.
Where the server is far below 100 % busy while it answers, client and upstream were the limit, and
the server could do more.

One worker and two run on both cores, together with load and upstream. These two take nearly half a
core while two workers answer, so the answers a second cannot double. The target therefore counts
the answers for each core that the workers had.

The load client compares every reply with what the upstream sent: each piece of text,
finish_reason, [DONE] and, with the loop, the citations. The upstream must have seen exactly the
requests that the answers need. A run with any difference is void and does not count.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to tell about a run."""

    results: Results
    subjects: Sequence[Subject]
    gateways: Mapping[str, Gateway]
    pairs: Sequence[tuple[str, str]]

    def table(self) -> str:
        """A table for http upstreams and one for https, each beside direct."""
        direct = [each for each in self.subjects if not each.gateway]
        asked = [each for each in self.subjects if each.gateway]
        plain = [each for each in asked if not self._is_secure(each)]
        secure = [each for each in asked if self._is_secure(each)]
        shown = [columns for columns in (plain, secure) if columns] or [[]]
        return "\n".join(
            render_table(self.results, [*direct, *columns], self._pairs_of(columns))
            for columns in shown
        )

    def _pairs_of(self, columns: Sequence[Subject]) -> list[tuple[str, str]]:
        """The columns of ratios. With https they also say what TLS costs the proxy."""
        secure = [(one + OF_HTTPS, other + OF_HTTPS) for one, other in self.pairs]
        pairs = [*self.pairs, *secure, (LOOP.name + OF_HTTPS, LOOP.name)]
        measured = {each.name for each in self.subjects} - self.results.absent.keys()
        names = {each.name for each in columns}
        return [pair for pair in pairs if pair[0] in names and measured.issuperset(pair)]

    def _is_secure(self, subject: Subject) -> bool:
        gateway = self.gateways.get(subject.gateway)
        return gateway is not None and gateway.is_secure

    def summary(self) -> str:
        """The text to print."""
        judged = [verdict.describe() for verdict in verdicts(self.results)]
        voids = [f"VOID: {each.describe()}" for each in self.results.void]
        return "\n".join([self.table(), *judged, *self._others(), *voids])

    def _others(self) -> list[str]:
        """How quiet the machine was: busy neighbours make every figure worse."""
        shares = self.results.others
        if not shares:
            return []
        usual, most = median(shares), max(shares)
        return [f"Other programs used {usual:.0%} of a core in the median run, {most:.0%} at most."]

    def write(self, folder: Path, command: str) -> None:
        """Write the document and its chart."""
        document = self._document(command)  # before any file differs from the commit
        (folder / CHART).write_text(self._chart())
        (folder / RESULTS).write_text(document)

    def _document(self, command: str) -> str:
        parts = [
            "# Results of the benchmark",
            f"`{command}` on {datetime.now(UTC):%d %B %Y}, {machine().describe()}.",
            _wrapped_versions(self._versions()),
            f"![{_CHART_TITLE}]({CHART})",
            "## Targets",
            _reached(verdicts(self.results)),
            "## Table",
            self.table(),
            *self._others(),
            *(
                ["## Void runs", "\n".join(f"- {each.describe()}" for each in self.results.void)]
                if self.results.void
                else []
            ),
            "## How it was measured",
            NOTES,
        ]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _versions(self) -> dict[str, str]:
        peers = {
            plain_name(name): gateway.version()
            for name, gateway in self.gateways.items()
            if not gateway.missing()
        }
        packages = {name: version(name) for name in _PACKAGES}
        python = {"Python": platform.python_version()}
        commit = _commit()
        ours = {LOOP.gateway: f"{peers.pop(LOOP.gateway, '')} {commit}".strip()}
        return ours | python | packages | peers

    def _chart(self) -> str:
        panels = [self._panel(row, secure=secure) for row, secure in _charted()]
        return render_chart(_CHART_TITLE, [panel for panel in panels if panel.bars])

    def _panel(self, row: Row, *, secure: bool) -> Panel:
        (key,) = row.keys
        bars = tuple(
            Bar(plain_name(each.name), value * row.scale, ours=plain_name(each.gateway) == PROXY)
            for each in self.subjects
            if each.gateway
            and self._is_secure(each) == secure
            and (value := self.results.of(key, each.name)) is not None
        )
        upstreams = "https" if secure else "http"
        return Panel(f"{row.title} ({row.unit}), {upstreams} upstreams", bars, row.digits)


def _charted() -> list[tuple[Row, bool]]:
    """The rows that the chart shows, and whether with https upstreams."""
    chunk = metrics.cpu_chunk(metrics.level(64))
    shown = (
        (chunk, False),
        (chunk, True),
        (metrics.CPU_HOP, False),
        (metrics.CPU_HOP, True),
        (metrics.MEMORY, False),
    )
    return [(row, secure) for key, secure in shown for row in metrics.ROWS if row.keys == (key,)]


PAIRS: Final = (
    (LOOP.name, TENSORZERO),
    (ONE_HOP.name, TENSORZERO),
    (LOOP.name, LITELLM),
)


def _reached(judged: Sequence[Verdict]) -> str:
    """In words, which targets were reached."""
    count = sum(verdict.reached is True for verdict in judged)
    lines = [f"- {verdict.describe()}" for verdict in judged]
    return "\n".join([f"{count} of {len(judged)} targets were reached.", "", *lines])


def _wrapped_versions(versions: Mapping[str, str]) -> str:
    text = ", ".join(f"{name} {number}" for name, number in versions.items())
    return textwrap.fill(f"{text}.", _WIDTH)


def _commit() -> str:
    """The measured commit, and whether files differ from it; "" outside a repository."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  # whichever git there is
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"({done.stdout.strip()})" if done.returncode == 0 else ""
