"""Pages of the catalogue: every problem with its source, its answer as solved now, and its rates three ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.catalogue import Entry, families, load, slugs
from experiments.catalogue.diagnosing import Diagnosis, RateRow, diagnose

MOST = 12  # entries of a vector that are shown


def index() -> str:
    """Return the page that lists all problems."""
    entries = [load(slug) for slug in slugs()]
    rows = [f"| [{e.slug}]({e.family}.md#{anchor(e.slug)}) | {e.title} | {e.problem.kind} |" for e in entries]
    head = [
        "# Catalogue of published problems",
        f"{len(entries)} games, complementarity problems and equilibria with known answers. All were solved when this "
        "site was built; the tests recompute every stored number.",
        "    bestresponse games solve SLUG       # certified, and compared with what is published\n"
        "    bestresponse games diagnose SLUG    # with rates: published, predicted, measured",
    ]
    return "\n\n".join([*head, "\n".join(["| slug | problem | kind |", "|---|---|---|", *rows])]) + "\n"


def family_pages() -> Iterator[tuple[str, str]]:
    """Yield the name of every family and its page; solves everything."""
    for family in families():
        found = [diagnose(load(slug)) for slug in slugs() if slug.partition("/")[0] == family]
        yield family, "\n\n".join([f"# Catalogue: {family}", *map(section, found)]) + "\n"


def section(diagnosis: Diagnosis) -> str:
    """Return what a page says of one problem."""
    entry, solved = diagnosis.solved.entry, diagnosis.solved
    found = solved.found
    matches = "; ".join(answer.meaning for answer in solved.matches) or "none of the stored answers"
    parts = [
        f"## {entry.slug} {{ #{anchor(entry.slug)} }}",
        f"{entry.title}. {'The only answer' if entry.unique else 'Not known to be the only answer'}.",
        f"*Source:* {entry.citation.reference}. {entry.citation.note}".strip(),
        *_also(entry),
        _values(diagnosis),
        f"{found.certificate['statement']} It matches what is published: {matches}.",
    ]
    if diagnosis.rates:
        parts.append(_rates(diagnosis.rates))
    if diagnosis.hints:
        parts.append("\n".join(f"- {hint}" for hint in diagnosis.hints))
    return "\n\n".join(parts)


def anchor(slug: str) -> str:
    """Return the name by which a link finds a problem on its page."""
    return slug.partition("/")[2]


def _also(entry: Entry) -> list[str]:
    return [f"*Found in:* {'; '.join(entry.citation.also)}."] if entry.citation.also else []


def _values(diagnosis: Diagnosis) -> str:
    """The answer of the usual method as a table."""
    solved = diagnosis.solved
    found = solved.found
    rows = [(f"x: {_listed(solved.labels)}", _numbers(found.x.tolist()))]
    for kind, group in (("price", found.prices), ("multiplier", found.multipliers), ("", found.quantities)):
        rows += [(f"{kind} {name}".strip(), _numbers(values)) for name, values in group.items()]
    lines = [f"| {name} | {values} |" for name, values in rows]
    return "\n".join([f"| solved now by {solved.method} | value |", "|---|---|", *lines])


def _rates(rates: Sequence[RateRow]) -> str:
    rows = [f"| {r.name} | {_rate(r.published)} | {_rate(r.predicted)} | {_rate(r.measured)} |" for r in rates]
    return "\n".join(["| factor of a sweep | published | predicted | measured |", "|---|---:|---:|---:|", *rows])


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _listed(names: Sequence[str]) -> str:
    rest = f", … ({len(names)} in all)" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + rest


def _numbers(values: Sequence[float]) -> str:
    return _listed([f"{value:.8g}" for value in values])
