"""A job specification and its template, made into HCL."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import RenderError
from toolkit.render.blame import map_template_error
from toolkit.render.context import context
from toolkit.render.hcl import literal
from toolkit.render.layout import lay_out
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.rendered import RenderedJob, SourceLine
from toolkit.spec.tree import Tree


def render(tree: Tree, spec: JobSpec, *, cache: Path | None = None) -> RenderedJob:
    """The HCL of `spec`, from nothing but the tree; a plain job's HCL is its file, unchanged.

    `cache` is a folder of the user's own for compiled templates: it changes the time that this
    takes, never the result. Raises `RenderError` with the template and line.
    """
    if spec.plain:
        return _plain(tree, spec)
    # Jinja is two thirds of the import time of a rendering, and most commands render nothing.
    from toolkit.render.environment import TreeLoader, build

    names = context(spec)
    loader = TreeLoader(tree, spec.template)
    environment = build(loader, names, cache)
    try:
        template = environment.get_template(spec.template)
        stream = environment.concat(template.root_render_func(template.new_context(names)))
        hcl, lines = lay_out(stream)
    except Exception as exc:  # whatever a template does wrong, its line is what helps
        told = map_template_error(exc, spec.template)
        if told is None:
            raise
        raise told from exc
    return RenderedJob(spec=spec, hcl=hcl, lines=lines, sources=dict(loader.sources))


def _plain(tree: Tree, spec: JobSpec) -> RenderedJob:
    try:
        text = tree.read(spec.template).decode()
    except KeyError:
        raise RenderError(f"no such file in {tree.name}", template=spec.template) from None
    except UnicodeDecodeError as exc:
        raise RenderError("not UTF-8 text", template=spec.template) from exc
    lines = tuple(SourceLine(spec.template, n + 1) for n in range(text.count("\n") + 1))
    return RenderedJob(
        spec=spec,
        hcl=text,
        lines=lines,
        sources={spec.template: text},
        variables="".join(f"{key} = {literal(value)}\n" for key, value in spec.variables.items()),
    )
