"""Fixtures that any test may use."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import settings

from fairshot.service.process import ServiceProcess, start_service

# A loaded machine must not turn a law into a matter of time.
# The same examples in every run, so that a change is judged by itself; `make soak` looks for new ones.
settings.register_profile("fairshot", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("fresh", deadline=None, max_examples=300)
settings.load_profile("fairshot")

QUIET = "[learning]\nleast_examples = 1000000000\n"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service on a free port, shared by the whole run; it holds a small catalogue and never trains."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "fairshot.toml").write_text(QUIET)
    with start_service(folder, log=folder / "service.log") as service:
        items = [
            {"id": f"item{n}", "creator_id": f"creator{n % 7}", "title": f"Title {n}", "labels": [f"label{n % 5}"]}
            for n in range(200)
        ]
        answer = httpx.post(f"{service.address}/v1/items", json={"items": items})
        assert answer.json()["accepted"] == 200, answer.text
        yield service


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A new data directory whose worker never trains."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "fairshot.toml").write_text(QUIET)
    return folder
