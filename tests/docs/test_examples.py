"""Runs the `console` blocks of the documentation and compares what they print.

A line that starts with `$ ` is run; what follows, up to the next one, is its expected output on
stdout, in which `...` stands for anything, or `[exit code N]` for a command that must fail.
A block with a `title` is a file of that name, and is there for what follows it.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemasynth.cli import main
from schemasynth.demo import write_source, write_target

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "pages"
BLOCK = re.compile(r'^```(?:console|\w+ title="([^"]+)")\n(.*?)^```', re.MULTILINE | re.DOTALL)
EXIT_CODE = re.compile(r"\[exit code (\d+)\]\n")
COMPARE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(page: Path) -> Iterator[tuple[str, str]]:
    """Commands of a page with their expected output, in order; writes the files it shows."""
    for name, block in BLOCK.findall(page.read_text("utf-8")):
        if name:
            Path(name).write_text(block, "utf-8")
            continue
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = example.partition("\n")
            yield command, expected


PAGES_WITH_EXAMPLES = [
    page for page in sorted(PAGES.rglob("*.md")) if "```console\n" in page.read_text("utf-8")
]


@pytest.fixture
def demo_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with what `schemasynth demo --workdir demo` writes, but for the rows."""
    monkeypatch.chdir(tmp_path)
    folder = Path("demo")
    folder.mkdir()
    write_source(folder / "live.sqlite")
    write_target(folder / "preproduction.sqlite")
    marked = CliRunner().invoke(main, ["target", "init", "demo/preproduction.sqlite"])
    assert marked.exit_code == 0, marked.output


def test_tutorial_has_examples() -> None:
    assert PAGES / "tutorial.md" in PAGES_WITH_EXAMPLES


@pytest.mark.usefixtures("demo_folder")
@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=lambda p: p.relative_to(PAGES).as_posix())
def test_examples_print_what_the_page_says(page: Path) -> None:
    for command, expected in examples(page):
        program, *words = shlex.split(os.path.expandvars(command))
        assert program == "schemasynth"
        result = CliRunner().invoke(main, words, prog_name=program)
        code = EXIT_CODE.fullmatch(expected)
        assert result.exit_code == (int(code[1]) if code else 0), f"{command}\n{result.output}"
        wanted = "" if code else expected
        same = doctest.OutputChecker().check_output(wanted, result.stdout, COMPARE)
        assert same, f"$ {command}\nexpected:\n{wanted}\ngot:\n{result.stdout}"
