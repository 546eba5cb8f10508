"""Requests beside the journal: what their names say, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.errors import RequestError
from daemon.requests import FOLDER, Requests


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    requests = Requests(tmp_path)
    assert requests.offer() == tmp_path / FOLDER
    return requests


def test_a_request_stays_until_it_is_heeded(requests: Requests, tmp_path: Path) -> None:
    requests.cancel("abc")
    requests.cancel("abc")  # asked twice is asked once
    requests.cancel("0123")
    assert Requests(tmp_path).waiting() == ["0123", "abc"]
    requests.heeded("abc")
    requests.heeded("abc")
    assert requests.waiting() == ["0123"]
    assert (tmp_path / FOLDER / "0123.cancel").read_bytes() == b""
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700


def test_what_is_no_request_is_left_alone(requests: Requests, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    for name in ("notes.txt", ".cancel", "a b.cancel", "x.cancel.tmp", "x.cancel~"):
        (folder / name).write_text("cancel everything")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    assert requests.waiting() == []
    assert len(list(folder.iterdir())) == 7


def test_what_lies_in_a_request_means_nothing(requests: Requests, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FOLDER / "pipe.cancel")  # nobody may wait for somebody to write into it
    (tmp_path / FOLDER / "link.cancel").symlink_to("/dev/zero")
    assert requests.waiting() == ["link", "pipe"]
    for name in requests.waiting():
        requests.heeded(name)
    assert requests.waiting() == []


def test_a_request_that_cannot_be_removed_is_said_once(requests: Requests, tmp_path: Path) -> None:
    (tmp_path / FOLDER / "abc.cancel").mkdir()
    with capture_logs() as logs:
        requests.heeded("abc")
        requests.heeded("abc")
    assert [line["event"] for line in logs] == ["request.trouble"]


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a" * 65, "ä", "a\n"])
def test_what_can_be_no_job_is_refused(requests: Requests, name: str) -> None:
    with pytest.raises(RequestError):
        requests.cancel(name)
    assert requests.waiting() == []


def test_nobody_is_asked_where_no_service_was(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be asked"):
        Requests(tmp_path).cancel("abc")
    assert list(tmp_path.iterdir()) == []
    assert Requests(None).waiting() == []
    assert Requests(None).offer() is None


def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / FOLDER).symlink_to("elsewhere")
    requests = Requests(tmp_path)
    with pytest.raises(RequestError):
        requests.cancel("abc")
    with capture_logs() as logs:
        assert requests.waiting() == []
    assert [line["event"] for line in logs] == ["request.trouble"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_somebody_removed_is_made_again(requests: Requests, tmp_path: Path) -> None:
    (tmp_path / FOLDER).rmdir()
    assert requests.waiting() == []
    requests.cancel("abc")
    assert requests.waiting() == ["abc"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file")
    with capture_logs() as logs:
        assert Requests(tmp_path).offer() is None
    assert [line["event"] for line in logs] == ["request.trouble"]
