"""A truth and a run made by hand: four items, two creators, two people, four slates."""

import numpy as np

from fairshot.core.arrays import DAY, HOUR
from fairshot.town.records import Run
from fairshot.town.truth import Truth

TRUTH = Truth(
    creator=np.array([0, 0, 1, 1]),
    new=np.array([False, True]),
    joins=np.array([-30 * DAY, 0]),
    good=np.array([False, True, True, False]),
    bad=np.array([True, False, False, True]),
    topic=np.array([0, 0, 1, 1]),
    told=np.array([0, 0, 1, 1]),
    flood=np.array([False, False]),
    people_joins=np.array([-60 * DAY, -60 * DAY]),
)
RUN = Run(
    policy="by hand",
    seed=1,
    start=0,
    end=8 * DAY,
    at=np.array([HOUR, 3 * DAY, 7 * DAY, 7 * DAY + HOUR]),
    person=np.array([0, 1, 0, 0]),
    page=np.array([0, 0, 0, 1]),
    item=np.array([[0, 1], [2, 0], [2, 3], [1, -1]]),
    looked=np.array([[1, 0], [1, 1], [1, 1], [1, 0]], bool),
    liked=np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool),
    explored=np.array([[0, 0], [1, 0], [1, 0], [0, 0]], bool),
    tried=np.zeros((4, 2), bool),
    worth=np.array([[0.5, 0.9], [0.1, 0.2], [0.4, 0.0], [0.3, 0.0]]),
    cost=np.array([0.0, 0.1, 0.2, 0.0]),
    published=np.array([-DAY, 2 * HOUR, DAY, 2 * DAY]),
    left=np.array([0, 5 * DAY]),
    people_left=np.zeros(2, np.int64),
)
