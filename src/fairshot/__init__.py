"""fairshot: a recommender for two sides, a feed worth people's time and a fair chance for every creator."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairshot.app import App

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(folder: str = "fairshot-data", **options: Any) -> "App":  # noqa: A001  fairshot.open is its name
    """Open a data directory as an application, made where it is new; see `fairshot.app.open_app`."""
    # Imported here so that `fairshot.algorithms` alone loads in a moment.
    from fairshot.app import open_app

    return open_app(folder, **options)
