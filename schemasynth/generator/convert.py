"""Columns on their way into the SDK and back, lossless where the SDK is not.

Pure functions of Arrow arrays; imports the plan's encodings, written dates and errors only.

Every column is learned in one of five forms. `number`, `moment` and `category` go through the
integers that stand behind a type's values (unscaled digits of a decimal, microseconds of a time),
so that nothing depends on how the SDK prints or parses a type.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.dates import read_dates, write_dates, written_form
from schemasynth.errors import GeneratorError
from schemasynth.plan.model import Encoding

Array: TypeAlias = Any
"""A `pyarrow.Array`; the published stubs lack too many of its overloads to be named here."""

Ints: TypeAlias = npt.NDArray[np.int64]

EXACT = 2**53
"""Integers up to here survive the SDK, which computes in double precision."""

EXACT_DIGITS = 15
"""Decimal digits that survive it, whatever they are."""

LARGEST_DECIMALS = 6
"""Floats with at most so many decimals are rounded back to them."""

DAY = 86_400_000_000
MOMENT_UNITS = (DAY, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)
"""Day, hour, minute, second, millisecond, microsecond, in microseconds."""

EARLIEST = -9_214_646_400_000_000
LATEST = 9_214_646_400_000_000
"""1678-01-01 and 2262-01-01 in microseconds from 1970: what fits the SDK's nanoseconds. Moments
beyond stand for minus and plus infinity (9999-12-31) and are learned as these two."""

RARE = "_RARE_"
"""What the SDK writes for a rare category when it has nothing to put in its place."""

INVALID = "_INVALID_"
"""What the SDK writes where its text model made no readable text."""


class Form(enum.StrEnum):
    """How a column goes through the SDK."""

    CONSTANT = "constant"
    """Not at all: it has one value only, or none."""
    NUMBER = "number"
    """As the integers ``(value / base - origin) / unit``."""
    FLOAT = "float"
    """As it is, rounded on return."""
    MOMENT = "moment"
    """As a timestamp."""
    CATEGORY = "category"
    """As text that stands for the value."""
    TEXT = "text"
    """As it is, or as hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How one column is converted.

    Attributes:
        form: the way through.
        base: of `number`: what the integers behind decimals of more than 18 digits were divided
            by; 1 for all others.
        origin: of `number`: what is subtracted from the integers.
        unit: of `number` and `moment`: the step all integers are multiples of.
        low: smallest integer behind the values; for `float` the smallest value.
        high: largest.
        below: of `moment`: the value that stands before `EARLIEST`, if any.
        above: of `moment`: the value that stands after `LATEST`.
        decimals: of `float`: places to round to; None keeps all.
        length: of `text`: characters of the longest value.
        value: of `constant`: the value as category text; None for NULL.
        written: of `moment`: the form in which texts write it; None for times themselves.
    """

    form: Form
    base: int = 1
    origin: int = 0
    unit: int = 1
    low: float = 0
    high: float = 0
    below: int | None = None
    above: int | None = None
    decimals: int | None = None
    length: int | None = None
    value: str | None = None
    written: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Codec:
        """Read what `to_json` wrote."""
        return cls(**{**content, "form": Form(content["form"])})


_NUMERIC = frozenset({Encoding.NUMERIC_DIGIT, Encoding.NUMERIC_DISCRETE, Encoding.NUMERIC_BINNED})
_CATEGORICAL = frozenset({Encoding.CATEGORICAL})
_DATETIME = frozenset({Encoding.DATETIME})
_STRINGS = frozenset({Encoding.CHARACTER, Encoding.TEXT, Encoding.LAT_LONG})


def accepted_encodings(arrow_type: pa.DataType) -> frozenset[Encoding]:
    """Return the encodings in which columns of an Arrow type can be learned."""
    types = pa.types
    if types.is_null(arrow_type):
        return frozenset(Encoding)
    if types.is_integer(arrow_type) or types.is_floating(arrow_type):
        return _NUMERIC | _CATEGORICAL
    if types.is_decimal(arrow_type) or types.is_duration(arrow_type):
        return _NUMERIC | _CATEGORICAL
    if types.is_time(arrow_type):
        return _NUMERIC | _DATETIME | _CATEGORICAL
    if types.is_date(arrow_type) or types.is_timestamp(arrow_type):
        return _DATETIME | _CATEGORICAL
    if _is_text(arrow_type):
        return _STRINGS | _CATEGORICAL | _DATETIME
    if types.is_binary(arrow_type) or types.is_large_binary(arrow_type):
        return _CATEGORICAL | {Encoding.CHARACTER}
    return _CATEGORICAL if types.is_boolean(arrow_type) else frozenset()


def fit(array: Array, encoding: Encoding, where: str) -> Codec:
    """Learn how a column is converted.

    Args:
        array: the column's values.
        encoding: in which the SDK shall learn it.
        where: table and column, for the message.

    Returns:
        The codec, for `encode` and `decode`.

    Raises:
        GeneratorError: the encoding cannot take values of this type; names those that can. Or
            texts that are to be dates are not, or not of one form.
    """
    accepted = accepted_encodings(array.type)
    if encoding not in accepted:
        able = ", ".join(sorted(accepted)) or "none"
        raise GeneratorError(
            f"{where} has values of type {array.type}, which {encoding} cannot encode; "
            f"possible: {able}. Change the column's encoding in the plan."
        )
    array = _without_nan(array)
    if _is_constant(array):
        return _fit_constant(array)
    if encoding in _NUMERIC:
        return _fit_float(array) if _is_float(array) else _fit_number(array)
    if encoding is Encoding.DATETIME:
        return _fit_written(array, where) if _is_text(array.type) else _fit_moment(array)
    if encoding is Encoding.CATEGORICAL:
        return Codec(Form.CATEGORY)
    return _fit_text(array)


def encode(codec: Codec, array: Array) -> Array:
    """Convert a column for the SDK.

    Args:
        codec: fitted to it; not a constant.
        array: the column's values.

    Returns:
        As many integers, floats, timestamps or texts; NULL stays NULL.
    """
    array = _without_nan(array)
    match codec.form:
        case Form.NUMBER:
            return _encode_number(codec, array)
        case Form.MOMENT if codec.written is not None:
            return _encode_moment(read_dates(array, codec.written))
        case Form.MOMENT:
            return _encode_moment(array)
        case Form.CATEGORY:
            return _mapped(array, _category_text(array.type), _string())
        case Form.TEXT:
            return _mapped(array, bytes.hex, _string()) if _is_binary(array) else array
        case _:
            return array


def decode(codec: Codec, array: Array, arrow_type: pa.DataType) -> Array:
    """Convert what the SDK generated back.

    Args:
        codec: fitted to the source's column.
        array: the generated values.
        arrow_type: the source's type.

    Returns:
        Values of the source's type, within its range and on its scale.
    """
    if array.null_count == len(array):
        return nulls(len(array), arrow_type)
    match codec.form:
        case Form.NUMBER:
            return _decode_number(codec, array, arrow_type)
        case Form.FLOAT:
            return _decode_float(codec, array, arrow_type)
        case Form.MOMENT if codec.written is not None:
            moments = _decode_moment(codec, array, pa.timestamp("us"))
            return write_dates(moments, codec.written, arrow_type)
        case Form.MOMENT:
            return _decode_moment(codec, array, arrow_type)
        case Form.CATEGORY:
            return _mapped(array.cast(pa.string()), _category_value(arrow_type), arrow_type)
        case _:
            return _decode_text(codec, array, arrow_type)


def constant(codec: Codec, rows: int, arrow_type: pa.DataType) -> Array:
    """Return a constant column of so many rows."""
    if codec.value is None:
        return nulls(rows, arrow_type)
    value: Any = pa.array([_category_value(arrow_type)(codec.value)], arrow_type)[0]
    return pa.repeat(value, rows)


def nulls(rows: int, arrow_type: Any) -> Array:
    """Return a column of so many NULLs."""
    return pa.nulls(rows, arrow_type)


def without_token(array: Array, token: str, otherwise: str | None, seed: int) -> Array:
    """Replace a token of the SDK by draws from the other values.

    Args:
        array: a generated column of text.
        token: `RARE` or `INVALID`.
        otherwise: stands in where there is no other value.
        seed: of the draws.

    Returns:
        The column without the token.
    """
    bad = pc.fill_null(pc.equal(array, pa.scalar(token, array.type)), False)
    count = pc.sum(bad).as_py() or 0
    if not count:
        return array
    others = pc.drop_null(array.filter(pc.invert(bad)))
    if not len(others):
        return pc.if_else(bad, pa.scalar(otherwise, array.type), array)
    draws: Any = np.random.default_rng(seed).integers(0, len(others), count)
    return pc.replace_with_mask(array, bad, others.take(pa.array(draws)))


def _fit_constant(array: Array) -> Codec:
    values = pc.drop_null(array)
    if not len(values):
        return Codec(Form.CONSTANT)
    text = _mapped(values.slice(0, 1), _category_text(array.type), _string())
    return Codec(Form.CONSTANT, value=text[0].as_py())


def _fit_number(array: Array) -> Codec:
    integers, base = _integers(pc.drop_null(array))
    low, high = int(integers.min()), int(integers.max())
    unit = _common_unit(integers, _units(array.type) if base == 1 else (1,))
    if max(abs(low), abs(high)) // unit <= EXACT:
        return Codec(Form.NUMBER, base, 0, unit, low, high)
    while (high - low) // unit > EXACT:
        unit *= 10
    return Codec(Form.NUMBER, base, low, unit, low, high)


def _encode_number(codec: Codec, array: Array) -> Array:
    integers, _ = _integers(array, codec.base)
    if codec.origin == 0:
        return _array(integers // codec.unit, array)
    # Differences of int64 may need 64 bits without sign.
    distance = integers.view("u8") - _unsigned(codec.origin)
    return _array((distance // _unsigned(codec.unit)).view("i8"), array)


def _decode_number(codec: Codec, array: Array, arrow_type: pa.DataType) -> Array:
    low = (int(codec.low) - codec.origin) // codec.unit
    high = (int(codec.high) - codec.origin) // codec.unit
    steps = np.clip(np.rint(_floats(array)), low, high).astype("i8")
    integers = (steps.view("u8") * _unsigned(codec.unit) + _unsigned(codec.origin)).view("i8")
    return _from_integers(integers, codec.base, array, arrow_type)


def _fit_float(array: Array) -> Codec:
    values = _floats(pc.drop_null(array))
    decimals = next(
        (d for d in range(LARGEST_DECIMALS + 1) if np.array_equal(np.round(values, d), values)),
        None,
    )
    return Codec(Form.FLOAT, low=float(values.min()), high=float(values.max()), decimals=decimals)


def _decode_float(codec: Codec, array: Array, arrow_type: pa.DataType) -> Array:
    values = _floats(array)
    if codec.decimals is not None:
        values = np.round(values, codec.decimals)
    return _array(np.clip(values, codec.low, codec.high), array).cast(arrow_type)


def _fit_moment(array: Array) -> Codec:
    integers, _ = _integers(pc.drop_null(array))
    inside = integers[(integers >= EARLIEST) & (integers < LATEST)]
    early, late = integers[integers < EARLIEST], integers[integers >= LATEST]
    return Codec(
        Form.MOMENT,
        unit=_common_unit(inside, MOMENT_UNITS),
        low=int(integers.min()),
        high=int(integers.max()),
        below=_most_frequent(early) if len(early) else None,
        above=_most_frequent(late) if len(late) else None,
    )


def _fit_written(array: Array, where: str) -> Codec:
    form = written_form(array)
    if form is None:
        raise GeneratorError(
            f"{where} has texts that are not all dates of one form, which {Encoding.DATETIME} "
            f"needs; change the column's encoding in the plan, to {Encoding.CHARACTER} perhaps."
        )
    return replace(_fit_moment(read_dates(array, form)), written=form)


def _encode_moment(array: Array) -> Array:
    integers, _ = _integers(array)
    return _array(np.clip(integers, EARLIEST, LATEST), array).cast(pa.timestamp("us"))


def _decode_moment(codec: Codec, array: Array, arrow_type: pa.DataType) -> Array:
    moments = array.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    integers = _filled(moments) // codec.unit * codec.unit
    early, late = integers <= EARLIEST, integers >= LATEST
    integers = np.clip(integers, int(codec.low), int(codec.high))
    if codec.below is not None:
        integers[early] = codec.below
    if codec.above is not None:
        integers[late] = codec.above
    return _from_integers(integers, 1, array, arrow_type)


def _fit_text(array: Array) -> Codec:
    lengths: Any = pc.binary_length(array) if _is_binary(array) else pc.utf8_length(array)
    return Codec(Form.TEXT, length=pc.max(lengths).as_py())


def _decode_text(codec: Codec, array: Array, arrow_type: pa.DataType) -> Array:
    if pa.types.is_binary(arrow_type) or pa.types.is_large_binary(arrow_type):
        return _mapped(array, _unhex, arrow_type)
    return pc.utf8_slice_codeunits(array.cast(arrow_type), 0, codec.length)


def _unhex(digits: str) -> bytes:
    """Read hexadecimal digits the SDK generated; an odd last one is dropped."""
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _category_text(arrow_type: pa.DataType) -> Callable[[Any], str]:
    if pa.types.is_binary(arrow_type) or pa.types.is_large_binary(arrow_type):
        return bytes.hex
    if pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type):
        return str
    if _counts(arrow_type):
        return lambda value: str(_integer(value, arrow_type))
    return str


def _category_value(arrow_type: pa.DataType) -> Callable[[str], Any]:
    types = pa.types
    if types.is_binary(arrow_type) or types.is_large_binary(arrow_type):
        return bytes.fromhex
    if types.is_boolean(arrow_type):
        return lambda text: text == "True"
    if types.is_decimal(arrow_type):
        return Decimal
    if types.is_floating(arrow_type):
        return float
    if _counts(arrow_type):
        return lambda text: _counted(int(text), arrow_type)
    return int if types.is_integer(arrow_type) else str


def _counts(arrow_type: pa.DataType) -> bool:
    """Tell whether values of a type stand for a count of microseconds."""
    types = pa.types
    return bool(types.is_temporal(arrow_type)) or bool(types.is_duration(arrow_type))


def _integer(value: Any, arrow_type: pa.DataType) -> int:
    integers, _ = _integers(pa.array([value], arrow_type))
    return int(integers[0])


def _counted(integer: int, arrow_type: pa.DataType) -> Any:
    one = pa.array([integer], pa.int64())
    return _from_integers(np.array([integer], "i8"), 1, one, arrow_type)[0].as_py()


def _mapped(array: Array, function: Callable[[Any], Any], arrow_type: pa.DataType) -> Array:
    """Apply a function to each distinct value of an array."""
    coded = array.dictionary_encode()
    values = pa.array([function(value) for value in coded.dictionary.to_pylist()], arrow_type)
    return values.take(coded.indices)


def _integers(array: Array, base: int | None = None) -> tuple[Ints, int]:
    """Return the integers behind an array's values, 0 for NULL, and what they were divided by.

    Args:
        array: of integers, decimals, dates, times, timestamps or durations.
        base: the divisor for decimals; chosen so that all fit when None.
    """
    types = pa.types
    if types.is_decimal(array.type):
        return _unscaled(array, base)
    if types.is_date(array.type) or types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", getattr(array.type, "tz", None)))
    elif types.is_time(array.type):
        array = array.cast(pa.time64("us"))
    elif types.is_duration(array.type):
        array = array.cast(pa.duration("us"))
    return _filled(array.cast(pa.int64())), 1


def _from_integers(integers: Ints, base: int, like: Array, arrow_type: pa.DataType) -> Array:
    """Return values of a type from the integers behind them, NULL where `like` is NULL."""
    types = pa.types
    if types.is_decimal(arrow_type):
        return _scaled(integers, base, like, arrow_type)
    array = _array(integers, like)
    if types.is_date(arrow_type):
        return array.cast(pa.timestamp("us")).cast(arrow_type, safe=False)
    if types.is_timestamp(arrow_type):
        return array.cast(pa.timestamp("us", arrow_type.tz)).cast(arrow_type, safe=False)
    if types.is_time(arrow_type):
        return array.cast(pa.time64("us")).cast(arrow_type, safe=False)
    if types.is_duration(arrow_type):
        return array.cast(pa.duration("us")).cast(arrow_type, safe=False)
    return array.cast(arrow_type)


def _unscaled(array: Array, base: int | None) -> tuple[Ints, int]:
    """Return the unscaled values of a decimal128 array, as `_integers`."""
    content: Any = array.buffers()[1]
    words = np.frombuffer(content, "<i8")[2 * array.offset :]
    words = words[: 2 * len(array)].reshape(-1, 2)
    present = _present(array)
    lower, upper = np.where(present, words[:, 0], 0), np.where(present, words[:, 1], 0)
    wide = bool((upper != lower >> 63).any()) if base is None else base > 1
    if not wide:
        return lower, 1
    values = upper.astype("f8") * 2.0**64 + lower.view("u8").astype("f8")
    if base is None:
        base = 10 ** max(len(str(int(np.abs(values).max()))) - EXACT_DIGITS, 0)
    limit = 10**EXACT_DIGITS - 1
    return np.clip(np.trunc(values / base), -limit, limit).astype("i8"), base


def _scaled(integers: Ints, base: int, like: Array, arrow_type: pa.DataType) -> Array:
    """Return decimals from unscaled values, NULL where `like` is NULL."""
    if base == 1:
        content = np.stack([integers, integers >> 63], axis=1).astype("<i8").tobytes()
    else:
        content = b"".join(
            (int(integer) * base).to_bytes(16, "little", signed=True) for integer in integers
        )
    validity = pa.array(_present(like)).buffers()[1]
    buffers = [validity, pa.py_buffer(content)]
    return pa.Array.from_buffers(arrow_type, len(integers), buffers)


def _units(arrow_type: pa.DataType) -> Sequence[int]:
    """Return the steps values of a type may be multiples of, largest first."""
    if pa.types.is_decimal(arrow_type):
        return [10**k for k in range(min(arrow_type.scale, 18), -1, -1)]
    return MOMENT_UNITS if _counts(arrow_type) else (1,)


def _common_unit(integers: Ints, units: Sequence[int]) -> int:
    return next((unit for unit in units if not (integers % unit).any()), 1)


def _most_frequent(integers: Ints) -> int:
    values, counts = np.unique(integers, return_counts=True)
    return int(values[counts.argmax()])


def _unsigned(integer: int) -> np.uint64:
    return np.uint64(integer % 2**64)


def _present(array: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _filled(array: Array) -> Ints:
    return np.asarray(array.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _floats(array: Array) -> npt.NDArray[np.float64]:
    filled = array.cast(pa.float64(), safe=False).fill_null(0.0)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.float64)


def _array(values: npt.NDArray[Any], like: Array) -> Array:
    """Return values as an array, NULL where `like` is NULL."""
    return pa.array(values, mask=~_present(like))


def _without_nan(array: Array) -> Array:
    """Return floats with NULL in place of what is no finite number."""
    if not _is_float(array):
        return array
    return pc.if_else(pc.is_finite(array), array, None)


def _is_constant(array: Array) -> bool:
    distinct = int(pc.count_distinct(array, mode="only_valid").as_py())
    return distinct == 0 or (distinct == 1 and array.null_count == 0)


def _is_float(array: Array) -> bool:
    return bool(pa.types.is_floating(array.type))


def _is_text(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type))


def _is_binary(array: Array) -> bool:
    return bool(pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type))


def _string() -> pa.DataType:
    return pa.string()
