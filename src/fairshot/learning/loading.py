"""Loading a snapshot's models; whatever is missing or damaged is left out and named, never fatal."""

from collections.abc import Callable
from typing import TypeVar

from fairshot.core.errors import CorruptArtifactError
from fairshot.core.snapshot import Artifacts, Popularity, Vectors
from fairshot.learning.causal import CausalModel
from fairshot.learning.content import ContentEncoder
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.multipliers import Multipliers
from fairshot.learning.nearest import VectorSearch
from fairshot.learning.neighbours import NeighboursModel
from fairshot.learning.retrieval import RetrievalModel
from fairshot.pipeline.engine import Pipeline
from fairshot.stores.artifacts import ArtifactStore

T = TypeVar("T")
PERSONS = ("confidence", "activity", "typical")
"""What a person's vector is folded in with, beside the items' vectors."""


def load_artifacts(store: ArtifactStore, version: str | None, pipeline: Pipeline | None = None) -> Artifacts:
    """The models of a version, as far as they are sound.

    pipeline: what items that come later are described by, to be found by the retrieval model.
    """
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
    retrieval = _attempt(lambda: _retrieval(store, version, pipeline or Pipeline()), missing)
    neighbours = _attempt(lambda: _neighbours(store, version), missing)
    popularity = _attempt(lambda: _popularity(store, version), missing)
    facts = _attempt(lambda: store.manifest(version)["facts"], missing)
    return Artifacts(
        version=version,
        vectors=vectors,
        nearest=nearest,
        engagement=engagement,
        multipliers=multipliers,
        missing=tuple(missing),
        facts=facts or {},
        retrieval=retrieval,
        causal=causal,
        neighbours=neighbours,
        popularity=popularity,
    )


def _multipliers(store: ArtifactStore, version: str) -> Multipliers | None:
    """None of a snapshot from before there were any: it lacks nothing that it was made for."""
    has = "multipliers" in store.manifest(version).get("models", ())
    return Multipliers.load(*store.load(version, "multipliers")) if has else None


def _retrieval(store: ArtifactStore, version: str, pipeline: Pipeline) -> RetrievalModel | None:
    """None of a snapshot that was not distilled: then the vectors themselves are searched."""
    has = "retrieval" in store.manifest(version).get("models", ())
    return RetrievalModel.load(*store.load(version, "retrieval"), pipeline) if has else None


def _causal(store: ArtifactStore, version: str) -> CausalModel | None:
    """None of a snapshot without the layer: it lacks nothing that it was made for."""
    has = "causal" in store.manifest(version).get("models", ())
    return CausalModel.load(*store.load(version, "causal")) if has else None


def _neighbours(store: ArtifactStore, version: str) -> NeighboursModel | None:
    has = "neighbours" in store.manifest(version).get("models", ())
    return NeighboursModel.load(*store.load(version, "neighbours")) if has else None


def _popularity(store: ArtifactStore, version: str) -> Popularity | None:
    if "popularity" not in store.manifest(version).get("models", ()):
        return None
    tensors, description = store.load(version, "popularity")
    return Popularity(tensors["quantiles"], description["rates"])


def _vectors(store: ArtifactStore, version: str) -> Vectors:
    tensors, description = store.load(version, "vectors")
    persons = {name: description[name] for name in PERSONS if name in description}
    return Vectors(tensors["items"], tensors["trained"], tensors["gram"], **persons)


def _attempt(load: Callable[[], T], missing: list[str]) -> T | None:
    try:
        return load()
    except CorruptArtifactError as error:
        missing.append(str(error))
    except KeyError as error:
        missing.append(f"a model was written by another version of fairshot: it has no {error}")
    return None
