"""`schemasynth demo`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click

from schemasynth.cli.options import listener


@click.command("demo")
@click.option("--workdir", type=click.Path(path_type=Path), help="Where; a new folder by default.")
@click.option(
    "--people", type=click.IntRange(min=200), default=2000, show_default=True, help="How many."
)
def command(workdir: Path | None, people: int) -> None:
    """Run the whole way on made-up data: an undocumented SQLite database and an empty copy.

    Takes a few minutes, needs no server and touches nothing outside its folder.

    \b
    Example:
      schemasynth demo --workdir demo
    """
    from schemasynth import api

    result = api.demo(workdir, people=people, listener=listener())
    click.echo(api.demo_table(result))
