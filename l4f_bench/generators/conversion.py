"""TEMP stub."""

import re


def from_nvidia_generator(sd):
    out = {}
    for k, v in sd.items():
        if k.endswith("resample_filter") or k == "mapping.w_avg":
            continue
        if m := re.fullmatch(r"mapping\.fc(\d+)\.(.*)", k):
            out[f"style.{int(m[1]) + 1}.{m[2]}"] = v
            continue
        if k == "synthesis.b4.const":
            out["input.input"] = v[None]
            continue
        m = re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.*)", k)
        r = int(m[1])
        kk = r.bit_length() - 4
        if m[2] == "torgb":
            base = "to_rgb1" if r == 4 else f"to_rgbs.{kk}"
        else:
            base = "conv1" if r == 4 else f"convs.{2 * kk + int(m[2][-1])}"
            n = 0 if r == 4 else 1 + 2 * kk + int(m[2][-1])
        t = m[3]
        if t == "weight":
            out[base + ".conv.weight"] = v[None]
        elif t.startswith("affine."):
            out[base + ".conv.modulation." + t[7:]] = v
        elif t == "noise_strength":
            out[base + ".noise.weight"] = v.reshape(1)
        elif t == "noise_const":
            out[f"noises.noise_{n}"] = v[None, None]
        elif t == "bias":
            if m[2] == "torgb":
                out[base + ".bias"] = v.reshape(1, 3, 1, 1)
            else:
                out[base + ".activate.bias"] = v
    return out


def from_nvidia_discriminator(sd):
    out = {}
    R = max(int(k.split(".")[0][1:]) for k in sd)
    T = {
        "conv0.weight": "conv1.0.weight",
        "conv0.bias": "conv1.1.bias",
        "conv1.weight": "conv2.1.weight",
        "conv1.bias": "conv2.2.bias",
        "skip.weight": "skip.1.weight",
    }
    F = {
        "b4.conv.weight": "final_conv.0.weight",
        "b4.conv.bias": "final_conv.1.bias",
        "b4.fc.weight": "final_linear.0.weight",
        "b4.fc.bias": "final_linear.0.bias",
        "b4.out.weight": "final_linear.1.weight",
        "b4.out.bias": "final_linear.1.bias",
    }
    for k, v in sd.items():
        if k.endswith("resample_filter"):
            continue
        if k in F:
            out[F[k]] = v
            continue
        b, _, t = k.partition(".")
        r = int(b[1:])
        if t.startswith("fromrgb"):
            out["convs.0." + {"weight": "0.weight", "bias": "1.bias"}[t[8:]]] = v
        else:
            out[f"convs.{R.bit_length() - r.bit_length() + 1}." + T[t]] = v
    return out
