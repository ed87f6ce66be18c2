"""Latent clusters: planted types and clusters are found, with honest lifts, from impressions and from imports."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tests.learning.planted import ITEMS, TYPES, Planted

from fairshot.config import load_config
from fairshot.core.arrays import DAY
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.learning.interactions import feedback_of
from fairshot.learning.latent_cluster import HIGHEST, LOWEST, LatentCluster
from fairshot.learning.latent_fit import NO_RECORD, Reception, fit_latent_cluster, rates, reception_of

CONFIG = load_config()
SETTINGS = msgspec.structs.replace(CONFIG.learning, item_clusters=8, person_types=8)
PEOPLE = 300
NOBODYS = np.full(ITEMS, -1, np.int32)
NOTHING = csr_matrix((PEOPLE, ITEMS))


def vectors(planted: Planted, noise: float = 0.3) -> Any:
    rng = np.random.default_rng(3)
    kinds = rng.normal(size=(TYPES, 8))[planted.kind]
    return (kinds + noise * rng.normal(size=kinds.shape)).astype(np.float32)


def fitted(planted: Planted, reception: Reception, **changes: Any) -> LatentCluster:
    settings = msgspec.structs.replace(SETTINGS, **changes)
    model = fit_latent_cluster(reception, vectors(planted), NOBODYS, settings)
    assert model is not None
    return model


def shown_to(planted: Planted, met: Any) -> Reception:
    return Reception(csr_matrix(met.astype(float)), csr_matrix((met & planted.likes).astype(float)), NOTHING)


def home(model: LatentCluster, planted: Planted) -> Any:
    """For each kind of item the largest lift of the cluster that most of its items are in."""
    arms = [np.bincount(model.arm[planted.kind == kind]).argmax() for kind in range(TYPES)]
    return model.lift[:, arms].max(axis=0)


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted.of(7, PEOPLE)


@pytest.fixture(scope="module")
def met() -> Any:
    rng = np.random.default_rng(8)
    return rng.random((PEOPLE, ITEMS)) < 0.3


def test_clusters_hold_items_of_one_kind_and_each_is_some_types_home(planted, met):
    model = fitted(planted, shown_to(planted, met))
    alike = sum(np.bincount(planted.kind[model.arm == one]).max() for one in range(len(model.centres)))
    assert alike / ITEMS > 0.95
    assert (home(model, planted) > 1.8).all()
    assert model.prior.sum() == pytest.approx(1)


def test_rates_follow_how_good_items_are(planted, met):
    model = fitted(planted, shown_to(planted, met))
    truth = planted.likes.mean(axis=0)
    assert np.corrcoef(model.rate, truth)[0, 1] > 0.8
    assert model.rate.mean() == pytest.approx(truth.mean(), rel=0.1)


def test_what_everybody_also_sought_does_not_hide_how_much_types_differ(planted, met):
    # Likes of what was never shown are certain; taken for answered impressions they would make all rates high.
    rng = np.random.default_rng(9)
    sought = ~met & planted.likes & (rng.random(met.shape) < 0.5)
    shown = shown_to(planted, met)
    model = fitted(planted, replace(shown, sought=csr_matrix(sought.astype(float))))
    assert (home(model, planted) > 1.8).all()
    assert model.rate.mean() == pytest.approx(planted.likes.mean(), rel=0.15)


def test_a_rate_is_drawn_towards_the_creators_and_fame_tells_the_less_the_more_was_answered():
    # Creator 0 is good, creator 1 is not; items 2 and 5 were hardly shown, and item 5 is sought by everybody.
    shown, liked = np.zeros((PEOPLE, 6)), np.zeros((PEOPLE, 6))
    shown[:, [0, 1, 3, 4]] = 1
    liked[: PEOPLE // 2, :2], liked[:15, 3:5] = 1, 1
    sought = np.zeros((PEOPLE, 6))
    reception = Reception(csr_matrix(shown), csr_matrix(liked), csr_matrix(sought))
    creator = np.array([0, 0, 0, 1, 1, 1], np.int32)
    rate = rates(reception, creator)
    assert rate[2] > 4 * rate[5]
    np.testing.assert_allclose(rate[[0, 3]], [0.5, 0.05], rtol=0.1)
    sought[:20, 5] = 1
    asked = rates(replace(reception, sought=csr_matrix(sought)), creator)
    assert rate[5] < asked[5] < 2 * rate[5]
    never = Reception(csr_matrix(shown.shape), csr_matrix(shown.shape), csr_matrix(sought))
    assert rates(never, creator).argmax() == 5
    assert [reception.unasked, never.unasked] == [0, 1]


def test_to_somebody_unknown_every_cluster_is_worth_what_it_is_to_all(planted, met):
    model = fitted(planted, shown_to(planted, met))
    np.testing.assert_allclose(model.prior @ model.lift, 1, rtol=1e-5)


def test_people_who_were_never_shown_anything_teach_lifts_too(planted, met):
    found = csr_matrix((met & planted.likes).astype(float))
    model = fitted(planted, Reception(NOTHING, NOTHING, found))
    assert (home(model, planted) > 1.8).all()


def test_a_lift_is_about_taste_and_not_about_being_shown_the_best_items(planted):
    # Everybody likes alike; the first half is only shown good items, the other half poor ones.
    rng = np.random.default_rng(2)
    same = rng.random((PEOPLE, ITEMS)) < planted.appeal * 0.4
    good = planted.appeal > np.median(planted.appeal)
    met = rng.random((PEOPLE, ITEMS)) < 0.5
    met &= np.where(np.arange(PEOPLE)[:, None] < PEOPLE // 2, good, ~good)
    shown = Reception(csr_matrix(met.astype(float)), csr_matrix((met & same).astype(float)), NOTHING)
    model = fitted(planted, shown)
    assert model.lift.min() > 0.8
    assert model.lift.max() < 1.2


def test_where_types_do_not_differ_lifts_stay_near_one(planted, met):
    # Types formed from chance would, judged by the very same approvals, seem to differ much.
    rng = np.random.default_rng(4)
    noise = Planted(planted.kind, planted.appeal, planted.taste, rng.random((PEOPLE, ITEMS)) < 0.15)
    model = fitted(noise, shown_to(noise, met))
    assert np.abs(model.lift - 1).max() < 0.15


def test_the_same_reception_gives_the_same_model(planted, met):
    one, two = (fitted(planted, shown_to(planted, met)) for _ in range(2))
    for name, tensor in one.dump()[0].items():
        np.testing.assert_array_equal(tensor, two.dump()[0][name])


def test_best_items_come_by_falling_rate_and_belong_to_their_cluster(planted, met):
    model = fitted(planted, shown_to(planted, met))
    for one, rows in enumerate(model.best):
        rows = rows[rows >= 0]
        assert (model.arm[rows] == one).all()
        assert (np.diff(model.rate[rows]) <= 0).all()


def test_items_without_vector_or_record_are_in_no_cluster(planted, met):
    items, creator = vectors(planted), NOBODYS.copy()
    items[:5], creator[5:10] = 0, NO_RECORD
    model = fit_latent_cluster(shown_to(planted, met), items, creator, SETTINGS)
    assert model is not None
    assert (model.arm[:10] == -1).all()
    assert not np.isin(np.arange(10), model.best).any()


def test_too_little_of_either_gives_no_model(planted, met):
    few = met & (np.arange(PEOPLE) < 20)[:, None]
    assert fit_latent_cluster(shown_to(planted, few), vectors(planted), NOBODYS, SETTINGS) is None
    assert fit_latent_cluster(shown_to(planted, met), vectors(planted), NOBODYS + NO_RECORD, SETTINGS) is None


def test_people_and_items_that_are_all_alike_are_of_one_type_and_cluster(planted):
    everything = np.ones((PEOPLE, ITEMS))
    everybody = Reception(csr_matrix(everything), csr_matrix(everything), NOTHING)
    alike = np.ones((ITEMS, 8), np.float32)
    alike[: ITEMS // 2] += np.float32(1e-7)
    model = fit_latent_cluster(everybody, alike, NOBODYS, SETTINGS)
    assert model is not None
    assert len(model.centres) == 1
    assert model.lift.mean() == pytest.approx(1, abs=0.05)


def test_chances_stay_inside_zero_and_one(planted, met):
    model = fitted(planted, shown_to(planted, met))
    sure = replace(model, rate=np.ones(ITEMS, np.float32))
    rows = np.arange(ITEMS, dtype=np.int32)
    for lift in (np.zeros(len(model.centres)), np.full(len(model.centres), 9.0)):
        chance = sure.approval(rows, lift, None)
        assert ((chance >= LOWEST) & (chance <= HIGHEST)).all()


def batch(rows: list[tuple[Kind, str, int, int, int]]) -> EventBatch:
    """Rows of kind, feedback, person, item, day."""
    n = len(rows)
    columns = {
        "seq": range(1, n + 1),
        "kind": [int(row[0]) for row in rows],
        "action": [CONFIG.kinds.code(row[1]) for row in rows],
        "at": [row[4] * DAY for row in rows],
        "user": [row[2] for row in rows],
        "item": [row[3] for row in rows],
        "creator": [-1] * n,
        "value": [np.nan] * n,
        "position": [0] * n,
        "propensity": [np.nan] * n,
    }
    return event_batch(columns, [None] * n, Sizes(users=3, items=4, creators=1))


def received(*rows: tuple[Kind, str, int, int, int], mode: Any = "served") -> Reception:
    events = batch(list(rows))
    return reception_of(events, feedback_of(events), CONFIG.kinds, mode, 10.0)


def test_what_answered_an_impression_is_told_from_what_people_sought_by_themselves():
    found = received(
        (Kind.SLATE, "", 0, 0, 100),
        (Kind.SLATE, "", 0, 1, 100),
        (Kind.FEEDBACK, "like", 0, 1, 100),
        (Kind.FEEDBACK, "like", 0, 3, 100),
        (Kind.FEEDBACK, "like", 1, 2, 100),
    )
    np.testing.assert_allclose(found.shown.toarray(), [[1, 1, 0, 0], [0] * 4, [0] * 4])
    np.testing.assert_allclose(found.answered.toarray(), [[0, 1, 0, 0], [0] * 4, [0] * 4])
    np.testing.assert_allclose(found.sought.toarray(), [[0, 0, 0, 1], [0, 0, 1, 0], [0] * 4])


def test_what_is_a_half_life_older_counts_half():
    found = received((Kind.SLATE, "", 0, 0, 90), (Kind.FEEDBACK, "like", 1, 2, 80), (Kind.FEEDBACK, "like", 2, 3, 100))
    assert found.shown[0, 0] == pytest.approx(0.5)
    assert found.sought[1, 2] == pytest.approx(0.25)
    assert found.sought[2, 3] == pytest.approx(1)


def test_approval_is_the_sum_of_preferences_within_zero_and_one():
    found = received(
        (Kind.FEEDBACK, "dislike", 0, 0, 1),
        (Kind.FEEDBACK, "view", 0, 1, 1),
        (Kind.FEEDBACK, "love", 0, 2, 1),
        (Kind.FEEDBACK, "like", 0, 2, 1),
    )
    np.testing.assert_allclose(found.approval.toarray()[0], [0, 0.6, 1, 0], rtol=1e-6)


def test_reported_impressions_count_where_they_are_what_counts():
    rows = ((Kind.SLATE, "", 0, 0, 1), (Kind.IMPRESSION, "", 0, 1, 1))
    np.testing.assert_allclose(received(*rows, mode="reported").shown.toarray()[0], [0, 1, 0, 0])
