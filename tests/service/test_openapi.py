"""The description of the interface is true: a machine that reads it finds nothing else than it says."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from fairshot.service.process import ServiceProcess, start_service
from fairshot.service.routes import ROUTES

# A record that breaks the schema is named in the receipt and the rest of its call is kept: that is the
# promise, so for these routes alone "200" is no acceptance of it.
INGESTING = [
    route.opt["operation"].path
    for route in ROUTES
    if route.opt["operation"].path in ("/v1/items", "/v1/creators", "/v1/users", "/v1/events", "/v1/moderation")
]
CONFIG = """
[checks]
# 503 is what a feed request may end with that waits for a log number of the future.
not_a_server_error.expected-statuses = ["2xx", "4xx", "503"]
""" + "".join(
    f'\n[[operations]]\ninclude-path = "{path}"\ninclude-method = "POST"\n'
    "checks.negative_data_rejection.enabled = false\n"
    for path in sorted(set(INGESTING))
)


def explore(folder: Path, address: str, phases: str, examples: int) -> subprocess.CompletedProcess[str]:
    """Schemathesis against a service; examples: for each operation."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    command = [
        *[str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml", "run"],
        *[f"{address}/openapi.json", "--phases", phases, "--max-examples", str(examples)],
        *["--seed", "1", "--continue-on-failure", "--no-color", "--warnings", "off"],
        # Characters of many bytes could make a valid length in characters an invalid one in bytes.
        *["--generation-codec", "ascii", "--generation-database", "none"],
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_nothing_but_what_is_described(data: Path, tmp_path: Path) -> None:
    with start_service(data) as service:
        found = explore(tmp_path, service.address, "examples,coverage,fuzzing", 8)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]


@pytest.mark.soak
def test_nothing_but_what_is_described_for_long(data: Path, tmp_path: Path) -> None:
    with start_service(data) as service:
        found = explore(tmp_path, service.address, "examples,coverage,fuzzing,stateful", 300)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]


def test_the_description_lists_every_route_and_its_scopes(server: ServiceProcess) -> None:
    described = httpx.get(f"{server.address}/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    for route in ROUTES:
        operation = route.opt["operation"]
        entry = described["paths"][operation.path][operation.method.lower()]
        assert entry.get("x-scopes", []) == sorted(operation.scopes)
        assert set(entry["responses"]) == {"200", *map(str, operation.statuses)}
    assert described["components"]["schemas"]["Item"]["required"] == ["id", "creator_id"]
    assert described["components"]["schemas"]["Event"]["additionalProperties"] is False
