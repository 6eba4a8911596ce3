"""What is sensitive about a column, as frozen values.

Belongs to the relational model: imports nothing of the package, may be imported by all of it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class SensitiveKind(enum.StrEnum):
    """What a sensitive column holds."""

    DOCUMENT = "document"
    """A number that the state or an insurer gave a person: DNI, NIE, NUSS, passport."""
    GIVEN_NAME = "given_name"
    SURNAME = "surname"
    FULL_NAME = "full_name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    """A street with a number, or a whole postal address."""
    BANK_ACCOUNT = "bank_account"
    CARD = "card"
    """A payment card's number or code."""
    USER_NAME = "user_name"
    PASSWORD = "password"  # noqa: S105 a kind, not a secret
    IP_ADDRESS = "ip_address"
    DEVICE = "device"
    """A MAC address, IMEI or other number of a machine that a person carries."""
    PLATE = "plate"
    """A vehicle's registration."""
    SEX = "sex"
    BIRTH_DATE = "birth_date"
    LOCATION = "location"
    """Coordinates."""
    HEALTH = "health"
    FREE_TEXT = "free_text"
    """Sentences that people typed."""


NAMES = frozenset({SensitiveKind.GIVEN_NAME, SensitiveKind.SURNAME, SensitiveKind.FULL_NAME})
SHARED = frozenset({SensitiveKind.GIVEN_NAME, SensitiveKind.SURNAME})
"""Kinds of values that many people have: one alone leads to nobody."""
INDIRECT = frozenset(
    {
        SensitiveKind.SEX,
        SensitiveKind.BIRTH_DATE,
        SensitiveKind.LOCATION,
        SensitiveKind.HEALTH,
        SensitiveKind.FREE_TEXT,
    }
)
"""Kinds that tell of a person, but do not single one out by themselves."""

OF_NUMBERS = frozenset(
    {
        SensitiveKind.DOCUMENT,
        SensitiveKind.PHONE,
        SensitiveKind.BANK_ACCOUNT,
        SensitiveKind.CARD,
        SensitiveKind.DEVICE,
        SensitiveKind.PLATE,
        SensitiveKind.PASSWORD,
    }
)
"""Kinds that are made in the format of the source's values."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Why a column is sensitive.

    Attributes:
        kind: what it holds.
        confidence: 0 to 1; 1 where a person said so.
        reason: for people; never a value.
    """

    kind: SensitiveKind
    confidence: float
    reason: str

    @property
    def direct(self) -> bool:
        """Whether one value can lead to one person."""
        return self.kind not in INDIRECT
