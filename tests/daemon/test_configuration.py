"""Where settings come from, what wins, and what is said when they are wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.catalogue import catalogue, value_of
from daemon.config_file import read_file, toml_value, write_text
from daemon.configuration import (
    FROM_FILE_FOLDER,
    Resolved,
    load,
    standing_alone,
    state_folder,
)
from daemon.errors import ExitCode, SettingsError
from daemon.settings import Settings, ShareSettings
from daemon.share import open_share


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of settings lies in the current folder, but for those of a test."""
    monkeypatch.chdir(tmp_path)


def gather(
    toml: str | None = None,
    command_line: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
) -> Resolved:
    """Load from a file ``config.toml`` in the current folder, an environment and a command line."""
    if toml is not None:
        Path("config.toml").write_text(toml, "utf-8")
    return load(None, command_line or {}, environ or {}, searched=(Path("config.toml"),))


def complaint(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        gather(*args, **kwargs)
    assert refused.value.exit_code is ExitCode.USAGE
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_without_anything_all_is_default() -> None:
    resolved = gather()
    assert resolved.settings == Settings()
    assert type(resolved.settings) is Settings
    assert set(resolved.sources) == set(catalogue())
    assert set(resolved.sources.values()) == {"default"}
    assert resolved.file is None


def test_what_comes_later_wins_and_all_is_remembered() -> None:
    toml = "[watch]\nscan_seconds = 1\npoll_seconds = 1\nsettle_scans = 9\n"
    environ = {
        "ATELIERD_WATCH__SCAN_SECONDS": "2",
        "ATELIERD_WATCH__POLL_SECONDS": "2",
        "HOME": "x",
    }
    resolved = gather(toml, {"watch.scan_seconds": "3"}, environ)
    watch = resolved.settings.watch
    assert (watch.scan_seconds, watch.poll_seconds, watch.settle_scans) == (3.0, 2.0, 9)
    assert watch.settle_seconds == Settings().watch.settle_seconds
    assert resolved.sources["watch.scan_seconds"] == "--watch.scan_seconds"
    assert resolved.sources["watch.poll_seconds"] == "ATELIERD_WATCH__POLL_SECONDS"
    assert resolved.sources["watch.settle_scans"] == "config.toml"
    assert resolved.sources["watch.settle_seconds"] == "default"
    assert resolved.file == Path("config.toml")


@pytest.mark.parametrize("key", catalogue())
def test_every_setting_can_be_given_in_each_of_the_three_ways(key: str) -> None:
    setting = catalogue()[key]
    usual: dict[Any, Any] = {
        int: {"engine.max_memory": 1024, "output.depth": 16}.get(key, 64),
        float: 1.75 if key == "page.seconds" else 0.75,
        bool: key not in {"page.enabled", "share.contact_sheet"},
    }
    special = {
        "cluster.scheduler": "tls://painters:8786",
        "engine.devices": "0, 2",
        "metrics.file": "x.prom",
        "paint.style_loss": "gram 70 + histogram 30",
    }
    name = special.get(key, "x")
    value = setting.choices[-1] if setting.choices else usual.get(setting.kind, name)
    header = f"[{setting.section}]\n" if setting.section else ""
    ways: list[tuple[dict[str, Any], str]] = [
        ({"command_line": {key: str(value)}}, setting.option),
        ({"environ": {setting.variable: str(value)}}, setting.variable),
        ({"toml": f"{header}{setting.name} = {toml_value(value)}"}, "config.toml"),
    ]
    for given_, source in ways:
        resolved = gather(**given_)
        assert resolved.sources[key] == source
        expected = (
            str(Path(name).absolute()) if key in FROM_FILE_FOLDER and "toml" in given_ else value
        )
        assert str(value_of(resolved.settings, key)) == str(expected)


def test_cards_are_given_as_a_list_too() -> None:
    assert gather("[engine]\ndevices = [0, 2]").settings.engine.devices == "0, 2"
    assert gather("[engine]\ndevices = 'all'").settings.engine.devices == "all"
    assert "none twice" in complaint("[engine]\ndevices = [2, 2]")
    assert "engine.devices" in complaint("[engine]\ndevices = []")


class TestTheFile:
    """Which file is read, and what may be wrong with it."""

    def test_the_named_one_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_text("[log]\nlevel = 'error'")
        (tmp_path / "other.toml").write_text("[log]\nlevel = 'debug'")
        searched = (tmp_path / "nothing.toml", tmp_path / "config.toml")
        environ = {"ATELIERD_CONFIG": str(tmp_path / "other.toml")}
        assert load(tmp_path / "other.toml", {}, {}, searched).settings.log.level == "debug"
        assert load(None, {}, environ, searched).settings.log.level == "debug"
        assert load(None, {}, {"ATELIERD_CONFIG": ""}, searched).settings.log.level == "error"
        assert load(tmp_path / "config.toml", {}, environ, searched).settings.log.level == "error"

    def test_a_named_one_that_is_missing_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"no file .*gone\.toml, which --config names"):
            load(tmp_path / "gone.toml", {}, {}, ())
        with pytest.raises(SettingsError, match="which ATELIERD_CONFIG names"):
            load(None, {}, {"ATELIERD_CONFIG": "gone.toml"}, ())

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"watch = [x\n", r"not written as TOML.*line 1"),
            (b"[paint]\npreset = fine\n", r"toml, line 2: .*, like this: preset = \"fine\""),
            (b"<html>", "not written as TOML"),
            (b"a = '\xff'", "not written in UTF-8"),
            (b"a = " + b"[" * 100_000, "not written as TOML"),
            (b"[paint]\nsize = " + b"9" * 5000, "not written as TOML"),
            (b"[paint]\nsize = 0x" + b"f" * 3600, "longer than 64 bits"),
            (b"paint" + b".a" * 3000 + b" = 1", "deep in one another"),
        ],
    )
    def test_a_file_that_is_no_toml_is_an_error(self, content: bytes, words: str) -> None:
        Path("config.toml").write_bytes(content)
        assert re.search(words, complaint())

    def test_a_folder_in_its_place_is_an_error(self) -> None:
        Path("config.toml").mkdir()
        assert "cannot be read: Is a directory" in complaint()

    def test_what_windows_editors_write_is_read(self) -> None:
        Path("config.toml").write_bytes(b"\xef\xbb\xbf[log]\r\nlevel = 'error'\r\n")
        assert gather().settings.log.level == "error"


class TestUnknownKeys:
    """They are errors everywhere, with the nearest right name."""

    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ("[share]\n\nrot = 'x'", "share.rot in config.toml, line 3 is no setting."),
            ("[share]\n\nrot = 'x'", "Did you mean share.root?"),
            ("scan_seconds = 1", "Did you mean watch.scan_seconds?"),
            ("[paint]\nscan_second = 1", "Did you mean watch.scan_seconds?"),
            ("[wotch]\nscan_seconds = 1", "Did you mean watch.scan_seconds?"),
            ("[shares]", "line 1 is no group of settings. Did you mean [share]?"),
            ("runner.kind = 'local'", "Did you mean runner?"),
            ("zzzzzz = 1", "zzzzzz in config.toml, line 1 is no setting. `atelierd config` lists"),
            ("'' = 1", "is no setting"),
            ("share = 'x'", "share in config.toml, line 1 is a group of settings"),
            ("[[share]]\nroot = 'x'", "is a group of settings"),
            ("[share]\nrot = 1\nrat = 2", "(1 more like this.)"),
            ('"a\\u001b\\nb" = 1', "a\\x1b\\x0ab in config.toml"),
        ],
    )  # fmt: skip
    def test_in_the_file(self, toml: str, words: str) -> None:
        assert words in complaint(toml)

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("ATELIERD_SHARE_ROOT", "is no setting. Did you mean ATELIERD_SHARE__ROOT?"),
            ("ATELIERD_RUNER", "Did you mean ATELIERD_RUNNER?"),
            ("ATELIERD_SHARE", "is a group of settings and takes no value itself. Set ATELIERD_"),
            ("atelierd_share__rooot", "Did you mean ATELIERD_SHARE__ROOT?"),
        ],
    )  # fmt: skip
    def test_in_the_environment(self, name: str, words: str) -> None:
        assert complaint(environ={name: "x"}).startswith(name)
        assert words in complaint(environ={name: "x"})

    def test_on_the_command_line(self) -> None:
        said = complaint(command_line={"share.rot": "x"})
        assert said == "--share.rot is no setting. Did you mean --share.root?"

    def test_even_where_something_stronger_is_right(self) -> None:
        assert "share.rot" in complaint("[share]\nrot = 'x'", {"share.root": "y"})

    @given(st.text("abcdefghijklmnopqrstuvwxyz_.", min_size=1, max_size=30))
    def test_whatever_is_unknown_is_refused_in_one_line(self, key: str) -> None:
        if key in catalogue():
            return
        with pytest.raises(SettingsError) as refused:
            load(None, {key: "1"}, {}, ())
        assert f"--{key}" in str(refused.value)

    def test_sections_with_nothing_in_them_are_no_further_mistakes(self) -> None:
        with pytest.raises(SettingsError) as refused:
            gather("[share]\n[paint]\nsiez = 3\n[watch]\n[log]\n")
        assert str(refused.value).endswith("Did you mean paint.size?")


class TestWrongValues:
    """They are said in plain words, with where they stand."""

    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ("watch.scan_seconds = 'soon'", "a number greater than 0 and at most 3600, not "),
            ("watch.scan_seconds = 'soon'", 'not "soon".'),
            ("\nwatch.scan_seconds = 0", "watch.scan_seconds in config.toml, line 2 must be"),
            ("watch.scan_seconds = nan", "not nan"),
            ("watch.scan_seconds = inf", "not inf"),
            ("[engine]\nthreads = true", "whole number of at least 1 and at most 1024, not true."),
            ("[engine]\nthreads = 1.5", "must be a whole number"),
            ("[engine]\nthreads = '-1'", "not -1."),
            ("[watch]\nmode = 'often'", 'must be auto, events or poll, not "often".'),
            ("[share]\nroot = 5", "must be a folder, not 5."),
            ("[share]\nroot = {}", "must be a folder, not {}."),
            ("[metrics]\nfile = 'a.txt'", "must be a file whose name ends with .prom"),
            ("[output]\nquality = 101\nformat = 'gif'", "(1 more like this.)"),
            ("[page]\nenabled = 'perhaps'", 'must be true or false, not "perhaps".'),
            ("[page]\nseconds = 0.5", "a number of at least 1 and at most 60, not 0.5."),
            ("[paint]\nstrength = 21", "a number of at least 0.05 and at most 20, not 21."),
            ("[paint]\nstroke_size = 0", "a number of at least 0.25 and at most 4, not 0."),
            ("[paint]\ncolors = 'mine'", 'must be style, match or luminance, not "mine".'),
            ("[paint]\nstyle_loss = 'oil'", "style_loss in config.toml, line 2 must be gram, wass"),
            ("[paint]\nstyle_loss = 'oil'", 'such as "gram 70 + histogram 30", not "oil".'),
            ("[paint]\nstyle_loss = 'gram 70 + gram 30'", "must be gram, wasserstein, histogram,"),
            ("[paint.style_loss]\ngram = 70", "paint.style_loss.gram in config.toml, line 2 is no"),
            ("[paint]\nseed = 2147483648", "below 2147483648, not 2147483648."),
            ("runner = 'ray'", 'runner in config.toml, line 1 must be local or dask, not "ray".'),
        ],
    )  # fmt: skip
    def test_in_the_file(self, toml: str, words: str) -> None:
        assert words in complaint(toml)

    def test_in_the_environment_and_on_the_command_line(self) -> None:
        said = complaint(environ={"ATELIERD_ENGINE__THREADS": "many"})
        words = 'must be a whole number of at least 1 and at most 1024, not "many".'
        assert said == f"ATELIERD_ENGINE__THREADS {words}"
        assert complaint(command_line={"watch.mode": "x"}).startswith("--watch.mode must be auto")

    def test_true_and_false_may_be_said_anywhere(self) -> None:
        assert gather().settings.page.enabled is True
        assert gather("[page]\nenabled = false").settings.page.enabled is False
        assert gather(environ={"ATELIERD_PAGE__ENABLED": "false"}).settings.page.enabled is False
        off = gather("[page]\nenabled = true", {"page.enabled": "false"})
        assert off.settings.page.enabled is False

    def test_numbers_are_shown_as_they_were_typed(self) -> None:
        words = "must be a whole number of at least 32 and at most 8192, not 5."
        assert complaint(environ={"ATELIERD_PAINT__SIZE": "5"}) == f"ATELIERD_PAINT__SIZE {words}"
        assert complaint(command_line={"paint.size": "5"}) == f"--paint.size {words}"

    def test_an_option_is_called_what_it_was_typed_as(self) -> None:
        with pytest.raises(SettingsError, match=r"^--size must be"):
            load(None, {"paint.size": "5"}, {}, (), typed={"paint.size": "--size"})
        resolved = load(None, {"paint.size": "64"}, {}, (), typed={"paint.size": "--size"})
        assert resolved.sources["paint.size"] == "--size"

    def test_what_is_shown_of_them_is_short_and_harmless(self) -> None:
        said = complaint(command_line={"watch.mode": "\x1b" + "x" * 10_000})
        assert "\x1b" not in said
        assert len(said) < 200

    def test_the_stronger_value_is_the_one_that_counts(self) -> None:
        toml = "[watch]\nmode = 'often'"
        assert gather(toml, {"watch.mode": "poll"}).settings.watch.mode == "poll"


def test_empty_variables_are_not_set_and_empty_options_unset() -> None:
    toml = "[paint]\nsize = 640\n"
    environ = {"ATELIERD_PAINT__SIZE": "", "ATELIERD_NONSENSE": ""}
    assert gather(toml, environ=environ).settings.paint.size == 640
    unset = gather(toml, {"paint.size": ""})
    assert unset.settings.paint.size is None
    assert unset.sources["paint.size"] == "--paint.size"
    assert "must be auto" in complaint(command_line={"watch.mode": ""})


class TestRelativePaths:
    """In a file they start at the file's folder, elsewhere at the current one."""

    def test_in_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "etc").mkdir()
        file = tmp_path / "etc" / "config.toml"
        file.write_text(
            "state_dir = 'state'\n[share]\nroot = 'here'\ninbox = 'In'\n[engine]\nweights = '/abs'"
        )
        settings = load(Path("etc/config.toml"), {}, {}).settings
        monkeypatch.chdir("/")
        assert settings.share.root == tmp_path / "etc" / "here"
        assert settings.state_dir == tmp_path / "etc" / "state"
        assert settings.engine.weights == Path("/abs")
        assert open_share(settings.share).inbox == tmp_path / "etc" / "here" / "In"

    def test_elsewhere_and_at_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/ada")
        assert gather("share.root = '~/share'").settings.share.root == Path("/home/ada/share")
        given_ = gather(command_line={"share.root": "s"}, environ={"ATELIERD_STATE_DIR": "t"})
        assert (given_.settings.share.root, given_.settings.state_dir) == (Path("s"), Path("t"))

    def test_no_path_of_the_model_is_forgotten(self) -> None:
        paths = {key for key, setting in catalogue().items() if setting.kind is Path}
        below_root = {key for key in paths if key.startswith("share.")} - {"share.root"}
        assert paths - below_root == set(FROM_FILE_FOLDER)


class TestStateFolder:
    """Local, apart for each share, never inside of it."""

    def test_who_decides(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        share = open_share(ShareSettings(root=tmp_path / "share"))
        environ = {"STATE_DIRECTORY": f"{tmp_path}/one:{tmp_path}/two"}
        chosen = Settings(state_dir=tmp_path / "chosen")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
        assert state_folder(chosen, share, environ).parent == tmp_path / "chosen"
        assert state_folder(Settings(), share, environ).parent == tmp_path / "one"
        assert state_folder(Settings(), share, {}).parent == tmp_path / "xdg" / "atelierd"
        assert not (tmp_path / "chosen").exists()

    def test_each_share_has_its_own_whatever_it_is_called(self, tmp_path: Path) -> None:
        settings = Settings(state_dir=tmp_path / "state")
        roots = [tmp_path / "a" / "pics", tmp_path / "b" / "pics", tmp_path / "é\n /..x"]
        roots[0].mkdir(parents=True)
        (tmp_path / "link").symlink_to(roots[0])
        folders = [state_folder(settings, open_share(ShareSettings(root=r)), {}) for r in roots]
        assert len(set(folders)) == len(roots)
        assert folders[0].name.startswith("pics-")
        assert all(re.fullmatch(r"[\w.-]+", folder.name, re.ASCII) for folder in folders)
        link = open_share(ShareSettings(root=tmp_path / "link"))
        assert state_folder(settings, link, {}) == folders[0]

    @pytest.mark.parametrize("where", ["share", "share/Inbox/state", "elsewhere/Outbox"])
    def test_inside_the_share_it_is_refused(self, tmp_path: Path, where: str) -> None:
        share = open_share(ShareSettings(root="share", outbox=tmp_path / "elsewhere" / "Outbox"))
        with pytest.raises(SettingsError, match="Set state_dir to a folder"):
            state_folder(Settings(state_dir=where), share, {})

    def test_the_share_inside_of_it_is_refused(self, tmp_path: Path) -> None:
        settings = Settings(state_dir=tmp_path)
        share = open_share(ShareSettings(root=tmp_path / "share"))
        inside = state_folder(settings, share, {}) / "Outbox"
        share = open_share(ShareSettings(root=tmp_path / "share", outbox=inside))
        with pytest.raises(SettingsError, match="inside one another"):
            state_folder(settings, share, {})


class TestWriting:
    """A file that is written is read back as the same."""

    @given(
        st.text(st.characters(exclude_characters="\0"), max_size=20),
        st.one_of(st.none(), st.floats(0, 1e6)),
        st.integers(1, 100),
    )
    @example('a\x7f\\"\r\n\t', 0.5, 1)  # what TOML wants escaped
    def test_round_trip(self, name: str, weight: float | None, quality: int) -> None:
        settings = Settings.model_validate(
            {
                "paint": {"style_weight": weight, "default_style": name},
                "output": {"quality": quality},
                "share": {"root": f"/{name}"},
            }
        )
        try:
            text = write_text(settings)
        except SettingsError as error:
            assert "not UTF-8" in str(error)  # noqa: PT017 - half of the names may be refused
            assert any("\ud800" <= c <= "\udfff" for c in name)
            return
        Path("written.toml").write_text(text, "utf-8", newline="")
        assert load(Path("written.toml"), {}, {}).settings == settings

    def test_a_name_that_is_no_unicode_is_refused(self) -> None:
        root = os.fsdecode(b"/sh\xffare")
        with pytest.raises(SettingsError, match="not UTF-8"):
            write_text(Settings(share=ShareSettings(root=Path(root))))

    def test_relative_paths_stand_alone(self, tmp_path: Path) -> None:
        resolved = gather(command_line={"share.root": "here", "state_dir": ""})
        settings = standing_alone(resolved)
        assert settings.share.root == tmp_path / "here"
        assert settings.engine.weights == Settings().engine.weights
        assert settings.state_dir is None

    def test_lines_are_found_in_all_ways_of_writing(self) -> None:
        Path("f.toml").write_text(
            "runner = 'local'\n[ share ]  # x\n  'root' = 'x'\n[log]\nlevel='info'\n"
        )
        found = {one.key: one.line for one in read_file(Path("f.toml"))}
        assert found == {"runner": 1, "share.root": 3, "log.level": 5}
