"""`deploy/kubernetes/`: as the cluster's schemas say, and in step with the settings."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has none
import pytest
import yaml

from proxy.settings import Settings, load_settings
from tests.deploy.fronted import DEPLOY, program
from tests.deploy.settings_named import unknown

DOCKERFILE = (DEPLOY.parent / "Dockerfile").read_text()
FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
PATIENCE_S = 120
VERSION = "1.33"
NAME = {"app.kubernetes.io/name": "rag-proxy"}


def documents() -> Iterator[dict[str, Any]]:
    for file in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((FOLDER / file).read_text())


def by_name(found: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


ALL = by_name(documents())
POD = ALL["Deployment", "rag-proxy"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
ENVIRONMENT = {each["name"]: each["value"] for each in CONTAINER["env"]}
PORTS = {each["name"]: each["containerPort"] for each in CONTAINER["ports"]}


@pytest.mark.parametrize("document", ALL.values(), ids=lambda each: each["kind"])
def test_a_cluster_takes_it(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_every_file_here_is_used() -> None:
    settings = [file for each in KUSTOMIZATION["configMapGenerator"] for file in each["files"]]
    used = {"kustomization.yaml", *KUSTOMIZATION["resources"], *settings}

    assert {file.name for file in FOLDER.iterdir()} == used


def test_kustomize_leaves_every_selector_as_it_is() -> None:
    kubectl = program("kubectl", "kubernetes-client")
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(  # noqa: S603 - kubectl, which asks no cluster here
            [kubectl, "kustomize", str(FOLDER)],
            env={"HOME": home},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    assert done.returncode == 0, done.stderr
    built = {
        (each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(done.stdout)
    }
    assert {each["metadata"]["namespace"] for each in built.values()} == {"rag-proxy"}
    for key, document in ALL.items():
        for part in ("selector", "podSelector", "egress"):
            assert built[key]["spec"].get(part) == document["spec"].get(part)
    pod = str(built["Deployment", "rag-proxy"]["spec"]["template"]["spec"])
    ((_, settings),) = (key for key in built if key[0] == "ConfigMap")
    assert f"'configMap': {{'name': '{settings}'}}" in pod
    assert "'image': 'rag-proxy:0.1.0'" in pod


def test_everything_means_the_same_pods() -> None:
    assert ALL["Deployment", "rag-proxy"]["spec"]["selector"]["matchLabels"] == NAME
    assert ALL["Deployment", "rag-proxy"]["spec"]["template"]["metadata"]["labels"] == NAME
    assert ALL["Service", "rag-proxy"]["spec"]["selector"] == NAME
    assert ALL["Service", "rag-proxy-metrics"]["spec"]["selector"] == NAME
    assert ALL["PodDisruptionBudget", "rag-proxy"]["spec"]["selector"]["matchLabels"] == NAME
    assert ALL["NetworkPolicy", "rag-proxy"]["spec"]["podSelector"]["matchLabels"] == NAME
    scaled = ALL["HorizontalPodAutoscaler", "rag-proxy"]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) in ALL


def test_the_proxy_knows_every_variable_that_it_is_given() -> None:
    assert unknown(ENVIRONMENT) == set()


def test_the_proxy_s_file_is_one_of_settings() -> None:
    settings = load_settings(FOLDER / "rag-proxy.toml")

    assert settings.default_model in settings.profiles


def test_the_pod_lives_as_long_as_the_proxy_drains() -> None:
    drain_s = float(ENVIRONMENT["RAG_PROXY_DRAIN_DELAY_S"])
    grace_s = float(ENVIRONMENT["RAG_PROXY_GRACE_S"])
    probe = CONTAINER["readinessProbe"]

    assert POD["terminationGracePeriodSeconds"] > drain_s + grace_s
    assert drain_s > probe["periodSeconds"]
    assert "lifecycle" not in CONTAINER


def test_the_ports_are_those_on_which_the_proxy_listens() -> None:
    (exposed,) = re.findall(
        r"^EXPOSE (\d+)$", (DEPLOY.parent / "Dockerfile").read_text(), re.MULTILINE
    )

    assert PORTS["http"] == int(exposed) == Settings().port
    assert PORTS["metrics"] == int(ENVIRONMENT["RAG_PROXY_METRICS_PORT"])
    metrics = ALL["Service", "rag-proxy-metrics"]
    assert metrics["metadata"]["annotations"]["prometheus.io/port"] == str(PORTS["metrics"])


def test_readiness_has_the_time_that_the_upstreams_get() -> None:
    assert CONTAINER["readinessProbe"]["timeoutSeconds"] > Settings().ready_ttl_s
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/health"
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_the_pod_can_do_nothing_but_serve() -> None:
    (user,) = re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)

    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == int(user)
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_every_secret_is_a_file_in_a_folder_that_is_mounted() -> None:
    mounted = [each["mountPath"] for each in CONTAINER["volumeMounts"]]
    files = {name: value for name, value in ENVIRONMENT.items() if value.startswith("/")}

    assert {name for name in files if "KEY" in name or "URL" in name} >= {
        "LIGHTON_API_KEY_FILE",
        "SCALEWAY_API_KEY_FILE",
        "RAG_PROXY_REDIS_URL_FILE",
        "RAG_PROXY_KEYS_FILE",
    }
    assert all(str(Path(value).parent) in mounted for value in files.values())
    volumes = {each["name"] for each in POD["volumes"]}
    assert {each["name"] for each in CONTAINER["volumeMounts"]} == volumes


def test_the_memory_is_more_than_requests_may_hold() -> None:
    limit = int(CONTAINER["resources"]["limits"]["memory"].removesuffix("Mi")) * 1024 * 1024
    held = Settings().max_inflight_bytes + Settings().state_max_bytes

    assert limit > 2 * held
