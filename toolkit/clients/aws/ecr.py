"""ECR, Amazon's registry of images: repositories that let no tag be moved, and logins of hours."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from toolkit.clients.registry import MANIFESTS
from toolkit.errors import ApiError, DeniedError, InvalidRequestError, ServerError, UnreachableError
from toolkit.spec.image import ImageName, Login, RegistryPlace, RemoteImage
from toolkit.spec.target import Secret

SYSTEM = "ECR"
CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
ATTEMPTS = 3

_HOST = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)
_DENIED = re.compile(
    r"AccessDenied|Unauthorized|UnrecognizedClient|InvalidClientTokenId|ExpiredToken"
    r"|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken"
)
_EXPIRED = re.compile(r"ExpiredToken")
_LATER = re.compile(r"Throttl|TooManyRequests|RequestLimit|ServerException|ServiceUnavailable")


class Owner(NamedTuple):
    """Whose registry a host is."""

    account: str
    region: str


def owner_of(host: str) -> Owner | None:
    """The account and region of an ECR host; None of any other."""
    found = _HOST.fullmatch(host)
    return Owner(found["account"], found["region"]) if found else None


class Ecr:
    """One account's registry in one region; credentials are found where AWS's own tools look."""

    def __init__(
        self, place: RegistryPlace, owner: Owner, *, endpoint: str | None = None, client: Any = None
    ) -> None:
        """Imports boto3 at the first call; `client`: a boto3 client instead of one of our own."""
        self._place, self._owner = place, owner
        self._endpoint = endpoint
        self._client = client

    def find(self, image: ImageName) -> RemoteImage | None:
        """What the tag stands for; an ApiError says why that could not be seen."""
        with self._translating(f"could not look for {image}"):
            try:
                answer = self._ecr.batch_get_image(
                    registryId=self._owner.account,
                    repositoryName=image.repository,
                    imageIds=[{"imageTag": image.tag}],
                    acceptedMediaTypes=list(MANIFESTS),
                )
            except self._ecr.exceptions.RepositoryNotFoundException:
                return None
        for found in answer.get("images") or ():
            digest = str((found.get("imageId") or {}).get("imageDigest") or "")
            if digest:
                return RemoteImage(digest, _config_of(str(found.get("imageManifest") or "")))
        failures = {str(each.get("failureCode")) for each in answer.get("failures") or ()}
        if failures <= {"ImageNotFound"}:
            return None
        raise ServerError(f"ECR could not say what {image} is: {min(failures)}", system=SYSTEM)

    def prepare(self, image: ImageName) -> tuple[str, ...]:
        """Make the repository where there is none: scanned at a push, its tags immutable.

        One that is there stays as it is; what it lacks of that is said.
        """
        with self._translating(f"could not prepare the repository {image.repository}"):
            found = self._repository(image.repository)
            if found is None:
                found = self._create(image.repository)
                if found is None:
                    return (f"repository {image.repository} was made: scanned, immutable tags",)
        lacks = []
        if not str(found.get("imageTagMutability", "")).startswith("IMMUTABLE"):
            lacks.append(f"repository {image.repository} lets tags be moved")
        if not (found.get("imageScanningConfiguration") or {}).get("scanOnPush"):
            lacks.append(f"repository {image.repository} does not scan what is pushed by itself")
        return tuple(lacks)

    def login(self) -> Login:
        """AWS's own user, with a password that ends after twelve hours."""
        with self._translating("gave no login"):
            answer = self._ecr.get_authorization_token()
        try:
            coded = answer["authorizationData"][0]["authorizationToken"]
            user, _, password = base64.b64decode(coded).decode().partition(":")
        except (KeyError, IndexError, TypeError, ValueError, binascii.Error):
            # Not chained: what could not be read may be the secret.
            raise ServerError("ECR gave a login that cannot be read", system=SYSTEM) from None
        return Login(self._place.host, user, Secret(password))

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    @property
    def _ecr(self) -> Any:
        if self._client is None:
            from boto3.session import Session
            from botocore.config import Config

            config = Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            )
            self._client = Session(region_name=self._owner.region).client(
                "ecr", config=config, endpoint_url=self._endpoint
            )
        return self._client

    def _repository(self, name: str) -> dict[str, Any] | None:
        try:
            answer = self._ecr.describe_repositories(
                registryId=self._owner.account, repositoryNames=[name]
            )
        except self._ecr.exceptions.RepositoryNotFoundException:
            return None
        found: dict[str, Any] = answer["repositories"][0]
        return found

    def _create(self, name: str) -> dict[str, Any] | None:
        """None where we made it; else the one that somebody made meanwhile."""
        try:
            self._ecr.create_repository(
                registryId=self._owner.account,
                repositoryName=name,
                imageTagMutability="IMMUTABLE",
                imageScanningConfiguration={"scanOnPush": True},
                tags=[{"Key": "toolkit:managed", "Value": "image"}],
            )
        except self._ecr.exceptions.RepositoryAlreadyExistsException:
            # Or our own, of a try whose answer was lost.
            return self._repository(name)
        return None

    @contextmanager
    def _translating(self, what: str) -> Iterator[None]:
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as exc:
            hint = "pip install 'nomad-toolkit[aws]'"
            raise ApiError("boto3 is not installed", system=SYSTEM, hint=hint) from exc
        try:
            yield
        except ClientError as exc:
            raise self._no(what, exc.response.get("Error") or {}) from exc
        except (BotoCoreError, ValueError) as exc:
            raise self._silent(what, exc) from exc

    def _no(self, what: str, error: dict[str, Any]) -> ApiError:
        code, text = str(error.get("Code") or ""), str(error.get("Message") or "")
        said = f"ECR in {self._owner.region} {what}: {text or code}"
        if _EXPIRED.search(code):
            return DeniedError(said, system=SYSTEM, hint="the credentials ended: log in again")
        if _DENIED.search(code):
            hint = f"the credentials need the right in account {self._owner.account}"
            return DeniedError(said, system=SYSTEM, hint=hint)
        if _LATER.search(code):
            return ServerError(said, system=SYSTEM, hint="wait a little, then again")
        return InvalidRequestError(said, system=SYSTEM)

    def _silent(self, what: str, exc: Exception) -> ApiError:
        name = type(exc).__name__
        said = f"ECR in {self._owner.region} {what}"
        if name in {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"}:
            why = {"ProfileNotFound": "the profile that AWS_PROFILE names does not exist"}
            return DeniedError(
                f"{said}: {why.get(name, 'there are no whole credentials')}",
                system=SYSTEM,
                hint="credentials are found where AWS's own tools look: aws sts"
                " get-caller-identity tells",
            )
        if "Timeout" in name or "Connection" in name or name == "HTTPClientError":
            return UnreachableError(f"{said}: it cannot be reached", system=SYSTEM)
        return ServerError(f"{said}: the request failed ({name})", system=SYSTEM)


def _config_of(manifest: str) -> str | None:
    import json

    try:
        config = json.loads(manifest)["config"]["digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return str(config)
