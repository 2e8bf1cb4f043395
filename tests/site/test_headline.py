"""The first sentence of the site: one for each state of the headline, never a lag that nobody measured."""

import re

import pytest

from pipeline.report.sentence import STATES
from pipeline.site.pages import headline

ROW = {
    "open_definition": "downloadable", "gap_raw": 4.64, "lag_months": 5.22, "lag_lo": 4.1, "lag_hi": 6.7,
    "clearly_behind_on": "2026-07-08", "open_models": 95, "closed_models": 0,
}  # fmt: skip
NO_LAG = {"lag_months": None, "lag_lo": None, "lag_hi": None}
SAID = [
    ("behind", {}, "The best open-weight model trails the best closed one by about 5.2 months (90% CI 4.1 to"
     " 6.7)."),
    ("behind", {"lag_lo": None}, "The best open-weight model trails the best closed one by about 5.2 months."),
    ("behind", NO_LAG, "The best open-weight model is 4.6 points behind the best closed one, and no closed model is"
     " clearly ahead of it."),
    ("behind_at_least", {}, "The best open-weight model trails the best closed one by more than 5.2 months."),
    ("within_error", {"lag_months": None}, "The best open-weight model is within measurement error of the best closed"
     " one; it was last clearly behind on 2026-07-08."),
    ("within_error", {"clearly_behind_on": None}, "The best open-weight model is within measurement error of the best"
     " closed one; it was never clearly behind."),
    ("open_leads", NO_LAG | {"gap_raw": -2.0}, "The best open-weight model leads the best closed one by 2.0 points."),
    ("not_enough_data", NO_LAG | {"gap_raw": None}, "Not enough shared benchmarks to say: 95 open and 0 closed"
     " models."),
]  # fmt: skip


@pytest.mark.parametrize(("state", "changed", "sentence"), SAID)
def test_every_state_has_its_sentence(state, changed, sentence):
    shown = headline(ROW | {"state": state} | changed)
    assert re.sub(r"<[^>]+>", "", shown) == sentence
    sides = 'class="open"' in shown, 'class="closed"' in shown
    assert sides == ((False, False) if state == "not_enough_data" else (True, True))


def test_no_state_was_forgotten():
    assert {state for state, *_ in SAID} == set(STATES)
