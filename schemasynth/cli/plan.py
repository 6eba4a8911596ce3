"""`schemasynth plan`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click

from schemasynth.cli.options import (
    answer_options,
    answers,
    listener,
    privacy,
    read,
    selection,
    selection_options,
    size_options,
    table_sizes,
    write,
)


@click.command("plan")
@click.argument("source")
@selection_options
@answer_options
@size_options
@click.option("--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
@click.option(
    "--preview",
    is_flag=True,
    help="Print what the plan does to ten made-up rows of each table; the plan itself goes to "
    "--output. SOURCE may then be a plan file too.",
)
def command(
    source: str,
    schemas: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    settings: Path | None,
    scale: float | None,
    sizes: tuple[str, ...],
    sample_rows: int | None,
    output: Path | None,
    preview: bool,
) -> None:
    """Write what a refresh from SOURCE would do to each table and column, and why.

    SOURCE is a SQLAlchemy URL, the path of a SQLite file, or a model saved by `introspect
    --format json`. The plan is a commented TOML file, meant to be edited and committed.

    \b
    Example:
      schemasynth plan live.sqlite --output plan.toml
      schemasynth plan plan.toml --preview
    """
    from schemasynth import api
    from schemasynth.plan.file import read_plan, write_plan

    if preview and source.endswith(".toml"):
        write(api.preview(read_plan(read(Path(source)))), output)
        return
    made = api.plan(
        source,
        selection(schemas, include, exclude),
        scale=scale,
        sizes=table_sizes(sizes),
        sample_rows=sample_rows,
        answers=answers(accept, reject, settings),
        privacy=privacy(settings),
        listener=listener(),
    )
    if preview:
        click.echo(api.preview(made))
    if output is not None or not preview:
        write(write_plan(made), output)
