"""What the terminal shows of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from experiments.catalogue.models import Named
from experiments.catalogue.schema import Answer, Entry
from experiments.catalogue.solving import Solved
from experiments.terminal import output

if TYPE_CHECKING:
    from experiments.catalogue.diagnosing import Diagnosis

MOST = 12  # numbers of one vector that are shown


def show_list(entries: Sequence[Entry]) -> None:
    """Show slugs and titles."""
    table = _table("slug", "only answer", "problem")
    for entry in entries:
        table.add_row(entry.slug, "yes" if entry.unique else "no", escape(entry.title))
    output().print(table)


def show_entry(entry: Entry, methods: Sequence[str]) -> None:
    """Show a problem: paper, data, answers, rates."""
    out = output()
    cited = entry.citation
    out.print(f"[bold]{entry.slug}[/bold]  {escape(entry.title)}")
    out.print(escape(cited.reference))
    for line in (*(f"also: {other}" for other in cited.also), *([cited.note] if cited.note else [])):
        out.print(escape(line))
    only = "the only one known to exist" if entry.unique else "one of several"
    out.print(f"kind: {entry.problem.kind}; the answer is {only}; methods: {', '.join(methods)}")
    data = _table("data", "as published")
    for name, value in entry.problem.model_dump(exclude_defaults=True, exclude={"kind"}).items():
        data.add_row(name, escape(_plain(value)))
    out.print(data)
    answers = _table("answer", "values", "accuracy")
    for answer in entry.answers:
        answers.add_row(escape(answer.meaning), escape(_values(answer)), f"{answer.accuracy:.0e}")
    out.print(answers)


def show_solved(solved: Solved) -> None:
    """Show a solution, its certificate and what it matches."""
    out = output()
    found = solved.found
    out.print(f"\n[bold]solved by {solved.method}[/bold] in {solved.seconds:.2f} s: {escape(found.status)}")
    table = _table("variable", "value")
    for name, value in list(zip(solved.labels, found.x.tolist(), strict=True))[:MOST]:
        table.add_row(escape(name), f"{value:.10g}")
    if len(solved.labels) > MOST:
        table.add_row("…", f"and {len(solved.labels) - MOST} more")
    groups = (("price: ", found.prices), ("multiplier: ", found.multipliers), ("", found.quantities))
    for kind, group in groups:
        for name, values in group.items():
            table.add_row(escape(kind + name), escape(_numbers(values)))
    out.print(table)
    out.print(f"{found.residual_meaning}: {found.residual:.1e}")
    out.print(escape(str(found.certificate["statement"])))
    if solved.weights:
        stated = ", ".join(f"{name} {weight:g}" for name, weight in solved.weights.items())
        out.print(escape(f"weights: {stated}; each sees the multipliers of the shared rows divided by its own"))
    met = [answer.meaning for answer in solved.matches]
    missed = "matches none of the stored answers" + (", which are for equal weights" if solved.weights else "")
    out.print(escape("matches what is published: " + "; ".join(met) if met else missed))


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Show rates side by side and what the map says."""
    out = output()
    if diagnosis.rates:
        table = _table("rate", "published", "predicted", "measured")
        for row in diagnosis.rates:
            table.add_row(row.name, *[_or_dash(value) for value in (row.published, row.predicted, row.measured)])
        out.print(table)
        out.print("A rate is the factor by which a sweep shrinks the error: above one a play runs away.")
        if any(None in (row.published, row.predicted, row.measured) for row in diagnosis.rates):
            out.print("A dash: nothing is published or predicted, or the play was over before its rate could be told.")
        if any(row.name.endswith("_free") for row in diagnosis.rates):
            out.print("Rates called free ignore bounds and rows: what the costs alone would do.")
    if diagnosis.map is not None:
        eigenvalue, asymmetry = diagnosis.map.smallest_eigenvalue, diagnosis.map.asymmetry
        out.print(f"smallest eigenvalue of the symmetric part {eigenvalue:.4g}, asymmetry {asymmetry:.2g}")
    for hint in diagnosis.hints:
        out.print(f"- {escape(hint)}")


def show_published_rates(entry: Entry) -> None:
    """Show the rates that the literature states for a problem, if any."""
    if not entry.rates:
        return
    table = _table("rate", "published", "accuracy")
    for name, rate in entry.rates.items():
        table.add_row(escape(name), f"{rate.value:.6g}", f"{rate.accuracy:.0e}")
    out = output()
    out.print(table)
    out.print("`bestresponse games diagnose` holds them against predicted and measured ones.")


def show_file(what: str, path: Path) -> None:
    """Show where something was written."""
    output().print(escape(f"{what}: {path}"))


def _values(answer: Answer) -> str:
    groups: list[Named] = [answer.prices, answer.multipliers, answer.quantities]
    parts = [] if answer.x is None else [f"x = {_numbers(answer.x)}"]
    return "; ".join(parts + [f"{name} = {_numbers(values)}" for group in groups for name, values in group.items()])


def _numbers(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.10g}" for value in values[:MOST])
    return shown + (f", … ({len(values)} in all)" if len(values) > MOST else "")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
