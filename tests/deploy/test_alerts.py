"""Prometheus' alerts: each fires for what it names, and not on an ordinary day."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.telemetry.series import ALL
from tests.deploy.fronted import DEPLOY, program
from tests.deploy.prometheus import PACKAGE, names_in

FILE = DEPLOY / "alerts.yml"
(GROUP,) = yaml.safe_load(FILE.read_text())["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
PATIENCE_S = 120

ANSWERED = 'rag_proxy_requests_total{route="/chat/completions", status="200", code=""}'
WRONG = 'rag_proxy_requests_total{route="/chat/completions", status="400", code="x"}'
FAILED = 'rag_proxy_requests_total{route="/chat/completions", status="502", code="upstream_error"}'
BROKEN_OFF = 'rag_proxy_requests_total{route="/responses", status="200", code="upstream_error"}'
FIRST = 'rag_proxy_time_to_first_token_seconds_bucket{le="%s"}'
UPSTREAM = 'rag_proxy_upstream_requests_total{upstream="lighton", status="%s"}'

ORDINARY = {
    'up{job="rag-proxy", instance="a"}': "1x60",
    ANSWERED: "0+100x60",
    WRONG: "0+50x60",
    FAILED: "0+1x60",
    'rag_proxy_breaker_state{kind="host", name="a"}': "1x60",
    UPSTREAM % "200": "0+100x60",
    UPSTREAM % "429": "0+9x60",
    FIRST % "10": "0+100x60",
    FIRST % "300": "0+100x60",
    FIRST % "+Inf": "0+100x60",
    "rag_proxy_queue_length": "9x60",
}
DAYS: dict[str, dict[str, str]] = {
    "RagProxyDown": {'up{job="rag-proxy", instance="a"}': "0x60"},
    "RagProxyErrors": {FAILED: "0+9x60"},
    "RagProxyCircuitOpen": {'rag_proxy_breaker_state{kind="host", name="a"}': "2x60"},
    "RagProxyUpstreamRefusesKey": {UPSTREAM % "401": "0+1x60"},
    "RagProxySlowFirstToken": {FIRST % "10": "0+90x60"},
    "RagProxyQueue": {"rag_proxy_queue_length": "99x60"},
}


def firing(folder: Path, series: dict[str, str], expected: str = "") -> str:
    """What promtool says if after half an hour of `series` other alerts fire than `expected`.

    It compares names alone: labels and annotations are left out of the rules.
    """
    rules = [{"alert": each["alert"], "expr": f"sum({each['expr']})"} for each in RULES]
    for rule, whole in zip(rules, RULES, strict=True):
        rule |= {"for": whole.get("for", "0m")}
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": value} for name, value in series.items()],
        "alert_rule_test": [
            {
                "eval_time": "30m",
                "alertname": rule["alert"],
                "exp_alerts": [{}] if rule["alert"] == expected else [],
            }
            for rule in rules
        ],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    return promtool("test", "rules", str(file))


def promtool(*arguments: str) -> str:
    """What it finds fault with."""
    done = subprocess.run(  # noqa: S603 - Prometheus' own check
        [program("promtool", PACKAGE), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_prometheus_takes_its_files() -> None:
    assert promtool("check", "config", str(DEPLOY / "prometheus.yml")) == ""


def test_every_alert_is_of_a_series_that_the_proxy_has() -> None:
    assert names_in(FILE.read_text()) <= {each.name for each in ALL}


def test_nothing_fires_on_an_ordinary_day(tmp_path: Path) -> None:
    assert firing(tmp_path, ORDINARY) == ""


def test_there_is_a_bad_day_for_every_alert() -> None:
    assert DAYS.keys() == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("alert", DAYS)
def test_an_alert_fires_for_what_it_names_alone(tmp_path: Path, alert: str) -> None:
    assert firing(tmp_path, ORDINARY | DAYS[alert], alert) == ""


def test_streams_that_break_off_are_errors_though_their_status_is_200(tmp_path: Path) -> None:
    assert firing(tmp_path, ORDINARY | {BROKEN_OFF: "0+9x60"}, "RagProxyErrors") == ""
