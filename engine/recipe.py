"""The recipe: everything that decides how a picture is painted, in one frozen object."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CONVOLUTIONS: Final = (
    "conv1_1", "conv1_2",
    "conv2_1", "conv2_2",
    "conv3_1", "conv3_2", "conv3_3", "conv3_4",
    "conv4_1", "conv4_2", "conv4_3", "conv4_4",
    "conv5_1", "conv5_2", "conv5_3", "conv5_4",
)  # fmt: skip
"""The 16 convolutions of VGG-19 in order (Simonyan and Zisserman 2015, table 1, column E)."""

Convolution = Literal[
    "conv1_1", "conv1_2",
    "conv2_1", "conv2_2",
    "conv3_1", "conv3_2", "conv3_3", "conv3_4",
    "conv4_1", "conv4_2", "conv4_3", "conv4_4",
    "conv5_1", "conv5_2", "conv5_3", "conv5_4",
]  # fmt: skip
LayerWeight = Annotated[float, Field(gt=0, le=1e6)]
StyleLossKind = Literal["gram", "wasserstein", "histogram"]
Colours = Literal["style", "match", "luminance"]
REALISM: Final = 10_000.0
"""Weight of the photorealism loss where nothing else is said."""
STYLE_LAYERS: Final = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


class Recipe(BaseModel):
    """How one picture is painted.

    Frozen and hashable by value through `model_dump_json()`. Every field has a unit or a range in
    its description; these descriptions are also what `config.example.toml` and the command line
    show. Sizes are in pixels of the long side.

    The total loss is
    ``content_weight * content + strength * style_weight * style + tv_weight * tv``
    (Gatys, Ecker, Bethge 2016, equation 7, with a total variation term added), and where the
    picture is to stay a photograph ``realism_weight * realism`` (Luan et al. 2017, equation 4).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(512, ge=32, le=8192, description="long side of the painted picture, pixels")
    scales: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.5, 1.0),
        min_length=1,
        max_length=8,
        description="sizes to work through, coarse to fine, as fractions of size; the last is 1",
    )
    iterations: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        (64, 28),
        min_length=1,
        max_length=8,
        description="optimiser steps on each scale, one number a scale",
    )
    content_weight: float = Field(1.0, ge=0, le=1e6, description="weight of the content loss")
    style_weight: float = Field(2.0, ge=0, le=1e6, description="weight of the style loss")
    strength: float = Field(
        1.0,
        ge=0.05,
        le=20,
        description="how strong the style is against the photo: a factor on style_weight, "
        "alike at every size",
    )
    stroke_size: float = Field(
        1.0,
        ge=0.25,
        le=4,
        description="how large the strokes are: long side of the style picture over that of the "
        "photo, while it is looked at",
    )
    colors: Colours = Field(
        "style",
        description="style: the style's; match: the style picture is given the photo's colours "
        "before; luminance: light and dark alone are painted, and the photo's colours kept",
    )
    tv_weight: float = Field(4.0, ge=0, le=1e6, description="weight of the total variation loss")
    tv_norm: Literal["l1", "l2"] = Field(
        "l1",
        description="of differences between neighbouring pixels: their amount, which keeps edges, "
        "or their square",
    )
    photo: bool = Field(
        default=False,
        description="whether the picture stays a photograph: it takes the style's colours and "
        "light, and none of its strokes",
    )
    realism_weight: float = Field(
        REALISM,
        ge=0,
        le=1e6,
        description="weight, where photo is true, of what is no photograph: the mean square of "
        "what no local change of the photo's colours makes, for colours of 0 to 1; 10000 makes a "
        "hundredth of the range count 1, at every size",
    )
    content_layers: dict[Convolution, LayerWeight] = Field(
        {"conv4_2": 1.0},
        min_length=1,
        description="taps of the content loss and their weights",
    )
    style_layers: dict[Convolution, LayerWeight] = Field(
        dict.fromkeys(STYLE_LAYERS, 1.0),
        min_length=1,
        description="taps of the style loss and their weights",
    )
    style_loss: dict[StyleLossKind, LayerWeight] = Field(
        {"gram": 1.0},
        min_length=1,
        description="what of the style is compared at its taps, and the weight of each: Gram "
        "matrices, means and covariances (wasserstein), or histograms",
    )
    normalization: Literal["relative", "classic"] = Field(
        "relative",
        description="relative: each layer's loss over the energy of its target; "
        "classic: plain mean squares",
    )
    pooling: Literal["avg", "max"] = Field("avg", description="pooling of the network")
    padding: Literal["zeros", "reflect", "replicate"] = Field(
        "replicate",
        description="what the first convolution sees beyond the picture's edge",
    )
    margin: int = Field(
        4,
        ge=0,
        le=64,
        description="pixels around the picture that are painted too, the picture mirrored, and "
        "cut off in the end",
    )
    style_trim: float = Field(
        0.02,
        ge=0,
        le=0.25,
        description="share of the style picture left out at each edge, where photographs of "
        "paintings show frame or bare canvas",
    )
    optimizer: Literal["lbfgs", "adam"] = Field("lbfgs", description="which optimiser paints")
    history: int = Field(10, ge=1, le=100, description="steps that L-BFGS remembers")
    learning_rate: float = Field(
        10.0,
        gt=0,
        le=100,
        description="Adam's step, in grey levels of 0-255",
    )
    init: Literal["content", "noise", "blend"] = Field(
        "content",
        description="what the first scale starts from",
    )
    init_noise: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of noise when init is blend",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of the noise")
    plateau: float = Field(
        0.0,
        ge=0,
        le=1,
        description="a scale ends early when the best loss falls by less than this share "
        "in 10 steps; 0 never",
    )
    time_budget: float | None = Field(
        None,
        gt=0,
        description="seconds after which the picture is taken as it is",
    )

    @model_validator(mode="after")
    def _scales_and_steps_agree(self) -> Recipe:
        if len(self.scales) != len(self.iterations):
            raise ValueError("iterations needs one number for each scale")
        if list(self.scales) != sorted(set(self.scales)) or self.scales[-1] != 1:
            raise ValueError("scales must rise and end with 1")
        if not self.content_weight and not self.style_weight:
            raise ValueError("content_weight and style_weight cannot both be 0")
        if self.photo and self.init != "content":
            raise ValueError(
                f"photo keeps the picture a photograph, which random dots are not, but init is "
                f"{self.init}"
            )
        return self

    @property
    def taps(self) -> frozenset[Convolution]:
        """All convolutions whose maps a loss reads."""
        return frozenset({*self.content_layers, *self.style_layers})

    @property
    def total_iterations(self) -> int:
        """Steps over all scales, the most that this recipe takes."""
        return sum(self.iterations)
