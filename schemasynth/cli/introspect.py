"""`schemasynth introspect`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click

from schemasynth.cli.options import (
    answer_options,
    answers,
    listener,
    refuse_answers,
    selection,
    selection_options,
    write,
)

FORMATS = ("summary", "json", "markdown", "mermaid")
WAYS = ("auto", "stream", "push-down")


@click.command("introspect")
@click.argument("source")
@selection_options
@answer_options
@click.option(
    "--infer/--no-infer", default=True, show_default=True, help="Infer keys that are not declared."
)
@click.option(
    "--evidence",
    type=click.Choice(WAYS),
    default=WAYS[0],
    show_default=True,
    help="Where values are compared: in the database, or here; auto goes by its size.",
)
@click.option(
    "--evidence-rows",
    type=click.IntRange(min=1),
    metavar="ROWS",
    help="Compare the first rows of each table only; a confidence says less then.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="summary", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
def command(
    source: str,
    schemas: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    settings: Path | None,
    infer: bool,
    evidence: str,
    evidence_rows: int | None,
    form: str,
    output: Path | None,
) -> None:
    """Document the relational model of SOURCE, with the keys nobody declared.

    SOURCE is a SQLAlchemy URL or the path of a SQLite file, and is only read.

    \b
    Example:
      schemasynth introspect postgresql://reader:${PASSWORD}@host/live --format mermaid
    """
    from schemasynth import api
    from schemasynth.errors import SettingsError
    from schemasynth.infer import Collecting, Way

    if not infer:
        refuse_answers(accept, reject, settings, "--no-infer shows declared keys only.")
        if evidence != WAYS[0] or evidence_rows is not None:
            raise SettingsError("--no-infer compares no values; leave --evidence and its rows out.")
    schema = api.introspect(
        source,
        selection(schemas, include, exclude),
        infer=infer,
        answers=answers(accept, reject, settings) if infer else None,
        collecting=Collecting(Way(evidence), evidence_rows),
        listener=listener(),
    )
    write(api.render(schema, form), output)
