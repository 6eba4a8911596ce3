"""The audit file: what was done to which database, in lines of JSON that hold each other fast.

Imports errors only. A line holds phases, names, figures and classes of statements; never a row
value, a statement's text or a password. Each line holds the hash of the one before it, so that
none can be altered, removed or moved unnoticed; who rewrites all of them is found by the head,
the hash of the last line, if somebody kept it elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

from schemasynth import __version__
from schemasynth.errors import SettingsError

NAME = "audit.jsonl"
"""Of the file in a workspace."""
BEGIN, END = "begin", "end"
ORIGIN = "0" * 64
"""What the first line holds in the place of a hash."""
_PRIVATE = 0o600
_TAIL_BYTES = 1 << 20
"""Far more than a line has; so much is read of the end of a file to find the last one."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What verifying a file found.

    Attributes:
        lines: in the file.
        runs: begun in it.
        head: hash of the last line.
        fault: the first thing that is wrong, with its line; empty if nothing is.
        unfinished: runs without an end that others follow: they were killed.
    """

    lines: int
    runs: int
    head: str
    fault: str
    unfinished: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault


class AuditFile:
    """Appends lines; several processes may, to one file."""

    def __init__(self, path: Path, run: str) -> None:
        """Name the file, which is made with its first line.

        Args:
            path: the file; made readable by its owner only.
            run: names the run in each line.
        """
        self.path, self.run = path, run

    def note(self, event: str, **facts: Any) -> str:
        """Append a line, on the disk when this returns.

        Args:
            event: a phase, `BEGIN` or `END`.
            facts: JSON-serialisable names and figures.

        Returns:
            The line's hash.

        Raises:
            SettingsError: the file cannot be written, or its last line is no line of it.
        """
        try:
            with _appending(self.path) as descriptor:
                line, found = _line(_last(descriptor), self.run, event, facts)
                os.write(descriptor, line)
                os.fsync(descriptor)
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be written: {error.strerror}.") from None
        except ValueError:
            raise SettingsError(
                f"The last line of {self.path} is damaged; look at it with `schemasynth audit`, "
                "and name another file."
            ) from None
        return found

    def begin(self, **facts: Any) -> None:
        """Append the line that begins a run: who, with which version, and the facts given."""
        with suppress(OSError, KeyError):  # an account without a name
            facts = {"user": getuser(), **facts}
        self.note(BEGIN, version=__version__, **facts)


@contextmanager
def _appending(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _PRIVATE)
    try:
        with suppress(ImportError):  # not on Windows
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _last(descriptor: int) -> Mapping[str, Any] | None:
    """Return the last line.

    Raises:
        ValueError: it is no line of an audit file, or was not finished.
    """
    size = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, max(0, size - _TAIL_BYTES), os.SEEK_SET)
    tail = os.read(descriptor, _TAIL_BYTES)
    if not tail:
        return None
    if not tail.endswith(b"\n"):
        raise ValueError("unfinished")
    return _read(tail[:-1].rpartition(b"\n")[2])


def _read(line: bytes) -> Mapping[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict) or not {"line", "hash", "run", "event"} <= set(found):
        raise ValueError("no line of an audit file")
    return found


def _line(
    last: Mapping[str, Any] | None, run: str, event: str, facts: Mapping[str, Any]
) -> tuple[bytes, str]:
    content = {
        "line": int(last["line"]) + 1 if last else 1,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": run,
        "event": event,
        **facts,
        "before": last["hash"] if last else ORIGIN,
    }
    found = _hash(content)
    return _written({**content, "hash": found}) + b"\n", found


def _written(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_written(content)).hexdigest()


def verify_audit(path: Path, head: str | None = None) -> Audit:
    """Check that the lines of a file are as they were written, all there and in order.

    Args:
        path: the file.
        head: the hash that its last line had, or one that any line had, if somebody kept it.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    lines = content.split(b"\n")
    torn = lines.pop() != b""
    before, number, hashes = ORIGIN, 0, set()
    open_runs: dict[str, None] = {}
    runs = 0
    last_run, fault = "", ""
    for number, line in enumerate(lines, 1):
        found, fault = _checked(line, number, before)
        if found is None:
            break
        before = found["hash"]
        hashes.add(before)
        last_run = str(found["run"])
        runs += found["event"] == BEGIN
        if found["event"] == END:
            open_runs.pop(last_run, None)
        else:
            open_runs[last_run] = None
    if not fault:
        fault = _end_fault(number, before, hashes, head, torn=torn, cut=last_run in open_runs)
    unfinished = tuple(run for run in open_runs if run != last_run)
    return Audit(len(lines), runs, before, fault, unfinished)


def _checked(line: bytes, number: int, before: str) -> tuple[Mapping[str, Any] | None, str]:
    try:
        found = _read(line)
    except ValueError:
        return None, f"Line {number} is no line of an audit file."
    content = {name: value for name, value in found.items() if name != "hash"}
    if _written(found) != line or _hash(content) != found["hash"]:
        return None, f"Line {number} was altered after it was written."
    if found["line"] != number or found.get("before") != before:
        return (
            None,
            f"Line {number} does not follow the one before it: lines were removed or moved.",
        )
    return found, ""


def _end_fault(
    number: int, last: str, hashes: set[str], head: str | None, *, torn: bool, cut: bool
) -> str:
    if torn:
        return f"Line {number + 1} was not finished."
    if head is not None and head not in hashes:
        return "No line has the hash that was kept: lines were removed, or the file was rewritten."
    if cut:
        return (
            f"The run of line {number} has no end: it is still going on, it was killed, or lines "
            "were removed behind it."
        )
    return "" if number else "There are no lines."
