"""Trains a generator on prepared tables and generates synthetic ones.

Imports the prepared tables and the parts of this package; called by the API.
"""

from __future__ import annotations

import base64
import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemasynth.arrays import array as column_array
from schemasynth.arrays import frame as arrow_frame
from schemasynth.errors import GeneratorError, SettingsError
from schemasynth.generator import convert
from schemasynth.generator.config import emit
from schemasynth.generator.convert import Array, Codec, Form
from schemasynth.generator.names import TableNames, column_names
from schemasynth.generator.process import JobFolder, job_folder, run_job
from schemasynth.generator.settings import GeneratorSettings
from schemasynth.generator.worker import DUE, EPOCHS, EPSILON, SECONDS, TEXT
from schemasynth.progress import Listener, silent
from schemasynth.rewrite.prepared import PreparedReference, PreparedTable

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.rows import Rows, Tables

FORMAT = 1
_FILE = "trained.json"
ALLOWED = "training.allowed"
"""Name of the figure that says how many seconds a model might be trained."""


@dataclass(frozen=True, slots=True)
class TrainedColumn:
    """A column and its way through the SDK."""

    name: str
    codec: Codec


@dataclass(frozen=True, slots=True)
class Training:
    """How long a table was trained.

    Attributes:
        seconds: of all its models.
        epochs: passes over its rows; a part of one counts as such.
        limited: the time that was allowed ended it; it would have improved further.
    """

    seconds: float
    epochs: float
    limited: bool


@dataclass(frozen=True, slots=True)
class TrainedTable:
    """A table as the generator knows it.

    Attributes:
        name: as in the frames.
        key: its key column.
        references: to other tables.
        columns: learned or constant, in order.
        schema: Arrow types of `columns`.
        rows: it was trained on; 0 for an empty table, which the SDK has not seen.
        size: to generate, without a context.
        metrics: the SDK's figures: ``accuracy.overall`` and so on, 0 to 1, not below 100 usable
            rows and without a report; ``training.seconds`` and so on.
    """

    name: str
    key: str
    references: tuple[PreparedReference, ...]
    columns: tuple[TrainedColumn, ...]
    schema: pa.Schema
    rows: int
    size: int
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def training(self) -> Training | None:
        """How long its models were trained; None where there was nothing to train."""
        seconds = self._figures(SECONDS)
        if not seconds:
            return None
        limited = any(
            self.metrics.get(f"{prefix}{DUE}", 0.0) >= self.metrics[f"{prefix}{ALLOWED}"]
            for prefix in ("", TEXT)
            if f"{prefix}{ALLOWED}" in self.metrics
        )
        return Training(sum(seconds), max(self._figures(EPOCHS), default=0.0), limited)

    def _figures(self, name: str) -> list[float]:
        """Return a figure of each of its models that has it."""
        found = (self.metrics.get(f"{prefix}{name}") for prefix in ("", TEXT))
        return [figure for figure in found if figure is not None]

    @property
    def accuracy(self) -> float | None:
        """The SDK's overall accuracy, 0 to 1; None where it measured none."""
        return self.metrics.get("accuracy.overall")

    @property
    def epsilon(self) -> float | None:
        """What differential privacy has spent on all models of the table; None without."""
        spent = self._figures(EPSILON)
        return sum(spent) if spent else None

    @property
    def context(self) -> str | None:
        """The table in whose context it is generated."""
        return next((r.table for r in self.references if r.is_context), None)


@dataclass(frozen=True, slots=True)
class TrainedGenerator:
    """A trained generator: what is needed to generate, now or in a later process.

    Attributes:
        path: its folder.
        generator_id: the SDK's; None where every table was empty.
        base_url: the server it lives on; None for this machine.
        tables: all prepared tables, in order.
        names: of those the SDK knows.
        accuracy: mean of the tables' accuracies, by the SDK; None where it measured none.
        seconds: training took.
        protected: the SDK's value protection was on.
    """

    path: Path
    generator_id: str | None
    base_url: str | None
    tables: tuple[TrainedTable, ...]
    names: tuple[TableNames, ...]
    accuracy: float | None
    seconds: float
    protected: bool

    def save(self, folder: Path) -> None:
        """Write what `load` reads, next to the SDK's files."""
        content = {
            "schemasynth_generator": FORMAT,
            "generator_id": self.generator_id,
            "base_url": self.base_url,
            "tables": [_table_json(table) for table in self.tables],
            "names": [asdict(entry) for entry in self.names],
            "accuracy": self.accuracy,
            "seconds": self.seconds,
            "protected": self.protected,
        }
        path = folder / _FILE
        path.write_text(json.dumps(content), "utf-8")
        path.chmod(0o600)

    @classmethod
    def load(cls, folder: Path) -> TrainedGenerator:
        """Read a trained generator from the folder it was trained in.

        Raises:
            SettingsError: there is none, or one of another version.
        """
        try:
            content = json.loads((folder / _FILE).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{folder} holds no trained generator; train again.") from error
        if content.get("schemasynth_generator") != FORMAT:
            raise SettingsError(f"The generator in {folder} is of another version; train again.")
        return cls(
            folder,
            content["generator_id"],
            content["base_url"],
            tuple(_table_from_json(table) for table in content["tables"]),
            tuple(
                TableNames(n["name"], n["alias"], tuple((c, a) for c, a in n["columns"]))
                for n in content["names"]
            ),
            content["accuracy"],
            content["seconds"],
            content["protected"],
        )


def train(
    tables: Sequence[PreparedTable],
    frames: Tables,
    settings: GeneratorSettings,
    workdir: Path,
    listener: Listener = silent,
) -> TrainedGenerator:
    """Train a generator with the MOSTLY AI SDK.

    Args:
        tables: parents first.
        frames: their rows, read table by table; columns of the types of `model.arrow_type`.
        settings: limits, models, where to train.
        workdir: private folder for the generator; rows in it are gone when this returns.
        listener: hears of progress.

    Returns:
        The generator, with the SDK's accuracy figures.

    Raises:
        GeneratorError: tables cannot be learned as asked, or training failed, was killed, stalled
            or took too long.
    """
    started = time.monotonic()
    fitted = tuple(_fit(table, frames[table.name]) for table in tables)
    learned = learned_tables(tables, fitted)
    emitted = emit(learned, settings, {table.name: table.rows for table in fitted})
    result: dict[str, Any] = {"generator_id": None, "accuracy": None, "tables": {}}
    with job_folder(workdir) as folder:
        if learned:
            data = write_rows(learned, fitted, frames, emitted.names, folder.job)
            job = {"kind": "train", "config": emitted.config, "data": data}
            result = run_job(job, folder, settings, emitted.names, listener)
    allowed = {table["name"]: dict(_allowed(table)) for table in emitted.config["tables"]}
    metrics = {
        entry.name: allowed[entry.alias] | result["tables"].get(entry.alias, {})
        for entry in emitted.names
    }
    return TrainedGenerator(
        workdir,
        result["generator_id"],
        settings.base_url,
        tuple(replace(table, metrics=metrics.get(table.name, {})) for table in fitted),
        emitted.names,
        result["accuracy"],
        time.monotonic() - started,
        settings.protects_values,
    )


def _allowed(table: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the seconds that each model of a configured table may be trained, by figure."""
    for prefix, model in (("", "tabular"), (TEXT, "language")):
        minutes = table.get(f"{model}_model_configuration", {}).get("max_training_time")
        if minutes is not None:
            yield f"{prefix}{ALLOWED}", 60 * minutes


def generate(
    trained: TrainedGenerator,
    settings: GeneratorSettings,
    listener: Listener = silent,
    sizes: Mapping[str, int] | None = None,
) -> dict[str, pd.DataFrame]:
    """Generate synthetic tables.

    Args:
        trained: by `train`.
        settings: seed and time limits; where it runs was decided in training.
        listener: hears of progress.
        sizes: rows of tables without a context, in place of the planned ones.

    Returns:
        A frame for each prepared table, empty ones too: key and references as text the SDK made,
        columns of the source's Arrow types.

    Raises:
        GeneratorError: generation failed, was killed, stalled or took too long.
    """
    sizes = {t.name: t.size for t in trained.tables if t.context is None} | dict(sizes or {})
    settings = replace(settings, base_url=trained.base_url)
    known = {table.name: table for table in trained.tables}
    frames: dict[str, pd.DataFrame] = {}
    with job_folder(trained.path) as folder:
        archive = folder.job / "synthetic.zip"
        if trained.generator_id is not None:
            wanted = {
                entry.alias: max(sizes[entry.name], 1)
                if known[entry.name].context is None
                else None
                for entry in trained.names
            }
            job = {
                "kind": "generate",
                "generator_id": trained.generator_id,
                "sizes": wanted,
                "seed": settings.seed,
                "archive": str(archive),
            }
            run_job(job, folder, settings, trained.names, listener)
            frames = dict(_read(archive, trained, settings.seed or 0))
    empty = {table.name: _empty(table) for table in trained.tables if table.name not in frames}
    return _without_unwanted(trained, frames | empty, sizes)


def wipe(workdir: Path) -> None:
    """Remove all rows, caches and logs a killed run may have left; keep the generator.

    Args:
        workdir: as for `train`.
    """
    JobFolder(workdir).wipe()


def _fit(table: PreparedTable, rows: Rows) -> TrainedTable:
    columns, fields = [], []
    for column in table.columns:
        values = column_array(rows, column.name)
        codec = convert.fit(values, column.encoding, f"{table.name}.{column.name}")
        columns.append(TrainedColumn(column.name, codec))
        fields.append((column.name, values.type))
    return TrainedTable(
        table.name,
        table.key,
        table.references,
        tuple(columns),
        pa.schema(fields),
        len(rows),
        table.size,
    )


def learned_tables(
    tables: Sequence[PreparedTable], fitted: Sequence[TrainedTable]
) -> tuple[PreparedTable, ...]:
    """Return the tables as the SDK gets them: no empty table, no constant column."""
    filled = {table.name for table in fitted if table.rows}
    return tuple(
        replace(
            table,
            columns=tuple(
                column
                for column, trained in zip(table.columns, trained_table.columns, strict=True)
                if trained.codec.form is not Form.CONSTANT
            ),
            references=tuple(r for r in table.references if r.table in filled),
        )
        for table, trained_table in zip(tables, fitted, strict=True)
        if table.name in filled
    )


def write_rows(
    learned: Sequence[PreparedTable],
    fitted: Sequence[TrainedTable],
    frames: Tables,
    names: Sequence[TableNames],
    folder: Path,
) -> dict[str, str]:
    """Write each table as the SDK gets it.

    Args:
        learned: from `learned_tables`.
        fitted: the same tables, with the way of their columns through the SDK.
        frames: their rows.
        names: for the SDK.
        folder: private; gets a Parquet file a table.

    Returns:
        The files, by alias.

    Raises:
        GeneratorError: a row has no context row.
    """
    codecs = {table.name: {c.name: c.codec for c in table.columns} for table in fitted}
    keys = {table.name: table.key for table in learned}
    files = {}
    for table, entry in zip(learned, names, strict=True):
        values = {name: column_array(frames[table.name], name) for name in column_names(table)}
        for reference in (r for r in table.references if r.is_context):
            parents = column_array(frames[reference.table], keys[reference.table])
            _check_context(table, reference, values[reference.column], parents)
        columns = {entry.column(table.key): values[table.key].cast(pa.string())}
        for reference in table.references:
            columns[entry.column(reference.column)] = values[reference.column].cast(pa.string())
        for column in table.columns:
            codec = codecs[table.name][column.name]
            columns[entry.column(column.name)] = convert.encode(codec, values[column.name])
        path = folder / f"{entry.alias}.parquet"
        pq.write_table(pa.table(columns), path)
        files[entry.alias] = str(path)
    return files


def _check_context(
    table: PreparedTable, reference: PreparedReference, column: Array, parents: Array
) -> None:
    """Refuse rows without a context row: the SDK drops them silently."""
    found: Any = pc.is_in(column, parents.cast(column.type))
    known = found.true_count
    if known < len(column):
        raise GeneratorError(
            f"{len(column) - known} of {len(column)} rows of {table.name} have no row of "
            f"{reference.table} as their context ({reference.column}) and would be lost; "
            "give the foreign key another treatment in the plan."
        )


def _read(
    archive: Path, trained: TrainedGenerator, seed: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Read the SDK's archive table by table."""
    known = {table.name: table for table in trained.tables}
    with zipfile.ZipFile(archive) as content:
        for entry in trained.names:
            table = known[entry.name]
            parts = sorted(
                name
                for name in content.namelist()
                if name.startswith(f"{entry.alias}/") and name.endswith(".parquet")
            )
            frames = [
                _decoded(_part(content, part), table, entry, trained.protected, seed)
                for part in parts
            ]
            yield table.name, _joined(frames) if frames else _empty(table)


def _part(content: zipfile.ZipFile, name: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(content.read(name)))


def _joined(tables: Sequence[pa.Table]) -> pd.DataFrame:
    table = pa.concat_tables(tables).combine_chunks()
    return arrow_frame(
        {name: table.column(name).combine_chunks() for name in table.column_names},
        table.num_rows,
    )


def _decoded(
    part: pa.Table, table: TrainedTable, names: TableNames, protected: bool, seed: int
) -> pa.Table:
    """Turn a part of a generated table into columns of the source's names and types."""
    aliases = dict(names.columns)

    def generated(name: str) -> Array:
        return part.column(aliases[name]).combine_chunks()

    rows = part.num_rows
    columns: dict[str, Array] = {table.key: generated(table.key).cast(pa.string())}
    for reference in table.references:
        values = generated(reference.column) if reference.column in aliases else _nothing(rows)
        columns[reference.column] = values.cast(pa.string())
    for column in table.columns:
        arrow_type = table.schema.field(column.name).type
        if column.codec.form is Form.CONSTANT:
            columns[column.name] = convert.constant(column.codec, rows, arrow_type)
            continue
        values = _without_tokens(generated(column.name), column.codec, protected, seed)
        columns[column.name] = convert.decode(column.codec, values, arrow_type)
    return pa.table(columns)


def _without_tokens(values: Array, codec: Codec, protected: bool, seed: int) -> Array:
    """Replace the SDK's tokens; an empty text, since NULL may not be allowed."""
    if codec.form is Form.TEXT:
        return convert.without_token(values.cast(pa.string()), convert.INVALID, "", seed)
    if protected and codec.form is Form.CATEGORY:
        return convert.without_token(values.cast(pa.string()), convert.RARE, None, seed)
    return values


def _empty(table: TrainedTable) -> pd.DataFrame:
    keys = [table.key, *(reference.column for reference in table.references)]
    columns: dict[str, Array] = {name: convert.nulls(0, pa.string()) for name in keys}
    columns |= {entry.name: convert.nulls(0, entry.type) for entry in table.schema}
    return arrow_frame(columns, 0)


def _without_unwanted(
    trained: TrainedGenerator, frames: Mapping[str, pd.DataFrame], sizes: Mapping[str, int]
) -> dict[str, pd.DataFrame]:
    """Empty the tables of size 0, of which the SDK must make one row, with all below them."""
    known = {table.name: table for table in trained.tables}

    def root(table: TrainedTable) -> str:
        return table.name if table.context is None else root(known[table.context])

    unwanted = {table.name for table in trained.tables if sizes[root(table)] < 1}
    result: dict[str, pd.DataFrame] = {}
    for table in trained.tables:
        frame = frames[table.name]
        if table.name in unwanted:
            result[table.name] = _empty(table)
            continue
        result[table.name] = frame.copy(deep=False)
        for reference in table.references:
            if reference.table in unwanted:
                result[table.name][reference.column] = arrow_frame(
                    {"": _nothing(len(frame))}, len(frame)
                )[""]
    return result


def _nothing(rows: int) -> Array:
    return convert.nulls(rows, pa.string())


def _table_json(table: TrainedTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "key": table.key,
        "references": [asdict(reference) for reference in table.references],
        "columns": [{"name": c.name, "codec": c.codec.to_json()} for c in table.columns],
        "schema": base64.b64encode(table.schema.serialize()).decode("ascii"),
        "rows": table.rows,
        "size": table.size,
        "metrics": dict(table.metrics),
    }


def _table_from_json(content: Mapping[str, Any]) -> TrainedTable:
    return TrainedTable(
        content["name"],
        content["key"],
        tuple(PreparedReference(**reference) for reference in content["references"]),
        tuple(
            TrainedColumn(column["name"], Codec.from_json(column["codec"]))
            for column in content["columns"]
        ),
        pa.ipc.read_schema(pa.py_buffer(base64.b64decode(content["schema"]))),
        content["rows"],
        content["size"],
        content["metrics"],
    )
