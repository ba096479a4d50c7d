"""Requests made up from an OpenAPI document, and what every answer to them is held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]


def few(most: int) -> settings:
    """The same few each time."""
    return settings(
        max_examples=most, deadline=None, suppress_health_check=QUIET, database=None,
        derandomize=True, phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip


def many(most: int) -> settings:
    """Others each time, made smaller when they fail."""
    return settings(
        max_examples=most, deadline=None, suppress_health_check=QUIET, database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )  # fmt: skip


def ask_made_up(
    schema: schemathesis.BaseSchema,
    place: tuple[str, str],
    url: str,
    who: Mapping[str, str],
    how: settings,
) -> None:
    """Send made-up requests of one operation and hold the answers against the document."""
    path, method = place

    @how
    @given(case=schema[path][method.upper()].as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=url, headers=dict(who), checks=CHECKS)

    ask()
