"""The Python packages that a plugin depends on."""

from __future__ import annotations

import site
import sys

# Where distributions and virtual environments have packages.
_HOST = ("/site-packages/", "/dist-packages/")


def use_environment(directory: str) -> None:
    """Finds packages in a plugin's own environment.

    As in a virtual environment, what the interpreter has installed is not
    found beside it: two versions of one package would be mixed.

    :param directory: holds packages, as `pip install --target` leaves them
    """
    sys.path[:] = [
        entry
        for entry in sys.path
        # Also what files .pth there have added.
        if not any(part in f"{entry}/" for part in _HOST)
    ]
    # Files .pth in it count, as in any directory of packages.
    site.addsitedir(directory)
