"""The first rows of a table, as text: the order of their values, and what texts look like.

Imports the totals; both ways of collecting make one a table, and keep its codes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemasynth.infer.evidence.totals import WHOLE

if TYPE_CHECKING:
    import pyarrow as pa

    from schemasynth.infer.evidence.figures import Codes

HEAD_ROWS = 10_000
"""First rows of a table in which row order is judged and sets of columns are tried first."""

NUMBER = r"^-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,2})?$"
"""Texts that rank as numbers."""


@dataclass(frozen=True, slots=True)
class HeadTexts:
    """What the first rows say of a column of texts.

    Attributes:
        whole: all of them are whole numbers, or there are none.
        longest: characters of the longest.
        length: mean characters.
        spaced: share with a space.
    """

    whole: bool
    longest: int
    length: float
    spaced: float


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows of a table.

    Attributes:
        rows: at most `HEAD_ROWS`, all columns of the table as canonical texts.
    """

    rows: pa.Table

    @classmethod
    def of(cls, parts: Sequence[pa.Table]) -> Head:
        """Return the head out of parts, the first of which tells the columns."""
        import pyarrow as pa

        return cls(pa.concat_tables(parts).slice(0, HEAD_ROWS))

    def codes(self) -> Codes:
        """Return each value as its rank in its column, -1 for NULL.

        Returns:
            Array of shape (rows, columns); numbers rank as numbers, before other texts.
        """
        import numpy as np

        ranked = [_ranks(column.combine_chunks()) for column in self.rows.columns]
        return np.column_stack(ranked) if ranked else np.empty((0, 0), dtype=np.int32)

    def texts(self, place: int) -> HeadTexts:
        """Return what the texts of a column look like."""
        import pyarrow.compute as pc

        values = self.rows.column(place).drop_null()
        lengths = pc.utf8_length(values)
        whole = pc.match_substring_regex(values, f"^(?:{WHOLE})$")
        return HeadTexts(
            whole=bool(pc.all(whole, min_count=0).as_py()),
            longest=int(pc.max(lengths).as_py() or 0),
            length=_mean(lengths),
            spaced=_mean(pc.match_substring(values, " ")),
        )

    def digits(self, place: int) -> float:
        """Return the share of a column's values with a digit."""
        import pyarrow.compute as pc

        values = self.rows.column(place).drop_null()
        return _mean(pc.match_substring_regex(values, "[0-9]"))


def _mean(values: pa.ChunkedArray) -> float:
    import pyarrow.compute as pc

    return float(pc.mean(values).as_py() or 0.0)


def _ranks(column: pa.Array) -> Codes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = column.dictionary_encode()
    texts = encoded.dictionary
    is_number = pc.match_substring_regex(texts, NUMBER)
    numbers = pc.cast(pc.if_else(is_number, texts, None), pa.float64())
    order = pc.sort_indices(
        pa.table({"number": numbers, "text": texts}),
        sort_keys=[("number", "ascending"), ("text", "ascending")],
    )
    ranks = np.full(len(texts) + 1, -1, dtype=np.int32)
    ranks[order.to_numpy()] = np.arange(1, len(texts) + 1)
    codes: Codes = ranks[encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)]
    return codes
