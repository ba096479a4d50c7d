"""What a plain Nomad job file says about itself, by a light scan: its name, kind and variables.

Nomad's own parser judges the file; this only has to find top-level blocks, and may not be fooled by
comments, strings and heredocs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from toolkit.spec.jobspec import EMPTY

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<heredoc><<-?[ \t]*(?P<mark>[A-Za-z_][\w-]*)\r?\n(?:.*?\n)??[ \t]*(?P=mark)(?=\s|\Z))"""
    r"""|(?P<newline>\n)|(?P<quote>")|(?P<open>[{\[(])|(?P<close>[}\])])|(?P<equals>=(?!=))"""
    r"""|(?P<word>[A-Za-z_][\w-]*|[0-9.]+)|(?P<other>.)""",
    re.DOTALL,
)


class PlainJob(NamedTuple):
    """What the scan found; None and empty where it found nothing."""

    names: tuple[str, ...] = ()
    """Labels of the `job` blocks; a good file has one."""
    kind: str | None = None
    variables: Mapping[str, str] = EMPTY
    """Declared variable -> its type as written, `string` when its default is one, else empty."""


class _Token(NamedTuple):
    kind: str
    text: str


def scan_job(text: str) -> PlainJob:
    """Scan a job file; never fails, whatever the text is."""
    names: list[str] = []
    variables: dict[str, str] = {}
    kind: str | None = None
    blocks: list[tuple[str, ...]] = []
    row: list[_Token] = []
    for token in _tokens(text):
        if token.kind == "newline" and (not blocks or blocks[-1] != ("(",)):
            row = []
            continue
        if token.kind == "open":
            header = (
                tuple(word.text for word in row) if _is_header(row) and token.text == "{" else ()
            )
            blocks.append(header or ("(",))
            if len(blocks) == 1 and header[:1] == ("job",) and len(header) == 2:
                names.append(header[1])
            if len(blocks) == 1 and header[:1] == ("variable",) and len(header) == 2:
                variables.setdefault(header[1], "")
            row = []
            continue
        if token.kind == "close":
            if blocks:
                blocks.pop()
            row = []
            continue
        row.append(token)
        if len(blocks) == 1 and len(row) == 3 and row[1].kind == "equals":
            name, value = row[0].text, row[2]
            if blocks[0][0] == "job" and name == "type" and value.kind == "string":
                kind = value.text
            if blocks[0][0] == "variable" and len(blocks[0]) == 2:
                if name == "type" and value.kind == "word":
                    variables[blocks[0][1]] = value.text
                if name == "default" and value.kind == "string":
                    variables[blocks[0][1]] = variables[blocks[0][1]] or "string"
    return PlainJob(tuple(names), kind, variables)


def _is_header(row: list[_Token]) -> bool:
    return bool(row) and row[0].kind == "word" and all(t.kind in {"word", "string"} for t in row)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        kind = match.lastgroup or "other"
        if match["heredoc"] is not None:
            yield _Token("heredoc", "")
        elif kind == "quote":
            start, at = at, _end_of_string(text, at)
            yield _Token("string", text[start:at].removesuffix('"'))
        elif kind != "skip":
            yield _Token(kind, match[0])


def _end_of_string(text: str, at: int) -> int:
    """Just behind the closing quote; `${…}` and `%{…}` may hold quotes of their own."""
    inside: list[str] = ['"']
    while at < len(text):
        char = text[at]
        if inside[-1] == '"':
            if char == "\\":
                at += 1
            elif char == '"':
                inside.pop()
            elif text.startswith(("$${", "%%{"), at):
                at += 2
            elif text.startswith(("${", "%{"), at):
                inside.append("{")
                at += 1
            elif char == "\n":
                return at  # not closed on its line: Nomad will say so
        elif char == "{" or char == '"':
            inside.append(char)
        elif char == "}":
            inside.pop()
        at += 1
        if not inside:
            return at
    return at
