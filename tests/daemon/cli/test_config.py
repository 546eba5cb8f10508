"""``atelierd config``: what it shows can be read, and used."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.catalogue import catalogue
from daemon.cli import main
from daemon.configuration import load
from daemon.settings import Settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shown(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["config", *arguments])
    captured = capfd.readouterr()
    assert (ended.value.code, captured.err) == (0, "")
    return captured.out


def rows(text: str) -> dict[str, list[str]]:
    found = (line.split() for line in text.splitlines())
    return {words[0]: words[1:] for words in found if words and words[0] in catalogue()}


def test_every_setting_is_shown_with_its_source(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("config.toml").write_text("[log]\nlevel = 'error'\n")
    monkeypatch.setenv("ATELIERD_OUTPUT__QUALITY", "80")
    text = shown(capfd, "--watch.mode", "poll")
    table = rows(text)
    assert list(table) == list(catalogue())
    assert table["log.level"] == ["error", "config.toml"]
    assert table["output.quality"] == ["80", "ATELIERD_OUTPUT__QUALITY"]
    assert table["watch.mode"] == ["poll", "--watch.mode"]
    assert table["share.inbox"] == ["Inbox", "default"]
    assert table["paint.size"] == ["(unset)", "default"]
    assert text.startswith("File of settings: config.toml\n")


def test_the_commonest_wishes_have_short_options(capfd: pytest.CaptureFixture[str]) -> None:
    table = rows(shown(capfd, "--preset", "draft", "--size", "640"))
    assert table["paint.preset"] == ["draft", "--preset"]
    assert table["paint.size"] == ["640", "--size"]
    table = rows(shown(capfd, "--paint.preset", "fine", "--paint.size", "96", "--size", "640"))
    assert table["paint.preset"] == ["fine", "--paint.preset"]
    assert table["paint.size"] == ["640", "--size"]


def test_long_and_strange_values_are_whole_and_harmless(capfd: pytest.CaptureFixture[str]) -> None:
    long = "/" + "x" * 300
    assert long in shown(capfd, "--share.root", long)
    text = shown(capfd, "--share.root", "a\x1b[31m[bold]")
    assert rows(text)["share.root"] == ["a\\x1b[31m[bold]", "--share.root"]


def test_it_says_that_there_is_no_file(capfd: pytest.CaptureFixture[str]) -> None:
    assert not Path("/etc/atelierd/config.toml").exists()
    assert shown(capfd).startswith("No file of settings (looked for config.toml or /etc/")


def test_the_printed_file_gives_the_same_settings(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = shown(capfd, "--toml", "--share.root", "here", "--paint.seed", "7")
    file = tmp_path / "elsewhere" / "config.toml"
    file.parent.mkdir()
    file.write_text(printed)
    monkeypatch.chdir("/")
    settings = load(file, {}, {}).settings
    assert settings.share.root == tmp_path / "here"
    assert settings.paint.seed == 7
    assert settings.watch == Settings().watch


def test_without_settings_the_printed_file_is_the_example(
    capfd: pytest.CaptureFixture[str],
) -> None:
    example = Path(__file__).parents[3] / "config.example.toml"
    assert shown(capfd, "--toml") == example.read_text("utf-8")


def test_wrong_settings_end_with_2(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["config", "--watch.mode", "often"])
    assert ended.value.code == 2
    told = 'atelierd: --watch.mode must be auto, events or poll, not "often".\n'
    assert capfd.readouterr().err == told


def test_every_setting_is_an_option_with_its_meaning(capfd: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capfd, "--help").split())
    for setting in catalogue().values():
        assert setting.option in text
        assert " ".join(setting.description[1:].split()) in text
    assert " --preset [draft|standard|fine|poster|subtle|photo]" in text
