"""AC power flows of a feeder: what its linear and relaxed models leave out. Each engine has a file of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from networks.feeder import Feeder
from networks.typing import Vector

LEAST_OHM = 1e-6  # of a line, so that no engine divides by zero


@dataclass(frozen=True, eq=False)
class ACFlow:
    """An AC power flow."""

    voltage_pu: Vector  # (n_buses,)
    from_kw: Vector  # (n_lines,) into the line where it begins
    from_kvar: Vector
    to_kw: Vector  # (n_lines,) into the line where it ends
    to_kvar: Vector

    @property
    def losses_kw(self) -> Vector:
        """(n_lines,) what every line loses."""
        return self.from_kw + self.to_kw

    @property
    def apparent_kva(self) -> Vector:
        """(n_lines,) the apparent power at the end of every line where it is larger."""
        return np.maximum(np.hypot(self.from_kw, self.from_kvar), np.hypot(self.to_kw, self.to_kvar))


def line_ohms(feeder: Feeder) -> tuple[Vector, Vector]:
    """Return (n_lines,) resistance and reactance [ohm] of every line as engines get them."""
    ohm = feeder.base_ohm
    return np.maximum(feeder.r_pu * ohm, LEAST_OHM), np.maximum(feeder.x_pu * ohm, LEAST_OHM)
