"""TPC-H-shaped tables of 4.3 million rows, made by PostgreSQL itself, without any key.

Imported by the benchmark of evidence. Shapes of the columns follow the TPC-H specification 3.0
(section 4.2.3) at scale factor 0.5; values are pseudo-random by row number.
"""

from __future__ import annotations

import psycopg

SUPPLIERS, PARTS, CUSTOMERS, ORDERS = 5_000, 100_000, 75_000, 750_000
LINES = 4
"""Lines an order: 1 to 7 in TPC-H, 4 on the mean."""
READER, PASSWORD = "tpch_reader", "only-reads"

_RANDOM = """
CREATE FUNCTION pick(seed bigint, salt integer, most bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
'SELECT (hashint8extended(seed, salt) & 9223372036854775807) % most'
"""
_WORDS = "(ARRAY['carefully','quick','final','pending','ironic','bold','deposits','requests'])"


def _text(seed: str, salt: int, words: int) -> str:
    """Return the SQL of some words, nearly all different as TPC-H's comments are."""
    chosen = " || ' ' || ".join(f"{_WORDS}[1 + pick({seed}, {salt + i}, 8)]" for i in range(words))
    return f"{chosen} || ' ' || to_hex(pick({seed}, {salt + words}, 1::bigint << 40))"


_TABLES = f"""
CREATE UNLOGGED TABLE region AS SELECT (i)::integer AS r_regionkey, 'REGION ' || i AS r_name,
    {_text("i", 1, 6)} AS r_comment FROM generate_series(0, 4) i;
CREATE UNLOGGED TABLE nation AS SELECT i::integer AS n_nationkey, 'NATION ' || i AS n_name,
    (i % 5)::integer AS n_regionkey, {_text("i", 1, 6)} AS n_comment
    FROM generate_series(0, 24) i;
CREATE UNLOGGED TABLE supplier AS SELECT i::integer AS s_suppkey,
    'Supplier#' || lpad(i::text, 9, '0') AS s_name, md5(i::text) AS s_address,
    pick(i, 1, 25)::integer AS s_nationkey, (10 + pick(i, 2, 25)) || '-' || pick(i, 3, 1000)
    || '-' || pick(i, 4, 10000) AS s_phone, pick(i, 5, 1000000) / 100.0 AS s_acctbal,
    {_text("i", 6, 6)} AS s_comment FROM generate_series(1, {SUPPLIERS}) i;
CREATE UNLOGGED TABLE part AS SELECT i::integer AS p_partkey, {_text("i", 1, 5)} AS p_name,
    'Manufacturer#' || 1 + pick(i, 9, 5) AS p_mfgr, 'Brand#' || 10 + pick(i, 10, 50) AS p_brand,
    {_text("i", 11, 3)} AS p_type, (1 + pick(i, 14, 50))::integer AS p_size,
    {_text("i", 15, 2)} AS p_container, (90000 + i / 10 % 20001 + 100 * (i % 1000)) / 100.0
    AS p_retailprice, {_text("i", 17, 3)} AS p_comment FROM generate_series(1, {PARTS}) i;
CREATE UNLOGGED TABLE partsupp AS SELECT p::integer AS ps_partkey,
    (1 + (p + s * ({SUPPLIERS} / 4 + (p - 1) / {SUPPLIERS})) % {SUPPLIERS})::integer AS ps_suppkey,
    (1 + pick(p * 4 + s, 1, 9999))::integer AS ps_availqty,
    (100 + pick(p * 4 + s, 2, 99901)) / 100.0 AS ps_supplycost,
    {_text("p * 4 + s", 3, 8)} AS ps_comment
    FROM generate_series(1, {PARTS}) p, generate_series(0, 3) s;
CREATE UNLOGGED TABLE customer AS SELECT i::integer AS c_custkey,
    'Customer#' || lpad(i::text, 9, '0') AS c_name, md5('c' || i) AS c_address,
    pick(i, 1, 25)::integer AS c_nationkey, (10 + pick(i, 1, 25)) || '-' || pick(i, 3, 1000)
    || '-' || pick(i, 4, 10000) AS c_phone, pick(i, 5, 1099999) / 100.0 - 999.99 AS c_acctbal,
    {_WORDS}[1 + pick(i, 6, 5)] AS c_mktsegment, {_text("i", 7, 8)} AS c_comment
    FROM generate_series(1, {CUSTOMERS}) i;
CREATE UNLOGGED TABLE orders AS SELECT (i / 8 * 32 + i % 8)::integer AS o_orderkey,
    (1 + pick(i, 1, {CUSTOMERS} / 3) * 3)::integer AS o_custkey,
    (ARRAY['O', 'F', 'P'])[1 + pick(i, 2, 3)] AS o_orderstatus,
    (85000 + pick(i, 3, 45000000)) / 100.0 AS o_totalprice,
    date '1992-01-01' + pick(i, 4, 2406)::integer AS o_orderdate,
    (1 + pick(i, 5, 5)) || '-PRIORITY' AS o_orderpriority,
    'Clerk#' || lpad((1 + pick(i, 6, 500))::text, 9, '0') AS o_clerk, 0 AS o_shippriority,
    {_text("i", 7, 6)} AS o_comment FROM generate_series(1, {ORDERS}) i;
CREATE UNLOGGED TABLE lineitem AS SELECT o_orderkey AS l_orderkey, l_partkey::integer,
    (1 + (l_partkey + pick(n, 3, 4) * ({SUPPLIERS} / 4 + (l_partkey - 1) / {SUPPLIERS}))
    % {SUPPLIERS})::integer AS l_suppkey, line::integer AS l_linenumber,
    (1 + pick(n, 4, 50))::numeric(12, 2) AS l_quantity,
    ((1 + pick(n, 4, 50)) * (90000 + l_partkey % 20001)) / 100.0 AS l_extendedprice,
    pick(n, 5, 11) / 100.0 AS l_discount, pick(n, 6, 9) / 100.0 AS l_tax,
    (ARRAY['R', 'A', 'N'])[1 + pick(n, 7, 3)] AS l_returnflag,
    (ARRAY['O', 'F'])[1 + pick(n, 8, 2)] AS l_linestatus,
    o_orderdate + (1 + pick(n, 9, 121))::integer AS l_shipdate,
    o_orderdate + (30 + pick(n, 10, 61))::integer AS l_commitdate,
    o_orderdate + (2 + pick(n, 9, 121) + pick(n, 11, 30))::integer AS l_receiptdate,
    {_WORDS}[1 + pick(n, 12, 4)] AS l_shipinstruct, {_WORDS}[1 + pick(n, 13, 7)] AS l_shipmode,
    {_text("n", 14, 4)} AS l_comment
    FROM (SELECT o_orderkey, o_orderdate, line, o_orderkey::bigint * 8 + line AS n,
        1 + pick(o_orderkey::bigint * 8 + line, 2, {PARTS}) AS l_partkey
        FROM orders, LATERAL generate_series(1, 1 + pick(o_orderkey, 1, {2 * LINES - 1})) line) l
"""


def create(url: str) -> None:
    """Fill an empty database, and let a role of its own read it.

    Args:
        url: of a superuser.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_RANDOM)
        for statement in _TABLES.split(";\n"):
            connection.execute(statement.encode())
        connection.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'".encode())
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}".encode())
        connection.execute("VACUUM ANALYZE")


def drop_reader(url: str) -> None:
    """Drop the role with what it may do."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {READER}; DROP ROLE {READER}".encode())
