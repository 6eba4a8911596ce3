"""`schemasynth recover`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click

from schemasynth.cli.options import denied, deny_option


@click.command("recover")
@click.argument("target")
@click.option("--audit", type=click.Path(path_type=Path), help="Add what was done to this file.")
@deny_option
def command(target: str, audit: Path | None, deny: tuple[str, ...]) -> None:
    """Remove what an interrupted refresh left in TARGET; it ends wholly old or wholly new.

    \b
    Example:
      schemasynth recover preproduction.sqlite
    """
    from schemasynth import api

    done = api.recover(target, audit=audit, deny=denied(deny))
    for line in done:
        click.echo(line, err=True)
    if not done:
        click.echo("Nothing to recover.", err=True)
