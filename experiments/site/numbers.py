"""Where the numbers on pages and in notebooks come from: `python -m experiments.site.numbers` lists them all.

Most numbers are computed when the site is built, or were printed by a command into a marked block. One that is typed by
hand needs a source in `docs/numbers.toml`: a symbol, test or file in which it stands as code. In a notebook the source
of a number in the text is the notebook's own code, which the tests run. A number without a source, a source that does
not hold its number, and an entry that no number needs are problems; with any, the exit code is 1.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bestresponse.errors import DataError
from experiments.site.excerpts import ROOT, excerpt
from experiments.site.text import (
    BLOCK,
    NUMBER,
    Typed,
    blocks,
    code_cells,
    code_of,
    same,
    typed_in_notebook,
    typed_on_page,
)

REGISTER = ROOT / "docs" / "numbers.toml"
ALL = "*"  # any number of a section, or any section of a page
TABLES, EXAMPLES = "tables", "examples"  # sources on the page itself: its measured blocks, its Python blocks
SAID = ("citation", "https://")  # begin the sources of what others say; it is listed, and not recomputed


@dataclass(frozen=True)
class Line:
    """One number of the list, or a block of them."""

    page: str
    line: int
    number: str
    source: str
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}\t{self.number}\t{self.source}" + (
            f"\tPROBLEM: {self.problem}" * bool(self.problem)
        )


@dataclass(frozen=True)
class Register:
    """What `docs/numbers.toml` says."""

    blocks: Mapping[str, str]  # marked block → the command that prints it
    pages: Mapping[str, Mapping[str, Mapping[str, str]]]  # page → section → number → source

    @classmethod
    def read(cls, path: Path = REGISTER) -> Register:
        """Return what a file says. Raises DataError if it cannot be read."""
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise DataError(f"{path}: cannot be read ({error})") from error
        return cls(data.pop("blocks", {}), data)

    def entry(self, number: Typed) -> tuple[str, str, str] | None:
        """Return page, section and number of the entry that a typed number goes by, the most special one."""
        sections = self.pages.get(number.page, {})
        for section in (number.section, ALL):
            for key in sections.get(section, {}):
                if key != ALL and same(number.text, key):
                    return number.page, section, key
        for section in (number.section, ALL):
            if ALL in sections.get(section, {}):
                return number.page, section, ALL
        return None


def listed(root: Path, register: Register) -> list[Line]:
    """Return every number of the README, the pages and the notebooks of a repository."""
    found: list[Line] = []
    needed: Counter[tuple[str, str, str]] = Counter()
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        found += [_of_block(path.name, name, line, register) for name, line in blocks(text)]
        for number in typed_on_page(path.name, text):
            entry = register.entry(number)
            needed[entry or ("", "", "")] += 1
            source = register.pages[entry[0]][entry[1]][entry[2]] if entry else ""
            found.append(_judged(number, source, text))
    for path in sorted((root / "docs" / "notebooks").glob("[0-9]*.py")):
        found += _of_notebook(path, register, needed)
    return found + list(_idle(register, needed))


def _of_block(page: str, name: str, line: int, register: Register) -> Line:
    command = register.blocks.get(name, "")
    module = re.search(r"-m ([\w.]+)", command)
    problem = "" if module and find_spec(module[1]) else "no command of docs/numbers.toml prints this block"
    return Line(page, line, f"block {name}", command, problem)


def _of_notebook(path: Path, register: Register, needed: Counter[tuple[str, str, str]]) -> Iterator[Line]:
    text, page = path.read_text(encoding="utf-8"), f"notebooks/{path.name}"
    yield Line(
        page, 1, "all that its code prints and draws", "run when the site is built, and by tests/test_notebooks.py"
    )
    code = code_cells(text)
    for number in typed_in_notebook(page, text):
        entry = register.entry(number)
        if entry is None:
            problem = "" if _holds(code, number.text) else "stands in the text and not in the code"
            yield Line(page, number.line, number.text, "the notebook's own code", problem)
        else:
            needed[entry] += 1
            yield _judged(number, register.pages[entry[0]][entry[1]][entry[2]], text)


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
        return "\n".join(found[0] for found in BLOCK.finditer(page))
    if source == EXAMPLES:
        return code_of(page)
    if "/" in source or (ROOT / source).is_file():
        if not (ROOT / source).is_file():
            raise DataError(f"there is no file {source}")
        return (ROOT / source).read_text(encoding="utf-8")
    return excerpt(source).code


def _holds(text: str, number: str) -> bool:
    return any(same(number, other) for other in NUMBER.findall(text))


def _idle(register: Register, needed: Mapping[tuple[str, str, str], int]) -> Iterator[Line]:
    for page, sections in register.pages.items():
        for section, numbers in sections.items():
            for number, source in numbers.items():
                if (page, section, number) not in needed:
                    yield Line(page, 0, number, source, f"no number of section {section!r} needs this entry")


def main(arguments: Sequence[str] = ()) -> int:
    """Print the list; return 1 if there is a problem, else 0."""
    lines = listed(ROOT, Register.read())
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    problems = [line for line in lines if line.problem]
    sys.stdout.write(f"{len(lines)} entries, {len(problems)} without a good source\n")
    sys.stderr.write("".join(f"{line}\n" for line in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
