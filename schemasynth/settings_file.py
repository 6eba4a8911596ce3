"""The settings file ``schemasynth.toml``: a person's decisions, to be kept and committed.

Imports the answers to inference; the command line reads it, the API takes what it says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemasynth.errors import SettingsError
from schemasynth.infer.answers import NO_ANSWERS, Answers, ColumnAnswer, read_answers
from schemasynth.model import TableName
from schemasynth.model.keyid import KeyId, Kind, checked
from schemasynth.model.languagemodel import FROM_SCRATCH, MAX_MINUTES, LanguageModel
from schemasynth.model.privacy import HOLDOUT_SUBJECTS, DifferentialPrivacy, Privacy
from schemasynth.model.sensitivity import SensitiveKind

NAME = "schemasynth.toml"
"""Read from the working folder if it is there and no other file is named."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a settings file says.

    Attributes:
        answers: which keys hold and which do not, and what becomes of columns.
        deny: patterns of names that no target may have.
        privacy: what is done beyond single columns; None leaves it.
    """

    answers: Answers = NO_ANSWERS
    deny: tuple[str, ...] = ()
    privacy: Privacy | None = None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _PrimaryKey(_Strict):
    table: str
    schema_name: str | None = None
    columns: list[str] = Field(min_length=1)


class _ForeignKey(_Strict):
    table: str
    schema_name: str | None = None
    columns: list[str] = Field(min_length=1)
    references: str
    references_schema: str | None = None
    references_columns: list[str] = Field(min_length=1)


class _Keys(_Strict):
    accept: list[str] = []
    reject: list[str] = []
    primary_key: list[_PrimaryKey] = []
    foreign_key: list[_ForeignKey] = []


class _People(_Strict):
    language: Literal["ca", "es", "en", "fr", "de", "it", "pt"] | None = None


class _Column(_Strict):
    table: str
    schema_name: str | None = None
    column: str
    treatment: (
        Literal["provider", "template", "language_model", "learn", "null", "constant"] | None
    ) = None
    kind: SensitiveKind | None = Field(default=None, strict=False)
    value: str | None = None


_Factor = Annotated[float, Field(ge=0, le=10_000)]


class DifferentialEntry(_Strict):
    """Differential privacy, as a settings file or a plan says it; 0 stands for None."""

    max_epsilon: _Factor = 10.0
    delta: Annotated[float, Field(gt=0, le=1)] = 1e-5
    noise_multiplier: _Factor = 1.5
    max_grad_norm: _Factor = 1.0
    value_protection_epsilon: _Factor = 1.0

    def value(self) -> DifferentialPrivacy:
        """Return what is said."""
        return DifferentialPrivacy(
            self.max_epsilon or None,
            self.delta,
            self.noise_multiplier,
            self.max_grad_norm,
            self.value_protection_epsilon or None,
        )


class PrivacyEntry(_Strict):
    """Privacy beyond single columns, as a settings file or a plan says it."""

    holdout: int = Field(default=HOLDOUT_SUBJECTS, ge=0)
    differential_privacy: DifferentialEntry | None = None

    def value(self) -> Privacy:
        """Return what is said."""
        differential = self.differential_privacy
        return Privacy(self.holdout, differential.value() if differential else None)


class LanguageModelEntry(_Strict):
    """The model of texts, as a settings file or a plan says it."""

    model: str = FROM_SCRATCH
    max_minutes: Annotated[float, Field(gt=0, le=10_000, strict=False)] = MAX_MINUTES

    def value(self) -> LanguageModel:
        """Return what is said."""
        return LanguageModel(self.model, self.max_minutes)


class _Target(_Strict):
    deny: list[Annotated[str, Field(min_length=1)]] = []


class _File(_Strict):
    keys: _Keys = _Keys()
    people: _People = _People()
    privacy: PrivacyEntry | None = None
    language_model: LanguageModelEntry | None = None
    column: list[_Column] = []
    target: _Target = _Target()


def read_settings(path: Path | None = None) -> Settings:
    """Read a settings file.

    Args:
        path: the file; None means `NAME` in the working folder, if there is one.

    Raises:
        SettingsError: it cannot be read, or says something unknown.
    """
    if path is None:
        path = Path(NAME)
        if not path.exists():
            return Settings()
    try:
        return _settings(_content(path))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _content(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"it cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError("it is not a UTF-8 text file.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"it is not valid TOML: {error}.") from None
    except RecursionError:
        raise SettingsError("it is nested too deeply.") from None


def _settings(content: Mapping[str, Any]) -> Settings:
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from None
    keys = file.keys
    stated = Answers(
        accepted=tuple(map(checked, _stated(keys))),
        columns=tuple(map(_column, file.column)),
        language=file.people.language,
        language_model=file.language_model.value() if file.language_model else None,
    )
    answers = read_answers(keys.accept, keys.reject) | stated
    privacy = file.privacy.value() if file.privacy else None
    return Settings(answers, tuple(file.target.deny), privacy)


def _column(raw: _Column) -> ColumnAnswer:
    if raw.treatment == "constant" and raw.value is None:
        raise SettingsError(f"column {raw.table}.{raw.column} is constant and needs a value.")
    name = TableName(raw.table, raw.schema_name)
    return ColumnAnswer(name, raw.column, raw.treatment, raw.kind, raw.value)


def _stated(keys: _Keys) -> Iterator[KeyId]:
    for key in keys.primary_key:
        yield KeyId(Kind.PRIMARY, TableName(key.table, key.schema_name), tuple(key.columns))
    for foreign in keys.foreign_key:
        yield KeyId(
            Kind.FOREIGN,
            TableName(foreign.table, foreign.schema_name),
            tuple(foreign.columns),
            TableName(foreign.references, foreign.references_schema),
            tuple(foreign.references_columns),
        )


_FIELDS: Mapping[str, type[_Strict]] = {
    "": _File,
    "keys": _Keys,
    "people": _People,
    "privacy": PrivacyEntry,
    "privacy.differential_privacy": DifferentialEntry,
    "language_model": LanguageModelEntry,
    "column": _Column,
    "target": _Target,
    "keys.primary_key": _PrimaryKey,
    "keys.foreign_key": _ForeignKey,
}


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    path = [f"[{part + 1}]" if isinstance(part, int) else part for part in problem["loc"]]
    place = ".".join(map(str, path)).replace(".[", "[")
    if problem["type"] != "extra_forbidden":
        return f"{place}: {problem['msg'].lower()}."
    *section, name = (str(part) for part in problem["loc"] if not isinstance(part, int))
    known = list(_FIELDS[".".join(section)].model_fields)
    like = get_close_matches(name, known, 1)
    meant = f"did you mean {like[0]}?" if like else f"known here: {', '.join(known)}."
    return f"there is no setting {place}; {meant}"
