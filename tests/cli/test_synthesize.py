"""Pairs to learn from: the samples of ``sample``, in files that others read."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l4f_bench.evaluation.sample_folder import SampleConfig, sample_folder
from l4f_bench.methods.contracts import Samples
from tests.cli.conftest import Run
from tests.cli.test_sample import contents
from tests.launching import launch
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator

NUM = 5


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options that name a small generator and its alpha network."""
    folder = tmp_path_factory.mktemp("networks")
    generator = save_rosinality(folder / "generator.pt", small_generator())
    alpha = save_labels4free(folder / "alpha.pt", small_alpha())
    options = ("--dataset", "cat", "--generator", str(generator), "--alpha", str(alpha))
    return (*options, "--threshold", "0.5", "--truncation", "0.7")


@pytest.fixture
def folder(run: Run, files: tuple[str, ...], tmp_path: Path) -> Path:
    """Pairs as files."""
    result = run("synthesize", *files, "-n", NUM, "--out", tmp_path / "folder")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "folder")
    return tmp_path / "folder"


@pytest.fixture
def shards_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sample_shards", "sample_formats"):
        monkeypatch.setattr(f"l4f_bench.evaluation.{module}.SHARD", 2)


def test_pairs_are_the_samples_of_sample(
    run: Run, files: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    result = run("sample", *files, "-n", NUM, "--out", tmp_path / "samples")
    assert result.exit_code == 0, result.stderr
    composites = ("--images", "composite", "--out", tmp_path / "composites")
    assert run("synthesize", *files, "-n", NUM, *composites).exit_code == 0
    samples, pairs = contents(tmp_path / "samples"), contents(folder)
    own = ("config.json", "metadata.jsonl", "grid.png", ".lock")
    assert {name.split("/")[0] for name in pairs} - {*own} == {"images", "alpha", "masks"}
    for name in pairs.keys() - {*own}:
        assert pairs[name] == samples[name]
    composited = contents(tmp_path / "composites")
    for index in range(NUM):
        name = f"{index:06d}.png"
        assert composited[f"images/{name}"] == samples[f"composites/{name}"]
        assert composited[f"masks/{name}"] == samples[f"masks/{name}"]
    (line, *_) = (folder / "metadata.jsonl").read_text().splitlines()
    assert set(json.loads(line)["sha256"]) == {"images", "alpha", "masks"}


def test_no_background_is_made_unless_composites_are_asked_for(tmp_path: Path) -> None:
    class Recording:
        """Says which of its methods was called."""

        def __init__(self) -> None:
            self.called: list[str] = []

        def sample(self, indices: Any, **options: Any) -> Samples:
            import torch

            self.called.append("sample")
            image = torch.zeros(len(indices), 3, 4, 4, dtype=torch.uint8)
            return Samples(image=image, alpha=torch.ones(len(indices), 1, 4, 4))

        def sample_layers(self, indices: Any, **options: Any) -> Samples:
            import dataclasses

            samples = self.sample(indices)
            self.called[-1] = "sample_layers"
            return dataclasses.replace(samples, composite=samples.image + 1)

    from l4f_bench.evaluation.sample_config import PairsConfig

    for name, pairs in (
        ("sample", PairsConfig()),
        ("sample_layers", PairsConfig(images="composite")),
        ("sample_layers", None),
    ):
        method = Recording()
        config = SampleConfig(dataset="cat", num_images=1, pairs=pairs)
        out = tmp_path / f"{pairs}"
        sample_folder(
            method, out, config, {}, resume=False, batch_size=1, progress=lambda _: lambda _: None
        )  # fmt: skip
        assert method.called == [name]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files left open
@pytest.mark.usefixtures("shards_of_two")
def test_webdataset_reads_what_the_folder_holds(
    run: Run, files: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    webdataset = pytest.importorskip("webdataset")
    out = tmp_path / "tars"
    result = run("synthesize", *files, "-n", NUM, "--format", "webdataset", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.glob("*/*")) == [f"{i:06d}.tar" for i in range(3)]
    paths = [str(path) for path in sorted(out.glob("shards/*.tar"))]
    found = list(webdataset.WebDataset(paths, shardshuffle=False))
    lines = (folder / "metadata.jsonl").read_text().splitlines()
    assert [sample["__key__"] for sample in found] == [f"{i:06d}" for i in range(NUM)]
    for sample, line in zip(found, lines, strict=True):
        for kind, ending in (("images", "png"), ("alpha", "alpha.png"), ("masks", "mask.png")):
            assert sample[ending] == (folder / kind / f"{sample['__key__']}.png").read_bytes()
        assert sample["json"].decode() == line
    decoded, *_ = webdataset.WebDataset(paths, shardshuffle=False).decode("rgb8")
    assert decoded["png"].shape == (32, 32, 3)
    assert decoded["json"]["index"] == 0


@pytest.mark.usefixtures("shards_of_two")
@pytest.mark.parametrize("what", ["longer", "damaged", "cut between both", "emptied", "unpacked"])
def test_tar_files_of_a_resumed_run_are_those_of_an_unbroken_one(
    what: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    command = ("synthesize", *files, "--format", "webdataset")
    assert run(*command, "-n", NUM, "--out", tmp_path / "whole").exit_code == 0
    out = tmp_path / "cut"
    num = 3 if what == "longer" else NUM
    assert run(*command, "-n", num, "--out", out).exit_code == 0
    tar, metadata = out / "shards" / "000001.tar", out / "metadata.jsonl"
    if what == "damaged":
        tar.write_bytes(tar.read_bytes()[:700])
    elif what == "emptied":
        metadata.write_text("")
    elif what in ("cut between both", "unpacked"):  # after the tar file, or before it
        kinds = {"png": "images", "alpha.png": "alpha", "mask.png": "masks"}
        with tarfile.open(tar) as opened:
            for member in opened:
                stem, _, ending = member.name.partition(".")
                if ending in kinds:
                    (out / kinds[ending]).mkdir(exist_ok=True)
                    content = opened.extractfile(member)
                    assert content is not None
                    (out / kinds[ending] / f"{stem}.png").write_bytes(content.read())
        if what == "unpacked":
            tar.unlink()
    result = run(*command, "-n", NUM, "--resume", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert contents(out) == contents(tmp_path / "whole")
    assert run(*command, "-n", 4, "--resume", "--out", out).exit_code == 2
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_cocos_tools_read_the_masks_of_the_folder(
    run: Run, files: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    out = tmp_path / "coco"
    result = run("synthesize", *files, "-n", NUM, "--format", "coco", "--out", out)
    assert result.exit_code == 0, result.stderr
    with redirect_stdout(io.StringIO()):
        read = coco.COCO(str(out / "annotations.json"))
    assert [category["name"] for category in read.loadCats(read.getCatIds())] == ["cat"]
    assert len(read.getImgIds()) == NUM
    num_empty = 0
    for entry in read.loadImgs(read.getImgIds()):
        assert (out / entry["file_name"]).read_bytes() == (folder / entry["file_name"]).read_bytes()
        with Image.open(folder / entry["file_name"].replace("images", "masks")) as image:
            mask = np.asarray(image) > 0
        assert (entry["height"], entry["width"]) == mask.shape
        annotations = read.loadAnns(read.getAnnIds(entry["id"]))
        num_empty += not annotations
        assert len(annotations) == mask.any()
        for annotation in annotations:
            assert np.array_equal(read.annToMask(annotation) > 0, mask)
            assert annotation["area"] == mask.sum()
            rows, columns = np.nonzero(mask)
            left, top, width, height = annotation["bbox"]
            assert (left, top) == (columns.min(), rows.min())
            assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)
    assert num_empty < NUM


def test_lost_files_are_made_again(run: Run, files: tuple[str, ...], folder: Path) -> None:
    whole = contents(folder)
    shutil.rmtree(folder / "masks")
    result = run("synthesize", *files, "-n", NUM, "--resume", "--out", folder)
    assert result.exit_code == 0, result.stderr
    assert contents(folder) == whole


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "webdatset"), "Did you mean 'webdataset'?"),
        (("--images", "composit"), "Did you mean 'composite'?"),
        (("--images", "composite", "--method", "examples/discs_method.py"), "makes no composites"),
        (("-n", "0"), "-n 0"),
    ],
)
def test_wrong_options_are_one_line(
    options: tuple[str, ...], said: str, run: Run, tmp_path: Path
) -> None:
    method = tmp_path / "discs_method.py"
    method.write_text(
        "import torch\n"
        "from l4f_bench.methods.contracts import Samples\n\n\n"
        "class Discs:\n"
        "    def sample(self, indices, *, truncation, seed):\n"
        "        image = torch.zeros(len(indices), 3, 4, 4, dtype=torch.uint8)\n"
        "        return Samples(image=image, alpha=torch.ones(len(indices), 1, 4, 4))\n\n\n"
        "def load():\n"
        "    return Discs()\n"
    )
    given = [str(method) if option.endswith(".py") else option for option in options]
    result = run("synthesize", "--out", tmp_path / "out", *given)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_pairs_do_not_fill_up_samples(run: Run, files: tuple[str, ...], folder: Path) -> None:
    result = run("sample", *files, "-n", NUM, "--resume", "--out", folder)
    assert result.exit_code == 2
    assert "pairs was" in result.stderr


@pytest.mark.slow
def test_two_processes_make_the_pairs_of_one(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    command = ("synthesize", *files, "-n", NUM, "--format", "webdataset")
    assert run(*command, "--out", tmp_path / "1").exit_code == 0
    result = launch(2, *command, "--device", "cpu", "--out", tmp_path / "2")
    assert result.returncode == 0, result.stderr
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
