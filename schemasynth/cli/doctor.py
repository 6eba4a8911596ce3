"""`schemasynth doctor`.

Imported by the command line only.
"""

from __future__ import annotations

import click


@click.command("doctor")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Say what is installed, what would fail, and the cure; exits 1 if something would.

    \b
    Example:
      schemasynth doctor
    """
    from schemasynth import api

    findings = api.doctor()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.found}")
        if finding.cure:
            click.echo(f"      {finding.cure}")
    if not all(finding.ok for finding in findings):
        ctx.exit(1)
