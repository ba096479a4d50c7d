"""ECR by its API, against moto; what moto does not do is stubbed; and its login, pushed with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from tests.services.engine import Engine
from tests.services.image_project import ImageProject
from tests.services.registry import Place, run_registry
from toolkit.clients.aws.ecr import Ecr, Owner, owner_of
from toolkit.clients.registries import open_registry
from toolkit.clients.registry import HttpRegistry, Registry
from toolkit.config.settings import Flags, load_settings
from toolkit.errors import ApiError, DeniedError, InvalidRequestError, ServerError, UnreachableError
from toolkit.spec.image import ImageName, Login, RegistryPlace, RemoteImage
from toolkit.spec.target import Secret
from toolkit.workflows.image.build import build_image
from toolkit.workflows.image.push import push_image

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PLACE = RegistryPlace(HOST, "shop")
OWNER = Owner("123456789012", "eu-west-1")
IMAGE = ImageName("shop/words", "1.0.0", HOST)
CONFIG = "sha256:" + "c" * 64
MEDIA = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps(
    {"schemaVersion": 2, "mediaType": MEDIA, "config": {"digest": CONFIG}, "layers": []}
)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


def client_of(endpoint: str | None) -> Any:
    return boto3.client(
        "ecr",
        endpoint_url=endpoint,
        region_name=OWNER.region,
        aws_access_key_id="id",
        aws_secret_access_key="key",
    )


@pytest.fixture
def stubbed() -> Iterator[tuple[Ecr, Stubber]]:
    client = client_of(None)
    with Stubber(client) as stubber:
        yield Ecr(PLACE, OWNER, client=client), stubber
        stubber.assert_no_pending_responses()
    client.close()


# --- what AWS refuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "kind", "hint"),
    [
        ("AccessDeniedException", 400, DeniedError, "ecr:BatchGetImage"),
        ("UnrecognizedClientException", 400, DeniedError, "get-caller-identity"),
        ("ExpiredTokenException", 400, DeniedError, "log in again"),
        ("ThrottlingException", 400, ServerError, "wait a little"),
        ("ServerException", 500, ServerError, "wait a little"),
        ("InvalidParameterException", 400, InvalidRequestError, None),
    ],
)
def test_what_it_refuses_says_who_where_and_what_to_do(
    stubbed: tuple[Ecr, Stubber], code: str, status: int, kind: type[ApiError], hint: str | None
) -> None:
    ecr, stubber = stubbed
    stubber.add_client_error("batch_get_image", code, "not so", status)
    with pytest.raises(kind) as caught:
        ecr.find(IMAGE)
    asked = f"ecr:BatchGetImage in eu-west-1 ({IMAGE}, account 123456789012)"
    assert asked in caught.value.message
    assert (hint is None) == (caught.value.hint is None)
    assert hint is None or hint in (caught.value.hint or "")


def test_no_credentials_and_nobody_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    nobody = Ecr(PLACE, OWNER, endpoint="http://127.0.0.1:1")
    with pytest.raises(DeniedError, match="there are no AWS credentials"):
        nobody.login()
    nobody.close()
    client = client_of("http://127.0.0.1:1")
    with pytest.raises(UnreachableError, match="cannot be reached"):
        Ecr(PLACE, OWNER, client=client).find(IMAGE)
    client.close()


def test_a_login_that_cannot_be_read_is_not_repeated(stubbed: tuple[Ecr, Stubber]) -> None:
    ecr, stubber = stubbed
    answer = {"authorizationData": [{"authorizationToken": "no base64 é"}]}
    stubber.add_response("get_authorization_token", answer)
    with pytest.raises(ServerError) as caught:
        ecr.login()
    assert "base64" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_failure_that_is_no_absence_is_not_taken_for_one(stubbed: tuple[Ecr, Stubber]) -> None:
    ecr, stubber = stubbed
    failure = {"imageId": {"imageTag": "1.0.0"}, "failureCode": "UpstreamAccessDenied"}
    stubber.add_response("batch_get_image", {"images": [], "failures": [failure]})
    with pytest.raises(ServerError, match="UpstreamAccessDenied"):
        ecr.find(IMAGE)


# --- repositories ------------------------------------------------------------------------------


def test_somebody_made_the_repository_in_between(stubbed: tuple[Ecr, Stubber]) -> None:
    ecr, stubber = stubbed
    stubber.add_client_error("describe_repositories", "RepositoryNotFoundException")
    stubber.add_client_error("create_repository", "RepositoryAlreadyExistsException")
    made = {"repositoryName": "shop/words", "imageTagMutability": "MUTABLE"}
    stubber.add_response("describe_repositories", {"repositories": [made]})
    moves, scans = ecr.prepare(IMAGE)
    assert "lets tags be moved" in moves
    assert "does not scan" in scans


def test_made_once_scanned_and_immutable(moto: str) -> None:
    with contextlib.closing(client_of(moto)) as client:
        ecr = Ecr(PLACE, OWNER, client=client)
        assert ecr.find(IMAGE) is None
        assert ecr.prepare(IMAGE) == ("repository shop/words was made: scanned, immutable tags",)
        assert ecr.prepare(IMAGE) == ()
        [made] = client.describe_repositories(repositoryNames=["shop/words"])["repositories"]
        assert made["imageTagMutability"] == "IMMUTABLE"
        assert made["imageScanningConfiguration"] == {"scanOnPush": True}
        assert ecr.find(IMAGE) is None
        put = client.put_image(
            repositoryName="shop/words", imageManifest=MANIFEST, imageTag="1.0.0"
        )
        digest = put["image"]["imageId"]["imageDigest"]
        assert ecr.find(IMAGE) == RemoteImage(digest, CONFIG)


# --- which registry ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-west-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
    ],
)
def test_an_account_s_registry_is_known_by_its_host(host: str, region: str) -> None:
    assert owner_of(host) == Owner("123456789012", region)
    with contextlib.closing(open_registry(RegistryPlace(host))) as opened:
        assert isinstance(opened, Ecr)


@pytest.mark.parametrize(
    "host",
    ["public.ecr.aws", f"{HOST}:5000", f"{HOST}.example", "12.dkr.ecr.eu-west-1.amazonaws.com",
     "ecr.example", "127.0.0.1:5000"],
)  # fmt: skip
def test_no_other_is_taken_for_one(host: str) -> None:
    assert owner_of(host) is None
    with contextlib.closing(open_registry(RegistryPlace(host))) as opened:
        assert isinstance(opened, HttpRegistry)


# --- its login, with a real engine and a registry that asks for it -------------------------------


class Behind:
    """ECR's API, and a registry on loopback in the place of the one behind it."""

    def __init__(self, place: RegistryPlace, client: Any):
        self._ecr = Ecr(place, OWNER, client=client)
        login = self._ecr.login()
        known = RegistryPlace(place.host, place.prefix, login.user, login.password)
        self._http = HttpRegistry(known)

    def find(self, image: ImageName) -> RemoteImage | None:
        return self._http.find(image)

    def prepare(self, image: ImageName) -> tuple[str, ...]:
        return self._ecr.prepare(image)

    def login(self) -> Login | None:
        return self._ecr.login()

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with run_registry(folder, guarded=True) as place:
        yield place


@pytest.mark.docker
@pytest.mark.root
def test_pushed_with_the_login_that_it_gives(
    engine: Engine, behind: Place, moto: str, tmp_path: Path
) -> None:
    project = ImageProject(tmp_path)
    project.write(f"{behind.host}/ecr")
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    environ["DOCKER_HOST"] = engine.host
    settings = load_settings(Flags(environment="shop"), {}, tmp_path)
    built = build_image(settings, "words", environ=environ)
    with contextlib.closing(client_of(moto)) as client:

        def opened(place: RegistryPlace) -> Registry:
            return Behind(place, client)

        report = push_image(settings, "words", environ=environ, opened=opened)
    assert (report.word, report.id) == ("pushed", built.id)
    assert report.notes == ("repository ecr/words was made: scanned, immutable tags",)
    known = RegistryPlace(behind.host, "ecr", "AWS", Secret("123456789012-auth-token"))
    with contextlib.closing(HttpRegistry(known)) as registry:
        found = registry.find(ImageName("ecr/words", "1.0.0", behind.host))
    assert found is not None
    assert (found.digest, found.config) == (report.digest, built.id)
    assert not (tmp_path / ".docker").exists()
