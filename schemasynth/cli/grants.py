"""`schemasynth grants`.

Imported by the command line only.
"""

from __future__ import annotations

import click

from schemasynth.cli.options import selection, selection_options

NOTHING = "-- Nothing to grant: SQLite has no roles. {}"
_FILES = {
    "source": "The file must be readable.",
    "target": "The file and its folder must be writable.",
}


@click.command("grants")
@click.argument("database")
@click.option("--role", metavar="NAME", help="To whom; the role of DATABASE's URL by default.")
@click.option(
    "--for",
    "purpose",
    type=click.Choice(tuple(_FILES)),
    default="source",
    show_default=True,
    help="What the role is for.",
)
@selection_options
def command(
    database: str,
    role: str | None,
    purpose: str,
    schemas: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> None:
    """Print the least that a role must be granted to read DATABASE, or to refresh it.

    DATABASE is only read, as a role that sees all tables and triggers; the script is to be run by
    somebody who may grant. What all roles may do is left out.

    \b
    Example:
      schemasynth grants postgresql://owner:${PASSWORD}@host/live --role reader
    """
    from schemasynth import api
    from schemasynth.adapter import Purpose

    needs = api.grants(
        database, selection(schemas, include, exclude), purpose=Purpose(purpose), role=role
    )
    for need in needs:
        click.echo(f"-- {need.why}\n{need.statement}")
    if not needs:
        click.echo(NOTHING.format(_FILES[purpose]))
