"""A key for one tunnel: made here, let in for a minute, used by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from toolkit.errors import RefusedError


def make_key(path: Path) -> str:
    """Write a new private key that only its owner can read; its public half, as one line."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private)
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise RefusedError(
            f"{path} cannot be written: {exc.strerror or exc}",
            hint="check that the folder is yours and that the disk has room",
        ) from exc
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
