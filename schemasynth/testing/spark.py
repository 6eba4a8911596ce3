"""Spark on this machine and throw-away schemas for tests.

May be imported by tests only; imports nothing of the package.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOOPBACK = "127.0.0.1"
PARTITIONS = 1
"""After a shuffle: the default of 200 is for clusters."""
_SETTINGS = {
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.host": LOOPBACK,
    # Compiling less and collecting by one thread makes short jobs twice as fast.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.log.level": "OFF",
    "spark.default.parallelism": "1",
    "spark.sql.catalogImplementation": "in-memory",
    # Compiling a query takes longer than running it on a few rows.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": str(PARTITIONS),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class NoSpark(RuntimeError):
    """Spark cannot run on this machine; the message says what is missing."""


@contextmanager
def spark_session(master: str = "local[2]", **settings: str) -> Iterator[SparkSession]:
    """Provide a session that is active in this process while the context lasts.

    Args:
        master: where the jobs run.
        settings: of Spark, by name; stronger than those of tests.

    Raises:
        NoSpark: there is no Java.
    """
    from pyspark.sql import SparkSession

    if shutil.which("java") is None:
        raise NoSpark("Spark needs Java 17 or later; none is on the path.")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        builder = SparkSession.builder.appName("tests").master(master)
        builder = builder.config("spark.sql.warehouse.dir", folder)
        for name, value in {**_SETTINGS, **settings}.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        try:
            yield session
        finally:
            session.stop()


@contextmanager
def fresh_schema(session: SparkSession) -> Iterator[str]:
    """Create a schema with a random name and drop it at the end.

    Args:
        session: the active one.

    Yields:
        Its URL.
    """
    name = f"t{secrets.token_hex(6)}"
    session.sql(f"CREATE SCHEMA {name}")
    try:
        yield f"spark:///{name}"
    finally:
        session.sql(f"DROP SCHEMA {name} CASCADE")
