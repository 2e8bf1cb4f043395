"""The small world that most tests of this folder read."""

import pytest

from tests.warehouse.worlds import build_world


@pytest.fixture
def world():
    with build_world() as connection:
        yield connection
