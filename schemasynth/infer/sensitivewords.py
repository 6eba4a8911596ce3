"""What columns of personal data are called, in English, Spanish and Catalan.

Imports the model; used by the detection of sensitive columns.
"""

from __future__ import annotations

import re

from schemasynth.model.sensitivity import SensitiveKind


def _named(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|_)(?:{'|'.join(alternatives)})(?:_|$)")


ABOUT = re.compile(
    r"_(?:id|ids|type|tipus|tipo|kind|code|codi|codigo|status|estat|estado|flag|count|date|data"
    r"|fecha|from|to|verified|verificat|verificado|length|format|method|template|lang|language"
    r"|image|url|valid|hash|size|since|country|pais|score|level|concept_id|description|desc)$"
)
"""Ends of names that say something about a thing instead of the thing."""
BEFORE = re.compile(r"^(date|data|fecha|has|is|te|tiene|num|number_of|count|type|tipus|tipo)_")
"""Starts of names that say something about a thing instead of the thing, unless it is of it."""

_K = SensitiveKind
# fmt: off
# Full names stand before their parts: in "nom_i_cognoms" the surname is part of one.
BY_NAME: tuple[tuple[SensitiveKind, float, re.Pattern[str]], ...] = (
    (_K.EMAIL, 0.95, _named("e_?mails?", "mail", "correu", "correo", "email_?addr(?:ess)?")),
    (
        _K.PHONE,
        0.9,
        re.compile(
            r"(?:^|_)(?:tele?phones?|phones?|telefons?|telefono|telf?|mobile?|movil|cell(?:_?phone)?"
            r"|fax|whats_?app|pager|phone_?numbers?|extensio|extension|phone_ext)(?:_|$)"
        ),
    ),
    (
        _K.FULL_NAME,
        0.9,
        _named(
            "full_?name", "contact_?name", "nom_(?:complet|i_cognoms|cognoms)",
            "cognoms_(?:i_)?nom", "nombre_(?:completo|y_apellidos|apellidos)",
            "apellidos_(?:y_)?nombre", "card_?holder(?:_name)?", "account_?holder", "titular",
            "beneficiari", "beneficiario",
        ),
    ),
    (
        _K.GIVEN_NAME,
        0.95,
        _named(
            "(?:first|given|fore|middle|christian|pet)_?name", "[fm]_?name", "forename",
            "nombre_(?:de_)?pila", "nom_(?:de_)?pila", "prenom", "nom_1", "primer_nom",
            "segon_nom", "primer_nombre", "segundo_nombre",
        ),
    ),
    (
        _K.SURNAME,
        0.95,
        _named(
            "(?:last|family|sur|maiden|second)_?names?", "l_?name", "surname", "cognoms?",
            "apellidos?", "(?:primer|segon|segundo)_(?:cognom|apellido)", "ap[12]",
        ),
    ),
    (
        _K.ADDRESS,
        0.85,
        re.compile(
            r"(?:^|_)(?:(?:street|postal|home|mailing|billing|shipping|ship|bill|delivery)_)*"
            r"(?:address(?:_?lines?)?|addr|adreca|direccio|direccion|domicili|domicilio|street"
            r"|carrer|calle|via_publica|nom_via|nombre_via|residence|building_address)"
            r"(?:_(?:street|name|line|full|details|complet|completa|postal|1|2|3|4))*$"
            r"|^(?:address_)?line_[1-4](?:_|$)"
        ),
    ),
    (
        _K.BANK_ACCOUNT,
        0.9,
        _named(
            "iban", "ccc", "(?:bank_)?account_?(?:no|num|nr|number)", "account_to",
            "compte_(?:corrent|bancari)", "(?:numero|num|no)_(?:de_)?compte",
            "cuenta_(?:corriente|bancaria)", "(?:numero|num|no)_(?:de_)?cuenta", "bank_account",
        ),
    ),
    (
        _K.CARD,
        0.9,
        _named(
            "(?:credit_?card|card|cc)_?(?:no|num|nr|number)", "pan_number", "cvv2?", "cvc",
            "(?:numero|num|no)_(?:de_)?(?:targeta|tarjeta)", "credit_?card", "targeta_credit",
            "tarjeta_credito",
        ),
    ),
    (
        _K.DOCUMENT,
        0.9,
        _named(
            "dni", "nie", "nif", "nie_nif", "dni_nie", "ssn", "sin", "nuss", "nss", "naf", "cip",
            "tsi", "nass", "passports?(?:_(?:no|num|number))?", "passaport", "pasaporte",
            "social_?security(?:_(?:no|num|number))?", "seguretat_social", "seguridad_social",
            "driv(?:er|ing)s?_licen[cs]e(?:_(?:no|num|number))?", "national_?id(?:_number)?",
            "tax_?id", "num_document", "numero_document", "document_identitat",
            "num_identificacio", "documento_identidad", "historia_clinica", "mrn",
            "medical_record_number", "niss", "identificador_persona", "usuari_solicitant",
            "usuario_solicitante", "nhs_number", "insurance_?(?:id|no|number)", "health_?card",
            "targeta_sanitaria", "cat_?salut", "(?:numero|num|no)_(?:de_)?ss",
            "tarjeta_sanitaria", "(?:num|numero|no)_(?:de_)?(?:col_?legiat|colegiado)",
            "licen[cs]e_?(?:no|num|number)", "carnet",
        ),
    ),
    (
        _K.USER_NAME,
        0.85,
        _named(
            "user_?name", "login(?:_?name)?", "nick(?:_?name)?", "user_?login", "screen_?name",
            "nom_usuari", "^usuari$", "^usuario$", "^user$", "nombre_usuario", "twitter",
            "instagram", "skype", "handle",
        ),
    ),
    (
        _K.PASSWORD,
        0.95,
        _named("pass_?word(?:_hash)?", "passwd", "pwd", "contrasenya", "contrasena", "pin_code"),
    ),
    (_K.IP_ADDRESS, 0.9, _named("ip", "ip_?addr(?:ess)?", "ipv[46]", "adreca_ip", "direccion_ip")),
    (
        _K.DEVICE,
        0.9,
        _named(
            "mac", "mac_?addr(?:ess)?", "imei", "imsi", "iccid", "unique_device_id", "udid",
            "device_(?:serial|token|fingerprint)", "adreca_mac", "direccion_mac",
            "advertising_id",
        ),
    ),
    (
        _K.PLATE,
        0.85,
        _named("(?:licen[cs]e|number|registration)_?plate", "plate(?:_?number)?", "matricula"),
    ),
    (_K.SEX, 0.9, _named("sex", "sexe", "sexo", "gender", "genere", "genero")),
    (
        _K.BIRTH_DATE,
        0.95,
        _named(
            "birth_?(?:date|day|datetime|number|year)", "birth", "birthday", "dob", "naixement",
            "nacimiento", "(?:date|year|month|day)_of_birth", "birthdate", "data_naix",
            "born(?:_on)?$",
        ),
    ),
    (
        _K.LOCATION,
        0.9,
        _named(
            "latitude?", "latitud", "lat", "longitude?", "longitud", "lon", "lng",
            "geo_?location", "coordinates?", "coordenad[ae]s?", "utm_[xy]", "gps",
        ),
    ),
    (
        _K.HEALTH,
        0.85,
        _named(
            "diagnos(?:is|es|tic|tico|e)?", "disease", "illness", "malaltia", "enfermedad",
            "allerg(?:y|ies)", "allergia", "alergia", "medication", "medicacio", "medicacion",
            "blood_?(?:type|group)", "icd_?(?:9|10)?", "cie_?(?:9|10)", "symptoms?", "simptomes",
            "discapacitat", "discapacidad", "disability", "dependencia", "treatment",
            "cause_of_death", "patologia", "condition_concept", "drug_source_value",
        ),
    ),
    (
        _K.FREE_TEXT,
        0.7,
        _named(
            "comments?", "notes?", "remarks?", "observacions?", "observaciones", "comentaris?",
            "comentarios?", "free_?text", "narrative", "anotacions?", "message", "missatge",
        ),
    ),
)
# fmt: on
ROLES = _named(
    "person",
    "contact",
    "customer",
    "client",
    "employee",
    "staff",
    "manager",
    "director",
    "author",
    "composer",
    "owner",
    "president",
    "chair",
    "artist",
    "singer",
    "teacher",
    "student",
    "guest",
    "patient",
    "doctor",
    "provider",
    "commander",
    "host",
    "head_?of_?state",
    "representative",
    "coach",
    "player",
    "driver",
    "pilot",
    "winner",
    "treasurer",
    "secretary",
    "participant",
    "supervisor",
    "agent",
    "applicant",
    "solicitant",
    "solicitante",
    "empleat",
    "empleado",
    "responsable",
    "tutor",
    "metge",
    "medico",
    "paciente",
    "titular",
    "leader",
    "writer",
    "actor",
    "writers?",
    "written_by",
    "directed_by",
    "builder",
    "candidate",
    "user",
    "usuari",
    "usuario",
    "founder",
    "advisor",
    "signatory",
    "voter",
    "killed_by",
    "jockey",
    "trainer",
    "referee",
    "sponsor",
    "architect",
    "photographer",
    "scientist",
    "captain",
    "victim",
    "party",
    "member",
    "tourist",
    "visitor",
    "contestant",
    "technician",
    "nurse",
    "physician",
    "swimmer",
    "reviewer",
    "journalist",
    "tecnic",
    "tecnico",
    "holder",
    "individual",
    "borrower",
    "investigator",
    "principal",
    "registrar",
    "creator",
    "researcher",
)  # fmt: skip
"""What people are called, as columns that hold their names are."""
PLAIN_NAME = re.compile(r"(?:^|_)(?:names?|nom|nombre|details?)$")
THINGS = re.compile(
    r"(?:^|_)(?:city|town|country|county|state|province|region|district|place|product|brand|store"
    r"|shop|company|team|club|school|university|college|hotel|street|road|airport|station|river"
    r"|island|mountain|building|dorm|hall|stadium|song|track|album|film|movie|book|title|game"
    r"|ship|vessel|song_name|file|filename|column|table|hometown|municipi|municipio|poblacio"
    r"|poblacion|localitat|localidad|comarca|provincia|pais|continent|language|location|party"
    r"|festival|award|event|museum|branch|park|capital|airline|department|series|model|make"
    r"|medicine|drug|enzyme|channel|category|type|genre|major|course|theme|pet|dog|horse|breed)"
    r"(?:_|$)"
)
"""Words of columns and tables whose names are of things, however human they sound."""
