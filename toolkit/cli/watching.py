"""`--watch`: a table drawn again on a terminal, a line or a document per change elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from toolkit.cli.call import Call
from toolkit.errors import ExitCode
from toolkit.spec.sight import Sight
from toolkit.views import sight as view

SAID = {"note", "hold"}
"""What a table does not show."""


def show(call: Call, sights: Iterator[Sight]) -> ExitCode:
    """Until they end, the reader goes away or Ctrl-C is typed, which is how a watch is ended."""
    try:
        if call.output.as_json:
            for sight in sights:
                call.output.document(view.document(sight), indent=None)
                if call.output.reader_gone:
                    break
        elif call.world.draws(call.world.stdout):
            _draw(call, sights)
        else:
            for sight in sights:
                call.output.show(view.lines(sight))
                if call.output.reader_gone:
                    break
    except KeyboardInterrupt:
        pass
    return ExitCode.OK


def _draw(call: Call, sights: Iterator[Sight]) -> None:
    from toolkit.cli.live import LiveTable, size

    table = LiveTable(call.world, call.output.write, call.world.stdout)
    try:
        for number, sight in enumerate(sights):
            # The first look is the table itself; notes are said all the same.
            said = sight.changes if number else [c for c in sight.changes if c.word in SAID]
            for line in view.folded_to(said, size(call.world.stdout)[0]):
                table.line(call.output.toned(line, call.world.stdout))
            table.draw(partial(view.drawn, sight))
            if call.output.reader_gone:
                return
    finally:
        table.stop(keep=True)
