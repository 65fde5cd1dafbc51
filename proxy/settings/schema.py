"""All settings, in one frozen object. Nothing else in the proxy reads the environment or files.

`Settings(...)` takes its arguments and reads nothing; `load_settings` gathers the values from
flags, the environment, `.env` and a TOML file, in this order of precedence.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from proxy.core.scope import Retrieval
from proxy.errors import SettingsError
from proxy.settings.messages import fault, unknown, unquoted
from proxy.settings.profiles import (
    NonBlank,
    Profile,
    ProfileName,
    Rounds,
    ScopeSettings,
    Searches,
    Seconds,
)
from proxy.settings.sources import (
    CONFIG_VARIABLE,
    Source,
    from_environment,
    from_flags,
    from_toml,
    read_dotenv,
)

SCALEWAY_HOST: Final = "https://api.scaleway.ai"
_LONGEST_TTL_S: Final = 30 * 24 * 3600
DOTENV: Final = Path(".env")

_REDIS_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "redis": (),
    "rediss": (
        "ssl_ca_certs",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
    ),
    "unix": ("db", "password"),
}
"""The options that a Redis address may have after its '?', by scheme."""


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text:
        raise ValueError("must not be empty")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of plain ASCII: check for a line break or a space in it")
    return SecretStr(text)


def _url(value: str) -> str:
    text = value.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # an invalid port, or brackets that do not close
        is_address = False
    if not is_address or not text.isprintable():
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None or parts.query or parts.fragment or " " in text:
        raise ValueError("must be a plain address, without user name, spaces, '?' or '#'")
    return text


def _redis_url(value: SecretStr) -> SecretStr:
    """Refuse an address that redis-py would misread, or reject only when it connects."""
    try:
        parts = urlsplit(value.get_secret_value())
        is_address = _is_redis_address(parts)
    except ValueError:  # whose text may repeat a part of the password
        is_address = False
    if not is_address:
        raise ValueError(
            "must be redis://host:6379/0, rediss://… for TLS, or unix:///path; write a password's "
            "special characters as %XX"
        )
    known = _REDIS_OPTIONS[parts.scheme]
    given = parse_qs(parts.query, keep_blank_values=True)
    if not given.keys() <= set(known) or not all(map(str.isdigit, given.get("db", ()))):
        raise ValueError(f"may have after '?' only {', '.join(known) or 'nothing'}")
    return value


def _is_redis_address(parts: SplitResult) -> bool:
    """Whether it leads to a host, maybe with the number of a database, or to a socket."""
    if parts.fragment:
        return False
    if parts.scheme == "unix":
        is_path = parts.path.startswith("/") and len(parts.path) > 1
        return parts.hostname is None and is_path
    database = parts.path.removeprefix("/") or "0"
    has_host = bool(parts.hostname) and parts.port != 0
    return parts.scheme in _REDIS_OPTIONS and has_host and database.isdigit()


def _before(*endings: str) -> AfterValidator:
    """Refuse an address that ends with a path that the proxy itself adds."""

    def check(url: str) -> str:
        for ending in endings:
            if url.endswith(ending):
                raise ValueError(f"must be the address without {ending} at its end")
        return url

    return AfterValidator(check)


def _origin(value: str) -> str:
    text = value.rstrip("/")
    scheme, separator, host = text.partition("://")
    if text != "*" and (not scheme or not separator or not host or "/" in host):
        raise ValueError("must be an origin like https://chat.example.com, or *")
    return text


def _network(value: str) -> str:
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be an address like 10.0.0.1, or a network like 10.0.0.0/8") from None
    return value


def _project(value: str) -> str:
    if not value.replace("-", "").isalnum() or not value.isascii():
        raise ValueError("must be a project id like 00000000-0000-0000-0000-000000000000")
    return value


def _scaleway_url(known: Mapping[str, Any]) -> str:
    project = known.get("scaleway_project_id")
    return f"{SCALEWAY_HOST}/{project}/v1" if project else f"{SCALEWAY_HOST}/v1"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Secret = Annotated[SecretStr, AfterValidator(_secret)]
Url = Annotated[str, AfterValidator(_url)]
RedisUrl = Annotated[Secret, AfterValidator(_redis_url)]
LightOnUrl = Annotated[Url, _before("/api/v3", "/api/v3/search")]
ScalewayUrl = Annotated[Url, _before("/chat/completions")]
Origin = Annotated[NonBlank, AfterValidator(_origin)]
NetworkText = Annotated[NonBlank, AfterValidator(_network)]
ProjectId = Annotated[NonBlank, AfterValidator(_project)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]


class Settings(ScopeSettings, BaseSettings):
    """The settings of one proxy. Each description begins that setting's entry in the manual."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, case_sensitive=True
    )

    lighton_api_key: Secret | None = Field(
        None, description="The key that searches your documents in LightOn."
    )
    lighton_base_url: LightOnUrl = Field(
        "https://api.lighton.ai",
        description="Where LightOn answers, for example your own deployment of it.",
    )
    scaleway_api_key: Secret | None = Field(
        None, description="The secret key of Scaleway that generates the answers."
    )
    scaleway_project_id: ProjectId | None = Field(
        None, description="The Scaleway project that the model calls run in and are billed to."
    )
    scaleway_base_url: ScalewayUrl = Field(
        default_factory=_scaleway_url,
        description="Where Scaleway's Generative APIs answer, with the version in the path.",
    )

    ca_file: NonBlank | None = Field(
        None,
        description="A file with certificates of authorities to trust besides the system's.",
    )
    client_certificate: NonBlank | None = Field(
        None,
        description="A file with the certificate that the proxy shows to upstreams that ask for "
        "one.",
    )
    client_key: NonBlank | None = Field(
        None, description="A file with the private key of `client_certificate`."
    )

    host: NonBlank = Field("127.0.0.1", description="The address that the proxy listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port that the proxy listens on.")
    workers: int = Field(1, ge=1, description="How many processes serve requests.")
    api_keys: tuple[Secret, ...] = Field((), description="The keys that clients may use.")
    allow_forwarded: bool = Field(
        default=False,
        description="Whether a proxy without client keys serves requests that a reverse proxy "
        "passes on.",
    )
    cors_origins: tuple[Origin, ...] | None = Field(
        None, description="The origins whose web pages may call the proxy from a browser."
    )
    max_body_bytes: int = Field(
        20_000_000, ge=1, description="The largest request body that the proxy accepts, in bytes."
    )
    max_head_bytes: int = Field(
        64_000,
        ge=1_000,
        description="The largest request line with headers that the proxy accepts, in bytes.",
    )
    max_headers: int = Field(100, ge=1, description="The most headers that a request may have.")
    max_waiting_connections: int | None = Field(
        None,
        ge=2,
        description="The most connections without a complete request that one process keeps open.",
    )
    trusted_proxies: tuple[NetworkText, ...] = Field(
        (), description="The reverse proxies whose `X-Forwarded-For` header the proxy believes."
    )
    log_level: LogLevel = Field("info", description="How much the proxy logs.")

    default_model: NonBlank = Field(
        "llama-3.3-70b-instruct", description="The model of a request that names none."
    )
    retrieval: Retrieval = Field("tool", description="When the proxy searches documents.")
    max_rounds: Rounds = Field(
        4, description="The most rounds of searching for one answer; then the model must answer."
    )
    max_searches: Searches = Field(8, description="The most searches that one round may run.")
    budget_s: Seconds = Field(
        240, description="Seconds after which no new search starts and the model must answer."
    )
    on_search_error: Literal["tell_model", "fail"] = Field(
        "tell_model", description="What happens when a search fails."
    )
    search_memory: bool = Field(
        default=False, description="Whether later answers can use the searches of earlier ones."
    )
    instructions: str = Field(
        "",
        description="Text of your own that the proxy adds to the system message of each request.",
    )
    search_instructions: str | None = Field(
        None, description="Replaces the built-in text that tells the model how to search and cite."
    )
    context_instructions: str | None = Field(
        None,
        description="Replaces the built-in text that tells the model how to use and cite passages "
        "that the proxy found first.",
    )
    passage_chars: int = Field(
        48_000, ge=1, description="The most characters of passages that one request may hold."
    )
    max_answer_chars: int = Field(
        1_000_000,
        ge=1,
        description="The most characters of one answer; then it ends with finish_reason `length`.",
    )
    query_chars: int = Field(
        4000, ge=1, description="The longest query that LightOn accepts, in characters."
    )
    drop_params: tuple[NonBlank, ...] = Field(
        ("frequency_penalty", "n", "top_logprobs", "logit_bias", "user"),
        description="Request parameters that the proxy removes because Scaleway does not support "
        "them.",
    )

    head_timeout_s: Seconds = Field(
        10, description="Seconds in which the request line and headers must be complete."
    )
    body_timeout_s: Seconds = Field(30, description="Seconds to wait for more of a request body.")
    connect_timeout_s: Seconds = Field(5, description="Seconds to wait for a connection.")
    connection_max_age_s: Seconds = Field(
        300, description="Seconds after which a connection to an upstream takes no new request."
    )
    model_timeout_s: Seconds = Field(300, description="Seconds to wait for data from the model.")
    search_timeout_s: Seconds = Field(120, description="Seconds to wait for a search result.")
    commit_after_s: float = Field(
        10, ge=0, description="Seconds after which a stream begins even if nothing has arrived."
    )
    heartbeat_s: Seconds = Field(
        15, description="Seconds between signs of life in a stream that is silent."
    )
    keep_warm_s: float = Field(
        10, ge=0, le=15, description="Seconds between requests that keep connections open."
    )
    models_ttl_s: float = Field(
        60, ge=0, description="Seconds for which the proxy keeps Scaleway's list of models."
    )
    ready_ttl_s: float = Field(
        5, ge=0, description="Seconds for which the proxy keeps the result of a readiness check."
    )
    retry_after_s: int = Field(
        5,
        ge=0,
        description="Seconds that the proxy tells a client to wait when Scaleway names none.",
    )

    redis_url: RedisUrl | None = Field(
        None,
        description="The Redis or Valkey in which processes share their state between requests.",
    )
    turns_ttl_s: float = Field(
        3600,
        gt=0,
        le=_LONGEST_TTL_S,
        description="Seconds for which the proxy keeps the hidden part of an answer, counted from "
        "its last use.",
    )
    search_cache_ttl: float = Field(
        30,
        ge=0,
        le=_LONGEST_TTL_S,
        description="Seconds for which the results of a search serve equal searches.",
    )
    state_max_bytes: int = Field(
        64_000_000,
        ge=0,
        description="The most bytes that one process keeps in memory between requests.",
    )

    profiles: dict[ProfileName, Profile] = Field(
        default_factory=dict,
        description="Named choices of model and knowledge, each published as a model id.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only keywords: `load_settings` decides which other sources to read."""
        return (init_settings,)


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """The settings of this process. Overrides are command-line flags; None means not given.

    Raises SettingsError with every problem found.
    """
    fields = Settings.model_fields
    dotenv = read_dotenv(DOTENV)
    named = os.environ.get(CONFIG_VARIABLE) or dotenv.get(CONFIG_VARIABLE)
    file = config or (Path(named) if named else None)
    return _build(
        (
            from_flags(overrides),
            from_environment(fields, os.environ),
            from_environment(fields, dotenv, f" in {DOTENV}"),
            from_toml(file) if file else Source(),
        )
    )


def variable_names() -> frozenset[str]:
    """The names of the variables in the environment and in `.env`, without their values."""
    return frozenset((*os.environ, *read_dotenv(DOTENV)))


def _build(sources: Sequence[Source]) -> Settings:
    """Take each setting from the first source that has it."""
    layers = tuple(InitSettingsSource(Settings, dict(source.values)) for source in sources)
    problems = [problem for source in sources for problem in source.problems]
    try:
        settings = Settings(_build_sources=(layers, {}))
    except ValidationError as error:
        problems += [
            _problem(each, sources)
            for each in error.errors()
            if each["type"] != "default_factory_not_called"  # it only follows from another error
        ]
    if problems:
        raise SettingsError(*problems)
    return settings


def _problem(error: ErrorDetails, sources: Sequence[Source]) -> str:
    """One line for one validation error, in the words of the source that caused it."""
    path = [part for part in error["loc"] if isinstance(part, str) and part != "[key]"]
    source = next((each for each in sources if each.holds(path)), Source())
    if error["type"] != "extra_forbidden":
        return f"{source.label(path)}: {fault(error)}"
    if len(path) > 1 and isinstance(error["input"], Mapping):
        return f"{source.label(path)}: {unquoted('.'.join(path[1:]))}"
    fields = Settings.model_fields if len(path) == 1 else Profile.model_fields
    known = {name: name for name in fields}
    return f"{source.label(path)}: {unknown(path[-1].lower(), known)}"
