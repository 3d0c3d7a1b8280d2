"""Where the numbers on pages and in notebooks come from: `python -m experiments.site.numbers` lists them all.

Most numbers are computed when the site is built, or were printed by a command into a marked block. One that is typed by
hand needs a source in `docs/numbers.toml`: a symbol, test or file in which it stands as code. In a notebook the source
of a number in the text is the notebook's own code, which the tests run. A number without a source, a source that does
not hold its number, and an entry that no number needs are problems; with any, the exit code is 1. That a source holds a
number is checked, that it means the same thing is not.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from bestresponse.errors import DataError
from experiments.site import text as texts
from experiments.site.excerpts import ROOT, excerpt
from experiments.site.text import Typed, same

REGISTER = ROOT / "docs" / "numbers.toml"
ALL = "*"  # any number of a section, or any section of a page
TABLES, EXAMPLES = "tables", "examples"  # sources on the page itself: its measured blocks, its Python blocks
SAID = ("citation", "https://")  # begin the sources of what others say; it is listed, and not recomputed
BUILT = "when the site is built"

Entry: TypeAlias = tuple[str, str, str]  # page, section, number


@dataclass(frozen=True)
class Line:
    """One number of the list, or a block of them."""

    page: str
    line: int
    number: str
    source: str
    problem: str = ""

    def __str__(self) -> str:
        told = [f"{self.page}:{self.line}", self.number, self.source]
        return "\t".join([*told, f"PROBLEM: {self.problem}"] if self.problem else told)


@dataclass(frozen=True)
class Register:
    """What `docs/numbers.toml` says."""

    blocks: Mapping[str, str]  # marked block → the command that prints it
    sources: Mapping[Entry, str]

    @classmethod
    def of(cls, blocks: Mapping[str, str], **pages: Mapping[str, Mapping[str, str]]) -> Register:
        """Return the register of tables by page, section and number."""
        sources = {
            (page, section, number): source
            for page, sections in pages.items()
            for section, numbers in sections.items()
            for number, source in numbers.items()
        }
        return cls(blocks, sources)

    @classmethod
    def read(cls, path: Path = REGISTER) -> Register:
        """Return what a file says. Raises DataError if it cannot be read."""
        try:
            data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise DataError(f"{path}: cannot be read ({error})") from error
        return cls.of(**data)

    def entry(self, number: Typed) -> Entry | None:
        """Return the entry that a typed number goes by: one with this number before one with any."""
        sections = (number.section, ALL)
        own = [each for each in self.sources if each[0] == number.page and each[1] in sections]
        fitting = [each for each in own if each[2] == ALL or same(number.text, each[2])]
        return min(fitting, key=lambda each: (each[2] == ALL, each[1] == ALL), default=None)


def listed(root: Path, register: Register) -> list[Line]:
    """Return every number of the README, the pages and the notebooks of a repository."""
    found = [Line("catalogue/", 0, "all problems", f"experiments.site.catalogue_pages: solved {BUILT}")]
    needed: set[Entry | None] = set()
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        found += [Line(path.name, line, what, f"drawn in {BUILT}") for what, line in texts.requests(text)]
        found += [_of_block(path.name, name, line, register) for name, line in texts.blocks(text)]
        for number in texts.typed_on_page(path.name, text):
            entry = register.entry(number)
            needed.add(entry)
            source = register.sources[entry] if entry else ""
            found.append(_judged(number, source, text))
    for path in sorted((root / "docs" / "notebooks").glob("[0-9]*.py")):
        text, page = path.read_text(encoding="utf-8"), f"notebooks/{path.name}"
        found.append(Line(page, 1, "what its code prints and draws", f"run {BUILT}, and by tests/test_notebooks.py"))
        for number in texts.typed_in_notebook(page, text):
            entry = register.entry(number)
            needed.add(entry)
            source = register.sources[entry] if entry else EXAMPLES
            found.append(_judged(number, source, texts.code_cells(text)))
    return found + list(_idle(register, needed))


def _of_block(page: str, name: str, line: int, register: Register) -> Line:
    command = register.blocks.get(name, "")
    module = re.search(r"-m ([\w.]+)", command)
    problem = "" if module and find_spec(module[1]) else "no command of docs/numbers.toml prints this block"
    return Line(page, line, f"block {name}", command, problem)


def _judged(number: Typed, source: str, page: str) -> Line:
    """The line of a typed number, with what is wrong with its source."""
    problem = ""
    if not source:
        problem = f"no source in docs/numbers.toml (section {number.section!r})"
    elif not source.startswith(SAID):
        try:
            if not _holds(_text_of(source, page), number.text):
                problem = "its source does not hold this number"
        except DataError as error:
            problem = str(error)
    return Line(number.page, number.line, number.text, source, problem)


def _text_of(source: str, page: str) -> str:
    """What a source consists of. Raises DataError if there is none."""
    if source == TABLES:
        return texts.measured_of(page)
    if source == EXAMPLES:
        return texts.code_of(page)
    if "/" in source or (ROOT / source).is_file():
        if not (ROOT / source).is_file():
            raise DataError(f"there is no file {source}")
        return (ROOT / source).read_text(encoding="utf-8")
    return excerpt(source).code


def _holds(text: str, number: str) -> bool:
    return any(same(number, other) for other in texts.NUMBER.findall(text))


def _idle(register: Register, needed: set[Entry | None]) -> Iterator[Line]:
    for entry, source in register.sources.items():
        if entry not in needed:
            page, section, number = entry
            yield Line(page, 0, number, source, f"no number of section {section!r} needs this entry")


def main() -> int:
    """Print the list; return 1 if there is a problem, else 0."""
    lines = listed(ROOT, Register.read())
    problems = [line for line in lines if line.problem]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.write(f"{len(lines)} entries, {len(problems)} without a good source\n")
    sys.stderr.write("".join(f"{line}\n" for line in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
