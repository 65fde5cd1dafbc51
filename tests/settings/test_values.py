"""Each rule about a single value."""

import pytest
from pydantic import ValidationError

from proxy.settings import Settings
from proxy.state.store import make_store
from tests.settings.given import SECRET, problems, set_variables, toml


def test_whitespace_around_a_key_is_not_part_of_it() -> None:
    key = Settings(lighton_api_key=f" {SECRET}\n").lighton_api_key
    assert key
    assert key.get_secret_value() == SECRET


@pytest.mark.parametrize("value", [f"{SECRET} x", f"{SECRET}\nx", f"{SECRET}\u200bx", f"{SECRET}é"])
def test_a_key_with_a_space_or_line_break_is_refused_without_showing_it(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, SCW_SECRET_KEY=value)
    (problem,) = problems()
    assert problem.startswith("SCW_SECRET_KEY: must be one word of plain ASCII")
    assert SECRET not in problem


def test_an_empty_key_in_the_file_is_an_error() -> None:
    assert problems(toml("lighton_api_key = ' '")) == (
        "lighton_api_key in rag-proxy.toml: must not be empty",
    )


@pytest.mark.parametrize(
    "value",
    [
        "ftp://x",
        "api.lighton.ai",
        "https://",
        "https://u:p@x",
        "https://x/?a",
        "https://x#a",
        "https://x y",
        "https://[x",
        "https://x\u0000y",
        "https://ex\u00e4mple..com",
        "https://" + "x" * 64,
    ],
)
def test_an_address_must_be_plain_http(value: str) -> None:
    with pytest.raises(ValidationError):
        Settings(lighton_base_url=value)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lighton_base_url", "/api/v3"),
        ("lighton_base_url", "/api/v3/search"),
        ("scaleway_base_url", "/chat/completions"),
    ],
)
def test_what_the_proxy_adds_to_an_address_is_to_be_left_out(name: str, path: str) -> None:
    assert problems(toml(f"{name} = 'https://x/v1{path}/'")) == (
        f"{name} in rag-proxy.toml: must be the address without {path} at its end",
    )


def test_an_address_may_have_a_name_beyond_ascii() -> None:
    address = "https://ex\u00e4mple.com"
    assert Settings(lighton_base_url=address).lighton_base_url == address


def test_an_address_loses_whitespace_and_slashes_at_its_end() -> None:
    assert Settings(lighton_base_url=" http://x:1/a// ").lighton_base_url == "http://x:1/a"


@pytest.mark.parametrize(
    "value",
    [
        "redis://localhost",
        "redis://localhost/",
        "redis://user:p%40ss@redis.internal:6379/15",
        "rediss://:pass@[::1]:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_check_hostname=false",
        "unix:///run/redis.sock",
        "unix://user@/run/redis.sock?db=2&password=p%26ss",
        " redis://localhost\n",
    ],
)
def test_a_redis_is_reached_by_tcp_tls_or_a_socket(value: str) -> None:
    url = Settings(redis_url=value).redis_url
    assert url
    assert url.get_secret_value() == value.strip()
    assert value.strip() not in f"{Settings(redis_url=value)!r}"
    assert callable(make_store(url.get_secret_value(), 0, b"").read)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:6379",
        "http://{secret}@localhost:6379",
        "redis+sentinel://{secret}@localhost",
        "redis://",
        "redis://:{secret}@",
        "redis://:{secret}#@localhost",
        "redis://:{secret}/@localhost",
        "redis://localhost:{secret}",
        "redis://localhost:65536",
        "redis://localhost:0",
        "redis://localhost/{secret}",
        "redis://localhost/0/1",
        "redis://localhost/0#{secret}",
        "redis://[{secret}",
        "unix://run/redis.sock",
        "unix:///",
        "unix:run.sock",
    ],
)
def test_what_is_no_redis_address_is_refused_without_showing_it(address: str) -> None:
    (problem,) = problems(toml(f"redis_url = '{address.format(secret=SECRET)}'"))
    assert problem.startswith(
        "redis_url in rag-proxy.toml: must be redis://host:6379/0, rediss://… for TLS, or unix:///path"
    )
    assert SECRET not in problem


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("redis://localhost?max_connections=1", "nothing"),
        ("redis://localhost?ssl_ca_certs=/ca.pem", "nothing"),
        ("redis://localhost?{secret}", "nothing"),
        ("rediss://localhost?pasword={secret}", "ssl_ca_certs, ssl_cert_reqs, ssl_certfile, "),
        ("unix:///redis.sock?decode_responses=true", "db, password"),
        ("unix:///redis.sock?db={secret}", "db, password"),
        ("unix:///redis.sock?db=", "db, password"),
    ],
)
def test_an_option_of_redis_that_is_unknown_is_refused_without_showing_it(
    address: str, options: str
) -> None:
    (problem,) = problems(toml(f"redis_url = '{address.format(secret=SECRET)}'"))
    expected = f"redis_url in rag-proxy.toml: may have after '?' only {options}"
    assert problem.startswith(expected)
    assert SECRET not in problem


@pytest.mark.parametrize(
    ("origin", "stored"),
    [("https://a.example/", "https://a.example"), ("*", "*"), ("app://obsidian.md",) * 2],
)
def test_an_origin_is_kept_as_browsers_send_it(origin: str, stored: str) -> None:
    assert Settings(cors_origins=[origin]).cors_origins == (stored,)


@pytest.mark.parametrize("origin", ["a.example", "https://a.example/path", "https://", ""])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        Settings(cors_origins=[origin])


def test_the_log_level_may_be_written_in_capitals() -> None:
    assert Settings(log_level="WARNING").log_level == "warning"
