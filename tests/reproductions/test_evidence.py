"""The simulated figures of diversity, position bias and off-policy evaluation hold."""

from types import ModuleType

import pytest

from fairshot.reproductions import diversity, off_policy, position_bias


@pytest.mark.parametrize("module", [off_policy, position_bias])
def test_every_figure_holds(module: ModuleType) -> None:
    for figure in module.figures(None):
        assert figure.holds, figure


def test_fast_dpp_is_the_greedy_of_determinants() -> None:
    assert diversity.agreement() == diversity.CASES
