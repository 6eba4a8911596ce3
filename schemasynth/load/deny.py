"""Databases that must never be a target, by patterns on all the names they go by.

Imports the adapter port; used wherever a target is opened. What a person typed is one name; where
it leads, and what the server says of itself, are others.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from schemasynth.adapter import TargetConnection, adapter_for
from schemasynth.errors import SafetyError
from schemasynth.settings import shown

if TYPE_CHECKING:
    import sqlalchemy as sa

_WILD = frozenset("*?[")
_HOSTS = ("host", "hostaddr", "service")
_DATABASES = ("dbname", "database", "db")
_SOCKETS = ("unix_socket",)
"""What a query of a URL may say in place of its parts, by the drivers' names."""


@contextmanager
def allowed_target(
    url: sa.URL, deny: Sequence[str], schemas: Iterable[str] = ()
) -> Iterator[TargetConnection]:
    """Open a target that no pattern denies.

    Args:
        url: of the target.
        deny: patterns of names, as shells have them; case does not matter.
        schemas: other schemas of it that are meant.

    Raises:
        SafetyError: a pattern matches one of its names; nothing was written.
    """
    check_names(url, [*_typed(url), *schemas], deny)
    with adapter_for(url).target(url) as target:
        check_names(url, target.names(), deny)
        yield target


def check_names(url: sa.URL, names: Iterable[str], deny: Sequence[str]) -> None:
    """Refuse a database one of whose names a pattern matches.

    Args:
        url: of the database, for people.
        names: what it goes by; hosts are looked up.
        deny: the patterns.

    Raises:
        SafetyError: names the pattern.
    """
    if not deny:
        return
    is_file = url.get_backend_name() == "sqlite"
    known = {alias for name in names if name for alias in _aliases(name, is_file=is_file)}
    for pattern in deny:
        wanted = pattern.casefold().rstrip(".")
        literal = not _WILD.intersection(wanted)
        meant = _addresses(wanted) if literal else set()
        for name in sorted(known):
            if fnmatchcase(name, wanted) or name in meant:
                raise SafetyError(
                    f"{shown(url)} must not be a target: its name {name} matches the denied "
                    f"pattern {pattern}. Nothing was changed."
                )


def _typed(url: sa.URL) -> Iterator[str]:
    """Yield the names that a URL holds, in its query as well."""
    yield from (part for part in (url.host, url.database) if part)
    for key, value in url.query.items():
        if key in (*_HOSTS, *_DATABASES, *_SOCKETS):
            for each in [value] if isinstance(value, str) else value:
                yield from each.split(",")


def _aliases(name: str, *, is_file: bool) -> set[str]:
    """Return a name with all that it leads to: parts of a path, names and addresses of a host."""
    plain = name.casefold().rstrip(".")
    found = {plain}
    if is_file or "/" in name:
        for path in (Path(name), Path(name).resolve()):
            found |= {part.casefold() for part in path.parts}
            found |= {str(path).casefold(), path.stem.casefold()}
    else:
        found |= _addresses(plain)
        for address in list(found):
            with suppress(OSError, UnicodeError):
                first, more, _ = socket.gethostbyaddr(address)
                found |= {alias.casefold().rstrip(".") for alias in (first, *more)}
    return found


def _addresses(host: str) -> set[str]:
    """Return the addresses of a host; none for what is no host. Loopback has all of its own."""
    found: set[str] = set()
    with suppress(OSError, UnicodeError):
        found = {str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None)}
    for address in list(found):
        with suppress(ValueError):
            parsed = ipaddress.ip_address(address.partition("%")[0])
            mapped = getattr(parsed, "ipv4_mapped", None)
            if mapped is not None:
                found.add(str(mapped))
            if parsed.is_loopback or (mapped is not None and mapped.is_loopback):
                found |= {"127.0.0.1", "::1", "localhost"}
    return found
