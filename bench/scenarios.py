"""The scenarios: which loads each subject gets, in which order, and what to keep of them.

Within a scenario the subjects take turns, one run each, as often as runs repeat. So anything else
that happens on the machine meets all of them.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from typing import Final

from bench import metrics
from bench.effort import ALONE, ANSWER, HELD, WIDEST, Level
from bench.gateways import HOME, HYBRID, LOOP, PROXY, proxy
from bench.guide import first_token_s
from bench.loads import (
    Place,
    VoidRunError,
    measure_answers,
    measure_one,
    measure_open,
    measure_streams,
)
from bench.meter import Usage
from bench.peers import TENSORZERO
from bench.procstat import resident_bytes, tree
from bench.results import Void
from bench.servers import NotStartedError, Server, pinned
from bench.session import Bench
from bench.site import plain_name
from bench.stats import percentile
from bench.subjects import Subject

START: Final = "start"
ANSWERS: Final = "answers"
STREAMS: Final = "streams"
GUIDE: Final = "guide"
WORKERS: Final = "workers"
SCENARIOS: Final = (START, ANSWERS, STREAMS, GUIDE, WORKERS)

GUIDES_LOOP: Final = Subject("guide's loop", "", searches=True)
OPEN: Final = 1000

_AT_ONCE: Final = 32
_MOST_ANSWERS: Final = 60_000
_IDLE_S: Final = 1.0
_WORKERS_START_S: Final = 2.0
_TOO_SLOW_S: Final = 15.0
"""If streams that should last seconds take this long, the subject is overloaded: do not repeat."""
_WIDEST_FOR: Final = ("", TENSORZERO, PROXY)


def run(bench: Bench, scenarios: AbstractSet[str]) -> None:
    """Run the scenarios with these names."""
    for name, gateway in bench.gateways.items():
        if missing := gateway.missing():
            bench.drop(name, missing)
    if START in scenarios:
        start_and_memory(bench)
    with ExitStack() as stack:
        steady = {ANSWERS: answers, STREAMS: streams, GUIDE: guide}
        wanted = [measure for name, measure in steady.items() if name in scenarios]
        places = _start_all(bench, stack) if wanted else []
        for measure in wanted:
            measure(bench, places)
    if WORKERS in scenarios:
        workers(bench)


def start_and_memory(bench: Bench) -> None:
    """Start to first answer, idle memory and memory per open stream, each on a fresh server."""
    for turn in _turns(bench):
        for subject in _one_per_gateway(bench.present()):
            with ExitStack() as stack:
                try:
                    place, seconds = bench.start(
                        stack, bench.gateways[subject.gateway], {bench.cores.server}, subject
                    )
                except NotStartedError as fault:
                    bench.drop(subject.gateway, f"does not start: {fault}")
                    continue
                measure = functools.partial(_start_and_memory, bench, place, seconds)
                bench.attempt(f"start and memory {turn}", subject, measure)


def answers(bench: Bench, places: Sequence[Place]) -> None:
    """CPU per answer and answers a second, with as many requests at a time as saturate a server."""
    for turn in _turns(bench):
        for place in places:
            measure = functools.partial(_answers, bench, place)
            bench.attempt(f"answers {turn}", place.subject, measure)


def streams(bench: Bench, places: Sequence[Place]) -> None:
    """First tokens, gaps and CPU per chunk, at several numbers of streams."""
    for level in bench.effort.levels:
        patient = [each for each in places if level.over_https or not _is_secure(bench, each)]
        for turn in _turns(bench):
            for place in tuple(patient):
                begun = time.monotonic()
                measure = functools.partial(_streams, bench, place, level)
                bench.attempt(f"{level.name} {turn}", place.subject, measure)
                if time.monotonic() - begun > _TOO_SLOW_S:
                    patient.remove(place)  # one run must do
    if bench.effort.widest:
        for place in places:
            if plain_name(place.subject.gateway) in _WIDEST_FOR:
                measure = functools.partial(_streams, bench, place, WIDEST)
                bench.attempt(WIDEST.name, place.subject, measure)


def guide(bench: Bench, places: Sequence[Place]) -> None:
    """Time to the first answer token beside the sequential loop of LightOn's guides."""
    loop = next((place for place in places if place.subject == LOOP), None)
    if loop is None:
        return
    for turn in range(1, bench.effort.alone + 1):
        for subject in (GUIDES_LOOP, LOOP, HYBRID):
            place = dataclasses.replace(loop, subject=subject)
            bench.attempt(f"alone {turn}", subject, functools.partial(_alone, bench, place))


def workers(bench: Bench) -> None:
    """Answers a second of one worker and of two, on both cores, which they share with the load."""
    if LOOP not in bench.present():
        return
    every = bench.cores.every
    kinds = ((metrics.ONE_WORKER, 1), (metrics.TWO_WORKERS, 2))
    with ExitStack() as stack:
        stack.enter_context(pinned(every))
        os.sched_setaffinity(bench.upstream.pid, every)
        stack.callback(os.sched_setaffinity, bench.upstream.pid, {bench.cores.load})
        places = []
        for metric, count in kinds:
            gateway = proxy(HOME.parent, workers=count)
            try:
                place, _ = bench.start(stack, gateway, every, LOOP)
            except NotStartedError as fault:
                bench.results.void.append(Void(metric, LOOP, str(fault)))
                return
            places.append((metric, place))
        time.sleep(_WORKERS_START_S)
        for turn in _turns(bench):
            for metric, place in places:
                measure = functools.partial(_workers, bench, place, metric)
                bench.attempt(f"{metric} {turn}", place.subject, measure)


def _start_all(bench: Bench, stack: ExitStack) -> list[Place]:
    """A server for each gateway, and a place for each subject."""
    placed: dict[str, Place] = {}
    for subject in _one_per_gateway(bench.present()):
        gateway = bench.gateways[subject.gateway]
        try:
            placed[gateway.name], _ = bench.start(stack, gateway, {bench.cores.server}, subject)
        except NotStartedError as fault:
            bench.drop(gateway.name, f"does not start: {fault}")
    places = []
    for subject in bench.present():
        server = placed[subject.gateway].server if subject.gateway else None
        places.append(bench.place(subject, server))
    return places


def _start_and_memory(bench: Bench, place: Place, seconds: float) -> str:
    name = place.subject.name
    pids = tree(_server_of(place).pid)
    time.sleep(_IDLE_S)
    idle = resident_bytes(pids)
    bench.results.add(metrics.START, name, seconds)
    bench.results.add(metrics.IDLE, name, idle)

    def grown() -> int:
        return resident_bytes(tree(_server_of(place).pid)) - idle

    each = measure_open(place, HELD, streams=OPEN, look=grown) / OPEN
    bench.results.add(metrics.MEMORY, name, each)
    return f"{seconds:.2f} s, {idle / 1e6:.0f} MB, {each / 1e3:.1f} kB a stream"


def _answers(bench: Bench, place: Place) -> str:
    done = measure_answers(
        place, ANSWER, at_once=_AT_ONCE, seconds=bench.effort.answers_s, most=_MOST_ANSWERS
    )
    keep = functools.partial(_keep, bench, place)
    usage = done.usage
    each = usage.server_s / done.count
    rate = done.count / usage.wall_s
    if place.server is not None:
        keep(metrics.CPU_ANSWER, each)
        keep(metrics.CPU_HOP, each / place.subject.hops)
    keep(metrics.ANSWERS, rate)
    _keep_busy(bench, place, metrics.ANSWERS, usage)
    return f"{each * 1e6:.0f} µs each, {rate:.0f} a second, {_shares(usage)}"


def _streams(bench: Bench, place: Place, level: Level) -> str:
    script = level.script
    done = measure_streams(
        place, script, streams=level.streams, rounds=level.rounds, in_step=level.in_step
    )
    keep = functools.partial(_keep, bench, place)
    delay_s = place.subject.delay_s(script)
    firsts = [timing.first_s - delay_s for timing in done.timings]
    gaps = [each - script.gap_s for timing in done.timings for each in timing.gaps_s]
    for share in metrics.SHARES:
        keep(metrics.first_token(share, level.name), percentile(firsts, share))
        keep(metrics.gap(share, level.name), percentile(gaps, share))
    usage = done.usage
    each = usage.server_s / done.chunks
    if place.server is not None:
        keep(metrics.cpu_chunk(level.name), each)
    _keep_busy(bench, place, level.name, usage)
    return (
        f"{each * 1e6:.1f} µs a chunk, first +{percentile(firsts, 50) * 1e3:.2f} ms, "
        f"gap p99 +{percentile(gaps, 99) * 1e3:.2f} ms, {_shares(usage)}"
    )


def _alone(bench: Bench, place: Place) -> str:
    if place.subject == GUIDES_LOOP:
        seconds = first_token_s(place.upstream_port, ALONE, place.numbers)
        bench.results.add(metrics.GUIDE_FIRST, metrics.DIRECT, seconds)
    else:
        seconds = measure_one(place, ALONE).first_s
        metric = metrics.HYBRID_FIRST if place.subject == HYBRID else metrics.TOOL_FIRST
        bench.results.add(metric, LOOP.name, seconds)
    return f"{seconds * 1e3:.0f} ms to the first token"


def _workers(bench: Bench, place: Place, metric: str) -> str:
    done = measure_answers(
        place, ANSWER, at_once=_AT_ONCE, seconds=bench.effort.answers_s, most=_MOST_ANSWERS
    )
    rate = done.count / done.usage.wall_s
    _keep(bench, place, metric, rate)
    _keep(bench, place, metrics.cores_of(metric), done.usage.server_share)
    return f"{rate:.0f} a second, {_shares(done.usage)}"


def _keep(bench: Bench, place: Place, metric: str, value: float) -> None:
    bench.results.add(metric, place.subject.name, value)


def _keep_busy(bench: Bench, place: Place, load: str, usage: Usage) -> None:
    server, client, upstream = metrics.busy(load)
    if place.server is not None:
        _keep(bench, place, server, usage.server_share)
    _keep(bench, place, client, usage.client_share)
    _keep(bench, place, upstream, usage.upstream_share)
    bench.results.others.append(usage.others_share)


def _shares(usage: Usage) -> str:
    return (
        f"busy: server {usage.server_share:.0%}, client {usage.client_share:.0%}, "
        f"upstream {usage.upstream_share:.0%}, others {usage.others_share:.0%}"
    )


def _is_secure(bench: Bench, place: Place) -> bool:
    gateway = bench.gateways.get(place.subject.gateway)
    return gateway is not None and gateway.is_secure


def _turns(bench: Bench) -> range:
    return range(1, bench.effort.repeats + 1)


def _one_per_gateway(subjects: Sequence[Subject]) -> list[Subject]:
    first: dict[str, Subject] = {}
    for subject in subjects:
        if subject.gateway:
            first.setdefault(subject.gateway, subject)
    return list(first.values())


def _server_of(place: Place) -> Server:
    if place.server is None:
        raise VoidRunError("there is no server")
    return place.server
