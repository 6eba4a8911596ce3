"""`schemasynth target`.

Imported by the command line only.
"""

from __future__ import annotations

import click

from schemasynth.cli.options import denied, deny_option


@click.group("target")
def group() -> None:
    """Prepare databases that may be refreshed."""


@group.command("init")
@click.argument("target")
@click.option(
    "--environment",
    default="pre-production",
    show_default=True,
    help="What people call the database; stored in the marker.",
)
@deny_option
def init(target: str, environment: str, deny: tuple[str, ...]) -> None:
    """Mark TARGET as refreshable; nothing else in it is changed.

    A refresh replaces rows, so it touches only databases that carry this marker.

    \b
    Example:
      schemasynth target init postgresql://loader:${PASSWORD}@host/preproduction
    """
    from schemasynth import api

    marker = api.init_target(target, environment, deny=denied(deny))
    click.echo(f"Marked as {marker.environment} since {marker.created_at}.", err=True)
