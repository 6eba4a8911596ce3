"""`schemasynth verify`.

Imported by the command line only.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from schemasynth.cli.options import read, selection, selection_options


@click.command("verify")
@click.argument("target")
@selection_options
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="A model saved by `introspect --format json`, whose keys are checked too.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    target: str,
    schemas: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    model: Path | None,
    as_json: bool,
) -> None:
    """Prove by queries that keys, uniqueness, NOT NULL and foreign keys hold in TARGET.

    Exits 1 if any is violated. TARGET is only read.

    \b
    Example:
      schemasynth verify preproduction.sqlite --model model.json
    """
    from schemasynth import api
    from schemasynth.model.serialize import loads

    known = loads(read(model)) if model else None
    report = api.verify(target, selection(schemas, include, exclude), model=known)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else api.integrity_table(report))
    if not report.ok:
        ctx.exit(1)
