"""The lag pooled over benchmarks: a survival model with a random effect per benchmark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import minimize
from scipy.special import log_ndtr
from scipy.stats import norm
from scipy.stats import t as student

from pipeline.errors import InputError
from pipeline.gap.one_thread import one_thread
from pipeline.gap.weibull import Bools, Observed, log_densities, unidentified

NODES = 15
_LOG_LOG2 = math.log(math.log(2.0))
_SMALL_SD = 0.01  # a factor of 1.01 between benchmarks: none that data of this kind can show
_TOO_WIDE = math.log(1000.0)  # an interval from a thousandth to a thousand times the value is none
_LIMITS = {"log_shape": (-math.log(20.0), math.log(20.0)), "log_sd": (math.log(_SMALL_SD), math.log(10.0))}
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Law = Literal["weibull", "lognormal"]


@dataclass(frozen=True)
class Pooled:
    """The lag of a typical benchmark, months; null with a note where it cannot be computed.

    Attributes:
        median: median lag of a benchmark in the middle of the others, half way (on the log scale)
            between the kinds in the proportion they are present.
        lo: lower end of its interval.
        hi: upper end.
        between_sd: standard deviation of the log lag from benchmark to benchmark.
        shape: of the law within a benchmark: 1 / the scale of the log lag.
        private_ratio: lag on private benchmarks over lag on public ones.
        ratio_lo: lower end of its interval.
        ratio_hi: upper end.
        benchmarks: pooled.
        records: closed records in them.
        censored: of those, not matched yet.
        notes: why a number is null.
    """

    median: float | None
    lo: float | None
    hi: float | None
    between_sd: float | None
    shape: float | None
    private_ratio: float | None
    ratio_lo: float | None
    ratio_hi: float | None
    benchmarks: int
    records: int
    censored: int
    notes: tuple[str, ...] = ()


def log_normal_densities(z: Floats, exact: Bools, left: Bools) -> tuple[Floats, Floats, Floats]:
    """As `weibull.log_densities`, for a standard normal z: a lognormal time."""
    side = np.where(left, z, -z)
    tail = log_ndtr(side)
    mills = np.exp(np.clip(-(z**2) / 2 - math.log(2 * math.pi) / 2 - tail, -700.0, 500.0))
    value: Floats = np.where(exact, -(z**2) / 2 - math.log(2 * math.pi) / 2, tail)
    first: Floats = np.where(exact, -z, np.where(left, mills, -mills))
    second: Floats = np.where(exact, -1.0, -mills * (mills + side))
    return value, first, second


class _Model:
    """The marginal likelihood, and its gradient per benchmark, at any parameters.

    `log T = mean + effect * kind + sd * v + W / shape`, v standard normal per benchmark, W standard
    normal (lognormal law) or smallest-extreme-value (Weibull): an accelerated failure time model with a
    normal random intercept.
    v is integrated out by adaptive Gauss-Hermite quadrature (Pinheiro and Bates, 1995): the nodes are
    centred on the mode of each benchmark, which is unique because the log-likelihood is concave in v.
    The gradient is the posterior mean of the complete-data gradient (Fisher's identity).
    """

    def __init__(self, seen: Observed, first: Ints, kind: Floats, *, law: Law, with_kind: bool, with_sd: bool) -> None:
        self._seen, self._first, self._kind = seen, first, kind
        self._densities = log_densities if law == "weibull" else log_normal_densities
        sizes = np.diff(np.append(first, len(seen.exact)))
        self._of = np.repeat(np.arange(len(first)), sizes)
        self._with_kind, self._with_sd = with_kind, with_sd
        self._exact = np.repeat(seen.exact[:, None], NODES, axis=1)
        self._left = np.repeat(seen.left[:, None], NODES, axis=1)
        self._mode = np.zeros(len(first))
        self._nodes, self._weights = np.polynomial.hermite.hermgauss(NODES)

    def unpack(self, theta: Floats) -> tuple[float, float, float, float]:
        """Shape, mean, effect of the kind and sd; the last two 0 where they are not in the model."""
        rest = list(theta[2:])
        effect = rest.pop(0) if self._with_kind else 0.0
        return math.exp(theta[0]), float(theta[1]), float(effect), math.exp(rest[0]) if self._with_sd else 0.0

    def _find_modes(self, base: Floats, step: float) -> Floats:
        """Newton to the mode of v in each benchmark, from the last one; the curvature there."""
        seen, v = self._seen, self._mode
        for _ in range(50):
            _, first, second = self._densities(base - step * v[self._of], seen.exact, seen.left)
            slope = -step * np.add.reduceat(first, self._first) - v
            curve = 1 - step**2 * np.add.reduceat(second, self._first)
            move = np.clip(slope / curve, -1.0, 1.0)
            v = v + move
            if np.abs(move).max() < 1e-7:
                break
        self._mode = v
        return np.asarray(curve, dtype=np.float64)

    def per_benchmark(self, theta: Floats) -> tuple[Floats, Floats]:
        """Log marginal likelihood of each benchmark, and benchmarks x parameters its gradient."""
        shape, mean, effect, sd = self.unpack(theta)
        seen, of = self._seen, self._of
        base = shape * (seen.log_months - mean - effect * self._kind)
        step = shape * sd
        width = math.sqrt(2) / np.sqrt(self._find_modes(base, step))
        v = self._mode[:, None] + width[:, None] * self._nodes
        z = base[:, None] - step * v[of]
        value, first, _ = self._densities(z, self._exact, self._left)
        joint = np.add.reduceat(value, self._first, axis=0) - v**2 / 2 + self._nodes**2 + np.log(self._weights)
        top = joint.max(axis=1, keepdims=True)
        mass = np.exp(joint - top)
        total = mass.sum(axis=1)
        posterior = mass / total[:, None]
        matched = np.add.reduceat(seen.exact.astype(np.float64), self._first)
        outside = np.add.reduceat(np.where(seen.exact, theta[0] - seen.log_months, 0.0), self._first)
        level = np.log(total) + top[:, 0] + np.log(width) - math.log(2 * math.pi) / 2 + outside
        pushed = np.add.reduceat(first, self._first, axis=0)

        def averaged(part: Floats) -> Floats:
            return np.asarray((posterior * part).sum(axis=1), dtype=np.float64)

        columns = [matched + averaged(np.add.reduceat(first * z, self._first, axis=0)), -shape * averaged(pushed)]
        if self._with_kind:
            columns.append(columns[1] * self._kind[self._first])
        if self._with_sd:
            columns.append(-step * averaged(pushed * v))
        return level, np.stack(columns, axis=1)

    def negative(self, theta: Floats) -> tuple[float, Floats]:
        """What is minimised."""
        value, gradient = self.per_benchmark(theta)
        return -float(value.sum()), -gradient.sum(axis=0)

    def fit(self) -> Floats:
        """Parameters of the maximum, from a moment start."""
        seen = self._seen
        start = [0.3, float(seen.log_months[seen.exact].mean()) + 0.3]
        bounds: list[tuple[float | None, float | None]] = [_LIMITS["log_shape"], (-10.0, 30.0)]
        if self._with_kind:
            start.append(0.0)
            bounds.append((-10.0, 10.0))
        if self._with_sd:
            start.append(math.log(0.4))
            bounds.append(_LIMITS["log_sd"])
        options = {"ftol": 1e-11, "maxiter": 200}
        with one_thread():
            found = minimize(
                self.negative, np.array(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options
            )
        return np.asarray(found.x, dtype=np.float64)

    def covariance(self, theta: Floats, *, robust: bool) -> Floats | None:
        """Inverse observed information, or the sandwich clustered by benchmark; null where singular.

        An sd at its lower bound is taken as known: the likelihood is flat there.
        """
        free = len(theta) - (self._with_sd and theta[-1] < _LIMITS["log_sd"][0] + 0.05)
        bread = np.empty((free, free))
        for place in range(free):
            moved = np.zeros(len(theta))
            moved[place] = 1e-4
            bread[place] = (self.negative(theta + moved)[1] - self.negative(theta - moved)[1])[:free] / 2e-4
        bread = (bread + bread.T) / 2
        if not np.isfinite(bread).all() or np.linalg.eigvalsh(bread)[0] <= 1e-8:
            return None
        inverse = np.linalg.inv(bread)
        if robust:
            scores = self.per_benchmark(theta)[1][:, :free]
            inverse = inverse @ (scores.T @ scores) @ inverse
        # Maximum likelihood takes the benchmarks to lie about a known centre: as in a mean of few values.
        benchmarks, centre = len(self._first), 1 + self._with_kind
        if benchmarks > centre:
            inverse = inverse * benchmarks / (benchmarks - centre)
        full = np.zeros((len(theta), len(theta)))
        full[:free, :free] = inverse
        return full


def pooled_lag(records: pl.DataFrame, level: float = 0.90, *, law: Law = "lognormal", robust: bool = True) -> Pooled:
    """Pool the catch-up times of many benchmarks.

    The interval is the delta method on the log scale, variance by the sandwich clustered by benchmark
    (records matched by one open model are not independent), Student's t on the benchmarks less one,
    less one more where both kinds are there. Coverage is in docs/coverage.md. With one benchmark there
    is no sd between benchmarks; with the Weibull law the fit is then that of `weibull`.

    The default law is the lognormal one: a lag is a shortest possible time plus the wait for the next
    open release, so it has a long right tail and few values near 0, the opposite of a Weibull law with
    a shape above 1, whose median came out 7-14% too long in the simulated worlds.

    Args:
        records: one row per closed record: `series` (benchmark), `lag_months` (signed; the age where
            censored), `censored`, `private` (boolean or null, one value per series). A benchmark of
            unknown kind stands at the middle of the kinds.
        level: nominal coverage of the intervals.
        law: of the lag within a benchmark.
        robust: variance by the sandwich clustered by benchmark instead of the observed information.

    Raises:
        InputError: a lag or flag is null, or a series is both private and public.
    """
    series, seen, censored = _read(records)
    early = int(seen.left.sum())
    known = series["private"].drop_nulls().cast(pl.Float64)
    counts = (series.height, records.height, censored)
    why = unidentified(seen)
    if why:
        return Pooled(*(None,) * 8, *counts, notes=(f"pooled lag: {why}",))
    notes = []
    both = 0 < known.sum() < len(known) and series.height > 2
    if not both:
        notes.append("private/public ratio: needs benchmarks of both kinds, three in all")
    elif len(known) < series.height:
        notes.append(f"private/public ratio: the kind of {series.height - len(known)} benchmarks is not known")
    if early > 0.1 * records.height:
        notes.append(f"pooled lag: {early} records were matched before their day or on it, which no such law fits well")
    if series.height < 2:
        notes.append("between-benchmark sd: needs two benchmarks")
    centred = (series["private"].cast(pl.Float64) - (known.mean() or 0.0)).fill_null(0.0).to_numpy()
    sizes = series["len"].to_numpy()
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    model = _Model(seen, first, np.repeat(centred, sizes), law=law, with_kind=both, with_sd=series.height > 1)
    theta = model.fit()
    shape, mean, effect, sd = model.unpack(theta)
    if abs(theta[0]) > _LIMITS["log_shape"][1] - 1e-3:
        notes.append("pooled lag: the likelihood has no maximum within a shape of 0.05 to 20")
        return Pooled(*(None,) * 8, *counts, notes=tuple(notes))
    slope = np.zeros(len(theta))
    to_median = _LOG_LOG2 / shape if law == "weibull" else 0.0
    slope[:2] = -to_median, 1.0
    kind = np.zeros(len(theta))
    kind[2 if both else 1] = 1.0
    freedom = series.height - 1 - both
    quantile = float(student.ppf((1 + level) / 2, freedom) if freedom else norm.ppf((1 + level) / 2))
    covariance = model.covariance(theta, robust=robust and freedom > 0)
    lo, median, hi = _ends(mean + to_median, slope, covariance, quantile)
    ratio_lo, ratio, ratio_hi = _ends(effect, kind, covariance, quantile) if both else (None, None, None)
    if lo is None:
        notes.append("pooled interval: the likelihood is too flat")
    return Pooled(
        median=median,
        lo=lo,
        hi=hi,
        between_sd=(sd if sd > 1.05 * _SMALL_SD else 0.0) if series.height > 1 else None,
        shape=shape,
        private_ratio=ratio,
        ratio_lo=ratio_lo,
        ratio_hi=ratio_hi,
        benchmarks=counts[0],
        records=counts[1],
        censored=counts[2],
        notes=tuple(notes),
    )


def _read(records: pl.DataFrame) -> tuple[pl.DataFrame, Observed, int]:
    """One row per series with its kind and number of records, the records in that order, those censored."""
    records = records.select("series", "lag_months", "censored", pl.col("private").cast(pl.Boolean)).sort("series")
    if any(records[name].null_count() for name in ("series", "lag_months", "censored")):
        raise InputError("records to pool", "have a null series, lag or flag", "Leave such records out")
    kinds = pl.col("private").drop_nulls()
    series = records.group_by("series", maintain_order=True).agg(
        pl.len(), private=kinds.first(), disagree=kinds.n_unique() > 1
    )
    if series["disagree"].any():
        name = series.filter("disagree")["series"][0]
        raise InputError(f"series {name!r}", "is both private and public", "Give each series one kind")
    lags, censored = records["lag_months"].cast(pl.Float64).to_numpy(), records["censored"].to_numpy()
    return series, Observed.of(lags, censored), int(censored.sum())


def _ends(
    log_value: float, slope: Floats, covariance: Floats | None, quantile: float
) -> tuple[float | None, float, float | None]:
    """Lower end, value and upper end, back from the log scale; no ends where they say nothing."""
    variance = np.inf if covariance is None else float(slope @ covariance @ slope)
    reach = quantile * math.sqrt(max(variance, 0.0))
    if reach > _TOO_WIDE:
        return None, math.exp(log_value), None
    return math.exp(log_value - reach), math.exp(log_value), math.exp(log_value + reach)
