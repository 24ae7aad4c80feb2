"""What is worth a word about image files, collected while they are read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from threading import Lock

from l4f_bench.distributed import gathered


class Remark(Enum):
    """Something about a file; its value goes on the sentence "3 images …"."""

    PAGES = "hold several pages or frames, of which the first counts"
    TURNED = (
        "have an EXIF orientation, which is ignored: pytorch-fid's distances are of such images as "
        "they are stored"
    )
    SMALL = (
        "have 16 bits or more but no level above 255, so that their levels are taken for those of "
        "8 bits"
    )
    FAINT = (
        "have 16 bits or more but no level above 255, unlike others of their set, and are read on "
        "the scale of those: black, or nearly"
    )
    DARK = "have 16 bits or more, of which they use so few that they are nearly black"
    FLOATS = "hold floating-point levels, of which 1 is taken for white"
    WHOLE_FLOATS = "hold floating-point levels, which are whole and taken for those of 8 bits"
    WHITE_IS_ZERO = (
        "say that 0 is white (TIFF's WhiteIsZero; tifffile and scikit-image write arrays of bool "
        "so), and are read that way: what was True is black"
    )
    ALPHA_ALONE = "have one colour, so that their alpha channel is taken for the mask"
    ALPHA_IGNORED = "are equally transparent all over, so that their colours alone count"


class Remarks:
    """Which remarks hold for how many files. Threads may share it."""

    def __init__(self, what: str = "images") -> None:
        """Call the files ``what`` in sentences."""
        self.what = what
        self._lock = Lock()
        self._told: set[Remark] = set()
        self.found: dict[Remark, tuple[int, str]] = {}
        """The number of files, and the first of their names."""

    def add(self, remarks: Iterable[Remark], name: str) -> None:
        """Count the remarks on one file."""
        for remark in remarks:
            self.count(remark, 1, name)

    def count(self, remark: Remark, number: int, name: str) -> None:
        """Count a remark that holds for ``number`` files, ``name`` among them."""
        with self._lock:
            before, first = self.found.get(remark, (0, name))
            self.found[remark] = (before + number, min(first, name))

    def everywhere(self) -> Remarks:
        """The same of all processes."""
        whole = Remarks(self.what)
        for share in gathered(self.found):
            for remark, (number, name) in share.items():
                whole.count(remark, number, name)
        return whole

    def news(self) -> list[str]:
        """A sentence for each remark that was not told before."""
        with self._lock:
            new = [remark for remark in Remark if remark in self.found.keys() - self._told]
            self._told.update(new)
            return [
                f"{self.found[remark][0]} {self.what} {remark.value} ({self.found[remark][1]})."
                for remark in new
            ]
