"""One function per capability; the command line and users call these.

Imports every package lazily, so that importing it stays cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from schemasynth.adapter import Purpose, Selection, adapter_for, count_rows, require_privileges
from schemasynth.errors import AdapterError, ReflectionError, SettingsError
from schemasynth.model import Schema
from schemasynth.progress import Listener, silent
from schemasynth.settings import database_url, shown

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.adapter import Marker, Need, SourceConnection, TargetConnection
    from schemasynth.audit import Audit
    from schemasynth.create import Created
    from schemasynth.infer import Answers, Collecting
    from schemasynth.model.privacy import Privacy
    from schemasynth.plan.model import RefreshPlan
    from schemasynth.refresh import Confirm, RefreshOptions
    from schemasynth.report.model import RefreshReport
    from schemasynth.verify import IntegrityReport

EVERYTHING = Selection()


def introspect(
    source: str,
    selection: Selection = EVERYTHING,
    *,
    infer: bool = True,
    answers: Answers | None = None,
    collecting: Collecting | None = None,
    listener: Listener = silent,
) -> Schema:
    """Return the relational model of a database, with the keys nobody declared.

    Args:
        source: a SQLAlchemy URL or the path of a SQLite file; only read.
        selection: which tables.
        infer: infer primary keys, foreign keys and implicit entities that are not declared.
        answers: which keys hold and which do not; they bind inference.
        collecting: where values are compared, and of how many rows; all rows by default.
        listener: hears of progress.

    Raises:
        AdapterError: the database cannot be reached.
        ReflectionError: it has no such tables.
        SettingsError: an answer names nothing, or contradicts another one or the data; or the
            database is to compare values itself and cannot.
    """
    url = database_url(source)
    with adapter_for(url).source(url) as connection:
        schema = described(
            connection,
            selection,
            infer=infer,
            answers=answers,
            collecting=collecting,
            listener=listener,
        )
        return _with_rules(connection, schema, answers, listener)[0] if infer else schema


def described(
    source: SourceConnection,
    selection: Selection,
    *,
    infer: bool,
    answers: Answers | None = None,
    collecting: Collecting | None = None,
    listener: Listener = silent,
) -> Schema:
    """Return the model of an open source; as `introspect`."""
    schema = source.reflect(selection)
    if not schema.tables:
        raise ReflectionError(
            f"No tables were found in {shown(source.url)}; check --schema, --include and --exclude."
        )
    require_privileges(source.needs(schema, Purpose.SOURCE), shown(source.url))
    if not infer:
        return count_rows(source, schema)
    from schemasynth.infer import NO_ANSWERS, Collecting, answers_for, evidence_of, infer_keys

    answers = answers_for(schema, answers or NO_ANSWERS, selection.means).about_keys
    collecting = collecting or Collecting()
    if collecting.sample_rows is not None:
        schema = count_rows(source, schema)
    with evidence_of(source, schema, listener, collecting) as evidence:
        if collecting.sample_rows is None:
            schema = evidence.counted(schema)
        return infer_keys(schema, evidence, answers=answers)


def _with_rules(
    source: SourceConnection, schema: Schema, answers: Answers | None, listener: Listener
) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return a schema with the rules that a sample of its rows keeps to, and the sample."""
    from schemasynth.infer import NO_ANSWERS
    from schemasynth.infer.rules import discover_rules, rules_under
    from schemasynth.reading import SAMPLE_ROWS, read_frames

    samples = read_frames(source, schema, limit=SAMPLE_ROWS, listener=listener)
    found = discover_rules(schema, samples)
    rules = rules_under(found, schema, answers or NO_ANSWERS)
    return replace(schema, rules=rules), samples


def render(schema: Schema, form: str = "summary") -> str:
    """Return a schema as a document.

    Args:
        schema: from `introspect`.
        form: ``summary``, ``json``, ``markdown`` or ``mermaid``.

    Raises:
        SettingsError: another form is asked for.
    """
    from schemasynth.document import markdown, mermaid, summary
    from schemasynth.model.serialize import dumps

    forms = {"summary": summary, "json": dumps, "markdown": markdown, "mermaid": mermaid}
    if form not in forms:
        raise SettingsError(f"There is no format {form!r}; choose {', '.join(forms)}.")
    return forms[form](schema)


def plan(
    source: str,
    selection: Selection = EVERYTHING,
    *,
    scale: float | None = None,
    sizes: Mapping[str, int] | None = None,
    sample_rows: int | None = None,
    answers: Answers | None = None,
    privacy: Privacy | None = None,
    listener: Listener = silent,
) -> RefreshPlan:
    """Return what a refresh would do, and why.

    Args:
        source: a SQLAlchemy URL, the path of a SQLite file, or of a model saved as JSON; of a
            model the plan knows keys and types, but no values.
        selection: which tables.
        scale: planned rows by rows of the source; 1 by default.
        sizes: planned rows of some tables; what is linked to one of them follows it.
        sample_rows: rows to be read, about, of the largest table of each subject; by default
            `sampling.DEFAULT_SAMPLE_ROWS`.
        answers: as in `introspect`; of a model, a key that holds is added, one that does not is
            taken out, and nothing is inferred anew.
        privacy: what is done beyond single columns; the default of `Privacy` where None.
        listener: hears of progress.

    Raises:
        SchemasynthError: as `introspect`.
    """
    from schemasynth.plan import check_plan, resized
    from schemasynth.sampling import DEFAULT_SAMPLE_ROWS

    if source.endswith(".json"):
        made = _plan_of_model(Path(source), selection, answers)
    else:
        url = database_url(source)
        with adapter_for(url).source(url) as connection:
            made = _planned(connection, selection, answers, listener)[1]
    made = _sampled(resized(made, scale, sizes), sample_rows or DEFAULT_SAMPLE_ROWS)
    made = _private(made, privacy)
    check_plan(made)
    return made


def _sampled(plan: RefreshPlan, sample_rows: int | None) -> RefreshPlan:
    return plan if sample_rows is None else replace(plan, sample_rows=sample_rows)


def _private(plan: RefreshPlan, privacy: Privacy | None) -> RefreshPlan:
    return plan if privacy is None else replace(plan, privacy=privacy)


def _model(path: Path, selection: Selection = EVERYTHING) -> Schema:
    """Read a saved model, and take the tables that are meant."""
    from schemasynth.model.merge import check_references
    from schemasynth.model.serialize import loads

    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not a UTF-8 text file.") from error
    schema = loads(text)
    check_references(schema)
    return replace(schema, tables=tuple(t for t in schema if selection.means(t.name)))


def _plan_of_model(path: Path, selection: Selection, answers: Answers | None) -> RefreshPlan:
    from schemasynth.infer import NO_ANSWERS, answers_for, with_answers
    from schemasynth.infer.rules import rules_under
    from schemasynth.plan import make_plan

    schema = _model(path)
    known = answers_for(schema, answers or NO_ANSWERS, selection.means)
    schema = with_answers(schema, known.about_keys)
    schema = replace(schema, rules=rules_under(schema.rules, schema, known))
    told = (answers or NO_ANSWERS).about(selection.means)
    return make_plan(schema, {}, source=schema.name, answers=told)


def _planned(
    source: SourceConnection,
    selection: Selection,
    answers: Answers | None,
    listener: Listener,
) -> tuple[Schema, RefreshPlan]:
    from schemasynth.infer import NO_ANSWERS
    from schemasynth.plan import make_plan
    from schemasynth.reading import PLANNING_SEED, SAMPLE_ROWS, read_sample
    from schemasynth.sampling import Sample

    schema = described(source, selection, infer=True, answers=answers, listener=listener)
    schema, samples = _with_rules(source, schema, answers, listener)
    told = (answers or NO_ANSWERS).about(selection.means)

    def made_of(samples: Mapping[str, pd.DataFrame]) -> RefreshPlan:
        return make_plan(schema, samples, source=shown(source.url), answers=told)

    made = made_of(samples)
    if any((table.row_count or 0) > SAMPLE_ROWS for table in schema):
        with source.snapshot():
            sample = Sample(made, schema, source, SAMPLE_ROWS, PLANNING_SEED)
            samples = read_sample(source, schema, sample, listener)
        made = made_of(samples)
    return schema, made


def preview(plan: RefreshPlan) -> str:
    """Return what a plan does to ten made-up rows of each table, as text; no source is read.

    Args:
        plan: what was decided, perhaps edited.

    Raises:
        PlanError: the plan cannot work.
    """
    from schemasynth.document.preview import preview_text
    from schemasynth.plan import check_plan
    from schemasynth.preview import preview as tried

    check_plan(plan)
    return preview_text(plan, tried(plan))


def config(plan: RefreshPlan, form: str = "json") -> str:
    """Return the MOSTLY AI generator configuration of a plan.

    Args:
        plan: what was decided.
        form: ``json``, or ``python`` for a script.

    Raises:
        PlanError: the plan cannot work.
    """
    from schemasynth.generator import GeneratorSettings, config_json, config_python
    from schemasynth.plan import check_plan
    from schemasynth.rewrite import outline

    check_plan(plan)
    write = config_python if form == "python" else config_json
    settings = GeneratorSettings(
        differential=plan.privacy.differential,
        text_model=plan.language_model.model,
        max_text_minutes=plan.language_model.max_minutes,
    )
    return write(outline(plan), settings)


def grants(
    database: str,
    selection: Selection = EVERYTHING,
    *,
    purpose: Purpose = Purpose.SOURCE,
    role: str | None = None,
) -> tuple[Need, ...]:
    """Return what a role must be allowed on a database, and no more.

    Args:
        database: a SQLAlchemy URL or the path of a SQLite file; only read.
        selection: which tables.
        purpose: what the role is for.
        role: its name; by default that of the URL.

    Returns:
        Nothing where the database has no roles.

    Raises:
        AdapterError: it cannot be reached, or its adapter does not know what it grants.
        ReflectionError: it has no such tables.
    """
    url = database_url(database)
    with adapter_for(url).source(url) as connection:
        schema = connection.reflect(selection)
        if not schema.tables:
            raise ReflectionError(f"No tables were found in {shown(url)}.")
        needs = connection.needs(schema, purpose, role)
    if needs is None:
        raise AdapterError(
            f"What {url.get_backend_name()} grants is not known here. A source must read its "
            "tables; a target must also insert and delete rows, and create one table."
        )
    return needs


def init_target(
    target: str, environment: str = "pre-production", *, deny: Sequence[str] = ()
) -> Marker:
    """Mark a database as refreshable; keeps a marker that is there.

    Args:
        target: a SQLAlchemy URL or the path of a SQLite file.
        environment: what people call it.
        deny: patterns of names that no target may have.

    Raises:
        SafetyError: a pattern matches a name of it.
        AdapterError: it cannot be reached, or the role may not create the marker's table.
    """
    from schemasynth.load import allowed_target

    with allowed_target(database_url(target), deny) as connection:
        return connection.write_marker(environment)


def create_target(
    source: str,
    target: str,
    selection: Selection = EVERYTHING,
    *,
    dry_run: bool = False,
    deny: Sequence[str] = (),
) -> Created:
    """Build the empty schema of a source in a target of the same kind or of another one.

    Args:
        source: a SQLAlchemy URL, the path of a SQLite file, or of a model saved as JSON, whose
            inferred keys become declared ones; only read.
        target: an empty database.
        selection: which tables.
        dry_run: build nothing.
        deny: patterns of names that no target may have.

    Returns:
        The statements, and what was left out or changed.

    Raises:
        SafetyError: the target has tables, or a pattern matches a name of it.
        DriftError: something of the schema has no home there; nothing was changed.
        AdapterError: a database cannot be reached, or the target refused a statement.
    """
    from schemasynth.create import (
        UNKNOWN,
        Created,
        build,
        draft,
        home_of,
        missing_schemas,
        refuse_homeless,
        statements,
        values_of,
    )
    from schemasynth.load import allowed_target

    url = database_url(target)
    capabilities = adapter_for(url).capabilities
    with allowed_target(url, deny, selection.schemas) as there:
        if source.endswith(".json"):
            schema = _model(Path(source), selection)
            home = home_of(there, capabilities, schema.dialect)
            missing, values = missing_schemas(there, schema), UNKNOWN
        else:
            from_ = database_url(source)
            with adapter_for(from_).source(from_) as here:
                schema = here.reflect(selection)
                if not schema.tables:
                    raise ReflectionError(
                        f"No tables were found in {shown(from_)}; check --schema, --include and "
                        "--exclude."
                    )
                require_privileges(here.needs(schema, Purpose.SOURCE), shown(from_))
                home = home_of(there, capabilities, schema.dialect)
                missing = missing_schemas(there, schema)
                values = values_of(here, schema, home)
        drafted = draft(schema, home, values, missing)
        refuse_homeless(drafted.findings, url)
        sql = statements(drafted, there.dialect)
        if not dry_run:
            build(drafted, there)
    return Created(len(schema.tables), sql, drafted.findings)


def refresh(
    source: str,
    target: str,
    selection: Selection = EVERYTHING,
    *,
    plan: RefreshPlan | None = None,
    scale: float | None = None,
    sizes: Mapping[str, int] | None = None,
    sample_rows: int | None = None,
    answers: Answers | None = None,
    privacy: Privacy | None = None,
    options: RefreshOptions | None = None,
    confirm: Confirm | None = None,
    listener: Listener = silent,
) -> RefreshReport:
    """Replace the rows of a target by synthetic ones that follow the patterns of a source.

    Args:
        source: a SQLAlchemy URL or the path of a SQLite file; only read.
        target: a marked database with the same tables.
        selection: which tables.
        plan: a reviewed plan; by default one is made.
        scale: planned rows by rows of the source, also in place of the plan's sizes.
        sizes: planned rows of some tables, also in place of the plan's.
        sample_rows: as in `plan`, also in place of the plan's.
        answers: as in `introspect`, where a plan is made.
        privacy: as in `plan`, where a plan is made.
        options: how the refresh runs.
        confirm: asked before the target's rows are replaced; by default it is not asked.
        listener: hears of progress.

    Raises:
        SafetyError: the target must not be refreshed.
        DriftError: it has not the shape of the source.
        GeneratorError: training or generation failed.
        IntegrityError: what was staged violates a key.
        LoadError: the target refused rows. In every case the target is as it was.
    """
    from schemasynth.plan import resized
    from schemasynth.refresh import Refresh, RefreshOptions
    from schemasynth.sampling import DEFAULT_SAMPLE_ROWS

    def planner(
        connection: SourceConnection, reviewed: RefreshPlan | None
    ) -> tuple[Schema, RefreshPlan]:
        if reviewed is not None:
            return described(connection, selection, infer=False, listener=listener), reviewed
        schema, made = _planned(connection, selection, answers, listener)
        return schema, _private(_sampled(made, DEFAULT_SAMPLE_ROWS), privacy)

    def adjusted(made: RefreshPlan) -> RefreshPlan:
        return _sampled(resized(made, scale, sizes), sample_rows)

    return Refresh(
        database_url(source),
        database_url(target),
        selection,
        planner,
        options or RefreshOptions(),
        plan,
        adjusted,
        confirm,
        listener,
    ).run()


def recover(target: str, *, audit: Path | None = None, deny: Sequence[str] = ()) -> Sequence[str]:
    """Remove what an interrupted refresh left in a target.

    Args:
        target: a SQLAlchemy URL or the path of a SQLite file.
        audit: a file to which is added what was done.
        deny: patterns of names that no target may have.

    Returns:
        One line for each thing that was done.
    """
    from schemasynth.load import allowed_target

    with allowed_target(database_url(target), deny) as connection:
        done = connection.recover()
        if audit is not None:
            _note_recovery(audit, connection, len(done))
    return done


def _note_recovery(path: Path, target: TargetConnection, done: int) -> None:
    from secrets import token_hex

    from schemasynth.audit import END, AuditFile

    file = AuditFile(path, token_hex(6))
    file.begin(target=shown(target.url))
    file.note("recovered", things=done, statements=dict(target.statements()))
    file.note(END, outcome="done")


def audit(path: Path, head: str | None = None) -> Audit:
    """Check that an audit file is as it was written.

    Args:
        path: the file.
        head: the hash of a line that somebody kept elsewhere.

    Raises:
        SettingsError: it cannot be read.
    """
    from schemasynth.audit import verify_audit

    return verify_audit(path, head)


def verify(
    target: str,
    selection: Selection = EVERYTHING,
    *,
    model: Schema | None = None,
    listener: Listener = silent,
) -> IntegrityReport:
    """Prove by queries that the keys of a database hold.

    Args:
        target: a SQLAlchemy URL or the path of a SQLite file; only read.
        selection: which tables.
        model: a schema whose keys are proven too, for example with inferred ones.
        listener: hears of progress.

    Raises:
        AdapterError: the database cannot be reached.
        DriftError: it lacks a table of the model.
    """
    from schemasynth.model.merge import check_references, with_keys
    from schemasynth.verify import check_integrity

    url = database_url(target)
    with adapter_for(url).source(url) as connection:
        schema = connection.reflect(selection)
        if not schema.tables:
            raise ReflectionError(f"No tables were found in {shown(url)}.")
        if model is not None:
            check_references(model)
            schema = with_keys(schema, model)
        return check_integrity(connection, schema, listener)


def integrity_table(report: IntegrityReport) -> str:
    """Return an integrity report as a plain table for a terminal."""
    lines = [
        f"{'ok  ' if result.violations == 0 else 'FAIL'}  {result.name}  ({result.origin})"
        + (f"  {result.violations:,} of {result.rows:,} rows" if result.violations else "")
        for result in report.results
    ]
    total = sum(report.violations.values())
    return "\n".join([*lines, "", f"{len(report.results)} checks, {total:,} violations"])


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Where the demo's files lie, and what it did."""

    folder: Path
    report: RefreshReport
    source_figures: Mapping[str, float]
    synthetic_figures: Mapping[str, float]


DEMO_MINUTES = 2.0
"""Training time of the demo: it ends within six minutes on two cores."""


def demo(
    folder: Path | None = None, *, people: int = 2000, listener: Listener = silent
) -> DemoResult:
    """Run the whole way on made-up data.

    Args:
        folder: a new folder; by default one in the working directory.
        people: rows of the demo's largest table of subjects.
        listener: hears of progress.

    Raises:
        SettingsError: the folder is not empty.
    """
    from schemasynth.demo import planted_figures, write_source, write_target
    from schemasynth.refresh import RefreshOptions
    from schemasynth.report import write_report

    folder = Path("schemasynth-demo") if folder is None else folder
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty; name another folder with --workdir.")
    folder.mkdir(parents=True, exist_ok=True)
    source, target = folder / "live.sqlite", folder / "preproduction.sqlite"
    write_source(source, people)
    write_target(target)
    init_target(str(target))
    options = RefreshOptions(max_training_time=DEMO_MINUTES, workdir=folder / "work")
    report = refresh(str(source), str(target), options=options, listener=listener)
    write_report(report, folder / "report")
    return DemoResult(folder, report, planted_figures(source), planted_figures(target))


def demo_table(result: DemoResult) -> str:
    """Return what the demo did as plain text for a terminal."""
    from schemasynth.report import refresh_table

    figures = [
        f"  {name:16}{value:8.1%}{result.synthetic_figures[name]:8.1%}"
        for name, value in result.source_figures.items()
    ]
    places = {
        "live": result.folder / "live.sqlite",
        "pre-production": result.folder / "preproduction.sqlite",
        "plan": result.folder / "work" / "plan.toml",
        "report": result.folder / "report" / "report.html",
    }
    return "\n".join(
        [
            refresh_table(result.report),
            "",
            f"  {'pattern':16}{'live':>8}{'now':>8}",
            *figures,
            "",
            *(f"  {name:16}{path}" for name, path in places.items()),
        ]
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the doctor looked at.

    Attributes:
        name: what.
        found: what was found.
        ok: False where something would fail.
        cure: what to do; empty where nothing is needed.
    """

    name: str
    found: str
    ok: bool = True
    cure: str = ""


def doctor() -> tuple[Finding, ...]:
    """Say what is installed, what would fail, and the cure."""
    import platform
    import shutil

    from schemasynth.adapter import available
    from schemasynth.generator.environment import check_local_mode, installed_version

    findings = [Finding("Python", platform.python_version())]
    findings += [
        Finding(name, installed_version(name) or "not installed")
        for name in ("mostlyai", "mostlyai-engine", "torch", "sqlalchemy", "duckdb")
    ]
    status = check_local_mode()
    found = "works" if status.ok else status.problem or "does not start"
    findings.append(Finding("local mode of the SDK", found, status.ok, status.cure or ""))
    for name, point in sorted(available().items()):
        try:
            point.load()
            findings.append(Finding(f"adapter {name}", "loads"))
        except ImportError as error:
            cure = f"pip install 'schemasynth[{name}]'"
            findings.append(Finding(f"adapter {name}", f"needs {error.name}", False, cure))
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    findings.append(Finding("free disk here", f"{free:.1f} GiB"))
    return tuple(findings)
