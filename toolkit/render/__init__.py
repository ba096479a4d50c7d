"""From a job specification to HCL: pure, strict, and every line knows where it came from.

    JobSpec + tree --context--> names --Jinja, shut in--> marked stream --layout--> RenderedJob

1. `context` builds the names that a template may use, and nothing else is defined.
2. `environment` runs the template in Jinja's immutable sandbox. Delimiters are `[[ ]]`, `[% %]`
   and `[# #]`, so that Nomad's `${ }` and consul-template's `{{ }}` pass through. Templates are
   read from the tree only: the job's own folder, then `jobs/_lib`. `file("kick.toml")` is a file
   found the same way, as text that is a value.
3. `layout` reads the output as HCL's scanner would and writes each value for its place.

One rule for values: **`[[ value ]]` means the value, wherever it stands.** Between words it
becomes a literal (`count = [[ job.count ]]`, `args = [[ list ]]`, `name = [[ text ]]`, quotes
included); inside a quoted string or a heredoc it becomes escaped text
(`"version=[[ release ]]"`); in a comment it cannot leave the comment. `${` and `%{` in a value are
never interpolated by the parser. Only two things are written unescaped: what a macro put out,
because its own values were escaped already, and `[[ text | raw ]]`, which says so.

The room makes no call, reads no file outside the tree, no clock and no environment. Imports of
Jinja happen on the first `render`, not before.
"""

from toolkit.render.blame import map_hcl_error
from toolkit.render.context import context
from toolkit.render.render import render
from toolkit.render.routing import routing_hash

__all__ = ["context", "map_hcl_error", "render", "routing_hash"]
