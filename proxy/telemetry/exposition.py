"""Sums as Prometheus reads them, in the form that it asks for. Only this file knows its library.

The library is loaded when somebody asks for the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from proxy.telemetry.boards import Sums
from proxy.telemetry.series import Series

if TYPE_CHECKING:
    from prometheus_client import Metric

_VERSIONS: Final = ("version=0.0.1", "version=0.0.4", "version=1.0.0")


class Page(NamedTuple):
    content_type: str
    body: bytes


def page_of(sums: Sums, accept: str) -> Page:
    """The sums in a form that `accept`, the header of a request, admits."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - most never ask
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415 - as above
    from prometheus_client.registry import Collector  # noqa: PLC0415 - as above

    class Collected(Collector):
        def collect(self) -> Iterator[Metric]:
            return _metrics(sums)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())
    encode, content_type = choose_encoder(_understood(accept))
    return Page(content_type, encode(registry))


def _understood(accept: str) -> str:
    """The forms of `accept` whose version is none or one that there is.

    The library fails on a version that is no number, and calls its reply by any other one.
    """
    return ",".join(
        form
        for form in accept.split(",")
        if all(
            word in _VERSIONS
            for word in map(str.strip, form.split(";"))
            if word.startswith("version")
        )
    )


def _metrics(sums: Sums) -> Iterator[Metric]:
    from prometheus_client import Metric  # noqa: PLC0415 - as above

    for series, numbers in sums.items():
        kind = "gauge" if series.is_gauge else series.kind
        metric = Metric(series.name.removesuffix("_total"), series.about, kind)
        for labels, values in sorted(numbers.items()):
            named = dict(zip(series.labels, labels, strict=True))
            for suffix, more, value in _samples(series, values):
                metric.add_sample(series.name + suffix, {**named, **more}, value)
        yield metric


def _samples(
    series: Series, values: tuple[float, ...]
) -> Iterator[tuple[str, dict[str, str], float]]:
    """The end of each sample's name, its further labels, and its value."""
    if series.kind != "histogram":
        yield "", {}, values[0]
        return
    *counts, total = values
    ends = (*map(str, series.buckets), "+Inf")
    for end, count in zip(ends, accumulate(counts), strict=True):
        yield "_bucket", {"le": end}, count
    yield "_count", {}, sum(counts)
    yield "_sum", {}, total
