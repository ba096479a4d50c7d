"""A store in memory that counts, and that can end a run at any of its writes."""

from __future__ import annotations

from toolkit.errors import TakenError
from toolkit.spec.target import Secret


class Killed(BaseException):
    """As SIGKILL: nothing of ours catches it."""


class MemoryStore:
    """See `toolkit.cluster.secrets.store.Store`."""

    def __init__(self, kill_at: int | None = None, after: bool = False) -> None:
        """`kill_at`: the write that ends the run, from 0; `after`: once it was kept."""
        self.values: dict[str, Secret] = {}
        self.writes: list[str] = []
        self.kill_at = kill_at
        self.after = after

    def get(self, name: str) -> Secret | None:
        return self.values.get(name)

    def put_new(self, name: str, value: Secret) -> None:
        if name in self.values:
            raise TakenError(f"there is a secret {name} already")
        self._write(name, value)

    def replace(self, name: str, value: Secret) -> None:
        self._write(name, value)

    def remove(self, name: str) -> None:
        self._write(name, None)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.values))

    def _write(self, name: str, value: Secret | None) -> None:
        kill = self.kill_at == len(self.writes)
        self.writes.append(name)
        if kill and not self.after:
            raise Killed
        if value is None:
            self.values.pop(name, None)
        else:
            self.values[name] = value
        if kill:
            raise Killed

    def copy(self) -> MemoryStore:
        """The same values, and nothing that kills."""
        new = MemoryStore()
        new.values = dict(self.values)
        return new
