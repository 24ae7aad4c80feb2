"""What edits start from: samples, latents in a file, or projected photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from l4f_bench.editing.config import EditConfig
from l4f_bench.editing.latent_files import read_numbers
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import Generator, Noise, truncate
from l4f_bench.projection.code_folder import CodeFolder, open_codes
from l4f_bench.provenance import sha256_of


class Starts(Protocol):
    """Latents to edit, by index."""

    @property
    def truncation(self) -> float | None:
        """psi, where they are drawn."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What the folder of its images is called."""

    def start(self, index: int) -> tuple[Tensor, Noise]:
        """w+ ``[1, L, w_dim]``, and the noise maps to paint it with.

        Raises:
            InputError: What the user brought cannot be read or does not fit the generator.
        """


@dataclass(frozen=True, slots=True)
class Drawn:
    """Sample i of a seed: that of ``l4f-bench sample``."""

    generator: Generator
    mean_latent: Tensor
    num_samples: int
    seed: int
    truncation: float

    def __len__(self) -> int:
        return self.num_samples

    def name(self, index: int) -> str:
        """See :class:`Starts`."""
        return f"{index:06d}"

    def start(self, index: int) -> tuple[Tensor, Noise]:
        """See :class:`Starts`."""
        generator, mean = self.generator, self.mean_latent
        drawn = draw(generator.architecture, [index], seed=self.seed)
        w = truncate(generator.mapping(drawn.z.to(mean)), self.truncation, mean)
        return generator.w_plus(w), drawn.noise


@dataclass(frozen=True, slots=True)
class Given:
    """Latents of a file, with the generator's own noise maps."""

    latents: Tensor
    """w+ ``[N, L, w_dim]``."""
    truncation: None = None

    def __len__(self) -> int:
        return len(self.latents)

    def name(self, index: int) -> str:
        """See :class:`Starts`."""
        return f"{index:06d}"

    def start(self, index: int) -> tuple[Tensor, Noise]:
        """See :class:`Starts`."""
        return self.latents[index : index + 1], "fixed"


@dataclass(frozen=True, slots=True)
class Photographs:
    """Codes of ``l4f-bench project``, with the noise maps that were found, or the generator's."""

    codes: CodeFolder
    generator: Generator
    truncation: None = None

    def __len__(self) -> int:
        return len(self.codes)

    def name(self, index: int) -> str:
        """See :class:`Starts`."""
        return self.codes.names[index]

    def start(self, index: int) -> tuple[Tensor, Noise]:
        """See :class:`Starts`."""
        code, maps = self.codes.code(index)
        return self.generator.w_plus(code), maps or "fixed"


def open_starts(
    config: EditConfig, generator: Generator, mean_latent: Tensor, sha256: str
) -> tuple[Starts, dict[str, str]]:
    """What a configuration edits, and the digest of what the user brought.

    Args:
        config: Edits of some samples.
        generator: What paints them.
        mean_latent: Its centre of truncation, ``[1, w_dim]``.
        sha256: Digest of its checkpoint.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: Latents do not fit the generator.
    """
    path = config.latents
    if path is None:
        count, seed = config.num_images, config.seed
        return Drawn(generator, mean_latent, count, seed, config.truncation), {}
    if path.is_dir():
        codes = open_codes(path, sha256)
        return Photographs(codes, generator), {"latents": codes.sha256}
    return Given(generator.w_plus(read_numbers(path))), {"latents": sha256_of(path)}
