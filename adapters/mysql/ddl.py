"""The text of SHOW CREATE TABLE, taken apart: what a staged table has and what it gets later.

Imported by the MySQL load only. ``CREATE TABLE … LIKE`` would be shorter, but forgets names of
checks on MySQL, and on MariaDB lets a later foreign key replace an index made for an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .journal import Check, Key
from .names import quoted

_NAME = r"`(?:[^`]|``)*`"
_COLUMNS = rf"(?:{_NAME}(?:, ?)?)+"
_KEY = re.compile(
    rf"\s*CONSTRAINT (?P<name>{_NAME}) FOREIGN KEY \((?P<columns>{_COLUMNS})\) REFERENCES "
    rf"(?:(?P<schema>{_NAME})\.)?(?P<table>{_NAME}) \((?P<referred>{_COLUMNS})\)(?P<rules>.*?),?"
)
_CHECK = re.compile(rf"\s*CONSTRAINT (?P<name>{_NAME}) (?P<definition>CHECK .*?),?")
_BEGIN = re.compile(rf"CREATE TABLE (?:{_NAME}\.)?{_NAME} ")
_OPTIONS = ")"
_COUNTER = re.compile(r"^(\).*?ENGINE=\w+) AUTO_INCREMENT=\d+")


@dataclass(frozen=True, slots=True)
class Definition:
    """A table as SHOW CREATE TABLE writes it.

    Attributes:
        lines: without foreign keys and without where its counter stands.
        keys: its foreign keys, without interim names.
    """

    lines: tuple[str, ...]
    keys: tuple[Key, ...]

    def create(self, schema: str, name: str, checks: Sequence[Check] = ()) -> str:
        """Return the statement that creates an empty table like it, without foreign keys.

        Args:
            schema: where.
            name: the new table's.
            checks: those that get an interim name.
        """
        text = "\n".join(self.lines)
        for check in checks:
            text = text.replace(
                f"CONSTRAINT {quoted(check.name)} CHECK ",
                f"CONSTRAINT {quoted(check.interim)} CHECK ",
            )
        return _BEGIN.sub(lambda _: f"CREATE TABLE {quoted(schema, name)} ", text, count=1)

    def checks(self) -> list[tuple[str, str]]:
        """Return names and definitions of its checks."""
        found = (_CHECK.fullmatch(line) for line in self.lines)
        return [(_plain(m["name"]), m["definition"]) for m in found if m]


def definition(sql: str, schema: str) -> Definition:
    """Take SHOW CREATE TABLE apart.

    Args:
        sql: its text, every name quoted.
        schema: the table's.
    """
    lines = sql.split("\n")
    found = {line: match for line in lines if (match := _KEY.fullmatch(line))}
    kept = [_COUNTER.sub(r"\1", line) for line in lines if line not in found]
    end = next(i for i, line in enumerate(kept) if line.startswith(_OPTIONS))
    kept[end - 1] = kept[end - 1].removesuffix(",")
    return Definition(tuple(kept), tuple(_key(match, schema) for match in found.values()))


def _key(match: re.Match[str], schema: str) -> Key:
    return Key(
        name=_plain(match["name"]),
        interim="",
        columns=_list(match["columns"]),
        schema=_plain(match["schema"]) if match["schema"] else schema,
        table=_plain(match["table"]),
        referred=_list(match["referred"]),
        rules=match["rules"],
    )


def _list(names: str) -> tuple[str, ...]:
    return tuple(_plain(name) for name in re.findall(_NAME, names))


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`")
