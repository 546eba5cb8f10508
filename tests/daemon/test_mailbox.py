"""What is put into the mailbox is read in its order, and no turn of reading goes on for ever."""

from __future__ import annotations

import time

from daemon.mailbox import Mailbox, Reload, Stop, Wake


def test_letters_are_read_in_their_order_and_none_is_waited_for_after_the_first() -> None:
    mail = Mailbox(time.monotonic)
    mail.put(Reload())
    mail.put(Stop())
    assert list(mail.read(time.monotonic() + 3600)) == [Reload(), Stop()]


def test_nobody_waits_longer_than_until_something_is_due() -> None:
    assert list(Mailbox(time.monotonic).read(time.monotonic() + 0.01)) == []
    assert list(Mailbox(time.monotonic).read(time.monotonic() - 3600)) == []


def test_whether_a_letter_lies_there_unread() -> None:
    mail = Mailbox(time.monotonic)
    assert mail.is_empty
    mail.put(Reload())
    assert not mail.is_empty
    assert list(mail.read(time.monotonic())) == [Reload()]
    assert mail.is_empty


def test_one_letter_wakes_however_many_changes_there_are_until_it_is_read() -> None:
    mail = Mailbox(time.monotonic)
    for _ in range(1000):
        mail.wake()
    assert list(mail.read(time.monotonic())) == [Wake()]
    mail.wake()
    assert list(mail.read(time.monotonic())) == [Wake()]


def test_reading_ends_although_each_letter_brings_another_one() -> None:
    mail = Mailbox(time.monotonic)
    mail.put(Stop())
    read = []
    for letter in mail.read(time.monotonic()):
        read.append(letter)
        mail.put(Reload())
    assert read == [Stop(), Reload()]
    assert list(mail.rest()) == [Reload()]
