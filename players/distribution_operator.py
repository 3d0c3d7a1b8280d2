"""The distribution system operator: a linear program over LinDistFlow, eq. (9)."""

from __future__ import annotations

from players.feeder_operator import FeederOperator


class DistributionOperator(FeederOperator):
    """Delivers energy from the root to the buses over a radial feeder or, with lines out, a forest.

    maximise  Σ λₙ yₙ + (τ − c^T) p^T                                                       (9a)
    subject to  active and reactive balance at every bus                                (9b, 9c)
                u_j = u_i − 2 (r P + x Q) along every line                                  (9d)
                P cos θ_k + Q sin θ_k ≤ S cos(π/12), k = 0..11, on lines with a rating      (9e)
                bounds on u, p^T, q^T, and |q^s| ≤ reactive support                     (9f–9i)

    yₙ exists at the buses where somebody can trade. Elsewhere the price of delivery is the multiplier of (9b):
    see `nodal_price`. Regulators stand at ratio 1.
    """
