"""Numbers in the text of pages and notebooks: what counts as one, and where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.^])\d[\d,]*(?:\.\d+)?(?:[eE][−+-]?\d+)?(?!\w)")
BLOCK = re.compile(r"^<!-- (\w+):begin -->$.*?^<!-- \1:end -->$", re.M | re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)
REQUEST = re.compile(r"^<!-- (\w+ .+) -->$", re.M)
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
CODE = re.compile(r"^```python.*?^```$", re.M | re.S)
NO_NUMBERS = re.compile(
    "|".join(
        (
            r"^```.*?^```$",  # blocks of code
            r"^ {4}[^\n]*$",  # indented ones
            r"^<!--.*?-->$",  # what a page asks for, see `pages`
            r"`[^`]+`",  # code in a line
            r"\$\$.+?\$\$|(?<!\\)\$[^$\n]+(?<!\\)\$",  # formulas
            r"\]\([^)]*\)|https?://\S+",  # where links lead
            r"^#+ [^\n]*$",  # headings
            r"^[ ]*\d+\.(?= )",  # numbered lists
            r"(?:arXiv:|SHA-|IEEE )\S*\d",  # names with numbers
            r"(?:[Nn]otebooks?|Algorithm|Figures?|Table|schema|eqs?\.|Python) [\d.]+(?:(?:–| to | and )[\d.]+)?",
            r"\(\d{1,2}[a-z]?\)",  # numbers of equations
            r"\b[A-Z][\w.’'-]* (?:et al\. )?\(?(?:1[89]|20)\d\d\b",  # years after a name or month
            r"\((?:1[89]|20)\d\d[;)]|; (?:1[89]|20)\d\d\)",  # and in brackets
        )
    ),
    re.M | re.S,
)


@dataclass(frozen=True)
class Typed:
    """A number that somebody typed into a text."""

    page: str
    line: int
    section: str  # the last heading above it
    text: str


def typed_on_page(page: str, text: str) -> list[Typed]:
    """Return the numbers in the prose and the tables of a Markdown page; marked blocks, code and names are none."""
    return _typed(page, text, _blank(BLOCK, text))


def typed_in_notebook(page: str, text: str) -> list[Typed]:
    """Return the numbers in the text cells of a notebook."""
    lines, is_text = [], False
    for line in text.splitlines():
        if line.startswith("# %%"):
            is_text = "[markdown]" in line
            line = ""
        lines.append(re.sub(r"^# ?", "", line) if is_text else "")
    prose = "\n".join(lines)
    return _typed(page, prose, prose)


def code_cells(text: str) -> str:
    """Return the code of a notebook, as a page would show it."""
    cells = re.split(r"^# %%", text, flags=re.M)[1:]
    code = [cell.partition("\n")[2] for cell in cells if "[markdown]" not in cell.partition("\n")[0]]
    return "\n".join(f"```python\n{cell.strip()}\n```" for cell in code)


def code_of(text: str) -> str:
    """Return the Python blocks of a page."""
    return "\n".join(CODE.findall(text))


def measured_of(text: str) -> str:
    """Return what stands in the marked blocks of a page, which commands fill."""
    return "\n".join(found[0] for found in BLOCK.finditer(text))


def requests(text: str) -> list[tuple[str, int]]:
    """Return what a page asks to be drawn in, see `pages`, and where."""
    return [(found[1], _line(text, found.start())) for found in REQUEST.finditer(text)]


def blocks(text: str) -> list[tuple[str, int]]:
    """Return the names of marked blocks, which commands fill, and the lines where they begin."""
    return [(found[1], _line(text, found.start())) for found in BLOCK.finditer(text)]


def same(typed: str, other: str) -> bool:
    """Whether two texts are the same number; several typed digits may be a rounded one."""
    a, b = _value(typed), _value(other)
    if a == b:
        return True
    plain = "e" not in typed.lower()
    decimals = len(typed.partition(".")[2])
    return (
        plain
        and len(typed.replace(".", "")) > 1
        and decimals < len(other.partition(".")[2])
        and round(b, decimals) == a
    )


def _typed(page: str, text: str, prose: str) -> list[Typed]:
    sections = [(_line(text, heading.start()), heading[1]) for heading in HEADING.finditer(_blank(FENCE, text))]
    found = []
    for number in NUMBER.finditer(_blank(NO_NUMBERS, prose)):
        line = _line(text, number.start())
        section = next((title for k, title in reversed(sections) if k <= line), "")
        found.append(Typed(page, line, section, number[0].rstrip(",")))
    return found


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """The text with spaces in place of what the pattern finds, so that lines stay where they are."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _value(text: str) -> float:
    return float(text.rstrip(",").replace(",", "").replace("−", "-"))
