"""The emitted configuration is valid for the SDK and leaves nothing to guess."""

import json
import sys
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemasynth.errors import GeneratorError, SettingsError
from schemasynth.generator import GeneratorSettings, config_json, config_python, emit
from schemasynth.model.privacy import DifferentialPrivacy
from schemasynth.plan.model import Encoding
from schemasynth.rewrite.prepared import PreparedColumn, PreparedReference, PreparedTable


@st.composite
def prepared_tables(draw):
    names = draw(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True))
    tables = []
    for i, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:i]), max_size=3)) if i else []
        count = 1 + len(parents)
        columns = draw(st.lists(st.text(min_size=1), min_size=count, max_size=9, unique=True))
        context = draw(st.integers(-1, len(parents) - 1))
        tables.append(
            PreparedTable(
                name,
                columns[0],
                tuple(
                    PreparedColumn(column, draw(st.sampled_from(Encoding)))
                    for column in columns[count:]
                ),
                tuple(
                    PreparedReference(column, parent, k == context)
                    for k, (column, parent) in enumerate(zip(columns[1:], parents, strict=False))
                ),
                draw(st.integers(0, 99)),
            )
        )
    return tuple(tables)


CHAIN = (
    PreparedTable("Kundin/Süd", "id", (PreparedColumn("born", Encoding.DATETIME),), (), 10),
    PreparedTable(
        "order",
        "id",
        (PreparedColumn("note", Encoding.TEXT), PreparedColumn("sum", Encoding.NUMERIC_DIGIT)),
        (PreparedReference("customer", "Kundin/Süd", True),),
    ),
)


@settings(max_examples=60, deadline=None)
@given(prepared_tables(), st.none() | st.floats(0.01, 9))
def test_every_configuration_is_valid_for_the_sdk(tables, minutes):
    from mostlyai.sdk.domain import GeneratorConfig

    emitted = emit(tables, GeneratorSettings(max_training_time=minutes, max_epochs=2.5, seed=3))
    json.dumps(emitted.config)
    config = GeneratorConfig.model_validate(emitted.config)
    assert config.random_state == 3
    aliases = [table.name for table in config.tables]
    assert aliases == sorted(set(aliases))
    columns = [column.name for table in config.tables for column in table.columns]
    assert len(columns) == len(set(columns))
    for table, given_table, names in zip(config.tables, tables, emitted.names, strict=True):
        assert table.primary_key == names.column(given_table.key)
        assert dict(names.columns).keys() >= {c.name for c in given_table.columns}
        encodings = {
            c.name: c.model_encoding_type.value for c in table.columns if c.model_encoding_type
        }
        for column in given_table.columns:
            assert encodings[names.column(column.name)] == column.encoding
        assert not table.tabular_model_configuration.value_protection
        assert table.tabular_model_configuration.max_epochs == 2.5


@settings(max_examples=30, deadline=None)
@given(prepared_tables())
def test_the_readable_configuration_is_valid_too(tables):
    from mostlyai.sdk.domain import GeneratorConfig

    GeneratorConfig.model_validate(json.loads(config_json(tables, GeneratorSettings())))


def test_readable_names_stay_where_the_sdk_can_handle_them():
    config = json.loads(config_json(CHAIN, GeneratorSettings()))
    first, second = config["tables"]
    assert (first["name"], second["name"]) == ("t0000", "order")
    assert second["foreign_keys"] == [
        {"column": "customer", "referenced_table": "t0000", "is_context": True}
    ]


def test_the_python_form_trains_on_the_same_configuration():
    calls = []

    class Client:
        def __init__(self, **arguments):
            calls.append(arguments)

        def train(self, config):
            calls.append(config)

    program = config_python(CHAIN, GeneratorSettings()).replace(
        "= {}", "= {'t0000': 1, 'order': 2}"
    )
    with patch.dict(sys.modules, {"mostlyai.sdk": type("Sdk", (), {"MostlyAI": Client})}):
        exec(compile(program, "train.py", "exec"), {})
    expected = json.loads(config_json(CHAIN, GeneratorSettings()))
    for table, rows in zip(expected["tables"], (1, 2), strict=True):
        table["data"] = rows
    assert calls == [{"local": True}, expected]


def test_the_training_time_is_divided_among_all_models():
    settings = GeneratorSettings(max_training_time=6)
    config = emit(CHAIN, settings, {"Kundin/Süd": 100, "order": 900}).config
    first, second = config["tables"]
    shares = [
        first["tabular_model_configuration"]["max_training_time"],
        second["tabular_model_configuration"]["max_training_time"],
        second["language_model_configuration"]["max_training_time"],
    ]
    assert sum(shares) == pytest.approx(6)
    assert shares[0] < shares[1]


def test_what_the_sdk_cannot_measure_gets_no_report():
    keys = PreparedTable("keys", "id", ())
    rows = {"Kundin/Süd": 99, "order": 100, "keys": 100}
    config = emit((*CHAIN, keys), GeneratorSettings(), rows).config
    models = [table["tabular_model_configuration"] for table in config["tables"]]
    assert [model["enable_model_report"] for model in models] == [False, True, False]


@pytest.mark.parametrize("ranges", [None, 0.5])
def test_differential_privacy_is_valid_for_the_sdk(ranges):
    from mostlyai.sdk.domain import GeneratorConfig

    told = DifferentialPrivacy(max_epsilon=3, value_protection_epsilon=ranges)
    config = GeneratorConfig.model_validate(
        emit(CHAIN, GeneratorSettings(differential=told)).config
    )
    models = [table.tabular_model_configuration for table in config.tables]
    models += [table.language_model_configuration for table in config.tables[1:]]
    for model in models:
        assert model.value_protection == (ranges is not None)
        assert DifferentialPrivacy(**model.differential_privacy.model_dump()) == told
    plain = GeneratorConfig.model_validate(emit(CHAIN, GeneratorSettings()).config)
    assert plain.tables[0].tabular_model_configuration.differential_privacy is None


def test_without_a_limit_the_sdk_stops_by_itself():
    table = emit(CHAIN, GeneratorSettings()).config["tables"][0]
    assert not {"max_training_time", "max_epochs"} & table["tabular_model_configuration"].keys()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ((CHAIN[1],), "not generated"),
        ((CHAIN[0], CHAIN[0]), "same name"),
        ((PreparedTable("a", "id", (PreparedColumn("id", Encoding.TEXT),)),), "used twice"),
        (
            (
                PreparedTable("a", "id", (), (PreparedReference("b", "b", True),)),
                PreparedTable("b", "id", (), (PreparedReference("a", "a", True),)),
            ),
            "cycle",
        ),
        ((PreparedTable("a", "id", (), (PreparedReference("up", "a", True),)),), "cycle"),
        (
            (
                CHAIN[0],
                PreparedTable(
                    "a",
                    "id",
                    (),
                    (
                        PreparedReference("x", "Kundin/Süd", True),
                        PreparedReference("y", "Kundin/Süd", True),
                    ),
                ),
            ),
            "more than one context",
        ),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tables, said):
    with pytest.raises(GeneratorError, match=said):
        emit(tables, GeneratorSettings())


@pytest.mark.parametrize("name", ["max_training_time", "max_epochs", "timeout", "stall_timeout"])
def test_a_limit_of_zero_is_refused(name):
    with pytest.raises(SettingsError, match=name):
        GeneratorSettings(**{name: 0})
