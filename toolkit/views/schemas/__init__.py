"""The JSON documents that commands print, as JSON Schemas: what a script may rely on.

`parts` are the values that several documents hold, `documents` the documents themselves; `schema`
puts one together. Every object names all its keys and allows no other, so that a document and its
schema cannot drift apart unnoticed. A key that is added leaves the number behind the name as it is;
one that is taken away, or means something else, raises it.
"""

from __future__ import annotations

from toolkit.views.schemas.assemble import known, schema

__all__ = ["known", "schema"]
