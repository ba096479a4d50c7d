"""What is read of a request beside its body's meaning: credentials, media types, preconditions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from toolkit.serving.actions import JSON, Action
from toolkit.serving.limits import Limits
from toolkit.serving.problems import PROBLEM_JSON, ProblemError

_AS_CURL_SAYS = "application/x-www-form-urlencoded"
"""What `curl -d` says unless it is told otherwise: read as JSON too, as strictly."""
_MOST_PARAMETERS = 20
_LONGEST_KEY = 200


def credentials(request: Request) -> tuple[str | None, str | None]:
    """What `Authorization` and `X-Nomad-Token` say.

    Raises a `malformed` problem when one comes twice: which counts must not be a guess.
    """
    return _once(request, "authorization"), _once(request, "x-nomad-token")


def _once(request: Request, name: str) -> str | None:
    said = request.headers.getlist(name)
    if len(said) > 1:
        raise ProblemError("malformed", f"the request has more than one {name} header")
    return said[0] if said else None


def check_framing(request: Request) -> None:
    """Refuse a request whose end two servers could see in two places."""
    headers = request.headers
    if request.scope["http_version"] not in ("1.0", "1.1"):
        raise ProblemError(
            "malformed", "the request is not HTTP/1.1", headers={"Connection": "close"}
        )
    if "transfer-encoding" in headers and "content-length" in headers:
        raise ProblemError(
            "malformed",
            "the request says its length twice: Content-Length and Transfer-Encoding",
            headers={"Connection": "close"},
        )


def media_of_answer(request: Request, action: Action[Any]) -> str:
    """The media type to answer as; raises `not-acceptable`."""
    wanted = ",".join(request.headers.getlist("accept"))
    if not wanted.strip():
        return JSON
    accepted = [_essence(part) for part in wanted.split(",")[:_MOST_PARAMETERS]]
    for media in action.answer_media:
        if media in accepted:
            return media
    if any(each in (JSON, "application/*", "*/*", PROBLEM_JSON) for each in accepted):
        return JSON
    offered = " or ".join((JSON, *action.answer_media))
    raise ProblemError("not-acceptable", f"the answer is {offered}")


def check_media_of_body(request: Request, action: Action[Any]) -> None:
    """Raise `unsupported-media-type` when the body is not said to be JSON."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError("unsupported-media-type", "the body must not be compressed")
    said = _once(request, "content-type")
    if said is None or _essence(said) == _AS_CURL_SAYS:
        return
    charset = _charset(said)
    if _essence(said) not in action.media or charset not in ("", "utf-8", "utf8"):
        media = ", ".join(action.media)
        raise ProblemError(
            "unsupported-media-type",
            f"the body has to be {media} in UTF-8",
            headers={"Accept": media},
        )


async def body(request: Request, limits: Limits, most: int | None = None) -> bytes:
    """The body, never more of it than the limit; raises `too-large` or `too-slow`.

    `most`: bytes of one that is no JSON.
    """
    seconds = limits.body_seconds if most is None else limits.raw_seconds
    most = limits.body_bytes if most is None else most
    said = request.headers.get("content-length", "")
    if said.isdigit() and (len(said) > 12 or int(said) > most):
        raise _too_large(most)
    got = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                got += piece
                if len(got) > most:
                    raise _too_large(most)
    except TimeoutError:
        detail = f"the body did not end within {seconds:g} s"
        raise ProblemError("too-slow", detail, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise ProblemError("malformed", "the request ended before its body did") from None
    return bytes(got)


def query(request: Request) -> Sequence[tuple[str, str]]:
    """Pairs of the query string; raises `malformed`."""
    text = request.scope["query_string"].decode("latin-1")
    if not text:
        return ()
    try:
        return parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise ProblemError("malformed", "the query string is not name=value&…") from None


def header(request: Request, name: str) -> str | None:
    """A header that may come once, printable and of bounded length; raises `malformed`."""
    said = request.headers.getlist(name)
    if not said:
        return None
    value = said[0]
    if (
        len(said) > 1
        or not 0 < len(value) <= _LONGEST_KEY
        or not (value.isascii() and value.isprintable())
    ):
        detail = f"{name} has to come once, as 1 to {_LONGEST_KEY} printable characters"
        raise ProblemError("malformed", detail)
    return value


def _too_large(most: int) -> ProblemError:
    return ProblemError(
        "too-large",
        f"the body has more than {most} bytes",
        headers={"Connection": "close"},
    )


def _essence(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _charset(media: str) -> str:
    for parameter in media.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""
