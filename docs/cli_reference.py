"""Writes docs/pages/reference/cli.md from the commands themselves; a test compares the two.

Run `python docs/cli_reference.py` after a change to a command.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from schemasynth.cli import main

PAGE = Path(__file__).parent / "pages" / "reference" / "cli.md"

INTRODUCTION = """\
# Command line

<!-- Written by docs/cli_reference.py; edit the commands, not this page. -->

Databases are given as SQLAlchemy URLs, in which `${VARIABLE}` is replaced from the environment,
or as the path of a SQLite file. Data goes to stdout, everything else to stderr.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | a check failed |
| 2 | usage or settings |
| 3 | connection or privilege |
| 4 | generator |
| 5 | refused for safety |
| 130 | interrupted |
"""


def commands(
    group: click.Group, prefix: str = "schemasynth"
) -> Iterator[tuple[str, click.Command]]:
    """Walks the command tree.

    Args:
        group: Where to start.
        prefix: What is typed before a command of the group.

    Yields:
        What is typed for a command, and the command; groups themselves are left out.
    """
    for name, command in sorted(group.commands.items()):
        typed = f"{prefix} {name}"
        if isinstance(command, click.Group):
            yield from commands(command, typed)
        else:
            yield typed, command


def render() -> str:
    """Renders the whole page.

    Returns:
        Markdown.
    """
    sections = [_section(typed, command) for typed, command in commands(main)]
    return "\n".join([INTRODUCTION, *sections])


def _section(typed: str, command: click.Command) -> str:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option)]
    usage = " ".join([typed, *(argument.human_readable_name for argument in arguments)])
    description, _, example = inspect.cleandoc(command.help or "").partition("\b\nExample:\n")
    parts = [
        f"## {typed.removeprefix('schemasynth ')}\n",
        f"```text\n{usage}{' [OPTIONS]' if options else ''}\n```\n",
        f"{description.strip()}\n",
        f"```sh\n{inspect.cleandoc(example)}\n```\n",
    ]
    if options:
        rows = "\n".join(_row(option) for option in options)
        parts.append(f"| option | meaning |\n| --- | --- |\n{rows}\n")
    return "\n".join(parts)


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    facts = [
        (option.help or "").rstrip("."),
        "one of " + ", ".join(f"`{choice}`" for choice in choices) if choices else "",
        "repeatable" if option.multiple and "repeatable" not in (option.help or "") else "",
        f"default `{option.default}`" if option.show_default and not option.is_flag else "",
    ]
    said = "; ".join(fact for fact in facts if fact).replace("|", "\\|")
    return f"| {names} | {said} |"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
