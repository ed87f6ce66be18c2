"""A client that keeps the ledger: what it sent and what was acknowledged, while the service dies under it.

python ledger_client.py PORT LEDGER. Lines: `S batch` before sending, `A batch accepted duplicate` after the
acknowledgement, `U batch` where the connection broke. Every second broken batch is sent again until it is
acknowledged, with the same ids. Feeds and records are asked for in between. Ends with SIGTERM.
"""

import json
import os
import signal
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from types import FrameType
from typing import Any

SIZES = (1, 1, 20, 200)
ITEMS = 100
ending = threading.Event()


def events(batch: str, size: int) -> list[dict[str, Any]]:
    """The events of a batch; their ids follow from its name."""
    return [
        {
            "event_id": f"{batch}-{k}",
            "kind": ("like", "view")[k % 2],
            "user_id": f"u{k % 40}",
            "item_id": f"i{k % ITEMS}",
        }
        for k in range(size)
    ]


class Client(threading.Thread):
    """One connection, opened anew after each failure."""

    def __init__(self, number: int, port: int, ledger: int) -> None:
        super().__init__()
        self.number = number
        self.port = port
        self.ledger = ledger
        self.connection = HTTPConnection("127.0.0.1", port, timeout=20)

    def run(self) -> None:
        for n in range(10**9):
            if ending.is_set():
                return
            size = SIZES[(self.number + n) % len(SIZES)]
            self.deliver(f"{self.number}.{n}.{size}", size, again=n % 2 == 0)
            if n % 3 == 0:
                self.post("/v1/feed", {"user_id": f"u{n % 40}", "limit": 10})
            if n % 10 == 0:
                self.post("/v1/items", {"items": [{"id": f"i{n % ITEMS}", "creator_id": "c", "title": f"{n}"}]})

    def deliver(self, batch: str, size: int, *, again: bool) -> None:
        self.note(f"S {batch}")
        while not ending.is_set():
            answer = self.post("/v1/events", {"events": events(batch, size)})
            if answer is not None:
                self.note(f"A {batch} {answer['accepted']} {answer['duplicate']}")
                return
            self.note(f"U {batch}")
            if not again:
                return

    def post(self, path: str, body: Any) -> dict[str, Any] | None:
        """The answer; None where the connection broke or the service said that it cannot now."""
        try:
            self.connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException):
            self.connection.close()
            time.sleep(0.02)
            return None
        if answer.status == 503:
            return None
        if answer.status != 200:
            self.note(f"E {answer.status} {text!r:.200}")
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def note(self, line: str) -> None:
        os.write(self.ledger, (line + "\n").encode())


def end(_signal: int, _frame: FrameType | None) -> None:
    ending.set()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    ledger = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    clients = [Client(number, int(sys.argv[1]), ledger) for number in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
