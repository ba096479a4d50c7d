"""What the tag of a job version says of where it came from: its name and its description; pure.

Nomad copies a version's tag, name and all, into the versions that it makes of it by itself: when it
takes a failed version back, when a job is scaled or stopped, when one is dispatched. So the
description names the version that it was written for, and on any other it is a copy.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from toolkit.rollout.diff import is_secret_key
from toolkit.rollout.direct import is_launched_later, is_work
from toolkit.rollout.read import groups
from toolkit.rollout.secrets import REDACTED, scrub
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.provenance import Origin, Provenance
from toolkit.spec.rendered import RenderedJob

KEPT = 20
"""So many of our tags stay on a job: tagged versions are kept by Nomad, of others only six."""

LONGEST = 1000
"""Bytes: Nomad refuses to register a copy of a version whose tag says more."""

VERIFIED = ("deployed", "reverted to")
"""The verdicts of versions that were proven to serve."""

_LONGEST_RELEASE = 100
_LONGEST_WHO = 100
_OURS = "toolkit"
"""The key, holding the tool's version, that makes a description one of ours."""

_LEFT_OUT = {"context", "kind_origin", "release_origin", "count_origin", "source", "file_release"}
"""Fields of a job file's values that say where a value came from, or what machine this is."""


def tag_name(release: str | None, version: int) -> str:
    """`1.2.0-v7`, or `v7` without a release.

    What would not survive a URL's path or a command line unquoted becomes `-`.
    """
    if release is None:
        return f"v{version}"
    plain = re.sub(r"[^A-Za-z0-9._+~-]", "-", release)[:_LONGEST_RELEASE]
    return f"{plain}-v{version}"


def begun(origin: Origin, release: str | None, version: int, at: float) -> Provenance:
    """The provenance of a version that has just been registered; `at` in epoch seconds."""
    return Provenance(
        tag=tag_name(release, version),
        release=release,
        version=version,
        commit=origin.commit,
        dirty=origin.dirty,
        digest=origin.digest,
        actor=origin.actor,
        tool=origin.tool,
        at=at,
    )


def description(provenance: Provenance) -> str:
    """The tag's description: one line of JSON, short enough for Nomad."""
    body = {
        _OURS: provenance.tool,
        "version": provenance.version,
        "commit": provenance.commit,
        "dirty": provenance.dirty,
        "digest": provenance.digest,
        "actor": provenance.actor[:_LONGEST_WHO],
        "verdict": provenance.verdict,
        "at": round(provenance.at, 3),
        "of": provenance.copy_of,
    }
    said = {key: value for key, value in body.items() if value not in {None, ""} or key == _OURS}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) >= LONGEST:
        said.pop("actor", None)
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return text


def tagged(raw: Mapping[str, Any]) -> Provenance | None:
    """What one of our tags says, on its own version or on a copy of it; None for any other tag."""
    tag = raw.get("VersionTag") or {}
    release = (raw.get("Meta") or {}).get("release")
    try:
        body = json.loads(str(tag.get("Description") or ""))
        version = body["version"]
        if not isinstance(body[_OURS], str) or not isinstance(version, int):
            return None
        dirty, at = body.get("dirty"), float(body.get("at") or 0.0)
        return Provenance(
            tag=str(tag["Name"]),
            release=None if release is None else str(release),
            version=version,
            commit=_text(body.get("commit")) or None,
            dirty=dirty if isinstance(dirty, bool) else None,
            digest=_text(body.get("digest")),
            actor=_text(body.get("actor")),
            tool=_text(body[_OURS]),
            verdict=_text(body.get("verdict")) or None,
            at=at if math.isfinite(at) else 0.0,
            copy_of=int(body["of"]) if isinstance(body.get("of"), int) else None,
        )
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        # Whoever may tag a version may write anything there.
        return None


def own(raw: Mapping[str, Any]) -> Provenance | None:
    """What the tag of a version says that was given to this very version, not to one before it."""
    found = tagged(raw)
    return found if found is not None and found.version == int(raw.get("Version") or 0) else None


def shown(raw: Mapping[str, Any]) -> Provenance | None:
    """What is known of where a version came from: of one that Nomad made, by what it copied."""
    found = tagged(raw)
    if found is None or own(raw) is not None:
        return found
    return replace(copy_of(found, raw), tag=found.tag)


def copy_of(found: Provenance, raw: Mapping[str, Any]) -> Provenance:
    """What to say of a version that Nomad made of the one that `found` is about."""
    number = int(raw.get("Version") or 0)
    return replace(
        found,
        tag=tag_name(found.release, number),
        version=number,
        verdict=None,
        copy_of=found.version,
    )


def is_taggable(job: Mapping[str, Any]) -> bool:
    """True for a job whose versions may carry a tag without harm.

    Nomad never forgets a finished job with a tag, nor what a tagged schedule or dispatch launches,
    nor any of the versions that an autoscaler makes of a tagged one.
    """
    scaled = any(
        (group.get("Scaling") or {}).get("Enabled") and (group.get("Scaling") or {}).get("Policy")
        for group in groups(job)
    )
    return not (is_work(job) or is_launched_later(job) or scaled)


def digest_of(rendered: RenderedJob, secrets: tuple[str, ...] = ()) -> str:
    """SHA-256 over the template's files, the variables and the job file's values.

    Values whose names say that they are secret, and `secrets` wherever they stand, are left out:
    whoever may read a tag could guess a short one until the digest fits.
    """
    body = {
        "files": {path: scrub(text, secrets) for path, text in rendered.sources.items()},
        "values": {
            field.name: _plain(getattr(rendered.spec, field.name), secrets)
            for field in fields(JobSpec)
            if field.name not in _LEFT_OUT
        },
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, secrets: tuple[str, ...]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if is_secret_key(str(key)) else _plain(inner, secrets)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(inner, secrets) for inner in value]
    return scrub(value, secrets) if isinstance(value, str) else value


def _text(value: Any) -> str:
    return value[:_LONGEST_WHO] if isinstance(value, str) else ""
