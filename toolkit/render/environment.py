"""Jinja, shut in: an immutable sandbox that reads templates from one tree and nothing else.

The only module that imports Jinja, and itself imported only when something is rendered.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing, object_type_repr

from toolkit.render import filters
from toolkit.render.compiled import MEMORY, CompiledTemplates
from toolkit.render.hcl import Hcl, NotHclError
from toolkit.render.marks import mark_call, mark_lines, mark_value
from toolkit.spec.tree import Tree

LIBRARY = "jobs/_lib"
"""Where macros live that every job may import."""
_PUSHED = {
    "code": "a push to the hook server gives it; without one: toolkit repo code, and --var-file",
    "build": "a push gives what `toolkit repo build` names; else: toolkit repo code, --var-file",
}
"""Names that are there only where the hook server, or a file of its values, says what they are."""


class TreeLoader(BaseLoader):
    """Templates of one tree: the job's own folder first, then `jobs/_lib`."""

    def __init__(self, tree: Tree, main: str):
        self.tree = tree
        self.main = main
        self.sources: dict[str, str] = {}
        """Path -> text of every template that was read."""

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002
        template: str,
    ) -> tuple[str, str, Callable[[], bool] | None]:
        """See `BaseLoader.get_source`; the file name is the path inside the tree."""
        for path in self._candidates(template):
            try:
                data = self.tree.read(path)
            except KeyError:
                continue
            self.sources[path] = text = self._decode(data, path)
            return text, path, None
        raise TemplateNotFound(template, f"no template {template!r} in {self.tree.name}")

    def text(self, name: str) -> str:
        """What `file(name)` is in a template: a file as it is, found as a template would be."""
        for path in self._candidates(name):
            try:
                data = self.tree.read(path)
            except KeyError:
                continue
            try:
                self.sources[path] = text = data.decode()
            except UnicodeDecodeError as exc:
                raise NotHclError(f"{path} is not UTF-8 text") from exc
            return text
        raise NotHclError(f"no file {name!r} in {self.tree.name}")

    def _candidates(self, template: str) -> Iterator[str]:
        if template == self.main:
            yield template
            return
        if template.startswith("/") or "\\" in template or ".." in template.split("/"):
            raise SecurityError(
                f"{template!r} is outside of what a template may read: its own folder and {LIBRARY}"
            )
        name = posixpath.normpath(template)
        yield posixpath.join(posixpath.dirname(self.main), name)
        yield posixpath.join(LIBRARY, name.removeprefix("_lib/"))

    def _decode(self, data: bytes, path: str) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as exc:
            line = data.count(b"\n", 0, exc.start) + 1
            raise TemplateSyntaxError("not UTF-8 text", line, path, path) from exc


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of all templates; see the room's docstring for its rules."""

    concat = staticmethod(lambda pieces: Hcl("".join(pieces)))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Keys of a mapping before its methods: `var.items` is the user's variable."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> Any:
        """A macro's text formatted with values is a value again, so that it gets escaped."""
        owner = getattr(value, "__self__", None)
        name = getattr(value, "__name__", "")
        if isinstance(owner, Hcl) and name in {"format", "format_map"}:
            value = getattr(str(owner), name)
        return super().wrap_str_format(value)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call blocks write their result as it is, so only a macro may be called by one."""
        result = super().call(__context, __obj, *args, **kwargs)
        if "caller" in kwargs and not isinstance(result, Hcl):
            raise SecurityError("a call block may call macros only")
        return result

    def _tokenize(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,
    ) -> TokenStream:
        """The tokens, each line of the author's text with its origin in front of it."""
        tokens = self.lexer.tokenize(source, name, filename, state)
        return TokenStream(_marked(tokens, name, filename), name, filename)


def _marked(tokens: TokenStream, name: str | None, filename: str | None) -> Iterator[Token]:
    path = filename or name or "template"
    before = ""
    for token in tokens:
        if token.type == "data":
            yield Token(token.lineno, "data", mark_lines(token.value, path, token.lineno))
            before = token.type
            continue
        if token.type == "variable_begin" and before != "data":
            yield Token(token.lineno, "data", mark_lines("", path, token.lineno))
        if before == "block_begin" and token.value in {"filter", "autoescape"}:
            # They would change marks, and what they write is not escaped.
            message = f"{token.value} blocks are not supported; use a macro"
            raise TemplateSyntaxError(message, token.lineno, name, filename)
        before = token.type
        yield token


def build(loader: TreeLoader, names: Iterable[str], cache: Path | None = None) -> Environment:
    """The environment for one rendering; `names` are those of its context, for near names."""
    environment = Sandbox(
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        optimized=False,  # a template runs once: folding its constants costs more than it saves
        auto_reload=False,
        undefined=_strict(tuple(names)),
        finalize=_finalize,
        loader=loader,
        bytecode_cache=MEMORY if cache is None else CompiledTemplates(cache),
    )
    # Templates are pure: nothing random, and no helper that writes HTML.
    for name in ("lipsum",):
        del environment.globals[name]
    for name in ("random", "safe", "escape", "e", "forceescape", "urlize", "xmlattr", "striptags"):
        del environment.filters[name]
    environment.filters.update(filters.FILTERS)
    # Not `include`: the file would be run as a template, and TOML has [[ ]] of its own.
    environment.globals["file"] = loader.text
    return environment


def _finalize(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises: an undefined value is an error
    return mark_call(value) if isinstance(value, Hcl) else mark_value(value)


def _strict(names: tuple[str, ...]) -> type[StrictUndefined]:
    class Missing(StrictUndefined):
        __slots__ = ()

        @property
        def _undefined_message(self) -> str:
            if self._undefined_hint:
                return self._undefined_hint
            name = self._undefined_name
            if self._undefined_obj is missing and str(name) in _PUSHED:
                return f"{name!r} is undefined: {_PUSHED[str(name)]}"
            known: Iterable[Any] = names
            if isinstance(self._undefined_obj, Mapping):
                known = self._undefined_obj
            elif self._undefined_obj is not missing:
                kind = object_type_repr(self._undefined_obj)
                return f"{name!r} is undefined: {kind} has no such thing"
            near = difflib.get_close_matches(str(name), [str(key) for key in known], n=3)
            if near:
                return f"{name!r} is undefined; near names: {', '.join(near)}"
            return f"{name!r} is undefined; there are: {', '.join(sorted(map(str, known)))}"

    return Missing
