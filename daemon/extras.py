"""Parts of the program that have to be installed on purpose."""

from __future__ import annotations

import importlib.util
from typing import Final

from daemon.errors import SettingsError

_NO_CLUSTER: Final = (
    "Painters on other machines need Dask, which is not installed. Install atelierd with the extra "
    "`cluster`, or make it with CLUSTER=1 (docs/cluster.md)."
)


def require_cluster() -> None:
    """See that what painters on other machines need is there.

    Raises:
        SettingsError: it is not.
    """
    if importlib.util.find_spec("distributed") is None:
        raise SettingsError(_NO_CLUSTER)
