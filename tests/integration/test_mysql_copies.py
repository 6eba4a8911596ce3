"""Public databases are loaded from SQLite into MariaDB, verified there, and read back unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
from mysql_copies import copied

from schemasynth import api
from schemasynth.verify import require

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("name", sorted(p.parent.name for p in DATA.glob("*/*.declared.sqlite")))
def test_a_copy_is_whole(mysql_database: str, name: str) -> None:
    copy = copied(DATA / name / f"{name}.declared.sqlite", mysql_database)
    require(copy.report)
    assert copy.different == ()
    assert copy.keys > 0
    assert api.verify(mysql_database).ok
