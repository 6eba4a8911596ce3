"""The private folder of a refresh: every step leaves its result there and can be resumed.

Imports errors only; the API alone decides what is written and when it is wiped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemasynth.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
_MANIFEST = "manifest.json"
_FILE_NAME = "{:04d}.parquet"


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
            SettingsError: the folder holds something else, or steps of a run and `resume` is off.
        """
        self.path = path
        manifest = path / _MANIFEST
        if manifest.exists():
            self._read(manifest, resume=resume)
        elif path.exists() and any(path.iterdir()):
            raise SettingsError(f"{path} is not empty and not a workspace; name another folder.")
        elif resume:
            raise SettingsError(f"{path} holds nothing to resume.")
        else:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._steps: dict[str, Any] = {}
            self._write()
        path.chmod(0o700)

    def _read(self, manifest: Path, *, resume: bool) -> None:
        try:
            content = json.loads(manifest.read_text("utf-8"))
            known = content["schemasynth_workspace"] == FORMAT
            steps = dict(content["steps"])
        except (ValueError, KeyError, TypeError) as error:
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
        target = self.path / _MANIFEST
        part = target.with_suffix(".part")
        part.write_text(
            json.dumps({"schemasynth_workspace": FORMAT, "steps": self._steps}, indent=1), "utf-8"
        )
        part.replace(target)

    def __contains__(self, step: str) -> bool:
        """Tell whether a step is done."""
        return step in self._steps

    def facts(self, step: str) -> Mapping[str, Any]:
        """Return what was noted when the step was done."""
        facts: Mapping[str, Any] = self._steps[step]
        return facts

    def done(self, step: str, **facts: Any) -> None:
        """Note that a step is done, with JSON-serialisable facts."""
        self._steps[step] = facts
        self._write()

    def folder(self, name: str) -> Path:
        """Return a private folder within, made if it does not exist."""
        path = self.path / name
        path.mkdir(exist_ok=True, mode=0o700)
        return path

    def save_frames(self, name: str, frames: Mapping[str, pd.DataFrame]) -> None:
        """Write frames as Parquet under neutral file names.

        Args:
            name: the folder within the workspace; what it held is replaced.
            frames: by table name, which may be any text.
        """
        self.wipe([name])
        folder = self.folder(name)
        for i, frame in enumerate(frames.values()):
            frame.to_parquet(folder / _FILE_NAME.format(i))
        (folder / "tables.json").write_text(json.dumps(list(frames)), "utf-8")

    def frames(self, name: str) -> dict[str, pd.DataFrame]:
        """Read the frames of a folder written by `save_frames`."""
        return dict(self._frames(self.path / name))

    @staticmethod
    def _frames(folder: Path) -> Iterator[tuple[str, pd.DataFrame]]:
        import pandas as pd

        for i, table in enumerate(json.loads((folder / "tables.json").read_text("utf-8"))):
            yield table, pd.read_parquet(folder / _FILE_NAME.format(i), dtype_backend="pyarrow")

    def wipe(self, names: Iterable[str]) -> None:
        """Remove folders within the workspace; those that are not there are passed over."""
        for name in names:
            shutil.rmtree(self.path / name, ignore_errors=True)
