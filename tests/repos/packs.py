"""Packs and pushes written by hand: what no honest git would send."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}

Object = tuple[str, bytes]
"""Kind and bytes."""

NOTHING = "0" * 40


def id_of(made: Object) -> str:
    """The ID that git gives an object."""
    kind, data = made
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def commit_of(tree: str) -> Object:
    """A commit of a folder."""
    who = "ann <ann@localhost> 1700000000 +0000"
    return "commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nchange\n".encode()


def line_of(mode: str, name: bytes, id_: str) -> bytes:
    """One line of a folder."""
    return mode.encode() + b" " + name + b"\0" + bytes.fromhex(id_)


def pack_of(objects: Iterable[Object]) -> bytes:
    """A pack of whole objects."""
    made = list(objects)
    parts = [b"PACK" + struct.pack(">II", 2, len(made))]
    for kind, data in made:
        size = len(data)
        byte = KINDS[kind] << 4 | size & 15
        size >>= 4
        head = bytearray()
        while size:
            head.append(byte | 128)
            byte, size = size & 127, size >> 7
        head.append(byte)
        parts += [bytes(head), zlib.compress(data, 1)]
    body = b"".join(parts)
    return body + hashlib.sha1(body).digest()


def request_of(refs: Iterable[tuple[str, str, str]], pack: bytes, *, words: str = "") -> bytes:
    """What a client sends to `git-receive-pack`: old, new and name of each ref, and a pack."""
    lines = []
    for index, (old, new, name) in enumerate(refs):
        said = f"\0report-status side-band-64k atomic {words}" if not index else ""
        line = f"{old} {new} {name}{said}".encode(errors="surrogateescape")
        lines.append(f"{len(line) + 4:04x}".encode() + line)
    return b"".join([*lines, b"0000", pack])


def deep(levels: int) -> list[Object]:
    """A commit with one file, below so many folders."""
    blob: Object = ("blob", b"x")
    objects, data = [blob], line_of("100644", b"f", id_of(blob))
    for _ in range(levels):
        objects.append(("tree", data))
        data = line_of("40000", b"d", id_of(objects[-1]))
    objects.append(("tree", data))
    objects.append(commit_of(id_of(objects[-1])))
    return objects


def forest(levels: int, wide: int) -> list[Object]:
    """A commit that has `wide` to the power of `levels` folders, all the same."""
    objects: list[Object] = [("tree", b"")]
    for _ in range(levels):
        below = id_of(objects[-1])
        data = b"".join(line_of("40000", f"d{index:03}".encode(), below) for index in range(wide))
        objects.append(("tree", data))
    objects.append(commit_of(id_of(objects[-1])))
    return objects
