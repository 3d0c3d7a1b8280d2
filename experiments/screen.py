"""What the command line shows: progress while it runs, tables when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from bestresponse.trace import SweepRecord
from experiments.clock import PHASES
from experiments.quantities import SOCIAL_COST_PARTS
from experiments.result import Result
from experiments.terminal import output

if TYPE_CHECKING:
    from experiments.diagnosing import CaseDiagnosis

OnSweep = Callable[[SweepRecord], None]

_ROWS = (
    ("social cost", "social_cost_usd_per_h", "$/h"),
    *((f"  {words}", key, "$/h") for key, words in SOCIAL_COST_PARTS.items()),
    ("load shed", "load_shed_kw", "kW"),
    ("import", "import_kw", "kW"),
    ("households", "household_kw", "kW"),
    ("charged", "charged_kw", "kW"),
    ("discharged", "discharged_kw", "kW"),
    ("EV trips that stop", "stop_share", "share"),
    ("EV trips that discharge", "discharge_share", "share"),
    ("station time", "station_time_h_per_h", "veh·h/h"),
    ("discharging OD pairs", "discharging_od_pairs", ""),
    ("lowest voltage", "voltage_min_pu", "p.u."),
    ("Wardrop gap", "wardrop_gap", ""),
)


class Screen:
    """The terminal; a quiet one shows nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = output(quiet=quiet)

    @contextmanager
    def progress(self, tolerance: float, max_sweeps: int) -> Iterator[OnSweep | None]:
        """Give a callback that shows the latest sweep in place; None if nothing is to be shown."""
        if self.quiet or not self.console.is_terminal:
            yield None
            return
        with Live(console=self.console, refresh_per_second=10, transient=True) as live:
            last_gain = "not yet measured"

            def show(record: SweepRecord) -> None:
                nonlocal last_gain
                if record.gain is not None:
                    last_gain = f"{record.gain:.1e}  {record.gain_player}"
                live.update(_progress_table(record, last_gain, tolerance, max_sweeps))

            yield show

    def say(self, sentence: str) -> None:
        """Print one sentence."""
        self.console.print(escape(sentence))

    def show(self, result: Result, written: Sequence[Path]) -> None:
        """Show a result: what came out, how far it can be trusted, and where it was written."""
        print_line = self.console.print
        title = f"{result.case} / {result.scenario} / {'with' if result.v2g else 'without'} V2G"
        print_line(f"\n[bold]{title}[/bold]")
        print_line(escape(result.status))
        if result.sweeps is not None:
            scheme, steps = (result.provenance[key] for key in ("scheme", "steps"))
            print_line(f"Coordinator: {scheme}, {result.sweeps} sweeps ({steps})")
        if result.quantities:
            print_line(_results(result))
        if result.certificate:
            print_line(_certificate(result))
        if result.cross_check:
            print_line(_cross_check(result))
        if result.monolith:
            print_line(escape(f"Monolith: {result.monolith['status']}"))
        if result.seconds:
            print_line("Seconds: " + ", ".join(f"{p} {result.seconds[p]:.2f}" for p in PHASES if p in result.seconds))
        for path in written:
            print_line(escape(f"Written: {path}"))

    def show_diagnosis(self, diagnosis: CaseDiagnosis) -> None:
        """Show what the market's derivative says at its equilibrium."""
        found = diagnosis.map
        self.console.print(escape(str(diagnosis.solution.equilibrium.stop)))
        table = _table("diagnosis", "value")
        table.add_row("variables of all players", str(diagnosis.variables))
        table.add_row("equations between them", str(diagnosis.equations))
        table.add_row("smallest eigenvalue of the symmetric part", f"{found.smallest_eigenvalue:.1e}")
        table.add_row("asymmetry of the derivative", f"{found.asymmetry:.1e}")
        self.console.print(table)
        if diagnosis.rates:
            self.console.print(_rates(diagnosis))
            self.console.print(
                "Rates are factors of one sweep next to the equilibrium, without acceleration and balancing."
            )
        for sentence in diagnosis.sentences():
            self.console.print(f"- {escape(sentence)}")

    def show_cases(self, cases: Sequence[Mapping[str, Any]]) -> None:
        """Show the built-in cases."""
        table = _table("case", "scenarios", "what it is")
        for case in cases:
            table.add_row(case["name"], ", ".join(case["scenarios"]), case["description"])
        self.console.print(table)

    def show_schema(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Show every key of a case file."""
        table = _table("key", "meaning", "unit", "default", "allowed")
        for row in rows:
            table.add_row(*(escape(str(row[column])) for column in ("key", "meaning", "unit", "default", "allowed")))
        self.console.print(table)

    def show_description(self, description: Mapping[str, Any]) -> None:
        """Show what a case contains, as `describe` says it."""
        table = _table("what", "value", "unit", title="Valid: " + description["name"])
        for key, value in description.items():
            if key not in ("name", "scenarios"):
                label, unit = _label(key)
                table.add_row(
                    label,
                    ", ".join(value)
                    if isinstance(value, list)
                    else f"{value:,.6g}"
                    if isinstance(value, float)
                    else str(value),
                    unit,
                )
        self.console.print(table)
        scenarios = _table("scenario", "load factor", "load kW", "lines out", "line limits kVA", "islands")
        for name, item in description["scenarios"].items():
            limits = ", ".join(f"{line} {limit:g}" for line, limit in item["line_limits_kva"].items())
            islands = "; ".join(_island(island) for island in item["islands"])
            outages = ", ".join(item["outages"])
            scenarios.add_row(name, f"{item['load_factor']:g}", f"{item['load_kw']:g}", outages, limits, islands)
        self.console.print(scenarios)


_NUMBERS = (
    "value",
    "predicted rate",
    "measured rate",
    "gain $/h",
    "relative",
    "outside its set",
    "coordinator",
    "monolith",
    "relative difference",
)


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in _NUMBERS else "left")
    return table


def _label(key: str) -> tuple[str, str]:
    """A key like load_kw as words and unit."""
    for ending, unit in (("_veh_per_h", "veh/h"), ("_kvar", "kvar"), ("_kw", "kW")):
        if key.endswith(ending):
            return _words(key.removesuffix(ending)), unit
    return _words(key), ""


def _words(key: str) -> str:
    words = key.replace("_", " ")
    for short in ("od", "ev", "fv", "v2g"):
        words = " ".join(short.upper() if word == short else word for word in words.split(" "))
    return words


def _island(island: Mapping[str, Any]) -> str:
    supply = f"{island['load_kw']:g} kW load, {island['generation_max_kw']:g} kW generation"
    return f"{len(island['buses'])} buses around {island['buses'][0]}: {supply}"


def _progress_table(record: SweepRecord, gain: str, tolerance: float, max_sweeps: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("sweep", f"{record.sweep} of at most {max_sweeps}")
    table.add_row("worst imbalance", f"{record.imbalance:.1e}  {record.imbalance_good}  (target {tolerance:.0e})")
    table.add_row("worst price gap", f"{record.disagreement:.1e}  {record.disagreement_good}")
    table.add_row("worst gain", gain)
    return table


def _results(result: Result) -> Table:
    q = result.quantities
    table = _table("result", "value", "unit", title="Results")
    for label, key, unit in _ROWS:
        if key in q:  # a model may not tell everything
            table.add_row(label, _number(q[key]), unit)
    prices = list(q["dlmp_usd_per_kwh"].values())
    spread = f"{min(prices):.4f} … {sum(prices) / len(prices):.4f} … {max(prices):.4f}"
    table.add_row("DLMP min … mean … max", spread, "$/kWh")
    for name, value in q["generation_kw"].items():
        table.add_row(escape(f"generation of {name}"), _number(value), "kW")
    return table


def _certificate(result: Result) -> Table:
    certificate = result.certificate
    table = _table("player", "gain $/h", "relative", "outside its set", title="Certificate")
    for name, gain in certificate["gain"].items():
        outside = "–" if gain["violation"] is None else f"{gain['violation']:.1e}"
        table.add_row(escape(name), f"{gain['absolute']:.2e}", f"{gain['relative']:.1e}", outside)
    worst = max(certificate["imbalance"].items(), key=lambda item: item[1])
    residual = certificate["natural_residual"]
    table.caption = f"worst imbalance {worst[1]:.1e} ({worst[0]})"
    if residual is not None:
        table.caption += f", natural residual {residual:.1e}"
    return table


def _cross_check(result: Result) -> Table:
    table = _table("quantity", "coordinator", "monolith", "relative difference", "unique", title="Cross-check")
    for name, row in result.cross_check.items():
        label = escape(f"{name} [{row['at']}]" if row["at"] is not None else name)
        cells = (_number(row["coordinator"]), _number(row["monolith"]), f"{row['relative_difference']:.1e}")
        style = "bold red" if row["unique"] and not row["agrees"] else None
        table.add_row(label, *cells, "yes" if row["unique"] else "no", style=style)
    return table


def _rates(diagnosis: CaseDiagnosis) -> Table:
    table = _table("scheme", "predicted rate", "measured rate", "note")
    for rate in diagnosis.rates:
        values = ["–" if value is None else f"{value:.6f}" for value in (rate.predicted, rate.measured)]
        table.add_row(rate.scheme, *values, escape(rate.note))
    return table


def _number(value: float | str) -> str:
    if isinstance(value, int | str):
        return str(value)
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:,.4f}"
