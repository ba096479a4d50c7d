"""The OpenAPI document, made from the table of actions: nothing is described twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolkit.serving.actions import JSON, Action, Schema
from toolkit.serving.problems import PROBLEM_JSON, Kind
from toolkit.serving.server import About

OBJECT = {"type": "object"}
SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A Nomad workload identity token or a Nomad ACL token.",
    },
    "nomad": {"type": "apiKey", "in": "header", "name": "X-Nomad-Token"},
}
"""How a caller may say who they are, where the server takes no other."""
ALWAYS = (
    "malformed",
    "unidentified",
    "forbidden",
    "not-found",
    "method-not-allowed",
    "not-acceptable",
    "invalid",
    "too-many",
    "headers-too-large",
    "unavailable",
)
"""Kinds of problems that every action may answer with."""
WITH_BODY = ("too-slow", "too-large", "unsupported-media-type")

_MEMBERS: Schema = {
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string"},
    "hint": {"type": "string"},
    "owner": {"type": "string"},
    "types": {"type": "array", "items": {"type": "string"}},
    "errors": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["field", "detail"],
            "properties": {
                "field": {"type": "string"},
                "detail": {"type": "string"},
                "hint": {"type": "string"},
            },
        },
    },
}
_HEADERS = {
    "If-Match": "Change only while it has this entity tag; `*` while there is one.",
    "If-None-Match": "Change only while there is none (`*`); read only when it changed.",
    "Idempotency-Key": "The same key and body again get the first answer, for a day.",
}


def describe(actions: Sequence[Action[Any]], about: About) -> dict[str, Any]:
    """The document (OpenAPI 3.1) of a server's table."""
    kinds = about.kinds
    healthz = _page("healthz", "Whether the server can do its work", JSON, kinds, unready=True)
    paths: dict[str, Any] = {
        "/healthz": {"get": healthz},
        "/metrics": {"get": _page("metrics", "Counters for Prometheus", "text/plain", kinds)},
        "/openapi.json": {"get": _page("openapi", "This document", JSON, kinds)},
    }
    for action in actions:
        paths.setdefault(action.path, {})[action.method.lower()] = _operation(action, about)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": "1",
            "description": about.description,
        },
        "paths": paths,
        "components": {
            "securitySchemes": about.schemes or SCHEMES,
            "schemas": {"Problem": _problem(kinds)},
        },
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def _problem(kinds: Mapping[str, Kind]) -> Schema:
    types = {"type": "string", "enum": [kind.type for kind in kinds.values()]}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {"type": types, **_MEMBERS},
    }


def _page(
    name: str, summary: str, media: str, kinds: Mapping[str, Kind], *, unready: bool = False
) -> dict[str, Any]:
    schema = OBJECT if media == JSON else {"type": "string"}
    answers: dict[str, Any] = {
        "200": {"description": "OK", "content": {media: {"schema": schema}}},
        **_problems(("malformed", "headers-too-large", "unavailable"), kinds),
    }
    if unready:
        answers["503"]["content"][JSON] = {"schema": OBJECT}
    return {"operationId": name, "summary": summary, "security": [], "responses": answers}


def _operation(action: Action[Any], about: About) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, schema in action.answers.items():
        answers[str(status)] = {"description": "Done" if status < 300 else "Unchanged"}
        if schema is not None:
            media = {JSON, *action.answer_media}
            answers[str(status)]["content"] = {each: {"schema": schema} for each in sorted(media)}
    kinds = (*ALWAYS, *action.problems, *(WITH_BODY if action.body is not None else ()))
    operation: dict[str, Any] = {
        "operationId": action.name,
        "summary": action.summary,
        "security": [{name: []} for name in about.schemes or SCHEMES],
        "parameters": [*_in_path(action), *_in_query(action), *_in_headers(action)],
        "responses": answers | _problems(kinds, about.kinds),
    }
    if action.body is not None:
        operation["requestBody"] = {
            "required": bool(action.body.get("required")),
            "content": {media: {"schema": action.body} for media in action.media},
        }
    return operation


def _in_path(action: Action[Any]) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", action.path):
        schema = action.path_schemas.get(name, {"type": "string"})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(action: Action[Any]) -> Iterable[dict[str, Any]]:
    for each in action.query:
        yield {"name": each.name, "in": "query", "description": each.says, "schema": each.schema}


def _in_headers(action: Action[Any]) -> Iterable[dict[str, Any]]:
    for name in action.headers:
        schema = {"type": "string", "maxLength": 200, "pattern": "^[!-~]+$"}
        yield {"name": name, "in": "header", "description": _HEADERS[name], "schema": schema}


def _problems(slugs: Iterable[str], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Answers by status; kinds that share one are named together."""
    found: dict[str, Any] = {}
    for slug in dict.fromkeys(slugs):
        kind = kinds[slug]
        content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answer = found.setdefault(str(kind.status), {"description": "", "content": content})
        answer["description"] = "; ".join(filter(None, (answer["description"], kind.title)))
    return found


def _plain(value: Any) -> Any:
    """Mappings that JSON does not know as those that it does."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
