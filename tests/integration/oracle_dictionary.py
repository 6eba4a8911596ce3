"""Oracle's data dictionary as far as the adapter asks it, made of DDL without a server.

Run as a module, it records the dictionaries of Oracle's sample schemas under tests/data/oracle. It
is written from the manual (Database Reference, ``ALL_`` views); a real server may differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "oracle"
SCHEMAS = ("hr", "oe", "co", "sh")
VIEWS = {
    "ALL_COL_COMMENTS": "OWNER TABLE_NAME COLUMN_NAME COMMENTS",
    "ALL_CONSTRAINTS": "OWNER TABLE_NAME CONSTRAINT_NAME CONSTRAINT_TYPE R_OWNER R_CONSTRAINT_NAME "
    "DELETE_RULE STATUS DEFERRABLE DEFERRED VALIDATED RELY SEARCH_CONDITION",
    "ALL_CONS_COLUMNS": "OWNER CONSTRAINT_NAME TABLE_NAME COLUMN_NAME POSITION",
    "ALL_EXTERNAL_TABLES": "OWNER TABLE_NAME",
    "ALL_INDEXES": "OWNER INDEX_NAME INDEX_TYPE TABLE_OWNER TABLE_NAME UNIQUENESS STATUS",
    "ALL_IND_COLUMNS": "INDEX_OWNER INDEX_NAME TABLE_OWNER TABLE_NAME COLUMN_NAME COLUMN_POSITION",
    "ALL_IND_PARTITIONS": "INDEX_OWNER INDEX_NAME PARTITION_NAME STATUS",
    "ALL_MVIEWS": "OWNER MVIEW_NAME CONTAINER_NAME",
    "ALL_MVIEW_LOGS": "LOG_OWNER LOG_TABLE",
    "ALL_PART_TABLES": "OWNER TABLE_NAME PARTITIONING_TYPE REF_PTN_CONSTRAINT_NAME",
    "ALL_POLICIES": "OBJECT_OWNER OBJECT_NAME ENABLE",
    "ALL_SEQUENCES": "SEQUENCE_OWNER SEQUENCE_NAME INCREMENT_BY LAST_NUMBER",
    "ALL_TABLES": "OWNER TABLE_NAME TEMPORARY NESTED SECONDARY DROPPED IOT_NAME",
    "ALL_TAB_COLS": "OWNER TABLE_NAME COLUMN_NAME DATA_TYPE DATA_TYPE_OWNER DATA_LENGTH "
    "CHAR_LENGTH CHAR_USED DATA_PRECISION DATA_SCALE NULLABLE VIRTUAL_COLUMN DEFAULT_ON_NULL "
    "DATA_DEFAULT HIDDEN_COLUMN USER_GENERATED COLUMN_ID INTERNAL_COLUMN_ID",
    "ALL_TAB_COMMENTS": "OWNER TABLE_NAME TABLE_TYPE COMMENTS",
    "ALL_TAB_IDENTITY_COLS": "OWNER TABLE_NAME COLUMN_NAME GENERATION_TYPE SEQUENCE_NAME "
    "IDENTITY_OPTIONS",
    "ALL_TAB_PRIVS": "GRANTEE TABLE_SCHEMA TABLE_NAME PRIVILEGE",
    "ALL_TAB_STATISTICS": "OWNER TABLE_NAME OBJECT_TYPE NUM_ROWS AVG_ROW_LEN",
    "ALL_TRIGGERS": "OWNER TRIGGER_NAME TRIGGER_TYPE TRIGGERING_EVENT TABLE_OWNER BASE_OBJECT_TYPE "
    "TABLE_NAME STATUS TRIGGER_BODY",
    "ALL_USERS": "USERNAME CREATED ORACLE_MAINTAINED",
    "SESSION_PRIVS": "PRIVILEGE",
    "SESSION_ROLES": "ROLE",
    "SESSION_SCHEMA_PRIVS": "SCHEMA PRIVILEGE",
}
"""Views and their columns, as far as they are asked for."""
NUMBERS = frozenset(
    {
        "AVG_ROW_LEN", "CHAR_LENGTH", "COLUMN_ID", "COLUMN_POSITION", "DATA_LENGTH",
        "DATA_PRECISION", "DATA_SCALE", "INCREMENT_BY", "INTERNAL_COLUMN_ID", "LAST_NUMBER",
        "NUM_ROWS", "POSITION",
    }
)  # fmt: skip
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|[A-Za-z][\w$#]*|\d+(?:\.\d+)?|[^\s\w]""")
_OBJECT_TYPES = ("MDSYS.SDO_GEOMETRY", "SYS.XMLTYPE")
_CONSTRAINT = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"})


def tokens_of(text: str) -> list[str]:
    return _TOKEN.findall(text)


def spelled(token: str) -> str:
    return token[1:-1] if token.startswith('"') else token.upper()


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; blocks of PL/SQL end with a slash on a line."""
    text = re.sub(r"(?m)^--.*$", "", script)
    while text.strip():
        text = text.lstrip()
        block = text.upper().startswith("CREATE OR REPLACE TRIGGER")
        head, _, text = text.partition("\n/\n" if block else ";\n")
        yield head.strip().removesuffix(";") if not block else head.strip()


class Dictionary:
    """Rows of views, changed by DDL."""

    def __init__(self) -> None:
        self.views: dict[str, list[dict[str, Any]]] = {name: [] for name in VIEWS}
        self.changed = set(VIEWS)
        self._numbers = 0

    # -- rows ------------------------------------------------------------------------------------

    def add(self, view: str, **values: Any) -> None:
        assert set(values) <= set(VIEWS[view].split()), (view, values)
        self.views[view].append(dict.fromkeys(VIEWS[view].split()) | values)
        self.changed.add(view)

    def find(self, view: str, **values: Any) -> list[dict[str, Any]]:
        return [r for r in self.views[view] if all(r[k] == v for k, v in values.items())]

    def change(self, view: str, where: dict[str, Any], **values: Any) -> int:
        found = self.find(view, **where)
        for row in found:
            row.update(values)
        self.changed.add(view)
        return len(found)

    def remove(self, view: str, **values: Any) -> None:
        gone = self.find(view, **values)
        self.views[view] = [row for row in self.views[view] if row not in gone]
        self.changed.add(view)

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def user(self, name: str, *, maintained: bool = False) -> None:
        flag = "Y" if maintained else "N"
        self.add("ALL_USERS", USERNAME=name, CREATED="2024-01-01", ORACLE_MAINTAINED=flag)

    # -- files -----------------------------------------------------------------------------------

    def dumped(self) -> dict[str, Any]:
        return {
            view: {
                "columns": VIEWS[view].split(),
                "rows": [list(row.values()) for row in rows],
            }
            for view, rows in self.views.items()
            if rows
        }

    def load(self, content: dict[str, Any]) -> None:
        for view, recorded in content.items():
            for row in recorded["rows"]:
                self.add(view, **dict(zip(recorded["columns"], row, strict=True)))

    # -- DDL -------------------------------------------------------------------------------------

    def run(self, statement: str, home: str) -> None:
        """Carry out a definition, or say that it is not known."""
        words = [token.upper() for token in tokens_of(statement)[:6]]
        match words:
            case ["CREATE", "TABLE", *_]:
                self._create_table(statement, home)
            case ["CREATE", "UNIQUE" | "BITMAP", "INDEX", *_] | ["CREATE", "INDEX", *_]:
                self._create_index(statement, home)
            case ["CREATE", "SEQUENCE", *_]:
                self._create_sequence(statement, home)
            case ["CREATE", "MATERIALIZED", "VIEW", *_]:
                name = spelled(tokens_of(statement)[3])
                self._table(home, name)
                self.add("ALL_MVIEWS", OWNER=home, MVIEW_NAME=name, CONTAINER_NAME=name)
            case ["CREATE", "OR", "REPLACE", "TRIGGER", *_]:
                self._create_trigger(statement, home)
            case ["ALTER", "TABLE", *_]:
                self._alter_table(statement, home)
            case ["ALTER", "TRIGGER", *_]:
                (owner, name), rest = self._name(tokens_of(statement)[2:], home)
                where = {"OWNER": owner, "TRIGGER_NAME": name}
                assert self.change("ALL_TRIGGERS", where, STATUS=f"{rest[0].upper()}D"), statement
            case ["ALTER", "SEQUENCE", *_]:
                (owner, name), rest = self._name(tokens_of(statement)[2:], home)
                assert [t.upper() for t in rest[:3]] == ["RESTART", "START", "WITH"], statement
                where = {"SEQUENCE_OWNER": owner, "SEQUENCE_NAME": name}
                start = int("".join(rest[3:]))
                assert self.change("ALL_SEQUENCES", where, LAST_NUMBER=start), statement
            case ["COMMENT", "ON", *_]:
                self._comment(statement, home)
            case ["DROP", "TABLE", *_]:
                self._drop_table(self._name(tokens_of(statement)[2:], home)[0])
            case ["GRANT", privilege, "ON", *_]:
                place, rest = self._name(tokens_of(statement)[3:], home)
                self.add(
                    "ALL_TAB_PRIVS",
                    GRANTEE=spelled(rest[1]),
                    TABLE_SCHEMA=place[0],
                    TABLE_NAME=place[1],
                    PRIVILEGE=privilege,
                )
            case _:
                raise AssertionError(f"not known: {statement}")

    def _name(self, tokens: list[str], home: str) -> tuple[tuple[str, str], list[str]]:
        if len(tokens) > 2 and tokens[1] == ".":
            return (spelled(tokens[0]), spelled(tokens[2])), tokens[3:]
        return (home, spelled(tokens[0])), tokens[1:]

    def _table(self, owner: str, name: str) -> None:
        self.add(
            "ALL_TABLES",
            OWNER=owner,
            TABLE_NAME=name,
            TEMPORARY="N",
            NESTED="NO",
            SECONDARY="N",
            DROPPED="NO",
        )

    def _drop_table(self, place: tuple[str, str]) -> None:
        owner, name = place
        for view in ("ALL_TABLES", "ALL_TAB_COLS", "ALL_CONSTRAINTS", "ALL_CONS_COLUMNS"):
            self.remove(view, OWNER=owner, TABLE_NAME=name)
        self.remove("ALL_TAB_PRIVS", TABLE_SCHEMA=owner, TABLE_NAME=name)

    def _create_table(self, statement: str, home: str) -> None:
        place, rest = self._name(tokens_of(statement)[2:], home)
        if rest[0].upper() == "AS":
            self._copy(place, rest, home)
            return
        self._table(*place)
        items, behind = _parenthesised(rest)
        for item in items:
            if item[0].upper() in _CONSTRAINT:
                self._constraint(place, item)
            else:
                self._column(place, item)
        words = [token.upper() for token in behind]
        if "PARTITION" in words:
            kind = words[words.index("PARTITION") + 2]
            key = spelled(behind[behind.index("(") + 1]) if kind == "REFERENCE" else None
            self.add(
                "ALL_PART_TABLES",
                OWNER=place[0],
                TABLE_NAME=place[1],
                PARTITIONING_TYPE=kind,
                REF_PTN_CONSTRAINT_NAME=key,
            )
        if "TEMPORARY" in words:
            self.change("ALL_TABLES", {"OWNER": place[0], "TABLE_NAME": place[1]}, TEMPORARY="Y")

    def _copy(self, place: tuple[str, str], rest: list[str], home: str) -> None:
        """CREATE TABLE … AS SELECT columns FROM table: types, and NOT NULL, without keys."""
        start = [t.upper() for t in rest].index("FROM")
        source, _ = self._name(rest[start + 1 :], home)
        chosen = [spelled(token) for token in rest[2:start] if token != ","]
        self._table(*place)
        rows = {
            row["COLUMN_NAME"]: row
            for row in self.find("ALL_TAB_COLS", OWNER=source[0], TABLE_NAME=source[1])
        }
        for i, name in enumerate(chosen, start=1):
            own = {
                "OWNER": place[0],
                "TABLE_NAME": place[1],
                "COLUMN_ID": i,
                "INTERNAL_COLUMN_ID": i,
                "DATA_DEFAULT": None,
                "VIRTUAL_COLUMN": "NO",
                "DEFAULT_ON_NULL": "NO",
                "NULLABLE": "N" if self._is_required(source, name) else "Y",
            }
            self.add("ALL_TAB_COLS", **(rows[name] | own))

    def _is_required(self, place: tuple[str, str], column: str) -> bool:
        """Whether NOT NULL was declared, rather than implied by a primary key."""
        return any(
            row["SEARCH_CONDITION"] == f'"{column}" IS NOT NULL'
            for row in self.find("ALL_CONSTRAINTS", OWNER=place[0], TABLE_NAME=place[1])
        )

    def _column(self, place: tuple[str, str], item: list[str]) -> None:
        name, rest = spelled(item[0]), item[1:]
        computed = rest[0].upper() == "GENERATED"  # its type is that of the expression
        facts, rest = ({"DATA_TYPE": "NUMBER"}, rest) if computed else _type_of(rest, place[0])
        number = len(self.find("ALL_TAB_COLS", OWNER=place[0], TABLE_NAME=place[1])) + 1
        self.add(
            "ALL_TAB_COLS",
            OWNER=place[0],
            TABLE_NAME=place[1],
            COLUMN_NAME=name,
            NULLABLE="Y",
            VIRTUAL_COLUMN="NO",
            DEFAULT_ON_NULL="NO",
            HIDDEN_COLUMN="NO",
            USER_GENERATED="YES",
            COLUMN_ID=number,
            INTERNAL_COLUMN_ID=number,
            **facts,
        )
        where = {"OWNER": place[0], "TABLE_NAME": place[1], "COLUMN_NAME": name}
        while rest:
            rest = self._column_clause(place, name, where, rest)

    def _column_clause(
        self, place: tuple[str, str], name: str, where: dict[str, Any], rest: list[str]
    ) -> list[str]:
        words = [token.upper() for token in rest]
        match words:
            case ["DEFAULT", *_]:
                expression, rest = _until(rest[1:], {"NOT", "CONSTRAINT", "CHECK", "PRIMARY"})
                self.change("ALL_TAB_COLS", where, DATA_DEFAULT=_joined(expression))
            case ["GENERATED", *_] if "IDENTITY" in words:
                end = words.index("IDENTITY")
                options, rest = _options(rest[end + 1 :])
                self._identity(where, words[1:end], options)
            case ["GENERATED", "ALWAYS", "AS", "(", *_]:
                inner, rest = _inside(rest[3:])
                default = _joined(inner)
                self.change("ALL_TAB_COLS", where, VIRTUAL_COLUMN="YES", DATA_DEFAULT=default)
                rest = rest[1:] if rest and rest[0].upper() == "VIRTUAL" else rest
            case ["INVISIBLE", *_]:
                self.change("ALL_TAB_COLS", where, HIDDEN_COLUMN="YES", COLUMN_ID=None)
                rest = rest[1:]
            case ["PRIMARY", "KEY", *_]:
                self._constraint(place, ["PRIMARY", "KEY", "(", f'"{name}"', ")", *rest[2:]])
                rest = []
            case ["UNIQUE", *_]:
                self._constraint(place, ["UNIQUE", "(", f'"{name}"', ")", *rest[1:]])
                rest = []
            case ["CONSTRAINT", given, "NOT", "NULL", *_]:
                self._required(place, name, spelled(given))
                rest = rest[4:]
            case ["NOT", "NULL", *_]:
                self._required(place, name, f"SYS_C{self.number():06}")
                rest = rest[2:]
            case ["CONSTRAINT", given, "PRIMARY", "KEY", *_]:
                key = ["CONSTRAINT", given, "PRIMARY", "KEY", "(", f'"{name}"', ")", *rest[4:]]
                self._constraint(place, key)
                rest = []
            case _:
                raise AssertionError(f"not known: {_joined(rest)}")
        return rest

    def _required(self, place: tuple[str, str], column: str, name: str) -> None:
        where = {"OWNER": place[0], "TABLE_NAME": place[1], "COLUMN_NAME": column}
        self.change("ALL_TAB_COLS", where, NULLABLE="N")
        self._add_constraint(place, name, "C", [column], SEARCH_CONDITION=f'"{column}" IS NOT NULL')

    def _identity(self, where: dict[str, Any], how: list[str], options: dict[str, int]) -> None:
        start, step = options.get("START WITH", 1), options.get("INCREMENT BY", 1)
        known = self.find("ALL_TAB_IDENTITY_COLS", **where)
        sequence = known[0]["SEQUENCE_NAME"] if known else f"ISEQ$$_{70_000 + self.number()}"
        owner = where["OWNER"]
        self.remove("ALL_TAB_IDENTITY_COLS", **where)
        self.add(
            "ALL_TAB_IDENTITY_COLS",
            **where,
            GENERATION_TYPE="ALWAYS" if "ALWAYS" in how else "BY DEFAULT",
            SEQUENCE_NAME=sequence,
            IDENTITY_OPTIONS=f"START WITH: {start}, INCREMENT BY: {step}, "
            "MAX_VALUE: 9999999999999999999999999999, MIN_VALUE: 1, CYCLE_FLAG: N, "
            "CACHE_SIZE: 20, ORDER_FLAG: N",
        )
        self.change(
            "ALL_TAB_COLS",
            where,
            NULLABLE="N",
            DEFAULT_ON_NULL="YES" if "NULL" in how else "NO",
            DATA_DEFAULT=f'"{owner}"."{sequence}".nextval',
        )
        if not self._is_required((owner, where["TABLE_NAME"]), where["COLUMN_NAME"]):
            place = owner, where["TABLE_NAME"]
            self._required(place, where["COLUMN_NAME"], f"SYS_C{self.number():06}")
        if options or not known:
            self.remove("ALL_SEQUENCES", SEQUENCE_OWNER=owner, SEQUENCE_NAME=sequence)
            self.add(
                "ALL_SEQUENCES",
                SEQUENCE_OWNER=owner,
                SEQUENCE_NAME=sequence,
                INCREMENT_BY=step,
                LAST_NUMBER=start,
            )

    def _constraint(self, place: tuple[str, str], item: list[str]) -> None:
        name = f"SYS_C{self.number():06}"
        if item[0].upper() == "CONSTRAINT":
            name, item = spelled(item[1]), item[2:]
        words = [token.upper() for token in item]
        match words:
            case ["PRIMARY", "KEY", *_]:
                columns, rest = _list(item[2:])
                self._add_constraint(place, name, "P", columns, rest)
                for column in columns:
                    where = {"OWNER": place[0], "TABLE_NAME": place[1], "COLUMN_NAME": column}
                    self.change("ALL_TAB_COLS", where, NULLABLE="N")
                self._key_index(place, name, columns)
            case ["UNIQUE", *_]:
                columns, rest = _list(item[1:])
                self._add_constraint(place, name, "U", columns, rest)
                self._key_index(place, name, columns)
            case ["CHECK", *_]:
                inner, rest = _inside(item[1:])
                self._add_constraint(place, name, "C", [], rest, SEARCH_CONDITION=_joined(inner))
            case ["FOREIGN", "KEY", *_]:
                self._foreign_key(place, name, item[2:])
            case _:
                raise AssertionError(f"not known: {_joined(item)}")

    def _foreign_key(self, place: tuple[str, str], name: str, item: list[str]) -> None:
        columns, rest = _list(item)
        referred, rest = self._name(rest[1:], place[0])
        wanted: list[str] | None = None
        if rest and rest[0] == "(":
            wanted, rest = _list(rest)
        words = [token.upper() for token in rest]
        rule = "NO ACTION"
        if words[:2] == ["ON", "DELETE"]:
            rule = "CASCADE" if words[2] == "CASCADE" else "SET NULL"
            rest = rest[3:] if rule == "CASCADE" else rest[4:]
        keys = [
            row
            for row in self.find("ALL_CONSTRAINTS", OWNER=referred[0], TABLE_NAME=referred[1])
            if row["CONSTRAINT_TYPE"] in ("P", "U")
            and (wanted is None or self.columns_of(row) == wanted)
        ]
        assert keys, (place, name, referred, wanted)
        self._add_constraint(
            place,
            name,
            "R",
            columns,
            rest,
            R_OWNER=referred[0],
            R_CONSTRAINT_NAME=keys[0]["CONSTRAINT_NAME"],
            DELETE_RULE=rule,
        )

    def columns_of(self, constraint: dict[str, Any]) -> list[str]:
        """The columns of a key, in its order."""
        owner, name = constraint["OWNER"], constraint["CONSTRAINT_NAME"]
        rows = self.find("ALL_CONS_COLUMNS", OWNER=owner, CONSTRAINT_NAME=name)
        return [row["COLUMN_NAME"] for row in sorted(rows, key=lambda row: row["POSITION"] or 0)]

    def _add_constraint(
        self,
        place: tuple[str, str],
        name: str,
        kind: str,
        columns: list[str],
        rest: list[str] | None = None,
        **facts: Any,
    ) -> None:
        words = [token.upper() for token in rest or ()]
        enabled = "DISABLE" not in words
        deferrable = "DEFERRABLE" in words and "NOT" not in words
        self.add(
            "ALL_CONSTRAINTS",
            OWNER=place[0],
            TABLE_NAME=place[1],
            CONSTRAINT_NAME=name,
            CONSTRAINT_TYPE=kind,
            STATUS="ENABLED" if enabled else "DISABLED",
            VALIDATED="VALIDATED" if enabled and "NOVALIDATE" not in words else "NOT VALIDATED",
            DEFERRABLE="DEFERRABLE" if deferrable else "NOT DEFERRABLE",
            DEFERRED="DEFERRED" if "DEFERRED" in words else "IMMEDIATE",
            RELY="RELY" if "RELY" in words else None,
            **facts,
        )
        for i, column in enumerate(columns, start=1):
            self.add(
                "ALL_CONS_COLUMNS",
                OWNER=place[0],
                CONSTRAINT_NAME=name,
                TABLE_NAME=place[1],
                COLUMN_NAME=column,
                POSITION=None if kind == "C" else i,
            )

    def _key_index(self, place: tuple[str, str], name: str, columns: list[str]) -> None:
        for row in self.find("ALL_INDEXES", TABLE_OWNER=place[0], TABLE_NAME=place[1]):
            parts = self.find("ALL_IND_COLUMNS", INDEX_NAME=row["INDEX_NAME"])
            if [part["COLUMN_NAME"] for part in parts] == columns:
                return
        self._index(place, name, columns, unique=True)

    def _index(
        self, place: tuple[str, str], name: str, parts: list[str], *, unique: bool, kind: str = ""
    ) -> None:
        table = {"TABLE_OWNER": place[0], "TABLE_NAME": place[1]}
        self.add(
            "ALL_INDEXES",
            OWNER=place[0],
            INDEX_NAME=name,
            INDEX_TYPE=kind or "NORMAL",
            UNIQUENESS="UNIQUE" if unique else "NONUNIQUE",
            STATUS="VALID",
            **table,
        )
        for i, part in enumerate(parts, start=1):
            self.add(
                "ALL_IND_COLUMNS",
                INDEX_OWNER=place[0],
                INDEX_NAME=name,
                COLUMN_NAME=part,
                COLUMN_POSITION=i,
                **table,
            )

    def _create_index(self, statement: str, home: str) -> None:
        tokens = tokens_of(statement)
        start = [t.upper() for t in tokens].index("INDEX")
        (_, name), rest = self._name(tokens[start + 1 :], home)
        place, rest = self._name(rest[1:], home)
        items, _ = _parenthesised(rest)
        hidden = (f"SYS_NC{self.number():05}$" for _ in items)
        parts = [spelled(item[0]) if len(item) == 1 else next(hidden) for item in items]
        expression = any(len(item) > 1 for item in items)
        kind = "FUNCTION-BASED NORMAL" if expression else ""
        self._index(place, name, parts, unique=tokens[1].upper() == "UNIQUE", kind=kind)

    def _create_sequence(self, statement: str, home: str) -> None:
        tokens = tokens_of(statement)
        (owner, name), rest = self._name(tokens[2:], home)
        options = _numbers(rest)
        self.add(
            "ALL_SEQUENCES",
            SEQUENCE_OWNER=owner,
            SEQUENCE_NAME=name,
            INCREMENT_BY=options.get("INCREMENT BY", 1),
            LAST_NUMBER=options.get("START WITH", 1),
        )

    def _create_trigger(self, statement: str, home: str) -> None:
        tokens = tokens_of(statement)
        (owner, name), rest = self._name(tokens[4:], home)
        words = [token.upper() for token in rest]
        on = words.index("ON")
        events = [word for word in words[1:on] if word in ("INSERT", "UPDATE", "DELETE")]
        place, behind = self._name(rest[on + 1 :], home)
        row = [token.upper() for token in behind[:3]] == ["FOR", "EACH", "ROW"]
        start = re.search(r"\b(DECLARE|BEGIN)\b", statement, re.IGNORECASE)
        assert start, statement
        self.add(
            "ALL_TRIGGERS",
            OWNER=owner,
            TRIGGER_NAME=name,
            TRIGGER_TYPE=f"{words[0]} {'EACH ROW' if row else 'STATEMENT'}",
            TRIGGERING_EVENT=" OR ".join(events),
            TABLE_OWNER=place[0],
            BASE_OBJECT_TYPE="TABLE",
            TABLE_NAME=place[1],
            STATUS="ENABLED",
            TRIGGER_BODY=statement[start.start() :],
        )

    def _alter_table(self, statement: str, home: str) -> None:
        place, rest = self._name(tokens_of(statement)[2:], home)
        words = [token.upper() for token in rest]
        match words:
            case ["ADD", "(", *_]:
                for item in _parenthesised(rest[1:])[0]:
                    make = self._constraint if item[0].upper() in _CONSTRAINT else self._column
                    make(place, item)
            case ["ADD", *_]:
                self._constraint(place, rest[1:])
            case ["ENABLE" | "DISABLE", "CONSTRAINT", _]:
                on = words[0] == "ENABLE"
                self.set_state(place, spelled(rest[2]), enabled=on, validated=on)
            case ["MODIFY", "CONSTRAINT", _, *state]:
                if "RELY" in state:
                    where = {"OWNER": place[0], "CONSTRAINT_NAME": spelled(rest[2])}
                    self.change("ALL_CONSTRAINTS", where, RELY="RELY")
                validated = "VALIDATE" in state
                assert "ENABLE" in state, statement
                self.set_state(place, spelled(rest[2]), enabled=True, validated=validated)
            case ["MODIFY", "(", _, "DEFAULT", *_]:
                inner, _ = _inside(rest[1:])
                where = {
                    "OWNER": place[0],
                    "TABLE_NAME": place[1],
                    "COLUMN_NAME": spelled(inner[0]),
                }
                self.change("ALL_TAB_COLS", where, DATA_DEFAULT=_joined(inner[2:]))
            case ["MODIFY", "(", _, "GENERATED", *_]:
                where = {
                    "OWNER": place[0],
                    "TABLE_NAME": place[1],
                    "COLUMN_NAME": spelled(rest[2]),
                }
                end = words.index("IDENTITY")
                inner = rest[end + 1 :]
                options = _numbers(inner) if inner[:1] == ["("] else {}
                self._identity(where, words[4:end], options)
            case _:
                raise AssertionError(f"not known: {statement}")

    def set_state(
        self, place: tuple[str, str], name: str, *, enabled: bool, validated: bool
    ) -> None:
        where = {"OWNER": place[0], "TABLE_NAME": place[1], "CONSTRAINT_NAME": name}
        changed = self.change(
            "ALL_CONSTRAINTS",
            where,
            STATUS="ENABLED" if enabled else "DISABLED",
            VALIDATED="VALIDATED" if validated else "NOT VALIDATED",
        )
        assert changed, (place, name)

    def _comment(self, statement: str, home: str) -> None:
        tokens = tokens_of(statement)
        text = tokens[-1][1:-1].replace("''", "'")
        names = [spelled(token) for token in tokens[3:-2] if token != "."]
        if tokens[2].upper() == "TABLE":
            owner, table = names if len(names) == 2 else (home, names[0])
            facts = {"OWNER": owner, "TABLE_NAME": table, "TABLE_TYPE": "TABLE"}
            self.add("ALL_TAB_COMMENTS", **facts, COMMENTS=text)
            return
        owner, table, column = names if len(names) == 3 else (home, *names)
        facts = {"OWNER": owner, "TABLE_NAME": table, "COLUMN_NAME": column}
        self.add("ALL_COL_COMMENTS", **facts, COMMENTS=text)


def _joined(tokens: list[str]) -> str:
    text = " ".join(tokens)
    return (
        re.sub(r" ?([().,]) ?", r"\1", text)
        .replace(",", ", ")
        .replace("< =", "<=")
        .replace("> =", ">=")
    )


def _until(tokens: list[str], ends: set[str]) -> tuple[list[str], list[str]]:
    for i, token in enumerate(tokens):
        if token.upper() in ends:
            return tokens[:i], tokens[i:]
    return tokens, []


def _inside(tokens: list[str]) -> tuple[list[str], list[str]]:
    """What stands in the parentheses with which tokens begin, and what follows."""
    assert tokens[0] == "(", tokens
    depth = 0
    for i, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if not depth:
            return tokens[1:i], tokens[i + 1 :]
    raise AssertionError(tokens)


def _parenthesised(tokens: list[str]) -> tuple[list[list[str]], list[str]]:
    inner, rest = _inside(tokens)
    items: list[list[str]] = [[]]
    depth = 0
    for token in inner:
        depth += (token == "(") - (token == ")")
        if token == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    return items, rest


def _list(tokens: list[str]) -> tuple[list[str], list[str]]:
    items, rest = _parenthesised(tokens)
    return [spelled(item[0]) for item in items], rest


def _options(tokens: list[str]) -> tuple[dict[str, int], list[str]]:
    if tokens[:1] != ["("]:
        return {}, tokens
    inner, rest = _inside(tokens)
    return _numbers(inner), rest


def _numbers(tokens: list[str]) -> dict[str, int]:
    text = " ".join(tokens).upper().replace("- ", "-")
    return {name: int(n) for name, n in re.findall(r"(START WITH|INCREMENT BY) (-?\d+)", text)}


def _type_of(tokens: list[str], home: str) -> tuple[dict[str, Any], list[str]]:
    """The facts of ALL_TAB_COLS about a type, and the tokens behind it."""
    dotted = ".".join(token.upper() for token in (tokens[0], *tokens[2:3]))
    if dotted in _OBJECT_TYPES and tokens[1] == ".":
        owner, name = dotted.split(".")
        return {"DATA_TYPE": name, "DATA_TYPE_OWNER": owner, "DATA_LENGTH": 1}, tokens[3:]
    name, rest = tokens[0].upper(), tokens[1:]
    given: list[str] = []
    if rest[:1] == ["("] and name != "INTERVAL":
        given, rest = _inside(rest)
    numbers = [token for token in given if token not in (",", "*")]
    words = [token.upper() for token in rest]
    if name.endswith("_TYP"):
        return {"DATA_TYPE": name, "DATA_TYPE_OWNER": home, "DATA_LENGTH": 1}, rest
    if name in ("VARCHAR2", "CHAR", "NVARCHAR2", "NCHAR"):
        size = int(numbers[0]) if numbers else 1
        wide = name.startswith("N")
        by_characters = wide or "CHAR" in [token.upper() for token in given]
        return {
            "DATA_TYPE": name,
            "DATA_LENGTH": size * (2 if wide else 4 if by_characters else 1),
            "CHAR_LENGTH": size,
            "CHAR_USED": "C" if by_characters else "B",
        }, rest
    if name in _NUMERIC:
        return _numeric(name, given), rest
    if name == "RAW":
        return {"DATA_TYPE": name, "DATA_LENGTH": int(numbers[0])}, rest
    if name == "TIMESTAMP":
        written = f"TIMESTAMP({numbers[0] if numbers else 6})"
        for ending in (["WITH", "LOCAL", "TIME", "ZONE"], ["WITH", "TIME", "ZONE"]):
            if words[: len(ending)] == ending:
                written, rest = f"{written} {' '.join(ending)}", rest[len(ending) :]
                break
        return {"DATA_TYPE": written, "DATA_LENGTH": 11, "DATA_SCALE": 6}, rest
    if name == "INTERVAL":
        written = "INTERVAL YEAR(2) TO MONTH"
        if words[0] == "DAY":
            written = "INTERVAL DAY(2) TO SECOND(6)"
        return {"DATA_TYPE": written, "DATA_LENGTH": 11}, rest[3:]
    return {"DATA_TYPE": name, "DATA_LENGTH": 4000}, rest


_NUMERIC = frozenset({"INTEGER", "INT", "SMALLINT", "NUMBER", "FLOAT"})


def _numeric(name: str, given: list[str]) -> dict[str, Any]:
    if name == "FLOAT":
        return {"DATA_TYPE": name, "DATA_LENGTH": 22, "DATA_PRECISION": 126}
    facts = {"DATA_TYPE": "NUMBER", "DATA_LENGTH": 22}
    if name != "NUMBER":
        return {**facts, "DATA_SCALE": 0}
    if not given:
        return facts
    digits, _, scale = "".join(given).partition(",")
    return {
        **facts,
        "DATA_PRECISION": None if digits == "*" else int(digits),
        "DATA_SCALE": int(scale or 0),
    }


def recorded(name: str) -> Path:
    """The file of a sample schema's dictionary."""
    return FOLDER / f"{name}.json"


def made(name: str, known: Dictionary | None = None) -> Dictionary:
    """The dictionary of a sample schema."""
    dictionary = known or Dictionary()
    dictionary.user(name.upper())
    for statement in statements((FOLDER / f"{name}.sql").read_text("utf-8")):
        dictionary.run(statement, name.upper())
    return dictionary


def record() -> None:
    """Write the dictionaries of all sample schemas; OE refers to HR, so it is made behind it."""
    for name in SCHEMAS:
        dictionary = made(name, made("hr") if name == "oe" else None)
        rows = json.dumps(dictionary.dumped(), ensure_ascii=False)
        text = rows.replace("], [", "],\n[").replace('"rows": [[', '"rows": [\n[')
        recorded(name).write_text(text.replace("}, ", "},\n") + "\n", "utf-8")


if __name__ == "__main__":
    record()
