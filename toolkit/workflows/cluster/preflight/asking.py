"""Questions to AWS: how many more may be asked, and what becomes of those it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from toolkit.clients.aws.cloud import Cloud
from toolkit.errors import ApiError, UnreachableError
from toolkit.spec.preflight import Unseen

T = TypeVar("T")


@dataclass
class Asking:
    """Questions asked so far, and how many more may be."""

    cloud: Cloud
    calls: int | None
    checked: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    _begun: int = field(init=False)
    _unreached: int = 0

    def __post_init__(self) -> None:
        self._begun = self.cloud.asked

    def __call__(self, about: str, ask: Callable[[], T], cost: int = 1) -> T | Unseen | None:
        """The answer; Unseen where there is none, None where it is not asked any more.

        ApiError where no other question would be answered either. `cost`: requests at most.
        """
        if self.calls is not None and self.cloud.asked - self._begun + cost > self.calls:
            self.unasked.append(about)
            return None
        from toolkit.clients.aws.errors import ended

        try:
            answer = ask()
        except ApiError as error:
            if ended(error) or self._is_lost(error):
                raise
            return Unseen(error.message, error.hint)
        self.checked.append(about)
        return answer

    def _is_lost(self, error: ApiError) -> bool:
        """One service may be out of reach; with the second it is AWS, or our way to it."""
        self._unreached += isinstance(error, UnreachableError)
        return self._unreached > 1
