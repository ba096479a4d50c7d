"""What a job's image is built from and called; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.config.addresses import REPOSITORY
from toolkit.config.durations import parse_duration
from toolkit.config.layers import Layer, Leaf, table
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.image import ImageName, ImageSettings, RegistryPlace
from toolkit.spec.jobspec import JobSpec, Origin
from toolkit.spec.target import Target

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_READABLE = re.compile(r"token|passw|secret|credential|private|(^|_)key$|api_?key", re.IGNORECASE)

DRIVER = "docker"
"""The driver whose images are found in the environment's registry."""


def settings(values: Mapping[str, Any] | None) -> ImageSettings:
    """The job file's `[image]`."""
    if not values:
        return ImageSettings()
    given = dict(values)
    if "timeout" in given:
        given["timeout"] = parse_duration(given["timeout"])
    if "command" in given:
        given["command"] = tuple(given["command"])
    if "args" in given:
        given["args"] = tuple((name, _text(value)) for name, value in given["args"].items())
    for name in {"context", "dockerfile"} & set(given):
        given[name] = given[name].removesuffix("/")
    return ImageSettings(**given)


def check_image(merged: Layer) -> list[Mistake]:
    """Build arguments whose names say that nobody should read them."""
    return [
        found.mistake(
            "is readable for whoever has the image", "a build takes secrets from its own files"
        )
        for name, found in (table(merged, "image", "args") or {}).items()
        if isinstance(found, Leaf) and _READABLE.search(name)
    ]


def image_name(spec: JobSpec, place: RegistryPlace | None) -> ImageName | None:
    """What the job's image is called with its release as the tag; None where that is not ours.

    It is not when another driver runs the job, when it has no release, and when the job file says
    a tag, a digest or another registry. ConfigError where a release or a name can be no image's.
    """
    if spec.plain or spec.driver is None or spec.driver.name != DRIVER or spec.release is None:
        return None
    written = spec.driver.config.get("image", spec.name)
    if not isinstance(written, str) or "@" in written or ":" in written.rpartition("/")[2]:
        return None
    host, _, path = written.partition("/")
    if not path or not ("." in host or ":" in host or host == "localhost"):
        host, path = "", written
    if host and (place is None or host != place.host):
        return None
    if place is not None and not host:
        path = f"{place.prefix}/{path}" if place.prefix else path
        host = place.host
    mistakes = []
    if not REPOSITORY.fullmatch(path):
        message = f'"{path}" can be no image\'s name: small letters, digits and . _ - / only'
        mistakes.append(Mistake(spec.source, "driver.docker.image", None, message))
    if not _TAG.fullmatch(spec.release):
        message = f'"{spec.release}" can be no image\'s tag'
        found = spec.release_origin or Origin(spec.source)
        hint = "letters, digits, _ . and - only, 128 of them at most"
        mistakes.append(Mistake(found.source, found.key or None, found.line, message, hint))
    if mistakes:
        raise ConfigError(mistakes)
    return ImageName(path, spec.release, host)


def with_image(spec: JobSpec, image: str) -> JobSpec:
    """The job with that image, whatever its file says."""
    assert spec.driver is not None  # noqa: S101 - it has an image
    driver = replace(spec.driver, config={**spec.driver.config, "image": image})
    return replace(spec, driver=driver)


def located(spec: JobSpec, target: Target) -> JobSpec:
    """The job with its image at the environment's registry, by its tag; asks nobody."""
    image = None if target.registry is None else image_name(spec, target.registry)
    return spec if image is None else with_image(spec, str(image))


def _text(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
