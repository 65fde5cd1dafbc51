"""All settings, in one frozen object.

`Settings(...)` takes its arguments and reads nothing. `load_settings` gathers the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, Field

from proxy.core.followups import Followups
from proxy.core.plan import (
    AnswerLinks,
    CitationNumbers,
    OnSearchError,
    TextCallsRead,
    WhenNothingFound,
)
from proxy.core.scope import Retrieval, Shown
from proxy.settings.access import AccessRule
from proxy.settings.params import DROPPED, REFUSED
from proxy.settings.profiles import (
    ByLanguage,
    NonBlank,
    Profile,
    ProfileName,
    Rounds,
    ScopeSettings,
    Searches,
    Seconds,
)
from proxy.settings.records import RecordSettings
from proxy.settings.serving import ServingSettings
from proxy.settings.values import (
    CitationHost,
    LightOnUrl,
    ProjectId,
    RedisUrl,
    ScalewayUrl,
    Secret,
)

SCALEWAY_HOST: Final = "https://api.scaleway.ai"
_LONGEST_TTL_S: Final = 30 * 24 * 3600


def _scaleway_url(known: Mapping[str, Any]) -> str:
    project = known.get("scaleway_project_id")
    return f"{SCALEWAY_HOST}/{project}/v1" if project else f"{SCALEWAY_HOST}/v1"


class Settings(ServingSettings, RecordSettings, ScopeSettings):
    """The settings of one proxy. Each description begins that setting's entry in the manual."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
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

    default_model: NonBlank = Field(
        "llama-3.3-70b-instruct", description="The model of a request that names none."
    )
    retrieval: Retrieval = Field("tool", description="When the proxy searches documents.")
    followups: Followups = Field(
        "merge",
        description="How the modes that search first treat a short message that follows another.",
    )
    max_rounds: Rounds = Field(
        4, description="The most rounds of searching for one answer; then the model must answer."
    )
    max_searches: Searches = Field(8, description="The most searches that one round may run.")
    budget_s: Seconds = Field(
        240, description="Seconds after which no new search starts and the model must answer."
    )
    on_search_error: OnSearchError = Field(
        "tell_model", description="What happens when a search fails."
    )
    citation_numbers: CitationNumbers = Field(
        "sources", description="What the numbers in an answer count: its sources, or passages."
    )
    answer_links: AnswerLinks = Field(
        "sources", description="Which links an answer may hold that rests on documents."
    )
    link_hosts: tuple[NonBlank, ...] = Field(
        (), description="Hosts that links in such an answer may lead to, beside its sources."
    )
    text_calls: TextCallsRead = Field(
        "all", description="Whose tool calls the proxy reads where the model writes them as text."
    )
    json_with_tools: bool = Field(
        default=False,
        description="Whether the models can call tools where they must answer in JSON.",
    )
    progress: Shown = Field(
        "off", description="What a streamed answer shows of searches while they run."
    )
    read_documents: bool = Field(
        default=False,
        description="Whether the model can read on in the documents that it found.",
    )
    search_memory: bool = Field(
        default=True, description="Whether later answers can use the searches of earlier ones."
    )
    memory_chars: int = Field(
        12_000,
        ge=0,
        description="The most characters of earlier answers' passages that one request may hold.",
    )
    instructions: str = Field(
        "",
        description="Text of your own that the proxy adds to the system message of each request.",
    )
    search_instructions: str | None = Field(
        None, description="Replaces the built-in text that tells the model how to search."
    )
    context_instructions: str | None = Field(
        None,
        description="Replaces the built-in text before passages that the proxy found first.",
    )
    citing_instructions: str | None = Field(
        None,
        description="Replaces the built-in text after passages that asks the model to cite them.",
    )
    when_nothing_found: WhenNothingFound = Field(
        "model", description="What happens when the searches for an answer find nothing."
    )
    refusal_text: ByLanguage | None = Field(
        None, description="What the proxy says instead of an answer that it refuses."
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
    citation_hosts: tuple[CitationHost, ...] = Field(
        (), description="The only hosts that citations may lead to."
    )
    drop_params: tuple[NonBlank, ...] = Field(
        DROPPED,
        description="Request parameters that the proxy removes because Scaleway does not support "
        "them.",
    )
    refused_params: tuple[NonBlank, ...] = Field(
        REFUSED,
        description="Request parameters that the proxy refuses because they could take the "
        "passages out of the prompt, or bring the prompt back.",
    )

    head_timeout_s: Seconds = Field(
        10, description="Seconds in which the request line and headers must be complete."
    )
    body_timeout_s: Seconds = Field(30, description="Seconds to wait for more of a request body.")
    connect_timeout_s: Seconds = Field(5, description="Seconds to wait for a connection.")
    connection_max_age_s: Seconds = Field(
        300, description="Seconds after which a connection to an upstream takes no new request."
    )
    answer_timeout_s: Seconds = Field(300, description="Seconds for all of an answer.")
    round_idle_s: Seconds = Field(
        240, description="Seconds in which a round of the model must go on with its answer."
    )
    search_timeout_s: Seconds = Field(120, description="Seconds to wait for a search result.")
    breaker_failures: int = Field(
        5,
        ge=0,
        description="How many failures in a row stop requests to an upstream for a while; 0 never "
        "stops them.",
    )
    breaker_open_s: Seconds = Field(
        30, description="The most seconds without a request to an upstream that keeps failing."
    )
    client_stall_s: Seconds = Field(
        60, description="Seconds in which a client must take something of what waits for it."
    )
    max_concurrent_model_requests: int = Field(
        100,
        ge=0,
        description="The most requests to the model at the same time; others wait. 0 is no limit.",
    )
    queue_length: int = Field(
        1_000, ge=0, description="The most requests that wait for the model in one process."
    )
    queue_timeout_s: Seconds = Field(
        9, description="The most seconds that a request waits until the model can be asked."
    )
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
    search_retries: int = Field(
        2, ge=0, le=10, description="How often the proxy sends a failed search again at most."
    )
    model_retries: int = Field(
        2, ge=0, le=10, description="How often the proxy asks the model again at most."
    )
    retry_unsure: bool = Field(
        default=False,
        description="Whether it also sends again what an upstream may have worked on.",
    )
    retry_after_max_s: Seconds = Field(
        60, description="The longest wait that an upstream may ask for, in seconds."
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
    responses_ttl_s: float = Field(
        86_400,
        gt=0,
        le=_LONGEST_TTL_S,
        description="Seconds for which the proxy stores a response, counted from the last request "
        "that goes on from it.",
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

    access: tuple[AccessRule, ...] = Field(
        (), description="What people may use who ask through a key or with a token of their own."
    )
    show_scope: bool = Field(
        default=False, description="Whether a reply says which scope held for its searches."
    )
    profiles: dict[ProfileName, Profile] = Field(
        default_factory=dict,
        description="Named choices of model and knowledge, each published as a model id.",
    )

    @property
    def has_keys(self) -> bool:
        """Whether every request needs a key or a token.

        With a key file it does, whatever the file holds.
        """
        has_issuer = self.issuer_url is not None
        return bool(self.api_keys) or self.keys_file is not None or has_issuer

    @property
    def shows_page(self) -> bool:
        return not self.has_keys if self.page is None else self.page

    @property
    def issuer_url(self) -> str | None:
        """Where the keys of the issuer of tokens are, or where that is said."""
        oidc = None if self.identity is None else self.identity.oidc
        return None if oidc is None else oidc.jwks_url or oidc.issuer
