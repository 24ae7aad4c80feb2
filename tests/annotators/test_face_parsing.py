"""Face masks: preprocessing as published, classes by name, files read safely."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.contracts import Annotation
from l4f_bench.annotators.face_parsing import FACE_CLASSES, FaceParser, num_pieces, preprocess
from l4f_bench.annotators.parser_file import load_bisenet, load_parser
from l4f_bench.errors import InputError
from l4f_bench.files.errors import CheckpointError
from tests.goldens import FOLDERS

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def random_image(height: int, width: int, channels: int = 3, number: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(height + width)
    shape = (number, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def network() -> BiSeNet:
    torch.manual_seed(0)
    return BiSeNet(19, width=0.125).eval()


@pytest.fixture(scope="module")
def parser(network: BiSeNet) -> FaceParser:
    return FaceParser(network, side=64)


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024), (333, 517), (7, 5), (1, 1)])
def test_preprocessing_is_that_of_pillow_and_imagenet(size: tuple[int, int]) -> None:
    image = random_image(*size)
    picture = Image.fromarray(image[0].permute(1, 2, 0).numpy())
    small = np.asarray(picture.resize((512, 512), Image.Resampling.BILINEAR))
    expected = ((small / 255 - MEAN) / STD).transpose(2, 0, 1)
    one_level = 1 / 255 / STD.min()
    assert np.abs(preprocess(image)[0].numpy() - expected).max() <= one_level + 1e-6
    assert np.abs(preprocess(image)[0].numpy() - expected).mean() < one_level / 100


@pytest.mark.parametrize("size", [(96, 160), (64, 32)])
def test_images_need_not_become_squares(network: BiSeNet, size: tuple[int, int]) -> None:
    image = random_image(96, 160)
    picture = Image.fromarray(image[0].permute(1, 2, 0).numpy())
    small = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR))
    x = preprocess(image, size)
    expected = ((small / 255 - MEAN) / STD).transpose(2, 0, 1)
    assert np.abs(x[0].numpy() - expected).max() < 1e-5
    with torch.no_grad():
        assert network.scores(x).shape == (1, 19, *size)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGBA", 4)])
def test_grey_and_rgba_are_converted_as_pillow_does(mode: str, channels: int) -> None:
    image = random_image(40, 30, channels)
    picture = Image.fromarray(image[0].permute(1, 2, 0).squeeze(2).numpy()).convert("RGB")
    as_rgb = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    assert torch.equal(preprocess(image), preprocess(as_rgb))


@pytest.mark.parametrize(
    "image",
    [
        torch.zeros(1, 3, 4, 4),
        torch.zeros(3, 4, 4, dtype=torch.uint8),
        torch.zeros(1, 2, 4, 4, dtype=torch.uint8),
        torch.zeros(1, 3, 0, 4, dtype=torch.uint8),
    ],
    ids=["float", "no batch", "two channels", "no pixels"],
)
def test_another_layout_is_refused(parser: FaceParser, image: Tensor) -> None:
    with pytest.raises(InputError, match="got"):
        parser.annotate(image)


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 64), (300, 20)])
def test_masks_have_the_size_of_the_image(parser: FaceParser, size: tuple[int, int]) -> None:
    annotation = parser.annotate(random_image(*size, number=2))
    assert annotation.mask.shape == (2, *size)
    assert annotation.mask.dtype == torch.bool
    assert annotation.accepted == (True, True)


@pytest.mark.parametrize("size", [(64, 64), (128, 192), (32, 320)])  # no ties
def test_class_map_is_the_first_heads_argmax_resized_as_by_pillow(
    network: BiSeNet, parser: FaceParser, size: tuple[int, int]
) -> None:
    image = random_image(*size)
    with torch.no_grad():
        classes = network(preprocess(image, 64)).main.argmax(1)[0].byte().numpy()
    expected = Image.fromarray(classes).resize(size[::-1], Image.Resampling.NEAREST)
    assert np.array_equal(parser.class_map(image)[0].numpy(), np.asarray(expected))


def test_batch_size_does_not_change_a_mask(parser: FaceParser) -> None:
    image = random_image(48, 56, number=3)
    single = torch.cat([parser.class_map(one[None]) for one in image])
    assert (parser.class_map(image) == single).float().mean() > 0.999


@pytest.mark.gpu
def test_gpu_gives_the_masks_of_the_cpu(network: BiSeNet) -> None:
    image = random_image(200, 120, number=2)
    expected = FaceParser(network).annotate(image).mask
    on_gpu = FaceParser(copy.deepcopy(network).cuda())
    for mask in (on_gpu.annotate(image).mask, on_gpu.annotate(image.cuda()).mask.cpu()):
        assert (mask == expected).float().mean() > 0.99


def test_default_foreground_is_all_but_the_background(parser: FaceParser) -> None:
    image = random_image(64, 64)
    assert parser.foreground == FACE_CLASSES[1:]
    assert torch.equal(parser.annotate(image).mask, parser.class_map(image) > 0)


def test_faces_below_the_minimum_area_are_rejected(network: BiSeNet, parser: FaceParser) -> None:
    image = random_image(64, 64)
    number = int(parser.class_map(image)[0, 0, 0])
    area = float((parser.class_map(image) == number).double().mean())
    for min_area, reason in ((area, None), (area + 1e-3, "too-small")):
        foreground = [FACE_CLASSES[number]]
        strict = FaceParser(network, foreground=foreground, side=64, min_area=min_area)
        assert strict.annotate(image).reason == (reason,)
    with pytest.raises(InputError, match="is out of range"):
        FaceParser(network, min_area=2.0)


@pytest.mark.parametrize(
    ("squares", "pieces"),
    [((), 0), ((2,), 1), ((2, 12), 2), ((2, 6), 1), ((2, 12, 22), 3), ((2, 12, -1), 2)],
)
def test_pieces_are_counted_without_specks(squares: tuple[int, ...], pieces: int) -> None:
    mask = torch.zeros(32, 32, dtype=torch.bool)
    for at in squares:
        if at < 0:
            mask[30, 30] = True  # one pixel of 1,024 is a speck
        else:
            mask[at : at + 4, at : at + 4] = True  # squares from 2 and 6 touch at a corner
    assert num_pieces(mask) == pieces


def test_a_foreground_in_two_pieces_is_rejected_where_one_is_wanted(network: BiSeNet) -> None:
    image = random_image(64, 64)
    loose, strict = FaceParser(network, side=64), FaceParser(network, side=64, one_piece=True)
    mask = loose.annotate(image).mask[0]
    expected = "several-instances" if num_pieces(mask) > 1 else None
    assert loose.annotate(image).reason == (None,)
    assert strict.annotate(image).reason == (expected,)


def test_named_foreground_is_the_union_of_its_classes(network: BiSeNet) -> None:
    image = random_image(64, 64)
    for number, names in enumerate((["hair", "skin"], {"hat"}, ("background", "mouth"))):
        parser = FaceParser(network, foreground=names, side=64)
        wanted = torch.tensor([FACE_CLASSES.index(name) for name in names])
        expected = torch.isin(parser.class_map(image).long(), wanted)
        assert torch.equal(parser.annotate(image).mask, expected), number
    assert FaceParser(network, foreground=["hair", "skin"]).foreground == ("skin", "hair")


def test_class_order_is_that_of_the_public_weights() -> None:
    assert len(FACE_CLASSES) == 19
    index = {"background": 0, "skin": 1, "eye_g": 6, "nose": 10, "neck": 14, "hair": 17, "hat": 18}
    assert all(FACE_CLASSES[number] == name for name, number in index.items())


def test_an_unknown_class_is_answered_with_the_nearest(network: BiSeNet) -> None:
    with pytest.raises(InputError, match=r"Unknown class 'hairs'\. Did you mean 'hair'"):
        FaceParser(network, foreground=["hairs"])
    with pytest.raises(InputError, match="No foreground class"):
        FaceParser(network, foreground=[])
    with pytest.raises(InputError, match="19 classes where 2 are named"):
        FaceParser(network, classes=["background", "object"])


def test_rejected_images_are_those_with_a_reason() -> None:
    annotation = Annotation(mask=torch.zeros(2, 4, 4, dtype=torch.bool), reason=("too-small", None))
    assert annotation.accepted == (False, True)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "distributed"])
def test_weights_load_from_every_format(network: BiSeNet, tmp_path: Path, kind: str) -> None:
    path, state = tmp_path / "79999_iter.pth", network.state_dict()
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    elif kind == "distributed":
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    loaded = load_bisenet(path)
    assert (loaded.num_classes, loaded.width, loaded.training) == (19, 0.125, False)
    for key, value in loaded.state_dict().items():
        assert torch.equal(value, state[key]), key


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"g_ema": {"input.input": torch.zeros(1)}}, "not a plain tensor"),
        ([torch.zeros(1)], "not a state dict"),
        ({"input.input": torch.zeros(1)}, "not a BiSeNet"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=rf"other\.pth.*{message}"):
        load_bisenet(path)


@pytest.mark.parametrize(
    "description",
    ["[]", "no JSON", '{"classes": 5}', '{"classes": [1, 2]}', '{"side": 0}', '{"side": 1e9}'],
)
def test_a_damaged_description_is_refused(
    network: BiSeNet, tmp_path: Path, description: str
) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "parser.safetensors"
    save_file(network.state_dict(), path, metadata={"l4f_bench_parser": description})
    with pytest.raises(CheckpointError, match=r"parser\.safetensors.*description"):
        load_parser(path, torch.device("cpu"))


def hostile_files() -> list[Path]:
    folder = next(folder / "hostile" for folder in FOLDERS if (folder / "hostile").exists())
    return sorted(path for path in folder.iterdir() if path.suffix not in (".md", ".json"))


@pytest.mark.parametrize("path", hostile_files(), ids=lambda path: path.name)
def test_hostile_files_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="Cannot read"):
        load_bisenet(path)
