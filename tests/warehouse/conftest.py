"""The small world that most tests of this folder read."""

import pytest

from tests.warehouse.worlds import build_world


@pytest.fixture(scope="package")
def world():
    """Read it, do not write it."""
    with build_world() as connection:
        yield connection
