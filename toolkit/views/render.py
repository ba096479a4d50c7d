"""A rendered job for programs; people get the HCL itself."""

from __future__ import annotations

from typing import Any

from toolkit.spec.rendered import RenderedJob


def document(rendered: RenderedJob) -> dict[str, Any]:
    """The HCL, and which template line made each of its lines."""
    return {
        "schema": "toolkit.render/1",
        "job": rendered.spec.name,
        "release": rendered.spec.release,
        "source": rendered.spec.source,
        "template": rendered.spec.template,
        "hcl": rendered.hcl,
        "variables": rendered.variables,
        "lines": [
            None if line is None else {"path": line.path, "line": line.line}
            for line in rendered.lines
        ],
    }
