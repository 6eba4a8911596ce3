"""`schemasynth recover`.

Imported by the command line only.
"""

from __future__ import annotations

import click


@click.command("recover")
@click.argument("target")
def command(target: str) -> None:
    """Remove what an interrupted refresh left in TARGET; it ends wholly old or wholly new.

    \b
    Example:
      schemasynth recover preproduction.sqlite
    """
    from schemasynth import api

    done = api.recover(target)
    for line in done:
        click.echo(line, err=True)
    if not done:
        click.echo("Nothing to recover.", err=True)
