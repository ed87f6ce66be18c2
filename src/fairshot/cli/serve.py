"""`fairshot serve`: the HTTP service and its worker."""

from typing import Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, DataDirectory


def serve(
    folder: DataDirectory = DEFAULT_DATA,
    host: Annotated[str | None, typer.Option(help="Where to listen.", show_default="as configured")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any free one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="API processes.", show_default="as configured")] = None,
) -> None:
    """Serve a data directory over HTTP, with a worker beside it that trains and writes checkpoints.

    Prints its address when it is ready; ends with Ctrl-C or SIGTERM. Without keys it listens to this
    machine only.

    Examples:
      fairshot serve
      fairshot keys create shop --scope serve && fairshot serve --host 0.0.0.0 --port 8080
    """
    from fairshot.service.supervisor import serve as run

    raise typer.Exit(run(folder, host, port, workers))
