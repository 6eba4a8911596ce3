"""The process in which the SDK runs: ``python -m schemasynth.generator.worker JOB.json``.

Started by `process` only, in a process group of its own; talks in JSON lines on its stdout. The
same code serves LOCAL and CLIENT mode. It polls, because the SDK's own waiting never returns when
its job is killed, and its failed jobs raise nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.5
REQUEST_SECONDS = 600.0
"""For one request to the SDK's server: uploads and downloads carry whole tables."""

POLL_FAILURES = 20
"""Polls that may fail in a row: the SDK reads its progress file while its job rewrites it."""

CPU_SECONDS = 0.2
"""Computing time between two polls that counts as a sign of life."""

ACCURACY_ROWS = 100_000
"""Rows, or families of rows, whose accuracy is measured: as many as in the SDK's own reports."""
COHERENCE_ROWS = 10_000
"""Families of rows in which siblings are compared; shares of them are then known to 0.01."""
EMBEDDING_ROWS = 1_000
"""Rows whose embeddings are compared, of which nothing is told here; few cost little."""
EPSILON = "privacy.epsilon"
"""Name of the figure that says what differential privacy has spent."""
SECONDS, EPOCHS, DUE = "training.seconds", "training.epochs", "training.due"
"""Names of the figures that say how long a model was trained, over how many passes, and after how
many seconds the SDK would have told the next of them: it tells none that is cut short."""
TEXT = "text."
"""Before the names of a text model's figures."""

DONE, FAILED, CANCELED = "DONE", "FAILED", "CANCELED"


class JobFailed(Exception):
    """The SDK's job failed or died; the message is for the parent."""


@dataclass(slots=True)
class Channel:
    """Writes events for the parent.

    Attributes:
        stream: the process's original stdout.
        last: the last progress sent, to send changes only.
    """

    stream: Any
    last: tuple[Any, ...] = ()

    def send(self, event: str, **facts: Any) -> None:
        """Write one event."""
        self.stream.write(json.dumps({"event": event, **facts}) + "\n")
        self.stream.flush()

    def progress(self, job: Any) -> bool:
        """Write a job's progress where it changed; return whether it did."""
        step = _current_step(job)
        if step is None:
            return False
        messages = step.messages or []
        now = (
            step.step_code.value if step.step_code else "",
            (step.model_label or "").split(":")[0],
            float(step.progress.value if step.progress else 0),
            float(step.progress.max if step.progress else 0),
            _training_message(messages[-1]) if messages else "",
        )
        if now == self.last:
            return False
        self.last = now
        names = ("step", "table", "done", "total", "message")
        self.send("progress", **dict(zip(names, now, strict=True)))
        return True


def _current_step(job: Any) -> Any:
    started = [step for step in job.steps or [] if step.start_date is not None]
    running = [step for step in started if step.end_date is None]
    return (running or started or [None])[-1]


def _training_message(message: Mapping[str, Any]) -> str:
    parts = []
    if message.get("epoch") is not None:
        parts.append(f"epoch {message['epoch']:.1f}")
    if message.get("val_loss") is not None:
        parts.append(f"loss {message['val_loss']:.3f}")
    return ", ".join(parts)


@dataclass(slots=True)
class LocalJobs:
    """Watches the processes the SDK starts below this one.

    Attributes:
        before: ids of the children there were before.
        computed: seconds they computed so far.
    """

    before: set[int] = field(default_factory=set)
    computed: float = 0.0

    def __post_init__(self) -> None:
        """Note the children there are."""
        self.before = {child.pid for child in self._children()}

    def death(self) -> str | None:
        """Return how the SDK's job ended, or None while it runs."""
        import psutil  # type: ignore[import-untyped]

        jobs = [child for child in self._children() if child.pid not in self.before]
        if not jobs:
            return "ended"
        try:
            code = jobs[0].wait(timeout=0)
        except psutil.TimeoutExpired:
            return None
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with status {code}"

    def alive(self) -> bool:
        """Return whether the job computed since the last call."""
        import psutil

        total = 0.0
        for child in self._children():
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        advanced = total - self.computed > CPU_SECONDS
        self.computed = max(total, self.computed) if advanced else self.computed
        return advanced

    @staticmethod
    def _children() -> list[Any]:
        import psutil

        children: list[Any] = psutil.Process().children()
        return children


class RemoteJobs:
    """Stands for jobs on a server, of which nothing but their progress can be seen."""

    def death(self) -> str | None:
        """Return None: unknown."""
        return None

    def alive(self) -> bool:
        """Return False: progress is the only sign of life."""
        return False


def follow(
    poll: Callable[[], Any], jobs: LocalJobs | RemoteJobs, channel: Channel, what: str
) -> None:
    """Poll a job until it is done.

    Args:
        poll: returns the SDK's progress of the job.
        jobs: its processes.
        channel: hears of progress and signs of life.
        what: the job, for the message.

    Raises:
        JobFailed: it failed, was cancelled or died.
    """
    failures = 0
    death = None
    while failures <= POLL_FAILURES:
        death = death or jobs.death()
        try:
            job = poll()
        except Exception:  # noqa: BLE001 - whatever it was, the next poll tells whether it lasts
            failures += 1
            time.sleep(POLL_SECONDS)
            continue
        failures = 0
        status = job.status.value if job.status else None
        if status == DONE:
            return
        if status in (FAILED, CANCELED):
            raise JobFailed(f"{what} {status.lower()}")
        if death is not None:
            raise JobFailed(f"the process of {what} {death}")
        if channel.progress(job) or jobs.alive():
            channel.send("alive")
        time.sleep(POLL_SECONDS)
    raise JobFailed(f"the progress of {what} cannot be read any more")


def train(job: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """Train a generator and return its id and metrics."""
    client = _client(job)
    config = dict(job["config"])
    config["tables"] = [{**table, "data": job["data"][table["name"]]} for table in config["tables"]]
    generator = client.generators.create(config)
    del config
    channel.send("created", generator_id=generator.id)
    jobs = _jobs(job)
    generator.training.start()
    follow(generator.training.progress, jobs, channel, "training")
    trained = _trained(generator.training.progress())
    generator = client.generators.get(generator.id)
    return {
        "generator_id": generator.id,
        "accuracy": generator.accuracy,
        "tables": {t.name: _metrics(t) | trained.get(t.name, {}) for t in generator.tables},
    }


def _trained(job: Any) -> dict[str, dict[str, float]]:
    """Return what training took of each table: time, passes, and differential privacy.

    What privacy has spent is that of the weights that were kept.
    """
    found: dict[str, dict[str, float]] = {}
    for step in job.steps or []:
        messages = step.messages or []
        if not (step.model_label and messages):
            continue
        table, _, model = step.model_label.rpartition(":")
        prefix = TEXT if model == "language" else ""
        figures = found.setdefault(table, {})
        times = [float(m["total_time"]) for m in messages if m.get("total_time") is not None]
        if times:
            before = times[-2] if len(times) > 1 else 0.0
            figures[f"{prefix}{SECONDS}"] = times[-1]
            figures[f"{prefix}{DUE}"] = 2 * times[-1] - before
        if messages[-1].get("epoch") is not None:
            figures[f"{prefix}{EPOCHS}"] = float(messages[-1]["epoch"])
        kept = [m["dp_eps"] for m in messages if m.get("is_checkpoint") and m.get("dp_eps")]
        if kept:
            figures[f"{prefix}{EPSILON}"] = float(kept[-1])
    return found


def generate(job: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """Generate tables and download them as one archive of Parquet files."""
    client = _client(job)
    tables = [
        {
            "name": name,
            "configuration": {"sample_size": size, "enable_data_report": False},
        }
        for name, size in job["sizes"].items()
    ]
    dataset = client.synthetic_datasets.create(
        {"generator_id": job["generator_id"], "random_state": job["seed"], "tables": tables}
    )
    jobs = _jobs(job)
    dataset.generation.start()
    follow(dataset.generation.progress, jobs, channel, "generation")
    dataset.download(job["archive"], format="parquet")
    dataset.delete()
    return {}


def measure(job: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """Compare generated tables with those learned from, and return their accuracy."""
    found = {}
    for done, table in enumerate(job["tables"]):
        facts = {"table": table["name"], "done": done, "total": len(job["tables"])}
        channel.send("progress", step="CREATE_MODEL_REPORT", message="", **facts)
        found[table["name"]] = _measured(table, Path(job["folder"]), channel)
    return {"tables": found}


def _measured(table: Mapping[str, Any], folder: Path, channel: Channel) -> dict[str, float]:
    from mostlyai.qa import report

    def alive(**_: Any) -> None:
        channel.send("alive")

    context = table.get("context")
    keys = [context["reference"]] if context else []
    rows: dict[str, Any] = {
        "trn_tgt_data": _rows(table["source"], [*table["columns"], *keys]),
        "syn_tgt_data": _rows(table["synthetic"], [*table["columns"], *keys]),
    }
    if context:
        above = [*context["columns"], context["key"]]
        rows |= {
            "tgt_context_key": context["reference"],
            "ctx_primary_key": context["key"],
            "trn_ctx_data": _rows(context["source"], above),
            "syn_ctx_data": _rows(context["synthetic"], above),
        }
    _, metrics = report(
        **rows,
        report_path=folder / "report.html",
        statistics_path=folder / "statistics",
        max_sample_size_accuracy=ACCURACY_ROWS,
        max_sample_size_coherence=COHERENCE_ROWS,
        max_sample_size_embeddings=EMBEDDING_ROWS,
        update_progress=alive,
    )
    accuracy = metrics.accuracy.model_dump() if metrics and metrics.accuracy else {}
    return {f"accuracy.{name}": value for name, value in accuracy.items() if value is not None}


def _rows(path: str, columns: list[str]) -> Any:
    """Read rows as the SDK reads them for its own reports."""
    import pandas as pd

    frame = pd.read_parquet(path, columns=columns)
    texts = frame.select_dtypes(include=["object", "string"]).columns
    return frame.astype(dict.fromkeys(texts, "string[pyarrow]"))


def _metrics(table: Any) -> dict[str, float]:
    """Flatten a table's metrics: ``accuracy.overall``, ``distances.dcr_share``, ….

    A table with a text model has those under ``text.``.
    """
    found: dict[str, float] = {}
    for prefix, metrics in (
        ("", table.tabular_model_metrics),
        (TEXT, table.language_model_metrics),
    ):
        for group in ("accuracy", "similarity", "distances"):
            values = getattr(metrics, group, None)
            for name, value in (values.model_dump() if values is not None else {}).items():
                if value is not None:
                    found[f"{prefix}{group}.{name}"] = value
    return found


def _jobs(job: Mapping[str, Any]) -> LocalJobs | RemoteJobs:
    return LocalJobs() if job["client"].get("local") else RemoteJobs()


def _client(job: Mapping[str, Any]) -> Any:
    from mostlyai.sdk import MostlyAI

    return MostlyAI(**job["client"], timeout=REQUEST_SECONDS, test_connection=False, quiet=True)


def _die_with_parent() -> None:
    """End the whole process group when the parent is gone: its end of stdin is closed then."""
    sys.stdin.buffer.read()
    _kill_group()


def _kill_group() -> None:
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _own_channel() -> Channel:
    """Keep stdout for events; whatever the SDK and its jobs print goes to the log."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Channel(stream)


def main(path: str) -> int:
    """Run the job described in a file.

    Args:
        path: of the job's JSON.

    Returns:
        0 when done, 1 when it failed, which an event has told.
    """
    channel = _own_channel()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    job = json.loads(Path(path).read_text("utf-8"))
    run = {"train": train, "generate": generate, "measure": measure}[job["kind"]]
    channel.send("alive")
    try:
        result = run(job, channel)
    except JobFailed as error:
        channel.send("failed", message=str(error), kind="job")
        return 1
    except Exception as error:  # noqa: BLE001 - the parent alone decides what an error means
        channel.send("failed", message=f"{type(error).__name__}: {error}", kind="client")
        return 1
    channel.send("done", result=result)
    return 0


if __name__ == "__main__":
    # The SDK's job may still draw samples nobody asked for: the parent ends the group.
    status = main(sys.argv[1])
    sys.stdout.flush()
    os._exit(status)
