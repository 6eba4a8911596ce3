"""A table of 200 columns and 5 million rows, made by PostgreSQL itself, with planted truth.

Imported by the benchmark of wide tables. Values are pseudo-random by row number and column; twenty
groups of ten columns hold rules and identifiers, or what only looks like them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

ROWS, DIFFERENT, GROUPS = 5_000_000, 250_000, 20
"""Rows, those of them whose values differ, and groups of ten columns."""
_GIVEN = (
    "ARRAY['Jordi','Marta','Pere','Anna','Pau','Laia','Marc','Núria','Joan','Carme','Albert','Aina',"
    "'Oriol','Clara','Arnau','Judit','Ferran','Mireia','Enric','Gemma','Sergi','Rosa','Roger',"
    "'Teresa','Ramon','Sílvia','Biel','Marina','Guillem','Berta']"
)
_SURNAMES = "ARRAY['Puig','Vila','Serra','Soler','Roca','Font','Ferrer','Pujol','Bosch','Riera']"
_WORDS = "ARRAY['client','called','about','invoice','please','answer','before','friday']"
_STATES = "ARRAY['open','paid','sent','closed']"
_LETTERS = "'TRWAGMYFPDXBNJZSQVHLCKE'"


@dataclass(frozen=True, slots=True)
class Wide:
    """What was planted: rules by kind and columns, kinds of sensitive columns by name."""

    columns: dict[str, str]
    rules: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    sensitive: dict[str, str] = field(default_factory=dict)


def _any(salt: int, most: int) -> str:
    """Return the SQL of a whole number below `most`, by a multiplication that spreads bits."""
    return f"((((i + {salt * 7919}) * 2654435761) % 4294967296) / 64 % {most})"


def _amounts(wide: Wide, g: int) -> None:
    """Plant a product, a sum, a discount that nobody applies, and a constant."""
    quantity, price = f"(1 + {_any(g, 20)})", f"(100 + {_any(g + 40, 9900)})"
    tax = f"({_any(g + 80, 3000)})"
    wide.columns.update({
        f"quantity{g}": f"{quantity}::integer",
        f"price{g}": f"({price} / 100.0)::numeric(12, 2)",
        f"net{g}": f"({quantity} * {price} / 100.0)::numeric(12, 2)",
        f"tax{g}": f"({tax} / 100.0)::numeric(12, 2)",
        f"gross{g}": f"(({quantity} * {price} + {tax}) / 100.0)::numeric(12, 2)",
        f"rate{g}": f"({_any(g + 120, 100)} / 100.0)::float8",
        f"level{g}": f"(1 + {_any(g + 160, 900)})::integer",
        f"score{g}": f"({_any(g + 200, 100_000)} / 7.0)::float8",
        f"flag{g}": f"({_any(g + 240, 2)} = 1)",
        f"unit{g}": "'EUR'::text",
    })  # fmt: skip
    wide.rules.update({
        ("product", (f"price{g}", f"quantity{g}", f"net{g}")),
        ("sum", (f"net{g}", f"tax{g}", f"gross{g}")),
        ("constant", (f"unit{g}",)),
    })  # fmt: skip


def _times(wide: Wide, g: int) -> None:
    """Plant an order of dates, a status with a date, a town with its province."""
    day, state, town = _any(g, 3000), _any(g + 40, 4), _any(g + 80, 400)
    wide.columns.update({
        f"opened{g}": f"date '2015-01-01' + ({day})::integer",
        f"closed{g}": f"date '2015-01-01' + ({day} + 1 + {_any(g + 120, 90)})::integer",
        f"state{g}": f"({_STATES})[1 + {state}]",
        f"paid_on{g}": f"CASE WHEN {state} = 1 THEN date '2016-01-01' + ({day})::integer END",
        f"town{g}": f"'Town ' || ({town})",
        f"province{g}": f"'Province ' || ({town} / 25)",
        f"seen{g}": f"timestamp '2020-01-01' + ({_any(g + 160, 10**7)}) * interval '1 second'",
        f"code{g}": f"'K' || lpad(({_any(g + 200, 10**6)})::text, 7, '0')",
        f"size{g}": f"({_any(g + 240, 5000)})::integer",
        f"weight{g}": f"({_any(g + 280, 10**6)} / 1000.0)::float8",
    })  # fmt: skip
    wide.rules.update({
        ("order", (f"opened{g}", f"closed{g}")),
        ("determined", (f"town{g}", f"province{g}")),
    })  # fmt: skip


def _people(wide: Wide, g: int) -> None:
    """Plant names, a document, mail, a telephone and notes; and numbers that are none of them."""
    first, family = f"({_GIVEN})[1 + {_any(g, 30)}]", f"({_SURNAMES})[1 + {_any(g + 40, 10)}]"
    number = f"(10000000 + {_any(g + 80, 89_999_999)})"
    notes = " || ' ' || ".join(f"({_WORDS})[1 + {_any(g + 300 + k, 8)}]" for k in range(8))
    wide.columns.update({
        f"first_name{g}": first,
        f"last_name{g}": f"{family} || ' ' || ({_SURNAMES})[1 + {_any(g + 120, 10)}]",
        f"x{g}": f"{number}::text || substr({_LETTERS}, ({number} % 23)::integer + 1, 1)",
        f"y{g}": f"lower({family}) || ({_any(g + 160, 10**6)}) || '@mail.cat'",
        f"phone{g}": f"'6' || lpad(({_any(g + 200, 10**8)})::text, 8, '0')",
        f"notes{g}": f"{notes} || ' ' || ({_any(g + 240, 10**6)})",
        f"lot{g}": f"({_any(g + 280, 10**8)})::bigint",
        f"batch{g}": f"md5(({_any(g + 290, 10**8)})::text)",
        f"kind{g}": f"({_any(g + 310, 12)})::smallint",
        f"z{g}": f"CASE WHEN {_any(g + 320, 10)} > 0 THEN 'v' || ({_any(g + 330, 5000)}) END",
    })  # fmt: skip
    wide.sensitive.update({
        f"first_name{g}": "given_name", f"last_name{g}": "surname", f"x{g}": "document",
        f"y{g}": "email", f"phone{g}": "phone", f"notes{g}": "free_text",
    })  # fmt: skip


def wide() -> Wide:
    """Return the columns with their SQL, and what is planted in them."""
    made = Wide({"id": "i::bigint"})
    for g in range(GROUPS):
        (_amounts, _times, _people)[g % 3](made, g)
    made.columns.popitem()
    return made


def create(url: str, rows: int = ROWS) -> Wide:
    """Create the table; some minutes and about 9 GB.

    Args:
        url: of a PostgreSQL database, as psycopg reads it.
        rows: fewer for a trial.
    """
    made = wide()
    columns = ", ".join(f"{sql} AS {name}" for name, sql in made.columns.items())
    others = ", ".join(name for name in made.columns if name != "id")
    first = min(rows, DIFFERENT)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"CREATE TEMPORARY TABLE base AS SELECT {columns} "
            f"FROM generate_series(1, {first}::bigint) i".encode()
        )
        connection.execute("CREATE UNLOGGED TABLE wide (LIKE base)")
        for start in range(0, rows, first):
            connection.execute(
                f"INSERT INTO wide SELECT id + {start}, {others} FROM base "
                f"WHERE id + {start} <= {rows}".encode()
            )
        connection.execute("ALTER TABLE wide ADD PRIMARY KEY (id)")
        connection.execute("ANALYZE wide (id)")
    return made
