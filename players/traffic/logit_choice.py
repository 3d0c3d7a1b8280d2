"""Logit choice among paths: how many take each path at given costs, and what the choice is worth.

A path of an OD pair with demand d is taken by d exp(−C / τ) / Σ exp(−C / τ) vehicles. These flows minimise
Σ f C + Σ τ f ln(f / d), whose least value is d times the satisfaction S = −τ ln Σ exp(−C / τ), at most the cheapest
path's cost. Put otherwise, f = d exp(−e / τ) with the excess e = C − S ≥ 0 of every path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from bestresponse.typing import SparseMatrix, Vector
from players.traffic.resources import ResourceForm

SMALLEST_SHARE = float(np.finfo(float).tiny)  # of a path that nearly nobody takes; 0 has no logarithm


@dataclass(frozen=True)
class Choice:
    """What drivers do at given path costs."""

    flow: Vector  # (n_paths,) [veh/h]
    satisfaction: Vector  # (n_groups,) [$] S
    excess: Vector  # (n_paths,) [$] C − S


@dataclass(frozen=True)
class LogitChoice:
    """The choice of all classes. Costs are the scaled ones of the resource form."""

    form: ResourceForm
    theta: float  # [1/$] of own costs: of two paths 1 $ apart the cheaper attracts exp(theta) times as many

    @cached_property
    def spread(self) -> Vector:
        """(n_paths,) [$] τ, scaled as the costs are: 1 / theta at the class's own value of time."""
        return self.form.scale / self.theta

    @cached_property
    def demand(self) -> Vector:
        """(n_paths,) [veh/h] the demand of every path's group."""
        return self.form.demand[self.form.group]

    def at(self, cost: Vector) -> Choice:
        """Return what drivers choose at path costs (n_paths,) [$]."""
        form, first = self.form, self.form.first
        lowest = np.minimum.reduceat(cost, first)
        weight = np.exp(-(cost - lowest[form.group]) / self.spread)
        total = np.add.reduceat(weight, first)
        satisfaction = lowest - self.spread[first] * np.log(total)
        flow = self.demand * weight / total[form.group]
        return Choice(flow, satisfaction, cost - satisfaction[form.group])

    def cost_of(self, flow: Vector) -> Vector:
        """Return (n_paths,) [$] costs at which drivers choose the flows (n_paths,) that meet the demand."""
        return -self.spread * np.log(self._share(flow))

    def flow_of(self, excess: Vector) -> Vector:
        """Return (n_paths,) [veh/h] d exp(−e / τ); for e < 0, where no choice is, its tangent at 0."""
        return self.demand * (np.exp(-np.maximum(excess, 0.0) / self.spread) - np.minimum(excess, 0.0) / self.spread)

    def slope_of(self, excess: Vector) -> Vector:
        """Return (n_paths,) [veh/h per $] −d/de of `flow_of`."""
        return self.demand / self.spread * np.exp(-np.maximum(excess, 0.0) / self.spread)

    def entropy(self, flow: Vector) -> float:
        """Return [$/h] Σ τ f ln(f / d) ≤ 0."""
        return float(self.spread @ xlogy(flow, self._share(flow)))

    def _share(self, flow: Vector) -> Vector:
        return np.maximum(flow / np.where(self.demand > 0.0, self.demand, 1.0), SMALLEST_SHARE)

    def gain(self, flow: Vector, cost: Vector) -> float:
        """Return [$/h] how far flows are from the choice at the costs: Σ f C + Σ τ f ln(f / d) − Σ d S ≥ 0."""
        satisfaction = self.at(cost).satisfaction[self.form.group]
        return float(flow @ (cost - satisfaction)) + self.entropy(flow)

    def reaction(self, flow: Vector) -> Reaction:
        """Return how flows that drivers chose react to path costs."""
        return Reaction(self, flow)


@dataclass(frozen=True)
class Reaction:
    """Λ = −∂f/∂C at flows f: diag(f / τ) less, in every group, f fᵀ / (τ d)."""

    choice: LogitChoice
    flow: Vector  # (n_paths,) [veh/h]

    def to(self, cost: Vector) -> Vector:
        """Return (n_paths,) [veh/h] Λ cost: what a change of costs takes from every path."""
        form = self.choice.form
        mean = np.add.reduceat(self.flow * cost, form.first) / self._demand
        return self.flow / self.choice.spread * (cost - mean[form.group])

    def of_resources(self) -> Vector:
        """Return (n_resources, n_resources) Mᵀ Λ M: what costs of resources take from levels."""
        form, spread = self.choice.form, self.choice.spread
        used = sparse.diags_array(np.sqrt(self.flow / spread)) @ form.use
        members: SparseMatrix = sparse.csr_array(
            (self.flow, (form.group, np.arange(form.n_paths))), shape=(len(form.first), form.n_paths)
        )
        means = sparse.diags_array(1.0 / np.sqrt(self._demand * spread[form.first])) @ (members @ form.use)
        whole: Vector = (used.T @ used - means.T @ means).toarray()
        return whole

    @property
    def _demand(self) -> Vector:
        """(n_groups,) [veh/h] the demand to divide by: 1 where there is none."""
        demand = self.choice.form.demand
        return np.where(demand > 0.0, demand, 1.0)
