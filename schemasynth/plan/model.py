"""What a refresh does to each table, foreign key and column, as frozen values.

Imports the model only; the plan file, the rewrites and the generator are built on it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from schemasynth.conditions import Condition
from schemasynth.errors import PlanError
from schemasynth.model import Question, SqlType, TableName
from schemasynth.model.languagemodel import DEFAULT_LANGUAGE_MODEL, LanguageModel
from schemasynth.model.privacy import DEFAULT_PRIVACY, Privacy
from schemasynth.model.rules import Rule
from schemasynth.model.sensitivity import SensitiveKind, Sensitivity


class Role(enum.StrEnum):
    """What a table is in a refresh."""

    SUBJECT = "subject"
    """Generated on its own; has its planned number of rows exactly."""
    LINKED = "linked"
    """Generated in the context of a parent, which decides the number of rows."""
    REFERENCE = "reference"
    """Small and not about people: copied."""
    SKIP = "skip"
    """Left as it is in the target."""


class ForeignKeyTreatment(enum.StrEnum):
    """How a foreign key comes through the generator."""

    CONTEXT = "context"
    """The generator makes children per parent: keeps child-parent and sibling patterns, counts."""
    MATCHED = "matched"
    """The generator's own matcher for further parents."""
    CATEGORY = "category"
    """The parent row is a category of the child; for reference tables and small parents."""
    RESTORED = "restored"
    """Kept out of the generator; rebuilt under the source's law when rows are restored."""


class ColumnTreatment(enum.StrEnum):
    """Where a column's synthetic values come from."""

    LEARN = "learn"
    """The generator, in the column's encoding."""
    KEY = "key"
    """New values of the source's key format."""
    FOREIGN_KEY = "foreign_key"
    """The referenced row."""
    DETERMINED = "determined"
    """An implicit entity's row, which determines it."""
    COMPUTED = "computed"
    """The database."""
    CONSTANT = "constant"
    """The plan's `value`."""
    NULL = "null"
    """NULL."""
    PROVIDER = "provider"
    """Made-up people: names, documents, addresses that no row of the source has."""
    TEMPLATE = "template"
    """Sentences of the source's structure, with frequent words only."""
    LANGUAGE_MODEL = "language_model"
    """Texts of the plan's language model, which learns frequent words only."""


WRITTEN = frozenset({ColumnTreatment.TEMPLATE, ColumnTreatment.LANGUAGE_MODEL})
"""Treatments that give a column new texts."""


class Encoding(enum.StrEnum):
    """Encodings of the generator, by the names of the MOSTLY AI SDK's `ModelEncodingType`."""

    CATEGORICAL = "TABULAR_CATEGORICAL"
    NUMERIC_DIGIT = "TABULAR_NUMERIC_DIGIT"
    NUMERIC_DISCRETE = "TABULAR_NUMERIC_DISCRETE"
    NUMERIC_BINNED = "TABULAR_NUMERIC_BINNED"
    DATETIME = "TABULAR_DATETIME"
    CHARACTER = "TABULAR_CHARACTER"
    LAT_LONG = "TABULAR_LAT_LONG"
    TEXT = "LANGUAGE_TEXT"


class KeyKind(enum.StrEnum):
    """Families of key formats."""

    INTEGER = "integer"
    PATTERN = "pattern"
    CHECKED = "checked"
    UUID = "uuid"
    TEMPORAL = "temporal"
    WORDS = "words"
    MIXED = "mixed"


class PartRule(enum.StrEnum):
    """Where a part of a key comes from; the rules of dates are formats of `strftime`."""

    NUMBER = "number"
    """A number that goes on among the keys that are alike in all else."""
    SEQUENCE = "sequence"
    """A number that goes on among all keys."""
    SHARES = "shares"
    """One of a few frequent values, by its share."""
    VALUE = "value"
    """The value of another column, with zeros before it up to the part's width."""
    START = "start"
    """The first characters of another column."""
    UPPER_START = "upper_start"
    """The same in capitals."""
    LOWER_START = "lower_start"
    """The same in small letters."""
    LOOKUP = "lookup"
    """What goes with the value of another column in the source: a province's code."""
    YEAR = "%Y"
    SHORT_YEAR = "%y"
    MONTH = "%m"
    DAY = "%d"
    YEAR_MONTH = "%Y%m"
    SHORT_YEAR_MONTH = "%y%m"
    DATE = "%Y%m%d"
    SHORT_DATE = "%y%m%d"
    ISO_DATE = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A part of a key that carries meaning.

    Attributes:
        name: by which patterns hold it.
        rule: where it comes from.
        column: of the same table, for rules that need one.
        width: characters; 0 where it varies. Numbers have zeros before them up to the width.
        values: for `shares`: the values with their share.
    """

    name: str
    rule: PartRule
    column: str | None = None
    width: int = 0
    values: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class KeyFormat:
    r"""How values of a key column are written; holds no value of the source.

    Attributes:
        kind: the family.
        minimum: below the smallest number, rounded; or the first year of a date or time.
        maximum: above the largest number, rounded; or the last year.
        sequence: new numbers or times go on where the source ends; else they fill its gaps.
        step: all numbers differ by multiples of it, counted in their last decimal.
        patterns: shapes with their share, for example ``(("AB(year)-\d{4}[A-Z]", 0.8), …)``: a
            sequence of literal characters, classes ``\d``, ``[A-Z]``, ``[a-z]``, ``[ABC]`` with
            counts, and names of `parts` in parentheses.
        parts: that the patterns name.
        check: module of python-stdnum whose check digit or letter all values satisfy, for
            example ``es.dni``; such values are made by it.
        version: of a UUID.
        spelling: of a UUID, with ``x`` or ``X`` for each digit.
        formats: of a mixed column, with their share.
    """

    kind: KeyKind
    minimum: int | None = None
    maximum: int | None = None
    sequence: bool = True
    step: int = 1
    patterns: tuple[tuple[str, float], ...] = ()
    parts: tuple[KeyPart, ...] = ()
    check: str | None = None
    version: int | None = None
    spelling: str | None = None
    formats: tuple[tuple[KeyFormat, float], ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Other columns of the table that parts come from."""
        own = [part.column for part in self.parts if part.column is not None]
        inner = [name for form, _ in self.formats for name in form.sources]
        return tuple(dict.fromkeys([*own, *inner]))


@dataclass(frozen=True, slots=True)
class Provider:
    """What a made-up column is made of.

    Attributes:
        kind: what it holds.
        language: of names, streets and words.
        person: whose; columns of a table with the same one agree with each other.
        sex: the learned column that tells the person's sex.
        women: share of women among the persons, where no column tells, 0 to 1.
        link: the foreign key whose row has the same value.
        source: the column of that row.
    """

    kind: SensitiveKind
    language: str = "en"
    person: str = ""
    sex: str | None = None
    women: float = 0.5
    link: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What happens to a column.

    Attributes:
        name: the column.
        type: its type in the source.
        nullable: whether it may be NULL in the source.
        treatment: where its values come from.
        encoding: the generator's, for `learn`.
        key_format: for `key`, and for numbers of a `provider`.
        value: for `constant`, as text.
        sensitivity: what is sensitive about it.
        provider: for `provider`, `template` and `language_model`.
        reason: why, for people.
    """

    name: str
    type: SqlType
    nullable: bool
    treatment: ColumnTreatment
    encoding: Encoding | None = None
    key_format: KeyFormat | None = None
    value: str | None = None
    sensitivity: Sensitivity | None = None
    provider: Provider | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKeyPlan:
    """What happens to a foreign key.

    Attributes:
        columns: of the child.
        referred: the parent table, or the implicit entity where `to_entity`.
        referred_columns: a candidate key of the parent.
        treatment: how it comes through the generator.
        to_entity: `referred.name` is an implicit entity of the plan.
        null_share: rows whose key is NULL (or violated), of all rows, 0 to 1.
        nullable: whether a restored row may have NULL there.
        traits: learned columns of the parent by which a fitting one is found again, the most
            telling first; for a key that is restored.
        reason: why, for people.
        runner_up: the treatment or parent that came second, and by how much.
    """

    columns: tuple[str, ...]
    referred: TableName
    referred_columns: tuple[str, ...]
    treatment: ForeignKeyTreatment
    to_entity: bool = False
    null_share: float = 0.0
    nullable: bool = True
    traits: tuple[str, ...] = ()
    reason: str = ""
    runner_up: str = ""


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What happens to a table, or to an implicit entity that stands as one.

    Attributes:
        name: the table; an implicit entity has its name and no schema.
        role: what it is.
        rows: rows of the source.
        size: planned rows; for `linked` what the parent's growth makes likely.
        primary_key: columns; empty where the table has none.
        unique_keys: columns of each further unique key.
        columns: in the table's order.
        foreign_keys: the accepted ones.
        checks: conditions that rows have to fulfil.
        is_entity: it is an implicit entity and disappears on restore.
        reason: why it has this role, for people.
        runner_up: the role that came second.
    """

    name: TableName
    role: Role
    rows: int
    size: int
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    columns: tuple[ColumnPlan, ...] = ()
    foreign_keys: tuple[ForeignKeyPlan, ...] = ()
    checks: tuple[Condition, ...] = ()
    is_entity: bool = False
    reason: str = ""
    runner_up: str = ""

    def column(self, name: str) -> ColumnPlan:
        """Return the plan of a column.

        Raises:
            PlanError: there is none of that name.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise PlanError(f"Column {name} is not in table {self.name} of the plan.")

    @property
    def context(self) -> ForeignKeyPlan | None:
        """The foreign key to the context parent, if the table has one."""
        for key in self.foreign_keys:
            if key.treatment is ForeignKeyTreatment.CONTEXT:
                return key
        return None

    @property
    def patterned(self) -> tuple[str, ...]:
        """The columns whose values hold patterns: learned ones, and those copied as they are."""
        made = (ColumnTreatment.KEY, ColumnTreatment.PROVIDER)
        return tuple(
            column.name
            for column in self.columns
            if column.treatment is ColumnTreatment.LEARN
            or (self.role is Role.REFERENCE and column.treatment not in made)
        )


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """A reviewed decision about every table.

    Attributes:
        source: the source's name, without credentials.
        fingerprint: of the source's schema when the plan was made.
        tables: in load order: parents first; implicit entities among them.
        scale: planned rows by rows of the source.
        sample_rows: about as many rows are read of the largest table of a subject; None reads
            every row.
        notes: what a person should know, one line each.
        questions: decisions that a person should confirm, those that most rows hang on first.
        rules: that restored rows have to keep.
        privacy: what is done beyond single columns.
        language_model: of columns with that treatment.
    """

    source: str
    fingerprint: str
    tables: tuple[TablePlan, ...]
    scale: float = 1.0
    sample_rows: int | None = None
    notes: tuple[str, ...] = field(default=())
    questions: tuple[Question, ...] = ()
    rules: tuple[Rule, ...] = ()
    privacy: Privacy = DEFAULT_PRIVACY
    language_model: LanguageModel = DEFAULT_LANGUAGE_MODEL

    def table(self, name: TableName) -> TablePlan:
        """Return the plan of a table.

        Raises:
            PlanError: there is none of that name.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise PlanError(f"Table {name} is not in the plan.")

    @property
    def has_language_model(self) -> bool:
        """Whether a column of a table that is generated is written by the language model."""
        return any(
            column.treatment is ColumnTreatment.LANGUAGE_MODEL
            for table in self.tables
            if table.role in (Role.SUBJECT, Role.LINKED)
            for column in table.columns
        )
