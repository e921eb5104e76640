"""The clerk's desk in a browser: from sign-in to use, by keyboard alone, and without script."""


import pytest

from tests.browser.conftest import Visit
from tests.browser.desk_scene import Counter, counter_of, fill_in
from tests.browser.looking import LOOKS, Look
from tests.browser.served import Served

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def counter(served: Served) -> Counter:
    return counter_of(served)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_desk_can_be_seen_and_heard(signed_in_as: Visit, counter: Counter, look: Look) -> None:
    visitor = signed_in_as(counter.clerk, look)
    page = fill_in(visitor, counter)
    page.wait_for_load_state("networkidle")
    visitor.inspect("desk")
