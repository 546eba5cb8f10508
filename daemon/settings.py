"""The settings: one frozen object, made once, passed to whoever needs a part of it.

This module says which settings there are. Where they come from (file, environment, command line)
is `daemon.configuration`'s business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from daemon import mixture
from daemon.words import LANGUAGES, Language
from engine.recipe import StyleLossKind

STYLE_LOSSES: Final[tuple[StyleLossKind, ...]] = get_args(StyleLossKind)
"""What of a style can be compared."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShareSettings(_Section):
    """The folders, and what people read in them. A relative path is taken below `root`."""

    root: Path = Field(Path("share"), description="the folder that people see over the network")
    inbox: Path = Field(Path("Inbox"), description="where photos are dropped")
    outbox: Path = Field(Path("Outbox"), description="where painted pictures appear")
    styles: Path = Field(Path("Styles"), description="one picture here makes one folder in inbox")
    originals: Path = Field(Path("Originals"), description="where photos go once they are painted")
    failed: Path = Field(Path("Failed"), description="where photos go that could not be painted")
    work: Path = Field(
        Path(".atelierd"),
        description="where photos wait while they are painted; hidden, not for people",
    )
    language: Language = Field(
        LANGUAGES[0],
        description="of all that people read in these folders: en is English, zh is Chinese",
    )
    contact_sheet: bool = Field(
        default=True,
        description="whether a picture of all styles with their names, All styles.jpg, is kept in "
        "root; where it is not, one that was drawn is removed",
    )


class WatchSettings(_Section):
    """How new files are noticed, and when they count as complete."""

    mode: Literal["auto", "events", "poll"] = Field(
        "auto",
        description="events: wake up when the kernel reports a change; poll: look at intervals "
        "alone; auto: poll on network file systems, events elsewhere",
    )
    scan_seconds: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="seconds between two looks at the folders when nothing happens",
    )
    poll_seconds: float = Field(
        2.0,
        gt=0,
        le=3600,
        description="seconds between two looks when polling, or while a file is still changing",
    )
    settle_seconds: float = Field(
        5.0,
        ge=0,
        le=3600,
        description="a file must stay unchanged for so long before it is taken; one that may have "
        "a part missing for ten times as long, and for two minutes at least",
    )
    settle_scans: int = Field(
        3, ge=2, le=100, description="and look the same in at least so many looks in a row"
    )
    patience_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="a photo that stays unreadable and unchanged for so long is moved to failed; "
        "one waits so long for a style that is being replaced, and --once for a file out of reach",
    )
    max_file_mb: int = Field(
        200, ge=1, le=10_000, description="a larger file is refused, megabytes"
    )
    max_megapixels: int = Field(
        200,
        ge=1,
        le=10_000,
        description="a picture with more pixels is refused, and so are the styles of a blend with "
        "more together, millions",
    )

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest file that is read."""
        return self.max_file_mb * 1_000_000

    @property
    def max_pixels(self) -> int:
        """Pixels of the largest picture that is read."""
        return self.max_megapixels * 1_000_000


class PaintSettings(_Section):
    """How pictures are painted when nothing else is said. Unset values come from the preset."""

    preset: Literal["draft", "standard", "fine", "poster", "subtle", "photo"] = Field(
        "standard", description="named recipe"
    )
    default_style: str | None = Field(
        None,
        description="name of the style for photos that lie in the bare inbox, or of several, as "
        "folders have it; without it they stay there with a note",
    )
    size: int | None = Field(None, ge=32, le=8192, description="long side of the result, pixels")
    iterations: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="optimiser steps over all sizes together, shared out as the preset does",
    )
    content_weight: float | None = Field(None, ge=0, le=1e6, description="weight of the photo")
    style_weight: float | None = Field(None, ge=0, le=1e6, description="weight of the style")
    strength: float | None = Field(
        None,
        ge=0.05,
        le=20,
        description="how strong the style is against the photo, alike at every size: a factor on "
        "style_weight, 1 in all presets",
    )
    stroke_size: float | None = Field(
        None,
        ge=0.25,
        le=4,
        description="how large strokes and shapes are: long side of the style picture over that "
        "of the photo while they are compared; 2 doubles them, 0.5 halves them",
    )
    colors: Literal["style", "match", "luminance"] | None = Field(
        None,
        description="style: the style's; match: the style picture is given the photo's colours "
        "before; luminance: light and dark alone are painted, over the photo's own colours",
    )
    style_loss: str | None = Field(
        None,
        description="what of the style is compared: gram (which shapes and colours come "
        "together), wasserstein (their means and spreads), histogram (how much there is of each), "
        "or a mixture of these with shares in percent, such as gram 70 + histogram 30",
    )
    tv_weight: float | None = Field(None, ge=0, le=1e6, description="weight of smoothness")
    tv_norm: Literal["l1", "l2"] | None = Field(
        None,
        description="what tv_weight counts of differences between neighbouring pixels: l1: their "
        "amount, which keeps edges; l2: their square, which softens them",
    )
    photo: bool | None = Field(
        None,
        description="whether the picture stays a photograph: it takes the style's colours and "
        "light, and none of its strokes; init has to be content",
    )
    realism_weight: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="weight, where photo is true, of what is no photograph while the picture is "
        "painted, alike at every size",
    )
    pooling: Literal["avg", "max"] | None = Field(
        None,
        description="how the network gets from one size to the next: avg: by means, which is "
        "smoother; max: by what is largest, which is rougher",
    )
    normalization: Literal["relative", "classic"] | None = Field(
        None,
        description="relative: differences count as shares of what is to be reached, so that "
        "weights mean the same at every size; classic: as they are, as in other programs",
    )
    init: Literal["content", "noise", "blend"] | None = Field(
        None,
        description="content: painting starts from the photo; noise: from random dots, and the "
        "picture strays further from the photo; blend: from both, mixed",
    )
    init_noise: float | None = Field(
        None, ge=0, le=1, description="share of the random dots when init is blend"
    )
    seed: int | None = Field(
        None,
        ge=0,
        lt=2**31,
        description="number that the random dots are drawn from: another one gives another "
        "picture, the same one the same; without dots (init content) it changes nothing",
    )

    @field_validator("style_loss")
    @classmethod
    def _is_a_mixture(cls, style_loss: str | None) -> str | None:
        if style_loss is not None and mixture.parse(style_loss, STYLE_LOSSES) is None:
            raise ValueError("no such style loss, and no mixture of them")
        return style_loss


class EngineSettings(_Section):
    """The process that paints."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="where to compute")
    devices: str | None = Field(
        None,
        pattern=r"^(all|\d{1,4}(, \d{1,4})*)$",
        description="graphics cards that paint at the same time, a photo each: all, or their "
        "numbers; unset: one engine, as device says",
    )
    workers: int = Field(
        1,
        ge=1,
        le=1024,
        description="photos painted at the same time where the processor paints; its cores and "
        "the memory are divided among them",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="of the network's numbers: bfloat16 is for processors that have it, float16 "
        "for cards; auto: the fastest that passes a self-check",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="CPU threads; unset: the physical cores this process may use",
    )
    weights: Path = Field(
        Path("data/param"), description="folder of the trained weights (vgg19.params)"
    )
    first_look: Literal["auto", "off"] = Field(
        "auto",
        description="what the page shows of a painting before its first steps; auto: what it may "
        "become, by a second network that takes a second, if that lies beside the trained weights; "
        "off: nothing",
    )
    max_memory: int | None = Field(
        None,
        ge=512,
        le=1_048_576,
        description="memory that it may hold, megabytes; larger pictures are painted in tiles; "
        "unset: most of what is free",
    )
    style_cache: int = Field(
        256,
        ge=0,
        le=1_048_576,
        description="what is known of styles is kept beside the journal, megabytes at most, so "
        "that a restart need not look at them again; 0: nowhere",
    )
    checkpoint_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="seconds after which a picture on its way is saved beside the journal, to go "
        "on from there after a crash; after each step where one takes more than 10 s; 0: only "
        "when the service is stopped, which does not wait for a step of more than 28 s",
    )
    max_attempts: int = Field(
        3, ge=1, le=100, description="a photo at which the engine dies so many times is failed"
    )

    @field_validator("devices", mode="before")
    @classmethod
    def _is_a_list_too(cls, devices: object) -> object:
        if isinstance(devices, list):
            return ", ".join(map(str, devices))
        return devices

    @field_validator("devices")
    @classmethod
    def _names_each_once(cls, devices: str | None) -> str | None:
        if devices and len(set(devices.split(", "))) < len(devices.split(", ")):
            raise ValueError("a card is named twice")
        return devices


class ClusterSettings(_Section):
    """Painters on other machines, where runner is dask."""

    scheduler: str | None = Field(
        None,
        pattern=r"^(tcp|tls)://.+:\d+$",
        description="address of Dask's scheduler, such as tcp://painters:8786; unset: painters on "
        "this machine, as many as workers or devices say",
    )
    tls_ca: Path | None = Field(None, description="certificate of who signed all the others")
    tls_cert: Path | None = Field(None, description="certificate of this side")
    tls_key: Path | None = Field(None, description="its private key")
    max_megabytes: int = Field(
        1024, ge=1, le=65_536,
        description="of the files of one photo together, of its result, and of what is saved of it "
        "on the way (55 at 512 pixels, 215 at 1024, and so on), that go through the network",
    )  # fmt: skip


class OutputSettings(_Section):
    """The files in the outbox."""

    format: Literal["auto", "jpeg", "png", "webp", "tiff"] = Field(
        "auto",
        description="file format of results; auto: JPEG, or PNG for a photo with transparent parts "
        "and where depth is 16",
    )
    quality: int = Field(95, ge=1, le=100, description="quality of JPEG and WebP")
    lossless: bool = Field(False, description="WebP files keep every value, and are larger")
    depth: int = Field(
        8, ge=8, le=16, multiple_of=8, description="bits a colour of PNG and TIFF; others have 8"
    )
    size: Literal["working", "original"] = Field(
        "working",
        description="working: results are as large as they are painted (paint.size); original: "
        "enlarged or reduced to the photo's own size",
    )
    refine: int = Field(
        4,
        ge=0,
        le=64,
        description="steps that a painting gets once it is enlarged, towards the photo's own size "
        "(size is original) but to 3.2 megapixels at most; 0: it is enlarged alone; a picture "
        "that stays a photograph (paint.photo) has the photo's own detail without steps, but at 0",
    )
    keep_location: bool = Field(
        False,
        description="whether results name the place where the photo was taken",
    )


class PageSettings(_Section):
    """The page in the share's folder that shows how things are: Status.html."""

    enabled: bool = Field(True, description="whether the page is kept")
    seconds: float = Field(
        3.0,
        ge=1,
        le=60,
        description="seconds between two versions of it while a photo is painted",
    )


class LogSettings(_Section):
    """What is logged, to standard error."""

    format: Literal["auto", "words", "pretty", "json"] = Field(
        "auto",
        description="words: sentences; pretty: names of events with keys and values; json: one "
        "object a line; auto: words on a terminal (pretty at level debug), json otherwise",
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level")


class MetricsSettings(_Section):
    """Figures for Prometheus."""

    file: Path | None = Field(
        None,
        description="file that the service writes figures into, NAME.prom in the folder that "
        "node_exporter's textfile collector reads; unset: none",
    )

    @field_validator("file")
    @classmethod
    def _is_read_by_the_collector(cls, file: Path | None) -> Path | None:
        if file is not None and not file.name.endswith(".prom"):
            raise ValueError("the file's name has to end with .prom, or nobody reads it")
        return file


class Settings(_Section):
    """All settings of the program."""

    runner: Literal["local", "dask"] = Field(
        "local",
        description="who paints; local: processes on this machine; dask: painters of a cluster",
    )
    state_dir: Path | None = Field(
        None,
        description="folder on a local disk for journal and cache; unset: $STATE_DIRECTORY or the "
        "user's state folder, apart for each share",
    )
    share: ShareSettings = Field(default_factory=ShareSettings)
    watch: WatchSettings = Field(default_factory=WatchSettings)
    paint: PaintSettings = Field(default_factory=PaintSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    cluster: ClusterSettings = Field(default_factory=ClusterSettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
    page: PageSettings = Field(default_factory=PageSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)

    @property
    def paints_elsewhere(self) -> bool:
        """Whether painters of another scheduler paint, who come and go as they like."""
        return self.runner == "dask" and self.cluster.scheduler is not None
