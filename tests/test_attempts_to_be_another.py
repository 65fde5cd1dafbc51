"""Attempts to be somebody else, each over the whole proxy with an issuer of tokens.

Ann may search workspace 42, Bob 43, and the group hr 44. Mallory may search nothing. The table says
what is tried and what comes of it; most try to be Ann.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey

from tests.support.forged import (
    OWN,
    OWN_RSA,
    Make,
    bare,
    confused,
    ec_key,
    edited,
    edited_header,
    encrypted,
    injected,
    part,
    stripped,
    token,
    unsigned,
    while_down,
    withdrawn,
)
from tests.support.issuer import DISCOVERY, KEYS, sign, user_header
from tests.support.openai_schema import check_error
from tests.support.persons import (
    ANN,
    BOB,
    FRONT,
    GROUP,
    GROUPS,
    JWT,
    NARROW,
    OTHER,
    PLAIN,
    PORTAL,
    SECRETS,
    UNSET,
    USER,
    World,
    world_in,
)
from tests.test_attempts import Refused, Within

MALLORY = "mallory@example.com"
NOW = int(time.time())
SECRET = SECRETS["FRONT_SECRET"]
WRONG = Refused(401, "invalid_api_key")
NOBODY = Refused(401, "no_person")
NO_RULE = Refused(403, "no_access")
UNKNOWN = Refused(503, "identity_unavailable")
AS_ANN, AS_BOB, AS_GROUP = Within((42,)), Within((43,)), Within((44,))

Header = tuple[str, str | bytes]


@dataclass(frozen=True)
class Attempt:
    """A request: what stands after `Bearer`, and further headers."""

    says: str
    bearer: str | Make
    outcome: Refused | Within
    headers: tuple[Header | Callable[[World], Header], ...] = ()
    wish: dict[str, Any] | None = None


def signed(text: str) -> tuple[Header]:
    return ((JWT, text),)


def named(text: str | bytes, *groups: str) -> tuple[Header, ...]:
    return ((USER, text), *((GROUPS, each) for each in groups))


# What is made at the start must still be valid when the last test asks with it.
lasting_header = partial(user_header, lasts_s=36_000)
CLAIMS = {"email": ANN, "exp": NOW + 36_000}

BY_TOKEN = (
    Attempt("a token of Ann's", token(ANN), AS_ANN),
    Attempt("a token of somebody without a rule", token(MALLORY), NO_RULE),
    Attempt("`alg: none`", unsigned("none"), WRONG),
    Attempt("`alg: nOnE`", unsigned("nOnE"), WRONG),
    Attempt("an empty `alg`", unsigned(""), WRONG),
    Attempt("HS256 with the public key in PEM", confused(lambda key: ec_key(key).as_pem()), WRONG),
    Attempt("HS256 with the public key in DER", confused(lambda key: ec_key(key).as_der()), WRONG),
    Attempt(
        "HS256 with the public key as a JWK",
        confused(lambda key: json.dumps(key.as_dict(private=False)).encode()),
        WRONG,
    ),
    Attempt("HS256 with an empty secret", confused(lambda _: b"\0"), WRONG),
    Attempt("a key of one's own under the issuer's name of its key", token(ANN, key=OWN), WRONG),
    Attempt("a key of one's own without a name", token(ANN, key=OWN, header={"kid": None}), WRONG),
    Attempt(
        "an RSA key of one's own under the name of the issuer's EC key",
        token(ANN, key=OWN_RSA, header={"alg": "RS256"}),
        WRONG,
    ),
    Attempt(
        "a name of a key that the issuer does not have", token(ANN, header={"kid": "x"}), WRONG
    ),
    Attempt(
        "a name of a key that is a path",
        token(ANN, key=OWN, header={"kid": "../../../../dev/null"}),
        WRONG,
    ),
    Attempt("`jku` leads to a key of one's own", injected(jku=True), WRONG),
    Attempt("`x5u` leads to a key of one's own", injected(x5u=True), WRONG),
    Attempt("`jwk` holds a key of one's own", injected(jwk=OWN.as_dict(private=False)), WRONG),
    Attempt("`x5c` holds a certificate of one's own", injected(x5c=["MIIB"]), WRONG),
    Attempt("`crit` changes how a token is read", token(ANN, header={"crit": ["kid"]}), WRONG),
    Attempt("`b64` changes how a token is read", token(ANN, header={"b64": True}), WRONG),
    Attempt("Bob's token with Ann in it", edited, WRONG),
    Attempt("Ann's token without its signature", stripped, WRONG),
    Attempt("Ann's token without its third part", bare, WRONG),
    Attempt("an encrypted token", encrypted, WRONG),
    Attempt("a token whose key the issuer has withdrawn", withdrawn, WRONG),
    Attempt("a token while the issuer is down", while_down, UNKNOWN),
    Attempt("a token for another audience", token(ANN, aud="other"), WRONG),
    Attempt("a token for nobody in particular", token(ANN, aud=None), WRONG),
    Attempt("a token of another issuer", token(ANN, iss="https://evil.test"), WRONG),
    Attempt(
        "a token of the issuer with a slash more",
        lambda world: world.issuer.token(ANN, iss=f"{world.issuer.url}/"),
        WRONG,
    ),
    Attempt("a token that has expired", token(ANN, exp=NOW - 120), WRONG),
    Attempt("a token that never expires", token(ANN, exp=None), WRONG),
    Attempt("a token that expires at a text", token(ANN, exp=str(NOW + 36_000)), WRONG),
    Attempt("a token that is not valid yet", token(ANN, nbf=NOW + 36_000), WRONG),
    Attempt("a token from the future", token(ANN, iat=NOW + 36_000), WRONG),
    Attempt("a token whose address is not verified", token(ANN, email_verified=False), WRONG),
    Attempt("a token without an address, whose subject is Ann's", token(None, sub=ANN), WRONG),
    Attempt("a token with a list of addresses", token(None, email=[ANN]), WRONG),
    Attempt("a token of Ann in capitals", token("ANN@Example.com"), AS_ANN),
    Attempt("a token of Ann with a space", token(f"{ANN} "), WRONG),
    Attempt("a token of Ann with an invisible character", token(f"a\u200b{ANN[1:]}"), WRONG),
    Attempt("a token of Ann with a line break", token(f"{ANN}\n"), WRONG),
    Attempt("a token of Ann with a Cyrillic letter", token(f"\u0430{ANN[1:]}"), NO_RULE),
    Attempt("a token of Ann in full-width letters", token(f"\uff41{ANN[1:]}"), NO_RULE),
    Attempt("a token of a person who is named as a group", token(GROUP), NO_RULE),
    Attempt("a token of a group in capitals", token(MALLORY, "HR"), NO_RULE),
    Attempt("a token of a group in a list in the list", token(MALLORY, [GROUP]), NO_RULE),
    Attempt("a token of 40,000 characters", token(ANN, x="x" * 40_000), WRONG),
    Attempt("a token whose header has lists 2,700 deep", f"{'W1tb' * 900}.e30.x", WRONG),
    Attempt(
        "two tokens in one header", lambda w: f"{token(BOB)(w)}, Bearer {token(ANN)(w)}", WRONG
    ),
    Attempt(
        "the header twice, first Bob's and then Ann's",
        token(BOB),
        WRONG,
        (lambda world: ("authorization", f"Bearer {world.issuer.token(ANN)}"),),
    ),
    Attempt("Bob's token, and a user header with Ann", token(BOB), AS_BOB, named(ANN)),
    Attempt("Bob's token, and a header with a group", token(BOB), AS_BOB, ((GROUPS, GROUP),)),
    Attempt(
        "Bob's token asks for Ann's workspace",
        token(BOB),
        Refused(403, "empty_scope"),
        wish={"lighton": {"workspace_id": [42]}},
    ),
    Attempt("a front-end's signed header as a token", lasting_header(SECRET, ANN), WRONG),
)

BY_SIGNED_HEADER = (
    Attempt("a signed header of Ann's", FRONT, AS_ANN, signed(lasting_header(SECRET, ANN))),
    Attempt(
        "the name of the header in capitals",
        FRONT,
        AS_ANN,
        ((JWT.upper(), lasting_header(SECRET, ANN)),),
    ),
    Attempt("no header", FRONT, NOBODY),
    Attempt("an empty header", FRONT, NOBODY, signed("")),
    Attempt(
        "the name of the header with underscores",
        FRONT,
        NOBODY,
        ((JWT.replace("-", "_"), lasting_header(SECRET, ANN)),),
    ),
    Attempt("a plain header for a key that wants a signed one", FRONT, NOBODY, named(ANN)),
    Attempt("a plain name in the signed header", FRONT, WRONG, signed(ANN)),
    Attempt("the key itself in the signed header", FRONT, WRONG, signed(FRONT)),
    Attempt(
        "Ann signed with the secret of another front-end",
        FRONT,
        WRONG,
        signed(lasting_header(SECRETS["OTHER_SECRET"], ANN)),
    ),
    Attempt(
        "a signed header of one front-end behind the key of another",
        OTHER,
        WRONG,
        signed(lasting_header(SECRET, ANN)),
    ),
    Attempt("a signed header without a key", "", WRONG, signed(lasting_header(SECRET, ANN))),
    Attempt("Bob's signed header with Ann in it", FRONT, WRONG, signed(edited_header(SECRET))),
    Attempt(
        "a signed header that has expired",
        FRONT,
        WRONG,
        signed(user_header(SECRET, ANN, exp=NOW - 120)),
    ),
    Attempt(
        "a signed header that never expires",
        FRONT,
        WRONG,
        signed(user_header(SECRET, ANN, exp=None)),
    ),
    Attempt(
        "a signed header with `alg: none`",
        FRONT,
        WRONG,
        signed(f"{part({'alg': 'none'})}.{part(CLAIMS)}."),
    ),
    Attempt(
        "a signed header with another hash",
        FRONT,
        WRONG,
        signed(sign(CLAIMS, OctKey.import_key(SECRET), {"alg": "HS512"})),
    ),
    Attempt(
        "a signed header twice, first Bob's and then Ann's",
        FRONT,
        WRONG,
        (*signed(lasting_header(SECRET, BOB)), *signed(lasting_header(SECRET, ANN))),
    ),
    Attempt(
        "both in one, as a reverse proxy joins them",
        FRONT,
        WRONG,
        signed(f"{lasting_header(SECRET, BOB)}, {lasting_header(SECRET, ANN)}"),
    ),
    Attempt(
        "a token of the issuer as a signed header",
        FRONT,
        WRONG,
        (lambda world: (JWT, world.issuer.token(ANN)),),
    ),
    Attempt(
        "a header with groups twice",
        FRONT,
        WRONG,
        (*signed(lasting_header(SECRET, BOB)), (GROUPS, ""), (GROUPS, GROUP)),
    ),
    Attempt(
        "Bob's signed header, and a plain one with Ann",
        FRONT,
        AS_BOB,
        (*signed(lasting_header(SECRET, BOB)), *named(ANN)),
    ),
    Attempt(
        "groups in the signed header, which nobody vouches for",
        FRONT,
        NO_RULE,
        signed(user_header(SECRET, MALLORY, groups=[GROUP], role="admin")),
    ),
    Attempt(
        "a front-end whose secret is not set", UNSET, UNKNOWN, signed(lasting_header(SECRET, ANN))
    ),
)

BY_PLAIN_HEADER = (
    Attempt("a plain header with Ann", PORTAL, AS_ANN, named(ANN)),
    Attempt("a plain header with a group", PORTAL, AS_GROUP, named(MALLORY, GROUP)),
    Attempt("no plain header", PORTAL, NOBODY),
    Attempt("groups and no person", PORTAL, NOBODY, ((GROUPS, GROUP),)),
    Attempt("a plain header twice", PORTAL, WRONG, (*named(BOB), *named(ANN))),
    Attempt("two names with a comma", PORTAL, WRONG, named(f"{BOB}, {ANN}")),
    Attempt("Ann with a no-break space", PORTAL, WRONG, named(f"{ANN}\u00a0")),
    Attempt("Ann with a tabulator", PORTAL, WRONG, named(f"ann\t{ANN[3:]}")),
    Attempt("Ann with a text direction", PORTAL, WRONG, named(f"\u202e{ANN}")),
    Attempt("bytes that are no text", PORTAL, WRONG, named(b"\xff" + ANN.encode())),
    Attempt("a name of 300 characters", PORTAL, WRONG, named("a" * 300)),
    Attempt("an address with an escape", PORTAL, NO_RULE, named("%61nn@example.com")),
    Attempt("a group with an escape", PORTAL, NO_RULE, named(MALLORY, "%68r")),
    Attempt("the pattern of every name", PORTAL, NO_RULE, named("*", "*")),
    Attempt(
        "the issuer's token in a plain header", PORTAL, WRONG, (lambda w: (USER, token(ANN)(w)),)
    ),
    Attempt(
        "Ann behind a key without her workspace", NARROW, Refused(403, "empty_scope"), named(ANN)
    ),
    Attempt("Bob in a header beside a key that stands for nobody", PLAIN, AS_ANN, named(BOB)),
    Attempt("Bob beside a key that is wrong", "rp-wrong", WRONG, named(BOB)),
)

TO_BE_ANOTHER = (*BY_TOKEN, *BY_SIGNED_HEADER, *BY_PLAIN_HEADER)


@pytest.mark.parametrize("attempt", TO_BE_ANOTHER, ids=lambda each: each.says)
async def test_nobody_is_somebody_else(
    attempt: Attempt, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="proxy")
    world = world_in(tmp_path)
    bearer = attempt.bearer if isinstance(attempt.bearer, str) else attempt.bearer(world)
    headers = [each(world) if callable(each) else each for each in attempt.headers]
    answer = await world.chat(bearer, *headers, **(attempt.wish or {}))
    assert set(world.issuer.asked) <= {DISCOVERY, KEYS}
    outcome = attempt.outcome
    if isinstance(outcome, Within):
        assert (answer.status, world.searched) == (200, [outcome.workspaces])
        return
    document = answer.json()
    check_error(document)
    assert (answer.status, document["error"]["code"]) == (outcome.status, outcome.code)
    assert world.searched == []
    for given in (bearer, *(value for _, value in headers)):
        text = given if isinstance(given, str) else ""
        assert len(text) < 40 or text not in answer.body.decode() + caplog.text


async def test_a_person_can_be_right_once_and_wrong_again(tmp_path: Path) -> None:
    """What is remembered of a token lets in no other one."""
    world = world_in(tmp_path)
    good = world.issuer.token(ANN)
    assert (await world.chat(good)).status == 200
    assert (await world.chat(good)).status == 200
    for wrong in (good[:-1], good + "A", edited(world), stripped(world)):
        assert (await world.chat(wrong)).status == 401
