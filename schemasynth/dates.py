"""Dates and times that a database keeps as text, and the form in which they are written.

Pure functions of Arrow arrays; imports nothing of the package.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

FORMS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
)
"""In `strftime`'s terms; the first that fits is taken. Digits alone are no date: they may count."""
_FIRST = 100
"""Texts that are tried before all are."""


def written_form(texts: Any) -> str | None:
    """Return the form in which all texts of a column write dates, or None.

    Args:
        texts: an array of text; NULLs say nothing.

    Returns:
        One of `FORMS` that gives each text back unchanged.
    """
    present = texts.drop_null()
    if not len(present):
        return None
    likely = [form for form in FORMS if _writes(present.slice(0, _FIRST), form)]
    return next((form for form in likely if _writes(present.unique(), form)), None)


def read_dates(texts: Any, form: str) -> Any:
    """Return the moments that texts of a form stand for, in microseconds; NULL stays NULL."""
    return pc.strptime(texts, format=form, unit="us", error_is_null=True)


def write_dates(moments: Any, form: str, arrow_type: pa.DataType) -> Any:
    """Return moments as texts of a form."""
    return pc.strftime(moments.cast(pa.timestamp("s"), safe=False), format=form).cast(arrow_type)


def _writes(texts: Any, form: str) -> bool:
    again = write_dates(read_dates(texts, form), form, texts.type)
    return bool(pc.all(pc.fill_null(pc.equal(again, texts), False)).as_py())
