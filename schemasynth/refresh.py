"""The whole way from a live database to a refreshed one, step by step, each resumable.

Called by `schemasynth.api`; imports every package below it and does nothing of their work.
"""

from __future__ import annotations

import enum
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.adapter import CHUNK_ROWS, Selection, adapter_for
from schemasynth.errors import PlanError, SafetyError, SettingsError
from schemasynth.model import Schema
from schemasynth.plan.model import Encoding, RefreshPlan, Role
from schemasynth.progress import Listener, Progress, silent
from schemasynth.settings import shown
from schemasynth.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import sqlalchemy as sa

    from schemasynth.generator import GeneratorSettings, TrainedGenerator
    from schemasynth.report.model import RefreshReport
    from schemasynth.rewrite.prepared import Prepared, Repair
    from schemasynth.verify import IntegrityReport

SOURCE_ROWS = ("prepared", "kept")
"""Folders of the workspace that hold rows or key values of the source."""
DEFAULT_SEED = 20240229
"""Seed of a run that names none: the same source and plan give the same choices on restore."""


class Step(enum.StrEnum):
    """The steps after which a refresh can stop and be resumed."""

    PLAN = "plan"
    TRAIN = "train"
    GENERATE = "generate"
    STAGE = "stage"


Confirm: TypeAlias = Callable[[str, int], bool]
"""Asked before rows are replaced, with the target's name and the number of tables."""


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """How a refresh runs.

    Attributes:
        scale: rows by rows of the source; None takes the plan's.
        max_training_time: minutes of training in all; None trains until it no longer improves.
        max_epochs: passes over the data at most, a table.
        seed: makes the run repeatable.
        base_url: a MOSTLY AI server to train on; None trains on this machine.
        workdir: where each step's result is kept; None uses a folder that is removed.
        until: stop after this step.
        resume: continue with what is in `workdir`.
        keep_source_rows: do not wipe source rows from `workdir`.
        dry_run: check, plan and stop.
    """

    scale: float | None = None
    max_training_time: float | None = None
    max_epochs: float | None = None
    seed: int | None = None
    base_url: str | None = None
    workdir: Path | None = None
    until: Step | None = None
    resume: bool = False
    keep_source_rows: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Refresh:
    """One run, with what it has learned so far.

    Attributes:
        source: the live database.
        target: the database to refresh.
        selection: which tables.
        given: a reviewed plan; None makes one.
        options: how.
        confirm: asked before rows are replaced; None means yes.
        listener: hears of progress.
    """

    source: sa.URL
    target: sa.URL
    selection: Selection
    given: RefreshPlan | None
    options: RefreshOptions
    confirm: Confirm | None = None
    listener: Listener = silent
    _seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> RefreshReport:
        """Run all steps, or those up to `options.until`.

        Raises:
            SchemasynthError: what its subclass says; the target is as it was.
        """
        with self._workspace() as workspace:
            return self._run(workspace)

    def _run(self, workspace: Workspace) -> RefreshReport:
        plan, schema = self._planned(workspace)
        if self.options.dry_run or self.options.until is Step.PLAN:
            return self._report(workspace, plan, schema)
        if "train" not in workspace:
            self._train(workspace)
        if self.options.until is Step.TRAIN:
            return self._report(workspace, plan, schema)
        if "generate" not in workspace:
            self._generate(workspace, plan)
        if self.options.until is Step.GENERATE:
            return self._report(workspace, plan, schema)
        report = self._load(workspace, plan)
        return self._report(workspace, plan, schema, report)

    @contextmanager
    def _workspace(self) -> Iterator[Workspace]:
        if self.options.workdir is None:
            with tempfile.TemporaryDirectory(prefix="schemasynth-") as folder:
                yield Workspace(Path(folder))
            return
        workspace = Workspace(self.options.workdir, resume=self.options.resume)
        try:
            yield workspace
        finally:
            self._wipe(workspace)

    def _wipe(self, workspace: Workspace) -> None:
        from schemasynth.generator import wipe

        wipe(workspace.folder("generator"))
        resumable = "restore" not in workspace and "plan" in workspace
        if not self.options.keep_source_rows and not resumable:
            workspace.wipe(SOURCE_ROWS)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.monotonic()
        self.listener(Progress(step))
        yield
        self._seconds[step] = self._seconds.get(step, 0.0) + time.monotonic() - started

    @property
    def _seed(self) -> int:
        return DEFAULT_SEED if self.options.seed is None else self.options.seed

    def _planned(self, workspace: Workspace) -> tuple[RefreshPlan, Schema]:
        from schemasynth.model.serialize import loads
        from schemasynth.plan.file import read_plan

        if "plan" in workspace:
            plan = read_plan((workspace.path / "plan.toml").read_text("utf-8"))
            return plan, loads((workspace.path / "model.json").read_text("utf-8"))
        with (
            adapter_for(self.source).source(self.source) as source,
            adapter_for(self.target).target(self.target) as target,
        ):
            return self._plan(workspace, source, target)

    def _plan(
        self, workspace: Workspace, source: SourceConnection, target: TargetConnection
    ) -> tuple[RefreshPlan, Schema]:
        from schemasynth.load import check_target
        from schemasynth.model.serialize import dumps
        from schemasynth.plan.check import check_plan
        from schemasynth.plan.file import write_plan
        from schemasynth.plan.keys import accepted_schema

        with self._timed("plan"):
            found = described(source, self.selection, infer=self.given is None, listener=self.listener)
            plan = self.given or planned(source, found, self.options.scale or 1.0)
            check_plan(plan, found)
            schema = accepted_schema(plan, found)
            check_target(source, target, schema, self.selection)
        if self.options.dry_run:
            return plan, schema
        self._confirm(len(schema.tables))
        with self._timed("read"):
            frames = read_frames(source, schema, listener=self.listener)
        with self._timed("prepare"):
            save_prepared(workspace, prepare(plan, frames, self._seed))
        (workspace.path / "plan.toml").write_text(write_plan(plan), "utf-8")
        (workspace.path / "model.json").write_text(dumps(schema), "utf-8")
        workspace.done("plan")
        return plan, schema

    def _confirm(self, tables: int) -> None:
        if self.confirm is not None and not self.confirm(shown(self.target), tables):
            raise SafetyError("Not confirmed; nothing was changed.")

    @property
    def _generator_settings(self) -> GeneratorSettings:
        from schemasynth.generator import GeneratorSettings

        return GeneratorSettings(
            max_training_time=self.options.max_training_time,
            max_epochs=self.options.max_epochs,
            seed=self._seed,
            base_url=self.options.base_url,
        )

    def _train(self, workspace: Workspace) -> None:
        from schemasynth.generator import train

        prepared = load_prepared(workspace)
        with self._timed("train"):
            trained = train(
                prepared.tables,
                prepared.frames,
                self._generator_settings,
                workspace.folder("generator"),
                self.listener,
            )
        trained.save(workspace.folder("generator"))
        workspace.done("train")

    def _generate(self, workspace: Workspace, plan: RefreshPlan) -> None:
        from schemasynth.generator import TrainedGenerator, generate

        trained = TrainedGenerator.load(workspace.folder("generator"))
        with self._timed("generate"):
            synthetic = generate(trained, self._generator_settings, self.listener)
        workspace.save_frames("synthetic", synthetic)
        with self._timed("restore"):
            restored = restore(plan, synthetic, workspace.frames("kept"), self._seed)
        workspace.save_frames("restored", restored.frames)
        workspace.done("generate", repairs=[asdict(repair) for repair in restored.repairs])

    def _load(self, workspace: Workspace, plan: RefreshPlan) -> IntegrityReport:
        from schemasynth.load import refresh_tables
        from schemasynth.plan.keys import accepted_schema
        from schemasynth.verify import check_integrity

        frames = workspace.frames("restored")
        with self._timed("load"), adapter_for(self.target).target(self.target) as target:
            schema = accepted_schema(plan, target.reflect(self.selection))
            reports: list[IntegrityReport] = []
            refresh_tables(
                target,
                schema,
                {table.name: batches(frames[str(table.name)]) for table in schema},
                run_id=secrets.token_hex(8),
                verify=lambda staged: reports.append(check_integrity(staged, schema)),
                switch=self.options.until is not Step.STAGE,
                listener=self.listener,
            )
        workspace.done("restore")
        return reports[0]
