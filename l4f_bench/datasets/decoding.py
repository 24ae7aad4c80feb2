"""Image files by Pillow, and what it does not say by itself: unused bits, pages, the EXIF tag."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError, _imaging

from l4f_bench.datasets.formats import FORMATS
from l4f_bench.datasets.levels import (
    UnfitLevelsError,
    brightest,
    from_colours,
    from_floats,
    from_integers,
)
from l4f_bench.datasets.remarks import Remark
from l4f_bench.errors import InputError

ImageFile = Path | BinaryIO


_EXIF_ORIENTATION, _PHOTOMETRIC, _PLANES, _BITS = 274, 262, 284, 258  # tags of EXIF and TIFF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_OTHER_ORDER = {"little": ";16B", "big": ";16L"}[sys.byteorder]
_OTHER_BYTE = {";16B": ";16L", ";16L": ";16B", ";16N": _OTHER_ORDER}
_LOSSY = {"JPEG", "MPO", "WEBP", "jpeg", "tiff_jpeg"}  # formats, and ways to compress TIFF


def _silence_libraries() -> None:
    """Keep Pillow and libtiff from printing what is wrong with a file: we say it in one line.

    Pillow also raises what it logs, and libtiff's faults. Where libtiff cannot be found in Pillow,
    as on Windows, it goes on printing.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(_imaging.__file__)  # finds what it is linked to, libtiff as well
        for handler in (library.TIFFSetWarningHandler, library.TIFFSetErrorHandler):
            handler(None)


_silence_libraries()


class UnreadableError(InputError):
    """A file that gives no image."""

    def __init__(self, file: ImageFile, reason: str) -> None:
        """Say that ``file`` "is …" or "holds …"."""
        super().__init__(f"{file if isinstance(file, Path) else 'The image'} {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decoded:
    """The first picture of a file, of 8 bits a channel and of any of Pillow's modes."""

    image: Image.Image
    """With the highest level that the file can hold as 255."""
    small: Image.Image | None
    """With the file's own levels, where it could hold more than 8 bits and none is above 255."""
    goes_beyond: bool
    """The file has a level above 255."""
    num_pages: int
    orientation: int
    """EXIF's: 1 for a picture that is stored as it is to be seen."""
    is_lossy: bool
    """Levels are only near to those that were saved."""
    remarks: tuple[Remark, ...]

    def upright(self, image: Image.Image) -> Image.Image:
        """``image`` or ``small`` as it is to be seen."""
        turn = _TURNS.get(self.orientation)
        return image if turn is None else image.transpose(turn)


def decode(file: ImageFile) -> Decoded:
    """Decode a file, whatever it is called.

    Only regular files are opened, since a pipe or device may never end.

    Raises:
        UnreadableError: It is no image, is damaged, or holds levels that have no meaning as such.
    """
    with told(file), opened(file) as stream:
        return _decode(stream)


def size_of(file: ImageFile) -> tuple[int, int]:
    """Width and height by the file's header, without decoding it.

    Raises:
        UnreadableError: It is no image.
    """
    with told(file), opened(file) as stream, Image.open(stream, formats=FORMATS) as image:
        return image.size


@contextmanager
def opened(file: ImageFile) -> Iterator[BinaryIO]:
    """The bytes of a file.

    Raises:
        UnreadableError: It is not there, or is a pipe, a device or a folder.
    """
    if not isinstance(file, Path):
        yield file
        return
    try:
        regular = S_ISREG(file.stat().st_mode)
        stream = file.open("rb") if regular else None
    except FileNotFoundError:
        what = "is a link to nothing" if file.is_symlink() else "does not exist"
        raise UnreadableError(file, f"{what}.") from None
    except OSError as error:
        raise UnreadableError(file, f"cannot be opened: {error.strerror}.") from None
    if stream is None:
        raise UnreadableError(file, "is a folder, pipe or device. Put a file in its place.")
    with stream:
        yield stream


@contextmanager
def told(file: ImageFile) -> Iterator[None]:
    """Turn whatever goes wrong with a file into one line.

    Raises:
        UnreadableError: Something did.
    """
    try:
        yield
    except (UnreadableError, MemoryError):
        raise
    except UnfitLevelsError as error:
        raise UnreadableError(file, f"holds {error}. Save it as an 8-bit PNG.") from None
    except UnidentifiedImageError:
        raise UnreadableError(file, "is not an image. Remove it or save it as PNG.") from None
    except Image.DecompressionBombError:
        raise UnreadableError(
            file, "has too many pixels to be safe to open. Scale it down."
        ) from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        why = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableError(
            file, f"is damaged or cut short ({why}). Copy or save it again."
        ) from None


def _decode(stream: BinaryIO) -> Decoded:
    with Image.open(stream, formats=FORMATS) as image:
        num_pages = int(getattr(image, "n_frames", 1))
        tags: dict[int, Any] = getattr(image, "tag_v2", {})
        white_is_zero = bool(tags) and tags.get(_PHOTOMETRIC, 0) == 0
        has_wide_colours = _has_wide_colours(image, tags)
        is_scaled = image.format == "PPM" and _raw_arguments(image.tile[0])[-1:] == (0xFFFF,)
        image.load()
        if 0 in image.size:
            raise UnfitLevelsError("no pixels")
        if image.mode.startswith("I"):
            levels = from_integers(image, white_is_zero=white_is_zero)
        elif image.mode == "F":
            levels = from_floats(image, white_is_zero=white_is_zero)
        else:
            if is_scaled and brightest(image) <= 1:  # Pillow has rounded the levels away
                raise UnfitLevelsError("16-bit colours of which the lowest alone are used")
            low = _low_bytes(stream, image) if has_wide_colours else None
            levels = from_colours(image, low, is_wide=has_wide_colours)
        return Decoded(
            image=levels.image,
            small=levels.small,
            goes_beyond=levels.goes_beyond,
            num_pages=num_pages,
            orientation=_orientation(image),
            is_lossy=not _LOSSY.isdisjoint((image.format, image.info.get("compression"))),
            remarks=levels.remarks + ((Remark.WHITE_IS_ZERO,) if white_is_zero else ()),
        )


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":  # Pillow turns these itself
        return 1
    try:
        found = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # a damaged tag is none
        return 1
    return found if isinstance(found, int) else 1


def _has_wide_colours(image: Image.Image, tags: dict[int, Any]) -> bool:
    """Whether the file has colours of 16 bits, which Pillow cuts to the higher 8."""
    if tags.get(_PLANES) == 2 and max(tags.get(_BITS, (1,))) > 8:
        raise UnfitLevelsError("16-bit levels in planes of their own, which Pillow cannot read")
    raw_modes = [_raw_mode(tile) for tile in getattr(image, "tile", [])]
    return image.mode[0] not in "IF" and any(raw[-4:] in _OTHER_BYTE for raw in raw_modes)


def _raw_arguments(tile: Any) -> tuple[Any, ...]:
    return tile[3] if isinstance(tile[3], tuple) else (tile[3],)


def _raw_mode(tile: Any) -> str:
    name = next(iter(_raw_arguments(tile)), None)
    return name if isinstance(name, str) else ""


def _with_raw_mode(tile: Any, raw_mode: str) -> Any:
    arguments = (raw_mode, *tile[3][1:]) if isinstance(tile[3], tuple) else raw_mode
    # Pillow's tiles had no names until 11.
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)


def _low_bytes(stream: BinaryIO, high: Image.Image) -> Image.Image | None:
    """The lower 8 bits of 16-bit colours, if no higher bit is set in any colour.

    Pillow's decoders take whichever byte their raw mode names first. A file written for the other
    byte order is the same file with its bytes exchanged.
    """
    colours = high.getbands()[:-1] if high.mode in ("RGBA", "RGBX") else high.getbands()
    if any(high.getchannel(band).getextrema()[1] for band in colours):
        return None
    stream.seek(0)
    with Image.open(stream, formats=FORMATS) as image:
        raw_mode = _raw_mode(image.tile[0])
        pairs = raw_mode == "LA;16B"  # has no other byte order, but is four plain bytes a pixel
        other = "RGBA" if pairs else raw_mode[:-4] + _OTHER_BYTE[raw_mode[-4:]]
        image.tile = [_with_raw_mode(tile, other) for tile in image.tile]
        image.load()
        if pairs:
            _, level, _, alpha = image.split()
            low = Image.merge("RGBA", (level, level, level, alpha))
        else:
            low = image.copy()
    if low.mode == "RGBA" and high.getchannel("A").getextrema()[1]:
        low.putalpha(high.getchannel("A"))
    return low
