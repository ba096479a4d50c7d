"""kick.toml -> KickConfig: validated whole, every mistake at once."""

from __future__ import annotations

from toolkit.spec.kick import KickConfig

KICK_FILE = "kick.toml"


def load_kick(text: str | bytes, source: str = KICK_FILE) -> KickConfig:
    """The text of a kick.toml as values; ConfigError with every mistake, its key and its line.

    `source` is what messages call the file.
    """
    raise NotImplementedError
