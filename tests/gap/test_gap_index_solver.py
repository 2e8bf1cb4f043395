from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, least_squares
from scipy.special import expit

from pipeline.gap.index_design import prepare
from pipeline.gap.index_solver import FLATTEST, REACH, Problem, State, solve
from tests.gap.index_tables import epoch_table, simulated


def problem(lam: float = 0.1, **world) -> Problem:
    table = prepare(simulated(**{"noise": 0.05, "share": 0.7, **world})[0])
    fixed = table.benchmarks.index("winogrande")
    return Problem(
        table.model_of, table.benchmark_of, table.performance, len(table.models), len(table.benchmarks), fixed, lam
    )


def by_scipy(p: Problem, weights=None):
    """The same cost written out plainly, and minimised with a numerical Jacobian."""
    rows = range(len(p.performance)) if weights is None else np.repeat(np.arange(len(p.performance)), weights)
    free = p.models + 2 * p.benchmarks - 1

    def residuals(theta):
        ability, hard = theta[: p.models], theta[p.models : p.models + p.benchmarks]
        steep = np.insert(theta[p.models + p.benchmarks :], p.fixed, 1.0)
        fits = [
            expit(steep[b] * (ability[m] - hard[b])) - y
            for m, b, y in ((p.model_of[k], p.benchmark_of[k], p.performance[k]) for k in rows)
        ]
        return np.concatenate([fits, np.sqrt(p.lam / free) * theta])

    located = p.models + p.benchmarks
    start = np.concatenate([np.zeros(located), np.ones(p.benchmarks - 1)])
    low = np.concatenate([np.full(located, -10.0), np.full(p.benchmarks - 1, 0.1)])
    return least_squares(residuals, start, bounds=(low, np.full(free, 10.0)), xtol=1e-14, ftol=1e-14, gtol=1e-13)


@pytest.mark.parametrize("lam", [0.1, 1e-3])
def test_same_minimum_as_a_general_solver(lam):
    p = problem(lam, models=9, benchmarks=6)
    ours, peer = solve(p), by_scipy(p)
    assert ours.converged
    assert ours.cost == pytest.approx(peer.cost, abs=1e-8)
    assert ours.parameters[: p.models] == pytest.approx(peer.x[: p.models], abs=1e-4)


def test_same_minimum_with_rows_counted_several_times():
    p = problem(models=8, benchmarks=5)
    weights = np.random.default_rng(3).integers(0, 3, len(p.performance))
    ours, peer = solve(p, weights=weights.astype(float)), by_scipy(p, weights)
    assert ours.cost == pytest.approx(peer.cost, abs=1e-8)
    assert ours.parameters[: p.models] == pytest.approx(peer.x[: p.models], abs=1e-4)


def test_gradient_and_curvature_agree_with_finite_differences():
    p = problem()
    rng = np.random.default_rng(8)
    weights = rng.integers(0, 4, len(p.performance)).astype(float)
    at = np.where(p.held, 1.0, np.concatenate([rng.normal(0, 1, p.models + p.benchmarks), rng.uniform(0.5, 2, 8)]))
    state = State(p, at, weights)
    numeric = approx_fprime(at, lambda theta: State(p, theta, weights).cost, 1e-7)
    assert state.gradient[~p.held] == pytest.approx(numeric[~p.held], abs=1e-6)
    assert state.gradient[p.held] == 0
    # Damped so that it is definite: (exact curvature + damping) times the step must undo the gradient.
    step, width = state.step(50.0, exact=True), 1e-6
    turned = State(p, at + width * step, weights).gradient - State(p, at - width * step, weights).gradient
    assert turned / (2 * width) + 50.0 * step == pytest.approx(-state.gradient, abs=1e-6)


def test_the_bundled_matrix_converges_from_anywhere_near():
    table = epoch_table()
    fixed = table.benchmarks.index("epoch_winogrande")
    p = Problem(table.model_of, table.benchmark_of, table.performance, 222, 57, fixed, 0.1)
    cold = solve(p)
    assert cold.cost == pytest.approx(6.520695498, abs=1e-8)
    assert cold.slack < 1e-10
    assert cold.iterations < 40
    shaken = cold.parameters + np.random.default_rng(2).normal(0, 0.2, len(cold.parameters))
    assert solve(p, shaken).parameters == pytest.approx(cold.parameters, abs=1e-6)


def test_what_no_row_counts_for_is_left_to_the_ridge():
    p = problem()
    weights = np.where((p.benchmark_of == 2) | (p.model_of == 5), 0.0, 1.0)
    found = solve(p, weights=weights).parameters
    assert found[5] == pytest.approx(0, abs=1e-6)
    assert found[p.models + 2] == pytest.approx(0, abs=1e-6)
    assert found[p.models + p.benchmarks + 2] == FLATTEST


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 1e-3]), st.integers(4, 9), st.integers(4, 8))
def test_a_solution_is_a_minimum_within_the_bounds(seed, lam, models, benchmarks):
    p = problem(lam, models=models, benchmarks=benchmarks, seed=seed, noise=0.4, share=0.5)
    found = solve(p)
    low, high = p.bounds
    assert found.converged
    assert ((found.parameters >= low) & (found.parameters <= high)).all()
    assert found.parameters[p.held] == 1
    assert abs(found.parameters[: p.models + p.benchmarks]).max() <= REACH
    rng, ones = np.random.default_rng(seed), np.ones(len(p.performance))
    for size in (1e-4, 1e-2):
        shift = np.where(p.held, 0, rng.normal(0, size, len(low)))
        near = np.clip(found.parameters + shift, low, high)
        assert State(p, near, ones).cost >= found.cost - 1e-12
