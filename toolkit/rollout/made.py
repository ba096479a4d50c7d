"""Whether a template made the job that its job file says; pure.

A file that says nothing of its kind leaves it to the template.
"""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.errors import Mistake
from toolkit.spec.rendered import RenderedJob

LIBRARY = {"service": "service", "batch": "batch", "sysbatch": "batch"}
"""Kind of job -> the template of `jobs/_lib` that makes it."""


def contradictions(
    rendered: RenderedJob, kind: str, *, periodic: bool = True, parameterized: bool = True
) -> Iterator[Mistake]:
    """Where the job file says something that the job, of type `kind`, is not."""
    spec = rendered.spec
    origin = spec.kind_origin
    if origin is not None and spec.kind != kind:
        yield Mistake(
            origin.source,
            origin.key or None,
            origin.line,
            f'says "{spec.kind}", but {spec.template} makes a {kind} job',
            _advice(rendered, kind),
        )
        return
    for name, said, done, block in (
        ("schedule", spec.schedule, periodic, "periodic"),
        ("dispatch", spec.dispatch, parameterized, "parameterized"),
    ):
        if said is not None and not done:
            message = f"has no effect: {spec.template} makes a {kind} job without a {block} block"
            hint = 'extend "_lib/batch.nomad.hcl.j2", or write the block in the template'
            yield Mistake(spec.source, name, None, message, hint)


def _advice(rendered: RenderedJob, kind: str) -> str:
    spec = rendered.spec
    if not spec.plain and spec.kind in LIBRARY and LIBRARY[spec.kind] != LIBRARY.get(kind):
        return f'extend "_lib/{LIBRARY[spec.kind]}.nomad.hcl.j2" there, or say kind = "{kind}" here'
    return f'write type = "{spec.kind}" there, or say kind = "{kind}" here'
