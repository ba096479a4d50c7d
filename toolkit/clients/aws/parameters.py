"""SSM's Parameter Store: a cluster's secrets as SecureStrings below `/toolkit/NAME/`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from toolkit.clients.aws.cloud import Cloud
from toolkit.errors import TakenError
from toolkit.spec.aws import CLUSTER_TAG
from toolkit.spec.target import Secret

SERVICE = "ssm"
TAKES = 10
"""Names that one call deletes."""
KIND = "SecureString"
"""All others below the name are the stack's: the boot scripts, which are no secrets."""
BOOT, TEXT = "boot", "String"
"""Where those are, and what they are."""

_ABSENT = re.compile(r"^ParameterNotFound")
_THERE = re.compile(r"^ParameterAlreadyExists")


class ParameterStore:
    """The store of `toolkit.cluster.secrets` in AWS; a value has 4 KB at most."""

    def __init__(
        self, cloud: Cloud, cluster: str, key_alias: str, tags: Mapping[str, str] | None = None
    ) -> None:
        """`key_alias`: of the key that values are encrypted with; `tags`: beside the cluster's."""
        self._cloud = cloud
        self._root = f"/toolkit/{cluster}/"
        self._key = key_alias
        self._tags = [
            {"Key": key, "Value": text}
            for key, text in sorted({**(tags or {}), CLUSTER_TAG: cluster}.items())
        ]

    def get(self, name: str) -> Secret | None:
        """The value, or None where there is none."""
        answer = self._cloud.ask(
            SERVICE,
            "get_parameter",
            unless=_ABSENT,
            about=name,
            Name=self._root + name,
            WithDecryption=True,
        )
        return None if answer is None else Secret(str(answer["Parameter"]["Value"]))

    def read_all(self) -> Mapping[str, Secret]:
        """Every value by its name, ten a call; only those who may read all of them may do so."""
        return {
            str(each["Name"]).removeprefix(self._root): Secret(str(each["Value"]))
            for each in self._cloud.pages(
                SERVICE,
                "get_parameters_by_path",
                "Parameters",
                Path=self._root,
                Recursive=True,
                WithDecryption=True,
                ParameterFilters=[{"Key": "Type", "Option": "Equals", "Values": [KIND]}],
            )
            if each.get("Type") == KIND
        }

    def put_new(self, name: str, value: Secret) -> None:
        """Keep a value; TakenError where the name has another one, which then stays."""
        answer = self._cloud.ask(
            SERVICE,
            "put_parameter",
            unless=_THERE,
            about=name,
            conceal=value.reveal(),
            Name=self._root + name,
            Value=value.reveal(),
            Type=KIND,
            KeyId=self._key,
            Tier="Standard",
            Overwrite=False,
            Tags=self._tags,
        )
        # Or ours, of a try whose answer was lost.
        if answer is None and self.get(name) != value:
            raise TakenError(f"there is a secret {name} already")

    def replace(self, name: str, value: Secret) -> None:
        """Keep a value in the place of what was there."""
        answer = self._cloud.call(
            SERVICE,
            "put_parameter",
            about=name,
            conceal=value.reveal(),
            Name=self._root + name,
            Value=value.reveal(),
            Type=KIND,
            KeyId=self._key,
            Tier="Standard",
            Overwrite=True,
        )
        # SSM takes no tags with a value that may be there.
        if answer.get("Version") == 1:
            self._cloud.call(
                SERVICE,
                "add_tags_to_resource",
                about=name,
                ResourceType="Parameter",
                ResourceId=self._root + name,
                Tags=self._tags,
            )

    def remove(self, name: str) -> None:
        """Forget a value; nothing happens where there is none."""
        self._cloud.ask(
            SERVICE, "delete_parameter", unless=_ABSENT, about=name, Name=self._root + name
        )

    def names(self) -> tuple[str, ...]:
        """The names of all values, sorted; no value is read."""
        return self._listed(self._root, KIND)

    def clear(self) -> tuple[str, ...]:
        """Forget all values; the names of those that there were."""
        return self._delete(self.names())

    def boot_scripts(self) -> tuple[str, ...]:
        """The names of what machines boot by, sorted: a stack's own, while there is one."""
        return self._listed(f"{self._root}{BOOT}/", TEXT)

    def clear_boot_scripts(self) -> tuple[str, ...]:
        """Forget what machines boot by; the names of what there was."""
        return self._delete(self.boot_scripts())

    def _listed(self, path: str, kind: str) -> tuple[str, ...]:
        filters = [
            {"Key": "Path", "Option": "Recursive", "Values": [path.rstrip("/")]},
            {"Key": "Type", "Option": "Equals", "Values": [kind]},
        ]
        listed = self._cloud.pages(
            SERVICE, "describe_parameters", "Parameters", ParameterFilters=filters, MaxResults=50
        )
        return tuple(
            sorted(
                str(each["Name"]).removeprefix(self._root)
                for each in listed
                if each.get("Type") == kind and str(each["Name"]).startswith(path)
            )
        )

    def _delete(self, names: tuple[str, ...]) -> tuple[str, ...]:
        for some in _tens(names):
            self._cloud.call(
                SERVICE, "delete_parameters", Names=[self._root + name for name in some]
            )
        return names


def _tens(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + TAKES] for start in range(0, len(names), TAKES)]
