"""A log in a new folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.stores.log import Log

KINDS = FeedbackKinds.of({name: FeedbackKind() for name in ("view", "like", "hide")})
OpenLog = Callable[..., Log]


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[OpenLog]:
    """Opens further connections to the same log, each as another process would have it; closed at the end."""
    opened: list[Log] = []

    def another(kinds: FeedbackKinds = KINDS) -> Log:
        opened.append(Log(tmp_path / "log.db", Ids(), kinds))
        return opened[-1]

    yield another
    for log in opened:
        log.close()


@pytest.fixture
def log(open_log: OpenLog) -> Log:
    return open_log()
