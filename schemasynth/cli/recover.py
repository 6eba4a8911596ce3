"""`schemasynth recover`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("recover")
@click.argument("target")
@click.option("--audit", type=click.Path(path_type=Path), help="Add what was done to this file.")
def command(target: str, audit: Path | None) -> None:
    """Remove what an interrupted refresh left in TARGET; it ends wholly old or wholly new.

    \b
    Example:
      schemasynth recover preproduction.sqlite
    """
    from schemasynth import api

    done = api.recover(target, audit=audit)
    for line in done:
        click.echo(line, err=True)
    if not done:
        click.echo("Nothing to recover.", err=True)
