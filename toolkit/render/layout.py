"""From the marked stream of a template to HCL: values written for where they stand.

The stream is read the way HCL's scanner would read it, so that each value is written for its
own place: a literal between words, escaped text inside quotes, an interpolated string inside a
heredoc, harmless text inside a comment. A value cannot end the string it stands in, whatever it
holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from toolkit.render import marks
from toolkit.render.hcl import NotHclError, in_heredoc, inner, literal
from toolkit.render.tidy import Line, tidy
from toolkit.spec.rendered import SourceLine

_MARKS = (
    rf"{marks.SOURCE}(?P<source>[^{marks.SOURCE_END}]*){marks.SOURCE_END}"
    rf"|{marks.VALUE}(?P<value>[^{marks.VALUE_END}]*){marks.VALUE_END}"
    rf"|(?P<call>{marks.CALL})|(?P<end>{marks.CALL_END})|(?P<newline>\n)"
)
_CODE = re.compile(
    _MARKS + r'|(?P<quote>")|(?P<comment>\#|//)|(?P<block>/\*)|<<-?(?P<heredoc>[A-Za-z_][\w-]*)'
    rf'|(?P<open>[{{\[(])|(?P<close>[}}\])])|(?P<text>[^\n"#/<{{}}\[\](){marks.OPENING}]+|.)',
    re.DOTALL,
)
_STRING = re.compile(
    _MARKS + r'|(?P<quote>")|(?P<interpolation>[$%]\{)'
    rf'|(?P<escape>\\[^\n{marks.OPENING}]|\$\$\{{|%%\{{)|(?P<text>[^\n"\\$%{{{marks.OPENING}]+|.)',
    re.DOTALL,
)
_HEREDOC = re.compile(
    _MARKS + r"|(?P<escape>\$\$\{|%%\{)|(?P<interpolation>[$%]\{)"
    rf"|(?P<text>[^\n$%{{{marks.OPENING}]+|.)",
    re.DOTALL,
)
_LINE_COMMENT = re.compile(_MARKS + rf"|(?P<text>[^\n{marks.OPENING}]+|.)", re.DOTALL)
_BLOCK_COMMENT = re.compile(
    _MARKS + rf"|(?P<finish>\*/)|(?P<text>[^\n*{marks.OPENING}]+|.)", re.DOTALL
)

Place = Literal["code", "string", "heredoc", "line comment", "block comment"]
_SCANNERS: dict[Place, re.Pattern[str]] = {
    "code": _CODE,
    "string": _STRING,
    "heredoc": _HEREDOC,
    "line comment": _LINE_COMMENT,
    "block comment": _BLOCK_COMMENT,
}


class LayoutError(Exception):
    """A value that cannot be written where it stands; `source` is the template line."""

    def __init__(self, message: str, source: SourceLine | None):
        super().__init__(message)
        self.source = source


@dataclass(slots=True)
class _Frame:
    """What we are inside of."""

    place: Place
    terminator: str = ""
    depth: int = 0
    """Open brackets of this stretch of code."""


@dataclass(slots=True)
class _Reader:
    frames: list[_Frame] = field(default_factory=lambda: [_Frame("code")])
    lines: list[Line] = field(default_factory=lambda: [Line(movable=True)])
    source: SourceLine | None = None
    callers: list[SourceLine | None] = field(default_factory=list)
    pending: str = ""
    """Terminator of the heredoc that begins with the next line."""
    ended: Line | None = None
    """The blank line on which a macro's own last line ended: the call's line needs no other."""

    def read(self, stream: str) -> list[Line]:
        position = 0
        while position < len(stream):
            found = _SCANNERS[self.frames[-1].place].match(stream, position)
            if found is None:  # pragma: no cover - every scanner ends in `.`
                raise LayoutError("the template's output cannot be read", self.source)
            position = found.end()
            self._take(found, stream)
        return self.lines

    def _take(self, found: re.Match[str], stream: str) -> None:
        match found.lastgroup:
            case "source":
                path, line = marks.read_source(found["source"])
                caller = self.callers[-1] if self.callers else None
                self.source = SourceLine(path, line, caller)
            case "call":
                self.callers.append(self.source)
            case "end":
                self.source = self.callers.pop()
                last = self.lines[-1]
                self.ended = last if last.movable and not last.text.strip() else None
            case "value":
                self._write_value(found["value"], _next_char(stream, found.end()))
            case "newline" if self.ended is self.lines[-1] and not self.ended.text.strip():
                self.ended = None
            case "newline":
                self._end_line()
            case "text" if found[0] == "{" and self.lines[-1].text.endswith(("$", "%")):
                # A value, perhaps an empty one, stands between the two in the template.
                self._write_seam()
            case _:
                self._enter_or_leave(found)
                self._write(found[0])

    def _enter_or_leave(self, found: re.Match[str]) -> None:
        frame = self.frames[-1]
        match found.lastgroup:
            case "quote" if frame.place == "string":
                self.frames.pop()
            case "quote":
                self.frames.append(_Frame("string"))
            case "comment":
                self.frames.append(_Frame("line comment"))
            case "block":
                self.frames.append(_Frame("block comment"))
            case "finish":
                self.frames.pop()
            case "heredoc":
                self.pending = found["heredoc"]
            case "interpolation":
                self.frames.append(_Frame("code"))
            case "open":
                frame.depth += 1
                self.lines[-1].brackets += 1
            case "close" if frame.depth == 0 and len(self.frames) > 1:
                self.frames.pop()
            case "close":
                frame.depth -= 1
                self.lines[-1].brackets -= 1

    def _write(self, text: str) -> None:
        line = self.lines[-1]
        if line.source is None or (not line.text.strip() and text.strip()):
            line.source = self.source
        line.text += text

    def _write_value(self, payload: str, after: str) -> None:
        value = marks.read_value(payload)
        before = self.lines[-1].text[-1:]
        frame = self.frames[-1]
        try:
            if frame.place == "code":
                self._write_code(literal(value))
                return
            text = _as_text(value)
            match frame.place:
                case "string":
                    if _odd_backslash(self.lines[-1].text):
                        raise NotHclError("a backslash may not stand right before a value")
                    self._write(inner(text, before, after))
                case "heredoc":
                    self._write(in_heredoc(text, frame.terminator, before, after))
                case _:
                    self._write(inner(text).replace("*/", "* /"))
        except NotHclError as exc:
            raise LayoutError(str(exc), self.source) from exc
        self.lines[-1].from_value = True

    def _write_seam(self) -> None:
        if self.frames[-1].place == "heredoc":
            message = "`$` or `%` may not meet `{` in a heredoc"
            raise LayoutError(message, self.source)
        self._write("\\u007b" if self.frames[-1].place == "string" else "{")

    def _write_code(self, text: str) -> None:
        """A literal; a map or list over several lines opens and closes its own brackets."""
        for number, piece in enumerate(text.split("\n")):
            if number:
                self._end_line()
            self._write(piece)
            self.lines[-1].brackets += _opened(piece)

    def _end_line(self) -> None:
        frame = self.frames[-1]
        line = self.lines[-1]
        if line.source is None:
            line.source = self.source
        match frame.place:
            case "line comment" | "string":
                # A quoted string that goes on is for the parser to refuse; read on sanely.
                self.frames.pop()
            case "heredoc" if line.text.strip() == frame.terminator:
                if line.from_value:
                    raise LayoutError(
                        f"a value would end the heredoc {frame.terminator}", line.source
                    )
                self.frames.pop()
        if self.pending:
            self.frames.append(_Frame("heredoc", self.pending))
            self.pending = ""
        self.lines.append(Line(movable=len(self.frames) == 1))


def lay_out(stream: str) -> tuple[str, tuple[SourceLine | None, ...]]:
    """The HCL of a marked stream, and what made each of its lines.

    Raises `LayoutError` for a value that has no form where it stands.
    """
    lines = tidy(_Reader().read(stream))
    return "".join(f"{line.text}\n" for line in lines), tuple(line.source for line in lines)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, list | dict):
        kind = "none" if value is None else "a list" if isinstance(value, list) else "a map"
        raise NotHclError(f"{kind} cannot stand inside a string")
    return literal(value)


def _opened(piece: str) -> int:
    """Brackets that one line of a literal leaves open: its strings have none of their own."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', "", piece)
    return sum(bare.count(char) for char in "{[") - sum(bare.count(char) for char in "}]")


def _odd_backslash(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _next_char(stream: str, position: int) -> str:
    """The first character after the marks at `position`; a value may begin with a `{`."""
    while found := _NO_TEXT.match(stream, position):
        position = found.end()
    char = stream[position : position + 1]
    return "{" if char == marks.VALUE else char


_NO_TEXT = re.compile(
    rf"{marks.SOURCE}[^{marks.SOURCE_END}]*{marks.SOURCE_END}|{marks.CALL}|{marks.CALL_END}"
)
