"""What a registry's tag stands for, asked of a real one; and of one that lies."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.services.registry import PASSWORD, USER, Place, run_registry, wire_to
from tests.services.running import Respond, closed_port, stand_in
from toolkit.clients.registry import MANIFESTS, HttpRegistry, read_manifest
from toolkit.clients.registry_auth import answer, is_here
from toolkit.errors import ApiError, DeniedError, ServerError, UnreachableError
from toolkit.spec.image import ImageName, LocalImage, RegistryPlace, RemoteImage
from toolkit.spec.target import Secret

CONFIG = b'{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}'
MEDIA = MANIFESTS[-1]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with run_registry(tmp_path_factory.mktemp("registry")) as place:
        yield place


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with run_registry(tmp_path_factory.mktemp("guarded"), guarded=True) as place:
        put(place, "shop/web", "1.0.0", (USER, PASSWORD))
        yield place


def put(
    place: Place, repository: str, tag: str, auth: tuple[str, str] | None = None
) -> RemoteImage:
    """Push an image without layers, as an engine would."""
    digest = _digest(CONFIG)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MEDIA,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(CONFIG),
                "digest": digest,
            },
            "layers": [],
        }
    ).encode()
    base = f"http://{place.host}/v2/{repository}"
    with httpx.Client(auth=auth, trust_env=False) as client:
        begun = client.post(f"{base}/blobs/uploads/")
        url = httpx.URL(f"http://{place.host}").join(begun.headers["Location"])
        client.put(url.copy_merge_params({"digest": digest}), content=CONFIG).raise_for_status()
        headers = {"Content-Type": MEDIA}
        client.put(f"{base}/manifests/{tag}", content=manifest, headers=headers).raise_for_status()
    return RemoteImage(_digest(manifest), digest)


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def find(place: RegistryPlace, repository: str, tag: str, *, seconds: float = 20) -> object:
    with contextlib.closing(HttpRegistry(place, read_seconds=seconds)) as registry:
        return registry.find(ImageName(repository, tag, place.host))


# --- what cannot be seen is never an absence ---------------------------------------------------


def refusal(place: RegistryPlace, *, seconds: float = 20) -> ApiError:
    with pytest.raises(ApiError) as caught:
        find(place, "shop/web", "1.0.0", seconds=seconds)
    return caught.value


def answering(status: int, body: bytes) -> Respond:
    return lambda path, headers: (status, body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (404, b"404 page not found", ServerError, "does not answer as a registry does"),
        (404, b'{"errors": [{"code": "UNSUPPORTED"}]}', ServerError, "does not answer"),
        (302, b"", ServerError, "does not answer as a registry does"),
        (401, b"{}", DeniedError, "does not let us look"),
        (403, b'{"errors": [{"code": "DENIED"}]}', DeniedError, "does not let us look"),
        (429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', ServerError, "429 TOOMANYREQUESTS"),
        (500, b"boom", ServerError, "answered 500"),
        (200, b"<html>", ServerError, "no image's manifest"),
        (200, b"[]", ServerError, "no image's manifest"),
        (200, b'{"schemaVersion": 1}', ServerError, "no image's manifest"),
        (200, b'{"schemaVersion": 2, "config": "x"}', ServerError, "no image's manifest"),
        (200, b"x" * (4 * 1024 * 1024 + 1), ServerError, "no image's manifest"),
    ],
)
def test_an_answer_that_is_none(status: int, body: bytes, kind: type[ApiError], said: str) -> None:
    with stand_in(answering(status, body)) as host:
        error = refusal(RegistryPlace(host))
    assert type(error) is kind
    assert said in error.message


def test_nobody_there_cut_and_silent(registry: Place) -> None:
    assert isinstance(refusal(RegistryPlace(closed_port())), UnreachableError)
    with wire_to(registry) as wire:
        wire.lose_at(b"GET /v2/")
        assert isinstance(refusal(RegistryPlace(wire.host)), UnreachableError)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("::1", True),
        ("10.0.0.1", False), ("localhost.example", False), ("127.0.0.1.example", False),
        ("registry.example", False), (None, False), ("", False),
    ],
)  # fmt: skip
def test_without_tls_only_to_this_machine(host: str | None, here: bool) -> None:
    assert is_here(host) is here


def test_a_manifest_that_is_not_its_digest(registry: Place) -> None:
    with pytest.raises(ServerError, match="sends sha256:"):
        read_manifest(b'{"schemaVersion": 2}', "sha256:" + "0" * 64, "web:1")


# --- what is there -----------------------------------------------------------------------------


def test_a_tag_and_none(registry: Place) -> None:
    place = RegistryPlace(registry.host)
    assert find(place, "shop/none", "1.0.0") is None
    made = put(registry, "shop/web", "1.0.0")
    assert find(place, "shop/web", "1.0.0") == made
    assert find(place, "shop/web", "1.0.1") is None


def test_a_password_is_asked_for_and_shown(guarded: Place) -> None:
    place = RegistryPlace(guarded.host, "", USER, Secret(PASSWORD))
    assert find(place, "shop/web", "1.0.0") is not None
    assert find(place, "shop/web", "2.0.0") is None
    error = refusal(replace(place, password=Secret("wrong")))
    assert (type(error), error.hint) == (
        DeniedError,
        "check `registry_user` and TOOLKIT_REGISTRY_PASSWORD",
    )
    # Without a user of the environment the password is of another registry, and stays here.
    assert isinstance(refusal(replace(place, user=None)), DeniedError)


# --- a registry that has tokens given by another server ------------------------------------------


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tokens")
    sign = signer(folder / "root.pem")

    def respond(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("authorization") != f"Basic {pair}":
            return 401, b"{}"
        scope = httpx.URL(path).params["scope"]
        return 200, json.dumps({"token": sign(scope)}).encode()

    with stand_in(respond) as realm:
        auth = (
            f"{{token: {{realm: 'http://{realm}/token', service: tests, issuer: tests,"
            f" rootcertbundle: {folder}/root.pem}}}}"
        )
        with run_registry(folder, auth=auth) as place:
            yield place


def signer(root: Path) -> Callable[[str], str]:
    """Signs tokens for a scope, as the holder of the certificate that it writes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    der = certificate.public_bytes(serialization.Encoding.DER)

    def sign(scope: str) -> str:
        kind, repository, actions = scope.split(":")
        access = [{"type": kind, "name": repository, "actions": actions.split(",")}]
        begun = int(now.timestamp())
        claims: dict[str, object] = {"iss": "tests", "aud": "tests", "sub": USER, "jti": "1"}
        claims |= {"access": access}
        claims |= {"nbf": begun - 60, "iat": begun - 60, "exp": begun + 3600}
        chain = {"x5c": [base64.b64encode(der).decode()]}
        return jwt.encode(claims, key, algorithm="RS256", headers=chain)

    return sign


def test_a_token_is_fetched_where_the_registry_says(with_tokens: Place) -> None:
    place = RegistryPlace(with_tokens.host, "", USER, Secret(PASSWORD))
    assert find(place, "shop/web", "1.0.0") is None
    error = refusal(replace(place, password=Secret("wrong")))
    assert "does not know pusher" in error.message


@pytest.mark.parametrize(
    "realm", ["http://192.0.2.1/token", "ftp://127.0.0.1/token", "", "https:///token"]
)
def test_no_password_goes_where_nothing_hides_it(realm: str) -> None:
    def never(url: str, headers: object) -> tuple[int, bytes]:
        raise AssertionError(url)

    place = RegistryPlace("127.0.0.1:5000", "", USER, Secret(PASSWORD))
    with pytest.raises(ServerError, match="no server with TLS"):
        answer(f'Bearer realm="{realm}",service="x"', "http://127.0.0.1:5000", "web", place, never)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": ""}', b"<html>"])
def test_a_server_that_gives_no_token(body: bytes) -> None:
    with pytest.raises(ServerError, match="gave no token"):
        answer(
            'Bearer realm="https://tokens.example/"', "https://r.example", "web",
            RegistryPlace("r.example"), lambda url, headers: (200, body),
        )  # fmt: skip


# --- the same image ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "same"),
    [
        (LocalImage("sha256:config"), True),
        (LocalImage("sha256:manifest"), True),
        (LocalImage("sha256:x", ("r.example/web@sha256:manifest",)), True),
        (LocalImage("sha256:x", ("r.example/web@sha256:other",)), False),
        (LocalImage("sha256:x"), False),
    ],
)
def test_whether_a_tag_is_what_the_engine_has(ours: LocalImage, same: bool) -> None:
    assert RemoteImage("sha256:manifest", "sha256:config").holds(ours) is same
