"""A report as files: one HTML page that needs nothing else, and JSON.

Imports the report's values only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from schemasynth.errors import SettingsError
from schemasynth.generator import Training
from schemasynth.load import Severity, as_text
from schemasynth.report.model import RefreshReport, TableReport
from schemasynth.verify.measure import PrivacyReport, TablePrivacy
from schemasynth.verify.patterns import Kept
from schemasynth.verify.privacy import CarryOver

MINUTE = 60
HOUR = 3600
FEW_EPOCHS = 10
"""Below so many passes over the rows their tenths are told."""
TEXT_COLUMNS = 3
"""Leading columns of the terminal's table that hold text; numbers follow, set to the right."""

_PRIVACY = """New rows against rows that the generator learned from and rows of the source that
it never saw (holdout), whose figures stand after a slash. Nearer: share of new rows nearer to a
learned row than to any holdout row; 50 % is ideal. Ratio: distance to the nearest row by that to
the second, fifth percentile. Rare: values, and pairs of values, of few rows, that new rows have
too. Linking, guessing: AUC of two attacks by which a learned row would be told from others; 0.5 is
ideal."""

_PATTERNS = """How alike new rows and those of the source are; after a slash, how alike two halves
of the source are, which no generator can be expected to pass. Children: their number a parent.
With the parent: a column of each, taken together. With siblings: a column of two children of one
parent. With grandparents: a column of the child and one of its parent's parents."""


def write_report(report: RefreshReport, folder: Path) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.json``.

    Args:
        report: of a refresh.
        folder: made if it does not exist.

    Returns:
        The two files.

    Raises:
        SettingsError: the folder cannot be written.
    """
    page, data = folder / "report.html", folder / "report.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(html(report), "utf-8")
        data.write_text(json.dumps(report.to_dict(), indent=1), "utf-8")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}.") from error
    return page, data


def html(report: RefreshReport) -> str:
    """Return the page: readable in light and dark, on paper, without scripts or requests.

    Args:
        report: of a refresh.
    """
    style = files("schemasynth.report").joinpath("report.css").read_text("utf-8")
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Refresh of {escape(report.target)}</title><style>{style}</style></head><body>",
            *_head(report),
            *_tables(report),
            *_repairs(report),
            *_integrity(report),
            *_patterns(report),
            *_privacy(report.privacy),
            *_steps(report),
            *_findings(report),
            *_notes(report),
            "</body></html>",
        )
    )


def _head(report: RefreshReport) -> Iterator[str]:
    yield f"<h1>Refresh of {escape(report.target)}</h1>"
    yield (
        f"<p>From {escape(report.source)}, finished {escape(report.finished_at)}, "
        f"schemasynth {escape(report.version)}.</p>"
    )
    yield f'<p class="{_standing(report)}">{escape(report.outcome)}</p>'
    yield '<dl class="figures">'
    for name, figure in _figures(report):
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(figure)}</dd></div>"
    yield "</dl>"


def _standing(report: RefreshReport) -> str:
    if report.integrity is None:
        return "plain"
    return "good" if report.integrity.ok else "bad"


def _figures(report: RefreshReport) -> Iterator[tuple[str, str]]:
    tables = [table for table in report.tables if not table.is_entity]
    loaded = [table.rows for table in tables if table.rows is not None]
    if loaded:
        yield "tables loaded", f"{len(loaded):,}"
        yield "rows loaded", f"{sum(loaded):,}"
    measured = [table.accuracy for table in report.tables if table.accuracy is not None]
    if measured:
        yield "lowest accuracy", percent(min(measured))
    if report.integrity is not None:
        yield "checks", f"{len(report.integrity.results):,}"
        yield "violations", f"{sum(report.integrity.violations.values()):,}"
    yield "time", duration(sum(step.seconds for step in report.steps))


def _tables(report: RefreshReport) -> Iterator[str]:
    yield "<h2>Tables</h2><p>Accuracy is measured by the generator against the source's rows. "
    yield "Training ends when a model no longer improves, or is out of time.</p>"
    columns = (
        _Column("Table"),
        _Column("Role"),
        _Column("Context"),
        _Column("Source rows", is_number=True),
        _Column("Planned", is_number=True),
        _Column("Loaded", is_number=True),
        _Column("Accuracy", is_number=True),
        _Column("Training"),
    )
    yield from _grid(columns, (_table_cells(table) for table in report.tables))
    yield "<h2>Choices</h2><p>Why a table has its role and its context.</p>"
    reasons = ((_title(table), table.reason) for table in report.tables)
    yield from _grid((_Column("Table"), _Column("Why")), reasons)


def _title(table: TableReport) -> str:
    return f"{table.name} (implicit entity)" if table.is_entity else table.name


def _table_cells(table: TableReport) -> tuple[str, ...]:
    return (
        _title(table),
        table.role,
        table.context or "–",
        f"{table.source_rows:,}",
        f"{table.planned_rows:,}",
        "–" if table.rows is None else f"{table.rows:,}",
        percent(table.accuracy),
        _training(table.training),
    )


def _training(training: Training | None) -> str:
    if training is None:
        return "–"
    passes = f"{training.epochs:.1f}" if training.epochs < FEW_EPOCHS else f"{training.epochs:.0f}"
    ended = ", out of time" if training.limited else ""
    return f"{duration(training.seconds)}, {passes} epochs{ended}"


def _repairs(report: RefreshReport) -> Iterator[str]:
    if not report.repairs:
        return
    yield "<h2>Repairs</h2><p>What was changed after generation so that constraints hold.</p>"
    columns = (_Column("Table"), _Column("What"), _Column("Rows", is_number=True))
    cells = ((repair.table, repair.what, f"{repair.rows:,}") for repair in report.repairs)
    yield from _grid(columns, cells)


def _integrity(report: RefreshReport) -> Iterator[str]:
    if report.integrity is None:
        return
    yield "<h2>Integrity</h2><p>Proven by queries on the staged rows, before the switch.</p>"
    columns = (
        _Column("Check"),
        _Column("Origin"),
        _Column("Rows", is_number=True),
        _Column("Violations", is_number=True),
        _Column("Time", is_number=True),
    )
    results = report.integrity.results
    cells = (
        (r.name, r.origin, f"{r.rows:,}", f"{r.violations:,}", f"{r.milliseconds:.1f} ms")
        for r in results
    )
    yield from _grid(columns, cells, bad={i for i, r in enumerate(results) if r.violations})


def _patterns(report: RefreshReport) -> Iterator[str]:
    if not report.patterns:
        return
    yield f"<h2>Patterns along foreign keys</h2><p>{_PATTERNS}</p>"
    names = ("Children", "With the parent", "With siblings", "With grandparents")
    columns = (
        *map(_Column, ("Foreign key", "Parent", "Treatment")),
        *(_Column(name, is_number=True) for name in names),
    )
    cells = (
        (
            f"{p.table}({', '.join(p.columns)})",
            p.referred,
            p.treatment,
            *map(_kept, (p.children, p.bivariate, p.siblings, p.farther)),
        )
        for p in report.patterns
    )
    yield from _grid(columns, cells)


def _kept(kept: Kept | None) -> str:
    return "–" if kept is None else f"{percent(kept.made)} / {percent(kept.ideal)}"


def _privacy(privacy: PrivacyReport | None) -> Iterator[str]:
    if privacy is None:
        return
    yield f"<h2>Privacy</h2><p>{_PRIVACY}</p>"
    names = ("Learned", "Holdout", "Identical", "Nearer", "Ratio", "Rare values", "Rare pairs")
    numbers = (*names, "Linking", "Guessing", "Copied")
    columns = (_Column("Table"), *(_Column(name, is_number=True) for name in numbers))
    bad = {i for i, table in enumerate(privacy.tables) if table.suspicious}
    yield from _grid(columns, map(_privacy_cells, privacy.tables), bad)
    for line in filter(None, (differential_line(privacy), identifiers_line(privacy))):
        yield f"<p>{escape(line)}</p>"
    if privacy.identifiers:
        found = tuple(map(_Column, ("Identifier", "Stands in")))
        counts = tuple(_Column(name, is_number=True) for name in ("As it is", "Written otherwise"))
        cells = (
            (i.source, i.place, f"{i.exact:,}", f"{i.normalised:,}") for i in privacy.identifiers
        )
        yield from _grid((*found, *counts), cells, bad=range(len(privacy.identifiers)))


def _privacy_cells(table: TablePrivacy) -> tuple[str, ...]:
    near, attacked = table.copies, table.attacks
    if near is None:
        return (table.table, "–", table.why, *("–" for _ in range(8)))
    return (
        table.table,
        f"{table.training:,}",
        f"{table.holdout:,}",
        f"{percent(near.identical)} / {percent(near.identical_holdout)}",
        percent(near.nearer),
        f"{near.ratio:.2f} / {near.ratio_holdout:.2f}",
        _carried(table.values),
        _carried(table.pairs),
        f"{attacked.linkability.auc:.2f}" if attacked else "–",
        f"{attacked.inference.auc:.2f}" if attacked else "–",
        "yes" if table.suspicious else "no",
    )


def _carried(found: CarryOver | None) -> str:
    if found is None:
        return "–"
    sides = ((found.carried, found.rare), (found.carried_holdout, found.rare_holdout))
    return " / ".join(f"{carried:,} of {rare:,}" for carried, rare in sides)


def differential_line(privacy: PrivacyReport) -> str:
    """Say what differential privacy has spent; empty without."""
    told = privacy.differential
    if told is None:
        return ""
    limit = f"at most {told.max_epsilon:g}" if told.max_epsilon else "any"
    head = f"Differential privacy: epsilon {limit} and delta {told.delta:g} a model"
    if not privacy.spent:
        return f"{head}; what was spent is not known."
    tables = ", ".join(f"{table} {epsilon:.2f}" for table, epsilon in privacy.spent)
    total = sum(epsilon for _, epsilon in privacy.spent)
    return f"{head}; spent: {tables}; {total:.2f} in all."


def identifiers_line(privacy: PrivacyReport) -> str:
    """Say in one sentence whether values that lead to a person stand in the new rows."""
    if privacy.looked_for is None:
        return "The source's rows were wiped before identifiers were looked for in the new ones."
    if not privacy.looked_for:
        return "No column of the source leads to a person."
    counted = f"the {privacy.looked_for:,} columns that lead to a person"
    if not privacy.identifiers:
        return f"No value of {counted} is in the new rows."
    found = len({one.source for one in privacy.identifiers})
    return f"Values of {found:,} of {counted} are in the new rows."


def _steps(report: RefreshReport) -> Iterator[str]:
    yield "<h2>Time</h2>"
    columns = (_Column("Step"), _Column("Seconds", is_number=True))
    yield from _grid(columns, ((step.name, f"{step.seconds:,.1f}") for step in report.steps))


def _findings(report: RefreshReport) -> Iterator[str]:
    if report.findings:
        yield "<h2>Before the refresh</h2>"
        columns = tuple(map(_Column, ("Severity", "Topic", "Where", "Found", "What to do")))
        yield from _grid(
            columns, ((f.severity, f.topic, f.where, f.found, f.cure) for f in report.findings)
        )


def _notes(report: RefreshReport) -> Iterator[str]:
    if report.notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        yield f"<h2>Notes</h2><ul>{items}</ul>"


def percent(share: float | None) -> str:
    """Return a share as a percentage; a dash where there is none."""
    return "–" if share is None else f"{share:.1%}"


def duration(seconds: float) -> str:
    """Return a time for people: ``8.2 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"
    return f"{int(seconds // HOUR)} h {int(seconds % HOUR // MINUTE)} min"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    is_number: bool = False

    def cell(self, tag: str, text: str) -> str:
        attribute = ' class="number"' if self.is_number else ""
        return f"<{tag}{attribute}>{escape(text)}</{tag}>"


def _grid(
    columns: Sequence[_Column],
    rows: Iterable[Sequence[str]],
    bad: Collection[int] = (),
) -> Iterator[str]:
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(column.cell("th", column.name) for column in columns)
    yield "</tr></thead><tbody>"
    for i, row in enumerate(rows):
        cells = "".join(column.cell("td", text) for column, text in zip(columns, row, strict=True))
        yield f'<tr class="bad">{cells}</tr>' if i in bad else f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"


def refresh_table(report: RefreshReport) -> str:
    """Return the report as a plain table for a terminal.

    Args:
        report: of a refresh.
    """
    head = ("table", "role", "context", "source", "rows", "accuracy")
    rows = [
        (
            table.name,
            "implicit entity" if table.is_entity else table.role,
            table.context,
            f"{table.source_rows:,}",
            "" if table.rows is None else f"{table.rows:,}",
            percent(table.accuracy),
        )
        for table in report.tables
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if i < TEXT_COLUMNS else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
    loaded = [table for table in report.tables if table.rows is not None]
    if any(table.accuracy is None for table in loaded):
        lines += ["", "–: not generated, or too few rows for the SDK to measure accuracy."]
    short = [t.name for t in report.tables if t.training is not None and t.training.limited]
    if short:
        lines += ["", f"Out of training time, and still improving: {', '.join(short)}."]
    repaired = sum(repair.rows for repair in report.repairs)
    if repaired:
        lines += ["", f"{repaired:,} values or rows were repaired; see the report."]
    if report.privacy is not None:
        lines += ["", *_privacy_lines(report.privacy)]
    shown = [f for f in report.findings if report.dry_run or f.severity is not Severity.NOTE]
    if shown:
        lines += ["", as_text(shown)]
    return "\n".join([*lines, "", report.outcome])


def _privacy_lines(privacy: PrivacyReport) -> Iterator[str]:
    if privacy.differential is not None:
        yield differential_line(privacy)
    yield identifiers_line(privacy)
    measured = [table for table in privacy.tables if table.copies is not None]
    suspicious = [table.table for table in measured if table.suspicious]
    if suspicious:
        yield f"Rows were copied in {', '.join(suspicious)}; see the report."
    elif measured:
        tables = "table" if len(measured) == 1 else "tables"
        yield f"No sign of copied rows in {len(measured)} {tables}, against rows held out."
