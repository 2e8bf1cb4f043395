"""Numbers as the sentences and tables of the terminal write them."""

from __future__ import annotations

from decimal import Decimal


def significant(value: float) -> str:
    """Three figures, of a large number all before the point, never an exponent: 4.64, 19.0, 1,234 and 0.0149."""
    value = value or 0.0  # no minus before a zero
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{Decimal(f'{value:#.3g}'):f}"
