"""Units of the causal layer, from logged slates: who was shown what, who was not though eligible, and what came of it.

Treated is what stood in the slate: all of it in impressions mode "served", in mode "reported" what the client
reported. (Attribution's examined positions of mode "served" will not do here: an answer makes its position
examined, so that they would be chosen by their outcome.) The outcome counts the same feedback for both arms,
from whatever surface.

Where lots were drawn (blender `random_slot`), two clean trials lie in the log: of the candidates left out, those
drawn are a uniform sample, and of those placed, so are those that a lot displaced. From each trial units of
both arms are taken so that the probability of having been treated is known. Of the rest, as many that were not
shown are drawn by lot from the best of them: further down nobody is ever shown, so nothing can be compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Array, Bools, Floats, Ints, Rows, marked
from fairshot.core.candidates import Candidates
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.randomness import stream
from fairshot.core.slate import LoggedSlate
from fairshot.learning.causal import CausalUnits

OPPOSITE = 4
"""Units of the other arm for each drawn by lot."""
NEXT_BEST = 3
"""Times the slate's length: how far down the pool those not shown are compared."""


@dataclass(frozen=True, slots=True)
class SlatePool:
    """The candidates of one logged request that passed the filters, best value first, m in number.

    request: its id; person: row; at: microseconds since 1970; rows: int32 (m,) of items; inputs: float32 (m, f);
    score: float64 (m,), the value; placed: bool (m,), would have stood in the slate without lots; shown: bool
    (m,), stood in it; seen: bool (m,), the position was examined, of those shown and of those displaced by a lot.
    """

    request: str
    person: int
    at: int
    rows: Rows
    inputs: Floats
    score: Floats
    placed: Bools
    shown: Bools
    seen: Bools


@dataclass(frozen=True, slots=True)
class Answers:
    """Feedback (m,) in any order, and what a kind is worth; windows: microseconds (kinds,); worth: (kinds,).

    until: microseconds, the log's end: what a window beyond it will bring is not known yet.
    """

    person: Ints
    item: Ints
    at: Ints
    action: Ints
    worth: Floats
    windows: Ints
    until: int

    @classmethod
    def of(cls, events: EventBatch, kinds: FeedbackKinds, worth: Floats | None = None) -> "Answers":
        """All feedback on items in a log; worth: of each kind, as configured if None."""
        told = events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.user >= 0) & (events.action >= 0)
        own = events.where(told)
        value = kinds.weights if worth is None else worth
        until = int(events.at.max()) if len(events) else 0
        return cls(own.user, own.item, own.at, own.action, value, kinds.windows, until)

    def outcome(self, person: Array, item: Array, at: Array) -> Floats:
        """Worth, float64 (n,), of the kinds of feedback that person gave to item from `at` on within the window.

        A kind counts once; feedback counts for every unit whose window holds it, shown or not.
        """
        labels = np.zeros((len(person), len(self.worth)), dtype=bool)
        width = int(max(item.max(initial=0), self.item.max(initial=0))) + 1
        pair = person.astype(np.int64) * width + item
        order = np.argsort(pair, kind="stable")
        told = self.person.astype(np.int64) * width + self.item
        first, last = (np.searchsorted(pair[order], told, side) for side in ("left", "right"))
        count = last - first
        feedback = np.repeat(np.arange(len(told)), count)
        unit = order[np.arange(len(feedback)) - np.repeat(np.cumsum(count) - count - first, count)]
        later = self.at[feedback] - at[unit]
        held = (later >= 0) & (later <= self.windows[self.action[feedback]])
        labels[unit[held], self.action[feedback][held]] = True
        worth: Floats = labels @ self.worth
        return worth


def pool_of(logged: LoggedSlate, found: tuple[Candidates, Floats], seen: Bools | None = None) -> SlatePool | None:
    """One logged slate's candidates: `found` by `Pipeline.distribution` as of its moment.

    seen: bool (k,), which positions were examined, all if None. None where the log tells of another slate than
    the replay could have given: the scores of others would not be what the ranking went by.
    """
    pool, chances = found
    k = len(logged.rows)
    if k == 0 or chances.shape[1] != k:
        return None
    stood = pool.places(logged.rows)
    if (stood == len(pool)).any() or (chances[stood, np.arange(k)] == 0).any():
        return None
    intended = chances.argmax(axis=0)
    looked = np.ones(k, dtype=bool) if seen is None else seen
    return SlatePool(
        request=logged.request,
        person=logged.user,
        at=logged.at,
        rows=pool.rows,
        inputs=np.stack([pool[name] for name in inputs_of(pool)], axis=1).astype(np.float32),
        score=pool["value"].astype(np.float64),
        placed=marked(len(pool), intended),
        shown=marked(len(pool), stood),
        seen=marked(len(pool), np.concatenate([stood[looked], intended[looked]])),
    )


def inputs_of(pool: Candidates) -> tuple[str, ...]:
    """The columns that features gave, by name: not the value nor its terms, which serving does not know yet."""
    return tuple(
        sorted(
            name
            for name, column in pool.columns.items()
            if column.dtype.kind == "f" and column.ndim == 1 and name != "value" and not name.startswith("value.")
        )
    )


def units_of(features: Sequence[str], pools: Iterable[SlatePool], answers: Answers) -> CausalUnits:
    """The units of logged requests whose windows are over; features: the names of the pools' inputs.

    What was drawn depends on the request's id alone.
    """
    longest = int(answers.windows.max(initial=0))
    parts = [_sampled(pool) for pool in pools if pool.at + longest <= answers.until]
    if not parts:
        none = np.empty(0)
        inputs = np.empty((0, len(features)), np.float32)
        return CausalUnits(tuple(features), inputs, none, none.astype(bool), none, none, none, none.astype(np.int64))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    item, at = joined.pop("item"), joined.pop("at")
    outcome = answers.outcome(joined["person"], item, at)
    return CausalUnits(features=tuple(features), outcome=outcome, weights=np.ones(len(outcome)), **joined)


def _sampled(pool: SlatePool) -> dict[str, Array]:
    """The units of one request, by the names of `CausalUnits`, with item and time and without the outcome."""
    rng = stream("causal", "units", pool.request)
    drawn, displaced = pool.shown & ~pool.placed & pool.seen, pool.placed & ~pool.shown & pool.seen
    kept, left = pool.shown & pool.placed & pool.seen, ~pool.shown & ~pool.placed
    arms: list[tuple[Ints, Ints]] = []
    if drawn.any():
        arms.append((np.flatnonzero(drawn), _some(left, OPPOSITE * drawn.sum(), rng)))
    if displaced.any():
        arms.append((_some(kept, OPPOSITE * displaced.sum(), rng), np.flatnonzero(displaced)))
    # By symmetry each unit of a trial is as likely as any other to be one of the treated.
    chances = [len(yes) / (len(yes) + len(no)) for yes, no in arms]
    free = np.ones(len(pool.rows), dtype=bool)
    for yes, no in arms:
        free[yes] = free[no] = False
    shown = np.flatnonzero(kept & free)
    near = left & free & (np.cumsum(left) <= NEXT_BEST * pool.shown.sum())
    arms.append((shown, _some(near, len(shown), rng)))
    sizes = [len(yes) + len(no) for yes, no in arms]
    index = np.concatenate([np.concatenate(arm) for arm in arms])
    return {
        "inputs": pool.inputs[index],
        "score": pool.score[index],
        "treated": np.concatenate([np.repeat([True, False], [len(yes), len(no)]) for yes, no in arms]),
        "propensity": np.repeat([*chances, np.nan], sizes),
        "person": np.full(len(index), pool.person, dtype=np.int64),
        "item": pool.rows[index].astype(np.int64),
        "at": np.full(len(index), pool.at, dtype=np.int64),
    }


def _some(among: Bools, count: int, rng: np.random.Generator) -> Ints:
    """At most so many of those marked, drawn by lot."""
    index = np.flatnonzero(among)
    return np.sort(rng.choice(index, min(int(count), len(index)), replace=False))
