"""Published figures recomputed: one module a method, each with ``figures(data) -> list[Figure]``.

``data`` is a folder of data sets, or None. A module that cannot do without one raises
``fairshot.reproductions.figure.MissingData``. Adding a reproduction is adding a file to this folder.
"""

import importlib
import pkgutil
from types import ModuleType


def discover() -> dict[str, ModuleType]:
    """Map the name of every reproduction to its module, in alphabetical order."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name != "figure")
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "figures")}
