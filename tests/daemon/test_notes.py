"""What people read, and that only our own notes are ever touched."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemon import notes
from daemon.names import INBOX_NOTE, is_note
from daemon.note_texts import how_to_text, signatures, why_text
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.words import LANGUAGES

UNPRIVILEGED = """
import os, sys
from pathlib import Path
from daemon import notes, note_texts
note_texts.signatures()  # read now: the program may be closed to others
os.chdir(sys.argv[1])  # before the change of user: the folders above are closed to others
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(notes.is_ours(Path("open")), notes.is_ours(Path("shut")))
"""

file_names = st.binary(min_size=1, max_size=255).map(os.fsdecode)


def in_chinese(share: Share) -> Share:
    return replace(share, language="zh")


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


def test_the_notes_name_is_the_photos() -> None:
    assert notes.why_name("photo.jpg") == "photo.jpg - why.txt"


@given(file_names, file_names)
def test_every_name_has_a_notes_name_of_its_own(one: str, other: str) -> None:
    assume("/" not in one and "\0" not in one)
    name = notes.why_name(one)
    assert len(os.fsencode(name)) <= 255
    assert is_note(name)
    assert one == other or name != notes.why_name(other)


def test_names_and_reasons_cannot_play_tricks(tmp_path: Path) -> None:
    names = ["\x1b[2Ja\u202egpj.exe", os.fsdecode(b"b\xff")]
    note = notes.write_why(tmp_path, names, "\x1b[31mred", PurePath("Inbox/\u202eWaves"))
    text = note.read_bytes().decode()
    assert all(character.isprintable() or character in "\r\n" for character in text)
    assert r"b\xff" in text


class TestOurs:
    def test_only_whole_notes_of_ours_are_removed(self, tmp_path: Path) -> None:
        ours = notes.write_why(tmp_path, ["a.jpg"], "torn", PurePath("Inbox"))
        whole = ours.read_bytes()
        others = [tmp_path / name for name in ("theirs", "copying", "longer", "link", "folder")]
        others[0].write_bytes(b"dear diary")
        others[1].write_bytes(whole[:-20])
        others[2].write_bytes(whole + b"my remark")
        others[3].symlink_to(ours.name)
        others[4].mkdir()
        assert not any(notes.remove_if_ours(path) for path in others)
        assert notes.remove_if_ours(ours)
        assert not notes.remove_if_ours(ours)
        assert len(list(tmp_path.iterdir())) == len(others)

    def test_a_huge_file_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "huge"
        path.write_bytes(bytes(1_000_000) + signatures()[0].encode())
        assert not notes.is_ours(path)

    def test_a_file_that_is_closed_to_us_is_not_ours(self, tmp_path: Path) -> None:
        for name, mode in (("open", 0o644), ("shut", 0)):
            (tmp_path / name).write_text(signatures()[0])
            (tmp_path / name).chmod(mode)
        tmp_path.chmod(0o755)
        command = [sys.executable, "-c", UNPRIVILEGED, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.split() == ["True", "False"], done.stderr

    def test_other_systems_line_ends_do_not_hide_the_signature(self, tmp_path: Path) -> None:
        ours = notes.write_why(tmp_path, ["a.jpg"], "torn", PurePath("Inbox"))
        ours.write_bytes(ours.read_bytes().replace(b"\r\n", b"\n").rstrip())
        assert notes.is_ours(ours)

    def test_a_persons_text_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg - why.txt").write_bytes(b"dear diary")
        with pytest.raises(FileExistsError):
            notes.write_why(tmp_path, ["a.jpg"], "torn", PurePath("Inbox"))
        assert (tmp_path / "a.jpg - why.txt").read_bytes() == b"dear diary"


class TestInboxNote:
    def test_lists_photos_and_styles(self, share: Share) -> None:
        homeless = [share.inbox / "b.jpg", share.inbox / "Holiday" / "a.jpg"]
        assert notes.write_inbox_note(share, ["Waves", "Dots"], homeless)
        text = (share.inbox / INBOX_NOTE).read_bytes().decode()
        order = [text.index(word) for word in ("Holiday/a.jpg", "b.jpg", "- Dots", "- Waves")]
        assert order == sorted(order)

    def test_without_styles_it_says_how_to_get_one(self, share: Share) -> None:
        notes.write_inbox_note(share, [], [share.inbox / "a.jpg"])
        assert "into the folder Styles." in (share.inbox / INBOX_NOTE).read_text()

    def test_it_calls_the_folders_as_they_are_called(self, tmp_path: Path) -> None:
        names = ShareSettings(root=tmp_path, inbox=Path("Drop"), styles=Path("Paintings"))
        share = open_share(names)
        make_share(share)
        notes.write_inbox_note(share, [], [share.inbox / "a.jpg"])
        text = (share.inbox / INBOX_NOTE).read_text()
        assert "into the folder Paintings." in text
        assert "in Drop: move" in text

    def test_a_thousand_photos_make_no_long_note(self, share: Share) -> None:
        notes.write_inbox_note(share, [], [share.inbox / f"{n}.jpg" for n in range(1000)])
        text = (share.inbox / INBOX_NOTE).read_text()
        assert "and 980 more" in text
        assert notes.is_ours(share.inbox / INBOX_NOTE)

    def test_is_written_only_when_it_says_something_new(self, share: Share) -> None:
        note = share.inbox / INBOX_NOTE
        assert notes.write_inbox_note(share, ["Waves"], [share.inbox / "a.jpg"])
        inode = note.stat().st_ino
        assert not notes.write_inbox_note(share, ["Waves"], [share.inbox / "a.jpg"])
        assert note.stat().st_ino == inode
        assert notes.write_inbox_note(share, ["Waves"], [share.inbox / "b.jpg"])

    def test_goes_when_nothing_waits(self, share: Share) -> None:
        notes.write_inbox_note(share, [], [share.inbox / "a.jpg"])
        assert notes.write_inbox_note(share, [], [])
        assert not (share.inbox / INBOX_NOTE).exists()
        assert not notes.clear_inbox_note(share)

    def test_a_persons_own_file_is_left_alone(self, share: Share) -> None:
        note = share.inbox / INBOX_NOTE
        note.write_bytes(b"dear diary")
        assert not notes.write_inbox_note(share, [], [share.inbox / "a.jpg"])
        assert not notes.clear_inbox_note(share)
        assert note.read_bytes() == b"dear diary"


class TestLanguages:
    def test_each_note_of_ours_is_known_in_whatever_language(self, tmp_path: Path) -> None:
        for number, language in enumerate(LANGUAGES):
            names = [f"{number}.jpg"]
            ours = notes.write_why(tmp_path, names, "torn", PurePath("Inbox"), language)
            assert ours.read_bytes().decode().splitlines()[-1] == signatures()[number]
            assert notes.is_ours(ours)
            ours.write_bytes(ours.read_bytes()[:-20])
            assert not notes.is_ours(ours)

    def test_a_signature_is_never_changed(self) -> None:
        """Notes that end with one lie in people's folders."""
        assert signatures() == [
            "(Written by atelierd. This note goes away by itself.)",
            "（由 atelierd 写下。这份说明会自己消失。）",
        ]

    @given(names=st.text(min_size=1, max_size=40), reason=st.text(max_size=80))
    def test_whatever_is_said_the_note_is_known_again(self, names: str, reason: str) -> None:
        for language in LANGUAGES:
            text = why_text([names], reason, PurePath("Inbox"), language)
            assert text.endswith(f"\r\n\r\n{signatures()[LANGUAGES.index(language)]}\r\n")

    def test_a_note_is_written_again_in_another_language(self, share: Share) -> None:
        photo = [share.inbox / "a.jpg"]
        assert notes.write_inbox_note(share, ["Waves"], photo)
        chinese = in_chinese(share)
        assert notes.write_inbox_note(chinese, ["Waves"], photo)
        text = (share.inbox / INBOX_NOTE).read_bytes().decode()
        assert "不知道要用哪种风格" in text
        assert "- Waves" in text
        assert not notes.write_inbox_note(chinese, ["Waves"], photo)
        assert notes.clear_inbox_note(share)

    def test_one_beside_a_photo_too(self, tmp_path: Path) -> None:
        notes.write_why(tmp_path, ["a.jpg"], "torn", PurePath("Inbox"))
        note = notes.write_why(tmp_path, ["a.jpg"], "torn", PurePath("Inbox"), "zh")
        assert "照片拖回文件夹「Inbox」" in note.read_bytes().decode()
        notes.write_why(tmp_path, ["a.jpg"], "torn", PurePath("Inbox"))
        assert "drag the photo back" in note.read_text()

    def test_the_explanation_follows_the_language(self, share: Share) -> None:
        path = notes.write_how_to(share)
        assert not notes.renew_how_to(share)
        assert notes.renew_how_to(in_chinese(share))
        assert "怎样让一张照片变成画" in path.read_bytes().decode()
        assert notes.write_how_to(share) == path
        assert path.read_bytes().decode() == how_to_text(share)

    @pytest.mark.parametrize("change", [b"One more thing.", b"\r\n"])
    def test_an_explanation_that_somebody_changed_stays(self, share: Share, change: bytes) -> None:
        path = notes.write_how_to(share)
        path.write_bytes(path.read_bytes() + change)
        mine = path.read_bytes()
        assert not notes.renew_how_to(in_chinese(share))
        notes.write_how_to(in_chinese(share))
        assert path.read_bytes() == mine

    def test_an_explanation_that_somebody_removed_does_not_come_back(self, share: Share) -> None:
        assert not notes.renew_how_to(in_chinese(share))
        assert not (share.root / notes.HOW_TO).exists()

    def test_a_link_or_a_folder_in_its_place_stays(self, share: Share) -> None:
        path = share.root / notes.HOW_TO
        (share.root / "mine.txt").write_bytes(how_to_text(share).encode())
        path.symlink_to("mine.txt")
        assert not notes.renew_how_to(in_chinese(share))
        path.unlink()
        path.mkdir()
        assert not notes.renew_how_to(in_chinese(share))
        assert path.is_dir()


class TestStyleNotes:
    def test_says_what_is_wrong_and_which_photos_wait(self, share: Share) -> None:
        assert notes.write_style_note(share, "Waves.jpg", "Waves", "It is torn.")
        text = (share.styles / "Waves.jpg - why.txt").read_bytes().decode()
        for words in ('"Waves.jpg" cannot be used as a style', "    It is torn.", "Inbox > Waves"):
            assert words in text
        assert not notes.write_style_note(share, "Waves.jpg", "Waves", "It is torn.")
        assert notes.write_style_note(share, "Waves.jpg", "Waves", "It is empty.")

    def test_a_persons_text_is_not_replaced(self, share: Share) -> None:
        (share.styles / "Waves.jpg - why.txt").write_bytes(b"dear diary")
        with pytest.raises(FileExistsError):
            notes.write_style_note(share, "Waves.jpg", "Waves", "It is torn.")
        assert (share.styles / "Waves.jpg - why.txt").read_bytes() == b"dear diary"


class TestHowTo:
    def test_names_the_folders_as_they_are_set(self, tmp_path: Path) -> None:
        settings = ShareSettings(root=tmp_path, inbox=Path("Drop here"), failed=Path("/srv/torn"))
        text = how_to_text(open_share(settings))
        for words in ("Drop here", "Outbox", "Styles", "Originals", "/srv/torn"):
            assert words in text

    def test_is_written_once_and_never_over_another(self, share: Share) -> None:
        path = notes.write_how_to(share)
        assert path.read_bytes().decode() == how_to_text(share)
        path.write_bytes(b"my own")
        assert notes.write_how_to(share).read_bytes() == b"my own"
