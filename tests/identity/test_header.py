"""Which token a request carries: told by its shape, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from tests.identity.mint import token
from toolkit.errors import IdentityError
from toolkit.identity.header import LONGEST, read_credential

ACL = "0f6f3a1c-55f2-4bd0-8d4f-7a3d9f8e7c6b"


@pytest.mark.parametrize(
    ("authorization", "nomad_token", "reason"),
    [
        (None, None, "missing"),
        ("", "", "missing"),
        ("Bearer", None, "scheme"),
        ("Bearer ", None, "scheme"),
        (f"Bearer {ACL} ", None, "scheme"),
        (f" Bearer {ACL}", None, "scheme"),
        (f"Bearer\t{ACL}", None, "scheme"),
        (f"Bearer {ACL} {ACL}", None, "scheme"),
        (f"Bearer {ACL}\r\nX: y", None, "scheme"),
        (f"Basic {ACL}", None, "scheme"),
        (f"Token {ACL}", None, "scheme"),
        (ACL, None, "scheme"),
        (f"Bearer {ACL},", None, "malformed"),
        (f"Bearer {ACL},Bearer", None, "malformed"),
        (f"Bearer {ACL}", "e0f4e8f5-0000-4bd0-8d4f-7a3d9f8e7c6b", "ambiguous"),
        (None, f"{ACL}\n", "malformed"),
        (None, f"Bearer {ACL}", "malformed"),
        (None, "anonymous", "malformed"),
        (None, "../" + ACL, "malformed"),
        (None, ACL.replace("-", ""), "malformed"),
        (None, ACL[:-1], "malformed"),
        (None, ACL + "0", "malformed"),
        (None, ACL.replace("0", "٠"), "malformed"),
        (None, "a.b.c.d", "malformed"),
        (None, "a.b", "malformed"),
        (None, ".b.c", "malformed"),
        (None, "a..c", "malformed"),
        (None, "a=.b.c", "malformed"),
        (None, "a.b.c\0", "malformed"),
        ("Bearer " + "a" * LONGEST + ".b.c", None, "malformed"),
        ("Bearer " + "a" * 10_000_000, None, "malformed"),
        (None, "a" * LONGEST + ".b.c", "malformed"),
    ],
)
def test_what_is_no_token_is_refused(
    authorization: str | None, nomad_token: str | None, reason: str
) -> None:
    with pytest.raises(IdentityError) as caught:
        read_credential(authorization, nomad_token)

    assert caught.value.reason == reason
    # Neither is ever repeated.
    assert ACL not in caught.value.message + (caught.value.hint or "")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
@pytest.mark.parametrize(
    ("text", "kind"),
    [(ACL, "acl"), (ACL.upper(), "acl"), (token(), "jwt")],
    ids=("lower", "upper", "signed"),
)
def test_a_token_is_told_by_its_shape(scheme: str, text: str, kind: str) -> None:
    credential = read_credential(f"{scheme} {text}")

    assert (credential.kind, credential.token.reveal()) == (kind, text)
    assert text not in repr(credential)


@pytest.mark.parametrize("text", [ACL, token()], ids=("acl", "jwt"))
def test_nomads_own_header_is_as_good(text: str) -> None:
    assert read_credential(None, text) == read_credential(f"Bearer {text}", text)
