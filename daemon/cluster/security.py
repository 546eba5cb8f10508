"""TLS between the daemon, the scheduler and the painters, by Dask's own means.

Each side proves by a certificate that it belongs to the cluster, and nothing goes over the network
in the clear. Without it whoever reaches the scheduler may have painters, and the daemon, run
whatever he likes.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from distributed import Security

from daemon.errors import SettingsError
from daemon.names import printable
from daemon.settings import ClusterSettings

_TLS: Final = "tls://"


def security(settings: ClusterSettings) -> Security | None:
    """How to speak to the scheduler.

    Args:
        settings: of the cluster.

    Returns:
        None: as anybody may.

    Raises:
        SettingsError: the certificates and the scheduler's address contradict one another, or the
            certificates cannot be used; says which.
    """
    files = {name: getattr(settings, name) for name in ("tls_ca", "tls_cert", "tls_key")}
    named = {name: file for name, file in files.items() if file is not None}
    is_tls = (settings.scheduler or "").startswith(_TLS)
    if not named and not is_tls:
        return None
    if unset := [f"cluster.{name}" for name in files if name not in named]:
        raise SettingsError(
            f"{_in_words(unset)} {'is' if len(unset) == 1 else 'are'} not set: for an encrypted "
            "connection (tls://) tls_ca, tls_cert and tls_key are all needed. docs/cluster.md says "
            "how to make them."
        )
    if not is_tls:
        raise SettingsError(
            f"cluster.scheduler has to begin with {_TLS} where there are certificates: without "
            "that nothing would be encrypted."
        )
    _check(named["tls_ca"], named["tls_cert"], named["tls_key"])
    return Security(
        require_encryption=True,
        tls_ca_file=str(named["tls_ca"]),
        **{
            f"tls_{side}_{part}": str(named[f"tls_{part}"])
            for side in ("client", "worker", "scheduler")
            for part in ("cert", "key")
        },
    )


def _check(ca: Path, cert: Path, key: Path) -> None:
    """Read them, so that it is said now, and not at each attempt to connect.

    Raises:
        SettingsError: one cannot be used.
    """
    files = {"tls_ca": ca, "tls_cert": cert, "tls_key": key}
    gone = {name: printable(file) for name, file in files.items() if _is_gone(file)}
    if missing := [f"{file} (cluster.{name})" for name, file in gone.items()]:
        raise SettingsError(
            f"The certificates of the cluster cannot be used: {_in_words(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not there. docs/cluster.md says how to make "
            "them."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(ca)
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(printable(path) for path in (ca, cert, key))
        raise SettingsError(
            f"The certificates of the cluster cannot be used ({error.strerror or error}): see "
            f"whether {names} are there, may be read, and belong together."
        ) from error


def _is_gone(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # somebody may not look: that is another fault
        return False
    return False


def _in_words(things: list[str]) -> str:
    """All of them: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(things[:-1]), things[-1]]))
