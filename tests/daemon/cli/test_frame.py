"""The frame of the command line: what it costs, how it ends, and how each error is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from daemon import errors
from daemon.catalogue import catalogue
from daemon.cli import COMMANDS, commands, failures, main, settings_options
from daemon.cli.options import debug_option
from daemon.settings import OutputSettings, PaintSettings
from engine import errors as engine
from tests.daemon.listening import Listener

# PYTHONUNBUFFERED would hide what is left to be written at the end.
EMPTY = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("ATELIERD_") and name != "PYTHONUNBUFFERED"
}


def run(*arguments: str, cwd: Path, code: str = "from daemon.cli import main; main()") -> str:
    """Run the command line in a process of its own; its output."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd, env={**EMPTY, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def ending(error: BaseException, *arguments: str) -> int:
    """The exit status of a command that raises an error."""

    @click.command()
    def command() -> None:
        raise error

    return failures.exit_code_of(debug_option(command), list(arguments))


def test_the_overview_names_every_command_and_imports_none_of_them(tmp_path: Path) -> None:
    code = (
        "import sys, atexit; from daemon.cli import main; "
        "atexit.register(lambda: print('LOADED', *sorted(sys.modules))); main()"
    )
    text, _, loaded = run("--help", cwd=tmp_path, code=code).partition("LOADED")
    for name, meaning in COMMANDS.items():
        assert f"  {name}" in text
        assert meaning in text
    for heavy in (
        "numpy",
        "PIL",
        "mxnet",
        "pydantic",
        "structlog",
        *(f"daemon.cli.{c}" for c in COMMANDS),
    ):
        assert heavy not in loaded.split()
    assert "daemon.cli.failures" in loaded.split()


def test_no_command_is_hidden_from_the_overview() -> None:
    modules = Path(failures.__file__).parent.glob("*.py")
    with_command = {path.stem for path in modules if "\ndef command(" in path.read_text()}
    assert {"config", "init"} <= with_command <= set(COMMANDS)


def test_commands_of_the_settings_import_neither_numpy_nor_mxnet(tmp_path: Path) -> None:
    code = (
        "import sys, atexit; from daemon.cli import main; "
        "atexit.register(lambda: print('LOADED', *sorted(sys.modules))); main()"
    )
    loaded = run("config", cwd=tmp_path, code=code).partition("LOADED")[2].split()
    assert "pydantic" in loaded
    assert not {"numpy", "PIL", "mxnet"} & set(loaded)


SHARE = {f"share.{one}" for one in ("inbox", "outbox", "styles", "originals", "failed", "work")}
PAINT = {f"paint.{name}" for name in PaintSettings.model_fields} - {"paint.default_style"}
OUTPUT = {f"output.{name}" for name in OutputSettings.model_fields} - {"output.format"}
ENGINE = {
    "engine.device", "engine.precision", "engine.threads", "engine.weights", "engine.max_memory",
}  # fmt: skip
HEEDED = {
    "run": set(catalogue()),
    "config": set(catalogue()),
    "stylize": {
        *PAINT, *ENGINE, *OUTPUT, "watch.max_file_mb", "watch.max_megapixels",
    },
    "init": {*SHARE, "share.language"},
    "status": {"state_dir", "share.root", *SHARE, "paint.default_style"},
    "retry": {
        "state_dir", "share.root", *SHARE, "watch.max_file_mb", "watch.max_megapixels",
        "paint.default_style",
    },
    "cancel": {"state_dir", "share.root", *SHARE, "share.language"},
    "clean": {"state_dir", "share.root", *SHARE},
    "doctor": {
        "state_dir", "runner", "share.root", *SHARE, *ENGINE, "engine.devices", "engine.workers",
        "cluster.scheduler", "cluster.tls_ca", "cluster.tls_cert", "cluster.tls_key",
    },
    "completion": set(),
    "worker": {
        "state_dir", *ENGINE,
        "engine.devices", "engine.workers", "engine.first_look", "engine.style_cache",
        "engine.checkpoint_seconds",
        "cluster.scheduler", "cluster.tls_ca", "cluster.tls_cert", "cluster.tls_key",
        *(key for key in catalogue() if key.startswith("log.")),
    },
    "weights fetch": {"engine.weights"},
    "weights import": {"engine.weights"},
    "weights verify": {"engine.weights"},
}  # fmt: skip
"""The settings that each command does something with."""


def offered(name: str) -> set[str]:
    command: click.Command | None = commands
    for part in name.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), part)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    return {key for key, setting in catalogue().items() if setting.option in options}


@pytest.mark.parametrize("name", HEEDED)
def test_a_command_takes_the_settings_that_it_heeds_and_no_others(name: str) -> None:
    assert offered(name) == HEEDED[name]


def helped(name: str, option: str) -> tuple[str | None, str]:
    """What the help calls an option's value, and what it says of it."""
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    (found,) = (one for one in command.params if option in one.opts)
    assert isinstance(found, click.Option)
    return found.metavar, found.help or ""


@pytest.mark.parametrize(
    ("command", "option"),
    [("worker", "--cluster.tls_ca"), ("run", "--cluster.tls_key"), ("run", "--metrics.file")],
)
def test_a_file_is_called_one(command: str, option: str) -> None:
    assert helped(command, option)[0] == "FILE"
    assert helped(command, "--state_dir")[0] == "DIR"


def test_a_painter_is_not_promised_to_paint_without_a_scheduler() -> None:
    assert "unset: painters on this machine" in helped("run", "--cluster.scheduler")[1]
    assert helped("worker", "--scheduler")[1] == (
        "Address of Dask's scheduler, such as tcp://painters:8786."
    )


def test_no_command_is_left_out_of_that() -> None:
    assert {name.split()[0] for name in HEEDED} == set(COMMANDS)


@pytest.mark.parametrize("name", ["paint.sise", "colours"])
def test_settings_that_are_none_cannot_be_offered(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings_options(name)
    with pytest.raises(ValueError, match=name):
        settings_options(without=[name])
    with pytest.raises(ValueError, match=name):
        settings_options("paint", short={name: "--name"})


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    name, version = capsys.readouterr().out.split()
    assert name == "atelierd"
    assert version[0].isdigit()


def test_a_program_that_nobody_installed_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    told = capsys.readouterr()
    assert (ended.value.code, told.err) == (0, "")
    assert told.out == (
        "atelierd unknown version (it runs from its source, and was not installed)\n"
    )


@pytest.mark.parametrize("wrong", [["paint"], ["config", "--no-such-option"], ["init"], []])
def test_a_wrong_command_line_ends_with_2(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == errors.ExitCode.USAGE
    captured = capsys.readouterr()
    assert "Usage: atelierd" in captured.err
    assert not captured.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AtelierError("Say so."), 1),
        (errors.UsageError("Say so."), 2),
        (errors.ShareError("Say so."), 2),
        (errors.AlreadyRunningError("Say so."), 2),
        (errors.NoWeightsError("Say so."), 3),
        (errors.PictureUnreadableError("Say so."), 4),
        (engine.WeightsHashError("Say so."), 3),
        (engine.PictureError("Say so."), 4),
        (engine.RecipeError("Say so."), 2),
        (engine.DivergedError("Say so."), 1),
    ],
)
def test_an_error_on_purpose_is_said_as_it_is(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(error) == code
    captured = capsys.readouterr()
    assert captured.err == "atelierd: Say so.\n"
    assert not captured.out


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (errors.UsageError("Say\nso."), "Say so."),
        (click.BadOptionUsage("--one", "No such option: --one"), "No such option: --one"),
        (ZeroDivisionError("why"), "This is a fault of the program (ZeroDivisionError: why)."),
    ],
)
def test_systemd_is_told_why_its_service_has_ended(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not below tmp_path: the address of a socket may not be long.
    with TemporaryDirectory() as folder, closing(Listener(Path(folder, "socket"))) as listener:
        monkeypatch.setenv("NOTIFY_SOCKET", listener.name)
        assert ending(error) != 0
        (message,) = listener.heard()
    assert list(message) == ["STATUS"]
    assert message["STATUS"].startswith(why)


def test_a_fault_says_what_to_do_and_shows_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(ZeroDivisionError("a\x1b[31m\nb")) == 1
    told = capsys.readouterr().err
    assert "--debug" in told
    assert "ZeroDivisionError" in told
    assert "\x1b" not in told
    assert told.count("\n") == 1


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(ZeroDivisionError("why"), "--debug") == 1
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "test_frame.py" in told


@pytest.mark.parametrize("arguments", [["--debug", "config"], ["config", "--debug"]])
def test_debug_is_meant_wherever_it_stands(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--config", "/no/such/file"])
    assert ended.value.code == errors.ExitCode.USAGE
    assert "Traceback" in capsys.readouterr().err


def test_every_command_takes_debug_and_those_in_groups_too() -> None:
    @click.group()
    def outer() -> None: ...

    @outer.command()
    def inner() -> None: ...

    debug_option(debug_option(outer))
    for command in (outer, inner, commands):
        assert [p.name for p in command.params].count("debug") == 1


def test_a_file_that_cannot_be_used_is_no_fault_of_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "gone\x07").read_bytes()
    assert ending(missing.value) == 1
    told = capsys.readouterr().err
    assert "gone\\x07 cannot be used: No such file or directory" in told
    assert "fault" not in told


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_ends_with_130(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(error) == failures.INTERRUPTED
    assert not capsys.readouterr().err


def test_sigint_ends_a_real_process_with_130_and_in_silence(tmp_path: Path) -> None:
    code = (
        "import click, sys, time\nfrom daemon.cli import failures\n"
        "@click.command()\ndef c():\n    print('here', flush=True)\n"
        # In short naps: a signal that comes just before one is heard only when that is over.
        "    for _ in range(1200): time.sleep(0.05)\n"
        "sys.exit(failures.exit_code_of(c, []))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path,
        env={**EMPTY, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (failures.INTERRUPTED, "")


def test_a_reader_that_left_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "config"], stdout=writer, stderr=subprocess.PIPE,
        cwd=tmp_path, env={**EMPTY, "PYTHONPATH": str(Path(__file__).parents[3])}, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (failures.BROKEN_PIPE, b"")


def test_a_broken_pipe_of_another_kind_is_not_hushed_up(capfd: pytest.CaptureFixture[str]) -> None:
    assert ending(BrokenPipeError(32, "Broken pipe")) == 1
    assert "BrokenPipeError" in capfd.readouterr().err


def test_what_a_command_returns_is_the_exit_status() -> None:
    @click.command()
    def command() -> errors.ExitCode:
        return errors.ExitCode.FAILED

    assert failures.exit_code_of(command, []) == 1
