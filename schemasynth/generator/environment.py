"""Whether the SDK's local mode works on this machine and, if not, why and what cures it.

May import the standard library only; used by `schemasynth doctor`, by the generator and by tox.

The probes run in subprocesses: a native library that aborts while it is loaded must not take the
caller down, and a check must not pull torch into a process that does not need it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

LOCAL_EXTRA = "schemasynth[local]"

FIRST_UNSUPPORTED_PYTHON = (3, 14)
"""The SDK declares `requires-python <3.14`."""

REQUIRED_MODULES = ("mostlyai.sdk", "mostlyai.engine", "mostlyai.qa")
"""What the SDK's own check for local mode imports in the end, by public names."""

REQUIRED_DISTRIBUTIONS = ("mostlyai", "mostlyai-engine", "mostlyai-qa", "torch")

DISPENSABLE_DISTRIBUTIONS = ("torchvision", "torchaudio")
"""Required by the SDK's metadata but used by none of its code: transformers imports them whenever
they are installed, so one that was built for another torch breaks the SDK and none does not."""

PROBE_TIMEOUT_SECONDS = 300
"""A first import on a cold disk was seen to take a minute; far beyond that it hangs."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}


@dataclass(frozen=True, slots=True)
class LocalModeStatus:
    """What a check of the local mode found.

    Attributes:
        ok: Whether training and generating on this machine can work.
        problem: What is wrong, in one line; None when `ok`.
        cure: The command or step that puts it right; None when `ok`.
        removable: Installed distributions whose removal is the cure; empty for any other cure.
    """

    ok: bool
    problem: str | None = None
    cure: str | None = None
    removable: tuple[str, ...] = ()


def check_local_mode() -> LocalModeStatus:
    """Finds out whether the SDK's local mode can start.

    Takes about ten seconds where the SDK is installed, since it is really imported.

    Returns:
        The status; never raises for anything that is wrong with the installation.
    """
    if sys.version_info >= FIRST_UNSUPPORTED_PYTHON:
        return _unsupported_python()
    missing = [name for name in REQUIRED_DISTRIBUTIONS if installed_version(name) is None]
    if missing:
        return LocalModeStatus(
            ok=False,
            problem=f"not installed: {', '.join(missing)}",
            cure=_pip("install", LOCAL_EXTRA),
        )
    error = import_error(*REQUIRED_MODULES)
    if error is None:
        return LocalModeStatus(ok=True)
    return _diagnose(error)


def import_error(*modules: str) -> str | None:
    """Imports modules in a fresh interpreter of this environment, without network.

    Args:
        *modules: Dotted names, imported in this order.

    Returns:
        None when all can be imported, else the last line of what the interpreter said.
    """
    program = "\n".join(f"import {module}" for module in modules)
    try:
        probe = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | OFFLINE,
            timeout=PROBE_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PROBE_TIMEOUT_SECONDS} s"
    if probe.returncode == 0:
        return None
    lines = probe.stderr.strip().splitlines()
    return lines[-1] if lines else f"the interpreter ended with status {probe.returncode}"


def installed_version(distribution: str) -> str | None:
    """Looks a distribution up in this environment without importing it.

    Args:
        distribution: The name in the package registry.

    Returns:
        Its version, or None when it is not installed.
    """
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def repair_local_mode(status: LocalModeStatus) -> LocalModeStatus:
    """Removes what `status` names as removable from this environment and checks again.

    Args:
        status: The result of `check_local_mode`.

    Returns:
        The status after the repair; `status` itself when there is nothing to remove.

    Raises:
        subprocess.CalledProcessError: If pip cannot remove a distribution.
    """
    if not status.removable:
        return status
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "uninstall", "--yes", *status.removable],
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return check_local_mode()


def _unsupported_python() -> LocalModeStatus:
    limit = ".".join(map(str, FIRST_UNSUPPORTED_PYTHON))
    running = ".".join(map(str, sys.version_info[:2]))
    return LocalModeStatus(
        ok=False,
        problem=f"the MOSTLY AI SDK needs Python < {limit}, this is Python {running}",
        cure=f"install {LOCAL_EXTRA} in an environment of Python 3.11, 3.12 or 3.13",
    )


def _diagnose(error: str) -> LocalModeStatus:
    broken = tuple(
        name
        for name in DISPENSABLE_DISTRIBUTIONS
        if installed_version(name) is not None and import_error(name) is not None
    )
    if not broken:
        return LocalModeStatus(
            ok=False,
            problem=f"the MOSTLY AI SDK cannot be imported: {error}",
            cure=_pip("install", "--force-reinstall", LOCAL_EXTRA),
        )
    named = " and ".join(f"{name} {installed_version(name)}" for name in broken)
    return LocalModeStatus(
        ok=False,
        problem=f"{named} cannot be loaded beside torch {installed_version('torch')}",
        cure=_pip("uninstall", "--yes", *broken) + "  (the SDK works without)",
        removable=broken,
    )


def _pip(*arguments: str) -> str:
    return shlex.join([sys.executable, "-m", "pip", *arguments])


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the status of the local mode; the command line of this module.

    Args:
        arguments: What follows the program name; `sys.argv` when None.

    Returns:
        0 when local mode works, 1 otherwise.
    """
    parser = argparse.ArgumentParser(
        prog="python -m schemasynth.generator.environment",
        description="Checks that the MOSTLY AI SDK can run on this machine.",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="remove installed packages that keep the SDK from loading and that it does not use",
    )
    options = parser.parse_args(arguments)
    status = check_local_mode()
    if options.repair and status.removable:
        sys.stderr.write(f"{status.problem}: removing\n")
        status = repair_local_mode(status)
    if status.ok:
        return 0
    sys.stderr.write(f"{status.problem}\ncure: {status.cure}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
