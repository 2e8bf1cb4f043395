-- Our own fit of the index behind Epoch's: a composite of benchmarks with different evaluators.
-- mode | eci (ridge 0.1, as Epoch fits it) or robust (ridge 0.001)
-- model | model
-- access | open, closed or unknown
-- released_on | first public availability
-- index_value | index; Claude 3.5 Sonnet is 130 and GPT-5 is 150
-- index_lo | lower end of its 90% interval by bootstrap of the rows
-- index_hi | upper end
-- stderr | standard error over the draws
-- interval_from | draws, or neighbours for the two anchors, which do not move
-- benchmarks | benchmarks it has a score on
-- published_index | what Epoch publishes for it; null = not there
SELECT
    i.mode,
    i.model,
    m.access,
    m.released_on,
    round(i.index, 6) AS index_value,
    round(i.lo, 6) AS index_lo,
    round(i.hi, 6) AS index_hi,
    round(i.stderr, 6) AS stderr,
    i.spread AS interval_from,
    i.benchmarks,
    p.score AS published_index
FROM gap.index AS i
INNER JOIN staging.models AS m ON i.model = m.name
LEFT JOIN staging.gap_inputs AS p ON i.model = p.model AND p.series = 'epoch_eci'
