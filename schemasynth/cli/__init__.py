"""The command line: each command is a thin shell over a function of `schemasynth.api`.

Imported by the console script only; loads neither a driver nor the generator until needed.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

import click

from schemasynth import __version__
from schemasynth.cli import (
    audit,
    config,
    demo,
    doctor,
    grants,
    introspect,
    plan,
    recover,
    refresh,
    target,
    verify,
)
from schemasynth.errors import SchemasynthError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells have it."""


class Group(click.Group):
    """A group whose commands end with one clear line and the exit code of the error."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn errors into a line on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except SchemasynthError as error:
            self._fail(ctx, str(error), error.exit_code, error)
        except KeyboardInterrupt as error:
            self._fail(ctx, "Interrupted; the target is as it was.", INTERRUPTED, error)
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(0)
        except click.Abort as error:
            self._fail(ctx, "Interrupted; the target is as it was.", INTERRUPTED, error)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except OSError as error:
            self._fail(ctx, _system(error), 1, error)
        except Exception as error:  # noqa: BLE001 the last frontier before the user
            self._fail(ctx, _unexpected(error), 1, error)
        return None

    @staticmethod
    def _fail(ctx: click.Context, message: str, code: int, error: BaseException) -> None:
        if ctx.params.get("debug"):
            traceback.print_exception(error)
        click.echo(f"Error: {message}", err=True)
        ctx.exit(code)


def _system(error: OSError) -> str:
    """Name what the operating system refused, and where."""
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def _stop(number: int, _frame: FrameType | None) -> None:
    """Unwind instead of dying at once, so that the worker ends and source rows are wiped."""
    sys.exit(128 + number)


def _unexpected(error: Exception) -> str:
    """Name an error of no known kind without its text, which may hold row values."""
    return (
        f"Something unexpected went wrong ({type(error).__name__}). "
        "Run again as `schemasynth --debug …` for the traceback, and please report it."
    )


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="schemasynth")
@click.option("--debug", is_flag=True, help="Show tracebacks; they may contain row values.")
def main(debug: bool) -> None:
    """Refresh a pre-production database with synthetic data.

    The first useful command, on your own database (nothing is written there):

    \b
      schemasynth introspect postgresql://reader:${PASSWORD}@host/live
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


for command in (
    introspect.command,
    plan.command,
    config.command,
    grants.command,
    target.group,
    refresh.command,
    recover.command,
    audit.command,
    verify.command,
    doctor.command,
    demo.command,
):
    main.add_command(command)
