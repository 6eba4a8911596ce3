"""Whether a table tells of people: by what its columns are called and what stands in them.

Imports the model and checks; used by the judgement of reference tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemasynth.arrays import array
from schemasynth.checknumbers import OF_ACCOUNTS, OF_PEOPLE, find_check
from schemasynth.model import Table, TypeFamily

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 500
"""Distinct values of a column that are looked at."""
COMMON = 0.5
"""Share of values in a form from which a column is of that form."""
NAMED = 0.2
"""Share of values that hold a common given name: lists of names hold many that are not common."""
MAX_NAME_WORDS = 4
"""Words in the name of a person."""
FEW = 3
"""Values of a form below which a column is not judged by it."""
_NAMES = re.compile(
    r"""
    (^|_)((first|last|middle|family|given|maiden|nick)_?name | surname | forename)s?(_|$)
  | (^|_)[lf]_?names?(_|$)
  | (cognom|apellido)s? | (^|_)prenom | (^|_)(nom|nombre)_(complet|completo|pila)
  | birth | (^|_)dob(_|$) | naixement | nacimiento
  | (^|_)(sex|sexe|sexo|gender|genere|genero)(_|$)
  | passport | passaport | pasaporte | (^|_)(dni|nie|nif|ssn|nuss|cip|naf)(_|$) | social_?sec
  | password | contrasenya | contrasena | (^|_)user_?name(_|$) | (^|_)login(_|$)
  | (^|_)iban(_|$) | identificador_persona | nacionalita[td] | nationality | nacionalidad
  | estat_civil | estado_civil | marital
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Columns that only people have, in English, Spanish and Catalan."""
_CONTACTS = re.compile(
    r"""
    full_?name | contact | (^|_)e_?mail | correo | correu | phone | mobile | telefon | telf
  | (^|_)fax(_|$) | manager | director | (^|_)owner | propietari | titular | commander | head_of
  | president | (^|_)author | composer | salary | salario | salari
  | (^|_)(age|edat|edad)(_|$)
  | identificador | person | (^|_)(street|home)_?(address)?(_|$) | adreca | domicili
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Columns that people have, and firms, offices and jobs too."""
_PEOPLE = frozenset(
    re.split(
        r"\s+",
        """
    person people customer client member employee staff patient physician doctor nurse
    student teacher instructor candidate guest user contestant author artist singer player
    coach driver pilot technician scientist journalist host swimmer architect reviewer
    faculty highschooler titular persona usuari usuario ciutada ciudadano ciutadana empleat
    empleado treballador trabajador pacient paciente metge medico alumne alumno estudiant
    estudiante soci socio beneficiari beneficiario solicitant solicitante sollicitant
    contact contacto contacte contribuent contribuyente abonat abonado resident voter votant
    votante
    """.strip(),
    )
)
"""What tables of people are called."""
_GIVEN = frozenset(
    re.split(
        r"\s+",
        """
    james john robert michael william david richard joseph thomas charles christopher daniel
    matthew anthony mark donald steven paul andrew joshua kenneth kevin brian george timothy
    ronald edward jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin
    scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry
    peter henry walter mary patricia jennifer linda elizabeth barbara susan jessica sarah
    karen lisa nancy betty margaret sandra ashley kimberly emily donna michelle carol amanda
    melissa deborah stephanie rebecca laura helen sharon cynthia kathleen amy angela shirley
    anna brenda emma ruth christine jane anne alice julia martha antonio manuel francisco
    juan jose javier carlos jesus alejandro miguel rafael pedro angel pablo sergio fernando
    luis jorge alberto alvaro diego adrian raul ivan ruben enrique ramon vicente andres
    joaquin maria carmen josefa isabel dolores pilar teresa ana francisca antonia mercedes
    cristina marta lucia rosa elena paula raquel sara silvia concepcion encarnacion beatriz
    rocio alicia sofia jordi joan josep marc xavier francesc carles pere albert pau oriol
    arnau ferran lluis miquel jaume enric sergi eduard roger montserrat nuria meritxell
    mireia laia eulalia neus gemma aina clara judit
    """.strip(),
    )
)
"""Common given names of English, Spanish and Catalan speakers."""
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "sr", "sra", "don", "dona"})
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PHONE = re.compile(
    r"(?=(?:\D*\d){7})\+?\(?\d[\d ().\-/]*[ ().\-/][\d ().\-/]*\d(\s*(x|ext\.?)\s*\d+)?"
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_ACCENTS = str.maketrans("àáâäçèéêëìíîïñòóôöùúûü", "aaaaceeeeiiiinoooouuuu")


@dataclass(frozen=True, slots=True)
class Personal:
    """What speaks of people in a table; `sure` where nothing but people has it."""

    what: str
    sure: bool


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, in small letters without accents."""
    plain = "".join(c.lower().translate(_ACCENTS) if not c.isascii() else c for c in name)
    return tuple(word.lower() for word in _WORDS.split(plain) if word)


def singular(word: str) -> tuple[str, ...]:
    """Return a word and what it may be the plural of."""
    ends = (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ns", ""), ("os", ""))
    return (word, *(word[: -len(a)] + b for a, b in ends if word.endswith(a)))


def personal(table: Table, rows: pd.DataFrame | None = None) -> Personal | None:
    """Return what speaks of people in a table, the surest first; None where nothing does.

    Args:
        table: as reflected.
        rows: sampled; without any, names decide.
    """
    found = [*_by_name(table), *(_by_content(table, rows) if rows is not None else ())]
    return min(found, key=lambda one: not one.sure, default=None)


def _by_name(table: Table) -> Iterator[Personal]:
    for column in table.columns:
        name = "_".join(words(column.name))
        if _NAMES.search(name):
            yield Personal(f"column {column.name} speaks of people", sure=True)
        elif _CONTACTS.search(name) and not _refers(table, column.name):
            yield Personal(f"column {column.name} may speak of people", sure=False)
    last = words(table.name.name)[-1:]
    if any(form in _PEOPLE for word in last for form in singular(word)):
        yield Personal("its name is one of people", sure=True)


def _refers(table: Table, column: str) -> bool:
    return any(column in key.columns for key in table.foreign_keys)


def _by_content(table: Table, rows: pd.DataFrame) -> Iterator[Personal]:
    for column in table.columns:
        if column.name not in rows or column.type.family is not TypeFamily.TEXT:
            continue
        values = array(rows, column.name).drop_null().unique().slice(0, SAMPLE)
        texts = [str(value).strip() for value in values.to_pylist()]
        for what, sure in _forms([text for text in texts if text]):
            yield Personal(f"column {column.name} holds {what}", sure)


def _forms(texts: Sequence[str]) -> Iterator[tuple[str, bool]]:
    if len(texts) < FEW:
        return
    check = find_check(texts)
    if check in OF_PEOPLE:
        yield "valid numbers of identity documents", True
    elif check in OF_ACCOUNTS:
        yield "valid account numbers", True
    if _share(texts, _EMAIL) >= COMMON:
        yield "e-mail addresses", False
    if _share(texts, _PHONE) >= COMMON:
        yield "telephone numbers", False
    named = sum(_is_person(text) for text in texts)
    if named >= max(FEW, NAMED * len(texts)):
        yield "names of people", True


def _share(texts: Sequence[str], form: re.Pattern[str]) -> float:
    return sum(form.fullmatch(text) is not None for text in texts) / len(texts)


def _is_person(text: str) -> bool:
    """Tell whether a text of few words begins with a common given name, or has it after a comma.

    Places are called after people, but with a word before: San José.
    """
    parts = [word for word in words(text.rpartition(",")[2]) if word not in _TITLES]
    return 1 <= len(parts) <= MAX_NAME_WORDS and parts[0] in _GIVEN
