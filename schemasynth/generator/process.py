"""Runs one job of the SDK in a process group of its own, watched, and ends it whatever happens.

Imports errors, progress and the settings; the process itself is `worker`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from schemasynth.errors import GeneratorError
from schemasynth.generator.names import TableNames
from schemasynth.generator.settings import GeneratorSettings
from schemasynth.progress import Listener, Progress

SOCKET_PATH_LIMIT = 60
"""Longest path of the job's folder for temporary files: the SDK opens a Unix socket there, whose
path may have 103 bytes on every system, of which its file name takes some 25."""

EXIT_SECONDS = 5.0
"""For a killed group to disappear."""

LOG_TAIL_BYTES = 65_536
REASON_LENGTH = 400
"""Characters of the SDK's message that are repeated."""

STEPS = {
    "PULL_TRAINING_DATA": "read",
    "ANALYZE_TRAINING_DATA": "analyse",
    "ENCODE_TRAINING_DATA": "encode",
    "TRAIN_MODEL": "train",
    "GENERATE_MODEL_REPORT_DATA": "measure accuracy",
    "CREATE_MODEL_REPORT": "measure accuracy",
    "FINALIZE_TRAINING": "train matcher",
    "GENERATE_DATA_TABULAR": "generate",
    "GENERATE_DATA_LANGUAGE": "generate text",
    "FINALIZE_GENERATION": "finish",
    "DELIVER_DATA": "finish",
}
"""The SDK's step codes, for people."""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Set to half the processors where the user set nothing: on two processors with other load, the
same training took 9 s on one thread and 50 s on two, which wait for each other at every step."""

_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*)?")
_ALIAS = re.compile(r"\b[tc]\d{4,}\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The private folders of a job.

    Attributes:
        root: holds all of them; readable by its owner only.
    """

    root: Path

    @property
    def sdk(self) -> Path:
        """The SDK's home: generators stay there, source rows do not."""
        return self.root / "sdk"

    @property
    def job(self) -> Path:
        """Everything of one job: rows, caches, temporary files, the log."""
        return self.root / "job"

    @property
    def log(self) -> Path:
        """What the SDK printed."""
        return self.job / "log.txt"

    def wipe(self) -> None:
        """Remove whatever holds rows: inputs, outputs, caches, logs, the SDK's copies."""
        for path in (
            self.job,
            self.sdk / "connectors",
            self.sdk / "in_progress",
            self.sdk / "synthetic-datasets",
        ):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def job_folder(root: Path) -> Iterator[JobFolder]:
    """Open a clean job folder and wipe it in the end.

    Args:
        root: the folder to make it in.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = JobFolder(root.resolve())
    folder.wipe()
    for path in (folder.job, folder.sdk):
        path.mkdir(exist_ok=True, mode=0o700)
    try:
        yield folder
    finally:
        folder.wipe()


def run_job(
    job: Mapping[str, Any],
    folder: JobFolder,
    settings: GeneratorSettings,
    names: Sequence[TableNames],
    listener: Listener,
) -> dict[str, Any]:
    """Run a job of the SDK and wait for it.

    Args:
        job: what `worker` reads; the SDK's own arguments are added here.
        folder: private to the job.
        settings: the time limits, and where the SDK runs.
        names: to speak of tables by their names.
        listener: hears of progress.

    Returns:
        The worker's result.

    Raises:
        GeneratorError: the job failed, was killed, stalled or took too long; repeats no value.
    """
    where = {"local": True, "local_dir": str(folder.sdk)}
    client = where if settings.base_url is None else {"base_url": settings.base_url}
    path = folder.job / "job.json"
    path.write_text(json.dumps({**job, "client": client}), "utf-8")
    with _temporary(folder) as temporary, _worker(path, folder, temporary) as process:
        return _listen(_Run(process, job["kind"], folder, settings, names), listener)


@contextmanager
def _temporary(folder: JobFolder) -> Iterator[Path]:
    """Give the job a folder for temporary files, in its own one unless that path is too long."""
    path = folder.job / "tmp"
    if len(os.fsencode(path.resolve())) <= SOCKET_PATH_LIMIT:
        path.mkdir(mode=0o700)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="synth-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def _worker(path: Path, folder: JobFolder, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    with folder.log.open("wb") as log:
        folder.log.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "schemasynth.generator.worker", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            cwd=folder.job,
            env=_environment(folder, temporary),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _kill(process)


def _environment(folder: JobFolder, temporary: Path) -> dict[str, str]:
    """Return the job's environment: private caches, no network, this installation.

    The offline switches keep Hugging Face's libraries from asking their hub for each training.
    """
    caches = folder.job / "cache"
    package = str(Path(__file__).resolve().parents[2])
    threads = str(max((os.cpu_count() or 1) // 2, 1))
    return {
        **dict.fromkeys(_THREADS, threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",
        "HF_HOME": str(caches / "huggingface"),
        "HF_DATASETS_CACHE": str(caches / "datasets"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "MPLCONFIGDIR": str(caches / "matplotlib"),
        "XDG_CACHE_HOME": str(caches),
        "TMPDIR": str(temporary),
    }


def _kill(process: subprocess.Popen[str]) -> None:
    """End a worker and everything it started, finished or not."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(EXIT_SECONDS)


@dataclass(frozen=True, slots=True)
class _Run:
    """A running worker and what is needed to speak of it."""

    process: subprocess.Popen[str]
    kind: str
    folder: JobFolder
    settings: GeneratorSettings
    names: Sequence[TableNames]


def _listen(run: _Run, listener: Listener) -> dict[str, Any]:
    events = _events(run.process)
    started = heard = time.monotonic()
    while True:
        limit = heard + run.settings.stall_seconds
        if run.settings.timeout is not None:
            limit = min(limit, started + run.settings.timeout)
        try:
            event = events.get(timeout=max(limit - time.monotonic(), 0))
        except queue.Empty:
            _raise_late(run, time.monotonic() - started)
        heard = time.monotonic()
        match event:
            case None:
                _raise_dead(run)
            case {"event": "done", "result": result}:
                return dict(result)
            case {"event": "failed"}:
                _raise_failed(run, event)
            case {"event": "progress"}:
                listener(_progress(event, run.names))
            case _:
                pass


def _events(process: subprocess.Popen[str]) -> queue.Queue[dict[str, Any] | None]:
    """Read a worker's events in the background; None stands for its end."""
    events: queue.Queue[dict[str, Any] | None] = queue.Queue()
    stream = process.stdout
    assert stream is not None  # noqa: S101 - it was opened as a pipe

    def read() -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in stream:
                events.put(json.loads(line))
        events.put(None)

    threading.Thread(target=read, daemon=True).start()
    return events


def _progress(event: Mapping[str, Any], names: Sequence[TableNames]) -> Progress:
    tables = {entry.alias: entry.name for entry in names}
    return Progress(
        STEPS.get(event["step"], event["step"].lower()),
        tables.get(event["table"], ""),
        event["done"],
        event["total"],
        event["message"],
    )


def _raise_late(run: _Run, seconds: float) -> NoReturn:
    timeout = run.settings.timeout
    if timeout is not None and seconds >= timeout:
        raise GeneratorError(
            f"The MOSTLY AI SDK did not {run.kind} within the timeout of {timeout:g} s and was "
            "stopped; allow more time or lower max_training_time."
        )
    raise GeneratorError(
        f"The MOSTLY AI SDK was to {run.kind}, showed no sign of life for "
        f"{run.settings.stall_seconds:g} s and was stopped; try again or raise stall_timeout."
    )


def _raise_dead(run: _Run) -> NoReturn:
    try:
        code = run.process.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        code = 0
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    reason = logged_reason(run.folder.log, run.names)
    raise GeneratorError(
        f"The process in which the MOSTLY AI SDK was to {run.kind} {how}{_killed_hint(how)}"
        f"{_after(reason)}"
    )


def _raise_failed(run: _Run, event: Mapping[str, Any]) -> NoReturn:
    message = event["message"]
    if event["kind"] == "client":
        reason = scrubbed(message, run.names)
        raise GeneratorError(f"The MOSTLY AI SDK refused to {run.kind}: {reason}")
    reason = "" if "killed" in message else logged_reason(run.folder.log, run.names)
    raise GeneratorError(
        f"The MOSTLY AI SDK failed to {run.kind}: {message}{_killed_hint(message)}{_after(reason)}."
    )


def _killed_hint(how: str) -> str:
    return " (out of memory, or stopped from outside)" if "SIGKILL" in how else ""


def _after(reason: str) -> str:
    return f": {reason}" if reason else ""


def logged_reason(log: Path, names: Sequence[TableNames]) -> str:
    """Return type and message of the last exception in a log, without values.

    Args:
        log: the worker's stderr.
        names: of the tables, to put back in the place of aliases.
    """
    with log.open("rb") as stream:
        stream.seek(max(log.stat().st_size - LOG_TAIL_BYTES, 0))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    starts = [i for i, line in enumerate(lines) if "Traceback (most recent call last)" in line]
    if not starts:
        return ""
    after = (line for line in lines[starts[-1] + 1 :] if _EXCEPTION.fullmatch(line))
    return scrubbed(next(after, ""), names)


def scrubbed(message: str, names: Sequence[TableNames]) -> str:
    """Return a message of the SDK without what may be a value of a row.

    Args:
        message: as the SDK wrote it.
        names: of the tables; quoted text stays only if it is one of their aliases, which are
            replaced by the names.
    """
    known = {entry.alias: entry.name for entry in names}
    known |= {alias: name for entry in names for name, alias in entry.columns}
    text = _QUOTED.sub(
        lambda match: match.group() if match.group()[1:-1] in known else "'…'",
        " ".join(message.split()),
    )
    text = _ALIAS.sub(lambda match: known.get(match.group(), match.group()), text)
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 1] + "…"
