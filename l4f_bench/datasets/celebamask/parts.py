"""What is known beforehand: parts of faces in the order of painting, splits, and bad images.

Source: the layout of CelebAMask-HQ, the label order of the public face-parsing network, and issues
5, 48, 84 and 109 of the data set's repository.
"""

from __future__ import annotations

PARTS = (
    *("skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r"),
    *("nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"),
)
"""Classes 1 to 18 of BiSeNet (``eye_g`` glasses, ``ear_r`` earring, ``neck_l`` necklace). The data
set's own order is another one."""

SPLITS = ("train", "val", "test")
"""By their numbers in CelebA's partition, from 0 on."""

KNOWN_BAD = frozenset(
    {70, 404, 481, 573, 1499, 2110, 2260, 2281, 2905, 3137, 4790, 4995, 5130, 5591, 5608, 9150}
    | {9852, 9895, 10184, 13008, 15587, 17586}
)
"""Images whose annotation others found wrong, empty or cut, or that are not aligned."""

TWICE = ((234, 235), (3329, 3330), (5162, 5163))
"""Images of the same photograph, as far as they are known."""
