"""A synthetic Hub of millions of repositories, as a Parquet file in hub-stats form.

Every value is a hash of the repository's number and the seed: the same arguments give the same rows, in any number
of threads, and no row needs another one. Run `python -m benchmarks.synthetic_hub --help`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

REPOSITORIES = 3_000_000
CHANGED = 50_000
MEMORY = "1GB"

MACROS = """
-- A number from 0 to n - 1: one for each repository, seed and property.
CREATE MACRO draw(i, property, n) AS (hash(i, property, getvariable('seed')) % n)::BIGINT;
CREATE MACRO pick(i, property, names) AS names[1 + draw(i, property, len(names))];
-- A count with many small and few large values, as downloads and likes have.
CREATE MACRO heavy(i, property, top) AS floor(pow(top, pow(draw(i, property, 1000000) / 1e6, 4))) - 1;
CREATE MACRO author_of(i) AS 'org-' || draw(i, 'author', 200000);
CREATE MACRO id_of(i) AS author_of(i) || '/' || pick(i, 'family', getvariable('families')) || '-'
    || pick(i, 'size', getvariable('sizes')) || 'b-' || i;
CREATE MACRO quoted(text) AS '"' || text || '"';
"""

# A third of the repositories are finetunes, adapters, quantisations or merges of an earlier one.
DRAWN = """
SELECT
    i,
    id_of(i) AS id,
    author_of(i) AS author,
    TIMESTAMP '2022-03-03' + to_seconds(draw(i, 'created', 4 * 365 * 86400)) AS createdAt,
    pick(i, 'license', ['apache-2.0', 'mit', 'llama3', 'gemma', 'cc-by-4.0', 'other', 'openrail']) AS license,
    pick(i, 'language', ['en', 'zh', 'de', 'fr', 'hi', 'ja', 'multilingual']) AS language,
    pick(i, 'dataset', ['org-1/instructions', 'org-2/web-crawl', 'org-3/preferences', 'org-4/code']) AS dataset,
    CASE WHEN i > 10 AND draw(i, 'derived', 100) < 35
        THEN id_of(draw(i, 'parent', i)) END AS parent,
    pick(i, 'relation', ['finetune', 'adapter', 'quantized', 'merge']) AS relation,
    pick(i, 'size', getvariable('sizes')) AS size,
    heavy(i, 'downloads', 5e7)::BIGINT AS downloads,
    CASE WHEN draw(i, 'pipeline', 100) < 75 THEN pick(i, 'task', ['text-generation', 'text-classification',
        'text-to-image', 'feature-extraction', 'automatic-speech-recognition']) END AS pipeline_tag,
    CASE WHEN draw(i, 'library', 100) < 80
        THEN pick(i, 'tool', ['transformers', 'diffusers', 'peft', 'sentence-transformers']) END AS library_name
FROM range(getvariable('repositories')) AS numbers(i)
"""

MODEL_INDEX = """
',"model-index":[{"name":' || quoted(id) || ',"results":[' || list_aggregate(list_transform(
    ['MMLU', 'GSM8K', 'HellaSwag', 'ARC-Challenge', 'TruthfulQA', 'Winogrande'],
    lambda name: '{"task":{"type":"text-generation","name":"Text Generation"},"dataset":{"name":' || quoted(name)
        || ',"type":' || quoted(lower(name)) || ',"split":"test","args":{"num_few_shot":5}},"metrics":[{"type":"acc",'
        || '"value":' || (20 + draw(i, name, 7500) / 100) || ',"name":"accuracy"}],"source":{"url":'
        || '"https://example.org/leaderboard","name":"Open Leaderboard"}}'
), 'string_agg', ',') || ']}]'
"""

ROWS = f"""
SELECT
    id,
    author,
    createdAt,
    createdAt + to_seconds((
        epoch(TIMESTAMP '2026-03-03' - createdAt) * pow(draw(i, 'modified', 1000000) / 1e6, 4)
    )::BIGINT) AS lastModified,
    downloads,
    downloads * (2 + draw(i, 'all time', 9)) AS downloadsAllTime,
    heavy(i, 'likes', 2e4)::BIGINT AS likes,
    draw(i, 'trending', 50) / 10 AS trendingScore,
    list_filter([
        library_name, pipeline_tag, 'safetensors', 'conversational', 'license:' || license, language, 'region:us',
        'dataset:' || dataset, 'arxiv:24' || lpad(draw(i, 'arxiv', 100000)::VARCHAR, 7, '0'), 'endpoints_compatible',
        'text-generation-inference', 'base_model:' || parent, 'base_model:' || relation || ':' || parent
    ], lambda tag: tag IS NOT NULL) AS tags,
    '{{"license":' || quoted(license) || ',"language":[' || quoted(language) || '],"datasets":[' || quoted(dataset)
        || '],"tags":["generated","synthetic","conversational"],"metrics":["accuracy","perplexity"]'
        || coalesce(',"base_model":[' || quoted(parent) || '],"base_model_relation":' || quoted(relation), '')
        || coalesce(',"pipeline_tag":' || quoted(pipeline_tag), '')
        || coalesce(',"library_name":' || quoted(library_name), '')
        || ',"widget":[{{"text":' || quoted('Example ' || list_aggregate(
            list_transform(range(1 + draw(i, 'widget', 50)), lambda number: hash(id, number)::VARCHAR),
            'string_agg', ' '
        ))
        || '}}]'
        || CASE WHEN draw(i, 'scores', 100) < 3 THEN {MODEL_INDEX} ELSE '' END || '}}' AS cardData,
    CASE WHEN draw(i, 'weights', 100) < 60 THEN {{
        'parameters': {{
            'BF16': CASE WHEN draw(i, 'type', 3) > 0 THEN (size::DOUBLE * 1e9)::BIGINT END,
            'F32': CASE WHEN draw(i, 'type', 3) = 0 THEN (size::DOUBLE * 1e9)::BIGINT END
        }},
        'total': (size::DOUBLE * 1e9)::BIGINT
    }} END AS safetensors,
    CASE WHEN draw(i, 'weights', 100) >= 90 THEN '{{"total":' || (size::DOUBLE * 1e9)::BIGINT
        || ',"architecture":"llama","context_length":32768}}' END AS gguf,
    CASE WHEN parent IS NOT NULL THEN {{
        'relation': relation, 'models': [{{'_id': substr(md5(parent), 1, 24), 'id': parent}}]
    }} END AS baseModels,
    pipeline_tag,
    library_name
FROM ({DRAWN})
"""

# The K repositories with the smallest hash: no join, so the rows keep their order.
CHANGES = """
SELECT * EXCLUDE (place) REPLACE (
    CASE WHEN place IS NULL THEN lastModified ELSE getvariable('newest') + to_seconds(place) END AS lastModified,
    CASE WHEN place IS NULL THEN downloads ELSE downloads + place END AS downloads,
    CASE WHEN place IS NULL THEN cardData ELSE '{"revised":' || place || ',' || substr(cardData, 2) END AS cardData
)
FROM (
    SELECT *, CASE WHEN hash(id, getvariable('seed')) <= getvariable('last')
        THEN 1 + (hash(id, getvariable('seed'), 'place') % getvariable('changed'))::BIGINT END AS place
    FROM repositories
)
"""
LAST = """
SET VARIABLE last = (
    SELECT max(number)
    FROM (
        SELECT hash(id, getvariable('seed')) AS number
        FROM repositories ORDER BY number LIMIT getvariable('changed')
    )
)
"""


def write(path: Path, repositories: int = REPOSITORIES, seed: int = 1) -> None:
    """Write a Parquet file in hub-stats form; about 1.5 KB an item as the list endpoint states it.

    Args:
        path: file to write.
        repositories: rows; 35% have a base model, 60% a safetensors header, 3% a model-index.
        seed: another one gives other rows.
    """
    with _connection() as connection:
        _set(connection, seed=seed, repositories=repositories)
        _set(
            connection, families=["aurora", "basalt", "cirrus", "delta", "ember"], sizes=["0.5", "1.5", "7", "13", "70"]
        )
        connection.execute(MACROS)
        connection.sql(ROWS).write_parquet(str(path), compression="zstd", row_group_size=20_480)


def write_changed(source: Path, path: Path, changed: int = CHANGED, seed: int = 2) -> None:
    """Write a copy of a file of `write` in which some repositories were changed.

    Args:
        source: file of `write`.
        path: file to write.
        changed: number of randomly chosen repositories that get a `lastModified` after that of every other one
            (within `changed` seconds), more downloads and the key `revised` in their card.
        seed: another one chooses others.
    """
    with _connection() as connection:
        _set(connection, seed=seed, changed=changed)
        connection.read_parquet(str(source)).create_view("repositories")
        connection.execute("SET VARIABLE newest = (SELECT max(lastModified) FROM repositories)")
        connection.execute(LAST)
        connection.sql(CHANGES).write_parquet(str(path), compression="zstd", row_group_size=20_480)


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="synthetic-hub-") as folder:
        limits: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "preserve_insertion_order": True,
        }
        with duckdb.connect(config=limits) as connection:
            yield connection


def _set(connection: duckdb.DuckDBPyConnection, **variables: object) -> None:
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])


def main() -> None:
    """Write one file, or with --changed-file a second one beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="Parquet file to write")
    parser.add_argument("--repositories", type=int, default=REPOSITORIES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed-file", type=Path, help="also write a copy in which some repositories were changed")
    parser.add_argument("--changed", type=int, default=CHANGED, help="how many of them")
    arguments = parser.parse_args()
    started = time.perf_counter()
    write(arguments.path, arguments.repositories, arguments.seed)
    print(f"{arguments.path}: {arguments.repositories:,} repositories in {time.perf_counter() - started:.0f} s")
    if arguments.changed_file:
        started = time.perf_counter()
        write_changed(arguments.path, arguments.changed_file, arguments.changed, arguments.seed + 1)
        print(f"{arguments.changed_file}: {arguments.changed:,} changed in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
