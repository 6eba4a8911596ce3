"""A social-services database in Catalan, shaped like tSocial, with invented people.

Names come from lists of its own, so that the detection is not tried on its own dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from stdnum import iban, luhn
from stdnum.es import ccc, dni

from schemasynth.arrays import frame
from schemasynth.model import (
    Column,
    ForeignKey,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)

ROWS = 300
_GIVEN = {
    "D": [
        "Montserrat",
        "Remei",
        "Griselda",
        "Araceli",
        "Fina",
        "Conxita",
        "Mercè",
        "Núria",
        "Laia",
        "Aïda",
        "Fàtima",
        "Yolanda",
        "Encarna",
        "Loreto",
        "Aurora",
        "Carme",
        "Olga",
        "Txell",
        "Samira",
        "Ioana",
    ],
    "H": [
        "Jordi",
        "Ermengol",
        "Pere",
        "Xavi",
        "Ignasi",
        "Narcís",
        "Abdel",
        "Ionut",
        "Agapit",
        "Ramon",
        "Lluís",
        "Miquel",
        "Quirze",
        "Cosme",
        "Oleguer",
        "Mohamed",
        "Kevin",
        "Martí",
        "Joan",
        "Josep",
    ],
}
_FAMILY = [
    "Puigdemont",
    "Casanellas",
    "Ferrer",
    "Boixader",
    "Vilarasau",
    "Roca",
    "El-Amrani",
    "Popescu",
    "Soler",
    "Montagut",
    "Riba",
    "Cunillera",
    "García",
    "Martínez",
    "Serra",
    "Tarrés",
    "Vidal",
    "Bagaria",
    "Oliva",
    "Prat",
    "Jiménez",
    "Farràs",
    "Nogué",
]
_STREETS = ["Carrer Major", "Carrer de la Font", "Avinguda Catalunya", "Plaça del Blat", "C/ Nou"]
_TOWNS = ["Barcelona", "Girona", "Lleida", "Reus", "Vic", "Olot", "Manresa"]
_REMARKS = (
    "Es demana informe a serveis socials del municipi abans de resoldre l'expedient",
    "La persona aporta nova documentació i sol·licita la revisió de la quantia assignada",
    "Pendent de rebre el certificat de convivència de l'ajuntament del domicili",
    "S'ha trucat a la família per confirmar les dades bancàries de la prestació",
)


@dataclass(frozen=True, slots=True)
class Social:
    """The database: its schema and its rows."""

    schema: Schema
    frames: Mapping[str, pd.DataFrame]


def social(seed: int = 3, rows: int = ROWS) -> Social:
    """Return a database of ten tables.

    Args:
        seed: equal seeds give equal rows.
        rows: of the table of people.
    """
    tables = _Tables(np.random.default_rng(seed), rows)
    made = tables.all()
    frames = {name: frame({c: pa.array(v) for c, v in t.items()}, len(next(iter(t.values()))))
              for name, t in made.items()}  # fmt: skip
    schema = Schema("sqlite", "tsocial", tuple(_table(name, f) for name, f in frames.items()))
    return Social(schema, frames)


def _table(name: str, rows: pd.DataFrame) -> Table:
    key = str(rows.columns[0])
    parents = {"identificador": ("titular", "identificador")}
    keys = tuple(
        ForeignKey((c,), TableName(parents[c][0]), (parents[c][1],))
        for c in rows.columns
        if c in parents and name != "titular"
    )
    columns = tuple(Column(c, _type(rows[c]), c != key) for c in rows.columns)
    return Table(TableName(name), columns, PrimaryKey((key,)), (), keys, row_count=len(rows))


def _type(values: pd.Series) -> SqlType:
    kind = pa.array(values.array).type
    if pa.types.is_integer(kind):
        return SqlType("INTEGER", TypeFamily.INTEGER)
    if pa.types.is_floating(kind):
        return SqlType("DOUBLE", TypeFamily.FLOAT)
    if pa.types.is_date(kind):
        return SqlType("DATE", TypeFamily.DATE)
    return SqlType("TEXT", TypeFamily.TEXT)


class _Tables:
    def __init__(self, rng: np.random.Generator, rows: int) -> None:
        self.rng, self.rows = rng, rows
        self.sex = rng.choice(["D", "H"], rows)
        self.given = [str(rng.choice(_GIVEN[s])) for s in self.sex]
        self.first, self.last = (list(map(str, rng.choice(_FAMILY, rows))) for _ in range(2))
        numbers = rng.choice(99_999_999, rows, replace=False)
        self.ids = [f"{n:08d}{dni.calc_check_digit(f'{n:08d}')}" for n in numbers]

    def all(self) -> dict[str, dict[str, list[object]]]:
        return {
            "titular": self.people(),
            "expedient": self.files(),
            "pagamentnomina": self.payments(),
            "actuacionsnomina": self.actions(),
            "domicili": self.homes(),
            "dades_bancaries": self.accounts(),
            "valoracio_dependencia": self.assessments(),
            "professional": self.professionals(),
            "registre_acces": self.accesses(),
            "vehicle_adaptat": self.vehicles(),
            "tipus_prestacio": self.kinds(),
        }

    def pick(self, values: list[str]) -> list[object]:
        return list(map(str, self.rng.choice(values, self.rows)))

    def day(self, start: str, days: int) -> list[object]:
        stamps = np.datetime64(start) + self.rng.integers(0, days, self.rows)
        return list(stamps.astype("M8[D]").astype(object))

    def number(self, low: int, high: int) -> list[object]:
        return [int(n) for n in self.rng.integers(low, high, self.rows)]

    def people(self) -> dict[str, list[object]]:
        phones = [f"6{n:08d}" for n in self.rng.integers(0, 10**8, self.rows)]
        return {
            "identificador": list(self.ids),
            "nom": list(self.given),
            "cognom1": list(self.first),
            "cognom2": list(self.last),
            "sexe": list(map(str, self.sex)),
            "data_naixement": self.day("1930-01-01", 30000),
            "municipi": self.pick(_TOWNS),
            "codi_postal": [f"{n:05d}" for n in self.rng.integers(8001, 8999, self.rows)],
            "nacionalitat": self.pick(["Espanyola", "Altres"]),
            "estat_civil": self.pick(["Solter", "Casat", "Vidu"]),
            "telefon_mobil": list(phones),
            "correu_electronic": [
                f"{g[:1]}.{f}{i}@correu.cat".lower()
                for i, (g, f) in enumerate(zip(self.given, self.first, strict=True))
            ],
            "num_membres_familia": self.number(1, 8),
            "ingressos_anuals": [float(n) for n in self.number(0, 30000)],
            "idioma": self.pick(["ca", "es", "ar"]),
            "data_alta": self.day("2015-01-01", 3000),
        }

    def files(self) -> dict[str, list[object]]:
        return {
            "N_Expedit": [f"EXP{n:07d}" for n in range(self.rows)],
            "identificador": list(self.ids),
            "nom_complet": [
                f"{a.upper()} {b.upper()}, {g}"
                for a, b, g in zip(self.first, self.last, self.given, strict=True)
            ],
            "N_Procediment": self.pick(["001", "002", "003"]),
            "Data_obertura": self.day("2018-01-01", 2000),
            "Estat_expedient": self.pick(["Obert", "Tancat", "Suspès"]),
            "Nom_procediment": self.pick(["Dependència", "Renda garantida", "Discapacitat"]),
            "Observacions": [f"{t}." for t in self.pick(list(_REMARKS))],
            "Prioritat": self.number(1, 4),
            "Unitat_gestora": self.pick(["UG1", "UG2"]),
        }

    def payments(self) -> dict[str, list[object]]:
        return {
            "Id_pagament": list(range(self.rows)),
            "identificador": list(self.ids),
            "Data_pagament": self.day("2020-01-01", 1000),
            "Import": [float(n) / 100 for n in self.number(10_000, 90_000)],
            "Estat": self.pick(["Pagat", "Retornat"]),
            "Tipus_prestacio": self.pick(["DEP", "RGC"]),
            "IBAN": self.ibans(),
            "Nom_beneficiari": [f"{g} {f}" for g, f in zip(self.given, self.first, strict=True)],
            "Concepte": self.pick(["Nòmina mensual", "Endarreriments", "Regularització"]),
            "Exercici": self.number(2020, 2024),
            "Retencio": [float(n) for n in self.number(0, 20)],
        }

    def ibans(self) -> list[object]:
        made = []
        for n in self.rng.integers(0, 10**16, self.rows):
            account = f"2100{n // 10**12:04d}00{n % 10**10:010d}"
            body = account[:8] + ccc.calc_check_digits(account) + account[10:]
            made.append(f"ES{iban.calc_check_digits('ES00' + body)}{body}")
        return list(made)

    def actions(self) -> dict[str, list[object]]:
        return {
            "Id_actuacio": list(range(self.rows)),
            "N_Expedit": [f"EXP{n:07d}" for n in self.rng.integers(0, self.rows, self.rows)],
            "Data_actuacio": self.day("2020-01-01", 1000),
            "Tipus_actuacio": self.pick(["Alta", "Revisió", "Baixa"]),
            "Efecte_Nomina": self.pick(["Inici", "Aturada"]),
            "Nom_tecnic": [f"{g} {f}" for g, f in zip(self.given, self.last, strict=True)],
            "Resultat": self.pick(["Favorable", "Desfavorable"]),
            "Durada_minuts": self.number(5, 90),
            "Canal": self.pick(["Presencial", "Telèfon", "Web"]),
            "Versio": self.number(1, 5),
        }

    def homes(self) -> dict[str, list[object]]:
        streets = self.pick(_STREETS)
        numbers = self.rng.integers(1, 200, self.rows)
        return {
            "Id_domicili": list(range(self.rows)),
            "identificador": list(self.ids),
            "Adreca": [f"{s}, {n}" for s, n in zip(streets, numbers, strict=True)],
            "Tipus_via": self.pick(["Carrer", "Plaça", "Avinguda"]),
            "Municipi": self.pick(_TOWNS),
            "Comarca": self.pick(["Barcelonès", "Osona", "Garrotxa"]),
            "latitud": [float(x) for x in 41 + self.rng.random(self.rows)],
            "longitud": [float(x) for x in 1 + self.rng.random(self.rows)],
            "Superficie_m2": self.number(30, 200),
            "Regim_tinenca": self.pick(["Lloguer", "Propietat"]),
            "Adreca_verificada": self.pick(["S", "N"]),
        }

    def accounts(self) -> dict[str, list[object]]:
        cards = [f"4{n:014d}" for n in self.rng.integers(0, 10**14, self.rows)]
        return {
            "Id_compte": list(range(self.rows)),
            "identificador": list(self.ids),
            "compte": self.ibans(),
            "Entitat": self.pick(["CaixaBank", "BBVA", "Sabadell"]),
            "num_targeta": [c + luhn.calc_check_digit(c) for c in cards],
            "Titular_compte": [f"{g} {f}" for g, f in zip(self.given, self.first, strict=True)],
            "Data_validesa": self.day("2024-01-01", 900),
            "Moneda": self.pick(["EUR"]),
        }

    def assessments(self) -> dict[str, list[object]]:
        return {
            "Id_valoracio": list(range(self.rows)),
            "identificador": list(self.ids),
            "CIP": [
                f"{f[:2].upper()}{m[:2].upper()}{s}{n:06d}{k:03d}"
                for f, m, s, n, k in zip(
                    self.first, self.last, (self.sex == "D").astype(int),
                    self.rng.integers(0, 10**6, self.rows),
                    self.rng.integers(0, 1000, self.rows), strict=True,
                )
            ],
            "Diagnostic": self.pick(["Demència", "Paràlisi", "Depressió", "Ceguesa"]),
            "Grau": self.number(0, 4),
            "Puntuacio": self.number(0, 100),
            "Data_valoracio": self.day("2019-01-01", 1500),
            "Medicacio": self.pick(["Cap", "Donepezil", "Sertralina"]),
            "Comentaris": [f"{t} ({i})." for i, t in enumerate(self.pick(list(_REMARKS)))],
            "Barem": self.pick(["BVD", "EVE"]),
        }  # fmt: skip

    def professionals(self) -> dict[str, list[object]]:
        return {
            "Id_professional": list(range(self.rows)),
            "usuari": [
                f"{g[:1]}{f}{i}".lower()
                for i, (g, f) in enumerate(zip(self.given, self.last, strict=True))
            ],
            "contrasenya": [f"{int(n):032x}" for n in self.rng.integers(1, 2**62, self.rows)],
            "nom_i_cognoms": [
                f"{g} {f} {m}"
                for g, f, m in zip(self.given, self.last, self.first, strict=True)
            ],
            "Num_collegiat": self.number(1000, 99999),
            "Categoria": self.pick(["A1", "A2", "C1"]),
            "Centre": self.pick(["CAP Sants", "SBAS Olot"]),
            "Telefon_feina": [f"93 {n:03d} {m:02d} {k:02d}" for n, m, k in
                              self.rng.integers(0, 100, (self.rows, 3))],
            "Actiu": self.pick(["S", "N"]),
        }  # fmt: skip

    def accesses(self) -> dict[str, list[object]]:
        return {
            "Id_acces": list(range(self.rows)),
            "adreca_ip": [".".join(map(str, p)) for p in self.rng.integers(1, 255, (self.rows, 4))],
            "mac": [":".join(f"{b:02x}" for b in p)
                    for p in self.rng.integers(0, 256, (self.rows, 6))],
            "Moment": self.day("2024-01-01", 300),
            "Aplicacio": self.pick(["eSocial", "tSocial"]),
            "Codi_resposta": self.number(200, 204),
            "Durada_ms": self.number(1, 5000),
        }  # fmt: skip

    def vehicles(self) -> dict[str, list[object]]:
        letters = list("BCDFGHJKLMNPRSTVWXYZ")
        plates = [
            f"{n:04d} {''.join(map(str, p))}"
            for n, p in zip(
                self.rng.integers(0, 9999, self.rows),
                self.rng.choice(letters, (self.rows, 3)),
                strict=True,
            )
        ]
        return {
            "Id_vehicle": list(range(self.rows)),
            "identificador": list(self.ids),
            "matricula": list(plates),
            "Marca": self.pick(["Seat", "Renault"]),
            "Model": self.pick(["Ibiza", "Clio", "Kangoo"]),
            "Any_matriculacio": self.number(2000, 2024),
        }

    def kinds(self) -> dict[str, list[object]]:
        return {
            "Codi": ["DEP", "RGC", "DIS"],
            "Nom": ["Dependència", "Renda garantida", "Discapacitat"],
            "Descripcio": ["Prestació per dependència", "Renda mínima", "Ajut a la discapacitat"],
        }
