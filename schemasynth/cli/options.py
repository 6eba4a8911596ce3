"""Options and output shared by commands.

Imported by the command modules only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from schemasynth.errors import SettingsError

if TYPE_CHECKING:
    from schemasynth.adapter import Selection
    from schemasynth.infer import Answers
    from schemasynth.model.privacy import Privacy
    from schemasynth.progress import Listener

F = TypeVar("F", bound=Callable[..., Any])


def selection_options(function: F) -> F:
    """Add ``--schema``, ``--include`` and ``--exclude``."""
    for option in (
        click.option(
            "--exclude", multiple=True, metavar="GLOB", help="Leave out tables that match."
        ),
        click.option("--include", multiple=True, metavar="GLOB", help="Only tables that match."),
        click.option(
            "--schema", "schemas", multiple=True, metavar="SCHEMA", help="A schema; repeatable."
        ),
    ):
        function = option(function)
    return function


def selection(
    schemas: tuple[str, ...], include: tuple[str, ...], exclude: tuple[str, ...]
) -> Selection:
    """Build a selection from the options of `selection_options`."""
    from schemasynth.adapter import Selection

    return Selection(schemas, include, exclude)


def answer_options(function: F) -> F:
    """Add ``--accept``, ``--reject`` and ``--settings``."""
    for option in (
        click.option(
            "--settings",
            type=click.Path(path_type=Path),
            help="Settings file instead of schemasynth.toml in the working folder.",
        ),
        click.option(
            "--reject", multiple=True, metavar="ID", help="A key that does not hold; repeatable."
        ),
        click.option("--accept", multiple=True, metavar="ID", help="A key that holds; repeatable."),
    ):
        function = option(function)
    return function


def deny_option(function: F) -> F:
    """Add ``--deny``."""
    return click.option(
        "--deny",
        multiple=True,
        metavar="GLOB",
        help="Refuse a TARGET with a name like this: its host, database, schema, file or folder. "
        "Added to those of the settings file; repeatable.",
    )(function)


def denied(deny: tuple[str, ...], settings: Path | None = None) -> tuple[str, ...]:
    """Return the patterns of `deny_option` and of the settings file."""
    from schemasynth.settings_file import read_settings

    return (*read_settings(settings).deny, *deny)


def size_options(function: F) -> F:
    """Add ``--scale``, ``--size`` and ``--sample-rows``."""
    for option in (
        click.option(
            "--sample-rows",
            type=click.IntRange(min=1),
            metavar="ROWS",
            help="Read about so many rows of the largest table of each subject, with all that "
            "belongs to the subjects chosen; 1000000 by default.",
        ),
        click.option(
            "--size",
            "sizes",
            multiple=True,
            metavar="TABLE=ROWS",
            help="Rows of one table; what is linked to it follows. Repeatable.",
        ),
        click.option(
            "--scale",
            type=click.FloatRange(min=0, min_open=True),
            help="Rows by rows of SOURCE, for all tables; 1 by default.",
        ),
    ):
        function = option(function)
    return function


def table_sizes(texts: tuple[str, ...]) -> dict[str, int]:
    """Read the values of ``--size``.

    Raises:
        SettingsError: one is not of the form TABLE=ROWS.
    """
    sizes = {}
    for text in texts:
        name, equals, rows = text.rpartition("=")
        if not (name and equals and rows.isdecimal()):
            raise SettingsError(f"--size {text!r} is not of the form TABLE=ROWS.")
        sizes[name] = int(rows)
    return sizes


def answers(accept: tuple[str, ...], reject: tuple[str, ...], settings: Path | None) -> Answers:
    """Return the answers of the options of `answer_options` and of the settings file."""
    from schemasynth.infer import read_answers
    from schemasynth.settings_file import read_settings

    return read_settings(settings).answers | read_answers(accept, reject)


def privacy(settings: Path | None) -> Privacy | None:
    """Return what the settings file says of privacy."""
    from schemasynth.settings_file import read_settings

    return read_settings(settings).privacy


def refuse_answers(
    accept: tuple[str, ...], reject: tuple[str, ...], settings: Path | None, why: str
) -> None:
    """Refuse answers where they would be of no effect.

    Raises:
        SettingsError: one of the options is given.
    """
    given = {"--accept": accept, "--reject": reject, "--settings": settings}
    for name, value in given.items():
        if value:
            raise SettingsError(f"{name} has no effect here: {why}")


def write(text: str, output: Path | None) -> None:
    """Write a result to a file, or to stdout.

    Args:
        text: the result.
        output: the file; None means stdout.

    Raises:
        SettingsError: the file cannot be written.
    """
    text = text if text.endswith("\n") else text + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote {output}.", err=True)


def read(path: Path) -> str:
    """Read a text file given on the command line.

    Raises:
        SettingsError: it does not exist or is not text.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not a UTF-8 text file.") from error


def listener() -> Listener:
    """Return what shows progress: live lines on a terminal, plain ones elsewhere, on stderr."""
    from schemasynth.cli.progress import plain, terminal

    return terminal() if sys.stderr.isatty() else plain()
