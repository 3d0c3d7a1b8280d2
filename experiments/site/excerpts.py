"""Pieces of this project's source, addressed by the names of its symbols, as pages show them."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bestresponse.errors import DataError
from experiments.case_problems import nearest

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a file."""

    file: str  # relative to the repository
    first: int  # line
    last: int
    code: str  # without the indentation that all lines share


def excerpt(symbol: str, begin: str = "", end: str = "") -> Excerpt:
    """Return the source of a symbol such as `networks.paths.drive`, or the lines of it from `begin` to `end`.

    `begin` and `end` are texts: the first line that holds the one, and the first from there on that holds the other;
    without `end` one line. A module, class, function, or name that is assigned to is a symbol.

    Raises DataError if there is no such symbol, naming the nearest, or no such line in it.
    """
    file, names = _file(symbol)
    first, last = _span(symbol, file, names)
    lines = file.read_text(encoding="utf-8").splitlines()[first - 1 : last]
    if begin:
        start = _line(symbol, lines, begin, 0)
        stop = _line(symbol, lines, end, start) if end else start
        first, last, lines = first + start, first + stop, lines[start : stop + 1]
    return Excerpt(file.relative_to(ROOT).as_posix(), first, last, textwrap.dedent("\n".join(lines)))


def docstring(symbol: str) -> str:
    """Return the docstring of a module, class or function. Raises DataError if there is none."""
    file, names = _file(symbol)
    found = _node(symbol, _tree(file), names)
    text = ast.get_docstring(found) if isinstance(found, (ast.Module, ast.ClassDef, ast.FunctionDef)) else None
    if text is None:
        raise DataError(f"{symbol} has no docstring")
    return text


def _file(symbol: str) -> tuple[Path, list[str]]:
    """The file of a symbol, and the names that lead to it inside."""
    parts = symbol.split(".")
    for n in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:n])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file, parts[n:]
    raise DataError(f"{symbol}: there is no module {parts[0]}")


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _node(symbol: str, tree: ast.Module, names: Sequence[str]) -> ast.AST:
    found: ast.AST = tree
    for name in names:
        inside = {known: child for child in ast.iter_child_nodes(found) for known in _known_as(child)}
        if name not in inside:
            raise DataError(f"{symbol}: there is no {name!r}{nearest(name, list(inside))}")
        found = inside[name]
    return found


def _known_as(node: ast.AST) -> list[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def _span(symbol: str, file: Path, names: Sequence[str]) -> tuple[int, int]:
    node = _node(symbol, _tree(file), names)
    if not isinstance(node, ast.stmt) or node.end_lineno is None:
        return 1, len(file.read_text(encoding="utf-8").splitlines())
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]), node.end_lineno


def _line(symbol: str, lines: Sequence[str], text: str, start: int) -> int:
    for number in range(start, len(lines)):
        if text in lines[number]:
            return number
    raise DataError(f"{symbol}: no line of it holds {text!r}")
