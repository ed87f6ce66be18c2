"""Loading: a model of another version is left out and named, and the others serve."""

from pathlib import Path

import numpy as np
import pytest

from fairshot.core.errors import MissingArtifactError
from fairshot.learning.loading import load_artifacts
from fairshot.stores.artifacts import ArtifactStore


def test_a_model_that_lacks_a_part_is_named_with_what_it_lacks(tmp_path: Path):
    store = ArtifactStore(tmp_path)
    quantiles = np.zeros(101, np.float32)
    store.save("one", {"popularity": ({"quantiles": quantiles}, {}), "index": ({}, {})}, {})
    artifacts = load_artifacts(store, "one")
    assert artifacts.popularity is None
    assert "a model was written by another version of fairshot: it has no 'rates'" in artifacts.missing


def test_a_version_of_before_labels_lacks_nothing_and_labels_without_the_content_model_are_named(tmp_path: Path):
    store = ArtifactStore(tmp_path)
    quantiles = np.zeros(101, np.float32)
    store.save("old", {"popularity": ({"quantiles": quantiles}, {"rates": {}})}, {})
    old = load_artifacts(store, "old")
    assert old.labels is None
    assert not any("labels" in reason for reason in old.missing)
    store.save("torn", {"labels": ({"rows": np.zeros(1, np.int32)}, {"names": ["a"]})}, {})
    torn = load_artifacts(store, "torn")
    assert torn.labels is None
    assert "labels cannot be predicted without the content model" in torn.missing
    with pytest.raises(MissingArtifactError):
        torn.need("labels")
