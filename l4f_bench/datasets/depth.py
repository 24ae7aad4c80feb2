"""Whether a set of files uses the bits that it has, which no single file can tell."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from PIL import Image

from l4f_bench.datasets.decoding import Decoded, ImageFile, UnreadableError, decode
from l4f_bench.datasets.levels import HIGHEST, brightest
from l4f_bench.datasets.remarks import Remark

_NUM_PROBES = 64


class Depth:
    """The scale of files whose levels could be those of 8 bits, or the lowest ones of 16.

    A mask of 16 bits with levels up to 200 holds ordinary levels if its whole set is like that, and
    is black if other masks of the set reach 65535. Threads may share it.
    """

    def __init__(self, num_files: int, open_file: Callable[[int], ImageFile | None]) -> None:
        """Take a set of files, none of which is opened before it is needed.

        ``open_file`` gives each by its number, or None where it cannot.
        """
        self._num_files, self._open_file = num_files, open_file
        self._lock = Lock()
        self._goes_beyond: bool | None = None

    def choose(self, decoded: Decoded) -> tuple[Image.Image, tuple[Remark, ...]]:
        """A file's image on the scale that is meant, and what there is to say about the file."""
        if decoded.small is None:
            return decoded.image, decoded.remarks
        # 255 is white, and next to impossible as the brightest of 65536 levels.
        if brightest(decoded.small) == HIGHEST or not self._has_others():
            return decoded.small, (*decoded.remarks, Remark.SMALL)
        return decoded.image, (*decoded.remarks, Remark.FAINT)

    def _has_others(self) -> bool:
        """Whether a file has levels above 255, by up to 64 files that are evenly spread."""
        with self._lock:
            if self._goes_beyond is None:
                probes = {probe * self._num_files // _NUM_PROBES for probe in range(_NUM_PROBES)}
                files = sorted(probes) if self._num_files else []
                self._goes_beyond = any(map(self._is_beyond, files))
            return self._goes_beyond

    def _is_beyond(self, number: int) -> bool:
        file = self._open_file(number)
        try:
            return file is not None and decode(file).goes_beyond
        except UnreadableError:
            return False


ALONE = Depth(0, lambda _: None)
"""Of a file that belongs to no set."""
