"""Which numbers with check digits or letters values are, by the modules of python-stdnum.

Used by key formats, by the judgement of tables and by the rewrite that makes new numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

MIN_EVIDENCE = 20
"""Values below which no check counts as proven: one in ten passes most checks by chance."""
VALID_SHARE = 0.98
"""Share of values that must satisfy a check; the rest is dirt."""
CHANCE_SHARE = 0.5
"""A check that altered values satisfy as often as this proves nothing."""
PROBE = 200
"""Values tried."""
FIRST = 20
"""Values tried first."""
HOPELESS = 0.8
"""Share of the first below which the rest is not tried."""

OF_PEOPLE = frozenset(
    [
        "es.dni",
        "es.nie",
        "es.nif",
        "es.nuss",
        "pt.cc",
        "pt.nif",
        "fr.nir",
        "it.codicefiscale",
        "de.idnr",
        "gb.nhs",
        "gb.utr",
        "nl.bsn",
        "be.nn",
        "ch.ssn",
        "at.vnr",
        "pl.pesel",
        "se.personnummer",
        "no.fodselsnummer",
        "fi.hetu",
        "ee.ik",
        "lv.pvn",
        "cz.rc",
        "bg.egn",
        "ro.cnp",
        "hr.oib",
        "si.emso",
        "gr.amka",
        "ie.pps",
        "is_.kennitala",
        "tr.tckimlik",
        "il.idnr",
        "br.cpf",
        "cl.rut",
        "mx.curp",
        "mx.rfc",
        "ar.cuit",
        "ec.ci",
        "ca.sin",
        "au.tfn",
        "za.idnr",
        "in_.aadhaar",
        "cn.ric",
    ]
)
"""Numbers that a person bears."""
OF_ACCOUNTS = frozenset(["es.ccc", "iban", "ar.cbu"])
"""Numbers of bank accounts, which belong to a person as a rule."""
CHECKS = (
    "es.dni",
    "es.nie",
    "es.cif",
    "es.nif",
    "es.nuss",
    "es.cups",
    "es.ccc",
    "es.referenciacatastral",
    "iban",
    "isbn",
    "ismn",
    "issn",
    "isin",
    "lei",
    "cusip",
    "gb.sedol",
    "figi",
    "imei",
    "imo",
    "iso6346",
    "iso11649",
    "ean",
    "fr.nir",
    "it.codicefiscale",
    "pl.pesel",
    "mx.curp",
    "mx.rfc",
    "fi.hetu",
    "ro.cnp",
    "cn.ric",
    "ch.ssn",
    "be.nn",
    "no.fodselsnummer",
    "bg.egn",
    "ee.ik",
    "cz.rc",
    "lv.pvn",
    "is_.kennitala",
    "si.emso",
    "gr.amka",
    "se.personnummer",
    "za.idnr",
    "in_.aadhaar",
    "tr.tckimlik",
    "br.cpf",
    "br.cnpj",
    "cl.rut",
    "ar.cuit",
    "ar.cbu",
    "ec.ci",
    "ec.ruc",
    "pe.ruc",
    "co.nit",
    "uy.rut",
    "pt.cc",
    "pt.nif",
    "de.idnr",
    "de.vat",
    "gb.nhs",
    "gb.vat",
    "gb.utr",
    "nl.bsn",
    "be.vat",
    "at.vnr",
    "ch.uid",
    "pl.nip",
    "pl.regon",
    "no.orgnr",
    "dk.cvr",
    "hr.oib",
    "gr.vat",
    "ie.pps",
    "il.idnr",
    "ru.inn",
    "cn.uscc",
    "au.abn",
    "au.acn",
    "au.tfn",
    "nz.ird",
    "us.rtn",
    "fr.siret",
    "fr.siren",
    "fr.tva",
    "it.iva",
    "ca.sin",
    "eu.vat",
    "luhn",
    "verhoeff",
    "damm",
    "iso7064.mod_11_10",
    "iso7064.mod_11_2",
    "iso7064.mod_37_36",
    "iso7064.mod_37_2",
    "iso7064.mod_97_10",
)
"""Modules tried, the most special first."""
_OWN = {"es.nuss": "schemasynth.nuss"}


@cache
def check_module(name: str) -> Any:
    """Return the module of a check, for example ``es.dni``.

    Raises:
        ImportError: there is none.
    """
    return import_module(_OWN.get(name, f"stdnum.{name}"))


def has_check(name: str | None) -> bool:
    """Tell whether there is a check of that name."""
    try:
        return name is not None and hasattr(check_module(name), "is_valid")
    except ImportError:
        return False


def find_check(texts: Sequence[str]) -> str | None:
    """Return the check that values satisfy.

    Args:
        texts: distinct values.

    Returns:
        None where fewer than `MIN_EVIDENCE` values are there, or altered ones pass as well.
    """
    if len(texts) < MIN_EVIDENCE or not any(character.isdigit() for character in texts[0]):
        return None
    sample = texts[:: max(1, len(texts) // PROBE)]
    altered = [_altered(text) for text in sample]
    for name in CHECKS:
        valid = check_module(name).is_valid
        if _share(valid, sample[:FIRST]) < HOPELESS:
            continue
        if _share(valid, sample) >= VALID_SHARE and _share(valid, altered) < CHANCE_SHARE:
            return name
    return None


def _share(valid: Any, texts: Sequence[str]) -> float:
    return sum(bool(valid(text)) for text in texts) / len(texts)


def _altered(text: str) -> str:
    """Return a value with its last inner digit changed, which every check digit notices."""
    places = [i for i, c in enumerate(text) if c in "0123456789" and i < len(text) - 1]
    if not places:
        return text
    i = places[-1]
    return f"{text[:i]}{(int(text[i]) + 1) % 10}{text[i + 1 :]}"
