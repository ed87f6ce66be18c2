"""The supervisor: one service a directory, clear words where it cannot start, and a clean end."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from fairshot.core.errors import ConfigError, FairshotError
from fairshot.service.process import ServiceProcess, start_service
from fairshot.service.supervisor import ServiceError, only_one, reserved, serve


def children(pid: int) -> list[int]:
    table = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()[1:]]
    return [int(child) for child, parent in rows if int(parent) == pid]


def alive(pid: int) -> bool:
    # An ended process stays in the table until it is reaped, which may take its new parent long.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip()[:1] not in ("", "Z")


def wait_for(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_worker(pid: int) -> bool:
    line = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return "fairshot.service.worker" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_within_seconds(data: Path, number: signal.Signals) -> None:
    service = start_service(data)
    family = children(service.process.pid)
    assert len(family) == 2
    # A connection that is kept alive must not keep the service alive.
    with httpx.Client(base_url=service.address) as client:
        client.get("/healthz").raise_for_status()
        started = time.monotonic()
        os.kill(service.process.pid, number)
        assert service.process.wait(15) == 0
        assert time.monotonic() - started < 10
    wait_for(lambda: not any(map(alive, family)), 10)
    service.stop()


def test_ctrl_c_reaches_every_process_of_a_terminal(data: Path) -> None:
    service = start_service(data)
    os.killpg(service.process.pid, signal.SIGINT)
    assert service.process.wait(15) == 0
    service.stop()


def test_what_was_under_way_is_answered(data: Path) -> None:
    service = start_service(data)
    with socket.create_connection(("127.0.0.1", int(service.address.rpartition(":")[2]))) as connection:
        body = b'{"user_id": "u"}'
        head = "POST /v1/feed HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
        connection.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body[:5])
        time.sleep(0.5)
        os.kill(service.process.pid, signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[5:])
        connection.settimeout(15)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert service.stop() == 0


def test_a_dead_worker_and_a_dead_api_process_come_back(data: Path) -> None:
    with start_service(data) as service:
        family = children(service.process.pid)
        for victim in family:
            os.kill(victim, signal.SIGKILL)

        def recovered() -> bool:
            now = children(service.process.pid)
            try:
                ready = httpx.get(f"{service.address}/readyz").status_code == 200
            except httpx.TransportError:
                ready = False
            return ready and len(now) == 2 and not set(now) & set(family) and any(map(is_worker, now))

        wait_for(recovered)


def test_orphans_do_not_stay(data: Path) -> None:
    service = start_service(data)
    family = children(service.process.pid)
    os.kill(service.process.pid, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, family)), 10)
    service.stop()
    with start_service(data) as again:
        httpx.get(f"{again.address}/readyz").raise_for_status()


@pytest.mark.parametrize("arguments", [["worker"], ["jobs", "train"]])
def test_who_was_started_by_what_is_gone_already_ends_at_once(data: Path, arguments: list[str]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    module, *job = arguments
    command = [sys.executable, "-m", f"fairshot.service.{module}", *job, str(data), str(gone.pid)]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 1


def test_a_directory_has_one_service(server: ServiceProcess) -> None:
    with pytest.raises(ServiceError, match="already runs"):
        serve(server.folder, port=0)
    with pytest.raises(FairshotError, match="did not start"):
        start_service(server.folder)


def test_the_lock_goes_with_its_holder(data: Path) -> None:
    with only_one(data), pytest.raises(ServiceError), only_one(data):
        pass
    with only_one(data):
        pass


def test_a_taken_port_is_told(server: ServiceProcess, data: Path) -> None:
    port = int(server.address.rpartition(":")[2])
    with pytest.raises(ServiceError, match=f"port {port}.*choose another --port"):
        serve(data, port=port)


def test_port_0_is_any_free_one() -> None:
    with reserved("127.0.0.1", 0) as port:
        assert port > 1024


@pytest.mark.parametrize("host", ["no such host", "203.0.113.1"])
def test_an_address_of_elsewhere_is_told(host: str) -> None:
    with pytest.raises(ServiceError, match="cannot listen"), reserved(host, 0):
        pass


def test_a_bad_configuration_is_told(data: Path) -> None:
    (data / "fairshot.toml").write_text("[serving]\nprot = 1\n")
    with pytest.raises(ConfigError, match="prot"):
        serve(data, port=0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[pipeline.value]\ncreater = 1\n", "did you mean 'creator'"),
        ("[blenders.random_slot]\nshare = 1.0\n", "blenders.random_slot"),
        ('[pipeline]\nsources = ["no.such.module:Source"]\n', "cannot load the stage"),
    ],
)
def test_a_stage_that_cannot_be_is_told_before_anything_starts(data: Path, text: str, words: str) -> None:
    (data / "fairshot.toml").write_text(text)
    command = [sys.executable, "-m", "fairshot.cli", "serve", "--port", "0", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert words in line


def test_several_api_processes_share_one_log(data: Path) -> None:
    with start_service(data, "--workers", "2") as service:
        receipts = []
        for n in range(30):
            # A new connection each time, so that both processes are met.
            event = {"event_id": f"e{n}", "kind": "like", "user_id": "u", "item_id": f"i{n}"}
            answer = httpx.post(f"{service.address}/v1/events", json={"events": [event]})
            receipts.append(answer.json())
            slate = httpx.post(f"{service.address}/v1/feed", json={"user_id": "u", "after": receipts[-1]["seq"]})
            assert slate.status_code == 200
        assert all(receipt["accepted"] == 1 for receipt in receipts)
        metrics = httpx.get(f"{service.address}/metrics").text
        counted = [line for line in metrics.splitlines() if 'route="/v1/events",status="200"' in line]
        assert counted
        assert counted[0].endswith(" 30.0")
