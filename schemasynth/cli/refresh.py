"""`schemasynth refresh`.

Imported by the command line only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from schemasynth.cli.options import (
    answer_options,
    answers,
    denied,
    deny_option,
    listener,
    privacy,
    read,
    refuse_answers,
    selection,
    selection_options,
    size_options,
    table_sizes,
)

STEPS = ("plan", "train", "generate", "stage")


@click.command("refresh")
@click.argument("source")
@click.argument("target")
@selection_options
@answer_options
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="A reviewed plan.")
@size_options
@click.option(
    "--max-training-time",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MIN",
    help="Minutes of training in all.",
)
@click.option("--seed", type=int, help="Makes the run repeatable.")
@click.option("--base-url", metavar="URL", help="Train on a MOSTLY AI server instead of here.")
@click.option("--workdir", type=click.Path(path_type=Path), help="Keep each step's result there.")
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option("--resume", is_flag=True, help="Continue with what is in --workdir.")
@click.option("--keep-source-rows", is_flag=True, help="Do not wipe source rows from --workdir.")
@click.option("--dry-run", is_flag=True, help="Check and say what would be done; change nothing.")
@deny_option
@click.option("--report", type=click.Path(path_type=Path), help="Folder for report.html and .json.")
@click.option(
    "--audit",
    type=click.Path(path_type=Path),
    help="Add what was done to this file; by default to audit.jsonl in --workdir.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON on stdout.")
@click.option(
    "--yes", is_flag=True, help="Replace the rows of TARGET without asking to type its name."
)
def command(
    source: str,
    target: str,
    schemas: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    settings: Path | None,
    plan_file: Path | None,
    scale: float | None,
    sizes: tuple[str, ...],
    sample_rows: int | None,
    max_training_time: float | None,
    seed: int | None,
    base_url: str | None,
    workdir: Path | None,
    until: str | None,
    resume: bool,
    keep_source_rows: bool,
    dry_run: bool,
    deny: tuple[str, ...],
    report: Path | None,
    audit: Path | None,
    as_json: bool,
    yes: bool,
) -> None:
    """Replace the rows of TARGET by synthetic ones that follow the patterns of SOURCE.

    SOURCE is only read. TARGET must carry the marker of `schemasynth target init`; it is as it
    was until the last moment, in which all its tables change at once.

    \b
    Example:
      schemasynth refresh live.sqlite preproduction.sqlite --max-training-time 10 --yes
    """
    from schemasynth import api
    from schemasynth.load import refuse
    from schemasynth.plan import read_plan
    from schemasynth.refresh import RefreshOptions, Step
    from schemasynth.report import refresh_table, write_report

    if plan_file:
        refuse_answers(accept, reject, None, "the keys stand in the plan; make a new one.")
    result = api.refresh(
        source,
        target,
        selection(schemas, include, exclude),
        plan=read_plan(read(plan_file)) if plan_file else None,
        scale=scale,
        sizes=table_sizes(sizes),
        sample_rows=sample_rows,
        answers=None if plan_file else answers(accept, reject, settings),
        privacy=privacy(settings),
        options=RefreshOptions(
            max_training_time=max_training_time,
            seed=seed,
            base_url=base_url,
            workdir=workdir,
            until=Step(until) if until else None,
            resume=resume,
            keep_source_rows=keep_source_rows,
            dry_run=dry_run,
            audit=audit,
            deny=denied(deny, settings),
        ),
        confirm=None if yes else _confirm,
        listener=listener(),
    )
    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else refresh_table(result))
    if report:
        for path in write_report(result, report):
            click.echo(f"Wrote {path}.", err=True)
    if dry_run:
        refuse(result.findings, result.target)


def _confirm(target: str, tables: int) -> bool:
    """Let a person type the target's name; a pipe cannot answer for one."""
    if not sys.stdin.isatty():
        return False
    name = target.rpartition("/")[2]
    click.echo(f"This replaces the rows of {tables} tables in {target}.", err=True)
    typed = click.prompt(f"Type {name} to go on", default="", show_default=False, err=True)
    return bool(name) and typed == name
