"""The settings: what can be evaluated, each in a file of its own."""

from l4f_bench.evaluation.settings.images import Images
from l4f_bench.evaluation.settings.quality import Quality
from l4f_bench.evaluation.settings.samples import Samples
from l4f_bench.evaluation.settings.trust import Trust

SETTINGS = (Samples, Images, Trust, Quality)
"""In the order in which help names them."""

__all__ = ["SETTINGS", "Images", "Quality", "Samples", "Trust"]
