"""Every command is documented, has an example, and every command shown anywhere can be typed."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from schemasynth.cli import main
from schemasynth.model.serialize import VERSION
from schemasynth.plan.model import (
    ColumnTreatment,
    Encoding,
    ForeignKeyTreatment,
    KeyKind,
    Role,
)

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "pages"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(PAGES.rglob("*.md"))]
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def cli_reference() -> ModuleType:
    path = ROOT / "docs" / "cli_reference.py"
    spec = importlib.util.spec_from_file_location("cli_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = cli_reference()
COMMANDS = dict(REFERENCE.commands(main))


def shown_commands() -> list[tuple[str, str]]:
    """Each `schemasynth …` line of a shell block, with the page it stands on."""
    return [
        (document.relative_to(ROOT).as_posix(), line)
        for document in DOCUMENTS
        for block in SHELL_BLOCK.findall(document.read_text("utf-8"))
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("schemasynth ")
    ]


def parse(line: str) -> None:
    """Parses a command line as the program would, without running it."""
    command: click.Command = main
    typed, *words = shlex.split(line)
    context: click.Context | None = None
    while isinstance(command, click.Group):
        context = click.Context(command, info_name=typed, parent=context)
        typed, command, words = command.resolve_command(context, words)  # type: ignore[assignment]
        assert command is not None
    command.make_context(typed, words, parent=context)


def test_reference_page_is_up_to_date() -> None:
    assert REFERENCE.PAGE.read_text("utf-8") == REFERENCE.render(), (
        "run `python docs/cli_reference.py`"
    )


@pytest.mark.parametrize("typed", COMMANDS)
def test_command_says_what_it_does_with_an_example(typed: str) -> None:
    _, *words = typed.split()
    shown = CliRunner().invoke(main, [*words, "--help"], prog_name="schemasynth")
    assert shown.exit_code == 0
    assert "\\b" not in shown.stdout
    _, found, example = shown.stdout.partition("Example:\n")
    assert found
    assert example.strip().startswith(typed)


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_option_has_a_meaning(typed: str) -> None:
    options = [p for p in COMMANDS[typed].params if isinstance(p, click.Option)]
    without = [o.name for o in options if not (o.help or isinstance(o.type, click.Choice))]
    assert not without


def test_documents_show_commands() -> None:
    assert {line.split()[1] for _, line in shown_commands()} >= {
        "demo",
        "doctor",
        "introspect",
        "plan",
        "refresh",
        "target",
        "verify",
    }


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_shown_command_can_be_typed(page: str, line: str) -> None:
    parse(line)


@pytest.mark.parametrize("kind", [Role, ForeignKeyTreatment, ColumnTreatment, Encoding, KeyKind])
def test_plan_file_page_names_every_value(kind: type[Role]) -> None:
    page = (PAGES / "reference" / "plan-file.md").read_text("utf-8")
    assert not [value for value in kind if f"`{value.value}`" not in page]


def test_model_page_shows_the_current_version() -> None:
    page = (PAGES / "reference" / "model-json.md").read_text("utf-8")
    assert f'"schemasynth": {VERSION},' in page
