"""The real SDK trains, generates, fails and is killed."""

# ruff: noqa: DTZ001 - columns without a time zone are the subject

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from schemasynth.arrays import frame
from schemasynth.errors import GeneratorError
from schemasynth.generator import (
    GeneratorSettings,
    TrainedGenerator,
    generate,
    measure,
    train,
    wipe,
)
from schemasynth.model.privacy import DifferentialPrivacy
from schemasynth.plan.model import Encoding
from schemasynth.rewrite.prepared import PreparedColumn, PreparedReference, PreparedTable

PARENTS = 300
CHILDREN = 900
NULL_SHARE = 0.2
SENTINEL = "ZQXJ"
"""Starts codes of the source that no model could make up by itself."""

PARENT_COLUMNS = {
    "amount": Encoding.NUMERIC_DIGIT,
    "born": Encoding.DATETIME,
    "kind": Encoding.CATEGORICAL,
    "flag": Encoding.CATEGORICAL,
    "always": Encoding.CATEGORICAL,
    "void": Encoding.NUMERIC_DIGIT,
}
CHILD_COLUMNS = {
    "at": Encoding.DATETIME,
    "clock": Encoding.NUMERIC_DIGIT,
    "span": Encoding.NUMERIC_BINNED,
    "ratio": Encoding.NUMERIC_BINNED,
    "large": Encoding.NUMERIC_DIGIT,
    "raw": Encoding.CATEGORICAL,
}
FAST = GeneratorSettings(max_epochs=2, seed=1, quality_report=False, timeout=300)


def learned(encodings):
    return tuple(PreparedColumn(name, encoding) for name, encoding in encodings.items())


TABLES = (
    PreparedTable("a/b: parent", "id", learned(PARENT_COLUMNS), (), PARENTS),
    PreparedTable(
        "child",
        "id",
        learned(CHILD_COLUMNS),
        (
            PreparedReference("parent", "a/b: parent", True),
            PreparedReference("gone", "empty", False),
        ),
    ),
    PreparedTable("empty", "id", learned({"v": Encoding.CHARACTER}), (), 5),
    PreparedTable("single", "id", learned({"v": Encoding.NUMERIC_DIGIT}), (), 3),
    PreparedTable("keys", "id", (), (), 0),
)


@pytest.fixture(scope="module")
def frames():
    random = np.random.default_rng(0)

    def some(values):
        return [None if random.random() < NULL_SHARE else value for value in values]

    def numbers(high, count):
        return [int(n) for n in random.integers(0, high, count)]

    start = dt.datetime(2020, 1, 1)
    parent = {
        "id": pa.array(range(1, PARENTS + 1)),
        "amount": pa.array(
            some(Decimal(n) / 100 for n in numbers(100_000, PARENTS)), pa.decimal128(10, 2)
        ),
        "born": pa.array(some((start + dt.timedelta(n)).date() for n in numbers(9_999, PARENTS))),
        "kind": pa.array(some(["seldom"] * 3 + ["often", "mostly"] * 149)[:PARENTS]),
        "flag": pa.array(some(n == 0 for n in numbers(3, PARENTS))),
        "always": pa.array(["k"] * PARENTS),
        "void": pa.nulls(PARENTS, pa.int64()),
    }
    child = {
        "id": pa.array(range(CHILDREN)),
        "parent": pa.array([n + 1 for n in numbers(PARENTS, CHILDREN)]),
        "gone": pa.nulls(CHILDREN, pa.int64()),
        "at": pa.array(
            some(start + dt.timedelta(minutes=n) for n in numbers(900_000, CHILDREN)),
            pa.timestamp("us", "UTC"),
        ),
        "clock": pa.array(some(dt.time(n // 60, n % 60) for n in numbers(1_440, CHILDREN))),
        "span": pa.array(some(dt.timedelta(minutes=n) for n in numbers(1_440, CHILDREN))),
        "ratio": pa.array(some(n / 1_000 for n in numbers(9_999, CHILDREN))),
        "large": pa.array([2**60 + n for n in numbers(1_000, CHILDREN)]),
        "raw": pa.array([bytes([n, 0]) for n in numbers(9, CHILDREN)], pa.binary()),
    }
    one = {"id": pa.array([1]), "v": pa.array([7])}
    return {
        "a/b: parent": frame(parent, PARENTS),
        "child": frame(child, CHILDREN),
        "empty": frame({"id": pa.array([], pa.int64()), "v": pa.array([], pa.string())}, 0),
        "single": frame(one, 1),
        "keys": frame({"id": pa.array(range(20))}, 20),
    }


CODES = (PreparedTable("code", "id", learned({"code": Encoding.CHARACTER}), (), 100),)


@pytest.fixture(scope="module")
def codes():
    ids = pa.array(range(200))
    values = pa.array([f"{SENTINEL}{i:05d}" for i in range(200)])
    return {"code": frame({"id": ids, "code": values}, 200)}


def test_differential_privacy_says_what_it_spent(tmp_path):
    table = PreparedTable("single", "id", learned({"v": Encoding.NUMERIC_DIGIT}), (), 50)
    values = {"id": pa.array(range(400)), "v": pa.array([n % 90 for n in range(400)])}
    rows = {"single": frame(values, 400)}
    told = DifferentialPrivacy(max_epsilon=8.0)
    settings = replace(FAST, differential=told)
    trained = train((table,), rows, settings, tmp_path)
    trained.save(tmp_path)
    trained = TrainedGenerator.load(tmp_path)
    assert trained.protected
    assert 0 < trained.tables[0].epsilon <= told.max_epsilon
    assert len(generate(trained, settings)["single"]) == 50


def test_a_model_out_of_time_is_known(tmp_path):
    many, noise = 20_000, np.random.default_rng(1).integers(0, 900, 20_000)
    table = PreparedTable("single", "id", learned({"v": Encoding.NUMERIC_DIGIT}), (), 50)
    rows = {"single": frame({"id": pa.array(range(many)), "v": pa.array(noise)}, many)}
    settings = replace(FAST, max_epochs=None, max_training_time=0.02)
    trained = train((table,), rows, settings, tmp_path)
    assert trained.tables[0].training.limited


def test_two_linked_tables_come_back_in_shape(frames, tmp_path):
    steps = []
    settings = GeneratorSettings(max_epochs=3, seed=1, timeout=300)
    trained = train(TABLES, frames, settings, tmp_path, steps.append)
    trained.save(tmp_path)
    trained = TrainedGenerator.load(tmp_path)
    synthetic = generate(trained, settings, steps.append)

    assert [table.training is None for table in trained.tables] == [False, False, True, True, True]
    for table in (table for table in trained.tables if table.training):
        assert table.training.seconds > 0
        assert 0 < table.training.epochs <= 3
        assert not table.training.limited

    assert {name: len(table) for name, table in synthetic.items() if name != "child"} == {
        "a/b: parent": PARENTS,
        "empty": 0,
        "single": 3,
        "keys": 0,
    }
    parent, child = synthetic["a/b: parent"], synthetic["child"]
    assert len(child) == pytest.approx(CHILDREN, rel=0.25)
    check_types(synthetic, frames)
    check_null_shares(synthetic, frames)
    assert parent["id"].is_unique
    assert child["id"].is_unique
    assert child["parent"].isin(parent["id"]).all()
    assert child["gone"].isna().all()
    check_values(synthetic, frames)
    tables = {table.name: table for table in trained.tables}
    assert 0.3 < tables["a/b: parent"].accuracy <= 1
    assert 0.3 < tables["child"].accuracy <= 1
    assert tables["single"].accuracy is None
    measured = measure(trained, TABLES, frames, synthetic, settings, steps.append)
    for table in measured.tables:
        assert table.accuracy == pytest.approx(tables[table.name].accuracy, abs=0.06), table.name
        assert table.metrics != tables[table.name].metrics or table.accuracy is None
    trains = [step for step in steps if step.step == "train" and step.subject == "child"]
    assert any("epoch" in step.message for step in trains)


def check_types(synthetic, frames):
    for name, table in synthetic.items():
        source = frames[name]
        assert list(table) == list(source)
        keys = {"id", "parent", "gone"}
        for column in table:
            expected = pa.string() if column in keys else source[column].dtype.pyarrow_dtype
            assert table[column].dtype.pyarrow_dtype == expected


def check_null_shares(synthetic, frames):
    for name, columns in (("a/b: parent", PARENT_COLUMNS), ("child", CHILD_COLUMNS)):
        for column in columns:
            expected = frames[name][column].isna().mean()
            assert synthetic[name][column].isna().mean() == pytest.approx(expected, abs=0.15)


def check_values(synthetic, frames):
    for name, table in synthetic.items():
        for column in table.columns.difference(["id", "parent", "gone"]):
            source, values = frames[name][column].dropna(), table[column].dropna()
            assert not values.astype(str).str.contains("_RARE_|mostly[0-9a-f]").any()
            if len(source) and len(values) and column != "raw":
                assert source.min() <= values.min()
                assert values.max() <= source.max()
    parent, child = synthetic["a/b: parent"], synthetic["child"]
    assert set(parent["kind"].dropna()) <= {"seldom", "often", "mostly"}
    assert set(parent["always"]) == {"k"}
    assert set(child["raw"]) <= set(frames["child"]["raw"])
    clocks = child["clock"].dropna()
    assert all(clock.second == 0 for clock in clocks)
    assert (synthetic["single"]["v"] == 7).all()


def test_killing_the_training_is_told_within_seconds_and_leaves_no_row(codes, tmp_path):
    killed = []

    def kill():
        process = job_process()
        time.sleep(1)
        os.kill(process.pid, signal.SIGKILL)
        killed.append(time.monotonic())

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(GeneratorError, match="killed by SIGKILL"):
        train(CODES, codes, replace(FAST, max_epochs=500), tmp_path)  # no machine is that fast
    assert time.monotonic() - killed[0] < 10
    assert files_with(SENTINEL, tmp_path) == []
    assert processes_of(tmp_path) == []


def job_process():
    """Wait for the process the SDK trains in."""
    for _ in range(600):
        for process in psutil.Process().children(recursive=True):
            if "run-training" in process.cmdline():
                return process
        time.sleep(0.1)
    raise AssertionError("no training process")


def files_with(text, folder):
    needle = text.encode()
    return [path for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def processes_of(folder):
    return [
        process.pid
        for process in psutil.process_iter()
        if process.pid != os.getpid() and mentions(process, str(folder))
    ]


def mentions(process, text):
    try:
        return text in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_a_failed_training_gives_the_reason_of_the_sdk(codes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = GeneratorSettings(model="MOSTLY_AI/Enormous", max_epochs=1, timeout=300)
    with pytest.raises(GeneratorError, match=r"failed to train: .*(Error|Exception): .*odel"):
        train(CODES, codes, settings, Path("relative"))
    assert files_with(SENTINEL, tmp_path) == []


def test_a_timeout_ends_the_job_and_all_its_processes(codes, tmp_path):
    settings = GeneratorSettings(timeout=2)
    started = time.monotonic()
    with pytest.raises(GeneratorError, match="timeout of 2 s"):
        train(CODES, codes, settings, tmp_path)
    assert time.monotonic() - started < 8
    assert processes_of(tmp_path) == []


def test_a_killed_caller_takes_the_job_with_it(tmp_path):
    """Wiping afterwards removes what the kill left."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "import pathlib, pyarrow as pa\n"
        "from schemasynth.arrays import frame\n"
        "from schemasynth.generator import GeneratorSettings, train\n"
        "from schemasynth.plan.model import Encoding\n"
        "from schemasynth.rewrite.prepared import PreparedColumn, PreparedTable\n"
        "column = PreparedColumn('code', Encoding.CHARACTER)\n"
        "table = PreparedTable('code', 'id', (column,), (), 9)\n"
        f"values = pa.array(['{SENTINEL}%05d' % i for i in range(200)])\n"
        "rows = {'code': frame({'id': pa.array(range(200)), 'code': values}, 200)}\n"
        "train([table], rows, GeneratorSettings(), pathlib.Path(sys.argv[1]))\n"
    )
    workdir = tmp_path / "work"
    root = os.getcwd()  # noqa: PTH109 - the folder the tests run in
    with subprocess.Popen([sys.executable, "-c", program, str(workdir), root]) as caller:
        wait_for(lambda: processes_of(workdir / "job"))
        caller.kill()
    wait_for(lambda: not processes_of(workdir))
    assert files_with(SENTINEL, workdir)
    wipe(workdir)
    assert files_with(SENTINEL, workdir) == []


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_rows_without_a_context_are_refused_by_number(frames, tmp_path):
    child = frames["child"].copy()
    child.loc[:6, "parent"] = None
    with pytest.raises(GeneratorError, match="7 of 900 rows of child"):
        train(TABLES, frames | {"child": child}, FAST, tmp_path)


@pytest.fixture
def server(tmp_path_factory):
    """The SDK's own server, which listens on all interfaces: it must not stay."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = (
        "import sys\n"
        "from mostlyai.sdk import MostlyAI\n"
        "MostlyAI(local=True, local_dir=sys.argv[1], local_port=int(sys.argv[2]), quiet=True)\n"
        "sys.stdin.read()\n"
    )
    home = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home), str(port)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_NUM_THREADS": "1"},
    )
    try:
        wait_for(lambda: answers(port), 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_trains_and_generates_the_same_way(codes, server, tmp_path):
    settings = GeneratorSettings(
        max_epochs=1, seed=1, quality_report=False, base_url=server, timeout=300
    )
    trained = train(CODES, codes, settings, tmp_path)
    trained.save(tmp_path)
    synthetic = generate(TrainedGenerator.load(tmp_path), settings, sizes={"code": 50})
    assert len(synthetic["code"]) == 50
    assert synthetic["code"]["code"].str.len().max() <= 9
    assert not list((tmp_path / "sdk").rglob("*.parquet"))


def test_a_server_that_does_not_answer_is_told(codes, tmp_path):
    settings = GeneratorSettings(base_url="http://127.0.0.1:9", timeout=60)
    with pytest.raises(GeneratorError, match="refused to train: APIError"):
        train(CODES, codes, settings, tmp_path)
