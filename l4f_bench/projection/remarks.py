"""What measured facts say against a projection: photographs that are probably not aligned."""

from __future__ import annotations

from l4f_bench.projection.image_errors import ImageErrors

_SAME_SHAPE = 1.02  # of heights by widths: a pixel more or less is no other shape


def remarks_on(
    size: tuple[int, int],
    picture: tuple[int, int],
    errors: ImageErrors,
    mse_of_mean: float,
    *,
    is_aligned: bool,
) -> list[str]:
    """Reasons, each measured, to doubt that a photograph is cut as the generator's images are.

    Args:
        size: Height and width of the photograph.
        picture: Those of the generator's pictures.
        errors: Of the reconstruction.
        mse_of_mean: Squared error of the generator's mean picture, which never looks.
        is_aligned: Whether it was cut by landmarks.
    """
    (height, width), found = size, list[str]()
    ratio = width * picture[0] / (height * picture[1])
    if not is_aligned and not 1 / _SAME_SHAPE <= ratio <= _SAME_SHAPE:
        found.append(
            f"it is {width} x {height} pixels, which is not the shape of the generator's pictures "
            f"({picture[1]} x {picture[0]}), so it is hardly aligned; see --align and --fit"
        )
    if errors.mse >= mse_of_mean:
        found.append(
            f"its reconstruction (squared error {errors.mse:.4f}) is no nearer to it than the "
            f"generator's mean picture ({mse_of_mean:.4f}): it is hardly aligned, or of another "
            "kind than the generator's images"
        )
    return found
