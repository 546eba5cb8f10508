"""The other programs' mathematics, against sums by hand and against our own losses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.mx import nd
from engine.pyramid import fitted, resized
from engine.wasserstein import WassersteinLoss
from engine.weights import load

torch = pytest.importorskip("torch", reason="PyTorch is installed by `make bench` alone")

from benchmarks import torch_painters  # noqa: E402 - only where it is installed
from benchmarks.torch_network import gram, laid  # noqa: E402 - likewise


def maps(seed: int, channels: int = 6) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(seed).gamma(2.0, 1.0, (1, channels, 9, 11)).astype(np.float32)
    )


@pytest.mark.parametrize(
    ("last", "least", "found"),
    [(512, 128, [128, 181, 256, 362, 512]), (192, 128, [136, 192]), (100, 128, [100]),
     (256, 128, [128, 181, 256])],
)  # fmt: skip
def test_sizes_grow_by_the_square_root_of_two(last: int, least: int, found: list[int]) -> None:
    assert torch_painters.sides(last, least) == found


def test_the_distance_of_normal_distributions_is_the_formula_of_their_roots() -> None:
    own, other = maps(0), maps(1)
    found = float(torch_painters._Normal(other).distance(own))
    m, s = (each.double().numpy() for each in torch_painters._moments(own))
    n, a = (each.double().numpy() for each in torch_painters._moments(other))
    roots = np.sqrt(np.linalg.eigvals(s @ a).real)
    wanted = ((m - n) ** 2).mean() + (np.trace(s) + np.trace(a) - 2 * roots.sum()) / 6
    assert found == pytest.approx(wanted, rel=1e-3)


def test_it_is_nearly_nothing_from_itself_and_has_a_gradient_elsewhere() -> None:
    own = maps(0).requires_grad_()
    assert abs(float(torch_painters._Normal(maps(0)).distance(own).detach())) < 1e-3
    torch_painters._Normal(maps(2)).distance(own).backward()
    assert torch.isfinite(own.grad).all()
    assert own.grad.abs().max() > 0


def test_it_is_our_own_loss_but_for_the_ridge() -> None:
    own, other = maps(0), maps(1)
    mean, covariance = (each.numpy() for each in torch_painters._moments(other))
    loss = WassersteinLoss(
        nd.array(mean.reshape(-1, 1)), nd.array(covariance), 1e-4, 1.0, own.numel()
    )
    value, _ = loss.conclude(loss.measure(nd.array(own.numpy()), None))  # type: ignore[arg-type]
    found = float(torch_painters._Normal(other).distance(own))
    assert found == pytest.approx(float(value.asscalar()), rel=1e-2)


def test_variation_counts_neighbours_and_a_quarter_of_the_diagonal_ones() -> None:
    flat = torch.full((1, 3, 5, 6), 0.3)
    assert float(torch_painters._squares(flat)) == 0
    dot = torch.zeros(1, 1, 3, 3)
    dot[0, 0, 1, 1] = 1
    # Each of the 3x3 pixels has a neighbour to the right and one below, with the edge repeated: of
    # these differences two are 1; and of the 4x4 diagonal ones likewise.
    wanted = (4 * (2 / 9 + 2 / 9) + (2 / 16 + 2 / 16)) / 6
    assert float(torch_painters._squares(dot)) == pytest.approx(wanted)


def test_the_older_variation_pulls_by_the_differences_to_the_four_neighbours() -> None:
    image = torch.from_numpy(np.random.default_rng(0).normal(0, 9, (1, 3, 6, 7)))
    image.requires_grad_()
    torch_painters._roughness(image).backward()
    wide, inside = image.detach(), np.s_[..., 1:-1, 1:-1]
    around = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1] + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
    # But for those beside the last line and column, as it is there.
    found, wanted = image.grad[inside][..., :-1, :-1], (4 * wide[inside] - around)[..., :-1, :-1]
    assert torch.allclose(found, wanted)
    assert not image.grad[..., -1, -1].any()


def test_the_average_forgets_and_begins_with_the_start() -> None:
    average = torch_painters._Average(torch.tensor(5.0))
    assert float(average.value) == pytest.approx(5)
    average.add(torch.tensor(7.0))
    assert float(average.value) == pytest.approx((0.99 * 5 + 7) / 1.99)


@pytest.mark.weights
def test_the_network_is_ours_but_for_pooling(weights: Path) -> None:
    from benchmarks.torch_peer import TorchObjective  # noqa: PLC0415 - beside what it explains
    from engine import Recipe  # noqa: PLC0415 - likewise

    trained = load(weights.parent)
    picture = np.random.default_rng(0).uniform(0, 255, (40, 48, 3)).astype(np.float32)
    image = laid(picture)
    ours = TorchObjective(trained, picture, picture, Recipe())._maps(image)
    theirs = torch_painters.network_of(trained)(image)
    assert {*theirs} == {torch_painters.CONTENT, *torch_painters.STYLE}
    assert torch.allclose(theirs["conv1_1"], ours["conv1_1"], rtol=1e-4, atol=1e-2)
    assert not torch.allclose(theirs["conv2_1"], ours["conv2_1"], rtol=1e-2)
    scaled = torch_painters.network_of(trained, scale=10.0)(image)
    assert torch.allclose(scaled["conv5_1"] * 10, theirs["conv5_1"], rtol=1e-4, atol=1e-3)
    edged = torch_painters.network_of(trained, padding="replicate")(image)
    inside = np.s_[:, :, 2:-2, 2:-2]
    assert torch.allclose(edged["conv1_1"][inside], theirs["conv1_1"][inside], atol=1e-2)
    assert not torch.allclose(edged["conv1_1"], theirs["conv1_1"], atol=1)


@pytest.mark.weights
def test_both_come_nearer_to_the_style_than_where_they_begin(weights: Path) -> None:
    trained = load(weights.parent)
    down, across = np.mgrid[:32, :48]
    photo = np.stack([down * 7, across * 5, down + across], axis=2).astype(np.uint8)
    style = (np.random.default_rng(1).integers(0, 2, (32, 48, 1)) * [255, 200, 0]).astype(np.uint8)
    network = torch_painters.network_of(trained)

    def far(picture: np.ndarray, *taps: str) -> float:
        with torch.no_grad():
            own, other = (network(laid(each)) for each in (picture, style))
        grams = [[gram(maps[tap]) for maps in (own, other)] for tap in taps]
        return sum(float((one - two).square().mean()) for one, two in grams)

    torch.manual_seed(0)
    one = torch_painters.neural_style(trained, photo, style, steps=20)
    other = torch_painters.style_transfer_pytorch(trained, photo, style, first=8, each=4, least=32)
    assert one.shape == other.shape == photo.shape
    assert one.dtype == other.dtype == np.uint8
    blank = np.full_like(photo, 115)
    assert far(one, *torch_painters.STYLE) < far(blank, *torch_painters.STYLE) / 2
    assert far(other, "conv1_1") < far(photo, "conv1_1")


@pytest.mark.weights
def test_the_average_of_one_size_is_where_the_next_one_begins(weights: Path) -> None:
    trained = load(weights.parent)
    down, across = np.mgrid[:32, :48]
    photo = np.stack([down * 7, across * 5, down + across], axis=2).astype(np.uint8)
    style = (np.random.default_rng(1).integers(0, 2, (32, 48, 1)) * [255, 200, 0]).astype(np.uint8)
    small, large = (
        torch_painters.style_transfer_pytorch(trained, each_photo, style, first=4, each=0, least=32)
        for each_photo in (resized(photo, fitted((32, 48), 34)), photo)
    )
    begun = torch_painters._enlarged(laid(small), (32, 48)).clamp(0, 255)
    assert float((laid(large) - begun).abs().mean()) < 1
