"""The report of a reproduction: one HTML page with everything inside, drawn from the folder's results files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bestresponse.files import replacing
from experiments.clock import total
from experiments.reproduction.drawing import Drawing
from experiments.reproduction.evidence import Name
from experiments.reproduction.finding import Finding
from experiments.reproduction.folder import Reproduction
from experiments.reproduction.notes import notes_on
from experiments.reproduction.report_tables import number_tables
from experiments.reproduction.svg import inline_svg
from experiments.store import FORMAT, MANIFEST, RUNS, SCHEMA, StoredRun

REPORT = "report.html"


@dataclass(frozen=True)
class _Row:
    """A run as the table of runs shows it."""

    title: str
    name: str = ""
    hash: str = ""
    file: str = ""
    failure: str = ""
    status: str = ""
    solved: bool = False
    agree: bool | None = None
    agree_word: str = ""
    sweeps: str = ""
    imbalance: str = ""
    gain: str = ""
    residual: str = ""
    seconds: str = ""
    gains: Sequence[tuple[str, Mapping[str, float]]] = ()


def write_report(found: Reproduction, findings: Sequence[Finding], drawings: Sequence[Drawing]) -> Path:
    """Write the page and return its path; it appears complete or not at all."""
    folder = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    results = [run.result for run in found.runs.values() if run.result]
    page = environment.get_template(REPORT).render(
        found=found,
        verdict=verdict(found, findings),
        findings=findings,
        notes=notes_on(found.case, found.case_hash),
        drawings=drawings,
        tables=number_tables(found),
        runs=[_row(name, found.runs.get(name)) for name in found.names],
        tolerances=_same([result.provenance["tolerances"] for result in results]),
        versions=_same([result.provenance["versions"] for result in results]),
        format=FORMAT,
        schema=SCHEMA,
        by_file=_by_file,
        files=_files,
        svg=lambda drawing: Markup(inline_svg(drawing.svg, drawing.name, drawing.title)),
    )
    path = found.folder / REPORT
    with replacing(path) as file:
        file.write(page)
    return path


def verdict(found: Reproduction, findings: Sequence[Finding]) -> str:
    """Return what came out, in two sentences."""
    results = [run.result for run in found.runs.values() if run.result]
    solved, alike = sum(result.solved for result in results), sum(result.routes_agree is True for result in results)
    unjudged = sum(finding.holds is None for finding in findings)
    judged = f"{sum(finding.holds is True for finding in findings)} of the paper's {len(findings)} findings hold"
    rest = f", {unjudged} could not be judged" if unjudged else ""
    runs = f"{solved} of {len(found.names)} runs are solved and certified; in {alike} both routes agree."
    return f"{judged}{rest}. {runs}"


def _row(name: Name, run: StoredRun | None) -> _Row:
    title = run_title(name)
    if run is None:
        return _Row(title, failure="not there: the folder is not complete")
    known: dict[str, Any] = {"name": run.name, "hash": run.hash, "file": f"{RUNS}/{run.name}/{MANIFEST}"}
    if run.result is None:
        return _Row(title, **known, failure=run.failure or "")
    result, certificate = run.result, run.result.certificate
    gains = list(certificate.get("gain", {}).items())
    residual = certificate.get("natural_residual")
    return _Row(
        title,
        **known,
        status=result.status,
        solved=result.solved,
        agree=result.routes_agree,
        agree_word={True: "yes", False: "no", None: "not comparable"}[result.routes_agree],
        sweeps=str(result.sweeps),
        imbalance=f"{max(certificate.get('imbalance', {}).values(), default=float('nan')):.1e}",
        gain=f"{max((gain['relative'] for _, gain in gains), default=float('nan')):.1e}",
        residual="–" if residual is None else f"{residual:.1e}",
        seconds=f"{total(result.seconds):.1f}",
        gains=gains,
    )


def run_title(name: Name) -> str:
    """Return a run's name for readers."""
    return f"{name[0].capitalize()} {'with' if name[1] else 'without'} V2G"


def _same(entries: Sequence[Mapping[str, Any]]) -> str:
    """Everything that was used: usually the same in every run."""
    seen = dict.fromkeys(f"{name} {value}" for entry in entries for name, value in entry.items())
    return ", ".join(seen)


def _files(sources: Sequence[tuple[str, str]]) -> str:
    n = len(_by_file(sources))
    return "1 file" if n == 1 else f"{n} files"


def _by_file(sources: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    files: dict[str, list[str]] = {}
    for file, quantity in sources:
        files.setdefault(file, []).append(quantity)
    return list(files.items())
