"""The instances of a rollout as a table that stays at the bottom of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from toolkit.cli.world import World
from toolkit.spec.chain import InstanceChain
from toolkit.views.text import neutral

HEAD = ("instance", "node", "Nomad", "Consul", "Traefik", "release")


class LiveTable:
    """Made when the first instances are known, drawn again on change only."""

    def __init__(self, world: World):
        plain = not world.colours(world.stderr)
        self._console = Console(file=world.stderr, no_color=plain, highlight=False, markup=False)
        # Streams are not redirected: whoever prints goes through Output, which knows of us.
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def update(self, instances: Sequence[InstanceChain]) -> None:
        """Draw the instances as they now stand."""
        table = Table(*HEAD, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for chain in instances:
            cells = (
                chain.allocation[:8], chain.node, chain.nomad, chain.consul, chain.traefik,
                chain.serves,
            )  # fmt: skip
            table.add_row(*(Text(neutral(cell)) for cell in cells))
        self._live.update(table, refresh=True)

    def line(self, line: str) -> None:
        """Print one line above the table."""
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def stop(self) -> None:
        """Take the table away."""
        self._live.stop()
