"""The engagement term with multipliers: whose they are, and whom they leave alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.person import occasions
from fairshot.core.request import Context
from fairshot.learning.multipliers import Multipliers
from fairshot.pipeline.value.engagement import Engagement

Contexts = Callable[..., Context]


def value(ctx: Context, personal: float, *, learned: bool = True) -> Floats:
    """The term for three candidates that differ in the chance of a like alone."""
    names = ctx.snapshot.feedback.names
    kinds = Multipliers(("like", "gone"), np.array([2.0, 1.0]), np.array([4.0, 1.0])) if learned else None
    snapshot = replace(ctx.snapshot, artifacts=replace(ctx.snapshot.artifacts, multipliers=kinds))
    chances = {f"p_{name}": np.zeros(3) for name in names} | {"p_like": np.array([0.1, 0.2, 0.4])}
    return Engagement(personal)(Candidates(np.arange(3, dtype=np.int32), chances), Context(ctx.request, snapshot))


def test_a_like_is_worth_what_it_says_of_this_person(context: Contexts) -> None:
    ctx = context("u1")
    users = ctx.snapshot.users
    counts, times = users["user_counts"][ctx.request.row], occasions(users, ctx.request.row, "served")
    assert times >= counts.sum() > 0
    like = Multipliers(("like",), np.array([2.0]), np.array([4.0]))(ctx.snapshot.feedback.names, counts, times)
    expected = like[ctx.snapshot.feedback.code("like")]
    assert expected != 1
    np.testing.assert_allclose(value(ctx, 1.0), [0.1 * expected, 0.2 * expected, 0.4 * expected])
    np.testing.assert_allclose(value(ctx, 0.5), np.array([0.1, 0.2, 0.4]) * expected**0.5)


@pytest.mark.parametrize(("user", "options"), [("nobody", {}), ("u1", {"profile": False})])
def test_the_unknown_and_those_without_profiling_are_like_anybody(
    context: Contexts, user: str, options: dict[str, bool]
) -> None:
    np.testing.assert_array_equal(value(context(user, **options), 1.0), [0.1, 0.2, 0.4])


def test_without_a_model_or_with_power_zero_all_are_alike(context: Contexts) -> None:
    np.testing.assert_array_equal(value(context("u1"), 0.0), [0.1, 0.2, 0.4])
    np.testing.assert_array_equal(value(context("u1"), 1.0, learned=False), [0.1, 0.2, 0.4])
