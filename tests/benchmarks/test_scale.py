"""What the simulation is given is what was measured, and what is stored is what comes of it."""

from __future__ import annotations

import json

import pytest

from benchmarks import scale
from benchmarks.scale import RESULTS, Painting, costs_of, snapshots
from benchmarks.scale_costs import Shared
from benchmarks.scale_model import most_painters
from benchmarks.scale_parts import Parts

PAINTING = Painting("standard", seconds=20.0, news=100, result_mb=0.5)
SHARED = Shared(
    photo_mb=2.0, inspector_photo=0.1, daemon_taking=0.002, daemon_photo=0.02, daemon_news=1e-4,
    client_photo=0.005, client_news=1e-5, scheduler_photo=0.01, scheduler_news=2e-5,
)  # fmt: skip
PARTS = Parts(
    load_average=1.0, taking=0.004, journal_taking=0.001, photo=0.04, journal_photo=0.01,
    note=5e-4, notes=20, news=200, look_few=0.02, look_many=0.2, client_mb=0.001,
    scheduler_mb=0.0005, client_preview=0.0, scheduler_preview=0.0,
)  # fmt: skip


def test_a_quarter_of_what_the_daemon_does_is_the_journals_if_it_was_when_it_was_measured():
    costs = costs_of(PAINTING, SHARED, PARTS, faster=1)
    assert (costs.journal_taking, costs.daemon_taking) == pytest.approx((0.0005, 0.0015))
    assert (costs.journal_photo, costs.daemon_photo) == pytest.approx((0.005, 0.015 + 0.005))
    # Twenty of two hundred news were noted: of 1e-4 s each one half went into that.
    assert costs.news == 20
    assert costs.journal_news == pytest.approx(5e-4)
    assert costs.news * costs.daemon_news == pytest.approx(100 * (5e-5 + 1e-5))
    assert costs.news * costs.scheduler_news == pytest.approx(100 * 2e-5)


@pytest.mark.parametrize(("seconds", "notes"), [(2.0, 20), (20.0, 20), (60.0, 60), (600.0, 100)])
def test_a_long_painting_is_noted_once_a_second(seconds, notes):
    painting = Painting("standard", seconds, news=100, result_mb=0.5)
    assert costs_of(painting, SHARED, PARTS, faster=1).news == notes


def test_the_share_is_its_bandwidth():
    costs = costs_of(PAINTING, SHARED, PARTS, faster=10, link=10e6)
    assert costs.painting == pytest.approx(2.0)
    assert (costs.share_inspecting, costs.share_writing) == pytest.approx((0.2, 0.05))
    assert 0.2 < costs.share_reading < 0.25  # with the style
    at_home = costs_of(PAINTING, SHARED, PARTS, faster=10, link=float("inf"))
    assert at_home.of_a_photo["share"] == 0


def test_snapshots_fill_a_network():
    found = snapshots(PARTS, link=1e8)["512"]
    assert found["by_the_network"] == pytest.approx(60 * 100 / found["mb"])
    assert found["by_the_scheduler"] == pytest.approx(60 / (found["mb"] * 0.0005))


@pytest.fixture
def stored():
    return json.loads(RESULTS.read_text())


def test_what_is_stored_is_what_was_simulated(stored):
    measured = Painting(**stored["painting"]), Shared(**stored["costs"]), Parts(**stored["parts"])
    simulated = stored["simulated"]["10"]
    costs = costs_of(*measured, faster=10)
    assert simulated["costs"] == pytest.approx(vars(costs))
    assert simulated["most_painters"] == most_painters(costs)
    assert stored["snapshots"] == snapshots(measured[2])


def test_nothing_that_is_stored_is_more_than_can_be(stored):
    for simulated in stored["simulated"].values():
        most = min(simulated["ceilings"].values()) * (1 + 1e-6)
        assert all(each["photos_an_hour"] <= most for each in simulated["outcomes"])


def test_what_is_simulated_anew_leaves_what_was_measured(tmp_path, stored, monkeypatch, capsys):
    results = tmp_path / "scale.json"
    results.write_text(json.dumps({**stored, "simulated": {}}))
    monkeypatch.setattr(scale, "PAINTERS", (1,))
    monkeypatch.setattr(scale, "FASTER", (10,))
    monkeypatch.setattr(scale, "most_painters", lambda *_: 1)  # which takes long
    scale.main(["--only", "simulate", "--results", str(results)])
    found = json.loads(results.read_text())
    assert set(found["simulated"]) == {"10"}
    for part in ("machine", *scale.MEASURED):
        assert found[part] == stored[part]
    assert "painters 10 times as quick" in capsys.readouterr().out
