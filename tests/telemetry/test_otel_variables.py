from __future__ import annotations

import os
import subprocess
import sys

import pytest

from proxy.telemetry.otel_variables import faults_of

OTLP = "OTEL_EXPORTER_OTLP_"
SECRET = "hunter2"
WRONG = [
    (OTLP + "ENDPOINT", f"user:{SECRET}@collector:4318"),
    (OTLP + "ENDPOINT", f"ftp://{SECRET}"),
    (OTLP + "ENDPOINT", f"http://{SECRET}@"),
    (OTLP + "TRACES_ENDPOINT", f"http://user:{SECRET}@x y:0z/"),
    (OTLP + "TRACES_ENDPOINT", f"http://[::1/{SECRET}"),
    (OTLP + "HEADERS", f"Authorization: Bearer {SECRET}"),
    (OTLP + "HEADERS", f"a b={SECRET}"),
    (OTLP + "HEADERS", f"={SECRET}"),
    (OTLP + "HEADERS", f"Authorization=Basic%20{SECRET}%0d%0ax"),
    (OTLP + "TRACES_HEADERS", f"a=b,{SECRET}"),
    (OTLP + "TRACES_HEADERS", f"a=é{SECRET}"),
    (OTLP + "TRACES_HEADERS", f"a={SECRET};b"),
    (OTLP + "TIMEOUT", "-3"),
    (OTLP + "TIMEOUT", "0.0"),
    (OTLP + "TRACES_TIMEOUT", "nan"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "-5"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
    ("OTEL_BSP_SCHEDULE_DELAY", "9" * 5000),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "x"),
]
RIGHT = {
    OTLP + "ENDPOINT": "https://cloud.langfuse.com/api/public/otel",
    OTLP + "TRACES_ENDPOINT": "http://[::1]:4318/v1/traces",
    OTLP + "HEADERS": "Authorization=Basic%20cGs6c2s==, x-scope = a b%3Bc ,,",
    OTLP + "TRACES_HEADERS": "",
    OTLP + "TIMEOUT": "2.5",
    "OTEL_BSP_MAX_QUEUE_SIZE": "100",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100",
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "",
    "OTEL_SERVICE_NAME": "=,: é",
}


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_cannot_be_used_is_told_without_it(name: str, value: str) -> None:
    (fault,) = faults_of({name: value})
    assert fault.startswith(f"{name}: must be ")
    assert SECRET not in fault


def test_what_can_be_used_is_no_fault() -> None:
    assert faults_of(RIGHT) == []
    assert faults_of({}) == []


def test_a_queue_smaller_than_a_batch_is_told_with_both_names() -> None:
    assert faults_of({"OTEL_BSP_MAX_QUEUE_SIZE": "100"}) == [
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: must be at most OTEL_BSP_MAX_QUEUE_SIZE; it is 512"
    ]


def test_the_sdk_takes_what_is_no_fault_without_a_word() -> None:
    code = (
        "import logging; logging.basicConfig()\n"
        "from proxy.telemetry.otlp import open_traces\n"
        "from proxy.telemetry.spans import Server, Servers\n"
        "open_traces(Servers(Server('m', 'm', 1)), holds_texts=False)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own code, no shell
        [sys.executable, "-c", code],
        env=os.environ | RIGHT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
