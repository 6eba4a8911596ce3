"""Número de afiliación a la Seguridad Social: the Spanish social security number.

Two digits for the province, eight for the person, and two check digits: the first ten modulo 97,
where a number of the person below ten million is written without its leading zero. In the form of
python-stdnum's modules, which has none for it.
"""

from __future__ import annotations

from stdnum.exceptions import (
    InvalidChecksum,
    InvalidFormat,
    InvalidLength,
    ValidationError,
)
from stdnum.util import clean, isdigits

_LENGTH = 12
_SHORT = 10_000_000


def compact(number: str) -> str:
    """Return the number without separators."""
    return str(clean(number, " -/.").strip())


def calc_check_digits(number: str) -> str:
    """Return the two check digits of the first ten digits."""
    province, person = int(number[:2]), int(number[2:10])
    whole = province * (_SHORT if person < _SHORT else 10 * _SHORT) + person
    return f"{whole % 97:02d}"


def validate(number: str) -> str:
    """Return the number without separators.

    Raises:
        ValidationError: it is no valid number.
    """
    number = compact(number)
    if not isdigits(number):
        raise InvalidFormat
    if len(number) != _LENGTH:
        raise InvalidLength
    if calc_check_digits(number) != number[10:]:
        raise InvalidChecksum
    return number


def is_valid(number: str) -> bool:
    """Tell whether a number is valid."""
    try:
        return bool(validate(number))
    except ValidationError:
        return False
