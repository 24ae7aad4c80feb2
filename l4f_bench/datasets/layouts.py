"""Data sets whose images and true masks lie in two folders, as their publishers pack them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.image_set import ImageRequest
from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.pairs import Pairs
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.escapes import printable

_NAME = "{name}"
_NUM_NAMED = 6


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Where the files of one kind lie: ``folder/prefix{name}suffix`` and any image's ending."""

    text: str
    folder: str
    prefix: str
    suffix: str

    @classmethod
    def of(cls, text: str) -> _Pattern:
        before, found, after = text.partition(_NAME)
        assert found, f"a layout of images and masks names {_NAME}: {text}"
        folder, _, prefix = before.rpartition("/")
        return cls(text, folder, prefix, after.rpartition(".")[0])

    def by_name(self, listing: Listing) -> dict[str, Path]:
        """Files by what varies in their paths below the folder.

        Raises:
            InputError: A path does not fit, or two have the same name.
        """
        found: dict[str, Path] = {}
        for path in listing.paths:
            below = PurePosixPath(listing.name(path))
            name = below.stem.removeprefix(self.prefix).removesuffix(self.suffix)
            if f"{self.prefix}{name}{self.suffix}" != below.stem:
                raise InputError(f"{path} does not fit {self.text}. Rename it or remove it.")
            key = (below.parent / name).as_posix()
            if key in found:
                raise InputError(
                    f"{found[key]} and {path} have the same name. Keep one of the two."
                )
            found[key] = path
        return found


class LayoutImages(FolderImages):
    """Images with true masks in a published layout; each is called by its own file."""

    def __init__(self, data: Path, request: ImageRequest) -> None:
        """List and pair the files under ``data``.

        Raises:
            InputError: The folder does not have the layout, or files are left unpaired.
        """
        spec = request.spec
        self._patterns = [_Pattern.of(text) for text in spec.layout]
        images, masks = (data / pattern.folder for pattern in self._patterns)
        check_laid_out(spec, data, images, masks)
        super().__init__(spec, masks, images, level=request.level, named_by_images=True)

    def pair(self, first: Listing, second: Listing) -> Pairs:
        """Images and masks of one name, and nothing else."""
        images, masks = (
            pattern.by_name(listing)
            for pattern, listing in zip(self._patterns, (first, second), strict=True)
        )
        alone = [
            printable(f"{listing.folder.name}/{listing.name(path)}")
            for listing, own, other in ((first, images, masks), (second, masks, images))
            for name, path in own.items()
            if name not in other
        ]
        if alone:
            more = f" and {len(alone) - _NUM_NAMED} more" if len(alone) > _NUM_NAMED else ""
            raise InputError(
                f"{len(images)} images and {len(masks)} masks of {self.spec.title} do not pair up; "
                f"without partner: {', '.join(alone[:_NUM_NAMED])}{more}. Copy what is missing, or "
                "remove what is left over."
            )
        return Pairs([(path, masks[name]) for name, path in images.items()], by_order=False)


def open_layout(request: ImageRequest) -> LayoutImages:
    """The images of a data set whose entry names two kinds of files: images and true masks.

    Raises:
        MissingAssetError: The data was not given; the message says how to get it.
        InputError: Its folder does not have the layout, or files are left unpaired.
    """
    return LayoutImages(given_data(request), request)


def given_data(request: ImageRequest) -> Path:
    """The folder of the data.

    Raises:
        MissingAssetError: It was not given; the message says how to get it.
    """
    if request.data is None:
        raise MissingAssetError(f"{request.spec.steps} Give its folder with --data DIR.")
    return request.data


def check_laid_out(spec: DatasetSpec, data: Path, *folders: Path) -> None:
    """Raise unless the folders of a layout are there.

    Raises:
        InputError: One is not; the message says what was expected.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(
                f"{spec.title} is expected in {data} as {' and '.join(spec.layout[:2])}, but "
                f"{folder} is not a folder. `l4f-bench fetch {spec.name}` says how to get it."
            )
