"""Linear algebra on one thread.

The matrices of fits are too small for several threads, which wait for one another on a busy machine: twenty times
slower was measured. One thread also adds up in the same order on every machine.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _pools() -> ThreadpoolController:
    """The thread pools of numpy's and scipy's linear algebra, looked up once: when a first fit begins."""
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """While it is entered, numpy's and scipy's linear algebra has one thread."""
    limiter: AbstractContextManager[Any] = _pools().limit(limits=1, user_api="blas")
    return limiter
