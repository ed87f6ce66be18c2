"""`fairshot demo`: real data in, trained, served, and a page to look at."""

import json
import os
import signal
import sys
import urllib.request
import webbrowser
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairshot.cli.options import DataDirectory
from fairshot.core.errors import FairshotError

if TYPE_CHECKING:
    from fairshot.importing.run import Sink

DATA_SET = "ml-100k"
_PERSON = "196"


def demo(
    folder: DataDirectory = Path("fairshot-demo"),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any free one.", show_default="as configured")
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="No page: ask the service for one slate, print it as JSON, and end.")
    ] = False,
) -> None:
    """Fetch MovieLens 100K, import it, train on it, serve it and open the page.

    What is already there is used again, so a second start takes seconds. Ends with Ctrl-C.

    Examples:
      fairshot demo
      fairshot demo --port 8080
      fairshot demo --smoke
    """
    from fairshot.service.supervisor import serve

    prepare(folder)
    if not smoke:
        raise typer.Exit(serve(folder, None, port, 1, greet))
    visit = Visit()
    with only_stderr():
        status = serve(folder, "127.0.0.1", port or 0, 1, visit)
    visit.report()
    raise typer.Exit(status)


@contextmanager
def only_stderr() -> Iterator[None]:
    """Send what this process and those it starts print to standard error, for the answer is to stand alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def prepare(folder: Path) -> None:
    """Bring the data directory to where it can be served, each step only where it is missing."""
    if (folder / "fairshot.db").exists() and not (folder / DATA_SET).is_dir():
        raise FairshotError(f"{folder} holds other data; name another folder with --data")
    folder.mkdir(parents=True, exist_ok=True)
    if _is_imported(folder) and _is_trained(folder):
        return
    # In a process of its own: the service forks, which is not safe after training has started threads.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(import_and_train, folder).result()


def import_and_train(folder: Path) -> None:
    """Fetch and import what is not imported, train where nothing was trained."""
    import fairshot
    from fairshot.cli.output import progress, tell
    from fairshot.datasets import prepare as prepare_files

    with fairshot.open(str(folder)) as app:
        if not _is_imported(folder):
            with progress(DATA_SET) as report:
                prepared = prepare_files(DATA_SET, folder / DATA_SET, report)
            tell(prepared.licence, style="yellow")
            _import(prepared.files, app.submit)
            _imported(folder).touch()
        if not _is_trained(folder):
            with progress("training") as report:
                app.train(report)
        app.checkpoint()


def _imported(folder: Path) -> Path:
    """Marks that the import went through."""
    return folder / DATA_SET / "imported"


def _is_imported(folder: Path) -> bool:
    return _imported(folder).exists()


def _is_trained(folder: Path) -> bool:
    from fairshot.stores.progress import Progress

    log = Progress(folder / "fairshot.db")
    try:
        return log.trained() > 0
    finally:
        log.close()


def _import(files: tuple[Path, ...], sink: "Sink") -> None:
    from fairshot.cli.output import progress, tell
    from fairshot.importing.run import import_file, plan

    for file in files:
        planned = plan(file, None, {}, {})
        with progress("importing") as report:
            done = import_file(planned, sink, progress=partial(report, planned.kind))
        tell(f"{planned.kind}: {done.accepted} accepted, {done.duplicate} there already")


def greet(address: str) -> None:
    """Say where the page is and how a program talks to the service; open the page where there is a screen."""
    from fairshot.cli.output import tell

    post = "-H 'Content-Type: application/json' -d"
    tell(f"\nThe page: {address}")
    tell("Or, from another terminal:")
    event = '{"events": [{"event_id": "demo-1", "kind": "love", "user_id": "196", "item_id": "313"}]}'
    for line in (
        f'curl -s {address}/v1/feed {post} \'{{"user_id": "{_PERSON}", "limit": 5}}\'',
        f"curl -s {address}/v1/events {post} '{event}'",
        f"curl -s {address}/v1/status",
    ):
        tell(f"  {line}")
    tell("Ctrl-C ends it.")
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if screen:
        webbrowser.open(address)


@dataclass(slots=True)
class Visit:
    """One request for a slate, as a client would make it; then the service is told to end."""

    answer: str = ""
    problem: str = "the service ended before it answered"

    def __call__(self, address: str) -> None:
        """Ask for a slate and end the service, whatever came of it."""
        body = json.dumps({"user_id": _PERSON, "limit": 10}).encode()
        request = urllib.request.Request(  # noqa: S310  our own address
            f"{address}/v1/feed", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  our own address
                self.answer = response.read().decode("utf-8")
        except OSError as error:
            self.problem = f"the service did not answer: {error}"
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def report(self) -> None:
        """Print the answer; raises FairshotError where there is none or it holds no slate."""
        if not self.answer:
            raise FairshotError(self.problem)
        if not json.loads(self.answer)["slate"]:
            raise FairshotError(f"the slate is empty: {self.answer}")
        sys.stdout.write(self.answer + "\n")
