"""New and known films in one list: what each kind gains, and who pays when new films are lifted.

The list holds the 905 test films, new, and the 1,811 films of training, known, all scored by the published Heater and
joined user by user. Gains are counted by rank in that one list. For new films they are over the users who like them.
The likes of known films were not published, only their numbers: as many users as like a film, those who score it
highest, stand in for its admirers. That flatters known films, as the ranking itself says who their admirers are, so
their figures are for comparing one lift with another alone. Nothing was published for one list: all is reported.
"""

from pathlib import Path

import numpy as np

from fairshot.algorithms.cold_and_warm import cold_share, gains_by_kind, joined_scores, lift_for_share
from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain, summarise
from fairshot.reproductions.figure import Figure, at_most
from fairshot.reproductions.gen_tempered import likely_admirers
from fairshot.reproductions.ml1m_cold_items import load

DEPTH = 30
"""Positions of which new films are to hold their share."""

SOURCE = "ours: Heater's scores of 905 new and 1,811 known films of MovieLens-1M in one list"
NEW = f"{SOURCE}; over users who like the film"
KNOWN = f"{SOURCE}; admirers of known films are stand-ins, which flatters: compare between lifts alone"


def figures(data: Path | None) -> list[Figure]:
    """Recompute gains of both kinds without a lift, and with new films lifted to their share of all films."""
    films = load(data)
    scores = films.scores("Heater")
    known, likely = likely_admirers(films, scores)
    warm, cold = scores[known].T, scores[films.test].T
    liked = np.hstack((likely.T, films.liked[films.test].T))
    new = np.arange(liked.shape[1]) >= len(known)
    even = float(new.mean())
    lifts = {"joined": 0.0, "lifted to their share": lift_for_share(warm, cold, even, DEPTH)}
    found, gained = [], {}
    for name, lift in lifts.items():
        joined = joined_scores(warm, cold, lift=lift)
        fresh, old = gains_by_kind(joined, liked, new)
        gained[name] = fresh.all
        found += [
            _reported(f"{name}: lift of new films in standard deviations", lift, SOURCE),
            _reported(f"{name}: share of new films in the first {DEPTH}", cold_share(joined, new, DEPTH), SOURCE),
            _reported(f"{name}: MDG of new films", fresh.all, NEW),
            _reported(f"{name}: MDG of the worst 10 % of new films", fresh.worst, NEW),
            _reported(f"{name}: new films without any gain", fresh.unseen, NEW),
            _reported(f"{name}: MDG of known films", old.all, KNOWN),
            _reported(f"{name}: MDG of the worst 10 % of known films", old.worst, KNOWN),
            _reported(f"{name}: known films without any gain", old.unseen, KNOWN),
        ]
    alone = summarise(mean_discounted_gain(cold, liked[:, new])).all
    share = gained["joined"] / alone
    found.append(at_most("joined: MDG of new films, over that of a list of new films alone", share, 1.0, NEW))
    return found


def _reported(name: str, figure: float, source: str) -> Figure:
    return Figure(name, float(figure), "reported", 0.0, source, holds=True)
