"""Content: an item nobody reacted to has a vector near those of its like, and storing the model changes nothing."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from fairshot.core.arrays import Floats
from fairshot.learning.content import ContentEncoder, fit_content, words

Record = dict[str, Any]
SPACE = ["rocket", "planet", "orbit", "galaxy", "comet", "lunar"]
FOOD = ["pasta", "basil", "oven", "butter", "garlic", "flour"]


def world(n: int = 40) -> tuple[list[Record], Floats, Floats]:
    """Items of two sorts, whose trained vectors point in two directions; the last of each has no feedback."""
    rng = np.random.default_rng(0)
    records, vectors = [], []
    for number in range(n):
        theme, label = (SPACE, "Sci-Fi") if number % 2 == 0 else (FOOD, "Cooking")
        records.append({"title": " ".join(rng.choice(theme, 3)), "labels": [label]})
        vectors.append(rng.normal(0, 0.1, 6) + (np.eye(6)[0] if number % 2 == 0 else np.eye(6)[1]) * 2)
    evidence = np.full(n, 5.0, dtype=np.float32)
    evidence[-2:] = 0
    return records, np.array(vectors, dtype=np.float32), evidence


def cosine(a: Floats, b: Floats) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("fields", [("title", "labels"), ("title",), ("labels",), ("text",)])
def test_an_item_without_feedback_gets_a_vector_near_its_like(fields):
    records, vectors, evidence = world()
    for record in records:
        record["text"] = record["title"]
    records = [{name: record[name] for name in fields} for record in records]
    encoder = fit_content(records, vectors, evidence, 8)
    even, odd = encoder.encode(records[-2:])
    assert np.isfinite([even, odd]).all()
    assert cosine(even, vectors[:-2:2].mean(axis=0)) > 0.8
    assert cosine(odd, vectors[1:-2:2].mean(axis=0)) > 0.8
    assert cosine(even, odd) < 0.5


def test_given_embeddings_are_used_as_they_are():
    rng = np.random.default_rng(1)
    given_embeddings = rng.normal(size=(30, 5))
    matrix = rng.normal(size=(5, 4))
    vectors = (given_embeddings @ matrix).astype(np.float32)
    records: list[Record] = [{"title": "same", "embedding": row.tolist()} for row in given_embeddings]
    encoder = fit_content(records, vectors, np.full(30, 50.0, np.float32), 8)
    told = encoder.encode(records)
    # The map is linear in what was given, and finds the planted one.
    assert np.allclose(told, vectors, atol=0.15)
    new = rng.normal(size=5)
    a, b = encoder.encode([{"title": "one thing", "embedding": new.tolist()}, {"embedding": new.tolist()}])
    assert a.tobytes() == b.tobytes()
    assert np.allclose(a, new @ matrix, atol=0.3)


def test_items_that_say_the_same_get_the_same_vector_whoever_stands_beside_them():
    records, vectors, evidence = world()
    encoder = fit_content(records, vectors, evidence, 8)
    alone = encoder.encode(records[:1])[0]
    assert np.allclose(encoder.encode([records[1], records[0], {}])[1], alone, atol=1e-6)


def test_an_embedding_of_a_length_nobody_has_falls_back_to_the_words():
    records, vectors, evidence = world()
    encoder = fit_content(records, vectors, evidence, 8)
    plain, with_embedding = encoder.encode([records[0], {**records[0], "embedding": [1.0, 2.0, 3.0]}])
    assert plain.any()
    assert np.allclose(with_embedding, plain, atol=1e-6)


def test_words_have_a_map_even_where_every_known_item_brings_an_embedding():
    records, vectors, evidence = world()
    given_records = [{**record, "embedding": [1.0 if n % 2 else 0.0, 1.0]} for n, record in enumerate(records)]
    encoder = fit_content(given_records, vectors, evidence, 8)
    (told,) = encoder.encode([records[-2]])
    assert cosine(told, vectors[:-2:2].mean(axis=0)) > 0.8


NOTHING: list[Record] = [
    {},
    {"title": None, "text": None, "labels": None},
    {"title": "", "labels": []},
    {"title": "?!", "text": " "},
    {"title": "unheardof"},
    {"embedding": [0.0, 0.0]},
    {"embedding": None},
]


@pytest.mark.parametrize("record", NOTHING, ids=str)
def test_a_record_that_says_nothing_readable_has_no_vector(record):
    records, vectors, evidence = world()
    encoder = fit_content(records, vectors, evidence, 8)
    assert not encoder.encode([record]).any()
    assert encoder.encode([record, records[0]])[1].any()


@pytest.mark.parametrize(
    "records", [[], [{}], [{}, {}], [{"title": "a"}], [{"title": "one"}, {"title": "two"}]], ids=str
)
def test_a_catalogue_of_next_to_nothing_is_no_failure(records):
    encoder = fit_content(records, np.ones((len(records), 3), np.float32), np.ones(len(records), np.float32), 64)
    told = encoder.encode([*records, {"title": "one"}, {"embedding": [1.0]}])
    assert told.shape == (len(records) + 2, 3)
    assert np.isfinite(told).all()
    assert same(encoder, reloaded(encoder), records)


def test_two_items_with_a_book_each_cost_no_more_than_their_words():
    books = [{"text": " ".join(f"word{n}x{book}" for n in range(8000))} for book in range(2)]
    encoder = fit_content(books, np.eye(2, 3, dtype=np.float32), np.ones(2, np.float32), 64)
    assert encoder.components.nbytes < 10_000_000
    told = encoder.encode(books)
    assert cosine(told[0], told[1]) < 0.9


def test_nobody_with_feedback_means_no_map_and_no_vectors():
    records, vectors, _ = world()
    encoder = fit_content(records, vectors, np.zeros(len(records), np.float32), 8)
    assert not encoder.maps
    assert not encoder.encode(records).any()


def test_each_label_is_one_word_whatever_it_holds():
    labels = [
        "Sci-Fi",
        "Sci Fi!",
        "sci-x",
        "Children's",
        "children",
        "★",
        "♥",
        "日本",
        "a.b",
        "ab",
        "x",
        "C++",
        "C#",
        "C",
    ]
    found = {words({"labels": [label]}).strip() for label in labels}
    assert len(found) == len(labels)
    records: list[Record] = [{"labels": [label]} for label in labels]
    encoder = fit_content(records, np.eye(len(labels), dtype=np.float32), np.full(len(labels), 9.0, np.float32), 64)
    assert encoder.vectorizer is not None
    assert len(encoder.vectorizer.vocabulary_) == len(labels)
    assert (encoder.encode(records).argmax(axis=1) == np.arange(len(labels))).all()


def test_a_label_is_not_its_word_in_a_title():
    assert set(words({"labels": ["drama"]}).split()).isdisjoint(words({"title": "drama"}).split())


def reloaded(encoder: ContentEncoder) -> ContentEncoder:
    tensors, description = encoder.dump()
    for tensor in tensors.values():
        assert tensor.dtype.kind == "f"
    return ContentEncoder.load(load(save(tensors)), json.loads(json.dumps(description)))


def same(one: ContentEncoder, other: ContentEncoder, records: list[Record]) -> bool:
    return one.encode(records).tobytes() == other.encode(records).tobytes()


texts = st.text(st.characters(codec="utf-8"), max_size=12)
records_given = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "title": texts | st.sampled_from(["planet orbit", "pasta basil"]),
            "text": texts,
            "labels": st.lists(texts, max_size=3),
            "embedding": st.sampled_from([None, [1.0, 0.0], [0.5, -2.0], [3.0]]),
        },
    ),
    min_size=1,
    max_size=12,
)


@given(records_given, records_given)
@settings(max_examples=40)
def test_a_stored_encoder_encodes_the_same_bit_by_bit(records, others):
    rng = np.random.default_rng(len(records))
    vectors = rng.normal(size=(len(records), 4)).astype(np.float32)
    evidence = rng.integers(0, 3, len(records)).astype(np.float32)
    encoder = fit_content(records, vectors, evidence, 8)
    told = encoder.encode(others)
    assert told.dtype == np.float32
    assert np.isfinite(told).all()
    assert same(encoder, reloaded(encoder), [*records, *others])


def test_the_same_records_give_the_same_encoder_bit_by_bit():
    records, vectors, evidence = world()
    one, other = (fit_content(records, vectors, evidence, 8).dump()[0] for _ in range(2))
    assert {name: tensor.tobytes() for name, tensor in one.items()} == {
        name: tensor.tobytes() for name, tensor in other.items()
    }
