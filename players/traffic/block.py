"""Traffic's problem as the monolith needs it, with link flows and station visits as variables of their own.

Unknowns f (paths), v (links), x (visits). Rows −Σ f = −demand, Σ δ f − v = 0, Σ visits f − x = 0, so that their
multipliers are the OD costs μ and the prices of link and station time, ω t(v) and ω w(x). A path of a class with
value of time ω_k costs ω t(v) through the link rows; the rest, (ω_k − ω) t(v), is its own gradient. For fuel
classes, whose rows are scaled to the reference ω, and for one electric value of time there is no rest and the block
is symmetric. For electric classes of other values of time the Jacobian has (path, link) entries, and the trades
stay unscaled, as the market sees them.

Those entries are why several values of time are no monotone problem. The path of an interior point may then turn back
before it ends, or end beside a solution. So it starts where all electric classes share the reference ω, which is
monotone, and the rest grows to its full size as μ falls.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bestresponse.player import Block
from bestresponse.typing import SparseMatrix, Vector
from networks.path_set import Path
from players.traffic.resources import ResourceForm

PATH_SCALE, LINK_SCALE, VISIT_SCALE = 1.0, 10.0, 10.0  # [veh/h] typical sizes
HALFWAY = 1e-3  # μ at which an interior point sees half of what values of time differ by


def traffic_block(form: ResourceForm, link_names: tuple[str, ...], path_names: tuple[str, ...]) -> Block:
    """Return the block of variables path_flow, link_flow, visits and rows demand, link, station.

    The paths of a group need not stand together.
    """
    n_paths, n_times, n_groups = form.n_paths, form.n_links + form.n_stations, len(form.first)
    n = n_paths + n_times
    times = _time_costs(form)
    n_rest = times.indptr[n_paths]  # entries of `times` in the rows of paths, which come first
    constant = np.concatenate([form.constant * form.path_money, np.zeros(n_times)])
    shifted = (times.indices + n_paths, times.indptr)  # the columns of v and x among all variables

    def cost(x: Vector) -> float:
        return form.own_cost(x[:n_paths], *split_times(x))

    def split_times(x: Vector) -> tuple[Vector, Vector]:
        flow = np.maximum(x[n_paths:], 0.0)  # iterates may leave the set of flows; times are extended as constants
        return flow[: form.n_links], flow[form.n_links :]

    def gradient(x: Vector, mu: float = 0.0) -> Vector:
        link_flow, visits = split_times(x)
        values = [form.link_time.value(link_flow), form.stations.waiting.value(visits, mu)]
        cost_of_time = times @ np.concatenate(values)
        cost_of_time[:n_paths] *= _apart(mu)
        return constant + cost_of_time

    def jacobian(x: Vector, mu: float = 0.0) -> SparseMatrix:
        link_flow, visits = split_times(x)
        slopes = [form.link_time.derivative(link_flow), form.stations.waiting.derivative(visits, mu)]
        data = times.data * np.concatenate(slopes)[times.indices]
        data[:n_rest] *= _apart(mu)
        return sparse.csr_array((data, shifted[0].copy(), shifted[1].copy()), shape=(n, n))

    nothing = np.zeros(0)
    return Block(
        variables={"path_flow": n_paths, "link_flow": form.n_links, "visits": form.n_stations},
        equalities={"demand": n_groups, "link": form.n_links, "station": form.n_stations},
        inequalities={},
        lower=np.concatenate([np.zeros(n_paths), np.full(n_times, -np.inf)]),
        upper=np.full(n, np.inf),
        A=_rows(form),
        b=np.concatenate([-form.demand, np.zeros(n_times)]),
        G=sparse.csr_array((0, n)),
        h=nothing,
        trade=sparse.csr_array(sparse.hstack([form.trades.T, sparse.csr_array((form.n_goods, n_times))], format="csr")),
        trade_offset=np.zeros(form.n_goods),
        cost=cost,
        gradient=gradient,
        jacobian=jacobian,
        scale=np.repeat([PATH_SCALE, LINK_SCALE, VISIT_SCALE], [n_paths, form.n_links, form.n_stations]),
        separable=np.arange(n) < n_paths,
        labels=_labels(form, link_names, path_names),
    )


def _apart(mu: float) -> float:
    """Return the share of (ω_k − ω) that an interior point sees at its present μ; all of it at μ = 0."""
    return 1.0 / (1.0 + mu / HALFWAY)


def _time_costs(form: ResourceForm) -> SparseMatrix:
    """Return (n, n_links + n_stations) [$/h]: what an hour lost on a link or at a station adds to each gradient row."""
    own = form.reference / form.scale  # (n_paths,) the class's value of time
    rest = np.where(form.path_money == 1.0, 0.0, own - form.reference)
    n_times = form.n_links + form.n_stations
    other = sparse.diags_array(rest) @ form.use[:, :n_times]
    other.eliminate_zeros()
    return sparse.csr_array(sparse.vstack([other, form.reference * sparse.eye_array(n_times)], format="csr"))


def _rows(form: ResourceForm) -> SparseMatrix:
    n_times, n_groups = form.n_links + form.n_stations, len(form.first)
    members = (np.full(form.n_paths, -1.0), (form.group, np.arange(form.n_paths)))
    demand = sparse.csr_array(members, shape=(n_groups, form.n_paths))
    of_paths = sparse.vstack([demand, form.use[:, :n_times].T])
    of_times = sparse.vstack([sparse.csr_array((n_groups, n_times)), -sparse.eye_array(n_times)])
    return sparse.csr_array(sparse.hstack([of_paths, of_times], format="csr"))


def _labels(form: ResourceForm, link_names: tuple[str, ...], path_names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    stations = tuple(f"station {node}" for node in form.stations.nodes)
    groups = tuple(form.group_name(group) for group in range(len(form.first)))
    return {
        "path_flow": path_names,
        "link_flow": link_names,
        "visits": stations,
        "demand": groups,
        "link": link_names,
        "station": stations,
    }


def describe(path: Path) -> str:
    """Return a path's nodes with its stops, such as "1-3-12(-)-13": (+) charges, (-) discharges."""
    marks = {place: "(+)" if stop.charges else "(-)" for place, stop in zip(path.stop_places, path.stops, strict=True)}
    return "-".join(f"{node}{marks.get(place, '')}" for place, node in enumerate(path.nodes))
