"""What was built of the repositories: archives by digest, and beside them what they were made of.

`builds/NAME/DIGEST.tar.gz` is written once and never changed; `builds/NAME/made/INPUTS.json` says
what came of inputs, and is there only when all that it speaks of is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from toolkit.errors import RefusedError
from toolkit.repos.builds import Built
from toolkit.repos.files import PREFIX, make_folder, move, write_whole

_HEX = re.compile(r"[0-9a-f]{64}")
END = ".tar.gz"
"""Of an archive's name."""


class BuildStore:
    """The builds of all repositories below one data folder; the only writer of them."""

    def __init__(self, root: Path):
        """`root`: the data folder. What an end in the middle left is removed."""
        self._root = root / "builds"
        for unfinished in (*self._root.glob(f"*/{PREFIX}*"), *self._root.glob(f"*/made/{PREFIX}*")):
            unfinished.unlink(missing_ok=True)
        for folder in self._root.glob("*"):
            needed = {each.digest for each in self.all(folder.name)}
            for file in folder.glob(f"*{END}"):
                # It was taken, and the server ended before it was remembered for what.
                if f"sha256:{file.name.removesuffix(END)}" not in needed:
                    file.unlink(missing_ok=True)

    def find(self, repo: str, inputs: str) -> Built | None:
        """What these inputs came to, where all of it is still there."""
        file = self._made(repo) / f"{inputs}.json"
        try:
            found = Built(**json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None  # a damaged one is made again
        if found.url and self.path(repo, found.digest) is None:
            return None
        return replace(found, fresh=False)

    def path(self, repo: str, digest: str) -> Path | None:
        """The archive of this digest (`sha256:…` or its digits alone); None where there is none."""
        digits = digest.removeprefix("sha256:")
        if not _HEX.fullmatch(digits):
            return None
        file = self._root / repo / f"{digits}{END}"
        return file if file.is_file() else None

    def take(
        self, repo: str, pieces: Iterable[bytes], *, most: int, expected: str = ""
    ) -> tuple[str, int]:
        """Keep an archive under its digest; the digest and its bytes.

        RefusedError with more than `most` bytes, and where it is not what was `expected`; nothing
        of it stays then.
        """
        folder = self._root / repo
        make_folder(folder)
        new = folder / f"{PREFIX}{secrets.token_hex(8)}"
        hashed, size = hashlib.sha256(), 0
        try:
            with new.open("xb") as file:
                for piece in pieces:
                    size += len(piece)
                    if size > most:
                        raise RefusedError(
                            f"what was built has more than {most:,} bytes",
                            hint="hook.toml's [builds] bytes is the limit",
                        )
                    hashed.update(piece)
                    file.write(piece)
                if expected and f"sha256:{hashed.hexdigest()}" != expected:
                    raise RefusedError(
                        "what was built came over damaged; nothing was registered",
                        hint="deploy it again",
                    )
                file.flush()
                os.fsync(file.fileno())
            move(new, folder / f"{hashed.hexdigest()}{END}")
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        return f"sha256:{hashed.hexdigest()}", size

    def keep(self, repo: str, built: Built, *, kept: int) -> None:
        """Remember what inputs came to, and forget all but the newest `kept` of the service."""
        make_folder(self._made(repo))
        data = json.dumps(asdict(built), indent=1).encode()
        write_whole(self._made(repo) / f"{built.inputs}.json", data)
        self._forget(repo, built.service, kept)

    def all(self, repo: str) -> tuple[Built, ...]:
        """All builds of a repository that are remembered, the newest first."""
        found = [self.find(repo, file.stem) for file in self._made(repo).glob("*.json")]
        there = [each for each in found if each is not None]
        return tuple(sorted(there, key=lambda each: each.used, reverse=True))

    def _forget(self, repo: str, service: str, kept: int) -> None:
        builds = self.all(repo)
        old = [each for each in builds if each.service == service][kept:]
        for each in old:
            (self._made(repo) / f"{each.inputs}.json").unlink(missing_ok=True)
        needed = {each.digest for each in builds if each not in old}
        for each in old:
            file = self.path(repo, each.digest)
            if file is not None and each.digest not in needed:
                with suppress(FileNotFoundError):
                    file.unlink()

    def _made(self, repo: str) -> Path:
        return self._root / repo / "made"
