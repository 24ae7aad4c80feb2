"""The annotator end to end, with a small network that finds what is bright."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from l4f_bench.annotators.coco import COCO_CLASSES
from l4f_bench.annotators.loading import ANNOTATORS, load_annotator
from l4f_bench.annotators.mask_rcnn import Architecture, MaskRCNN, load_mask_rcnn
from l4f_bench.annotators.mask_rcnn.annotator import MaskRcnnAnnotator
from l4f_bench.annotators.mask_rcnn.network_detector import NetworkDetector
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.weights import WEIGHTS
from tests.annotators.optional import torchvision_or_skip
from tests.toy_detector import toy_weights, write_toy_pickle

CLEAR_REFS = Path("/proc/self/clear_refs")
CPU = torch.device("cpu")
CATS = RejectionRule(target_class="cat")


def disc(height: int, width: int, brightness: int = 220) -> tuple[Tensor, Tensor]:
    """A bright disc (an ellipse, if the image is oblong) on black: uint8 image and bool mask."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    mask = (((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.45) ** 2) < 0.35**2
    return (mask * brightness).to(torch.uint8).expand(1, 3, height, width), mask


def iou(first: Tensor, second: Tensor) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.fixture(scope="module")
def toy_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torchvision_or_skip()
    return write_toy_pickle(tmp_path_factory.mktemp("weights") / "toy.pkl")


@pytest.fixture(scope="module")
def annotator(toy_path: Path) -> MaskRcnnAnnotator:
    loaded = load_annotator("mask-rcnn", toy_path, CPU, CATS)
    assert isinstance(loaded, MaskRcnnAnnotator)
    return loaded


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (300, 500), (512, 128)])
def test_the_object_is_found_where_it_is(
    annotator: MaskRcnnAnnotator, size: tuple[int, int]
) -> None:
    image, mask = disc(*size)
    (verdict,) = annotator.verdicts(image)
    assert (verdict.reason, verdict.num_instances) == (None, 1)
    assert verdict.score is not None
    assert verdict.score > 0.9
    assert verdict.mask.shape == size
    assert iou(verdict.mask, mask) > 0.75


def test_an_image_without_the_object_is_rejected(annotator: MaskRcnnAnnotator) -> None:
    annotation = annotator.annotate(torch.full((2, 3, 40, 60), 20, dtype=torch.uint8))
    assert annotation.reason == ("no-instance", "no-instance")
    assert annotation.mask.shape == (2, 40, 60)
    assert not annotation.mask.any()


def test_an_object_of_another_class_is_no_instance(toy_path: Path) -> None:
    dogs = load_annotator("mask-rcnn", toy_path, CPU, RejectionRule(target_class="dog"))
    assert dogs.annotate(disc(64, 64)[0]).reason == ("no-instance",)


def test_a_small_object_is_rejected_on_request(toy_path: Path) -> None:
    rule = RejectionRule(target_class="cat", min_area=0.9)
    annotation = load_annotator("mask-rcnn", toy_path, CPU, rule).annotate(disc(64, 64)[0])
    assert annotation.reason == ("too-small",)


def test_an_image_does_not_depend_on_the_others(annotator: MaskRcnnAnnotator) -> None:
    image = torch.cat([disc(64, 64)[0], disc(64, 64, 20)[0], disc(64, 64, 150)[0]])
    together = annotator.annotate(image)
    alone = [annotator.annotate(one[None]) for one in image]
    assert torch.equal(together.mask, torch.cat([one.mask for one in alone]))
    assert together.reason == tuple(one.reason[0] for one in alone)
    assert together.score == tuple(one.score[0] for one in alone)


def test_grey_and_rgba_images_are_converted(annotator: MaskRcnnAnnotator) -> None:
    image = disc(64, 64)[0]
    expected = annotator.annotate(image).mask
    rgba = torch.cat([image, torch.zeros(1, 1, 64, 64, dtype=torch.uint8)], 1)
    assert torch.equal(annotator.annotate(image[:, :1]).mask, expected)
    assert torch.equal(annotator.annotate(rgba).mask, expected)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 2, 8, 8), (1, 3, 0, 8), (0, 3, 8, 8)])
def test_another_layout_is_refused(annotator: MaskRcnnAnnotator, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        annotator.annotate(torch.zeros(shape, dtype=torch.uint8))


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 2), (3, 7)])
@pytest.mark.parametrize("brightness", [0, 255])
def test_tiny_and_thin_images_are_annotated(
    annotator: MaskRcnnAnnotator, size: tuple[int, int], brightness: int
) -> None:
    annotation = annotator.annotate(torch.full((1, 3, *size), brightness, dtype=torch.uint8))
    assert annotation.mask.shape == (1, *size)
    assert annotation.accepted == (brightness == 255,)


@pytest.mark.skipif(not CLEAR_REFS.exists(), reason="peak memory can be reset on Linux only")
def test_an_image_20000_pixels_wide_takes_little_memory(annotator: MaskRcnnAnnotator) -> None:
    mask = torch.zeros(4000, 20_000, dtype=torch.bool)
    mask[800:3200, 4000:14_000] = True
    image = (mask.byte() * 220).expand(1, 3, -1, -1)
    annotator.annotate(disc(160, 800)[0])
    before_mib = _memory_mib("VmRSS")
    CLEAR_REFS.write_text("5")
    (verdict,) = annotator.verdicts(image)
    more_mib = _memory_mib("VmHWM") - before_mib
    assert iou(verdict.mask, mask) > 0.7
    # The mask takes 76, three channels of the image 229; one float image would take 915.
    assert more_mib < 450


def _memory_mib(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def test_the_published_width_and_depth_run_as_well() -> None:
    torchvision_or_skip()
    torch.manual_seed(0)
    detector = NetworkDetector(MaskRCNN(Architecture()).ready())
    annotator = MaskRcnnAnnotator(detector, CATS)
    image = torch.randint(0, 256, (1, 3, 20, 300), dtype=torch.uint8)
    assert annotator.annotate(image).mask.shape == (1, 20, 300)


def test_a_network_without_the_class_is_refused() -> None:
    detector = NetworkDetector(MaskRCNN(Architecture(num_classes=3)).ready())
    with pytest.raises(InputError, match="has 3 classes; 'cat' is number 15"):
        MaskRcnnAnnotator(detector, CATS)


@pytest.mark.gpu
def test_gpu_gives_the_masks_of_the_cpu(annotator: MaskRcnnAnnotator, toy_path: Path) -> None:
    image, _ = disc(256, 320)
    on_gpu = load_annotator("mask-rcnn", toy_path, torch.device("cuda"), CATS)
    expected = annotator.annotate(image)
    for annotation in (on_gpu.annotate(image), on_gpu.annotate(image.cuda())):
        assert annotation.reason == expected.reason
        assert iou(annotation.mask.cpu(), expected.mask) > 0.99


def test_every_annotator_names_weights_that_can_be_fetched() -> None:
    named = {spec.name: spec.weights for spec in ANNOTATORS}
    assert named.pop("unet") is None  # there are no published ones
    assert [WEIGHTS.get(str(weights)).file_name for weights in named.values()]


def test_a_rule_is_asked_for_where_it_is_needed(toy_path: Path) -> None:
    with pytest.raises(InputError, match="name one with --class"):
        load_annotator("mask-rcnn", toy_path, CPU)
    with pytest.raises(InputError, match="--class applies to detectors"):
        load_annotator("bisenet", toy_path, CPU, CATS)
    with pytest.raises(InputError, match=r"Unknown annotator 'mask_rcnn'\. Did you mean"):
        load_annotator("mask_rcnn", toy_path, CPU, CATS)


@contextmanager
def without(monkeypatch: pytest.MonkeyPatch, package: str, error: Exception) -> Iterator[None]:
    original = importlib.import_module

    def refuse(name: str, *rest: Any) -> Any:
        if name == package:
            raise error
        return original(name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", refuse)
        yield


@pytest.mark.parametrize(
    ("name", "package", "error"),
    [
        ("detectron2", "detectron2", ModuleNotFoundError("No module named 'detectron2'")),
        ("mask-rcnn", "torchvision", RuntimeError("operator torchvision::nms\ndoes not exist")),
        ("torchvision", "torchvision", ModuleNotFoundError("No module named 'torchvision'")),
    ],
)
def test_a_missing_package_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, package: str, error: Exception
) -> None:
    with (
        without(monkeypatch, package, error),
        pytest.raises(MissingDependencyError, match=rf"needs {package}.*pip install") as caught,
    ):
        load_annotator(name, tmp_path / "any", CPU, CATS)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_modules_import_without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        assert not name.startswith(("torchvision", "detectron2")), name
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for module in ("heads", "proposals", "torchvision_detector", "detectron2_detector"):
        name = f"l4f_bench.annotators.mask_rcnn.{module}"
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_zeros_around_the_weights_change_nothing(annotator: MaskRcnnAnnotator) -> None:
    network = MaskRCNN.from_state_dict(toy_weights(architecture=Architecture()))
    image, _ = disc(60, 500)
    (verdict,) = MaskRcnnAnnotator(NetworkDetector(network), CATS).verdicts(image)
    (expected,) = annotator.verdicts(image)
    assert verdict.reason is None
    assert iou(verdict.mask, expected.mask) > 0.99


def test_torchvision_is_another_model_with_the_same_classes(tmp_path: Path) -> None:
    torchvision_or_skip()
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

    torch.manual_seed(0)
    network = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    network.roi_heads.box_predictor.cls_score.bias.data[17] = 20  # COCO's number of the cat
    torch.save(network.state_dict(), tmp_path / "v2.pth")
    annotator = load_annotator("torchvision", tmp_path / "v2.pth", CPU, CATS)
    assert isinstance(annotator, MaskRcnnAnnotator)
    (verdict,) = annotator.verdicts(disc(20, 400)[0])
    assert verdict.mask.shape == (20, 400)
    assert verdict.num_instances >= 1
    with pytest.raises(InputError, match=r"toy\.pkl.*not a Mask R-CNN of torchvision"):
        load_annotator("torchvision", write_toy_pickle(tmp_path / "toy.pkl"), CPU, CATS)
    with pytest.raises(InputError, match=r"v2\.pth.*not a Mask R-CNN of detectron2"):
        load_mask_rcnn(tmp_path / "v2.pth")


def test_torchvision_numbers_every_class_of_coco() -> None:
    from l4f_bench.annotators.mask_rcnn.torchvision_detector import _class_of_category

    torchvision_or_skip()
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

    names = MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"]
    classes = _class_of_category().tolist()
    known = [(name, number) for number, name in enumerate(names) if number and name != "N/A"]
    assert [COCO_CLASSES[classes[number]] for _, number in known] == [name for name, _ in known]
    assert classes.count(-1) == 91 - 80
