"""What `atelierd worker` says before it has anything to do with a cluster."""

from __future__ import annotations

import importlib.util

import pytest

from daemon.cli import main


def ending(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int | str | None, str]:
    with pytest.raises(SystemExit) as ended:
        main(["worker", *words])
    return ended.value.code, capsys.readouterr().err


def test_it_wants_to_know_the_scheduler(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ending(capsys)
    assert code == 2
    assert "--scheduler tcp://" in said


def test_a_wrong_address_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ending(capsys, "--scheduler", "painters")
    assert code == 2
    assert "an address such as" in said


def test_without_dask_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "distributed" else find(name)
    )
    code, said = ending(capsys, "--scheduler", "tcp://painters:8786")
    assert code == 2
    assert "extra `cluster`" in said
