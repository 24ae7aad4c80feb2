"""A network from an ONNX file."""

import numpy as np
import torch
import torch.nn.functional as F

from l4f_bench.errors import InputError

SIDE = 320  # pixels of its input; this and the next two are the network's own
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


class OnnxMethod:
    """A network that takes normalised RGB, float32 [1, 3, SIDE, SIDE], and returns logits."""

    def __init__(self, session):
        """Run ``session``, an onnxruntime.InferenceSession."""
        self._session, self._input = session, session.get_inputs()[0].name

    def segment(self, image):
        """Alpha float32 [N, 1, H, W] of images uint8 [N, 3, H, W] RGB, one at a time."""
        return torch.cat([self._alpha(pixels[None]) for pixels in image])

    def _alpha(self, image):
        scaled = F.interpolate(image.float() / 255, (SIDE, SIDE), mode="bilinear", antialias=True)
        logits = self._session.run(None, {self._input: ((scaled - MEAN) / STD).numpy()})[0]
        alpha = torch.from_numpy(logits.astype(np.float32)).reshape(1, 1, *logits.shape[-2:])
        return F.interpolate(alpha.sigmoid(), image.shape[2:], mode="bilinear").clamp(0, 1)


def load(weights, device=None):
    """The network of the file that --weights names."""
    if weights is None:
        raise InputError("This method is a network: give its file with --weights FILE.onnx.")
    import onnxruntime

    first = [] if device == "cpu" else ["CUDAExecutionProvider"]
    known = onnxruntime.get_available_providers()
    providers = [name for name in (*first, "CPUExecutionProvider") if name in known]
    return OnnxMethod(onnxruntime.InferenceSession(str(weights), providers=providers))
