"""Collects what the benchmarks measure and prints it as one table at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from measures import Measure, Record, missed, table, write_json

COLLECTED = pytest.StashKey[list[Measure]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="leave out each family of databases alone: hours"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COLLECTED] = []


@pytest.fixture
def long(pytestconfig: pytest.Config) -> bool:
    """Whether the long form is asked for; the option exists where this folder is named."""
    return bool(pytestconfig.getoption("--long", default=False))


@pytest.fixture
def record(pytestconfig: pytest.Config) -> Record:
    """Note measures for the table, and fail where one misses its bar."""

    def note(*measures: Measure) -> None:
        pytestconfig.stash[COLLECTED].extend(measures)
        assert not missed(measures), "\n".join(missed(measures))

    return note


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    collected = config.stash[COLLECTED]
    if not collected:
        return
    terminalreporter.section("measures")
    terminalreporter.write_line(table(collected))
    cache = getattr(config, "cache", None)
    path = cache.mkdir("bench") / "measures.json" if cache else Path("measures.json")
    write_json(collected, path)
    terminalreporter.write_line(f"as JSON: {path}")
