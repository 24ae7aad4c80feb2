"""How far a method's images are from real ones, masks aside: the paper's Table 5."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from l4f_bench.datasets.image_set import ImageRequest, open_images
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.evaluation.distance.recipe import DistanceConfig
from l4f_bench.evaluation.options import option, whole_or_auto
from l4f_bench.evaluation.ranges import check_count, check_sampling
from l4f_bench.evaluation.records import Facts, build_record
from l4f_bench.evaluation.setting import Outcome, Setting
from l4f_bench.methods.specs import METHODS, method_named
from l4f_bench.precision import FLOAT32, HELP, check_precision, notes, suffix
from l4f_bench.progress import Progress

if TYPE_CHECKING:
    from l4f_bench.evaluation.distance.sides import OpenedSide

PLAIN = "stylegan2"
"""The generator that ours leaves as it is."""
REAL = "real"
"""Other real images, where they can be drawn: what no method can be expected to go below."""

_OTHER_WORLD = 1 << 31  # on from the seed of the real images


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """Measure how far a method's images are from real ones (Table 5)."""

    key: ClassVar[str] = "quality"

    method: str = option("stylegan2, pseg, or real images", PLAIN)
    dataset: str = option("Data set", "shapes")
    data: Path | None = option("Real images or statistics (.npz)", usual="drawn for shapes")
    generator: Path | None = option("Method's checkpoint", usual="embedded or cached")
    truncation: tuple[float, ...] = option("Truncation psi; repeatable", (), usual="1")
    samples: int | None = option("Images to draw", usual="50000, shapes 5000")
    features: str | None = option("inception (FID) or annotator", usual="by data set")
    features_weights: Path | None = option("Weights of the features", usual="embedded or cached")
    resize: str = option(
        "Resizing to FID's network: bilinear, bicubic-antialias (clean-fid) or none",
        "bilinear",
    )
    divisor: str = option("Divisor of covariances: n-1, or n (stylegan2-ada)", "n-1")
    allow_small_n: bool = option("Allow fewer than 2048 images", False)
    batch_size: int | None = option("Images at a time", usual="auto", parse=whole_or_auto)
    workers: int | None = option("Threads that decode", usual="CPU cores")
    device: str | None = option("cpu, cuda, …", usual="a GPU if there is one")
    precision: str = option(HELP, FLOAT32)
    seed: int = option("Seed of samples and drawn images", 0)

    def __post_init__(self) -> None:
        check_sampling(self.truncation, self.seed)
        check_precision(self.precision)
        check_count("--samples", self.samples, 2)
        check_count("--workers", self.workers, 1)

    def parts(self) -> Sequence[Setting]:
        """Every truncation."""
        method_named(self.method)
        DATASETS.get(self.dataset)
        if self.method == REAL:
            if self.generator or self.truncation or self.precision != FLOAT32:
                raise InputError(
                    "Real images take no --generator, no --truncation and no --precision. Leave "
                    "them out."
                )
            return [self]
        return [replace(self, truncation=(psi,)) for psi in self.truncation or (1.0,)]

    def folder(self) -> str:
        """Name of this part's folder."""
        return "-".join(f"psi-{psi:g}" for psi in self.truncation) or REAL

    def label(self) -> str:
        """The method."""
        how = suffix(self.precision)
        return f"{method_named(self.method).title.lower()} against real images{how}"

    def run(self, progress: Progress) -> Outcome:
        """Compare a method's images with real ones: FID, or with other features another distance.

        Real images are those of ``data``; drawn ones are as many as the method's, from a world
        that no training saw.

        Raises:
            InputError: A file cannot be used, the method makes no images, or there are too few.
            MissingAssetError: Data or weights are missing; the message says how to get them.
        """
        from l4f_bench.evaluation.distance.comparison import compare_sides, facts_of

        started, spec, recipe = time.perf_counter(), DATASETS.get(self.dataset), self.recipe()
        real = self._real_side(spec, recipe)
        generated, digests = self._generated_side(spec, recipe)
        result = compare_sides(generated, real, recipe, progress)
        found = facts_of(result)
        facts = Facts(
            method=method_named(self.method).name,
            method_title=method_named(self.method).title,
            dataset_title=spec.title,
            label=self.label(),
            truth="real images",
            truncation=self.truncation[0] if self.truncation else None,
            digests=digests | {"features": str(found.sides[0].weights_sha256)},
            warnings=notes(self.precision) + result.warnings,
        )
        return Outcome(build_record(self, facts, found, started=started))

    def recipe(self) -> DistanceConfig:
        """How the images are compared."""
        spec = DATASETS.get(self.dataset)
        return DistanceConfig(
            features=self.features or spec.quality_features,
            weights=self.features_weights,
            resize=self.resize,
            divisor=self.divisor,
            samples=spec.quality_samples if self.samples is None else self.samples,
            truncation=self.truncation[0] if self.truncation else 1.0,
            seed=self.seed,
            allow_small_n=self.allow_small_n,
            batch_size=self.batch_size,
            workers=self.workers,
            device=self.device,
            precision=self.precision,
        )

    def _real_side(self, spec: DatasetSpec, recipe: DistanceConfig) -> OpenedSide:
        from l4f_bench.evaluation.distance.sides import open_side

        if self.data is not None:
            return open_side(self.data, recipe)
        if spec.drawn:
            return _drawn(spec, recipe, self.seed)
        raise MissingAssetError(
            f"Real images of {spec.title} are needed ({spec.source}). Give their folder with "
            "--data, or statistics that `l4f-bench fid FOLDER --save-stats FILE.npz` made of them."
        )

    def _generated_side(
        self, spec: DatasetSpec, recipe: DistanceConfig
    ) -> tuple[OpenedSide, dict[str, str]]:
        """The method's samples, and the SHA-256 of the files that make them."""
        from l4f_bench.evaluation.distance.image_batches import MethodBatches
        from l4f_bench.evaluation.distance.sides import OpenedSide, generator_side
        from l4f_bench.generators.usual import generator_file
        from l4f_bench.methods.loading import load_generative

        method = method_named(self.method)
        if self.method == PLAIN:
            name = str(self.generator or spec.generator_weights)  # not where the usual one lies
            side = generator_side(self.generator or generator_file(spec.name), recipe, name)
            return side, {"generator": str(side.digest)}
        if self.method == REAL and spec.drawn:
            return _drawn(spec, recipe, self.seed + _OTHER_WORLD), {}
        if method.kind in ("pictures", "image") or "alpha" in method.options:
            kept = " It keeps its StyleGAN2's images." if "alpha" in method.options else ""
            known = ", ".join([PLAIN, *(entry.name for entry in METHODS if _paints(entry.name))])
            raise InputError(f"{method.title} makes no images of its own.{kept} Possible: {known}.")
        loaded, digests = load_generative(
            self.method,
            spec.name,
            weights=self.generator,
            device=self.device,
            precision=self.precision,
        )
        drawn = MethodBatches(
            method.name,
            loaded,
            num_images=recipe.samples,
            truncation=recipe.truncation,
            seed=recipe.seed,
        )
        return OpenedSide(method.title, drawn), digests


def _paints(name: str) -> bool:
    """Whether a method makes images of its own, as far as is known without loading it."""
    spec = METHODS.get(name)
    return spec.kind in (None, "generative") and "alpha" not in spec.options


def _drawn(spec: DatasetSpec, recipe: DistanceConfig, seed: int) -> OpenedSide:
    """As many drawn images as the method's, of a world that no training saw."""
    from l4f_bench.evaluation.distance.image_batches import SetBatches
    from l4f_bench.evaluation.distance.sides import OpenedSide

    images = open_images(ImageRequest(spec=spec, num_images=recipe.samples, seed=seed))
    return OpenedSide(spec.title, SetBatches(images, seed=seed))
