"""KMS: the one key of a cluster's secrets, found by its alias, or by its tags where it has none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from toolkit.clients.aws.cloud import Cloud, tags_of
from toolkit.errors import RefusedError, TakenError
from toolkit.spec.aws import CLUSTER_TAG, KeyView

SERVICE = "kms"
PENDING = "PendingDeletion"
ENABLED = "Enabled"

_ABSENT = re.compile(r"^NotFoundException")
_THERE = re.compile(r"^AlreadyExistsException")
_NOT_OURS = re.compile(r"AccessDenied|^NotFoundException|^KMSInvalidState")
"""Of a key among many that is asked for its tags: it is nobody's that we look for."""


class Keys:
    """The keys of one account in one region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def find(self, alias: str) -> KeyView | None:
        """The key that an alias such as `alias/toolkit/prod` leads to."""
        return self._view(alias)

    def find_unnamed(self, cluster: str) -> tuple[KeyView, ...]:
        """Keys that carry the cluster's tag, and that no alias leads to.

        Only keys without an alias are looked at one by one: nobody's own keys stay so.
        """
        named = {
            str(each.get("TargetKeyId", ""))
            for each in self._cloud.pages(SERVICE, "list_aliases", "Aliases")
        }
        found: list[KeyView] = []
        for each in self._cloud.pages(SERVICE, "list_keys", "Keys"):
            if each["KeyId"] in named:
                continue
            if self._tags(each["KeyId"], unless=_NOT_OURS).get(CLUSTER_TAG) != cluster:
                continue
            if (key := self._view(each["KeyId"])) is not None:
                found.append(key)
        return tuple(found)

    def make(self, alias: str, policy: Mapping[str, Any], tags: Mapping[str, str]) -> KeyView:
        """The key behind the alias, made unless there is one, with rotation; again: the same one.

        `tags`: the cluster's among them. TakenError where the alias leads to a key that does not
        carry it. One that waits for its deletion is kept after all; RefusedError for one that
        somebody switched off.
        """
        cluster = tags[CLUSTER_TAG]
        key = self._view(alias)
        if key is None:
            key = self._unnamed(cluster) or self._create(policy, tags)
            key = self._name(alias, key)
        if key.tags.get(CLUSTER_TAG) != cluster:
            raise TakenError(
                f"{alias} leads to a key that is not cluster {cluster}'s: {key.arn}",
                hint="remove the alias, or give the cluster another name",
            )
        if key.state == PENDING:
            self._cloud.call(SERVICE, "cancel_key_deletion", KeyId=key.id)
            self._cloud.call(SERVICE, "enable_key", KeyId=key.id)
        elif key.state != ENABLED:
            raise RefusedError(
                f"the key of cluster {cluster}'s secrets, {key.arn}, is {key.state}",
                hint=f"whoever did that had a reason; then: aws kms enable-key --key-id {key.id}",
            )
        self._cloud.call(SERVICE, "enable_key_rotation", KeyId=key.id)
        return self._view(key.id) or key

    def schedule_deletion(self, alias: str, cluster: str, *, days: int = 7) -> tuple[KeyView, ...]:
        """Let the cluster's key end, and those of it without a name; what now waits for its end.

        `days`: 7 to 30. The alias goes last, so that a run that was killed finds the key again.
        TakenError where the alias leads to a key that is not the cluster's.
        """
        named = self._view(alias)
        if named is not None and named.tags.get(CLUSTER_TAG) != cluster:
            raise TakenError(f"{alias} leads to a key that is not cluster {cluster}'s: {named.arn}")
        keys = (*(() if named is None else (named,)), *self.find_unnamed(cluster))
        for key in keys:
            if key.state != PENDING:
                self._cloud.call(
                    SERVICE, "schedule_key_deletion", KeyId=key.id, PendingWindowInDays=days
                )
        if named is not None:
            self._cloud.ask(SERVICE, "delete_alias", unless=_ABSENT, AliasName=alias)
        return tuple(view for key in keys if (view := self._view(key.id)) is not None)

    def _unnamed(self, cluster: str) -> KeyView | None:
        """One that was made, and whose alias was not, as the run was killed in between."""
        return next((key for key in self.find_unnamed(cluster) if key.state != PENDING), None)

    def _create(self, policy: Mapping[str, Any], tags: Mapping[str, str]) -> KeyView:
        """Sent once: KMS has no token by which a second one would be the same key."""
        answer = self._cloud.call(
            SERVICE,
            "create_key",
            once=True,
            Policy=json.dumps(policy, sort_keys=True),
            Description=f"Secrets of cluster {tags[CLUSTER_TAG]}, made by toolkit",
            Tags=[{"TagKey": key, "TagValue": text} for key, text in sorted(tags.items())],
        )
        return _key(answer["KeyMetadata"], dict(tags))

    def _name(self, alias: str, key: KeyView) -> KeyView:
        """Let the alias lead to the key; the key of whoever was faster."""
        answer = self._cloud.ask(
            SERVICE, "create_alias", unless=_THERE, AliasName=alias, TargetKeyId=key.id
        )
        return key if answer is not None else self._view(alias) or key

    def _view(self, name: str) -> KeyView | None:
        answer = self._cloud.ask(SERVICE, "describe_key", unless=_ABSENT, KeyId=name)
        if answer is None:
            return None
        return _key(answer["KeyMetadata"], self._tags(answer["KeyMetadata"]["KeyId"]))

    def _tags(self, key: str, unless: re.Pattern[str] = _ABSENT) -> Mapping[str, str]:
        pages = self._cloud.whole_pages(SERVICE, "list_resource_tags", unless=unless, KeyId=key)
        listed = [tag for page in pages for tag in page.get("Tags") or ()]
        return tags_of(listed, "TagKey", "TagValue")


def _key(metadata: Mapping[str, Any], tags: Mapping[str, str]) -> KeyView:
    return KeyView(
        id=str(metadata["KeyId"]),
        arn=str(metadata.get("Arn", "")),
        state=str(metadata.get("KeyState", "")),
        tags=tags,
        ends=metadata.get("DeletionDate"),
    )
