"""Each painter of a machine has a folder of its own."""

from __future__ import annotations

from pathlib import Path

from daemon.cluster.hand import own_folder


def test_painters_of_one_machine_have_folders_of_their_own(tmp_path: Path) -> None:
    with own_folder(tmp_path) as first:
        with own_folder(tmp_path) as second:
            assert (first.name, second.name) == ("1", "2")
        with own_folder(tmp_path) as again:
            assert again == second
    with own_folder(tmp_path) as last:
        assert last == first
