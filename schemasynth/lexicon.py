"""Names, streets and words by language: Faker's lists, and Catalan ones that Faker lacks.

Knows nothing of the package; used to recognise people and to make new ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

LANGUAGES = ("ca", "es", "en", "fr", "de", "it", "pt")
"""With lists of names; the first wins where two fit alike."""
_FAKER = MappingProxyType(
    {
        "es": ("es_ES", "es_MX"),
        "en": ("en_US", "en_GB"),
        "fr": ("fr_FR",),
        "de": ("de_DE",),
        "it": ("it_IT",),
        "pt": ("pt_PT", "pt_BR"),
    }
)
"""Locales of Faker that serve a language."""
_CATALAN_MEN = """
    Jordi Josep Marc Xavier Francesc Carles Pere Albert Pau Oriol Arnau Ferran Lluís Miquel Jaume
    Enric Sergi Eduard Roger Joan Antoni Ramon Manel Martí Biel Guillem Gerard Bernat Ignasi Àlex
    Adrià Roc Nil Quim Joaquim Vicenç Rafel Climent Agustí Andreu Artur Bartomeu Cesc Damià Domènec
    Esteve Feliu Gaspar Gil Grau Isidre Llorenç Magí Mateu Maurici Narcís Octavi Otger Pol Salvador
    Simó Valentí Ventura Víctor Aleix Aniol Blai Dídac Eloi Genís Jan Ot Ponç Sadurní
"""
_CATALAN_WOMEN = """
    Montserrat Núria Meritxell Mireia Laia Eulàlia Neus Gemma Aina Clara Judit Anna Marta Mercè
    Carme Rosa Dolors Teresa Josefina Concepció Assumpció Pilar Lourdes Roser Glòria Imma Cristina
    Sílvia Mònica Marina Júlia Martina Carla Berta Ariadna Txell Queralt Blanca Bruna Elisenda
    Estel Gal·la Helena Ivet Jana Joana Lídia Llúcia Magda Maria Margarida Mar Miriam Nina Noa
    Olga Ona Paula Rita Sara Sònia Tecla Úrsula Vinyet Xènia Abril Alba Aurora Caterina Emma
"""
_CATALAN_SURNAMES = """
    Puig Vila Serra Soler Roca Font Ferrer Pujol Bosch Riera Costa Vidal Mas Roig Sala Casas
    Rovira Grau Camps Prat Mir Ribas Bonet Esteve Llopis Pons Martí Fabregat Codina Carreras
    Vives Coll Farré Torrent Comas Vilà Ros Ribera Planas Oliveras Valls Torras Solé Pla Sabater
    Casals Balaguer Batlle Barceló Amat Aguilar Alemany Alsina Aymerich Badia Barnils Bartra
    Bassols Benet Bertran Blanch Bofill Borràs Bover Brugués Busquets Cabot Calvet Campderrós
    Canals Capdevila Cardona Carbonell Casademont Casanovas Castells Català Cirera Clavell Closa
    Colomer Corominas Cots Cuní Dalmau Domènech Duran Escofet Espluga Estruch Fargas Feliu
    Figueras Florensa Fontanals Forn Freixas Gallart Garriga Gasol Gelabert Gibert Gispert
    Gironès Guasch Güell Homs Isern Janer Jané Jordà Jover Llach Lladó Llobet Llorens Maragall
    Marquès Massagué Mata Mercader Miralles Miró Molins Montaner Moragas Munné Nadal Nogués
    Noguera Obiols Oller Orriols Palau Pascual Parera Peradejordi Piqué Pinyol Pous Prats
    Puigdevall Queralt Quintana Rabassa Ramoneda Rafart Raventós Recasens Reixach Ricart Rifà
    Rius Romagosa Rosell Rossell Sabaté Sagarra Salvat Santacana Saura Segarra Serrat Sitjà
    Suñol Tarradellas Terrades Tió Tomàs Torrents Tort Trias Tubert Tur Vallès Vallverdú Ventura
    Verdaguer Vergés Viladomat Vilanova Vilaseca Vinyals Xirau Xifré
"""
_STREETS = MappingProxyType(
    {
        "ca": ("Carrer", "Carrer de", "Avinguda", "Plaça", "Passeig", "Rambla", "Passatge"),
        "es": ("Calle", "Calle de", "Avenida", "Plaza", "Paseo", "Ronda", "Camino"),
        "en": ("Street", "Road", "Avenue", "Lane", "Drive", "Court", "Place", "Way"),
        "fr": ("rue", "avenue", "boulevard", "place", "chemin"),
        "de": ("Straße", "Weg", "Allee", "Platz"),
        "it": ("Via", "Viale", "Piazza", "Corso"),
        "pt": ("Rua", "Avenida", "Praça", "Travessa"),
    }
)
_CATALAN_WORDS = """
    actual ajuda aplicar article atenció avui bona camí camp canvi capaç capítol carta caixa cercar
    cert ciutat clar comença complet comú conjunt consulta control cosa curs dada darrer decisió
    demanda demà detall dia document donar durada edifici eina element encàrrec enviar època equip
    escrit espai estat estudi etapa exemple fase fer final finestra full futur general gestió gran
    grup història hora idea imatge informe inici interès jardí joc línia lloc llum llibre mapa
    marc marge matí matèria mesura mètode moment mostra motiu nota nou número obert objecte oficina
    ordre origen part pas passat pla porta present primer procés projecte pregunta punt quadre
    qualitat raó recurs registre relació resposta resultat resum segon seguit senzill servei sessió
    sistema situació suport taula tasca tema temps terme text tipus torn treball últim unitat ús
    valor viatge vista volta zona
"""


def folded(text: str) -> str:
    """Return a text in small letters, without accents and with single spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one language.

    Attributes:
        men: given names.
        women: given names.
        surnames: family names.
        doubled: people bear two surnames.
    """

    men: tuple[str, ...]
    women: tuple[str, ...]
    surnames: tuple[str, ...]
    doubled: bool


@cache
def names(language: str) -> Names:
    """Return the names of a language; of English where it has none."""
    if language == "ca":
        lists = (_CATALAN_MEN, _CATALAN_WOMEN, _CATALAN_SURNAMES)
        men, women, family = (_distinct(text.split()) for text in lists)
        return Names(men, women, family, doubled=True)
    kinds = ("first_names_male", "first_names_female", "last_names")
    men, women, family = (_faker("person", language, name) for name in kinds)
    return Names(men, women, family, doubled=language == "es")


@cache
def vocabulary(language: str) -> tuple[str, ...]:
    """Return everyday words of a language; of English where it has none."""
    if language == "ca":
        return _distinct(_CATALAN_WORDS.split())
    return _faker("lorem", language, "word_list") or vocabulary("en")


def streets(language: str) -> tuple[str, ...]:
    """Return what streets are called in a language."""
    return _STREETS.get(language, _STREETS["en"])


@cache
def given_names() -> frozenset[str]:
    """Return given names of all languages, folded."""
    found = {folded(n) for code in LANGUAGES for n in (*names(code).men, *names(code).women)}
    return frozenset(part for name in found for part in (name, *name.split()) if len(part) > 1)


@cache
def surnames() -> frozenset[str]:
    """Return surnames of all languages, folded."""
    return frozenset(folded(name) for code in LANGUAGES for name in names(code).surnames)


def is_name(word: str) -> bool:
    """Tell whether people bear a folded word as a name."""
    return word in given_names() or word in surnames()


@cache
def sex_of() -> dict[str, str]:
    """Return ``f`` or ``m`` for folded given names that only women or only men bear."""
    women = {folded(name) for code in LANGUAGES for name in names(code).women}
    men = {folded(name) for code in LANGUAGES for name in names(code).men}
    return dict.fromkeys(women - men, "f") | dict.fromkeys(men - women, "m")


@cache
def known(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the folded given names and surnames of a language."""
    own = names(language)
    given = frozenset(folded(name) for name in (*own.men, *own.women))
    return given, frozenset(folded(name) for name in own.surnames)


def language_of(texts: Iterable[str], default: str = "en") -> str:
    """Return the language whose names occur most often in texts.

    Args:
        texts: values of columns of names.
        default: where no name is known.
    """
    words = [word for text in texts for word in folded(text).replace(",", " ").split()]
    hits = {code: sum(w in known(code)[0] or w in known(code)[1] for w in words)
            for code in LANGUAGES}  # fmt: skip
    best = max(LANGUAGES, key=lambda code: hits[code])
    return best if hits[best] else default


def _faker(provider: str, language: str, name: str) -> tuple[str, ...]:
    """Return a list of Faker's, of all locales of a language, without repetitions."""
    found: list[str] = []
    for locale in _FAKER.get(language, _FAKER["en"]):
        try:
            module: Any = import_module(f"faker.providers.{provider}.{locale}")
        except ModuleNotFoundError:
            continue
        found += list(getattr(module.Provider, name, ()))
    return _distinct(found)


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in found if name.strip()))
