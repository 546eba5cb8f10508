"""The share that most tests here use together: to start a daemon anew for each takes too long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

# Before they are imported: their assertions are to say what they saw.
pytest.register_assert_rewrite("tests.shares.house", "tests.shares.smb_share")

from tests.shares.house import HASTY, House, apart, built  # noqa: E402
from tests.shares.smb_share import Samba, serving  # noqa: E402


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """A share whose daemon has much patience; each test has a style of its own there."""
    with built(apart()) as house:
        house.open()
        yield house
        house.close()


@pytest.fixture(scope="package")
def samba(house: House) -> Iterator[Samba]:
    """The same share over the network."""
    with serving(house) as samba:
        yield samba


@pytest.fixture(scope="package")
def hasty() -> Iterator[House]:
    """Another share, whose service gives up soon, and takes two seconds for a slow style."""
    with built(apart(), HASTY) as house:
        house.open("--paint.iterations", "120")
        yield house
        house.close()


@pytest.fixture(scope="package")
def hasty_samba(hasty: House) -> Iterator[Samba]:
    """The same share over the network."""
    with serving(hasty) as samba:
        yield samba
