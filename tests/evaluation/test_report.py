"""Reports: two are comparable only where they answer the same question, and it is said where they do not."""

import json
from dataclasses import replace

import msgspec
import pytest
from tests.evaluation.worlds import batch_of

from fairshot.config import load_config
from fairshot.core.errors import FairshotError
from fairshot.core.events import Kind, concatenate
from fairshot.core.ids import Ids
from fairshot.evaluation import Evaluation, Measured, compare, read_report
from fairshot.evaluation.report import fingerprint, worth_of

REPORT = Evaluation(
    protocol="random",
    seed=42,
    k=10,
    data="d",
    config="c",
    people=3,
    figures=[Measured("a", "nDCG@10", 0.5, 0.45, 0.55), Measured("a", "Gini", 0.9)],
)


def test_a_report_written_and_read_again_differs_in_nothing(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(REPORT.document()))
    found = compare(REPORT, read_report(tmp_path / "r.json"))
    assert found.warnings == []
    assert [(c.name, c.change, c.apart) for c in found.changes] == [("nDCG@10", 0, False), ("Gini", 0, None)]


def test_intervals_that_do_not_meet_are_apart():
    better = replace(REPORT, figures=[Measured("a", "nDCG@10", 0.6, 0.56, 0.64), Measured("b", "nDCG@10", 0.1)])
    (change,) = compare(better, REPORT.document()).changes
    assert (change.before, change.now, change.apart) == (0.5, 0.6, True)
    assert change.change == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("protocol", "latest"), ("seed", 1), ("k", 5), ("data", "e"), ("definition", "0"), ("relevance", "liked")],
)
def test_different_questions_are_told(name, value):
    (warning,) = compare(replace(REPORT, **{name: value}), REPORT.document()).warnings
    assert warning.startswith("these figures answer different questions: ")
    assert f"{name} " in warning


def test_another_configuration_is_the_same_question():
    assert compare(replace(REPORT, config="other"), REPORT.document()).warnings == []


@pytest.mark.parametrize("text", ["", "[]", '{"protocol": "random"}', '{"figures": [{"arm": 3}]}'])
def test_what_is_no_report_is_said(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(FairshotError, match=r"r.json is not a report of `fairshot evaluate --json`"):
        read_report(tmp_path / "r.json")


def test_a_fingerprint_knows_the_data_and_not_their_order():
    ids = Ids()
    ids.users.extend([f"u{n}" for n in range(4)])
    ids.items.extend([f"i{n}" for n in range(9)])
    rows = [(int(Kind.FEEDBACK), user, item, 7 * user + item) for user in range(4) for item in range(5)]
    whole = fingerprint(batch_of(rows, {1: 0, 2: 0}), ids)
    assert whole == fingerprint(batch_of(rows[::-1], {2: 0, 1: 0}), ids)
    assert whole != fingerprint(batch_of(rows[1:], {1: 0, 2: 0}), ids)
    assert whole != fingerprint(batch_of(rows, {1: 0}), ids)
    moved = [(kind, user, item, at + 1) for kind, user, item, at in rows]
    assert whole != fingerprint(batch_of(moved, {1: 0, 2: 0}), ids)
    served = batch_of([(int(Kind.SLATE), 0, 1, 3)])
    both = concatenate([batch_of(rows, {1: 0, 2: 0}), served])
    assert whole == fingerprint(both, ids)
    assert fingerprint(batch_of(rows, {1: 0, 2: 0}), ids, slates=True) != fingerprint(both, ids, slates=True)


def test_rewards_in_other_weights_answer_another_question():
    config = load_config(None, {})
    like = msgspec.structs.replace(config.feedback["like"], weight=3.0)
    dearer = msgspec.structs.replace(config, feedback={**config.feedback, "like": like})
    said = worth_of(config.kinds, "served")
    assert "like 1 within 24 h" in said
    assert said != worth_of(dearer.kinds, "served")
    assert said != worth_of(config.kinds, "reported")
