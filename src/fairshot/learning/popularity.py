"""Popularity: how items were received on the whole, against which single ones are judged."""

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.snapshot import Popularity
from fairshot.learning.interactions import Feedback


def fit_popularity(events: EventBatch, feedback: Feedback, kinds: FeedbackKinds) -> Popularity:
    """Quantiles (101) of the reactions to items that have a record, and of each kind the share of occasions.

    An occasion is an impression, or a reaction where an item had more reactions than impressions, as in imports.
    """
    items = events.sizes.items
    reactions = np.bincount(feedback.item, minlength=items)
    served = events.of(Kind.SLATE) & (events.item >= 0)
    occasions = np.maximum(np.bincount(events.item[served], minlength=items), reactions).sum()
    told = np.bincount(feedback.action, minlength=len(kinds.names))
    recorded = reactions[np.unique(events.item[events.of(Kind.ITEM)])]
    quantiles = np.quantile(recorded if len(recorded) else [0.0], np.linspace(0, 1, 101))
    rates = {name: float(count / occasions) for name, count in zip(kinds.names, told, strict=True) if count}
    return Popularity(quantiles.astype(np.float32), rates)
