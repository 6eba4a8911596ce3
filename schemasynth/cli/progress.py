"""Progress for people, on stderr: one live line on a terminal, a line a change elsewhere.

Imported by the command modules only.
"""

from __future__ import annotations

import time

import click

from schemasynth.progress import Listener, Progress

PLAIN_SECONDS = 5.0
"""Shortest time between two plain lines of the same step and subject: logs stay readable."""


def describe(progress: Progress) -> str:
    """Return one line for a message of work."""
    parts = [progress.step, progress.subject]
    if progress.total:
        parts.append(f"{progress.done:,.0f}/{progress.total:,.0f}")
    elif progress.done:
        parts.append(f"{progress.done:,.0f}")
    parts.append(progress.message)
    return "  ".join(part for part in parts if part)


def plain() -> Listener:
    """Return a listener for logs: prints a line when step or subject change, or time has passed."""
    last: tuple[str, str] | None = None
    printed = 0.0

    def listen(progress: Progress) -> None:
        nonlocal last, printed
        key, now = (progress.step, progress.subject), time.monotonic()
        if key == last and now - printed < PLAIN_SECONDS:
            return
        last, printed = key, now
        click.echo(describe(progress), err=True)

    return listen


def terminal() -> Listener:
    """Return a listener for a terminal: a line per step, rewritten while it lasts."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=False)
    step: str | None = None
    started = 0.0

    def listen(progress: Progress) -> None:
        nonlocal step, started
        if progress.step != step:
            if step is not None:
                console.file.write("\n")
            step, started = progress.step, time.monotonic()
        line = f"{describe(progress)}  {time.monotonic() - started:.0f} s"
        console.file.write("\r\x1b[2K" + line[: console.width - 1])
        console.file.flush()

    return listen
