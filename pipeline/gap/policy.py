"""One score a cell (a model on a benchmark): the policies that pick it, and how far two picks compare.

Pure: frames in, frames out. The reasons for the order of the steps are in docs/adr/0017.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

CELL = ["model_id", "benchmark_id"]
TIERS = ("C", "B+", "A", "A-", "B", "D", "E")
"""Evidence tiers, the strongest first."""
TIER_WORDS = {
    "C": "independent run or official board",
    "B+": "official board, reported by the author",
    "A": "the vendor's own",
    "A-": "secondary copy of the vendor's own",
    "B": "another vendor's table",
    "D": "the model card's own statement",
    "E": "aggregator",
}
_EFFORT = r"(?:^|, )(?:effort \w+|budget \w+|thinking|non-thinking)\b"
COMPARABILITY = ("same_evaluator", "same_protocol", "loose")
"""How far two scores compare, the closest first."""

_LEVELS = {"minimal": 1, "low": 2, "medium": 3, "high": 4, "xhigh": 5, "x-high": 5, "max": 6}
_LEVEL = "|".join(sorted(_LEVELS, key=len, reverse=True))
_OFF = r"(?i)\bnon-thinking\b|\bw/o thinking\b|\bno thinking\b|_none$|\beffort none\b"
_DIGITS = 9  # 76.77 percent and 0.7677 are one score


@dataclass(frozen=True)
class Policy:
    """A rule that picks one score of a cell.

    Attributes:
        name: as `--policy` takes it.
        says: the rule in one line.
        tiers: only these count; empty for all.
        own: only what the developer reports of its own model counts.
        shared_protocol: only the protocol class that most models of the benchmark share counts.
        steps: places in STEPS, in the order in which they decide.
    """

    name: str
    says: str
    steps: tuple[str, ...]
    tiers: tuple[str, ...] = ()
    own: bool = False
    shared_protocol: bool = False


_ORDER = ("tier", "protocol", "effort", "older", "lower")
POLICIES = {
    policy.name: policy
    for policy in (
        Policy(
            "default",
            "the strongest evidence, then the protocol that most models of the benchmark share, then the highest"
            " stated effort, then the newest, then the highest score",
            _ORDER,
        ),
        Policy("independent", "only independent runs and official boards (tiers C and B+), else as default",
               _ORDER, tiers=("C", "B+")),
        Policy("vendor", "only what the developer reports of its own model (tiers A, A- and D), else as default",
               _ORDER, tiers=("A", "A-", "D"), own=True),
        Policy("highest", "the best score anybody reports", ("lower", *_ORDER[:-1])),
        Policy("lowest", "the worst score anybody reports", ("higher", *_ORDER[:-1])),
        Policy("same_protocol", "only the protocol that most models of the benchmark share, else as default",
               _ORDER, shared_protocol=True),
    )
}  # fmt: skip

STEPS = {
    "tier": pl.col("tier").replace_strict({tier: place for place, tier in enumerate(TIERS)}, default=len(TIERS)),
    "protocol": -pl.col("protocol_models"),
    "effort": -pl.col("effort_level"),
    "older": -pl.col("dated_on").to_physical().cast(pl.Int64).fill_null(-(2**31)),
    "lower": -pl.col("merit"),
    "higher": pl.col("merit"),
}
"""By reason: the number of which the least wins. A score that loses at a step has the step's name as its reason."""

REASONS = {
    "tier": "stronger evidence comes first",
    "protocol": "the protocol that more models of the benchmark share comes first",
    "effort": "the highest stated effort comes first",
    "older": "the newest comes first; one without a date comes last",
    "lower": "a higher score comes first",
    "higher": "a lower score comes first",
    "same score": "the same score again",
    "policy": "the policy leaves this kind of score out",
    "unit": "another unit or scale than most scores of the benchmark, and no proven way between them",
}


def _stated(protocol: str) -> pl.Expr:
    """Whether a column states a protocol at all; `normalised` speaks of the scale alone."""
    return ~pl.col(protocol).is_in(["not stated", "normalised", ""]).fill_null(value=True)


def _without_effort(protocol: str) -> pl.Expr:
    """A column of protocol classes without what each model was allowed to think."""
    return pl.col(protocol).str.replace_all(_EFFORT, "").str.strip_prefix(", ")


def effort_level(text: pl.Expr) -> pl.Expr:
    """How much effort a label states: the word first, then the thousands of tokens; 0 where nothing is stated.

    -1 stands for thinking switched off. A word counts only where it stands as a setting (`_high`,
    `effort high`, `(High)`), because it may be part of a name (`qwen3-max`).

    Args:
        text: version label and protocol of a score, as written.
    """
    plain = text.str.to_lowercase()
    word = plain.str.extract(rf"(?:^|^\S*_|\beffort |\bsetting |[(,] ?)({_LEVEL})(?:$|[),])", 1)
    tokens = plain.str.extract(r"(?:^\S*_|\bsetting |\bthinking |[(,] ?)(\d{1,3})k\b", 1).cast(pl.Int64)
    thinking = plain.str.contains(r"\bthinking\b").cast(pl.Int64)
    level = word.replace_strict(_LEVELS, default=0, return_dtype=pl.Int64)
    stated = 1000 * level + pl.coalesce(tokens, thinking)
    return pl.when(text.str.contains(_OFF)).then(-1).otherwise(stated).fill_null(0)


def weighed(candidates: pl.DataFrame) -> pl.DataFrame:
    """The candidates with what the steps look at; nothing is picked yet.

    Args:
        candidates: `score_id, model_id, benchmark_id, score, scale` (the unit of `score`, as one text with
            the direction if need be), `direction, protocol, protocol_class, evaluator, comparability` (of
            the series), `effort` (label of the run), `tier, self_reported, dated_on, left_out` (why it counts nowhere;
            null = it counts). All scores of each benchmark, since the scale and the protocol that most of
            its models share are taken from them. Further columns stay.

    Returns:
        The same rows with `excluded` (why a row is in no pick: its `left_out`, or `unit` where its scale
        is not the one most models of the benchmark have), `protocol_models` (models of the benchmark
        that share its protocol class, effort aside; 0 in a loose series), `shared_protocol` (whether no
        other is shared by more), `effort_level` and `merit` (higher is better).
    """
    frame = candidates.with_columns(excluded=pl.col("left_out"))
    usual = _most_models(frame.filter(pl.col("excluded").is_null()), "scale").rename({"scale": "usual"})
    frame = frame.join(usual.drop("models"), on="benchmark_id", how="left", maintain_order="left")
    apart = (pl.col("scale") != pl.col("usual")).fill_null(value=False)
    frame = frame.with_columns(
        excluded=pl.coalesce("excluded", pl.when(apart).then(pl.lit("unit")))
    ).drop("usual")  # fmt: skip
    # Effort is a step of its own. Where nothing else is stated, what one evaluator ran is one protocol; a loose series
    # mixes several.
    frame = frame.with_columns(plain=_without_effort("protocol_class")).with_columns(
        alike=pl.when(pl.col("excluded").is_null(), pl.col("comparability") != "loose").then(
            pl.when(_stated("plain")).then("plain").otherwise("evaluator")
        )
    )  # fmt: skip
    stated = frame.drop_nulls("alike")
    shared = _most_models(stated, "alike").select("benchmark_id", shared="alike")
    counts = stated.group_by("benchmark_id", "alike").agg(protocol_models=pl.col("model_id").n_unique())
    labels = frame.select("effort", "protocol").unique()
    of_run, of_protocol = (effort_level(pl.col(name).fill_null("")) for name in ("effort", "protocol"))
    # The label of the run speaks of this run, the protocol of all runs of its series.
    labels = labels.with_columns(effort_level=pl.when(of_run != 0).then(of_run).otherwise(of_protocol))
    orient = pl.when(pl.col("direction") == "lower").then(-1.0).otherwise(1.0)
    return (
        frame.join(counts, on=["benchmark_id", "alike"], how="left", maintain_order="left")
        .join(shared, on="benchmark_id", how="left", maintain_order="left")
        .join(labels, on=["effort", "protocol"], how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            protocol_models=pl.col("protocol_models").fill_null(0).cast(pl.Int64),
            shared_protocol=(pl.col("alike") == pl.col("shared")).fill_null(value=False),
            merit=(pl.col("score") * orient).round(_DIGITS),
        )
        .drop("alike", "plain", "shared")
    )


def _most_models(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """By benchmark the value of a column that most models have; of equals the first by name."""
    return (
        rows.group_by("benchmark_id", column)
        .agg(models=pl.col("model_id").n_unique())
        .sort(["benchmark_id", "models", column], descending=[False, True, False])
        .unique("benchmark_id", keep="first", maintain_order=True)
    )


def pick(rows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """What a policy picks, and at which step each other score lost.

    Args:
        rows: as `weighed` gives them; any whole cells of them.
        policy: one of POLICIES.

    Returns:
        `score_id, model_id, benchmark_id, chosen, reason`, one row a score; the reason is null for the
        chosen one, a key of REASONS or the text of `left_out` for the others.
    """
    refused, out = pl.col("excluded"), pl.lit("policy")
    if policy.tiers:
        refused = pl.coalesce(refused, pl.when(~pl.col("tier").is_in(policy.tiers)).then(out))
    if policy.own:
        refused = pl.coalesce(refused, pl.when(~pl.col("self_reported").fill_null(value=True)).then(out))
    if policy.shared_protocol:
        refused = pl.coalesce(refused, pl.when(~pl.col("shared_protocol")).then(out))
    ranks = {f"rank_{step}": STEPS[step] for step in policy.steps}
    frame = rows.select(*CELL, "score_id", refused=refused, **ranks)
    running = (
        frame.filter(pl.col("refused").is_null())
        .sort([*CELL, *ranks, "score_id"])
        .with_columns(chosen=pl.struct(CELL).is_first_distinct())
    )
    chosen = running.filter("chosen").select(*CELL, *(pl.col(name).alias(f"best_{name}") for name in ranks))
    lost = pl.coalesce(
        *(
            pl.when(pl.col(f"rank_{step}") != pl.col(f"best_rank_{step}")).then(pl.lit(step))
            for step in policy.steps
        ),
        pl.lit("same score"),
    )  # fmt: skip
    told = running.join(chosen, on=CELL).with_columns(reason=pl.when(~pl.col("chosen")).then(lost))
    none = frame.filter(pl.col("refused").is_not_null()).with_columns(chosen=pl.lit(value=False), reason="refused")
    columns = ["score_id", *CELL, "chosen", "reason"]
    return pl.concat([told.select(columns), none.select(columns)]).sort([*CELL, "score_id"])


def comparability(pairs: pl.DataFrame) -> pl.Series:
    """How far the two scores of each pair compare.

    Two scores of one series compare as the series says. Of two series each must be comparable in
    itself; then one stated protocol, effort aside, and one evaluator make `same_evaluator` (if both series
    are), one protocol alone `same_protocol`. All else is `loose`: protocols that are not stated are never
    the same.

    Args:
        pairs: `series_id, comparability, protocol_class, evaluator` of one score, and of the other with
            the suffix `_other`.
    """
    plain = pairs.with_columns(one=_without_effort("protocol_class"), other=_without_effort("protocol_class_other"))
    loose = pl.any_horizontal(pl.col(f"comparability{of}") == "loose" for of in ("", "_other"))
    alike = _stated("one") & (pl.col("one") == pl.col("other"))
    by_one = pl.all_horizontal(
        pl.col("evaluator") == pl.col("evaluator_other"),
        *(pl.col(f"comparability{of}") == "same_evaluator" for of in ("", "_other")),
    )
    return plain.select(
        pl.when(pl.col("series_id") == pl.col("series_id_other")).then("comparability")
        .when(loose | ~alike).then(pl.lit("loose"))
        .when(by_one).then(pl.lit("same_evaluator"))
        .otherwise(pl.lit("same_protocol"))
        .alias("comparability")
    ).to_series()  # fmt: skip
