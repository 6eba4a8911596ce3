"""Names of planted databases: one lexicon in English, Spanish and Catalan, several ways to write.

Used by `planted`.
"""

from __future__ import annotations

import unicodedata

import numpy as np

_WORDS = """
absence ausencia absència|account cuenta compte|action actuacion actuació
address direccion adreça|airport aeropuerto aeroport|amount importe import
appointment cita visita|area area àrea|asset activo actiu|batch lote lot|bin ubicacion ubicació
booking reserva reserva|branch sucursal oficina|building edificio edifici|call llamada trucada
campaign campana campanya|carrier transportista transportista|category categoria categoria
centre centro centre|check control control|city ciudad ciutat|claim siniestro sinistre
clause clausula clàusula|code codigo codi|company empresa empresa|contact contacto contacte
contract contrato contracte|cost coste cost|country pais país|county comarca comarca
course asignatura assignatura|credit abono abonament|customer cliente client|date fecha data
day dia dia|debit cargo càrrec|delivery entrega lliurament|department departamento departament
description descripcion descripció|destination destino destí|detail detalle detall
device aparato aparell|discount descuento descompte|document documento document
employee empleado empleat|end fin fi|enrolment matricula matrícula|entry asiento assentament
episode episodio episodi|event evento esdeveniment|exam examen examen|extension anexo annex
faculty facultad facultat|fee tasa taxa|file expediente expedient|fiscal fiscal fiscal
floor planta planta|freight portes ports|from origen origen|gate puerta porta|grade nota nota
group grupo grup|hall sala sala|history historico històric|holder titular titular|id id id
incident incidencia incidència|invoice factura factura|issue salida sortida|item articulo article
job puesto lloc|lane pasillo passadís|leg tramo tram|level nivel nivell|licence permiso permís
line linea línia|loan prestamo préstec|location emplazamiento emplaçament|lot partida partida
machine maquina màquina|manager jefe cap|measure medida mesura|member socio soci
meter contador comptador|method metodo mètode|month mes mes|movement movimiento moviment
municipality municipio municipi|name nombre nom|note observacion observació|number numero número
offer oferta oferta|office oficina oficina|operation operacion operació|order pedido comanda
origin origen origen|owner propietario propietari|page pagina pàgina|parcel parcela parcel·la
parent padre pare|part pieza peça|patient paciente pacient|payment pago pagament
percentage porcentaje percentatge|period periodo període|person persona persona|phase fase fase
plan plan pla|plant fabrica fàbrica|points puntos punts|policy poliza pòlissa
position posicion posició|previous anterior anterior|price precio preu
priority prioridad prioritat|procedure procedimiento procediment|product producto producte
project proyecto projecte|province provincia província|quantity cantidad quantitat
rate tarifa tarifa|reading lectura lectura|receipt recibo rebut|record historia història
register registro registre|request solicitud sol·licitud|resolution resolucion resolució
result resultado resultat|return devolucion devolució|review revision revisió|risk riesgo risc
role funcion funció|room aula aula|route ruta ruta|row fila fila|sale venta venda
school escuela escola|score puntuacion puntuació|seat butaca butaca|section seccion secció
sequence orden ordre|series serie sèrie|service servicio servei|session sesion sessió
shipment envio enviament|site sede seu|size talla talla|start inicio inici|state estado estat
station estacion estació|status situacion situació|step paso pas|stock existencia existència
stop parada parada|street calle carrer|student alumno alumne|supplier proveedor proveïdor
task tarea tasca|tax impuesto impost|teacher profesor professor|term trimestre trimestre
test prueba prova|ticket entrada entrada|time hora hora|title titulo títol|to destino destí
transfer traspaso traspàs|tree arbol arbre|trip viaje viatge|type tipo tipus|unit unidad unitat
user usuario usuari|valid vigencia vigència|vehicle vehiculo vehicle|version version versió
visit visita visita|volume volumen volum|warehouse almacen magatzem|ward pabellon pavelló
weight peso pes|worker operario operari|year ano any|zone zona zona
"""
LEXICON = {
    english: {"en": english, "es": spanish, "ca": catalan}
    for english, spanish, catalan in (
        entry.split() for line in _WORDS.strip().splitlines() for entry in line.split("|")
    )
}
WORDS = tuple(LEXICON)
LANGUAGES = ("en", "es", "ca")
FORMS = ("snake", "pascal", "legacy", "prefixed", "numbered")
FORM_SHARES = (0.35, 0.2, 0.2, 0.13, 0.12)
CUT = 4
"""Letters to which legacy names cut each word."""


class Style:
    """How a database writes its names; concepts are English words joined by underscores."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw a language and a form."""
        self.form = str(rng.choice(FORMS, p=FORM_SHARES))
        self.language = str(rng.choice(LANGUAGES)) if self.form != "numbered" else "en"
        self.count = 0

    def table(self, concept: str) -> str:
        """Return the name of a table."""
        return self._numbered("T") if self.form == "numbered" else self._joined(concept)

    def column(self, table: str, concept: str) -> str:
        """Return the name of a column of a table, both given as concepts."""
        if self.form == "numbered":
            return self._numbered("C")
        if self.form == "prefixed":
            return f"{_plain(self._words(table)[0])[:3].upper()}_{self._joined(concept)}"
        return self._joined(concept)

    def _numbered(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count:03d}"

    def _words(self, concept: str) -> list[str]:
        words = [LEXICON.get(word, {}).get(self.language, word) for word in concept.split("_")]
        return words if self.language == "en" else words[::-1]

    def _joined(self, concept: str) -> str:
        words = self._words(concept)
        if self.form == "snake":
            return "_".join(words)
        if self.form == "pascal":
            return "".join(_plain(word).capitalize() for word in words)
        return "_".join(_plain(word)[:CUT].upper() for word in words)


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word)
    return "".join(c for c in letters if c.isalnum() and c.isascii())
