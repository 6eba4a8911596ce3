"""What names say: how well a column's name speaks of a referenced table and key.

Pure functions of names; used by the scoring of keys.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache, lru_cache

_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9\u00c0-\u024f]+")
KEY_WORDS = frozenset(
    {
        "id",
        "ids",
        "key",
        "pk",
        "code",
        "cod",
        "codi",
        "codigo",
        "no",
        "num",
        "number",
        "nr",
        "nbr",
        "numero",
        "ref",
        "uuid",
        "guid",
        "iden",
        "sk",
        "oid",
    }
)
"""Words that mean identification, in English, Spanish and Catalan."""
_HIERARCHY = frozenset(
    {
        "parent",
        "preceding",
        "following",
        "prior",
        "reply",
        "superseded",
        "base",
        "main",
        "anterior",
        "siguiente",
        "seguent",
        "manager",
        "mgr",
        "boss",
        "supervisor",
        "super",
        "reports",
        "report",
        "head",
        "chief",
        "leader",
        "previous",
        "prev",
        "next",
        "predecessor",
        "successor",
        "replaced",
        "original",
        "root",
        "owner",
        "pare",
        "padre",
        "superior",
        "jefe",
        "cap",
    }
)
"""Words by which a table refers to itself."""


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ROLES = _listed("""
    manager mgr rep representative agent advisor adviser supervisor head director boss chief
    leader lead assistant author editor writer owner buyer seller sender receiver recipient
    approver approved reviewer creator created updated modified assigned assignee reporter
    responsible coordinator instructor teacher tutor mentor coach captain president officer
    principal contact by sales support operator inspector jefe responsable encargado gestor
    vendedor comprador autor titular tecnico cap venedor autora tecnic referent
""")
"""Words of a person's part, which name no table."""
_STAFF = _listed("""
    employee emp staff person people personnel user usr worker faculty teacher professor
    physician doctor instructor agent persona empleado usuario trabajador profesor medico
    personal empleat usuari treballador metge
""")
"""Words of tables that hold people who act for the organisation."""
_PLACES = _listed("""
    airport station stop port city town place location site node account warehouse terminal
    aeropuerto estacion parada puerto ciudad lugar almacen cuenta aeroport estacio
    ciutat lloc magatzem compte
""")
"""Words of tables between whose rows something goes."""
_QUANTITIES = frozenset(("count", "total", "qty", "quantity", "amount", "cantidad", "quantitat"))
_DIRECTIONS = _listed("""
    source src target origin orig destination dest dst from to departure depart arrival
    arrive start end home away left right first second origen destino desde hasta salida
    llegada inicio fin desti sortida arribada
""")
"""Words that tell apart two references to the same table."""
_LINKS = frozenset(("via", "by", "of", "for", "at", "in", "on", "with"))
"""Words that join."""
_SATELLITES = _listed("""
    info information detail ext extension extra profile description data attribute property
    supplement text image photo blob log history stat detalle dato datos ficha historial
    dada dades detall fitxa
""")
"""Words by which a table says that it only adds to another one."""
SHARED_PREFIX = 0.8
"""Share of a table's columns with the same first word for it to be the table's prefix."""
MIN_ABBREVIATION = 3
REMEMBERED = 100_000
"""Comparisons of names kept: those of about a thousand columns."""


@cache
def words(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words: ``CustomerId`` and ``customer_id`` give the same."""
    parts = [part.lower() for part in _SPLIT.split(name) if part]
    if len(parts) == 1:
        parts = _glued(parts[0])
    return tuple(_unnumbered([singular(part) for part in parts]))


def _unnumbered(parts: list[str]) -> list[str]:
    """Drop the numbers that tell columns of one meaning apart: ``site1``."""
    said = [part for part in parts if not part.isdigit()] or parts
    last = said[-1].rstrip("0123456789") if said else ""
    return [*said[:-1], singular(last)] if len(last) >= MIN_ABBREVIATION else said


def _glued(word: str) -> list[str]:
    """Split an identification word off the end: ``clientid``, ``itemid``."""
    for ending in ("id", "key", "code", "num", "no"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= MIN_ABBREVIATION and ending in ("id", "key", "code"):
            return [stem, ending]
    return [word]


@cache
def singular(word: str) -> str:
    """Return a word without its plural ending (English, roughly; Spanish and Catalan s)."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def prefix(columns: Sequence[str]) -> str:
    """Return the word with which nearly all columns of a table begin, or an empty one."""
    firsts = Counter(words(name)[0] for name in columns if len(words(name)) > 1)
    if not firsts:
        return ""
    word, count = firsts.most_common(1)[0]
    return word if count >= SHARED_PREFIX * len(columns) and len(columns) > 2 else ""


def stem(name: str, table_prefix: str = "") -> tuple[str, ...]:
    """Return the words of a column without its table's prefix."""
    found = words(name)
    return found[1:] if table_prefix and len(found) > 1 and found[0] == table_prefix else found


def is_generic(key: Sequence[str]) -> bool:
    """Tell whether a key's name is only an identification word."""
    return all(word in KEY_WORDS for word in key)


@lru_cache(maxsize=REMEMBERED)
def similar(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    """Return how much two names are alike, 0 to 1; abbreviations count."""
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    a, b = "".join(left), "".join(right)
    if a == b:
        return 0.98
    if min(len(a), len(b)) >= MIN_ABBREVIATION and (a.startswith(b) or b.startswith(a)):
        return 0.75 + 0.15 * min(len(a), len(b)) / max(len(a), len(b))
    initials = "".join(word[0] for word in right)
    if len(left) == 1 and len(right) > 1 and left[0] == initials:
        return 0.8
    return 0.7 * SequenceMatcher(None, a, b).ratio()


@lru_cache(maxsize=REMEMBERED)
def word_likeness(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    """Return how much the likest two words of two names are alike, 0 to 1."""
    return max((_word_likeness(a, b) for a in left for b in right), default=0.0)


@lru_cache(maxsize=REMEMBERED)
def _word_likeness(left: str, right: str) -> float:
    if left == right:
        return 1.0
    short, long = sorted((left, right), key=len)
    if len(short) < MIN_ABBREVIATION or short[0] != long[0]:
        return 0.0
    if long.startswith(short):
        return 0.8
    letters = iter(long)
    return 0.7 if all(letter in letters for letter in short) else 0.0


@lru_cache(maxsize=REMEMBERED)
def without_key_words(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that do not mean identification."""
    return tuple(word for word in name if word not in KEY_WORDS)


@lru_cache(maxsize=REMEMBERED)
def reference_score(
    column: tuple[str, ...], table: tuple[str, ...], key: tuple[str, ...], *, own: bool
) -> float:
    """Return how well a column's name says that it refers to a key, 0 to 1.

    Args:
        column: words of the referring column, its table's prefix stripped.
        table: words of the referenced table.
        key: words of the referenced column, prefix stripped.
        own: the referenced table is the column's own.
    """
    if own:
        if _HIERARCHY.intersection(column):
            return 0.9
        extended = len(column) > len(key) and column[-len(key) :] == key and not is_generic(key)
        return 0.8 if extended else 0.3 * similar(column, key)
    if is_quantity(column):
        return 0.2
    scores = [0.0]
    if not is_generic(key):
        scores.append(similar(column, key))
        if len(column) > len(key) and column[-len(key) :] == key:
            scores.append(0.92)
    said = without_key_words(column)
    named = without_key_words(table) or table
    if said:
        scores.append(0.97 * similar(said, named))
        if len(said) > len(named) and said[-len(named) :] == named:
            scores.append(0.9)
        if len(said) > 1 and len(named) == 1 and said[-1] == named[0]:
            scores.append(0.88)
        if len(named) > 1 and said == named[-len(said) :]:
            scores.append(0.8)
        bare = tuple(word for word in said if word not in _DIRECTIONS and word not in _LINKS)
        if bare and bare != said:
            scores.append(0.9 * similar(bare, named))
        if not bare and _PLACES.intersection(table):
            scores.append(0.7)
    return max(scores)


def is_quantity(column: Sequence[str]) -> bool:
    """Tell whether a column's name says that it counts something."""
    return bool(_QUANTITIES.intersection(column)) or column[1:2] == ("of",)


@lru_cache(maxsize=REMEMBERED)
def own_key_score(column: tuple[str, ...], table: tuple[str, ...]) -> float:
    """Return how well a column's name says that it identifies its own table, 0 to 1."""
    said = without_key_words(column)
    is_key = len(said) < len(column)
    if not said:
        return 1.0
    alike = similar(said, without_key_words(table) or table)
    return (0.95 if is_key else 0.6) * alike if alike > 0.6 else (0.35 if is_key else 0.0)


def is_role(column: Sequence[str]) -> bool:
    """Tell whether a column's name speaks of the part that a person has."""
    return bool(_ROLES.intersection(column))


def is_staff(table: Sequence[str]) -> bool:
    """Tell whether a table's name says that it holds people who act for the organisation."""
    return bool(_STAFF.intersection(table))


def directed(column: Sequence[str]) -> bool:
    """Tell whether a column's name tells apart two references to the same table."""
    return bool(_DIRECTIONS.intersection(column))


def satellite(table: Sequence[str]) -> bool:
    """Tell whether a table's name says that it only adds to another one."""
    return len(table) > 1 and bool(_SATELLITES.intersection(table))


def hierarchical(column: Sequence[str]) -> bool:
    """Tell whether a column's name speaks of a row above or beside its own."""
    return bool(_HIERARCHY.intersection(column))
