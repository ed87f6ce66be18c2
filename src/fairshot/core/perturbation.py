"""Perturbations of the value weights: small random factors whose effect on people can be measured."""

from typing import Annotated

from msgspec import Meta, Struct

from fairshot.core.arrays import DAY, Floats
from fairshot.core.randomness import stream


class Tuning(Struct, frozen=True, forbid_unknown_fields=True):
    """How strongly weights are perturbed, and for which share of person-days; a sd of 0 turns it off."""

    sd: Annotated[float, Meta(ge=0, le=1)] = 0.0
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0


def perturbation(user: str, now: int, kinds: int, tuning: Tuning) -> Floats | None:
    """Log factors of one person on one day (UTC): float64 (kinds,), each from N(0, sd^2); None where there are none.

    now: microseconds since 1970. They depend on person and day alone, so that every slate of a day is ordered by the
    same weights, another process draws the same, and no two days of a person have to do with each other.
    """
    if tuning.sd == 0:
        return None
    rng = stream("tuning", user, str(now // DAY))
    if rng.random() >= tuning.share:
        return None
    return rng.normal(0.0, tuning.sd, kinds)
