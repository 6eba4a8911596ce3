"""The private folder of a refresh: every step leaves its result there and can be resumed.

Imports errors and stored rows only; the refresh alone decides what is written and when it is
wiped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemasynth import __version__
from schemasynth.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from schemasynth.rows import StoredRows

FORMAT = 2
_MANIFEST = "manifest.json"
_FILE_NAME = "{:04d}.parquet"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a workspace.

    Attributes:
        table: the table whose rows it holds; empty for a text file.
        path: within the workspace.
        rows: number of rows.
        sha256: of its content.
    """

    table: str
    path: str
    rows: int
    sha256: str


class TableWriter:
    """Writes tables as Parquet into one folder of a workspace, each when it is there."""

    def __init__(self, folder: Path) -> None:
        """Write into a folder, which must be empty."""
        self._folder = folder
        self.files: list[StoredFile] = []

    def put(self, table: str, frame: pd.DataFrame) -> None:
        """Write a table.

        Args:
            table: its name, which may be any text: files have neutral names.
            frame: its rows.
        """
        path = self._next()
        frame.to_parquet(path)
        self._wrote(table, path, len(frame))

    def put_batches(
        self, table: str, schema: pa.Schema, *parts: Iterable[pa.RecordBatch]
    ) -> tuple[int, ...]:
        """Write a table as its rows come, holding one batch.

        Args:
            table: its name.
            schema: of the batches.
            parts: its rows, one part after another.

        Returns:
            The number of rows of each part.
        """
        import pyarrow.parquet as pq

        path = self._next()
        rows = [0] * len(parts)
        with pq.ParquetWriter(path, schema) as writer:
            for place, batches in enumerate(parts):
                for batch in batches:
                    writer.write_batch(batch)
                    rows[place] += batch.num_rows
        self._wrote(table, path, sum(rows))
        return tuple(rows)

    def _next(self) -> Path:
        path = self._folder / _FILE_NAME.format(len(self.files))
        path.touch(_PRIVATE_FILE)
        return path

    def _wrote(self, table: str, path: Path, rows: int) -> None:
        within = f"{self._folder.name}/{path.name}"
        self.files.append(StoredFile(table, within, rows, _digest(path)))


class Workspace:
    """A folder that only its owner can read.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """Open a workspace.

        Args:
            path: the folder; made if it does not exist.
            resume: continue with what is there.

        Raises:
            SettingsError: the folder holds something else, or steps of a run and `resume` is off,
                or a file that a step left is not as it left it.
        """
        self.path = path
        self._steps: dict[str, Any] = {}
        self._files: dict[str, list[StoredFile]] = {}
        manifest = path / _MANIFEST
        if manifest.exists():
            self._read(manifest, resume=resume)
        elif path.exists() and any(path.iterdir()):
            raise SettingsError(f"{path} is not empty and not a workspace; name another folder.")
        elif resume:
            raise SettingsError(f"{path} holds nothing to resume.")
        else:
            path.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
            self._write()
        path.chmod(_PRIVATE_FOLDER)

    def _read(self, manifest: Path, *, resume: bool) -> None:
        try:
            content = json.loads(manifest.read_text("utf-8"))
            known = content["schemasynth_workspace"] == FORMAT
            steps = dict(content["steps"])
            files = content["files"] if known else {}
            self._files = {name: [StoredFile(**f) for f in found] for name, found in files.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(f"{manifest} is damaged; name another folder.") from error
        if not known:
            raise SettingsError(f"{manifest} was written by another version of schemasynth.")
        if steps and not resume:
            raise SettingsError(
                f"{self.path} holds an earlier run ({', '.join(steps)} done); "
                "add --resume to continue it, or name another folder."
            )
        self._steps = steps

    def _write(self) -> None:
        content = {
            "schemasynth_workspace": FORMAT,
            "version": __version__,
            "steps": self._steps,
            "files": {name: [asdict(f) for f in files] for name, files in self._files.items()},
        }
        target = self.path / _MANIFEST
        part = target.with_suffix(".part")
        _write_private(part, json.dumps(content, indent=1))
        part.replace(target)

    def check(self) -> None:
        """Read all files that steps left.

        Raises:
            SettingsError: one is missing, or is not as its step left it.
        """
        for files in self._files.values():
            for file in files:
                path = self.path / file.path
                if not path.is_file():
                    raise SettingsError(f"{path} is missing; start again in another folder.")
                if _digest(path) != file.sha256:
                    raise SettingsError(
                        f"{path} was changed after it was written; start again in another folder."
                    )

    def __contains__(self, step: str) -> bool:
        """Tell whether a step is done."""
        return step in self._steps

    def facts(self, step: str) -> Mapping[str, Any]:
        """Return what was noted when the step was done."""
        facts: Mapping[str, Any] = self._steps[step]
        return facts

    def done(self, step: str, **facts: Any) -> None:
        """Note that a step is done, with JSON-serialisable facts."""
        finished = {"finished_at": datetime.now(UTC).isoformat(timespec="seconds")}
        self._steps[step] = facts | finished | {"version": __version__}
        self._write()

    def undo(self, step: str) -> None:
        """Forget that a step is done; its files stay until they are replaced."""
        if self._steps.pop(step, None) is not None:
            self._write()

    def write_text(self, name: str, text: str) -> None:
        """Write a text file that only its owner can read.

        Args:
            name: of the file within the workspace.
            text: its content.
        """
        _write_private(self.path / name, text)

    def folder(self, name: str) -> Path:
        """Return a private folder within, made if it does not exist."""
        path = self.path / name
        path.mkdir(exist_ok=True, mode=_PRIVATE_FOLDER)
        return path

    @contextmanager
    def writing(self, name: str) -> Iterator[TableWriter]:
        """Write tables into a folder within; they count once all are there.

        Args:
            name: the folder; what it held is removed.
        """
        self.wipe([name])
        writer = TableWriter(self.folder(name))
        yield writer
        self._files[name] = writer.files
        self._write()

    def save_frames(self, name: str, frames: Mapping[str, pd.DataFrame]) -> None:
        """Write frames as Parquet.

        Args:
            name: the folder within the workspace; what it held is replaced.
            frames: by table name.
        """
        with self.writing(name) as writer:
            for table, frame in frames.items():
                writer.put(table, frame)

    def files(self, name: str) -> tuple[StoredFile, ...]:
        """Return the files of a folder, as the manifest holds them."""
        return tuple(self._files.get(name, ()))

    def frames(self, name: str) -> dict[str, pd.DataFrame]:
        """Read all tables of a folder into memory."""
        import pandas as pd

        return {
            file.table: pd.read_parquet(self.path / file.path, dtype_backend="pyarrow")
            for file in self.files(name)
        }

    def tables(self, name: str) -> dict[str, StoredRows]:
        """Return the tables of a folder, of which nothing is read yet."""
        from schemasynth.rows import StoredRows

        return {file.table: StoredRows(self.path / file.path) for file in self.files(name)}

    def wipe(self, names: Iterable[str]) -> None:
        """Remove folders within the workspace; those that are not there are passed over."""
        known = False
        for name in names:
            shutil.rmtree(self.path / name, ignore_errors=True)
            known |= self._files.pop(name, None) is not None
        if known:
            self._write()


def _write_private(path: Path, text: str) -> None:
    path.touch(_PRIVATE_FILE)
    path.chmod(_PRIVATE_FILE)
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def digest(text: str) -> str:
    """Return the SHA-256 of a text, by which a change of it is noticed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
