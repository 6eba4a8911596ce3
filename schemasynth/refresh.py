"""The whole way from a live database to a refreshed one, step by step, each resumable.

Called by `schemasynth.api`; imports every package below it and does nothing of their work.
"""

from __future__ import annotations

import enum
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa

from schemasynth import __version__
from schemasynth.adapter import (
    CHUNK_ROWS,
    Relations,
    Selection,
    SourceConnection,
    TargetConnection,
    adapter_for,
)
from schemasynth.audit import END, AuditFile
from schemasynth.audit import NAME as AUDIT_FILE
from schemasynth.errors import DriftError, SafetyError, SettingsError
from schemasynth.generator import (
    GeneratorSettings,
    TrainedGenerator,
    TrainedTable,
    generate,
    train,
    wipe,
)
from schemasynth.generator import measure as measure_accuracy
from schemasynth.holdout import hold_out
from schemasynth.load import (
    Finding,
    Phase,
    Severity,
    Topic,
    allowed_target,
    at_risk,
    check_apart,
    check_marker,
    check_shape,
    examine,
    measure,
    refresh_tables,
    refuse,
)
from schemasynth.model import Schema
from schemasynth.model.fingerprint import fingerprint
from schemasynth.model.serialize import dumps, loads
from schemasynth.plan import check_plan, read_plan, write_plan
from schemasynth.plan.keys import accepted_schema
from schemasynth.plan.model import ColumnTreatment, Encoding, RefreshPlan, TablePlan
from schemasynth.progress import Listener, Progress, silent
from schemasynth.reading import read_into, read_keys, read_laws
from schemasynth.report import RefreshReport, StepReport, TableReport
from schemasynth.rewrite import (
    Prepared,
    PreparedColumn,
    PreparedReference,
    PreparedTable,
    Repair,
    Source,
    prepare_each,
    restore_each,
)
from schemasynth.sampling import Sample
from schemasynth.settings import shown
from schemasynth.verify import IntegrityReport, check_integrity, require
from schemasynth.verify.measure import PrivacyReport, measure_tables
from schemasynth.verify.patterns import key_patterns, read_patterns
from schemasynth.verify.privacy import identifier_columns, identifiers_found
from schemasynth.workspace import Workspace, digest

if TYPE_CHECKING:
    pass

DEFAULT_SEED = 20240229
"""Seed of a run that names none: the same source and plan give the same choices on restore."""


class Step(enum.StrEnum):
    """The steps after which a refresh can stop and be resumed."""

    PLAN = "plan"
    TRAIN = "train"
    GENERATE = "generate"
    STAGE = "stage"


PLAN_FILE = "plan.toml"
MODEL_FILE = "model.json"
GENERATOR = "generator"
SOURCE = "source"
KEYS = "keys"
PREPARED = "prepared"
KEPT = "kept"
TRAINING = "training"
HOLDOUT = "holdout"
SYNTHETIC = "synthetic"
RESTORED = "restored"
LOADING = "load"
SWITCHED = "switch"

_OWN_VALUES = frozenset({ColumnTreatment.COMPUTED, ColumnTreatment.CONSTANT, ColumnTreatment.NULL})
"""Columns so treated get no values like those of the source."""

Planner: TypeAlias = Callable[[SourceConnection, RefreshPlan | None], tuple[Schema, RefreshPlan]]
"""Gives the schema of an open source, with accepted keys, and the plan for it if there is none."""
Confirm: TypeAlias = Callable[[str, int], bool]
"""Asked before rows are replaced, with the target's name and the number of tables."""


def unchanged(plan: RefreshPlan) -> RefreshPlan:
    """Return the plan as it is."""
    return plan


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """How a refresh runs.

    Attributes:
        max_training_time: minutes of training in all; None trains until it no longer improves.
        max_epochs: passes over the data at most, a table.
        seed: makes the run repeatable.
        base_url: a MOSTLY AI server to train on; None trains on this machine.
        workdir: where each step's result is kept; None uses a folder that is removed.
        until: stop after this step.
        resume: continue with what is in `workdir`.
        keep_source_rows: do not wipe source rows from `workdir`.
        dry_run: check, plan and stop.
        audit: where is written what was done; by default a file in `workdir`, if that is given.
        deny: patterns of names that no target may have.
    """

    max_training_time: float | None = None
    max_epochs: float | None = None
    seed: int | None = None
    base_url: str | None = None
    workdir: Path | None = None
    until: Step | None = None
    resume: bool = False
    keep_source_rows: bool = False
    dry_run: bool = False
    audit: Path | None = None
    deny: tuple[str, ...] = ()


@dataclass(slots=True)
class Refresh:
    """One run, with what it has learned so far.

    Attributes:
        source: the live database.
        target: the database to refresh.
        selection: which tables.
        planner: gives the source's schema and the plan.
        options: how.
        reviewed: a plan to be carried out; None lets the planner make one.
        adjusted: sets sizes of a plan as they were asked for.
        confirm: asked before rows are replaced; None means yes.
        listener: hears of progress.
    """

    source: sa.URL
    target: sa.URL
    selection: Selection
    planner: Planner
    options: RefreshOptions
    reviewed: RefreshPlan | None = None
    adjusted: Callable[[RefreshPlan], RefreshPlan] = unchanged
    confirm: Confirm | None = None
    listener: Listener = silent
    _seconds: dict[str, float] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)
    _findings: tuple[Finding, ...] = ()
    _audit: AuditFile | None = None

    def run(self) -> RefreshReport:
        """Run all steps, or those up to `options.until`.

        Raises:
            SchemasynthError: what its subclass says; the target is as it was.
        """
        with self._workspace() as workspace, self._audited():
            return self._run(workspace)

    @contextmanager
    def _audited(self) -> Iterator[None]:
        """Write to the audit file how the run begins and ends."""
        options = self.options
        path = options.audit or (options.workdir and options.workdir / AUDIT_FILE)
        if path is None:
            yield
            return
        self._audit = AuditFile(path, secrets.token_hex(6))
        self._audit.begin(
            source=shown(self.source),
            target=shown(self.target),
            dry_run=options.dry_run,
            resumed=options.resume,
            confirmed=self.confirm is None,
        )
        try:
            yield
        except BaseException as error:
            self._audit.note(END, outcome="failed", error=type(error).__name__)
            raise
        self._audit.note(END, outcome="done")

    def _tell(self, phase: Phase, **facts: object) -> None:
        if self._audit is not None:
            self._audit.note(phase, **facts)

    def _run(self, workspace: Workspace) -> RefreshReport:
        plan = self._planned(workspace)
        if self.options.dry_run:
            return self._report(workspace, plan, None, self._dry_outcome())
        if self.options.until is Step.PLAN:
            return self._stopped(workspace, plan)
        if Step.TRAIN not in workspace:
            self._train(workspace, plan)
        if self.options.until is Step.TRAIN:
            return self._stopped(workspace, plan)
        if Step.GENERATE not in workspace:
            self._generate(workspace, plan)
        if self.options.until is Step.GENERATE:
            return self._stopped(workspace, plan)
        if SWITCHED in workspace:
            outcome = "Refreshed by an earlier run; nothing was left to do."
            return self._report(workspace, plan, None, outcome)
        integrity = self._load(workspace, plan)
        checks = f"{len(integrity.results)} checks, 0 violations"
        if self.options.until is Step.STAGE:
            return self._report(
                workspace, plan, integrity, f"Staged and verified ({checks}), not switched."
            )
        return self._report(workspace, plan, integrity, f"Refreshed: {checks}.")

    def _dry_outcome(self) -> str:
        refused = sum(finding.severity is Severity.REFUSED for finding in self._findings)
        if refused:
            return f"Dry run: the refresh would be refused (findings: {refused}), no row changed."
        return "Dry run: all checks passed, no row changed."

    def _stopped(self, workspace: Workspace, plan: RefreshPlan) -> RefreshReport:
        outcome = f"Stopped after {self.options.until}; the target is as it was."
        return self._report(workspace, plan, None, outcome)

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
        """Remove source rows once no step needs them, and what a killed run left."""
        if GENERATOR in {path.name for path in workspace.path.iterdir()}:
            wipe(workspace.path / GENERATOR)
        if self.options.keep_source_rows:
            return
        if Step.PLAN in workspace:
            workspace.wipe([SOURCE, KEYS])
        if Step.TRAIN in workspace:
            workspace.wipe([PREPARED])
        if Step.GENERATE in workspace:
            workspace.wipe([KEPT, TRAINING, HOLDOUT])

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.monotonic()
        self.listener(Progress(step))
        yield
        self._seconds[step] = self._seconds.get(step, 0.0) + time.monotonic() - started

    @property
    def _seed(self) -> int:
        return DEFAULT_SEED if self.options.seed is None else self.options.seed

    def _planned(self, workspace: Workspace) -> RefreshPlan:
        if Step.PLAN in workspace:
            stored = self._resumed(workspace)
            if stored is not None:
                return stored
        with (
            self._open_target() as target,
            adapter_for(self.source).source(self.source) as source,
        ):
            return self._plan(workspace, source, target)

    def _open_target(self) -> AbstractContextManager[TargetConnection]:
        return allowed_target(self.target, self.options.deny, self.selection.schemas)

    def _resumed(self, workspace: Workspace) -> RefreshPlan | None:
        """Return the plan of an earlier run; None where rows must be prepared anew.

        Raises:
            SettingsError: the workspace belongs to another run, or its plan changed when it was
                too late.
            DriftError: the source changed before anything was learned.
        """
        workspace.check()
        facts = workspace.facts(Step.PLAN)
        asked: dict[str, object] = {"source": shown(self.source), "target": shown(self.target)}
        if self.options.seed is not None:
            asked["seed"] = self._seed
        for name, value in asked.items():
            if facts[name] != value:
                raise SettingsError(
                    f"{workspace.path} was begun with the {name} {facts[name]}, not {value}; "
                    "name another folder, or resume with the same."
                )
        self.options = replace(self.options, seed=facts["seed"])
        stored = read_plan((workspace.path / PLAN_FILE).read_text("utf-8"))
        wanted = self.adjusted(self.reviewed or stored)
        changed = digest(write_plan(wanted)) != facts["plan"]
        if changed and Step.TRAIN in workspace:
            raise SettingsError(
                f"The plan is not the one that {workspace.path} was trained with; put it back, or "
                "start again in another folder."
            )
        if Step.TRAIN not in workspace:
            self._check_source(facts["fingerprint"])
        if not changed:
            return wanted
        self._notes.append("The plan changed since rows were prepared; they were prepared again.")
        self.reviewed = wanted
        workspace.undo(Step.PLAN)
        return None

    def _check_source(self, before: str) -> None:
        with adapter_for(self.source).source(self.source) as source:
            if fingerprint(source.reflect(self.selection)) != before:
                raise DriftError(
                    f"The schema of {shown(self.source)} changed since its rows were prepared; "
                    "start again in another folder.",
                    (),
                )

    def _plan(
        self, workspace: Workspace, source: SourceConnection, target: TargetConnection
    ) -> RefreshPlan:
        with self._timed("plan"):
            found, made = self.planner(source, self.reviewed)
            plan = self.adjusted(made)
            check_plan(plan, found)
            schema = accepted_schema(plan, found)
            check_apart(source, target)
            self._findings = self._preflight(source, target, schema, plan)
            self._probe(source)
            self._tell_preflight(source, target, plan)
        if self.options.dry_run:
            return plan
        refuse(self._findings, shown(self.target))
        self._confirm(len(schema.tables))
        read = self._read(workspace, source, schema, plan)
        with self._timed("prepare"):
            split = hold_out(plan, read, self._seed)
            workspace.save_frames(TRAINING, split.training)
            workspace.save_frames(HOLDOUT, split.holdout)
            save_prepared(workspace, plan, split.source, self._seed)
        text = write_plan(plan)
        workspace.write_text(PLAN_FILE, text)
        workspace.write_text(MODEL_FILE, dumps(schema))
        workspace.done(
            Step.PLAN,
            source=shown(self.source),
            target=shown(self.target),
            seed=self._seed,
            plan=digest(text),
            fingerprint=fingerprint(source.reflect(self.selection)),
        )
        return plan

    def _tell_preflight(
        self, source: SourceConnection, target: TargetConnection, plan: RefreshPlan
    ) -> None:
        self._tell(Phase.PLAN, plan=digest(write_plan(plan)), seed=self._seed)
        counted = Counter(f"{f.severity} {f.topic}" for f in self._findings)
        self._tell(
            Phase.PREFLIGHT,
            source=list(source.identity().facts),
            target=list(target.identity().facts),
            findings=dict(sorted(counted.items())),
            statements=dict(target.statements()),
        )

    def _preflight(
        self, source: SourceConnection, target: TargetConnection, schema: Schema, plan: RefreshPlan
    ) -> tuple[Finding, ...]:
        """List what stands in the way; the marker is probed where the role may write there."""
        there = target.reflect(self.selection)
        found = replace(there, tables=tuple(table for table in there if table.name in schema))
        facts = target.facts(found)
        filled = {
            (t.name, c.name)
            for t in plan.tables
            for c in t.columns
            if c.treatment not in _OWN_VALUES
        }
        risks = at_risk(schema, found, filled, types_bind=facts.types_bind)
        extents = measure(source, schema, found, risks)
        rows = {table.name: table.size for table in plan.tables}
        findings = examine(schema, rows, found, facts, extents)
        if any(finding.topic is Topic.PRIVILEGE for finding in findings):
            return findings
        try:
            check_marker(source, target)
        except SafetyError as error:
            unsafe = Finding(Severity.REFUSED, Topic.SAFETY, shown(self.target), str(error))
            return (unsafe, *findings)
        return findings

    def _read(
        self, workspace: Workspace, source: SourceConnection, schema: Schema, plan: RefreshPlan
    ) -> Source:
        """Bring the rows to be learned from into the workspace, as of one moment."""
        with self._timed("read"), source.snapshot():
            sample = Sample(plan, schema, source, plan.sample_rows, self._seed)
            with workspace.writing(SOURCE) as rows:
                chosen = read_into(rows, source, schema, sample, self.listener)
            with workspace.writing(KEYS) as keys:
                read_keys(keys, source, schema, plan, sample)
            laws = read_laws(source, schema, plan, sample)
        for table in schema:
            if sample.shares[table.name] < 1:
                self._notes.append(
                    f"Learned from {chosen[str(table.name)]:,} of {table.row_count or 0:,} rows "
                    f"of {table.name}."
                )
        return Source(workspace.tables(SOURCE), chosen, workspace.tables(KEYS), laws)

    def _probe(self, source: SourceConnection) -> None:
        """Note what the role could write at the source."""
        could = source.write_privileges()
        if could:
            self._notes.append(
                f"The role at the source could write ({'; '.join(could)}); "
                "use one that can only read."
            )

    def _confirm(self, tables: int) -> None:
        if self.confirm is not None and not self.confirm(shown(self.target), tables):
            raise SafetyError(
                "Not confirmed; nothing was changed. Type the target's name on a terminal, or add "
                "--yes."
            )

    def _generator_settings(self, plan: RefreshPlan) -> GeneratorSettings:
        return GeneratorSettings(
            max_training_time=self.options.max_training_time,
            max_epochs=self.options.max_epochs,
            seed=self._seed,
            base_url=self.options.base_url,
            quality_report=self._is_measured_in_training,
            differential=plan.privacy.differential,
            text_model=plan.language_model.model,
            max_text_minutes=plan.language_model.max_minutes,
        )

    @property
    def _is_measured_in_training(self) -> bool:
        """Whether there will be no rows to measure generated ones against, or no process here."""
        return self.options.until is Step.TRAIN or self.options.base_url is not None

    def _train(self, workspace: Workspace, plan: RefreshPlan) -> None:
        prepared = load_prepared(workspace)
        workspace.wipe([GENERATOR])
        folder = workspace.folder(GENERATOR)
        settings = self._generator_settings(plan)
        with self._timed("train"):
            trained = train(prepared.tables, prepared.frames, settings, folder, self.listener)
        trained.save(folder)
        workspace.done(Step.TRAIN)

    def _generate(self, workspace: Workspace, plan: RefreshPlan) -> None:
        trained = TrainedGenerator.load(workspace.folder(GENERATOR))
        with self._timed("generate"):
            synthetic = generate(trained, self._generator_settings(plan), self.listener)
        workspace.save_frames(SYNTHETIC, synthetic)
        prepared = load_prepared(workspace)
        if prepared.frames and not self._is_measured_in_training:
            with self._timed("measure accuracy"):
                rows = workspace.tables(SYNTHETIC)
                settings = self._generator_settings(plan)
                measure_accuracy(
                    trained, prepared.tables, prepared.frames, rows, settings, self.listener
                ).save(workspace.folder(GENERATOR))
        with self._timed("restore"):
            repairs = [asdict(r) for r in save_restored(workspace, plan, self._seed)]
        with self._timed("measure privacy"):
            measured = measure_privacy(workspace, plan, self._seed)
        spent = tuple((t.name, t.epsilon) for t in trained.tables if t.epsilon is not None)
        privacy = replace(measured, differential=plan.privacy.differential, spent=spent)
        with self._timed("measure patterns"):
            source, restored = workspace.tables(SOURCE), workspace.tables(RESTORED)
            patterns = [asdict(p) for p in key_patterns(plan, source, restored, self._seed)]
        workspace.done(
            Step.GENERATE,
            repairs=repairs,
            generated={name: len(frame) for name, frame in synthetic.items()},
            privacy=asdict(privacy),
            patterns=patterns,
        )

    def _load(self, workspace: Workspace, plan: RefreshPlan) -> IntegrityReport:
        rows = workspace.tables(RESTORED)
        digests = {file.table: file.sha256 for file in workspace.files(RESTORED)}
        resumable = self.options.workdir is not None
        reports: list[IntegrityReport] = []

        def prove(staged: Relations) -> None:
            reports.append(check_integrity(staged, schema, self.listener))
            require(reports[0])

        with self._timed("load"), self._open_target() as target:
            if target.marker() is None:
                raise SafetyError(f"The target {shown(self.target)} lost its marker meanwhile.")
            found = target.reflect(self.selection)
            check_shape(target, loads((workspace.path / MODEL_FILE).read_text("utf-8")), found)
            schema = accepted_schema(plan, found)
            refresh_tables(
                target,
                schema,
                {table.name: rows[str(table.name)].batches(CHUNK_ROWS) for table in schema},
                run_id=self._run_id(workspace),
                parts={t.name: digests[str(t.name)] for t in schema} if resumable else None,
                verify=prove,
                switch=self.options.until is not Step.STAGE,
                listener=self.listener,
                tell=self._tell,
            )
        if self.options.until is not Step.STAGE:
            workspace.done(SWITCHED)
        return reports[0]

    @staticmethod
    def _run_id(workspace: Workspace) -> str:
        """Return the name of the load, the same when it is resumed."""
        if LOADING not in workspace:
            workspace.done(LOADING, run_id=secrets.token_hex(6))
        return str(workspace.facts(LOADING)["run_id"])

    def _report(
        self,
        workspace: Workspace,
        plan: RefreshPlan,
        integrity: IntegrityReport | None,
        outcome: str,
    ) -> RefreshReport:
        facts = workspace.facts(Step.GENERATE) if Step.GENERATE in workspace else {}
        trained = (
            {t.name: t for t in TrainedGenerator.load(workspace.folder(GENERATOR)).tables}
            if Step.TRAIN in workspace
            else {}
        )
        restored = {file.table: file.rows for file in workspace.files(RESTORED)}
        generated: Mapping[str, int] = {**facts.get("generated", {}), **restored}
        return RefreshReport(
            source=shown(self.source),
            target=shown(self.target),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=__version__,
            outcome=outcome,
            tables=tuple(
                _table_report(table, generated.get(str(table.name)), trained.get(str(table.name)))
                for table in plan.tables
            ),
            steps=tuple(StepReport(name, round(s, 3)) for name, s in self._seconds.items()),
            repairs=tuple(Repair(**repair) for repair in facts.get("repairs", ())),
            integrity=integrity,
            notes=(*self._notes, *plan.notes),
            findings=self._findings,
            dry_run=self.options.dry_run,
            privacy=PrivacyReport.read(facts["privacy"]) if facts else None,
            patterns=read_patterns(facts.get("patterns", ())),
        )


def _table_report(table: TablePlan, rows: int | None, trained: TrainedTable | None) -> TableReport:
    context = table.context
    return TableReport(
        name=str(table.name),
        role=str(table.role),
        context=str(context.referred) if context else "",
        reason=f"{table.reason}; {context.reason}" if context else table.reason,
        source_rows=table.rows,
        planned_rows=table.size,
        rows=rows,
        accuracy=trained.accuracy if trained else None,
        is_entity=table.is_entity,
        training=trained.training if trained else None,
    )


def save_prepared(workspace: Workspace, plan: RefreshPlan, source: Source, seed: int) -> None:
    """Prepare source rows and write each table to the workspace when it is ready.

    Args:
        workspace: gets the folders ``prepared`` and ``kept``.
        plan: what was decided.
        source: what was read of it.
        seed: of the run.
    """
    with workspace.writing(PREPARED) as prepared, workspace.writing(KEPT) as kept:
        tables = prepare_each(plan, source, seed, prepared.put, kept.put)
    workspace.done("prepare", tables=[asdict(table) for table in tables])


def load_prepared(workspace: Workspace) -> Prepared:
    """Return what `save_prepared` wrote; rows stay in their files."""
    tables = tuple(
        PreparedTable(
            name=fact["name"],
            key=fact["key"],
            columns=tuple(
                PreparedColumn(c["name"], Encoding(c["encoding"])) for c in fact["columns"]
            ),
            references=tuple(PreparedReference(**r) for r in fact["references"]),
            size=fact["size"],
        )
        for fact in workspace.facts("prepare")["tables"]
    )
    return Prepared(tables, workspace.tables(PREPARED))


def save_restored(workspace: Workspace, plan: RefreshPlan, seed: int) -> tuple[Repair, ...]:
    """Restore synthetic rows and write each table to the workspace when it is ready.

    Args:
        workspace: holds the folders ``synthetic`` and ``kept``, gets ``restored``.
        plan: the one that prepared.
        seed: of the run.

    Returns:
        What had to be changed.
    """
    synthetic, kept = workspace.tables(SYNTHETIC), workspace.frames(KEPT)
    with workspace.writing(RESTORED) as restored:
        return restore_each(plan, synthetic, kept, seed, restored.put)


def measure_privacy(workspace: Workspace, plan: RefreshPlan, seed: int) -> PrivacyReport:
    """Hold restored rows against the source's: those that were learned, and those held out.

    Args:
        workspace: holds the folders ``training``, ``holdout`` and ``restored``; ``source`` too,
            unless it was wiped.
        plan: what was decided.
        seed: of the run.
    """
    source, restored = workspace.tables(SOURCE), workspace.tables(RESTORED)
    training, holdout = workspace.tables(TRAINING), workspace.tables(HOLDOUT)
    return PrivacyReport(
        measure_tables(plan, training, holdout, restored, seed),
        identifiers_found(plan, source, restored),
        identifier_columns(plan) if source else None,
    )
