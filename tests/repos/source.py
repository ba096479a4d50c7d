"""A pusher's own repository, with objects as plain or as hostile as a test wants them."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.repos.packs import request_of
from toolkit.repos.git import command, environ

ENVIRON = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "ann",
    "GIT_AUTHOR_EMAIL": "ann@localhost",
    "GIT_COMMITTER_NAME": "ann",
    "GIT_COMMITTER_EMAIL": "ann@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}

FILE, RUNS, FOLDER, LINK, MODULE = "100644", "100755", "40000", "120000", "160000"

_SHA1 = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_SHA256 = (
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
)

Line = tuple[str, str | bytes, str]
"""Mode, name and ID of one line of a folder."""


def receive(to: Path, request: bytes) -> subprocess.CompletedProcess[bytes]:
    """What stock git makes of a push, without hooks, in a repository with its configuration."""
    words = command(to, ["receive-pack", "--stateless-rpc", str(to)])
    return subprocess.run(words, env=environ(), input=request, capture_output=True, timeout=60)


class Source:
    """A bare repository that objects are written into one by one; nothing is checked out."""

    def __init__(self, folder: Path, *, sha256: bool = False):
        """`folder` is made; by hand, as everything here, because many tests want one each."""
        self.path = folder
        self.hash = hashlib.sha256 if sha256 else hashlib.sha1
        for below in ("objects/pack", "refs/heads"):
            (folder / below).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
        (folder / "config").write_text(_SHA256 if sha256 else _SHA1)

    def git(self, *words: str | bytes, stdin: bytes = b"", more: Mapping[str, str] = {}) -> str:
        """What git says."""
        return self.ask(*words, stdin=stdin, more=more, check=True).stdout.decode().strip()

    def ask(
        self,
        *words: str | bytes,
        stdin: bytes = b"",
        more: Mapping[str, str] = {},
        check: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """What becomes of git."""
        return subprocess.run(
            ["git", "--git-dir", str(self.path), *words],
            env={**ENVIRON, **more},
            input=stdin,
            capture_output=True,
            check=check,
            timeout=60,
        )

    def put(self, kind: str, data: bytes) -> str:
        """The ID of a new object, whatever is in it."""
        whole = f"{kind} {len(data)}\0".encode() + data
        id_ = self.hash(whole).hexdigest()
        path = self.path / "objects" / id_[:2] / id_[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        return id_

    def blob(self, data: bytes) -> str:
        """The ID of a new file."""
        return self.put("blob", data)

    def tree(self, lines: Sequence[Line]) -> str:
        """The ID of a new folder with these lines, however wrong."""
        return self.put(
            "tree",
            b"".join(
                mode.encode()
                + b" "
                + (name if isinstance(name, bytes) else name.encode())
                + b"\0"
                + bytes.fromhex(id_)
                for mode, name, id_ in lines
            ),
        )

    def commit(self, tree: str, *parents: str) -> str:
        """The ID of a new commit."""
        above = "".join(f"parent {parent}\n" for parent in parents)
        who = "ann <ann@localhost> 1700000000 +0000"
        said = f"tree {tree}\n{above}author {who}\ncommitter {who}\n\nchange\n"
        return self.put("commit", said.encode())

    def files(self, files: Mapping[str, bytes], *parents: str) -> str:
        """The ID of a new commit with plain files, folders made as needed."""
        return self.commit(self.folder(files), *parents)

    def folder(self, files: Mapping[str, bytes]) -> str:
        """The ID of a folder with plain files."""
        lines: list[Line] = []
        below: dict[str, dict[str, bytes]] = {}
        for path, data in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = data
            else:
                lines.append((FILE, name, self.blob(data)))
        lines += [(FOLDER, name, self.folder(held)) for name, held in below.items()]
        # Git sorts a folder as if its name ended with a slash.
        lines.sort(key=lambda line: f"{line[1]!s}/" if line[0] == FOLDER else str(line[1]))
        return self.tree(lines)

    def push(self, to: Path, *refs: str) -> subprocess.CompletedProcess[bytes]:
        """What becomes of a push by path, which runs stock `receive-pack` there."""
        return self.ask("push", "--quiet", str(to), *refs)

    def send(self, to: Path, *refs: tuple[str, str, str]) -> subprocess.CompletedProcess[bytes]:
        """What becomes of a push of old, new and name that no client looks at first.

        All objects here are sent, whatever the refs need of them.
        """
        listed = self.ask("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").stdout
        pack = self.ask("pack-objects", "--stdout", "-q", stdin=listed, check=True).stdout
        return receive(to, request_of(refs, pack))

    def give(self, to: Path, ref: str, commit: str) -> None:
        """Have a commit and all of it be in a repository, unchecked, and a ref there name it."""
        objects = self.git("rev-list", "--objects", "--no-object-names", commit)
        pack = self.ask("pack-objects", "--stdout", "-q", stdin=f"{objects}\n".encode()).stdout
        there = ["git", "--git-dir", str(to), "-c", "transfer.fsckObjects=false"]
        for words, data in (
            ([*there, "unpack-objects", "-q"], pack),
            ([*there, "update-ref", ref, commit], b""),
        ):
            subprocess.run(words, env=ENVIRON, input=data, capture_output=True, check=True)
