"""ECR, Amazon's registry of images: repositories that let no tag be moved, and logins of hours."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, NamedTuple

from toolkit.clients.aws.cloud import Answer, Cloud, only
from toolkit.clients.registry import MANIFESTS
from toolkit.errors import ServerError
from toolkit.spec.image import ImageName, Login, RegistryPlace, RemoteImage
from toolkit.spec.target import Secret

SERVICE = "ecr"
SYSTEM = "ECR"

_HOST = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)
_NO_REPOSITORY = re.compile(r"^RepositoryNotFoundException")
_THERE = re.compile(r"^RepositoryAlreadyExistsException")


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
        clients = None if client is None else {SERVICE: client}
        self._cloud = Cloud(owner.region, endpoint=endpoint, clients=clients)

    def find(self, image: ImageName) -> RemoteImage | None:
        """What the tag stands for; an ApiError says why that could not be seen."""
        answer = self._cloud.ask(
            SERVICE,
            "batch_get_image",
            unless=_NO_REPOSITORY,
            about=f"{image}, account {self._owner.account}",
            registryId=self._owner.account,
            repositoryName=image.repository,
            imageIds=[{"imageTag": image.tag}],
            acceptedMediaTypes=list(MANIFESTS),
        )
        if answer is None:
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
        found = self._repository(image.repository)
        if found is None:
            if self._create(image.repository):
                return (f"repository {image.repository} was made: scanned, immutable tags",)
            # Somebody made it meanwhile, or we did, in a try whose answer was lost.
            found = self._repository(image.repository) or {}
        lacks = []
        if not str(found.get("imageTagMutability", "")).startswith("IMMUTABLE"):
            lacks.append(f"repository {image.repository} lets tags be moved")
        if not (found.get("imageScanningConfiguration") or {}).get("scanOnPush"):
            lacks.append(f"repository {image.repository} does not scan what is pushed by itself")
        return tuple(lacks)

    def login(self) -> Login:
        """AWS's own user, with a password that ends after twelve hours."""
        answer = self._cloud.call(SERVICE, "get_authorization_token")
        try:
            coded = answer["authorizationData"][0]["authorizationToken"]
            user, _, password = base64.b64decode(coded).decode().partition(":")
        except (KeyError, IndexError, TypeError, ValueError, binascii.Error):
            # Not chained: what could not be read may be the secret.
            raise ServerError("ECR gave a login that cannot be read", system=SYSTEM) from None
        return Login(self._place.host, user, Secret(password))

    def close(self) -> None:
        """Close the connections."""
        self._cloud.close()

    def _repository(self, name: str) -> Answer | None:
        answer = self._cloud.ask(
            SERVICE,
            "describe_repositories",
            unless=_NO_REPOSITORY,
            about=f"{name}, account {self._owner.account}",
            registryId=self._owner.account,
            repositoryNames=[name],
        )
        return None if answer is None else only(answer, "repositories", f"repository {name}")

    def _create(self, name: str) -> bool:
        """Make it; False where it is there."""
        answer = self._cloud.ask(
            SERVICE,
            "create_repository",
            unless=_THERE,
            about=f"{name}, account {self._owner.account}",
            registryId=self._owner.account,
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            tags=[{"Key": "toolkit:managed", "Value": "image"}],
        )
        return answer is not None


def _config_of(manifest: str) -> str | None:
    import json

    try:
        config = json.loads(manifest)["config"]["digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return str(config)
