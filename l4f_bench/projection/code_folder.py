"""The codes in a folder that ``project`` wrote, for whoever goes on from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.state_dicts import checked_tensors
from l4f_bench.json_data import parse_json
from l4f_bench.projection.folder import METADATA
from l4f_bench.projection.outputs import CODES, path_of
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import identity_in


@dataclass(frozen=True, slots=True)
class CodeFolder:
    """Codes of photographs, read one by one."""

    folder: Path
    names: tuple[str, ...]
    """Of the photographs, without their endings; may lead into sub-folders."""
    digests: tuple[str, ...]
    """SHA-256 of each file of codes."""
    sha256: str
    """Digest of the folder's metadata, and so of all codes."""

    def __len__(self) -> int:
        return len(self.names)

    def code(self, index: int) -> tuple[Tensor, list[Tensor]]:
        """The W+ code ``[1, L, w_dim]`` of a photograph, and noise maps ``[1, 1, H, W]`` a layer.

        There are noise maps only where they were searched for.

        Raises:
            CheckpointError: The file was changed, or holds something else.
        """
        path = path_of(self.folder, CODES, self.names[index])
        with refusals_named(path):
            if sha256_of(path) != self.digests[index]:
                raise RefusedError("it was changed; run `l4f-bench project` again with --resume")
            tensors, _ = read_tensors(path)
            checked_tensors({"the file": tensors}, path.stat().st_size)
            maps = [tensors[f"noise.{layer}"] for layer in range(len(tensors) - 1)]
            return tensors["w_plus"][None].float(), [noise[None].float() for noise in maps]


def is_code_folder(folder: Path) -> bool:
    """Whether ``project`` seems to have written a folder."""
    return (folder / CODES).is_dir()


def open_codes(folder: Path, generator: str) -> CodeFolder:
    """The codes of a folder, once they are those of a generator.

    Args:
        folder: What ``project`` wrote.
        generator: SHA-256 of the generator's checkpoint.

    Raises:
        InputError: The folder holds no codes or lacks some, is damaged, or its codes are of another
            generator, or of that in an encoder's file, which has no digest.
    """
    if not is_code_folder(folder):
        raise InputError(f"{folder} holds no codes. Give what `l4f-bench project` wrote.")
    digests = identity_in(folder).get("sha256")
    own = digests.get("generator") if isinstance(digests, dict) else None
    again = "Project the photographs with it: l4f-bench project --generator FILE."
    if own is None:
        raise InputError(f"{folder} does not say that its codes are of this generator. {again}")
    if own != generator:
        raise InputError(
            f"The codes in {folder} are of another generator ({str(own)[:8]}, this is "
            f"{generator[:8]}). {again}"
        )
    path = folder / METADATA
    with refusals_named(path):
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # one cut short is none
        found = [parse_json(line) for line in lines]
        codes = [_code_of(line) for line in found if "unreadable" not in line]
    if not codes:
        raise InputError(f"{folder} holds no codes: none of its photographs could be read.")
    names, of_codes = zip(*codes, strict=True)
    lost = [name for name in names if not path_of(folder, CODES, name).is_file()]
    if lost:
        raise InputError(
            f"{folder} lacks {len(lost)} codes, such as that of {lost[0]}. Run `l4f-bench project` "
            "again with --resume."
        )
    return CodeFolder(folder, names, of_codes, sha256_of(path))


def _code_of(line: Any) -> tuple[str, str]:
    """Name and digest of the code that a line of metadata tells of."""
    name, digest = PurePosixPath(line["image"]), line["sha256"][CODES]
    if name.is_absolute() or ".." in name.parts or not isinstance(digest, str):
        raise RefusedError("a line that `l4f-bench project` does not write")
    return name.with_suffix("").as_posix(), digest
