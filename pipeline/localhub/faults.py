"""Ways in which a Hub misbehaves, each switchable by name."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from pipeline.localhub.address import KINDS

# A client gets over these by asking again, or sees from the answer that it must.
ACCIDENTS = ("429", "429-no-headers", "500", "502", "504", "reset", "slow", "truncated", "html")
# Wrong pages of a list, in right answers.
PAGES = ("duplicated-page", "dropped-page")
ENDLESS = ("looping-cursor", "foreign-next")
# These are a state of the Hub, not an accident: they hold for every request they concern.
LASTING = ("refused-expand", "unauthorised", "empty", "silent-cap")
IN_TURN = {"each-in-turn": ACCIDENTS, "each-in-turn-with-pages": (*ACCIDENTS, *PAGES)}
NAMES = (*ACCIDENTS, *PAGES, *ENDLESS, *LASTING, *IN_TURN)

LISTS = ("list", "dataset list")
EVERY_IN_TURN = 20


@dataclass
class Fault:
    """One fault, or several in turn.

    A single one strikes requests `first`, `first + every`, ... of those it counts; once where `every` is 0.
    `each-in-turn` (accidents a client can get over) and `each-in-turn-with-pages` (wrong pages as well) count every
    request of every kind and strike each one whose number `every` divides (20 where it is 0), with the next fault of
    their set that such a request can suffer. `refused-expand`, `unauthorised`, `empty` and `silent-cap` last.

    Attributes:
        name: one of `NAMES`; empty for none.
        first: number of the first request struck, from 1.
        every: requests from one strike to the next.
        on: which requests are counted: a kind of `pipeline.localhub.address.KINDS`, or all.
    """

    name: str = ""
    first: int = 2
    every: int = 0
    on: str = "list"

    def __post_init__(self) -> None:
        """Refuse what nobody knows."""
        if self.name and self.name not in NAMES:
            raise ValueError(f"no fault is called {self.name}; there are {', '.join(NAMES)}")
        if self.on not in {*KINDS, "all"}:
            raise ValueError(f"no requests are called {self.on}; there are all, {', '.join(KINDS)}")
        if self.name in IN_TURN:
            self.first = self.every = self.every or EVERY_IN_TURN
            self.on = "all"
            if self.every < 2:
                raise ValueError(f"{self.name} on every request leaves none to get over it; every must be 2 or more")
        self._turn = deque(IN_TURN.get(self.name, (self.name,)))
        self._number = 0
        self._lock = Lock()

    def strikes(self, kind: str, method: str = "GET") -> str:
        """Count one request and name the fault that strikes it, empty for none."""
        if not self.name or self.name in LASTING:
            return self.name
        if self.on not in {kind, "all"}:
            return ""
        with self._lock:
            self._number += 1
            later = self._number - self.first
            if later < 0 or (later % self.every if self.every else later):
                return ""
            struck = next((name for name in self._turn if _can_suffer(name, kind, method)), "")
            if struck:
                self._turn.remove(struck)
                self._turn.append(struck)
            return struck


def _can_suffer(name: str, kind: str, method: str) -> bool:
    if name in (*PAGES, *ENDLESS):
        return kind in LISTS
    return method != "HEAD" or name not in {"reset", "truncated"}  # an answer to HEAD has no body to cut off
