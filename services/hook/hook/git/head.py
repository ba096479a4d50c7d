"""The beginning of a push, as far as it can be judged before any git is started."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hook.git.body import Body
from hook.git.packets import LARGEST, length
from toolkit.serving.problems import ProblemError
from toolkit.spec.hook import PushLimits

_MOST = 1 << 20
"""Bytes of the ref lines and of what shallow clones say, together."""
_PACK = 12
"""Bytes that a pack begins with: PACK, a version, and how many objects there are."""


@dataclass(slots=True)
class Head:
    """What is known of a push so far; whoever reads it may fail half way."""

    refs: list[bytes] = field(default_factory=list)
    """Their names, as the client says them."""
    sideband: bool = False
    """The client listens on side bands."""
    objects: int = 0


async def read_head(body: Body, limits: PushLimits, head: Head) -> None:
    """Read the ref lines and where the pack begins into `head`; the body gives them again.

    Raises `too-large` for more refs or objects than allowed, `malformed` for what is no push.
    """
    raw = bytearray()
    at, whole = 0, False
    while not whole:
        piece = await body.read()
        raw += piece
        if not piece:
            if raw:
                raise ProblemError("malformed", "the push ends within its ref lines")
            break
        at, whole = _lines(raw, at, limits, head)
        if not whole and len(raw) > _MOST + LARGEST:
            raise ProblemError("too-large", f"the ref lines have more than {_MOST:,} bytes")
    while whole and len(raw) - at < _PACK and (piece := await body.read()):
        raw += piece
    pack = raw[at : at + _PACK]
    if pack and len(pack) == _PACK and pack.startswith(b"PACK"):
        head.objects = int.from_bytes(pack[8:12], "big")
        if head.objects > limits.objects:
            raise ProblemError(
                "too-large",
                f"the push has {head.objects:,} objects, and {limits.objects:,} are the most",
            )
    elif pack:
        raise ProblemError("malformed", "what comes after the ref lines is no pack")
    body.put_back(bytes(raw))


def _lines(raw: bytearray, at: int, limits: PushLimits, head: Head) -> tuple[int, bool]:
    """Look at the lines that are whole; where the next begins, and whether that was the last."""
    while True:
        try:
            size = length(raw, at)
        except ValueError:
            raise ProblemError("malformed", "the body is no push: it has no pkt-lines") from None
        if size is None or len(raw) - at < size:
            return at, False
        if size == 0:
            return at + 4, True
        _line(bytes(raw[at + 4 : at + size]), limits, head)
        at += size


def _line(line: bytes, limits: PushLimits, head: Head) -> None:
    if line.startswith(b"shallow "):
        return
    if line.startswith(b"push-cert"):
        raise ProblemError("malformed", "signed pushes are not taken here")
    if not head.refs:
        said = line.partition(b"\0")[2].split()
        head.sideband = b"side-band-64k" in said
        if b"push-options" in said:
            raise ProblemError("malformed", "push options are not taken here")
    if len(head.refs) >= limits.refs:
        raise ProblemError("too-large", f"a push may name {limits.refs} refs, and not more")
    name = line.removesuffix(b"\n").partition(b"\0")[0][_IDS:]
    if _CONTROL.search(name):
        # Git's hooks are told of refs a line each: this one would be two of them, and the second
        # a move that nobody makes. Git itself refuses such names, but only after its hooks.
        raise ProblemError(
            "malformed", "the push names a ref with a space or a control character in it"
        )
    head.refs.append(name[:_LONGEST])


_CONTROL = re.compile(rb"[\0-\x20\x7f]")
_LONGEST = 1000
_IDS = 2 * 41
"""Characters of both IDs of a line: nothing but SHA-1 is taken."""
