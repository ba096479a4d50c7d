"""How findings are collected: each with the place in the cluster file that is to blame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toolkit.config.clusterfile import ClusterFile
from toolkit.config.lines import KeyPath
from toolkit.config.source import spell
from toolkit.spec.preflight import Finding, FindingKind, Unseen


class Findings:
    """Findings of one cluster file, in the order in which they were found."""

    def __init__(self, file: ClusterFile) -> None:
        self._source = file.source
        self.found: list[Finding] = []

    def stops(
        self, about: str, message: str, hint: str | None = None, key: KeyPath | None = None
    ) -> None:
        """It would fail."""
        self._add("stops", about, message, hint, key)

    def warns(
        self, about: str, message: str, hint: str | None = None, key: KeyPath | None = None
    ) -> None:
        """It may fail, or will one day."""
        self._add("warns", about, message, hint, key)

    def unchecked(self, about: str, what: str, unseen: Unseen) -> None:
        """Nobody could say; `what` begins the sentence: `the zones`."""
        message = f"{what} could not be checked: {unseen.why}"
        self._add("unchecked", about, message, unseen.hint, None)

    def _add(
        self, kind: FindingKind, about: str, message: str, hint: str | None, key: KeyPath | None
    ) -> None:
        if key is None:
            self.found.append(Finding(kind, about, message, hint))
            return
        source = self._source
        self.found.append(
            Finding(kind, about, message, hint, source.where, spell(key), source.line(key))
        )


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    those: Sequence[str] = tuple(words)
    if len(those) < 2:
        return "".join(those)
    return f"{', '.join(those[:-1])} {last} {those[-1]}"
