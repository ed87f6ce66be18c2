"""On real cold items: KNN beats the tag KNN of reference, and the ridge beats chance by far."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.linalg import svds

from fairshot.learning.cold_start.deep_music import fit_ridge
from fairshot.reproductions import cold_citeulike
from fairshot.reproductions.figure import MissingData

DATA = Path(os.environ.get("FAIRSHOT_SCIENCE_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def split() -> cold_citeulike.Split:
    try:
        return cold_citeulike.load(DATA)
    except MissingData as missing:
        pytest.skip(str(missing))


def test_the_split_has_its_published_size(split: cold_citeulike.Split) -> None:
    assert split.liked.shape == (5551, 13584)
    assert split.liked.nnz == 164_210
    assert split.hidden.shape == (5551, 2378)
    assert split.hidden.sum() == 27_739


def test_knn_on_tags_beats_the_reference(split: cold_citeulike.Split) -> None:
    nothing = np.zeros((1, 1), np.float32)
    given = cold_citeulike.Inputs(nothing, nothing, nothing, nothing)
    found = cold_citeulike.measured(cold_citeulike.knn_model(split, given, 0), split.hidden)
    assert all(value > bound for value, bound in zip(found, cold_citeulike.REFERENCE.values(), strict=False))


def test_ridge_to_factors_beats_chance_twentyfold(split: cold_citeulike.Split) -> None:
    users, size, items = map(np.asarray, svds(split.liked, k=50, random_state=0))
    ridge = fit_ridge(split.warm, items.T * size)
    found = cold_citeulike.measured(users @ ridge(split.cold).T, split.hidden)
    assert found[0] > 20 * 20 / split.hidden.shape[1]


def test_missing_data_is_named() -> None:
    with pytest.raises(MissingData, match="heater-CiteULike"):
        cold_citeulike.figures(None)
