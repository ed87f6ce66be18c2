"""`fairshot keys`: API keys and what each may do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory
from fairshot.core.errors import FairshotError

if TYPE_CHECKING:
    from fairshot.stores.keys import Keys


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key, for you to read.", show_default=False)],
    scopes: Annotated[
        list[str],
        typer.Option("--scope", help="What it may do: ingest, serve, moderate, creator, analyst or admin."),
    ],
    folder: DataDirectory = DEFAULT_DATA,
) -> None:
    """Make a key and print it: the only time that it is seen, for only its hash is kept.

    From the first key on, nobody is served without one.

    Examples:
      fairshot keys create shop --scope ingest --scope serve
    """
    from fairshot.cli.output import tell

    with _open(folder) as store:
        key, secret = store.create(name, scopes)
    tell(f"key {key.id} of {key.name}: {', '.join(key.scopes)}; send it as Authorization: Bearer")
    typer.echo(secret)


def list_(folder: DataDirectory = DEFAULT_DATA, as_json: AsJSON = False) -> None:
    """List every key ever made, without the keys themselves.

    Examples:
      fairshot keys list
    """
    from fairshot.cli.output import print_json, print_table
    from fairshot.core.records import iso

    with _open(folder) as store:
        rows = [
            (key.id, key.name, " ".join(key.scopes), iso(key.created), "" if key.revoked is None else iso(key.revoked))
            for key in store.list()
        ]
    columns = ("id", "name", "scopes", "created", "revoked")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="As `fairshot keys list` shows it.", show_default=False)],
    folder: DataDirectory = DEFAULT_DATA,
) -> None:
    """End a key; the next request with it is refused.

    Examples:
      fairshot keys revoke 1f2e3d4c
    """
    with _open(folder) as store:
        if not store.revoke(key):
            raise FairshotError(f"there is no key {key!r} that still holds; see `fairshot keys list`")
    typer.echo(f"{key} is revoked")


@contextmanager
def _open(folder: Path) -> "Iterator[Keys]":
    from fairshot.stores.keys import Keys

    folder.mkdir(parents=True, exist_ok=True)
    store = Keys(folder / "fairshot.db")
    try:
        yield store
    finally:
        store.close()
