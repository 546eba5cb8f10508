"""``atelierd doctor``: its lines and its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.cli import doctor, main
from daemon.errors import ExitCode
from daemon.findings import Finding

ROOT = Path(__file__).resolve().parents[3]
# The doctor's own process must not load what may crash it.
PROGRAM = """
import sys
from daemon.cli import main
try:
    main()
finally:
    assert "mxnet" not in sys.modules
"""
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ATELIERD_")}


def atelierd(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        cwd=cwd, env={**CLEAN, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(cwd / "state")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([], ExitCode.OK),
        (["weights"], ExitCode.WEIGHTS),
        (["folders"], ExitCode.FAILED),
        (["weights", "folders"], ExitCode.FAILED),
    ],
)
def test_the_exit_status_tells_the_weights_from_the_rest(wrong: list[str], code: ExitCode) -> None:
    assert doctor.exit_code(wrong) is code


def test_what_works_and_should_be_known_of_is_named_in_the_end() -> None:
    well, remarked = Finding("device", True, "cpu"), Finding("cluster", True, "open", but=True)
    wrong = Finding("weights", False, "none")
    assert doctor.verdict([well]) == "All is well."
    assert doctor.verdict([well, remarked]) == "All works. Read what is said of: cluster."
    assert doctor.verdict([well, remarked, wrong]) == "To be put right: weights."


def test_more_engines_than_cores_are_remarked_and_no_failure(tmp_path: Path) -> None:
    assert atelierd("init", "share", cwd=tmp_path).returncode == 0
    done = atelierd("doctor", "--engine.device", "cpu", "--engine.workers", "999", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")  # the weights are missing
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("but")]
    assert line.split()[1] == "engines"
    assert "999 engines are wanted" in line


@pytest.mark.weights
def test_all_is_well(weights: Path, tmp_path: Path) -> None:
    assert atelierd("init", "share", cwd=tmp_path).returncode == 0
    done = atelierd("doctor", "--engine.weights", str(weights.parent), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, empty, verdict = done.stdout.splitlines()
    assert (empty, verdict) == ("", "All is well.")
    assert len(lines) == 10
    assert all(line.startswith("ok ") for line in lines)
    assert not (tmp_path / "state").exists()


def test_only_the_weights_are_missing(tmp_path: Path) -> None:
    assert atelierd("init", "share", cwd=tmp_path).returncode == 0
    done = atelierd("doctor", "--engine.device", "cpu", cwd=tmp_path)
    assert done.returncode == 3
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("NOT")] == [
        "weights"
    ]
    assert done.stdout.endswith("To be put right: weights.\n")


def test_wrong_settings_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--engine.device", "abacus"])
    assert ended.value.code == 2
    assert "engine.device" in capsys.readouterr().err
