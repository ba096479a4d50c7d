"""A rollout as one HTML file: no network, no framework, readable without a script or colours.

`document` puts it together, `markup` escapes whatever is put in, `bars` and `requests` draw over
the `axis`, `sections` is the rest. Everything here is pure: a report's document in, text out.
"""

from __future__ import annotations

from toolkit.views.page.document import html

__all__ = ["html"]
