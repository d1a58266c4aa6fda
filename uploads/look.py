"""What a page looks like in 242 bits, to find a page that was photographed a second time.

Measured with photographed payslips: the same paper taken again, with another angle, table and light, differs by 30 to
70 bits, a paper of another kind by 90 to 150, two letters by 67 and more. A payslip of another month from the same
employer looks the same to it.
"""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageChops, ImageFilter

SQUARES: Final = 11  # a side
BITS: Final = 2 * SQUARES * SQUARES
ALIKE: Final = 80  # bits by which two looks of one paper may differ
_SIDE: Final = 128
_AROUND: Final = 16  # what is darker than this many pixels around it is ink; light and shadow are wider
_SOFT: Final = 5


def look_of(image: Image.Image) -> str:
    """Return 61 hex digits: whether the ink gets less from each square to the next, to the right and downwards."""
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.5)
    ink = ImageChops.subtract(grey.filter(ImageFilter.BoxBlur(_AROUND)), grey).filter(ImageFilter.BoxBlur(_SOFT))
    across = ink.resize((SQUARES + 1, SQUARES), Image.Resampling.BOX).tobytes()
    down = ink.resize((SQUARES, SQUARES + 1), Image.Resampling.BOX).tobytes()
    places = [(row, column) for row in range(SQUARES) for column in range(SQUARES)]
    falls = [across[row * (SQUARES + 1) + column] > across[row * (SQUARES + 1) + column + 1] for row, column in places]
    falls += [down[row * SQUARES + column] > down[(row + 1) * SQUARES + column] for row, column in places]
    return f"{sum(fall << at for at, fall in enumerate(falls)):0{-(-BITS // 4)}x}"
