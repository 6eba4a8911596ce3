"""`schemasynth audit`.

Imported by the command line only.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("audit")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--head", metavar="HASH", help="A hash printed earlier, which must still be there.")
@click.pass_context
def command(ctx: click.Context, file: Path, head: str | None) -> None:
    """Check that no line of an audit FILE was altered, removed or moved; exits 1 if one was.

    Prints the hash of the last line. Keep it elsewhere: with --head a file that was cut off or
    written anew is found too.

    \b
    Example:
      schemasynth audit work/audit.jsonl
    """
    from schemasynth import api

    found = api.audit(file, head)
    for run in found.unfinished:
        click.echo(f"The run {run} has no end: it was killed.", err=True)
    if not found.ok:
        click.echo(f"FAIL  {found.fault}")
        ctx.exit(1)
    click.echo(f"ok    {found.lines:,} lines of {found.runs:,} runs; the last is {found.head}")
