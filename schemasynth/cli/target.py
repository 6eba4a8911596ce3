"""`schemasynth target`.

Imported by the command line only.
"""

from __future__ import annotations

import click

from schemasynth.cli.options import denied, deny_option, selection, selection_options


@click.group("target")
def group() -> None:
    """Prepare databases that may be refreshed."""


@group.command("init")
@click.argument("target")
@click.option(
    "--environment",
    default="pre-production",
    show_default=True,
    help="What people call the database; stored in the marker.",
)
@deny_option
def init(target: str, environment: str, deny: tuple[str, ...]) -> None:
    """Mark TARGET as refreshable; nothing else in it is changed.

    A refresh replaces rows, so it touches only databases that carry this marker.

    \b
    Example:
      schemasynth target init postgresql://loader:${PASSWORD}@host/preproduction
    """
    from schemasynth import api

    marker = api.init_target(target, environment, deny=denied(deny))
    click.echo(f"Marked as {marker.environment} since {marker.created_at}.", err=True)


@group.command("create")
@click.argument("source")
@click.argument("target")
@selection_options
@click.option("--dry-run", is_flag=True, help="Print the statements and build nothing.")
@deny_option
def create(
    source: str,
    target: str,
    schemas: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    deny: tuple[str, ...],
) -> None:
    """Build the empty schema of SOURCE in TARGET, which may be another kind of database.

    SOURCE is only read; it may be a saved model, whose inferred keys become declared ones. TARGET
    must be empty. What it cannot hold is listed; if that is a type, nothing is built.

    \b
    Example:
      schemasynth target create postgresql://reader:${PASSWORD}@host/live \\
          mysql://loader:${PASSWORD}@host/preproduction
    """
    from schemasynth import api
    from schemasynth.load import as_text

    chosen = selection(schemas, include, exclude)
    made = api.create_target(source, target, chosen, dry_run=dry_run, deny=denied(deny))
    if made.findings:
        click.echo(as_text(made.findings), err=True)
    if dry_run:
        click.echo(made.sql, nl=False)
        return
    click.echo(f"Created {made.tables} tables.", err=True)
