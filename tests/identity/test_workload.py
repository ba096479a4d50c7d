"""Tokens of workloads, forged in every way we know of: none of them is anybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.identity.mint import (
    ALLOCATION,
    AUDIENCE,
    KEY_ID,
    NOW,
    Private,
    as_json,
    claims,
    curve_key,
    edwards_key,
    encode,
    jwk,
    public_pem,
    rsa_key,
    sign,
    token,
)
from toolkit.errors import IdentityError
from toolkit.identity.compact import take_apart
from toolkit.identity.keys import read_keys
from toolkit.identity.limits import Limits
from toolkit.identity.reasons import REASONS, refusal
from toolkit.identity.workload import Expected, verify_workload
from toolkit.spec.identity import Workload
from toolkit.spec.target import Secret

KEYS = read_keys([jwk(), jwk(edwards_key(), kid="edwards")])
FOR_US = Expected(AUDIENCE)


def believed(text: str, *, expected: Expected = FOR_US, now: float = NOW) -> Workload:
    """What `Verifier` does with a token before it asks after the allocation."""
    compact = take_apart(Secret(text))
    if compact.key not in KEYS:
        raise refusal("unknown-key")
    return verify_workload(compact, KEYS[compact.key], expected, Limits(), now)


def refused(text: str, **how: Any) -> str:
    """The reason for which a token is refused; no part of it is told."""
    with pytest.raises(IdentityError) as caught:
        believed(text, **how)
    error = caught.value
    assert error.reason in REASONS
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    said = error.message + (error.hint or "")
    assert not any(len(part) > 8 and part in said for part in text.split("."))
    return error.reason


@pytest.mark.parametrize(("key", "header"), [
    (rsa_key(), {}), (edwards_key(), {"alg": "EdDSA", "kid": "edwards"}),
], ids=("RS256", "EdDSA"))  # fmt: skip
def test_a_token_of_nomads_is_the_workload_it_names(key: Private, header: dict[str, Any]) -> None:
    found = believed(token(key, header=header))

    assert found == Workload("default", "web", "app", ALLOCATION, NOW + 3540)


@dataclass(frozen=True)
class Forged:
    """One row of the table."""

    name: str
    reason: str
    key: Private = b""
    header: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)


FORGED = (
    # Who signed, and how.
    Forged("unsigned", "algorithm", None, {"alg": "none"}),
    Forged("unsigned, spelled otherwise", "algorithm", None, {"alg": "nOnE"}),
    Forged("unsigned, and says RS256", "signature", None),
    Forged("no algorithm", "algorithm", header={"alg": None}),
    Forged("algorithm is a list", "algorithm", header={"alg": ["RS256"]}),
    Forged(
        "HS256 with the public key as the secret", "algorithm", public_pem(rsa_key()),
        {"alg": "HS256"},
    ),
    Forged("HS256, and says RS256", "signature", public_pem(rsa_key())),
    Forged("EdDSA where the key is RSA", "algorithm", edwards_key(), {"alg": "EdDSA"}),
    Forged("RS256 where the key is EdDSA", "algorithm", header={"kid": "edwards"}),
    Forged("RS512 of the right key", "algorithm", header={"alg": "RS512"}),
    Forged("PS256", "algorithm", header={"alg": "PS256"}),
    Forged("ES256", "algorithm", header={"alg": "ES256"}),
    Forged("another RSA key", "signature", rsa_key(2048, 1)),
    Forged(
        "another EdDSA key", "signature", edwards_key(1), {"alg": "EdDSA", "kid": "edwards"}
    ),
    # Which key.
    Forged("unknown key", "unknown-key", header={"kid": "6e5dd2ee-8f4c-4e23-8f3f-000000000000"}),
    Forged("no key", "unknown-key", header={"kid": None}),
    Forged("empty key", "unknown-key", header={"kid": ""}),
    Forged("key is a number", "unknown-key", header={"kid": 1}),
    Forged("key is a path", "unknown-key", header={"kid": "../../../../dev/null"}),
    Forged("key is a query", "unknown-key", header={"kid": f"{KEY_ID}' OR '1'='1"}),
    Forged("key with a zero byte", "unknown-key", header={"kid": f"{KEY_ID}\0"}),
    Forged("key with a line end", "unknown-key", header={"kid": f"{KEY_ID}\n"}),
    Forged("endless key", "unknown-key", header={"kid": "k" * 4000}),
    Forged("brings its key", "header", header={"jwk": jwk()}),
    Forged("brings its key's address", "header", header={"jku": "http://127.0.0.1:1/"}),
    Forged("brings its key's certificate", "header", header={"x5u": "http://127.0.0.1:1/"}),
    Forged("brings its certificates", "header", header={"x5c": ["MIIB"]}),
    # What the header says beside it.
    Forged("critical extension", "header", header={"crit": ["exp"], "exp": 1}),
    Forged("critical extension that is known", "header", header={"crit": ["b64"], "b64": True}),
    Forged("empty list of critical extensions", "header", header={"crit": []}),
    Forged("payload as it is", "header", header={"b64": False}),
    Forged("no type", "header", header={"typ": None}),
    Forged("an access token's type", "header", header={"typ": "at+jwt"}),
    Forged("an encrypted token's type", "header", header={"typ": "JWE"}),
    # For whom.
    Forged("other audience", "audience", said={"aud": "hook"}),
    Forged("longer audience", "audience", said={"aud": f"{AUDIENCE}er"}),
    Forged("audience in capitals", "audience", said={"aud": AUDIENCE.upper()}),
    Forged("Nomad's own audience", "audience", said={"aud": "nomadproject.io"}),
    Forged("no audience", "audience", said={"aud": None}),
    Forged("empty audience", "audience", said={"aud": ""}),
    Forged("no audience in the list", "audience", said={"aud": []}),
    Forged("ours beside another's", "audience", said={"aud": [AUDIENCE, "hook"]}),
    Forged("ours beside Nomad's", "audience", said={"aud": ["nomadproject.io", AUDIENCE]}),
    Forged("ours twice", "audience", said={"aud": [AUDIENCE, AUDIENCE]}),
    Forged("ours in a list in a list", "audience", said={"aud": [[AUDIENCE]]}),
    Forged("audience is a table", "audience", said={"aud": {AUDIENCE: True}}),
    # When.
    Forged("never expires", "unlimited", said={"exp": None}),
    Forged("not issued", "claims", said={"iat": None}),
    Forged("no beginning", "claims", said={"nbf": None}),
    Forged("expiry is text", "claims", said={"exp": str(int(NOW) + 60)}),
    Forged("expiry is true", "claims", said={"exp": True}),
    Forged("expiry below zero", "claims", said={"exp": -1}),
    Forged("expiry is endless", "claims", said={"exp": float("inf")}),
    Forged("expiry is no number", "claims", said={"exp": float("nan")}),
    Forged("expiry beyond all times", "claims", said={"exp": 10**40}),
    Forged("issue is a list", "claims", said={"iat": [int(NOW)]}),
    Forged("lives for a day and a second", "lifetime", said={"exp": int(NOW) - 60 + 86_401}),
    Forged("lives for years", "lifetime", said={"exp": int(NOW) + 10**9}),
    Forged(
        "began long ago, issued just now", "lifetime",
        said={"nbf": int(NOW) - 86_400, "exp": int(NOW) + 60},
    ),
    Forged("expired", "expired", said={"exp": int(NOW) - 31}),
    Forged("begins later", "not-yet", said={"nbf": int(NOW) + 31}),
    Forged("issued later", "not-yet", said={"iat": int(NOW) + 31}),
    # Who.
    Forged("a node's", "node-identity", said={
        "nomad_node_id": ALLOCATION, "nomad_namespace": None, "nomad_job_id": None,
        "nomad_allocation_id": None, "nomad_task": None,
    }),
    Forged("a new node's introduction", "node-identity", said={
        "nomad_node_pool": "default", "nomad_node_name": "", "nomad_namespace": None,
        "nomad_job_id": None, "nomad_allocation_id": None, "nomad_task": None,
    }),
    Forged("a node's and a task's", "node-identity", said={"nomad_node_pool": "default"}),
    Forged("no claims of Nomad's", "claims", said={
        "nomad_namespace": None, "nomad_job_id": None, "nomad_allocation_id": None,
        "nomad_task": None,
    }),
    Forged("no namespace", "claims", said={"nomad_namespace": None}),
    Forged("no job", "claims", said={"nomad_job_id": None}),
    Forged("no allocation", "claims", said={"nomad_allocation_id": None}),
    Forged("no task and no service", "claims", said={"nomad_task": None}),
    Forged("a task and a service", "claims", said={"nomad_service": "web"}),
    Forged("empty job", "claims", said={"nomad_job_id": ""}),
    Forged("empty namespace", "claims", said={"nomad_namespace": ""}),
    Forged("empty task", "claims", said={"nomad_task": ""}),
    Forged("job is a list", "claims", said={"nomad_job_id": ["web"]}),
    Forged("job is a number", "claims", said={"nomad_job_id": 1}),
    Forged("job with a line end", "claims", said={"nomad_job_id": "web\n"}),
    Forged("job with a zero byte", "claims", said={"nomad_job_id": "web\0"}),
    Forged("job that no text holds", "claims", said={"nomad_job_id": "web\ud800"}),
    Forged("endless job", "claims", said={"nomad_job_id": "w" * 257}),
    Forged("allocation is a path", "claims", said={"nomad_allocation_id": "../../agent/self"}),
    Forged("allocation with a query", "claims", said={"nomad_allocation_id": f"{ALLOCATION}?x"}),
)  # fmt: skip


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: forged.name)
def test_a_forged_token_is_nobodys(forged: Forged) -> None:
    text = token(forged.key, header=forged.header, said=claims(**forged.said))

    assert refused(text) == forged.reason


def test_only_the_claims_say_whose_it_is() -> None:
    # The subject's parts are the user's own text: a group may be called anything.
    text = token(said=claims(sub="global:prod:bank:bank:app:kick", extra_claims={"job": "bank"}))

    assert believed(text).job == "web"


@pytest.mark.parametrize("job", ["web-admin", "we", "WEB", "web ", "wеb", "web/dispatch-1"])
def test_a_job_is_told_exactly(job: str) -> None:
    assert believed(token(said=claims(nomad_job_id=job))).job == job


def test_a_token_of_a_service_has_no_task() -> None:
    found = believed(token(said=claims(nomad_task=None, nomad_service="web-http")))

    assert (found.job, found.task) == ("web", "")


def test_the_one_audience_may_be_in_a_list() -> None:
    assert believed(token(said=claims(aud=[AUDIENCE]))).job == "web"


def test_the_issuer_counts_where_one_is_expected() -> None:
    expected = Expected(AUDIENCE, "https://nomad.example.com")
    named = token(said=claims(iss="https://nomad.example.com"))

    assert believed(named, expected=expected).job == "web"
    for issuer in ("https://nomad.example.com.evil", "https://", ["https://nomad.example.com"]):
        assert refused(token(said=claims(iss=issuer)), expected=expected) == "issuer"
    assert refused(token(), expected=expected) == "issuer"
    assert believed(token(said=claims(iss="anything"))).job == "web"


@pytest.mark.parametrize("off", [-3600, -300, -31, -30, 0, 29, 30, 300, 3600])
def test_a_clock_that_is_off(off: int) -> None:
    """`off`: by how much our clock is ahead of Nomad's, which signs for ten minutes."""
    fresh = token(said=claims(iat=int(NOW), nbf=int(NOW), exp=int(NOW) + 600))
    over = token(said=claims(iat=int(NOW) - 660, nbf=int(NOW) - 660, exp=int(NOW) - 60))

    if -30 <= off < 630:
        assert believed(fresh, now=NOW + off).job == "web"
    else:
        assert refused(fresh, now=NOW + off) == ("not-yet" if off < 0 else "expired")
    # A minute after its end: believed only by a clock that is behind by more than half a minute.
    assert (off < -30) or refused(over, now=NOW + off) == "expired"


def test_the_leeway_is_half_a_minute_to_the_second() -> None:
    text = token(said=claims(iat=int(NOW), nbf=int(NOW), exp=int(NOW) + 60))

    assert believed(text, now=NOW - 30).expires == NOW + 60
    assert refused(text, now=NOW - 30.5) == "not-yet"
    assert believed(text, now=NOW + 60 + 29.5).expires == NOW + 60
    assert refused(text, now=NOW + 60 + 30) == "expired"


RAW: dict[str, Callable[[], str]] = {
    "a key of the header twice": lambda: token(
        raw_header=b'{"alg":"RS256","alg":"none","kid":"' + KEY_ID.encode() + b'","typ":"JWT"}'
    ),
    "a claim twice": lambda: token(
        raw_claims=as_json(claims())[:-1] + b',"nomad_job_id":"bank"}'
    ),
    "header is a list": lambda: token(raw_header=b"[]"),
    "header is no JSON": lambda: token(raw_header=b"{"),
    "header is no UTF-8": lambda: token(raw_header=b'{"alg":"\xff"}'),
    "header nested without end": lambda: token(raw_header=b'{"a":' * 2000 + b"1" + b"}" * 2000),
    "claims are a list": lambda: token(raw_claims=as_json([claims()])),
    "claims are no JSON": lambda: token(raw_claims=b"claims"),
    "claims are nothing": lambda: token(raw_claims=b"null"),
    "claims nested without end": lambda: token(raw_claims=b"[" * 3000 + b"]" * 3000),
    "a number without end": lambda: token(raw_claims=b'{"exp":' + b"9" * 5000 + b"}"),
    "four parts": lambda: token() + ".e30",
    "two parts": lambda: token().rpartition(".")[0],
    "an empty header": lambda: "." + token().partition(".")[2],
    "padded": lambda: token() + "==",
    "the other alphabet": lambda: _with_signature(lambda text: "+/" + text[2:]),
    "letters that base64 passes over": lambda: _with_signature(lambda text: "!" + text),
    "last letter with other spare bits": lambda: _with_signature(_respelled),
    "signature cut": lambda: token()[:-4],
    "signature doubled": lambda: _with_signature(lambda text: text + text),
    "detached": lambda: ".".join((token().split(".")[0], "", token().split(".")[2])),
}  # fmt: skip


def _with_signature(change: Callable[[str], str]) -> str:
    head, _, signature = token().rpartition(".")
    return f"{head}.{change(signature)}"


def _respelled(signature: str) -> str:
    """Other text of the very same bytes: 2048 bits leave four bits of the last letter unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]


@pytest.mark.parametrize("make", RAW.values(), ids=RAW)
def test_what_is_no_token_is_refused(make: Callable[[], str]) -> None:
    assert refused(make()) in {"malformed", "claims", "signature"}


def test_a_key_of_another_id_verifies_nothing() -> None:
    compact = take_apart(Secret(token()))
    other = read_keys([jwk(kid="other")])["other"]

    with pytest.raises(IdentityError, match="not signed as Nomad signs"):
        verify_workload(compact, other, FOR_US, Limits(), NOW)


USELESS: dict[str, dict[str, Any]] = {
    "secret": {"kty": "oct", "k": encode(public_pem(rsa_key())), "kid": KEY_ID, "alg": "HS256"},
    "elliptic": {"kty": "EC", "crv": "P-256", "kid": KEY_ID, "x": "AA", "y": "AA"},
    "for secrets": {"kty": "OKP", "crv": "X25519", "kid": KEY_ID, "x": "AA"},
    "no modulus": {"kty": "RSA", "kid": KEY_ID, "e": "AQAB"},
    "empty modulus": {"kty": "RSA", "kid": KEY_ID, "n": "", "e": "AQAB"},
    "numbers": {"kty": "RSA", "kid": KEY_ID, "n": 5, "e": 3},
    "kind is a list": {"kty": ["RSA"], "kid": KEY_ID},
    "nothing": {},
    "short": jwk(rsa_key(1024)),
    "no id": jwk(kid=None),
    "empty id": jwk(kid=""),
    "id is a number": jwk(kid=7),
    "encrypts": jwk(use="enc"),
    "HS256": jwk(alg="HS256"),
    "RS512": jwk(alg="RS512"),
    "none": jwk(alg="none"),
    "RS256 of an Edwards key": jwk(edwards_key(), alg="RS256"),
    "other curve": jwk(edwards_key(), crv="Ed448"),
    "exponent 0": jwk(e="AA"),
}


@pytest.mark.parametrize("entry", USELESS.values(), ids=USELESS)
def test_a_key_of_no_use_is_left_out(entry: dict[str, Any]) -> None:
    assert read_keys([entry, jwk(edwards_key(), kid="good")]).keys() == {"good"}


def test_an_id_of_two_keys_is_no_ones() -> None:
    assert read_keys([jwk(), jwk(rsa_key(2048, 1))]) == {}


def test_an_elliptic_curve_signs_nothing_for_us() -> None:
    text = token(header={"alg": "ES256"}).rpartition(".")[0]
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    signature = curve_key().sign(text.encode(), ECDSA(SHA256()))

    assert refused(f"{text}.{encode(signature)}") == "algorithm"


def test_the_mint_signs_as_the_library_does() -> None:
    import jwt

    text = token()
    keys = jwt.PyJWKSet([jwk()]).keys
    options: Any = {}

    for name in ("verify_iat", "verify_nbf", "verify_exp"):
        options[name] = False
    assert jwt.decode(text, keys[0], ["RS256"], options=options, audience=AUDIENCE) == claims()
    assert sign(None, b"") == b""
