"""Ways in which a Hub misbehaves, each switchable by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

NAMES = (
    "429", "429-no-headers", "500", "502", "504", "reset", "slow", "truncated", "html", "looping-cursor",
    "duplicated-page", "dropped-page", "refused-expand", "unauthorised", "empty", "foreign-next",
)  # fmt: skip
# These are a state of the Hub, not an accident: they hold for every request.
LASTING = frozenset({"refused-expand", "unauthorised", "empty"})


@dataclass
class Fault:
    """One fault: fires on list requests `first`, `first + every`, ...; once where `every` is 0."""

    name: str = ""
    first: int = 2
    every: int = 0

    def __post_init__(self) -> None:
        """Refuse a name nobody knows."""
        if self.name and self.name not in NAMES:
            raise ValueError(f"no fault is called {self.name}; there are {', '.join(NAMES)}")
        self._lock = Lock()
        self._numbers: Iterator[int] = iter(range(1, 2**62))

    def fires(self) -> bool:
        """Count one list request and say whether the fault hits it."""
        with self._lock:
            number = next(self._numbers)
        if not self.name:
            return False
        if self.name in LASTING or number == self.first:
            return True
        return self.every > 0 and number > self.first and (number - self.first) % self.every == 0
