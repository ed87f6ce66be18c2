"""Loading: a model of another version is left out and named, and the others serve."""

from pathlib import Path

import numpy as np

from fairshot.learning.loading import load_artifacts
from fairshot.stores.artifacts import ArtifactStore


def test_a_model_that_lacks_a_part_is_named_with_what_it_lacks(tmp_path: Path):
    store = ArtifactStore(tmp_path)
    quantiles = np.zeros(101, np.float32)
    store.save("one", {"popularity": ({"quantiles": quantiles}, {}), "index": ({}, {})}, {})
    artifacts = load_artifacts(store, "one")
    assert artifacts.popularity is None
    assert "a model was written by another version of fairshot: it has no 'rates'" in artifacts.missing
