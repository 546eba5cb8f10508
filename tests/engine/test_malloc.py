"""What a process is started with."""

from __future__ import annotations

from engine.malloc import VARIABLE, environment


def test_what_somebody_has_set_comes_last_and_wins():
    (usual,) = environment({}).values()
    assert environment({VARIABLE: "glibc.malloc.check=1"}) == {
        VARIABLE: f"{usual}:glibc.malloc.check=1"
    }


def test_it_is_asked_for_once():
    assert environment(environment({})) == environment({})
