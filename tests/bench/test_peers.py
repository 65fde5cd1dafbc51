"""Peers: how each is told where the upstream is. None is started here."""

import tomllib
from pathlib import Path

import pytest

from bench import peers
from bench.site import Gateway, Site

MODELS = ("bench-8x0ms", "bench-103x5ms")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, 4711, MODELS)


@pytest.fixture
def secure_site(tmp_path: Path) -> Site:
    return Site(tmp_path / "secure", 4711, MODELS, "/authority.pem")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without peers."""
    monkeypatch.setattr(peers, "PEERS", tmp_path / "peers")
    monkeypatch.setattr(peers, "_PORTKEY", tmp_path / "peers" / "portkey")
    return tmp_path / "peers"


def gateway(name: str) -> Gateway:
    return {peer.name: peer for peer in peers.peers()}[name]


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("TensorZero", "SSL_CERT_FILE"),
        ("agentic-api", "SSL_CERT_FILE"),
        ("Portkey", "NODE_EXTRA_CA_CERTS"),
        ("LiteLLM", "SSL_CERT_FILE"),
    ],
)
def test_over_https_each_is_told_whom_to_trust(
    site: Site, secure_site: Site, name: str, variable: str
) -> None:
    assert gateway(name).launch(secure_site).env[variable] == secure_site.authority
    assert variable not in gateway(name).launch(site).env


def test_over_https_nginx_checks_the_certificate(secure_site: Site) -> None:
    gateway("nginx").launch(secure_site)
    config = (secure_site.folder / "nginx.conf").read_text()
    assert "proxy_pass https://scripted;" in config
    assert "proxy_ssl_verify on;" in config
    assert f"proxy_ssl_trusted_certificate {secure_site.authority};" in config


@pytest.mark.parametrize("name", ["nginx", "TensorZero", "agentic-api", "LiteLLM"])
def test_over_https_no_other_address_is_told(secure_site: Site, name: str) -> None:
    launch = gateway(name).launch(secure_site)
    written = [path.read_text() for path in secure_site.folder.glob("*")]
    told = " ".join([*launch.argv, *launch.env.values(), *written])
    assert "http://127.0.0.1:4711" not in told
    assert "127.0.0.1:4711" in told


def test_tensorzero_knows_every_model(site: Site) -> None:
    launch = gateway("TensorZero").launch(site)
    config = tomllib.loads(Path(launch.argv[-1]).read_text())
    assert tuple(config["models"]) == MODELS
    provider = config["models"][MODELS[0]]["providers"]["upstream"]
    assert provider["api_base"] == "http://127.0.0.1:4711/v1/"
    assert config["gateway"] == {"observability": {"enabled": False}}
    assert launch.port is None


def test_litellm_knows_every_model(site: Site) -> None:
    launch = gateway("LiteLLM").launch(site)
    config = Path(launch.argv[launch.argv.index("--config") + 1]).read_text()
    assert all(f"model: openai/{model}\n" in config for model in MODELS)
    assert config.count("api_base: http://127.0.0.1:4711/v1\n") == len(MODELS)


def test_nginx_listens_here_only_and_writes_into_its_folder(site: Site) -> None:
    launch = gateway("nginx").launch(site)
    config = (site.folder / "nginx.conf").read_text()
    assert f"listen 127.0.0.1:{launch.port} " in config
    assert "server 127.0.0.1:4711;" in config
    assert config.count(str(site.folder)) == 6


def test_agentic_api_is_given_the_upstream(site: Site) -> None:
    assert "--llm-api-base http://127.0.0.1:4711" in " ".join(
        gateway("agentic-api").launch(site).argv
    )


@pytest.mark.parametrize("name", ["TensorZero", "agentic-api", "LiteLLM"])
def test_a_package_that_is_not_installed_is_missing(empty: Path, name: str) -> None:
    assert gateway(name).missing() == peers.NOT_INSTALLED
    folder = name.lower()
    package = f"{folder.replace('-', '_')}-1.2.3.dist-info"
    (empty / folder / "lib" / "python3.11" / "site-packages" / package).mkdir(parents=True)
    assert gateway(name).missing() == ""
    assert gateway(name).version() == "1.2.3"


def test_portkey_needs_node_and_its_package(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.peers.shutil.which", lambda _: None)
    assert gateway("Portkey").missing() == "needs node"
    monkeypatch.setattr("bench.peers.shutil.which", lambda _: "/bin/node")
    assert gateway("Portkey").missing() == peers.NOT_INSTALLED
    (empty / "portkey").mkdir(parents=True)
    (empty / "portkey" / "package.json").write_text('{"version": "1.15.2"}')
    assert (gateway("Portkey").missing(), gateway("Portkey").version()) == ("", "1.15.2")


def test_nginx_is_ours_or_else_the_machines(
    empty: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    ours = empty / "nginx" / "usr" / "sbin" / "nginx"
    ours.parent.mkdir(parents=True)
    ours.write_text("#!/bin/sh\necho nginx version: nginx/1.22.1 >&2\n")
    ours.chmod(0o755)
    assert gateway("nginx").launch(site).argv[0] == str(ours)
    assert gateway("nginx").version() == "1.22.1"
    monkeypatch.setattr("bench.peers.shutil.which", lambda *_, **__: None)
    assert gateway("nginx").missing() == peers.NOT_INSTALLED
