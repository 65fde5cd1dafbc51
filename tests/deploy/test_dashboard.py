"""Grafana's dashboard: every query asks for what there is, and a real scrape answers it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.telemetry.series import ALL
from tests.deploy.fronted import DEPLOY
from tests.deploy.prometheus import expressions_of, names_in, read, scraped

GRAFANA = DEPLOY / "grafana"
DASHBOARD = read(GRAFANA / "dashboards" / "rag-proxy.json")
PANELS: list[dict[str, Any]] = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
SERIES = {each.name: each for each in ALL}
OF_QUERIES = {"le"}


def test_every_series_that_the_proxy_has_is_shown_and_no_other() -> None:
    assert names_in(str(expressions_of(DASHBOARD))) == SERIES.keys()


@pytest.mark.parametrize("panel", PANELS, ids=lambda each: f"{each['id']}")
def test_a_legend_names_labels_that_the_series_of_its_panel_have(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        labels = {label for name in names_in(target["expr"]) for label in SERIES[name].labels}
        legend = {word.split("}}")[0] for word in target["legendFormat"].split("{{")[1:]}
        assert legend <= labels


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_grafana_finds_the_dashboard_and_the_dashboard_its_source() -> None:
    (provider,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "dashboards" / "rag-proxy.yaml").read_text()
    )["providers"]
    (source,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text()
    )["datasources"]
    (grafana,) = (
        service
        for name, service in yaml.safe_load((DEPLOY / "compose.yaml").read_text())[
            "services"
        ].items()
        if name == "grafana"
    )

    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"


@pytest.mark.long
def test_a_real_scrape_answers_every_query(tmp_path: Path) -> None:
    queries = [each.replace("$__rate_interval", "1m") for each in expressions_of(DASHBOARD)]

    with scraped(tmp_path) as prometheus:
        prometheus.until_shown(queries)
        (failed,) = prometheus.query(queries[1])

    assert 0 < float(failed["value"][1]) < 1
