"""What a gateway is told, and its twin with https upstreams."""

from pathlib import Path

import pytest

from bench.servers import upstream_launch
from bench.site import Gateway, Site, asking_https, over_https, plain_name
from bench.subjects import Subject

PEER = Gateway("peer", lambda: "", lambda: "1", lambda _: upstream_launch())


def test_an_authority_makes_the_upstream_https(tmp_path: Path) -> None:
    plain, secure = (Site(tmp_path, 4711, (), authority) for authority in ("", "/a.pem"))
    assert (plain.upstream, plain.trust("CA")) == ("http://127.0.0.1:4711", {})
    assert (secure.upstream, secure.trust("CA")) == ("https://127.0.0.1:4711", {"CA": "/a.pem"})


def test_a_twin_has_a_name_of_its_own_which_its_column_names(tmp_path: Path) -> None:
    twin = over_https(PEER)
    column = asking_https(Subject("peer-off", "peer"))
    assert (twin.name, column.name, column.gateway) == ("peer-https", "peer-off-https", twin.name)
    assert (PEER.is_secure, twin.is_secure) == (False, True)
    assert twin.launch(Site(tmp_path, 4711, ())) == PEER.launch(Site(tmp_path, 4711, ()))
    assert [plain_name(each) for each in (twin.name, PEER.name)] == ["peer", "peer"]


def test_without_openssl_only_the_twin_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.certificates.shutil.which", lambda _: None)
    assert (PEER.missing(), over_https(PEER).missing()) == ("", "needs openssl")
    absent = Gateway("absent", lambda: "not installed", str, PEER.launch)
    assert over_https(absent).missing() == "not installed"
