"""`moat lineage` and `moat memo` on the bundled facts."""

import json

from tests.conftest import moat, said

CLAIMED = {"llama": -7, "llama_leak": 0, "llama_cpp_raspberry_pi": 9, "alpaca": 10, "alpaca_lora": 10,
           "four_bit_macbook": 15, "vicuna": 16, "gpt4all": 22, "cerebras_gpt": 25, "llama_adapter": 25, "koala": 31,
           "openassistant": 43}  # fmt: skip
"""Days from the leak of LLaMA's weights, as the memo has them."""


def test_the_memo_s_days_are_those_of_its_timeline_and_stand_beside_the_record(built):
    document = json.loads(moat("memo", "--json", data=built).stdout)
    timeline = {row["event_id"]: row for row in document["timeline"]}
    assert {name: row["claimed_day"] for name, row in timeline.items() if row["claimed_day"] is not None} == CLAIMED
    # Its authors announced Vicuna eleven days after the memo has it; its weights came four days later.
    vicuna = timeline["vicuna"]
    assert (vicuna["claimed_on"], vicuna["evidenced_on"], vicuna["weights_on"]) == (
        "2023-03-19", "2023-03-30", "2023-04-03",
    )  # fmt: skip
    assert all(row["claim_url"].startswith("https://") and row["evidence_url"] for row in timeline.values())
    assert {"llava", "lora_paper", "qlora"} <= set(timeline)


def test_the_memo_reads_in_one_screen_and_says_what_it_rests_on(built):
    shown = moat("memo", data=built).stdout
    assert len(shown.splitlines()) < 40
    text = " ".join(shown.split())
    assert "8 of the memo's 12 dates agree with the record to the day" in text
    assert "Vicuna-13B announced, 11 days early in the memo" in text
    assert "LLaMA 7B itself" in text
    assert "Of bundled Hub (facts of the project)" in text
    assert "the Hub declares no derivative of it" in text


def test_where_the_hub_shows_nothing_public_pages_answer_and_it_is_said(built):
    document = json.loads(moat("lineage", "huggyllama/llama-7b", "--json", data=built).stdout)
    assert document["evidence"] == {"tag": 0, "declared": 0, "curated": 13}
    clock = {row["kind"]: (row["days_to_first"], row["first_child"]) for row in document["clock"]}
    assert clock["quantised"] == (9, "maderix/llama-65b-4bit")
    assert clock["adapter"] == (11, "tloen/alpaca-lora-7b")
    assert clock["instruct"] == (34, "lmsys/vicuna-7b-delta-v0")
    assert clock["multimodal"] == (None, None)
    text = " ".join(moat("lineage", "huggyllama/llama-7b", data=built).stdout.split())
    assert "13 from public pages where the Hub declares nothing" in text
    assert "and 5 more" in text


def test_a_family_has_generations_and_several_parents(built):
    found = json.loads(moat("lineage", "Qwen/Qwen2.5-7B", "--json", data=built).stdout)
    depths = {row["depth"] for row in found["descendants"]}
    assert {1, 2} <= depths
    assert all(row["evidence"] in {"tag", "declared", "curated", "inferred"} for row in found["descendants"])


def test_a_name_that_nobody_knows_is_an_error_that_names_it(built):
    done = moat("lineage", "nobody/nothing", data=built, check=False)
    assert done.returncode == 1
    assert "model nobody/nothing: no repository of this name is known" in said(done)
