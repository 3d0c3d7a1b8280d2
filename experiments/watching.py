"""One run as it goes on: what the terminal shows after every sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bestresponse.market import Good
from bestresponse.stopping import Tolerances
from bestresponse.trace import SweepRecord
from experiments.convergence import farthest

WORST, BEST = 1e0, 1e-10  # what a full bar and an empty one stand for, on a logarithmic scale
FAMILIES, MEMBERS = 3, 2  # families whose prices are shown, and goods of each
ROOMY = 34  # lines of a terminal from which on nothing has to be left out
GOOD, OFF = "green", "yellow"  # within the tolerance, and not
NAME, NUMBER = 20, 9  # characters of a name and of a number
STEPS, ASCII_STEPS = "▁▂▃▄▅▆▇█", ".:-=+*#@"


@dataclass
class View:
    """What is known of a run so far, as something rich can draw at any width."""

    headline: str
    goods: Sequence[Good]
    tolerance: float
    max_sweeps: int
    records: list[SweepRecord] = field(default_factory=list)
    gains: Mapping[str, float] = field(default_factory=dict)  # by player, when they were last measured
    gains_at: int = 0  # the sweep of that measurement
    waited: float = 0.0  # seconds that the run spent on being shown
    end: str = ""

    def hear(self, record: SweepRecord) -> None:
        """Take note of the sweep that has just ended."""
        self.records.append(record)
        if record.gains:
            self.gains, self.gains_at = record.gains, record.sweep

    def line(self) -> str:
        """Return the latest sweep as one line of text, for where nothing can be drawn over."""
        now = self.records[-1]
        gain = "" if now.gain is None else f"  gain {now.gain:.1e} {now.gain_player}"
        return (
            f"sweep {now.sweep:4d}  imbalance {now.imbalance:.1e} {now.imbalance_good}"
            f"  price gap {now.disagreement:.1e}{gain}  sigma {now.sigma:.2g}"
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw everything, in the width there is."""
        yield Text(self.headline, style="bold")
        if self.records:
            width = max(10, options.max_width - NAME - NUMBER - 2)
            yield Text(self._state())
            yield from self._parts(_Drawing(width, options.ascii_only), roomy=console.height >= ROOMY)
        if self.end:
            yield Text(self.end)

    def _state(self) -> str:
        now = self.records[-1]
        words = (
            f"sweep {now.sweep} of at most {self.max_sweeps}",
            f"sigma {now.sigma:.2g}",
            f"{now.seconds - self.waited:.2f} s",
            f"steps cut {now.clipped}, taken back {now.rolled_back}",
        )
        return "   ".join(words)

    def _parts(self, drawing: _Drawing, roomy: bool) -> list[RenderableType]:
        now, gap, tolerances = self.records[-1], "\n" if roomy else "", Tolerances.of(self.tolerance)
        travellers = self._travellers(MEMBERS if roomy else 1)
        unit = self.goods[travellers[0]].price_unit
        distances = {**now.imbalance_by_family, "(price gap)": now.disagreement}
        parts: list[RenderableType] = [
            Text(
                f"{gap}imbalance by family of goods, and price gap; full: {WORST:.0e}, empty: {BEST:.0e}", style="bold"
            ),
            _rows([drawing.bar_row(name, value, tolerances.market) for name, value in distances.items()]),
            Text(f"{gap}prices that travel farthest, the latest on the right [{unit}]", style="bold"),
            _rows([drawing.path_row(self.goods[good].name, self._path(good)) for good in travellers]),
        ]
        if self.gains:
            parts += [
                Text(f"{gap}gains by player at sweep {self.gains_at}, relative to its outlay", style="bold"),
                _rows([drawing.bar_row(name, gain, tolerances.gain) for name, gain in self.gains.items()]),
            ]
        return parts

    def _travellers(self, members: int) -> list[int]:
        chosen = farthest(self.records, self.goods, FAMILIES, members)
        return sorted(good for family in chosen.values() for good in family)

    def _path(self, good: int) -> list[float]:
        return [float(record.price[good]) for record in self.records]


@dataclass(frozen=True)
class _Drawing:
    """Bars and paths of a given width."""

    width: int  # characters
    ascii_only: bool

    def bar_row(self, name: str, value: float, tolerance: float) -> tuple[str, str, Text]:
        """Return a name, its value and a bar on a logarithmic scale."""
        return name, f"{value:.1e}", Text(self.bar(value), style=GOOD if value <= tolerance else OFF)

    def path_row(self, name: str, values: Sequence[float]) -> tuple[str, str, Text]:
        """Return a name, its latest value and the way there."""
        return name, f"{values[-1]:.4g}", Text(self.path(values), style="cyan")

    def bar(self, value: float) -> str:
        """Return a bar that is full at `WORST` and above, and empty at `BEST` and below; full for NaN."""
        share = 1.0 if np.isnan(value) else np.log(max(value, BEST) / BEST) / np.log(WORST / BEST)
        return ("#" if self.ascii_only else "█") * round(self.width * min(1.0, float(share)))

    def path(self, values: Sequence[float]) -> str:
        """Return the values from the smallest to the largest as one character each; only the last ones if need be."""
        steps = ASCII_STEPS if self.ascii_only else STEPS
        shown = np.array(values[-self.width :])
        spread = float(np.ptp(shown))
        share = (shown - shown.min()) / spread if spread > 0 else np.zeros(len(shown))
        return "".join(steps[round(float(s) * (len(steps) - 1))] for s in share)


def _rows(rows: Sequence[tuple[str, str, Text]]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=NAME, no_wrap=True, overflow="ellipsis")
    table.add_column(width=NUMBER, justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="crop")
    for name, number, drawn in rows:
        table.add_row(escape(name), number, drawn)
    return table
