"""Loading a snapshot's models; whatever is missing or damaged is left out and named, never fatal."""

from collections.abc import Callable
from typing import TypeVar

from fairshot.core.errors import CorruptArtifactError
from fairshot.core.snapshot import Artifacts, Vectors
from fairshot.learning.causal import CausalModel
from fairshot.learning.content import ContentEncoder
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.multipliers import Multipliers
from fairshot.learning.nearest import VectorSearch
from fairshot.stores.artifacts import ArtifactStore

T = TypeVar("T")


def load_artifacts(store: ArtifactStore, version: str | None) -> Artifacts:
    """The models of a version, as far as they are sound."""
    if version is None:
        return Artifacts(missing=("no snapshot was trained yet",))
    missing: list[str] = []
    vectors = _attempt(lambda: _vectors(store, version), missing)
    encoder = _attempt(lambda: ContentEncoder.load(*store.load(version, "content")), missing)
    engagement = _attempt(lambda: EngagementModel.load(*store.load(version, "engagement")), missing)
    nearest = None
    if vectors is not None:
        vectors.encoder = encoder
        index = _attempt(lambda: store.load(version, "index")[0].get("index"), missing)
        nearest = VectorSearch(vectors, index)
    multipliers = _attempt(lambda: _multipliers(store, version), missing)
    causal = _attempt(lambda: _causal(store, version), missing)
    facts = _attempt(lambda: store.manifest(version)["facts"], missing)
    return Artifacts(version, vectors, nearest, engagement, multipliers, tuple(missing), facts or {}, causal=causal)


def _multipliers(store: ArtifactStore, version: str) -> Multipliers | None:
    """None of a snapshot from before there were any: it lacks nothing that it was made for."""
    has = "multipliers" in store.manifest(version).get("models", ())
    return Multipliers.load(*store.load(version, "multipliers")) if has else None


def _causal(store: ArtifactStore, version: str) -> CausalModel | None:
    """None of a snapshot without the layer: it lacks nothing that it was made for."""
    has = "causal" in store.manifest(version).get("models", ())
    return CausalModel.load(*store.load(version, "causal")) if has else None


def _vectors(store: ArtifactStore, version: str) -> Vectors:
    tensors, description = store.load(version, "vectors")
    return Vectors(tensors["items"], tensors["trained"], tensors["gram"], description["confidence"])


def _attempt(load: Callable[[], T], missing: list[str]) -> T | None:
    try:
        return load()
    except (CorruptArtifactError, KeyError) as error:
        missing.append(str(error))
        return None
