"""A planted world: people of a few types, items of a few kinds, and who would approve of what."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.core.arrays import Bools, Floats, Ints

NOW = 1_750_000_000
TYPES, KINDS, ITEMS = 6, 6, 360


@dataclass(frozen=True)
class Planted:
    """People of types in unequal shares; each type likes its own kind of item much, the others little.

    kind: int (ITEMS,), of each item; appeal: float (ITEMS,), how good it is whatever its kind; likes: bool (people,
    ITEMS), what each person approves of when they meet it; taste: int (people,), their type.
    """

    kind: Ints
    appeal: Floats
    taste: Ints
    likes: Bools

    @classmethod
    def of(cls, seed: int, people: int) -> "Planted":
        rng = np.random.default_rng(seed)
        kind = rng.permutation(ITEMS) % KINDS
        appeal = rng.uniform(0.3, 1.0, ITEMS)
        taste = rng.choice(TYPES, people, p=np.array([6, 5, 4, 3, 2, 2]) / 22)
        chance = np.where(taste[:, None] == kind, 0.7, 0.1) * appeal
        return cls(kind, appeal, taste, rng.random((people, ITEMS)) < chance)

    def records(self) -> list[dict[str, Any]]:
        """Items; what they say of themselves tells nothing of their kind."""
        return [{"id": f"i{n}", "creator_id": f"c{n}", "title": f"item {n}"} for n in range(ITEMS)]

    def log(self, people: int, each: int, seed: int = 0) -> list[dict[str, Any]]:
        """What the first people approved of among `each` items that they met by themselves."""
        rng = np.random.default_rng((seed, 1))
        met = [(user, item) for user in range(people) for item in rng.choice(ITEMS, each, replace=False).tolist()]
        liked = [(user, item) for user, item in met if self.likes[user, item]]
        return [like(user, item, NOW - 40 * len(liked) + 30 * n) for n, (user, item) in enumerate(liked)]


def like(user: int, item: int, at: float) -> dict[str, Any]:
    name = {"event_id": f"{user}/{item}", "kind": "like", "user_id": f"u{user}", "item_id": f"i{item}"}
    return {**name, "at": at}
