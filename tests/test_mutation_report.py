"""What `make mutate` writes about a survivor: the changed part of its line, and why it may stay."""

import pytest

from benchmarks.mutation import UNEXPLAINED, difference, reason


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("x = a + b", "x = a - b", "x = a [+ -> -] b"),
        ("return f(a, b)", "return f(a)", "return f(a[, b -> ])"),
        ("a" * 50 + "1", "a" * 50 + "2", "a" * 30 + "[1 -> 2]"),
    ],
)
def test_the_changed_part_with_a_little_around_it(was, now, said):
    assert difference(was, now) == said


def test_a_change_that_no_reason_fits_is_a_gap():
    assert reason("pipeline.gap.lag.x_catch_up__mutmut_1", "zip(a, strict=True)", "zip(a, strict=None)") != UNEXPLAINED
    assert reason("pipeline.gap.lag.x_catch_up__mutmut_1", "lag = day - on", "lag = day + on") == UNEXPLAINED
