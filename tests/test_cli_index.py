"""`moat index` on the published file and on tables that somebody brings."""

import csv
import json
import math

import pytest

from tests.conftest import moat, said

ANCHORS = ("--anchor", "m00=100", "--anchor", "m19=120")


def write(path, rows, header="model,benchmark,score,released_on,access"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def world(scale=1.0, name="{}"):
    """Twenty models, each better than the last, on six benchmarks; `few` has only two scores."""
    rows = [
        (name.format(f"m{m:02}"), f"b{b}", round(scale / (1 + math.exp(-(m - 3 * b) / 4)), 6),
         "2025-01-01", "open")
        for m in range(20)
        for b in range(6)
    ]  # fmt: skip
    return [*rows, ("few", "b0", scale / 2, "2025-01-01", "closed"), ("few", "b1", scale / 2, "2025-01-01", "closed")]


def test_a_table_of_ones_own(tmp_path):
    scores, out = write(tmp_path / "scores.csv", world()), tmp_path / "index.csv"
    done = moat("index", "--scores", scores, "--out", out, "--draws", "20", *ANCHORS, data=tmp_path / "none")
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["model", "index", "lo", "hi", "benchmarks"]
    found = {row["model"]: float(row["index"]) for row in rows}
    assert (len(found), found["m00"], found["m19"]) == (20, pytest.approx(100), pytest.approx(120))
    assert list(found) == sorted(found, reverse=True)
    assert all(float(row["lo"]) <= float(row["index"]) <= float(row["hi"]) for row in rows if row["model"] != "m00")
    assert "few (2 benchmarks, fewer than 4)" in said(done)
    assert "taken as scaled already" in said(done)
    assert [path.name for path in (tmp_path / "none").iterdir()] == ["dagster"]  # nothing is stored


def test_units_are_declared_not_guessed(tmp_path):
    header = "model,benchmark,score,released_on,access,unit"
    percent = [(*row, "percent") for row in world(100.0)]
    plain = write(tmp_path / "plain.csv", world())
    declared = write(tmp_path / "percent.csv", percent, header)
    undeclared = write(tmp_path / "undeclared.csv", world(100.0))

    def index(file):
        done = moat("index", "--scores", file, "--json", "--draws", "2", *ANCHORS, data=tmp_path, check=False)
        return done, done.stdout and {row["model"]: row["index"] for row in json.loads(done.stdout)["models"]}

    assert index(declared)[1] == pytest.approx(index(plain)[1], abs=1e-3)
    refused, _ = index(undeclared)
    assert (refused.returncode, "no benchmark can be scaled" in said(refused)) == (1, True)


def test_without_the_usual_anchors_it_asks_for_two(tmp_path):
    done = moat("index", "--scores", write(tmp_path / "s.csv", world()), data=tmp_path, check=False)
    assert (done.returncode, "--anchor" in said(done), "Traceback" in done.stderr) == (1, True, False)


def test_formulas_are_no_formulas_in_the_csv(tmp_path):
    out = tmp_path / "index.csv"
    scores = write(tmp_path / "s.csv", world(name="=cmd|{}"))
    anchors = ("--anchor", "=cmd|m00=100", "--anchor", "=cmd|m19=120")
    moat("index", "--scores", scores, "--out", out, "--draws", "2", *anchors, data=tmp_path)
    assert {row["model"][0] for row in csv.DictReader(out.read_text().splitlines())} == {"'"}


def test_the_published_file(built):
    eci = json.loads(moat("index", "--json", data=built).stdout)
    top = eci["models"][0]
    assert (top["model"], top["index"]) == ("GPT-5.6 Sol", pytest.approx(161.65, abs=0.25))
    assert eci["slope_anchor"] == "winogrande"
    robust = json.loads(moat("index", "--mode", "robust", "--draws", "2", "--json", data=built).stdout)
    assert len(robust["models"]) == len(eci["models"]) == 222
    assert robust["models"][0]["index"] != top["index"]
