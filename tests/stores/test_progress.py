"""How far the log is, and the keys beside it: told without reading the log."""

import pytest

from fairshot.core.errors import ConfigError
from fairshot.core.events import Draft, Kind
from fairshot.stores.keys import SCOPES, Keys
from fairshot.stores.progress import Progress


def test_progress_counts_reactions_and_finds_the_last_training(log):
    progress = Progress(log.path)
    assert (progress.head(), progress.trained(), progress.has_feedback(1)) == (0, 0, False)
    like = [Draft(kind=Kind.FEEDBACK, at=1, id=f"e{n}", action="like", user="u", item="i") for n in range(3)]
    log.append([*like, Draft(kind=Kind.FOLLOW, at=1, user="u", creator="c")])
    assert progress.has_feedback(3)
    assert not progress.has_feedback(4)
    log.append([Draft(kind=Kind.VERDICT, at=1, id=f"verdict/2026{n}", data={}) for n in range(2)])
    assert progress.trained() == progress.head() == 6
    log.append([Draft(kind=Kind.FEEDBACK, at=1, id="verdict/9999", action="like", user="u", item="i")])
    assert progress.trained() == 6, "an event of a client is no training"
    assert progress.has_feedback(4)
    progress.close()


def test_a_key_is_known_by_its_digest_alone_and_until_it_is_revoked(log):
    keys, elsewhere = Keys(log.path), Keys(log.path)
    assert not keys.any()
    key, secret = keys.create("n", ["serve", "ingest", "serve"])
    assert key.scopes == ("serve", "ingest")
    assert secret.encode() not in log.path.read_bytes()
    found = elsewhere.find(secret)
    assert found is not None
    assert found.id == key.id
    for wrong in (secret[:-1], secret + "x", "", "\ud800", secret.upper()):
        assert elsewhere.find(wrong) is None
    assert keys.revoke(key.id)
    assert not keys.revoke(key.id)
    assert elsewhere.find(secret) is None
    assert elsewhere.any(), "ending the last key must not open the door"
    assert [known.revoked is not None for known in elsewhere.list()] == [True]
    keys.close()
    elsewhere.close()


@pytest.mark.parametrize("scopes", [[], ["root"], ["serve", ""], ["Serve"]])
def test_a_key_has_known_scopes(log, scopes):
    keys = Keys(log.path)
    with pytest.raises(ConfigError, match=SCOPES[0]):
        keys.create("n", scopes)
    assert not keys.any()
    keys.close()
