"""The command line as a user types it, and what every refusal of it owes them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.agents.shop import Said
from tests.docs.schemas import check_printed
from toolkit.cli.main import run
from toolkit.cli.world import World


def call(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Said:
    """One command, run in `folder` without a terminal."""
    out, err = io.StringIO(), io.StringIO()
    code = run(World(arguments, environ or {}, io.StringIO(), out, err, folder))
    if "--json" in arguments and out.getvalue():
        check_printed(out.getvalue())
    return Said(int(code), out.getvalue(), err.getvalue())


def unaddressed(text: str) -> str:
    """A command to type without the addresses that the command before it was given."""
    return re.sub(r" --(?:nomad|consul)-addr \S+", "", text)


def refusal(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None, code: int = 1
) -> str:
    """The message, and after it the hint, of a command that must fail with `code`.

    It is run as text and with --json, and both must say the same.
    """
    text = call(folder, *arguments, environ=environ)
    data = call(folder, *arguments, "--json", environ=environ)
    assert (text.code, data.code) == (code, code), text.err + data.out + data.err
    assert text.out == ""
    return complaint(text, data.error)


def complaint(text: Said, error: Mapping[str, Any]) -> str:
    """Message and hint of one error; each line is in the text, and nobody sees a traceback."""
    assert error["code"] == text.code
    message, hint = str(error["message"]), str(error["hint"] or "")
    hints = [hint, *(str(mistake["hint"] or "") for mistake in error["mistakes"])]
    # What TOML's parser says, or a list of near names, is the hint itself.
    told = [word for word in ("not valid TOML", "near names", " (") if word in message]
    assert any(hints) or told, f"no hint: {text.err}"
    for line in (message + "\n" + hint).splitlines():
        assert line.strip() in text.err
    assert "Traceback" not in text.err
    assert "a bug in toolkit" not in text.err
    assert not message.endswith(".")
    return "\n".join((message, *hints))


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def as_json(value: object) -> bytes:
    """A body that an agent could have sent."""
    return json.dumps(value).encode()
