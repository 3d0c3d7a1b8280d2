import numpy as np
import pytest
from scipy.integrate import quad

from bestresponse.errors import DataError
from players.traffic import LinkTime, Waiting


def links(power: float) -> LinkTime:
    return LinkTime(np.array([0.1, 0.3]), np.array([50.0, 20.0]), np.array([0.15, 2.0]), np.full(2, power))


def queues(smoothing: float = 2.0, period: float = 1.5) -> Waiting:
    same = np.ones(5)
    return Waiting(0.03 * same, 0.01 * same, 20.0 * same, smoothing * same, period * same)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5, 4.0])
def test_link_time_is_its_formula_and_its_integral_and_derivative_belong_to_it(power):
    time, flow, step = links(power), np.array([37.0, 41.0]), 1e-4
    formula = [0.1 * (1 + 0.15 * (37 / 50) ** power), 0.3 * (1 + 2 * (41 / 20) ** power)]
    assert time.value(flow) == pytest.approx(formula, rel=1e-14)
    areas = [quad(lambda v, k=k: time.value(np.full(2, v))[k], 0, flow[k])[0] for k in range(2)]
    assert time.integral(flow) == pytest.approx(areas, rel=1e-10)
    slopes = (time.value(flow + step) - time.value(flow - step)) / (2 * step)
    assert time.derivative(flow) == pytest.approx(slopes, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("power", [0.0, 1.0, 4.0])
def test_link_time_on_an_empty_link_is_finite(power):
    time, empty = links(power), np.zeros(2)
    assert np.isfinite([time.value(empty), time.integral(empty), time.derivative(empty)]).all()


# visits with T = 1.5, N = 20: no queue, at the kink, inside the smoothing, at its end, far beyond
VISITS = np.array([5.0, 20 / 1.5, 14.0, 22 / 1.5, 40.0])


def test_waiting_takes_the_three_pieces_of_its_formula():
    queue = 1.5 * VISITS - 20
    hinge = [0, 0, queue[2] ** 2 / 4, 1.0, queue[4] - 1.0]
    assert queues().value(VISITS) == pytest.approx(0.03 + 0.01 * np.array(hinge), rel=1e-12)


def test_marginal_waiting_is_what_one_more_vehicle_costs_all():
    wait, step = queues(), 1e-6
    total = [(VISITS + side) * wait.value(VISITS + side) for side in (-step, step)]
    off_kinks = [0, 2, 4]
    marginal = wait.marginal()
    assert marginal.value(VISITS)[off_kinks] == pytest.approx(((total[1] - total[0]) / (2 * step))[off_kinks], rel=1e-7)
    assert marginal.integral(VISITS) == pytest.approx(VISITS * wait.value(VISITS), rel=1e-14)
    for mu in (0.0, 1e-3, 0.05):
        slopes = (marginal.value(VISITS + step, mu) - marginal.value(VISITS - step, mu)) / (2 * step)
        assert marginal.derivative(VISITS, mu)[off_kinks] == pytest.approx(slopes[off_kinks], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("mu", [0.0, 1e-3, 0.05, 10.0])
def test_waiting_derivative_belongs_to_the_value_at_every_smoothing(mu):
    step = 1e-6
    wait = queues()
    slopes = (wait.value(VISITS + step, mu) - wait.value(VISITS - step, mu)) / (2 * step)
    assert wait.derivative(VISITS, mu) == pytest.approx(slopes, abs=1e-8)


def test_waiting_integral_belongs_to_the_value():
    wait = queues()
    areas = [
        quad(lambda x, k=k: wait.value(np.full(5, x))[k], 0, VISITS[k], points=[20 / 1.5, 22 / 1.5])[0]
        for k in range(5)
    ]
    assert wait.integral(VISITS) == pytest.approx(areas, rel=1e-10)


def test_more_smoothing_changes_waiting_only_near_the_kink():
    wait = queues(smoothing=1.0, period=1.0)
    far = np.array([0.0, 5.0, 35.0, 50.0, 90.0])
    near = np.full(5, 20.5)
    mu = (10 / 300) ** 2  # the hinge is then smoothed over 10 vehicles, centred as before
    assert wait.value(far, mu) == pytest.approx(wait.value(far), rel=1e-13)
    assert (wait.value(near, mu) > wait.value(near) + 1e-4).all()
    assert wait.value(near, 1e-12) == pytest.approx(wait.value(near), rel=1e-15)  # never smoother than its own ε


def test_waiting_never_is_smoothed_over_more_than_a_hundred_vehicles():
    wait = queues(smoothing=1.0, period=1.0)
    visits = np.array([71.0, 80.0, 90.0, 100.0, 200.0])
    assert wait.value(visits, 1e9) == pytest.approx(wait.value(visits), rel=1e-13)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("capacity", 0.0, "capacity"),
        ("power", 0.5, "power"),
        ("free_flow_h", np.nan, "free-flow"),
        ("power", np.nan, "power"),
    ],
)
def test_link_time_refuses_values_out_of_range(field, value, word):
    fields = {"free_flow_h": 0.1, "capacity": 1.0, "coefficient": 0.15, "power": 4.0} | {field: value}
    with pytest.raises(DataError, match=word):
        LinkTime(**{key: np.array([given]) for key, given in fields.items()})


def test_arrays_of_unequal_length_are_refused():
    with pytest.raises(DataError, match="one length"):
        LinkTime(np.ones(2), np.ones(3), np.ones(2), np.ones(2))
    with pytest.raises(DataError, match="smoothing"):
        queues(smoothing=0.0)
