"""Samples to edit: their latents and noise, and what the networks paint of latents.

Image and mask share one pass of the generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from l4f_bench.devices import to_bytes
from l4f_bench.editing.config import DEFAULT_COMPONENTS, DEFAULT_STRENGTHS, EditConfig
from l4f_bench.editing.directions import Directions
from l4f_bench.editing.edits import Edit, EditText, Latents, direction_edits, open_edits
from l4f_bench.editing.filling import BoolArray, ByteArray
from l4f_bench.editing.flow import load_flow
from l4f_bench.editing.latent_files import read_contexts, read_lights
from l4f_bench.editing.preserving import (
    FloatArray,
    background_layer,
    nothing_to_preserve,
    preserved,
)
from l4f_bench.editing.sefa import sefa, style_weights
from l4f_bench.editing.starts import Starts, open_starts
from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import Noise
from l4f_bench.methods.labels4free.loading import load
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.provenance import sha256_of


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is painted of latents."""

    image: ByteArray
    """``[H, W, 3]``."""
    alpha: FloatArray
    """``[H, W]``."""


@dataclass(frozen=True, slots=True, eq=False)
class Edited:
    """One edit of one sample."""

    picture: Picture
    """As the generator paints it."""
    preserved: ByteArray
    """Its object over the sample's background, ``[H, W, 3]``."""


@dataclass(frozen=True, slots=True, eq=False)
class EditedSample:
    """A sample with all its edits."""

    source: Picture
    layer: ByteArray | None
    """Its background; None where there is nothing to preserve, and nothing is edited."""
    reason: str | None
    """Why not."""
    edits: list[Edited]


@dataclass(frozen=True)
class Scene:
    """Networks, samples and edits of one configuration."""

    config: EditConfig
    method: Labels4Free
    edits: list[Edit]
    digests: dict[str, str]
    """Of every file that has a part."""
    starts: Starts
    """What is edited."""
    contexts: Tensor | None
    """Attributes ``[N, 17]``."""

    @cached_property
    def num_samples(self) -> int:
        """Samples to edit."""
        return min(self.config.num_images, len(self.starts))

    @property
    def what(self) -> str:
        """What is edited, in a few words."""
        psi, dataset = self.starts.truncation, self.config.dataset
        return f"latents of {dataset}" if psi is None else f"samples of {dataset}, psi {psi:g}"

    @torch.no_grad()
    def edited(self, index: int) -> EditedSample:
        """A sample and every edit of it."""
        config = self.config
        start, noise = self._start(index)
        source = self._paint(start.w_plus, noise)
        reason = nothing_to_preserve(source.alpha, threshold=config.threshold, margin=config.margin)
        if reason is not None:
            return EditedSample(source, None, reason, [])
        layer = background_layer(
            source.image, source.alpha,
            threshold=config.threshold, margin=config.margin, fill=config.fill,
        )  # fmt: skip
        found, latents = [], start
        for edit in self.edits:
            latents = edit.apply(latents if config.sequence else start)
            picture = self._paint(latents.w_plus, noise)
            kept = preserved(picture.image, picture.alpha, layer, threshold=config.threshold)
            found.append(Edited(picture, kept))
        return EditedSample(source, layer, None, found)

    def inside(self, source: Picture, edited: Picture) -> BoolArray:
        """What is of the object before or after an edit, bool ``[H, W]``."""
        threshold = self.config.threshold
        inside: BoolArray = (source.alpha > threshold) | (edited.alpha > threshold)
        return inside

    def _start(self, index: int) -> tuple[Latents, Noise]:
        mean = self.method.mean_latent
        context = None if self.contexts is None else self.contexts[index : index + 1].to(mean)
        w_plus, noise = self.starts.start(index)
        maps = noise if isinstance(noise, str) else [part.to(mean) for part in noise]
        return Latents(w_plus.to(mean), context), maps

    def _paint(self, w_plus: Tensor, noise: Noise) -> Picture:
        image, alpha = self.method.alpha.paint(self.method.generator, w_plus, noise=noise)
        pixels = to_bytes(image)[0].permute(1, 2, 0).contiguous().numpy()
        return Picture(pixels, alpha[0, 0].float().cpu().numpy())


def open_scene(config: EditConfig) -> Scene:
    """Load the networks and everything that the edits need.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: An edit does not fit the generator, or an option is out of range.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    method, digests = load(
        config.generator, dataset=config.dataset, device=config.device, alpha=config.alpha
    )
    starts, of_starts = open_starts(
        config, method.generator, method.mean_latent, digests["generator"]
    )
    digests = digests | of_starts
    count = min(config.num_images, len(starts))
    flow = None if config.flow is None else load_flow(config.flow).to(method.device)
    contexts = None if config.attributes is None else read_contexts(config.attributes, count)
    architecture = method.generator.architecture
    if flow is not None and flow.architecture.widths[0] != architecture.w_dim:
        raise InputError(
            f"This flow is for latents of {flow.architecture.widths[0]} numbers, but the "
            f"generator's have {architecture.w_dim}. Give the generator that it was trained for."
        )
    edits: list[Edit] = list(_default_edits(method, config, digests["generator"]))
    if config.edit:
        edits, of_edits = open_edits(
            config.edit,
            architecture,
            digests["generator"],
            meaning=config.strength_is,
            flow=flow,
            lights=None if config.lights is None else read_lights(config.lights).to(method.device),
        )
        digests = digests | of_edits
    given = {name: getattr(config, name) for name in ("flow", "attributes", "lights")}
    digests |= {name: sha256_of(path) for name, path in given.items() if path is not None}
    return Scene(config, method, edits, digests, starts, contexts)


def _default_edits(method: Labels4Free, config: EditConfig, sha256: str) -> list[Edit]:
    """SeFa's first directions of the generator, each both ways."""
    vectors = sefa(style_weights(method.generator)).directions[:DEFAULT_COMPONENTS]
    directions = Directions(kind="sefa", vectors=vectors.float(), generator=sha256)
    rows = method.generator.architecture.num_latents
    return [
        edit
        for component in range(len(vectors))
        for edit in direction_edits(
            directions,
            EditText("sefa", component, None, DEFAULT_STRENGTHS),
            "sefa",
            config.strength_is,
            rows,
        )
    ]
