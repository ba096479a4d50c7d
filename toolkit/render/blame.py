"""Whose line it was: errors of Jinja, of `layout` and of Nomad's parser, told by template line."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any

from toolkit.errors import RenderError
from toolkit.render.layout import LayoutError
from toolkit.spec.rendered import RenderedJob, SourceLine

# Nomad's `POST /v1/jobs/parse`: "input.hcl:12,3-8: Summary; detail", one or more a message.
# Patterns stay text, to be compiled only when something is wrong.
_DIAGNOSTIC = r"(?:^|(?<=\s))input\.hcl:(?P<line>\d+),(?P<column>\d+)-(?:\d+,)?\d+: "
_MENTION = r"input\.hcl:(?P<line>\d+),\d+-(?:\d+,)?\d+"
_PREFIX = r"^(?:.*?Failed to parse job: )?(?:<nil>: )?"
_IN_VARIABLES = "unable to parse var content"


def map_hcl_error(rendered: RenderedJob, message: str) -> RenderError:
    """Nomad's parse error, told by the template lines that made the HCL it complains about.

    `message` is the body of Nomad's answer. A message without a position is blamed on the whole
    template.
    """
    marks = (
        [] if _IN_VARIABLES in message else list(re.finditer(_DIAGNOSTIC, message, re.MULTILINE))
    )
    if not marks:
        return RenderError(
            re.sub(_PREFIX, "", message.strip()),
            template=rendered.spec.template,
            hint=_variable_hint(message),
        )
    findings = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        text = message[mark.end() : following.start() if following else None].strip()
        findings.append((int(mark["line"]), int(mark["column"]), text))
    origin = rendered.origin(findings[0][0])
    parts = [_told(rendered, *finding) for finding in findings]
    first_place = _place(origin, rendered)
    return RenderError(
        "\n".join([parts[0].removeprefix(f"{first_place}: "), *parts[1:]]),
        template=origin.path if origin else rendered.spec.template,
        line=origin.line if origin else None,
        hint="`toolkit render` prints the HCL" if not rendered.spec.plain else None,
    )


def _told(rendered: RenderedJob, line: int, column: int, text: str) -> str:
    """One finding: Nomad's sentence, the template line, the HCL line."""
    origin = rendered.origin(line)
    text = re.sub(_MENTION, lambda found: _mention(rendered, int(found["line"])), text)
    said = [f"{_place(origin, rendered)}: {text.rstrip('.')}"]
    if rendered.spec.plain:
        return "\n".join([*said, f"  {_hcl_line(rendered, line)}"])
    while origin is not None:
        said.append(f"  {origin.path}:{origin.line}: {_template_line(rendered, origin)}")
        origin = origin.caller
    said.append(f"  HCL line {line}, column {column}: {_hcl_line(rendered, line)}")
    return "\n".join(said)


def _mention(rendered: RenderedJob, line: int) -> str:
    return f"HCL line {line} ({_place(rendered.origin(line), rendered)})"


def _place(origin: SourceLine | None, rendered: RenderedJob) -> str:
    return f"{origin.path}:{origin.line}" if origin else rendered.spec.template


def _template_line(rendered: RenderedJob, origin: SourceLine) -> str:
    lines = rendered.sources.get(origin.path, "").split("\n")
    return lines[origin.line - 1].strip() if origin.line <= len(lines) else ""


def _hcl_line(rendered: RenderedJob, line: int) -> str:
    lines = rendered.hcl.split("\n")
    return lines[line - 1].strip() if line <= len(lines) else ""


def _variable_hint(message: str) -> str | None:
    if found := re.search(r'Unset variable "([^"]+)"', message):
        return f"give it a value: `--var {found[1]}=…`, or under [variables]"
    return None


def map_template_error(exc: Exception, main: str) -> RenderError | None:
    """What went wrong while the template `main` ran, with the innermost template line.

    None for an exception that is not the template's doing: a bug of ours.
    """
    if isinstance(exc, LayoutError):
        source = exc.source or SourceLine(main, 1)
        message = str(exc) + _called_from(source)
        return RenderError(message, template=source.path, line=source.line, hint=_hint(exc))
    if place := _syntax_place(exc) or _running_place(exc.__traceback__):
        return RenderError(_sentence(exc), template=place[0], line=place[1], hint=_hint(exc))
    if type(exc).__name__ == "TemplateNotFound":
        return RenderError(_sentence(exc), template=main, hint=_hint(exc))
    if isinstance(exc, RecursionError | SyntaxError):
        # Python's own words and line are of what the template was compiled to.
        return RenderError("the template is nested too deeply", template=main)
    if isinstance(exc, MemoryError) or _in_jinja(exc.__traceback__):
        return RenderError(_sentence(exc), template=main)
    return None


def _syntax_place(exc: Exception) -> tuple[str, int] | None:
    """Of a Jinja syntax error, which knows its own place."""
    if isinstance(exc, SyntaxError):
        return None
    line, path = getattr(exc, "lineno", None), getattr(exc, "filename", None)
    return (path, line) if isinstance(line, int) and isinstance(path, str) else None


def _running_place(traceback: TracebackType | None) -> tuple[str, int] | None:
    """The innermost line of a template on the stack."""
    place = None
    while traceback is not None:
        template: Any = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and template.filename:
            place = (template.filename, template.get_corresponding_lineno(traceback.tb_lineno))
        traceback = traceback.tb_next
    return place


def _in_jinja(traceback: TracebackType | None) -> bool:
    """True when Jinja itself broke, such as over a number of a million digits."""
    name = ""
    while traceback is not None:
        name = str(traceback.tb_frame.f_globals.get("__name__", ""))
        traceback = traceback.tb_next
    return name.startswith("jinja2.")


def _sentence(exc: Exception) -> str:
    if isinstance(exc, MemoryError):
        return "the template needs more memory than there is for it"
    text = (getattr(exc, "message", None) or str(exc)).rstrip(".")
    if isinstance(exc, TypeError | ZeroDivisionError | KeyError | IndexError | AttributeError):
        return f"the template fails: {text}"
    if isinstance(exc, RecursionError):
        return "the template calls or includes itself without end"
    return text


def _called_from(place: SourceLine) -> str:
    return f" (called from {place.caller.path}:{place.caller.line})" if place.caller else ""


def _hint(exc: Exception) -> str | None:
    match type(exc).__name__:
        case "SecurityError":
            return "templates run in a sandbox: they see the names of the context and jobs/_lib"
        case "LayoutError" if "inside a string" in str(exc):
            return "write lists and maps outside of quotes"
        case "TemplateNotFound" | "TemplatesNotFound":
            return "a template reads its own folder first, then jobs/_lib"
    return None
