"""What a push gives to the jobs of its commit: where their code is, and what was built of it.

A template sees it as `code` and `build`, a plain job file as the variables that it declares. Where
nothing was pushed the variables of those names count, which a file for `--var-file` may hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

CODE = ("url", "repo", "commit", "archive", "checksum", "audience")
"""Keys of `code`."""
BUILD = ("url", "checksum", "image")
"""Keys of each entry of `build`, by service."""


def names(given: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """`code` and `build` of a template, as far as anybody says what they are."""
    return {
        name: value
        for name in ("code", "build")
        if (value := given.get(name) or variables.get(name))
    }


def declared(given: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Of a plain job those of its variables that a push gives: `code_archive`, `build_web_url`."""
    flat = {f"code_{key}": value for key, value in (given.get("code") or {}).items()}
    for service, built in (given.get("build") or {}).items():
        word = service.replace("-", "_")
        flat |= {f"build_{word}_{key}": value for key, value in built.items()}
    return {name: value for name, value in flat.items() if name in names}
