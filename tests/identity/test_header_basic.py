"""HTTP's Basic scheme, as git speaks it: the password is the token, the user is not read."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.identity.mint import token
from toolkit.errors import IdentityError
from toolkit.identity.header import LONGEST, read_credential

ACL = "0f6f3a1c-55f2-4bd0-8d4f-7a3d9f8e7c6b"
OTHER = "e0f4e8f5-0000-4bd0-8d4f-7a3d9f8e7c6b"


def basic(pair: str | bytes) -> str:
    raw = pair if isinstance(pair, bytes) else pair.encode()
    return "Basic " + b64encode(raw).decode()


@pytest.mark.parametrize(
    ("authorization", "nomad_token", "reason"),
    [
        ("Basic", None, "scheme"),
        ("Basic ", None, "scheme"),
        ("Basic \t", None, "scheme"),
        (basic(f"x:{ACL}") + " ", None, "scheme"),
        (basic(f"x:{ACL}") + ",Bearer x", None, "scheme"),
        (basic(f"x:{ACL}").replace("Basic ", "Basic\t"), None, "scheme"),
        (basic(f"x:{ACL}").replace("Basic", "Negotiate"), None, "scheme"),
        (basic("xx").replace("=", "*"), None, "scheme"),
        (basic("x:" + ACL) + "=", None, "malformed"),
        ("Basic A", None, "malformed"),
        ("Basic " + "A" * 1_000_000, None, "malformed"),
        (basic(ACL), None, "malformed"),
        (basic(b"\xff\xfe:x"), None, "malformed"),
        (basic(""), None, "scheme"),
        (basic(":"), None, "missing"),
        (basic("x:"), None, "missing"),
        (basic(f"{ACL}:"), None, "missing"),
        (basic(f"x:{ACL}:"), None, "malformed"),
        (basic(f"x: {ACL}"), None, "malformed"),
        (basic(f"x:{ACL}\n"), None, "malformed"),
        (basic(f"x:{ACL}\0"), None, "malformed"),
        (basic("x:anonymous"), None, "malformed"),
        (basic("x:" + "a" * LONGEST + ".b.c"), None, "malformed"),
        (basic(f"x:{ACL}"), OTHER, "ambiguous"),
        (basic("x:"), ACL, "missing"),
    ],
)
def test_what_is_no_password_of_ours_is_refused(
    authorization: str, nomad_token: str | None, reason: str
) -> None:
    with pytest.raises(IdentityError) as caught:
        read_credential(authorization, nomad_token, basic=True)
    assert caught.value.reason == reason
    assert ACL not in caught.value.message + (caught.value.hint or "")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("user", ["", "x", "token", "a@b", "ü", "x" * 200, OTHER])
@pytest.mark.parametrize("secret", [ACL, token()])
def test_the_password_is_the_token_whoever_the_user_says_to_be(user: str, secret: str) -> None:
    found = read_credential(basic(f"{user}:{secret}"), basic=True)
    assert found.token.reveal() == secret
    assert found.kind == ("acl" if secret == ACL else "jwt")


def test_one_token_in_two_headers_is_one() -> None:
    assert read_credential(basic(f"x:{ACL}"), ACL, basic=True).token.reveal() == ACL


def test_a_server_that_knows_no_passwords_takes_none() -> None:
    with pytest.raises(IdentityError) as caught:
        read_credential(basic(f"x:{ACL}"))
    assert caught.value.reason == "scheme"


def test_a_bearer_is_read_as_before() -> None:
    assert read_credential(f"Bearer {ACL}", basic=True).token.reveal() == ACL
