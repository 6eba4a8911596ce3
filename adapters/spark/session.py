"""Sessions: the one a notebook or a cluster has, or one that a URL leads to.

Imported by the Spark adapter's driver only. Each connection has a session of its own, so that its
current schema and its settings are nobody else's.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import sqlalchemy as sa

from schemasynth.adapter import CHUNK_ROWS
from schemasynth.errors import AdapterError
from schemasynth.settings import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DATABRICKS = "databricks"
CONNECT = "spark+connect"
CONNECT_PORT = 15002
"""Where a Spark Connect server listens by default."""
MASTER_PORT = 7077
"""Where the master of a standalone cluster listens by default."""
HTTPS_PORT = 443
MASTER, CLUSTER = "master", "cluster_id"
"""Parameters of a URL that are no settings of Spark."""
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # what does not fit is an error, and no NULL
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(CHUNK_ROWS),
}
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # it would repeat values of rows; errors are raised as well
}
"""Of a session that is begun here; a URL may say otherwise."""
_REPEATS_VALUES = "SQLQueryContextLogger"
"""PySpark's logger of failed queries, whose messages hold the value that did not fit."""


def open_session(url: sa.URL) -> SparkSession:
    """Return a session of a connection's own.

    Args:
        url: ``spark:///SCHEMA`` for the active session or a local one, ``spark://HOST/SCHEMA`` for
            a standalone cluster, ``spark+connect://HOST/SCHEMA`` for Spark Connect,
            ``databricks:///SCHEMA`` in a workspace, ``databricks://token:TOKEN@HOST/SCHEMA`` from
            outside. SCHEMA may name a catalogue: ``main.sales``.

    Raises:
        AdapterError: there is no such session.
    """
    logging.getLogger(_REPEATS_VALUES).disabled = True
    session = _session(url)
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    if url.database:
        session.sql(f"USE {quoted(*url.database.split('.'))}")
    return session


def quoted(*parts: str) -> str:
    """Return a dotted name, quoted."""
    return ".".join("`{}`".format(part.replace("`", "``")) for part in parts)


def _session(url: sa.URL) -> SparkSession:
    if url.drivername == CONNECT:
        return _remote(f"sc://{url.host}:{url.port or CONNECT_PORT}/" + _connect_options(url))
    if url.drivername == DATABRICKS and url.host:
        return _remote(f"sc://{url.host}:{url.port or HTTPS_PORT}/" + _databricks_options(url))
    return _apart(_active_or_begun(url))


def _remote(address: str) -> SparkSession:
    from pyspark.sql import SparkSession

    return SparkSession.builder.remote(address).create()


def _connect_options(url: sa.URL) -> str:
    token = f";token={url.password}" if url.password else ""
    return token + "".join(f";{name}={value}" for name, value in url.query.items())


def _databricks_options(url: sa.URL) -> str:
    """Return the options of a workspace's Spark Connect address.

    Raises:
        AdapterError: the URL names no token or no cluster.
    """
    cluster = url.query.get(CLUSTER)
    if not url.password or not cluster:
        raise AdapterError(
            f"{shown(url)}: from outside a workspace, a URL has a token and a cluster: "
            f"databricks://token:${{TOKEN}}@HOST/CATALOG.SCHEMA?{CLUSTER}=ID."
        )
    return f";use_ssl=true;token={url.password};x-databricks-cluster-id={cluster}"


def _active_or_begun(url: sa.URL) -> SparkSession:
    from pyspark.sql import SparkSession

    wanted = _master(url)
    active = SparkSession.getActiveSession()
    if active is not None:
        master = active.conf.get("spark.master", None) if wanted else None
        if wanted and master != wanted:
            raise AdapterError(
                f"{shown(url)}: this process has a Spark session on {master} already, and can "
                f"have no second one on {wanted}."
            )
        return active
    if url.drivername == DATABRICKS:
        raise AdapterError(
            "There is no Spark session in this process: run it in a Databricks notebook or job, or "
            f"give a host: databricks://token:${{TOKEN}}@HOST/CATALOG.SCHEMA?{CLUSTER}=ID."
        )
    builder = SparkSession.builder.appName("schemasynth").master(wanted or "local[*]")
    settings = {name: str(value) for name, value in url.query.items() if name != MASTER}
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in {**_LOCAL, **settings}.items():
        builder = builder.config(name, value)
    if "spark.sql.catalogImplementation" not in settings:
        builder = builder.enableHiveSupport()  # other catalogues forget their tables at the end
    return builder.getOrCreate()


def _master(url: sa.URL) -> str | None:
    if url.host:
        return f"spark://{url.host}:{url.port or MASTER_PORT}"
    master = url.query.get(MASTER)
    return str(master) if master else None


def _apart(session: SparkSession) -> SparkSession:
    """Return a session with settings of its own; Spark Connect before 4.1 has none."""
    from pyspark.errors import PySparkException

    with suppress(PySparkException, AttributeError, NotImplementedError):
        return session.newSession()
    return session
