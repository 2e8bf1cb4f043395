-- An interval holds the estimate that it belongs to.
SELECT
    series,
    slice,
    open_definition,
    tolerance,
    gap_raw,
    gap_lo,
    gap_hi,
    lag_months,
    lag_lo,
    lag_hi
FROM marts.headline
WHERE gap_raw NOT BETWEEN gap_lo AND gap_hi OR lag_months NOT BETWEEN lag_lo AND lag_hi
