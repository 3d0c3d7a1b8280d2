"""The command `bestresponse diff`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.terminal import output

if TYPE_CHECKING:
    from rich.table import Table

    from experiments.differences import Change, Section
    from experiments.result import Result


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="File of `solve --json`, or the folder of a stored run.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="What to compare it with.")],
    json: Annotated[Path | None, typer.Option(help="Write all changes to this JSON file; - for the screen.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Changes shown of every kind.")] = 12,
) -> None:
    """Compare two results: quantities, prices by bus, flows by link, largest changes first.

    Single quantities are ordered by their relative change, the others by their absolute one. A change that could be
    rounding between two routes to one answer counts as none.

    Exit codes: 0 compared, whether they differ or not; 2 bad input.
    """
    from experiments.differences import differences, load_any
    from experiments.files import writable

    to_screen = json == Path("-")
    if json is not None and not to_screen:
        writable(json)
    results = load_any(a), load_any(b)
    sections = differences(*results)
    if to_screen:
        sys.stdout.write(_json(a, b, results, sections) + "\n")
        return
    if json is not None:
        from bestresponse.files import replacing

        with replacing(json) as file:
            file.write(_json(a, b, results, sections) + "\n")
    _show(a, b, results, sections, most)
    if json is not None:
        typer.echo(f"Written: {json}")


def _json(a: Path, b: Path, results: tuple[Result, Result], sections: Sequence[Section]) -> str:
    import json

    from experiments.plain_json import to_json

    data: dict[str, Any] = {
        name: {"path": str(path), "case": result.case, "scenario": result.scenario, "v2g": result.v2g}
        for name, path, result in (("a", a, results[0]), ("b", b, results[1]))
    }
    for section in sections:
        data[section.name] = [change.data() for change in section.changes]
    data["only_in_a"] = {section.name: section.only_a for section in sections if section.only_a}
    data["only_in_b"] = {section.name: section.only_b for section in sections if section.only_b}
    return json.dumps(to_json(data), indent=1, allow_nan=False)


def _show(a: Path, b: Path, results: tuple[Result, Result], sections: Sequence[Section], most: int) -> None:
    from rich.markup import escape

    console = output()
    for name, path, result in (("A", a, results[0]), ("B", b, results[1])):
        solved = "" if result.solved else f" (not solved, stop: {result.stop.replace('_', ' ')})"
        what = f"{result.case} / {result.scenario} / {'with' if result.v2g else 'without'} V2G{solved}"
        console.print(escape(f"{name}: {what}, {path}"))
    for section in sections:
        changed = [change for change in section.changes if not change.same]
        if changed:
            console.print(_table(section, changed[:most]))
        for sentence in _remarks(section, len(changed), most):
            console.print(escape(sentence))
    if any(not change.unique for section in sections for change in section.changes if not change.same):
        console.print("* need not be unique: two equilibria of one market may differ in it")


def _remarks(section: Section, changed: int, most: int) -> list[str]:
    found = []
    if changed > most:
        found.append(f"{section.name}: {changed - most} smaller changes are not shown")
    if not changed and section.changes:
        found.append(f"{section.name}: no change")
    for name, only in (("A", section.only_a), ("B", section.only_b)):
        if only:
            rest = f" and {len(only) - 5} more" if len(only) > 5 else ""
            found.append(f"{section.name}: only in {name}: {', '.join(only[:5])}{rest}")
    return found


def _table(section: Section, changes: Sequence[Change]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    title = section.name if section.of == "quantity" else f"{section.name} by {section.of}"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column(section.of, overflow="fold")
    for column in ("A", "B", "B − A", "relative"):
        table.add_column(column, justify="right")
    for change in changes:
        relative = "–" if change.relative is None else f"{100 * change.relative:+.3g} %"
        name = escape(change.name) + ("" if change.unique else " *")
        table.add_row(name, f"{change.a:.6g}", f"{change.b:.6g}", f"{change.absolute:+.4g}", relative)
    return table
