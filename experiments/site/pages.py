r"""From a page as it is written to the page as it is shown: source, docstrings and tables drawn in, formulas as MathML.

A page asks by HTML comments, each on a line of its own:

    <!-- code SYMBOL "BEGIN" "END" -->      source lines, see `excerpts.excerpt`
    <!-- docstring SYMBOL -->               a docstring; what is set off in it is shown as pseudocode
    <!-- measured PAGE BLOCK ROW ... -->    rows of a measured table, by the first words of their first cells
    <!-- formulas -->                       the page has formulas between dollar signs; a dollar itself is written \$
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from bestresponse.errors import DataError
from experiments.case_problems import nearest
from experiments.site.excerpts import docstring, excerpt

REQUEST = re.compile(r"^<!-- (code|docstring|measured) (.+) -->$", re.M)
FORMULAS = "<!-- formulas -->"
DISPLAY, INLINE = re.compile(r"\$\$(.+?)\$\$", re.S), re.compile(r"(?<!\\)\$([^$\n]+?)(?<!\\)\$")
VERBATIM = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.M | re.S)

SET = re.compile(r"^ {4}|\S {2,}\S")
AS_IT_IS = str.maketrans({"*": r"\*", "<": "&lt;", "$": r"\$"})

Convert = Callable[[str, str], str]  # TeX and "block" or "inline" → MathML


def shown(text: str, folder: Path, convert: Convert) -> str:
    """Return a page with all it asks for. Raises DataError for a symbol, line or table that does not exist."""
    text = REQUEST.sub(lambda found: ANSWERS[found[1]](shlex.split(found[2]), folder), text)
    return mathematics(text, convert) if FORMULAS in text else text


def mathematics(text: str, convert: Convert) -> str:
    """Return the text with its TeX as MathML, which browsers draw without any script; code stays as it is."""
    parts = VERBATIM.split(text)
    for k in range(0, len(parts), 2):
        part = DISPLAY.sub(lambda found: convert(found[1].strip(), "block"), parts[k])
        part = INLINE.sub(lambda found: f"<span>{convert(found[1], 'inline')}</span>", part)
        parts[k] = part.replace(r"\$", "$")
    return "".join(parts)


def code(words: list[str], folder: Path) -> str:
    """Return the lines that `code` asks for, under the name of their file."""
    found = excerpt(*words)
    lines = f"lines {found.first}–{found.last}" if found.last > found.first else f"line {found.first}"
    title = f"{found.file}, {lines}"
    return f'```python title="{title}"\n{found.code}\n```'


def documented(words: list[str], folder: Path) -> str:
    """Return a docstring as a page's text; paragraphs that are indented, or set in columns, are pseudocode."""
    paragraphs = re.split(r"\n(?:[ ]*\n)+", docstring(*words))
    blocks = [re.sub(r"^ {4}", "", part, flags=re.M) if SET.search(part) else None for part in paragraphs]
    page: list[str] = []
    for paragraph, block in zip(paragraphs, blocks, strict=True):
        if block is None:
            page.append(literally(paragraph))
        elif page and page[-1].startswith("```"):
            page[-1] = page[-1].removesuffix("\n```") + f"\n\n{block}\n```"
        else:
            page.append(f"```text\n{block}\n```")
    return "\n\n".join(page)


def literally(text: str) -> str:
    """Return text whose stars, angle brackets and dollars are shown as they are, outside of `code`."""
    parts = VERBATIM.split(text)
    parts[::2] = [part.translate(AS_IT_IS) for part in parts[::2]]
    return "".join(parts)


def measured(words: list[str], folder: Path) -> str:
    """Return the rows of the first table of a measured block whose first cells begin with given words."""
    page, name, *wanted = words
    text = (folder / page).read_text(encoding="utf-8")
    block = text.rpartition(f"<!-- {name}:begin -->")[2].partition(f"<!-- {name}:end -->")[0]
    head, rule, *rows = re.findall(r"^\|.*\|$", block.partition("\n\n**")[2].partition("\n\n**")[0], flags=re.M)
    firsts = {row.split("|")[1].strip(): row for row in rows}
    for row in wanted:
        if row not in firsts:
            raise DataError(f"{page}, {name}: no row {row!r}{nearest(row, list(firsts))}")
    return "\n".join([head, rule, *(firsts[row] for row in wanted)])


ANSWERS: Mapping[str, Callable[[list[str], Path], str]] = {
    "code": code,
    "docstring": documented,
    "measured": measured,
}
