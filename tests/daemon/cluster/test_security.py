"""Certificates, made by the very commands of docs/cluster.md, and a cluster that has them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from distributed import Client, Scheduler, Security

from daemon.cluster.security import security
from daemon.errors import SettingsError
from daemon.settings import ClusterSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cluster.md"
ADDRESS = "tls://127.0.0.1:8786"
TLS_ALERT = b"\x15"
"""What an alert begins with, sent in the clear before anything is agreed on."""
PATIENCE = 60


def certificates(folder: Path) -> dict[str, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, which is not on this machine")
    (commands,) = re.findall(r"```sh\n(umask 077\nopenssl.*?)```", PAGE.read_text(), re.DOTALL)
    subprocess.run(["sh", "-ec", commands], cwd=folder, check=True, capture_output=True)
    names = {"tls_ca": "ca.pem", "tls_cert": "cluster.pem", "tls_key": "cluster.key"}
    return {key: folder / name for key, name in names.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return certificates(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of another cluster."""
    return certificates(tmp_path_factory.mktemp("theirs"))


def guarded(secure: Security) -> Scheduler:
    """A scheduler that knows those with certificates alone."""
    return Scheduler(
        host="127.0.0.1", port=0, protocol="tls", security=secure,
        dashboard=False, dashboard_address=":0",
    )  # fmt: skip


def test_nothing_is_asked_for_where_nothing_is_named() -> None:
    assert security(ClusterSettings(scheduler="tcp://painters:8786")) is None


def test_whoever_has_the_certificates_joins(files: dict[str, Path]) -> None:
    secure = security(ClusterSettings(scheduler=ADDRESS, **files))

    async def join() -> int:
        scheduler = guarded(secure)
        async with scheduler, Client(scheduler.address, security=secure, asynchronous=True):
            return len(scheduler.clients)

    assert asyncio.run(join()) >= 1


def test_whoever_has_those_of_another_cluster_speaks_to_no_scheduler_of_ours(
    files: dict[str, Path], others: dict[str, Path]
) -> None:
    ours, theirs = (
        security(ClusterSettings(scheduler=ADDRESS, **each)) for each in (files, others)
    )

    async def join() -> None:
        async with guarded(ours) as scheduler:
            await Client(scheduler.address, security=theirs, asynchronous=True, timeout=PATIENCE)

    with pytest.raises(OSError, match="TLS certificate does not match") as refused:
        asyncio.run(join())
    assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)


def heard_from(ours: dict[str, Path], secretly: ssl.SSLContext | None) -> bytes:
    """The first byte of what a scheduler says to whoever is connected, whatever he thinks of it."""

    async def hear() -> bytes:
        async with guarded(security(ClusterSettings(scheduler=ADDRESS, **ours))) as scheduler:
            host, port = scheduler.address.removeprefix("tls://").rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port), ssl=secretly)
            try:
                if secretly is None:
                    writer.write(b"a hello that is none\n")
                return await asyncio.wait_for(reader.read(1), PATIENCE)
            finally:
                writer.close()

    return asyncio.run(hear())


def stranger(shown: dict[str, Path] | None) -> ssl.SSLContext:
    """Believes any scheduler, and shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if shown is not None:
        context.load_cert_chain(shown["tls_cert"], shown["tls_key"])
    return context


def test_a_scheduler_speaks_to_no_stranger(files: dict[str, Path], others: dict[str, Path]) -> None:
    assert heard_from(files, stranger(files))
    for shown in (others, None):
        with pytest.raises(ssl.SSLError, match="ALERT"):
            heard_from(files, stranger(shown))


def test_nor_to_whoever_does_not_encrypt(files: dict[str, Path]) -> None:
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        heard = heard_from(files, None)
    assert heard in {b"", TLS_ALERT}


def test_the_key_has_to_belong_to_the_certificate(
    files: dict[str, Path], others: dict[str, Path]
) -> None:
    mixed = {**files, "tls_key": others["tls_key"]}
    with pytest.raises(SettingsError, match="belong together"):
        security(ClusterSettings(scheduler=ADDRESS, **mixed))


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (["tls_cert"], "/c/tls_cert (cluster.tls_cert) is not there"),
        (
            ["tls_key", "tls_ca"],
            "/c/tls_ca (cluster.tls_ca) and /c/tls_key (cluster.tls_key) are not there",
        ),
    ],
)
def test_all_missing_files_are_named(files: dict[str, Path], gone: list[str], said: str) -> None:
    changed = {**files, **{name: Path("/c") / name for name in gone}}
    with pytest.raises(SettingsError, match=re.escape(said)):
        security(ClusterSettings(scheduler=ADDRESS, **changed))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ([], "cluster.tls_ca, cluster.tls_cert and cluster.tls_key are not set"),
        (["tls_cert"], "cluster.tls_ca and cluster.tls_key are not set"),
        (["tls_ca", "tls_cert"], "cluster.tls_key is not set"),
    ],
)
def test_an_encrypted_address_needs_all_three_certificates(named: list[str], said: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(said)}"):
        security(ClusterSettings(scheduler=ADDRESS, **{name: Path("x.pem") for name in named}))


def test_certificates_need_an_encrypted_address(files: dict[str, Path]) -> None:
    with pytest.raises(SettingsError, match="nothing would be encrypted"):
        security(ClusterSettings(scheduler="tcp://painters:8786", **files))
