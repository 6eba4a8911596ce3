"""A report as files: one HTML page that needs nothing else, and JSON.

Imports the report's values only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from schemasynth.errors import SettingsError
from schemasynth.report.model import RefreshReport, TableReport


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
    """Return the page: readable in light and dark, on paper, without scripts."""
    style = files("schemasynth.report").joinpath("report.css").read_text("utf-8")
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Refresh of {escape(report.target)}</title><style>{style}</style></head><body>",
            *_body(report),
            "</body></html>",
        )
    )


def _body(report: RefreshReport) -> Iterator[str]:
    yield f"<h1>Refresh of {escape(report.target)}</h1>"
    yield (
        f"<p>From {escape(report.source)}, finished {escape(report.finished_at)}, "
        f"schemasynth {escape(report.version)}.</p>"
    )
    ok = report.integrity is not None and report.integrity.ok
    yield f'<p class="{"good" if ok else "plain"}">{escape(report.outcome)}</p>'
    yield "<h2>Tables</h2>"
    yield from _table(
        ("Table", "Role", "Context", "Source rows", "Planned", "Loaded", "Accuracy", "Why"),
        (_table_cells(table) for table in report.tables),
    )
    if report.repairs:
        yield "<h2>Repairs</h2><p>What was changed after generation so that constraints hold.</p>"
        cells = ((r.table, r.what, f"{r.rows:,}") for r in report.repairs)
        yield from _table(("Table", "What", "Rows"), cells)
    if report.integrity is not None:
        yield "<h2>Integrity</h2><p>Proven by queries on the staged rows, before the switch.</p>"
        rows = (
            (r.name, r.origin, f"{r.rows:,}", f"{r.violations:,}", f"{r.milliseconds:.1f} ms")
            for r in report.integrity.results
        )
        yield from _table(("Check", "Origin", "Rows", "Violations", "Time"), rows)
    yield "<h2>Time</h2>"
    yield from _table(("Step", "Seconds"), ((s.name, f"{s.seconds:.1f}") for s in report.steps))
    if report.notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        yield f"<h2>Notes</h2><ul>{items}</ul>"


def _table_cells(table: TableReport) -> tuple[str, ...]:
    name = f"{table.name} (implicit entity)" if table.is_entity else table.name
    return (
        name,
        table.role,
        table.context,
        f"{table.source_rows:,}",
        f"{table.planned_rows:,}",
        "" if table.rows is None else f"{table.rows:,}",
        percent(table.accuracy),
        table.reason,
    )


def percent(share: float | None) -> str:
    """Return a share as a percentage; a dash where there is none."""
    return "–" if share is None else f"{share:.1%}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{escape(cell)}</th>" for cell in head)
    yield "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(_cell(cell) for cell in row) + "</tr>"
    yield "</tbody></table></div>"


def _cell(text: str) -> str:
    number = text[:1].isdigit() and text.replace(",", "").replace(".", "").rstrip("% ms").isdigit()
    return f'<td class="number">{escape(text)}</td>' if number else f"<td>{escape(text)}</td>"


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
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    repaired = sum(repair.rows for repair in report.repairs)
    if repaired:
        lines += ["", f"{repaired:,} values or rows were repaired; see the report."]
    return "\n".join([*lines, "", report.outcome])
