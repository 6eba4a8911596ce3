"""`schemasynth config`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click

from schemasynth.cli.options import read, write


@click.command("config")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(("json", "python")), default="json", show_default=True
)
@click.option("--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
def command(plan: Path, form: str, output: Path | None) -> None:
    """Print the MOSTLY AI generator configuration of a PLAN.

    \b
    Example:
      schemasynth config plan.toml --format python
    """
    from schemasynth import api
    from schemasynth.plan.file import read_plan

    write(api.config(read_plan(read(plan)), form), output)
