"""What methods and packages get that break their contract: one line, and never our traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from l4f_bench.training.trainers import TRAINERS
from tests.cli.conftest import Run
from tests.plugins import offer

METHOD = """
import numpy as np
import torch


class Method:
    def segment(self, image):
        mean = image.float().mean(1, keepdim=True) / 255
        return {result}


def load():
    return Method()
"""
CONTRACT = "float32 [N, 1, H, W] in [0, 1] on the CPU"


def method_file(folder: Path, source: str) -> Path:
    path = folder / "mine.py"
    path.write_text(source)
    return path


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("mean[:, 0]", "the shape of alpha is [3, 64, 64], not [3, 1, 64, 64]"),
        ("mean.transpose(2, 3)[:, :, 1:]", "the shape of alpha is [3, 1, 63, 64]"),
        ("mean.double()", "the dtype of alpha is float64, not float32"),
        ("mean > 0.5", "the dtype of alpha is bool, not float32"),
        ("mean * float('nan')", "the range of alpha is nan to nan, not finite"),
        ("mean / 0", "not finite"),
        ("mean * 255", "the range of alpha is"),
        ("mean - 1", "not within 0 to 1"),
        ("mean.numpy()", "the type of alpha is ndarray, not a torch.Tensor"),
        ("None", "the type of alpha is NoneType, not a torch.Tensor"),
    ],
)
def test_a_result_that_breaks_the_contract_names_file_and_contract(
    result: str, said: str, run: Run, tmp_path: Path
) -> None:
    path = method_file(tmp_path, METHOD.format(result=result))
    got = run("eval", "images", "--method", path, "--limit", 3, "--out", tmp_path / "run")
    assert got.exit_code == 2
    assert got.stderr.count("\n") == 1
    assert all(text in got.stderr for text in (f"method file {path}", said, CONTRACT))
    assert not (tmp_path / "run").exists()


def test_a_later_batch_is_checked_as_the_first(run: Run, tmp_path: Path) -> None:
    source = METHOD.format(result="mean + 9 * (self.calls() > 1)").replace(
        "    def segment", "    done = 0\n\n    def calls(self):\n        self.done += 1\n"
        "        return self.done\n\n    def segment",
    )  # fmt: skip
    path = method_file(tmp_path, source)
    assert run("eval", "--method", path, "--limit", 50, "--out", tmp_path / "a").exit_code == 2
    once = source.replace("> 1)", "> 99)")
    path = method_file(tmp_path, once)
    assert run("eval", "--method", path, "--limit", 60, "--out", tmp_path / "b").exit_code == 0


SAMPLES = """
import torch
from l4f_bench.methods.contracts import Samples


class Method:
    def sample(self, indices, *, truncation, seed):
        alpha = torch.zeros(len(indices), 1, 8, 8)
        image = torch.zeros(len(indices), 3, 8, 8, dtype=torch.uint8)
        return {result}


def load():
    return Method()
"""


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("image, alpha", "the type of samples is tuple, not Samples"),
        ("Samples(image=image.float(), alpha=alpha)", "the dtype of image is float32, not uint8"),
        ("Samples(image=image[0], alpha=alpha)", "the shape of image is [3, 8, 8]"),
        ("Samples(image=image, alpha=alpha[..., :4])", "the shape of alpha is"),
        ("Samples(image=image, alpha=alpha + 2)", "the range of alpha is 2 to 2"),
        ("Samples(image=image, alpha=alpha, indices=(7,))", "the list of indices is (7,), not ["),
        ("Samples(image=image, alpha=alpha, background=alpha)", "the dtype of background is"),
    ],
)
def test_samples_that_break_the_contract_are_named(
    result: str, said: str, run: Run, tmp_path: Path
) -> None:
    path = method_file(tmp_path, SAMPLES.format(result=result))
    for command in (("eval", "--samples", 2), ("sample", "-n", 2)):
        got = run(*command, "--method", path, "--out", tmp_path / command[0])
        assert got.exit_code == 2
        assert got.stderr.count("\n") == 1
        assert f"method file {path}" in got.stderr
        assert said in got.stderr


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("", 2, "has no function load"),
        ("load = 3", 2, "has no function load"),
        ("def load(:", 2, "failed (SyntaxError: "),
        ("1 / 0", 2, "failed (ZeroDivisionError: division by zero)"),
        ("import no_such_package", 4, "No module named 'no_such_package'"),
        ("def load():\n    import no_such_package", 4, "No module named 'no_such_package'"),
        ("def load():\n    raise ValueError('first\\nsecond')", 2, "(ValueError: first second)"),
        (
            "def load():\n    return None",
            2,
            "can neither sample nor segment: its function",
        ),
        ("def load():\n    return 1, 2, 3", 2, "returns (int, int, int)"),
        ("def load():\n    return object(), {'a': 1}", 2, "returns (object, dict)"),
        ("def load(model):\n    pass", 2, "asks for 'model', which nobody gives it"),
        ("TITLE = 3\ndef load():\n    return 1", 2, "neither sample nor segment"),
        (METHOD.format(result="1 / 0"), 2, "failed (ZeroDivisionError"),
    ],
)
def test_a_file_that_fails_is_one_line(
    source: str, code: int, said: str, run: Run, tmp_path: Path
) -> None:
    path = method_file(tmp_path, source)
    for command in (
        ("eval", "--method", path, "--out", tmp_path / "a"),
        ("eval", "images", "--method", path, "--out", tmp_path / "b"),
        ("check-method", path),
    ):
        got = run(*command)
        assert got.exit_code == code, got.stderr
        assert got.stderr.count("\n") == 1
        assert f"method file {path}" in got.stderr
        assert said in got.stderr


def test_its_own_traceback_is_shown_on_request(run: Run, tmp_path: Path) -> None:
    path = method_file(tmp_path, METHOD.format(result="1 / 0"))
    command = ("eval", "--method", path, "--out", tmp_path / "run")
    assert "Traceback" not in run(*command).stderr
    shown = run("--debug", *command)
    assert shown.exit_code == 2
    assert f'File "{path}", line 9, in segment\n    return 1 / 0' in shown.stderr
    assert shown.stderr.splitlines()[-1].startswith("Error: The method file")


def test_a_checkpoint_that_nobody_would_read_is_refused(run: Run, tmp_path: Path) -> None:
    path = method_file(tmp_path, METHOD.format(result="mean"))
    got = run("eval", "--method", path, "--weights", "a.pt", "--out", tmp_path / "run")
    assert got.exit_code == 2
    assert "takes no checkpoint" in got.stderr
    assert "Leave out a.pt" in got.stderr


PACKAGE = """
[l4f_bench.methods]
absent-method = absent_module:load
number-method = broken_module:NUMBER
flat-method = broken_module:load
odd-kind = broken_module:ODD
ours = broken_module:load
bisenet = broken_module:load
[l4f_bench.annotators]
flat-annotator = broken_module:annotator
lost-annotator = broken_module:lost
[l4f_bench.datasets]
flat-images = broken_module:FLAT
lost-images = broken_module:LOST
no-images = broken_module:NONE
[l4f_bench.protocols]
odd-protocol = broken_module:NUMBER
[l4f_bench.trainers]
lost-trainer = broken_module:lost
"""
MODULE = """
import numpy as np
import torch
from l4f_bench.annotators.contracts import Annotation
from l4f_bench.datasets.image_set import TrueMask
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.methods.specs import MethodSpec

NUMBER = 1


class Flat:
    truth, digest = "exact", "flat"

    def __init__(self, request):
        self.spec = request.spec

    def __len__(self):
        return 3

    def key(self, index):
        return str(index)

    def image(self, index):
        return np.zeros((3, 8, 8), np.uint8) if index else np.zeros((8, 8, 3))

    def mask(self, index):
        return TrueMask(np.zeros((8, 8), bool))

    def warnings(self):
        return []

    def segment(self, image):
        return image.float().mean(1) / 255

    def annotate(self, image):
        return Annotation(mask=image[:, 0], reason=(None,) * len(image))


def load():
    return Flat.__new__(Flat)


def annotator(weights, device, rule, foreground):
    return load()


def lost(*arguments):
    raise LookupError("lost")


def none(request):
    return None


def spec(name, opener):
    images = f"broken_module:{opener}"
    about = {"resolution": 8, "drawn": True, "source": "", "licence": ""}
    return DatasetSpec(name=name, title=name, images=images, **about)


FLAT, LOST = spec("flat-images", "Flat"), spec("lost-images", "lost")
NONE = spec("no-images", "none")


def __getattr__(name):
    if name == "ODD":
        return MethodSpec(name="odd-kind", title="odd", kind="odd", load="broken_module:load")
    raise AttributeError(name)
"""
TRAINER = """
import torch
from l4f_bench.training.jobs import Job


class Own:
    batch_size = 1

    def images_after(self, num_steps): return num_steps

    def step(self, step): return {"loss": 1.0}

    def state_dict(self): return {}

    def load_state_dict(self, state): pass

    def grid(self): return {"all": torch.zeros((2, 3, 2, 2), dtype=torch.uint8)}

    def check(self, means, *, last): pass

    def export(self, folder, num_steps): return []
"""
PLAIN = """
import torch


class Half:
    def segment(self, image):
        return torch.full((len(image), 1, *image.shape[2:]), 0.5)


def load():
    return Half()
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working method file, beside which a package is installed that is broken all over."""
    monkeypatch.syspath_prepend(offer(tmp_path, "broken-package", PACKAGE, broken_module=MODULE))
    return method_file(tmp_path, PLAIN)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--method", "absent-method"), 4, "The method 'absent-method' of broken-package cannot"),
        (("--method", "number-method"), 2, "is no method of that name"),
        (("--method", "odd-kind"), 4, "of no known kind: odd"),
        (("--method", "flat-method"), 2, "'flat-method' of broken-package breaks the contract"),
        (("--method", "ours"), 2, "'ours' is offered by l4f-bench and by broken-package"),
        (("--method", "bisenet"), 2, "'bisenet' of broken-package has the name of an annotator"),
        (("--annotator", "flat-annotator"), 2, "'flat-annotator' of broken-package breaks the"),
        (("--annotator", "lost-annotator"), 2, "'lost-annotator' of broken-package failed (Look"),
        (("--dataset", "flat-images"), 2, "image 0 is float64 [8, 8, 3], not uint8 [3, H, W]"),
        (("--dataset", "lost-images"), 2, "'lost-images' of broken-package failed (LookupError"),
        (("--dataset", "no-images"), 2, "NoneType has no key nor image nor mask nor warnings"),
        (("--protocol", "odd-protocol"), 2, "is no protocol of that name"),
    ],
)
def test_a_broken_package_is_named_in_one_line(
    options: tuple[str, str], code: int, said: str, run: Run, broken: Path, tmp_path: Path
) -> None:
    chosen = {"--method": broken, "--limit": 3, "--out": tmp_path / "run"} | dict([options])
    got = run("eval", "images", *(word for pair in chosen.items() for word in pair))
    assert got.exit_code == code, got.stderr
    assert got.stderr.count("\n") == 1
    assert said in got.stderr
    assert not (tmp_path / "run").exists()


def test_a_trainer_that_fails_is_named(run: Run, broken: Path, tmp_path: Path) -> None:
    got = run("train", "--method", "lost-trainer", "--out", tmp_path / "run")
    assert got.exit_code == 2
    assert "The trainer 'lost-trainer' of broken-package failed (LookupError: lost)" in got.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def step(self, step): return 1 / 0", "failed (ZeroDivisionError: division by zero)"),
        ("def step(self, step): return None", "its step does not give a dictionary of numbers"),
        ("def step(self, step): return {'loss': 'low'}", "its step does not give a dictionary"),
        ("def images_after(self, num_steps): return 0.5", "images_after does not give a whole"),
        ("def state_dict(self): return []", "its state_dict does not give a dictionary"),
        ("def grid(self): return [[0]]", "its grid does not give uint8 tensors [N, 3, H, W]"),
        ("def export(self, folder, num_steps): return 3", "failed (TypeError: "),
        ("check = None", "failed (TypeError: "),
    ],
)
def test_a_trainer_that_fails_later_is_named(
    source: str, said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = (
        f"{TRAINER}\n    {source}\n\ndef build(request, warn):\n    return Job(Own(), {{}}, 2)\n"
    )
    points = "[l4f_bench.trainers]\nlate-trainer = late_module:build"
    monkeypatch.delitem(sys.modules, "late_module", raising=False)
    monkeypatch.delitem(TRAINERS._adopted, "late-trainer", raising=False)
    monkeypatch.syspath_prepend(offer(tmp_path, "late-package", points, late_module=module))
    command = ("train", "--method", "late-trainer", "--out", tmp_path / "run")
    got = run(*command)
    assert got.exit_code == 2
    assert got.stderr.count("\n") == 1
    assert "The trainer 'late-trainer' of late-package" in got.stderr
    assert said in got.stderr
    if "1 / 0" in source:
        assert "in step" in run("--debug", *command, "--resume").stderr


def test_a_broken_package_is_no_trouble_of_others(run: Run, broken: Path, tmp_path: Path) -> None:
    got = run("eval", "samples", "--method", broken)
    assert got.exit_code == 2
    assert "makes no samples here. Possible: " in got.stderr
    assert "absent-method" not in got.stderr
    assert "Known: " in run("eval", "--method", "nonesuch").stderr
    done = run("eval", "images", "--method", broken, "--limit", 2, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert run("report", tmp_path / "run", "--out", tmp_path / "tables").exit_code == 0
