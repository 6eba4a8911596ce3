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
