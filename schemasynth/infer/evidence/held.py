"""A cache bounded by the size of what it holds, not by the number of entries.

Imports nothing of the package; the store keeps arrays in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Held(Generic[P, T]):
    """Results of a function; those not used for longest go first."""

    def __init__(self, make: Callable[P, T], size: Callable[[T], int], most: int) -> None:
        """Hold nothing yet.

        Args:
            make: the function; its arguments are hashable.
            size: of a result.
            most: sum of sizes held, beside the result last made.
        """
        self._make, self._size, self._most = make, size, most
        self._results: OrderedDict[Hashable, T] = OrderedDict()
        self._total = 0

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result for the arguments."""
        if args in self._results:
            self._results.move_to_end(args)
            return self._results[args]
        result = self._make(*args, **kwargs)
        self._results[args] = result
        self._total += self._size(result)
        while self._total > self._most and len(self._results) > 1:
            _, dropped = self._results.popitem(last=False)
            self._total -= self._size(dropped)
        return result
