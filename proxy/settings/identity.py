"""The settings that say who may ask beside the holders of keys."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from proxy.settings.hints import ADDRESS, SOME
from proxy.settings.profiles import NonBlank

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Those of `proxy.access.signatures`, which needs the extra `identity`: a test compares them."""
ALGORITHMS: Final[tuple[str, ...]] = get_args(Algorithm)


def _address(value: str) -> str:
    """An address exactly as it is written: an issuer's name may end with a slash or not."""
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # an invalid port, or a bracket that is never closed
        is_address = False
    if not is_address or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None or parts.fragment:
        raise ValueError("must be a plain address, without user name or '#'")
    return value


def _issuer(value: str) -> str:
    if "?" in value:
        raise ValueError("must be the issuer's name, an address without '?'")
    return value


def _in_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise ValueError("must not be empty")
    return values


Address = Annotated[NonBlank, AfterValidator(_address), ADDRESS]
Texts = Annotated[
    tuple[NonBlank, ...],
    BeforeValidator(
        _in_list, json_schema_input_type=NonBlank | Annotated[tuple[NonBlank, ...], SOME]
    ),
    AfterValidator(_some),
]


class OIDCSettings(BaseModel):
    """The issuer whose tokens open the proxy to the people whom they name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[Address, AfterValidator(_issuer)] = Field(
        description="The issuer's name, exactly as its tokens have it."
    )
    audience: Texts = Field(description="Whom a token must be for: one of these names.")
    jwks_url: Address | None = Field(
        None, description="Where the issuer's keys are, if it does not say so itself."
    )
    user_claim: NonBlank = Field("email", description="The claim that names the person.")
    groups_claim: NonBlank = Field("groups", description="The claim with the person's groups.")
    algorithms: Annotated[tuple[Algorithm, ...], AfterValidator(_some), SOME] = Field(
        get_args(Algorithm), description="The algorithms that a token may be signed with."
    )

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses that the proxy asks, by their settings."""
        given = {"identity.oidc.issuer": self.issuer, "identity.oidc.jwks_url": self.jwks_url}
        return {name: address for name, address in given.items() if address is not None}


class IdentitySettings(BaseModel):
    """How the proxy learns who asks, beside keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    oidc: OIDCSettings | None = Field(None, description="The issuer of tokens.")
