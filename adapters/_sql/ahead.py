"""Work on the next batch while a database takes the last one.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterable[Item], work: Callable[[Item], Result]) -> Iterator[tuple[Item, Result]]:
    """Yield items with what was made of them; the next is made while the caller has the last.

    Args:
        items: drawn in the caller's thread, which a database connection may insist on.
        work: done in another thread; what it raises comes out where its item would.
    """
    with ThreadPoolExecutor(1) as pool:
        last = None
        for item in items:
            coming = item, pool.submit(work, item)
            if last is not None:
                yield last[0], last[1].result()
            last = coming
        if last is not None:
            yield last[0], last[1].result()
