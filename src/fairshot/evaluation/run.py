"""`evaluate`: hold out, train once, rank for everybody by every arm, and measure."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from fairshot.app import App
from fairshot.core.arrays import Array
from fairshot.core.events import concatenate
from fairshot.evaluation.accuracy import accuracy
from fairshot.evaluation.arms import arms
from fairshot.evaluation.exposure import exposure, new_item_gains
from fairshot.evaluation.heads import Heads
from fairshot.evaluation.measured import Difference, Measured, PerPerson, means, paired
from fairshot.evaluation.new_items import VARIANTS, new_items
from fairshot.evaluation.off_policy import off_policy
from fairshot.evaluation.peers import peer_slates, peers
from fairshot.evaluation.prepared import Prepared, Progress, prepare
from fairshot.evaluation.protocols import POSITIONS, RELEVANCE, known, split
from fairshot.evaluation.report import Estimated, Evaluation, fingerprint, worth_of
from fairshot.evaluation.slates import Arm, slates_of

DEFAULTS = "defaults"


def evaluate(
    app: App,
    protocol: str = "random",
    *,
    seed: int = 42,
    k: int | None = None,
    with_peers: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Hold out by a protocol, train, and rank for everybody: without fairness terms, as configured, and by peers.

    k: positions that are judged, 20 for new items and else 10. The same models serve all arms; nothing in the
    data directory changes. Raises FairshotError where the protocol is unknown or nothing can be held out,
    TrainingError where there is too little to learn from.
    """
    known(protocol)
    report = progress or (lambda _phase, _share: None)
    k = POSITIONS.get(protocol, 10) if k is None else k
    events = concatenate(list(app.log.batches()))
    judges_slates = protocol == "off-policy"
    if judges_slates:
        found = off_policy(app, events, report)
    else:
        prepared = prepare(app, events, split(events, protocol, seed), report)
        found = (
            _new(app, prepared, k, report) if protocol == "new-items" else _all(app, prepared, k, with_peers, report)
        )
    return Evaluation(
        protocol=protocol,
        seed=seed,
        k=k,
        data=fingerprint(events, app.live.ids, slates=judges_slates),
        config=app.config.hash(),
        people=found.people,
        figures=found.figures,
        differences=found.differences,
        doubts=found.doubts,
        relevance=worth_of(app.config.kinds, app.config.impressions.mode) if judges_slates else RELEVANCE,
    )


def _new(app: App, prepared: Prepared, k: int, report: Progress) -> Estimated:
    """Recall of new items, every arm against the defaults with the same information."""
    people, values = new_items(app, prepared, k, report)
    differences: list[Difference] = []
    for variant in VARIANTS:
        same = {arm: figures for arm, figures in values.items() if arm.endswith(f", {variant}")}
        differences += _differences(same, f"{DEFAULTS}, {variant}")
    return Estimated(people, [one for arm, found in values.items() for one in means(arm, found)], differences)


def _all(app: App, prepared: Prepared, k: int, with_peers: bool, report: Progress) -> Estimated:
    """Accuracy, exposure and heads of every arm."""
    more, values = _measured(app, prepared, k, with_peers, report)
    accuracies = [one for arm, found in values.items() for one in means(arm, found)]
    figures = sorted([*accuracies, *more], key=lambda one: list(values).index(one.arm))
    return Estimated(len(prepared.people), figures, _differences(values, DEFAULTS))


def _measured(
    app: App, prepared: Prepared, k: int, with_peers: bool, report: Progress
) -> tuple[list[Measured], dict[str, PerPerson]]:
    """Exposure and heads of every arm, and the accuracy of each for each person."""
    compared = {name: Arm(config, prepared.snapshot) for name, config in arms(app.config).items()}
    model, kinds = prepared.snapshot.artifacts.engagement, app.config.kinds
    heads = Heads(
        prepared.events, np.flatnonzero(prepared.split.held), {kinds.code(name): name for name in model.kinds}
    )
    slates = slates_of(
        compared, prepared.people, k, prepared.split.now, told={DEFAULTS: heads}, report=partial(report, "slates")
    )
    if with_peers:
        matrix = prepared.matrix
        for name, scores in peers(matrix):
            report(name, 0.0)
            slates[name] = peer_slates(scores, matrix, prepared.people, prepared.catalogue.listed, k)
    figures, values = [], dict[str, PerPerson]()
    for name, found in slates.items():
        values[name] = accuracy(found, prepared.truth, k)
        figures += exposure(name, found, prepared.catalogue)
        figures += new_item_gains(name, found, prepared.truth, prepared.catalogue)
    return figures + heads.figures(DEFAULTS) + _strangers(compared[DEFAULTS], prepared, k), values


def _strangers(arm: Arm, prepared: Prepared, k: int) -> list[Measured]:
    """Accuracy for those with nothing to train on, apart from the others."""
    if not len(prepared.apart):
        return []
    slates: list[Array] = slates_of({DEFAULTS: arm}, prepared.apart, k, prepared.split.now)[DEFAULTS]
    found = accuracy(slates, prepared.truth_of(prepared.apart), k)
    return means(DEFAULTS, {f"{name} of people without training": value for name, value in found.items()})


def _differences(values: Mapping[str, PerPerson], less: str) -> list[Difference]:
    """Every other arm against one of them, person by person."""
    others = [(arm, found) for arm, found in values.items() if arm != less]
    return [one for arm, found in others for one in paired(arm, found, less, values[less])]
