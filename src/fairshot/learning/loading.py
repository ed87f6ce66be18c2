"""Loading a snapshot's models; whatever is missing or damaged is left out and named, never fatal."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from fairshot.core.arrays import Array
from fairshot.core.errors import CorruptArtifactError
from fairshot.core.snapshot import UNTRAINED, Artifacts, Popularity, Vectors
from fairshot.learning.causal import CausalModel
from fairshot.learning.content import ContentEncoder
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.labels import load_labels
from fairshot.learning.latent_cluster import LatentCluster
from fairshot.learning.multipliers import Multipliers
from fairshot.learning.nearest import VectorSearch
from fairshot.learning.neighbours import NeighboursModel
from fairshot.learning.retrieval import RetrievalModel
from fairshot.pipeline.engine import Pipeline
from fairshot.stores.artifacts import ArtifactStore

T = TypeVar("T")
Load = Callable[[dict[str, Array], dict[str, Any]], Any]
"""A model from its tensors and its description."""
PERSONS = ("confidence", "activity", "typical")
"""What a person's vector is folded in with, beside the items' vectors."""


def load_artifacts(store: ArtifactStore, version: str | None, pipeline: Pipeline | None = None) -> Artifacts:
    """The models of a version, as far as they are sound.

    pipeline: what items that come later are described by, to be found by the retrieval model.
    """
    if version is None:
        return UNTRAINED
    missing: list[str] = []
    vectors = _attempt(lambda: _vectors(store, version), missing)
    encoder = _attempt(lambda: ContentEncoder.load(*store.load(version, "content")), missing)
    engagement = _attempt(lambda: EngagementModel.load(*store.load(version, "engagement")), missing)
    nearest = None
    if vectors is not None:
        vectors.encoder = encoder
        index = _attempt(lambda: store.load(version, "index")[0].get("index"), missing)
        nearest = VectorSearch(vectors, index)
    optional: dict[str, Load] = {
        "multipliers": Multipliers.load,
        "causal": CausalModel.load,
        "retrieval": partial(RetrievalModel.load, pipeline=pipeline or Pipeline()),
        "neighbours": NeighboursModel.load,
        "popularity": _popularity,
        "labels": partial(load_labels, encoder=encoder),
        "latent_cluster": LatentCluster.load,
        "audience": lambda tensors, _description: tensors["people"],
    }
    kept = {name: _attempt(partial(_kept, store, version, name, load), missing) for name, load in optional.items()}
    facts = _attempt(lambda: store.manifest(version)["facts"], missing)
    return Artifacts(
        version=version,
        vectors=vectors,
        nearest=nearest,
        engagement=engagement,
        missing=tuple(missing),
        facts=facts or {},
        **kept,
    )


def _kept(store: ArtifactStore, version: str, model: str, load: Load) -> Any:
    """A model that a snapshot may be without, None then: it lacks nothing that it was made for."""
    return load(*store.load(version, model)) if model in store.manifest(version).get("models", ()) else None


def _popularity(tensors: dict[str, Array], description: dict[str, Any]) -> Popularity:
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
