"""job.toml: what may be wished for, what is refused and in which words, and the recipe."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import OverridesError, SettingsError
from daemon.overrides import WISHES, make_output, make_recipe, read_job_file
from daemon.settings import STYLE_LOSSES, OutputSettings, PaintSettings
from engine import PRESETS, Recipe, at_size

EVERYTHING = b"""
preset = "fine"
size = 800
iterations = 90
content_weight = 2
style_weight = 12.5
strength = 2
stroke_size = 0.5
colors = "luminance"
style_loss = "gram 70 + histogram 30"
tv_weight = 0.001
tv_norm = "l2"
pooling = "max"
normalization = "classic"
photo = false
realism_weight = 3e4
init = "blend"
init_noise = 0.25
seed = 7
output.format = "webp"
output.quality = 80
output.lossless = true
output.depth = 16
output.size = "original"
output.refine = 0
output.keep_location = true
"""


def test_everything_that_can_be_set_is_read() -> None:
    wishes = read_job_file(EVERYTHING).wishes
    assert wishes == {
        "preset": "fine", "size": 800, "iterations": 90, "content_weight": 2.0,
        "style_weight": 12.5, "strength": 2.0, "stroke_size": 0.5, "colors": "luminance",
        "style_loss": "gram 70 + histogram 30", "tv_weight": 0.001, "tv_norm": "l2",
        "pooling": "max", "normalization": "classic", "photo": False, "realism_weight": 3e4,
        "init": "blend", "init_noise": 0.25, "seed": 7,
        "output.format": "webp", "output.quality": 80, "output.lossless": True, "output.depth": 16,
        "output.size": "original", "output.refine": 0, "output.keep_location": True,
    }  # fmt: skip
    assert set(wishes) == set(WISHES)
    assert json.loads(json.dumps(wishes)) == wishes


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"\xef\xbb\xbf", b"\r\n"])
def test_nothing_may_be_wished_for(text: bytes) -> None:
    assert read_job_file(text).wishes == {}


def test_what_windows_writes_is_read() -> None:
    assert read_job_file(b"\xef\xbb\xbfsize = 64\r\nseed = 1\r\n").wishes == {"size": 64, "seed": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sise = 3", r'no setting "sise"\. Did you mean "size"\?'),
        ("Size = 300", r'Did you mean "size"\?'),
        ("style-weight = 3", r'Did you mean "style_weight"\?'),
        ('style = "/etc/passwd"', r"no setting"),
        ('default_style = "Waves"', r'no setting "default_style"'),
        ("qqq = 3", r'no setting "qqq"\. What can be set is listed in docs/configuration\.md'),
        ('"a\\u001b[2J" = 3', r'no setting "a\\x1b\[2J"'),
        ("[paint]\nsize = 3", r'no setting "paint"'),
        ("[output]\nsise = 3", r'no setting "output\.sise"\. Did you mean "output\.size"\?'),
        ("output = 3", r'no setting "output"'),
        ('output.format = "gif"', r'output\.format must be one of "auto", "jpeg", .* is \'gif\''),
        ("output.depth = 12", r"output\.depth must be a whole number from 8 to 16 in steps of 8"),
        ("output.quality = 101", r"output\.quality must be a whole number from 1 to 100"),
        ('output.lossless = "yes"', r"output\.lossless must be true or false, but it is 'yes'"),
        ("output.keep_location = 1", r"output\.keep_location must be true or false, but it is 1"),
        ('size = "big"', r"size must be a whole number from 32 to 8192, but it is 'big'"),
        ("size = 300.0", r"size must be a whole number from 32 to 8192, but it is 300\.0"),
        ("size = true", r"size must be a whole number"),
        ("size = 31", r"from 32 to 8192, but it is 31\."),
        ("size = 8193", r"from 32 to 8192, but it is 8193\."),
        ("size = 1979-05-27", r"size must be a whole number"),
        ("iterations = 0", r"iterations must be a whole number from 1 to 10000"),
        ("iterations = [1, 2]", r"iterations must be"),
        ("seed = 2147483648", r"seed must be a whole number from 0 to 2147483647"),
        ("style_weight = -1", r"style_weight must be a number from 0 to 1000000, but it is -1"),
        ("style_weight = nan", r"style_weight must be a number"),
        ("style_weight = inf", r"style_weight must be a number"),
        ('tv_weight = "1"', r"tv_weight must be a number from 0"),
        ("content_weight = false", r"content_weight must be a number"),
        ('preset = "fien"', r'preset must be one of "draft".*Did you mean "fine"\?'),
        ('init = "nois"', r'init must be one of .*"blend".*Did you mean "noise"\?'),
        ("strength = 0", r"strength must be a number from 0\.05 to 20, but it is 0\."),
        ("strength = 20.1", r"strength must be a number from 0\.05 to 20, but it is 20\.1\."),
        ("stroke_size = 0.2", r"stroke_size must be a number from 0\.25 to 4, but it is 0\.2\."),
        ('stroke_size = "large"', r"stroke_size must be a number from 0\.25 to 4"),
        ('colors = "luma"', r'colors must be one of "style", "match", "luminance", but it is'),
        ('colours = "match"', r'no setting "colours"\. Did you mean "colors"\?'),
        ('tv_norm = "l3"', r'tv_norm must be one of "l1", "l2", but it is'),
        ('pooling = "mean"', r'pooling must be one of "avg", "max"'),
        ('normalization = "none"', r'normalization must be one of "relative", "classic"'),
        ('style_loss = "oil"', r'or a mixture such as "gram 70 \+ histogram 30", but it is \'oil'),
        ('style_loss = "gram + gram"', r"style_loss must be gram, wasserstein, histogram, or"),
        ("style_loss = 3", r"style_loss must be gram, .*, but it is 3\."),
        ("style_loss = {gram = 1}", r"style_loss must be gram, "),
        ("photo = 1", r"photo must be true or false, but it is 1\."),
        ("realism_weight = -1", r"realism_weight must be a number from 0 to 1000000, but it is"),
        ("init_noise = 1.5", r"init_noise must be a number from 0 to 1, but it is 1\.5\."),
        ("preset = 3", r'one of "draft", .*, "poster", "subtle", "photo", but it is 3\.'),
        ("size = " + "9" * 6000, r"job\.toml"),
        ("size = " + "[" * 30000, r"cannot be read"),
        ("size = 0x" + "f" * 3600, r"cannot be read: a whole number is longer than 64 bits"),
        ("seed = " + "9" * 5000, r"cannot be read"),
        ("size" + ".a" * 3000 + " = 1", r"cannot be read: tables or lists lie more than 32 deep"),
        ("size = 64\npreset = fine", r"in line 2 .* like this: preset = \"fine\" \."),
        ("size 300", r"cannot be read: .*line 1.* Write one setting a line"),
        ("size = 1\nsize = 2", r"cannot be read"),
        ("size = 800\0", r"cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(text: str, message: str) -> None:
    with pytest.raises(OverridesError, match=message) as caught:
        read_job_file(text.encode())
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size = big", "must be a whole number from 32 to 8192, but it is 'big'"),
        ("preset = fine", 'needs quotation marks, like this: preset = "fine"'),
        ("[output]\nformat = jpg", 'needs quotation marks, like this: format = "jpg"'),
    ],
)
def test_marks_are_asked_for_where_they_help(text: str, message: str) -> None:
    with pytest.raises(OverridesError, match=re.escape(message)):
        read_job_file(text.encode())


def test_other_encodings_are_refused() -> None:
    with pytest.raises(OverridesError, match="Save it as UTF-8"):
        read_job_file("size = 800 # größer".encode("utf-16"))


TOML_LIKE = st.text("[]{}=\"'.#\n1a_-", max_size=60)


@given(st.one_of(st.binary(), st.text().map(str.encode), TOML_LIKE.map(str.encode)))
def test_any_bytes_give_wishes_or_words(text: bytes) -> None:
    said = ""
    try:
        wishes = read_job_file(text).wishes
    except OverridesError as error:
        said = str(error)
    else:
        assert set(wishes) <= set(WISHES)
    assert said.isprintable()


@pytest.mark.parametrize("preset", PRESETS)
def test_without_wishes_the_preset_is_the_recipe(preset: str) -> None:
    paint = PaintSettings.model_validate({"preset": preset})
    assert make_recipe(paint, {}) == PRESETS[preset]


def test_settings_stand_over_the_preset_and_wishes_over_both() -> None:
    paint = PaintSettings(size=900, seed=3, style_weight=5.0)
    recipe = make_recipe(paint, {"preset": "draft", "size": 300, "tv_weight": 1.5})
    assert recipe == at_size(PRESETS["draft"], 300).model_copy(
        update={"seed": 3, "style_weight": 5.0, "tv_weight": 1.5}
    )


def test_zero_is_a_wish() -> None:
    recipe = make_recipe(PaintSettings(seed=5, style_weight=3), {"seed": 0, "content_weight": 0.0})
    assert (recipe.seed, recipe.content_weight, recipe.style_weight) == (0, 0, 3)


def test_steps_are_shared_out_as_the_preset_does() -> None:
    standard = PRESETS["standard"]
    doubled = make_recipe(PaintSettings(iterations=2 * standard.total_iterations), {})
    for share, step in zip(doubled.iterations, standard.iterations, strict=True):
        assert abs(share - 2 * step) <= 2
    assert doubled.scales == standard.scales


@given(st.sampled_from(sorted(PRESETS)), st.integers(1, 10_000))
def test_all_steps_are_shared_out_fairly(preset: str, total: int) -> None:
    base = PRESETS[preset]
    recipe = make_recipe(PaintSettings(), {"preset": preset, "iterations": total})
    assert recipe.total_iterations == total
    assert len(recipe.scales) == min(total, len(base.scales))
    assert recipe.scales == base.scales[-len(recipe.scales) :]
    if total < len(base.scales):
        return
    # One step each is given first, and the rest in proportion: so far a share may be off.
    off = len(base.scales)
    for share, weight in zip(recipe.iterations, base.iterations, strict=True):
        assert abs(share - total * weight / base.total_iterations) <= off


def test_wishes_that_contradict_the_settings_are_refused() -> None:
    paint = PaintSettings(content_weight=0)
    with pytest.raises(OverridesError, match=r"job\.toml.*cannot both be 0"):
        make_recipe(paint, {"style_weight": 0.0})


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"init_noise": 0.3}, r"init_noise is the share of random dots .*, but init is content\."),
        ({"init_noise": 0.3, "init": "noise"}, r"init_noise .*, but init is noise\. Change one"),
        ({"strength": 2.0, "style_weight": 0.0}, r"strength is about the style, but style_weight"),
        ({"stroke_size": 2.0, "style_weight": 0.0}, r"stroke_size is about the style"),
        ({"style_loss": "gram", "style_weight": 0.0}, r"style_loss is about the style"),
        ({"tv_norm": "l2", "tv_weight": 0.0}, r"tv_norm is about smoothness, but tv_weight is 0\."),
        ({"photo": True, "style_weight": 0.0}, r"photo is about the style, but style_weight is 0"),
        ({"realism_weight": 9.0}, r"realism_weight is about pictures that stay photographs, but"),
        ({"photo": True, "init": "noise"}, r"photo keeps .* dots are not, but init is noise\."),
        ({"preset": "photo", "init": "blend"}, r"photo keeps .* but init is blend\. Change one"),
    ],
)
def test_wishes_that_can_have_no_effect_are_refused(
    wishes: dict[str, object], message: str
) -> None:
    with pytest.raises(OverridesError, match=rf"job\.toml asks for makes no sense: {message}"):
        make_recipe(PaintSettings(), wishes)


def test_the_settings_may_give_a_wish_its_meaning_and_may_wait_for_one() -> None:
    settings = PaintSettings(init="blend")
    recipe = make_recipe(settings, {"init_noise": 0.3, "tv_norm": "l2"})
    assert (recipe.init_noise, recipe.tv_norm) == (0.3, "l2")
    waiting = PaintSettings(init_noise=0.3, tv_weight=0, tv_norm="l2", strength=2)
    assert make_recipe(waiting, {}).init_noise == 0.3
    assert make_recipe(waiting, {"init": "blend"}).init == "blend"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("wasserstein", {"wasserstein": 1.0}),
        ("gram + histogram", {"gram": 0.5, "histogram": 0.5}),
        ("gram 70 + histogram 30", {"gram": 0.7, "histogram": 0.3}),
        ("Gram 2 + histogram 1 + wasserstein 1",
         {"gram": 0.5, "histogram": 0.25, "wasserstein": 0.25}),
    ],
)  # fmt: skip
def test_a_mixture_of_losses_becomes_weights(text: str, kinds: dict[str, float]) -> None:
    assert make_recipe(PaintSettings(style_loss=text), {}).style_loss == kinds
    assert make_recipe(PaintSettings(), {"style_loss": text}).style_loss == kinds


def test_all_that_can_be_compared_can_be_asked_for() -> None:
    assert make_recipe(PaintSettings(style_loss=" + ".join(STYLE_LOSSES)), {}).style_loss == (
        dict.fromkeys(STYLE_LOSSES, pytest.approx(1 / 3))
    )


@pytest.mark.parametrize(
    "name", sorted(PaintSettings.model_fields.keys() & Recipe.model_fields.keys())
)
def test_a_setting_has_the_range_that_the_engine_has(name: str) -> None:
    """So that whatever is taken can be painted, and all that can be painted can be asked for."""
    if name in {"iterations", "style_loss"}:
        return  # which a recipe has in another form
    setting = PaintSettings.model_json_schema()["properties"][name]
    (inner,) = (one for one in setting["anyOf"] if one != {"type": "null"})
    recipe = Recipe.model_json_schema()["properties"][name]
    bounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "type"}
    assert {key: inner[key] for key in inner.keys() & bounds} == {
        key: recipe[key] for key in recipe.keys() & bounds
    }


def test_settings_that_contradict_one_another_are_not_the_wishes_fault() -> None:
    paint = PaintSettings(content_weight=0, style_weight=0)
    with pytest.raises(SettingsError, match=r"settings of paint.*cannot both be 0"):
        make_recipe(paint, {"size": 64})


@pytest.mark.parametrize("wishes", [{"padding": "zeros"}, {"size": 10**9}])
def test_wishes_are_checked_again_where_they_are_used(wishes: dict[str, object]) -> None:
    with pytest.raises(OverridesError):
        make_recipe(PaintSettings(), wishes)


@given(st.fixed_dictionaries({}, optional={
    "preset": st.sampled_from(sorted(PRESETS)), "size": st.integers(32, 8192),
    "iterations": st.integers(1, 10_000), "style_weight": st.floats(0.001, 1e6),
    "content_weight": st.floats(0, 1e6), "tv_weight": st.floats(0, 1e6),
    "strength": st.floats(0.05, 20), "stroke_size": st.floats(0.25, 4),
    "colors": st.sampled_from(["style", "match", "luminance"]),
    "tv_norm": st.sampled_from(["l1", "l2"]), "pooling": st.sampled_from(["avg", "max"]),
    "normalization": st.sampled_from(["relative", "classic"]),
    "photo": st.booleans(), "realism_weight": st.floats(0, 1e6),
    "init": st.sampled_from(["content", "noise", "blend"]), "init_noise": st.floats(0, 1),
    "seed": st.integers(0, 2**31 - 1),
}))  # fmt: skip
def test_every_wish_within_bounds_makes_a_recipe(wishes: dict[str, object]) -> None:
    if wishes.get("init") != "blend":
        wishes.pop("init_noise", None)
    if wishes.get("tv_weight") == 0:
        wishes.pop("tv_norm", None)
    if wishes.get("init", "content") != "content":
        wishes |= {"photo": False}
    if not wishes.get("photo", wishes.get("preset") == "photo"):
        wishes.pop("realism_weight", None)
    recipe = make_recipe(PaintSettings(), wishes)
    assert isinstance(recipe, Recipe)
    for name in set(wishes) - {"preset", "iterations"}:
        assert getattr(recipe, name) == wishes[name]


def test_wishes_about_the_file_stand_over_the_settings_and_change_no_recipe() -> None:
    wishes = read_job_file(b'[output]\nformat = "tiff"\ndepth = 16\n').wishes
    usual = OutputSettings(quality=80, format="png")
    assert make_output(usual, wishes) == OutputSettings(quality=80, format="tiff", depth=16)
    assert make_output(usual, {"size": 64}) == usual
    assert make_recipe(PaintSettings(), wishes) == make_recipe(PaintSettings(), {})


def test_a_recipe_can_stand_in_for_the_preset() -> None:
    base = PRESETS["fine"].model_copy(update={"seed": 5, "tv_weight": 0.5})
    assert make_recipe(PaintSettings(preset="draft"), {}, base) == base
    made = make_recipe(PaintSettings(style_weight=9, size=300), {}, base)
    assert (made.seed, made.tv_weight, made.style_weight, made.size) == (5, 0.5, 9, 300)
