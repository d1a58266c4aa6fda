"""What looks alike: the same paper taken twice, and not another one."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from functools import cache
from itertools import combinations

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from config.office import papers
from tests.uploads.conftest import SLIP
from uploads.look import ALIKE, BITS, look_of


def apart(one: Image.Image, other: Image.Image) -> int:
    """Bits by which the looks of two pictures differ, made as the room makes them: from the thumbnail."""
    looks = []
    for image in (one, other):
        small = image.copy()
        small.thumbnail((360, 360))
        looks.append(int(look_of(small), 16))
    return (looks[0] ^ looks[1]).bit_count()


@cache
def shot(seed: int, *, dark: bool = False) -> Image.Image:
    """The payslip on some table, in some light, from some angle."""
    with Image.open(io.BytesIO(papers.payslip_photo(SLIP, seed, dark=dark))) as photo:
        return ImageOps.exif_transpose(photo).convert("RGB")


def edited(photo: Image.Image) -> Iterator[Image.Image]:
    wide, high = photo.size
    squeezed = io.BytesIO()
    photo.save(squeezed, "JPEG", quality=35)
    yield Image.open(squeezed)
    yield ImageEnhance.Brightness(photo).enhance(0.6)
    yield ImageEnhance.Brightness(photo).enhance(1.2)
    yield photo.resize((wide // 2, high // 2))
    yield photo.rotate(2, Image.Resampling.BILINEAR, fillcolor=(120, 100, 80))
    yield photo.crop((wide * 3 // 100, high * 3 // 100, wide * 97 // 100, high * 98 // 100))
    yield Image.blend(photo, Image.effect_noise(photo.size, 40).convert("RGB"), 0.15)


def other_paper(seed: int) -> Image.Image:
    """A letter: paragraphs and a table, somewhere."""
    chance, paper = random.Random(seed), Image.new("RGB", (1400, 1980), "white")
    draw, row = ImageDraw.Draw(paper), 80
    while row < 1900:
        if chance.random() < 0.7:
            draw.rectangle((100, row, chance.randint(400, 1300), row + 20), fill=(60, 60, 60))
            row += 44
        else:
            high = chance.randint(60, 300)
            draw.rectangle((100, row, 1300, row + high), outline="black", width=3)
            row += high + chance.randint(20, 120)
    return paper


def test_a_look_is_so_many_bits_and_always_the_same() -> None:
    look = look_of(shot(1))
    assert len(look) == 61 and int(look, 16).bit_length() <= BITS
    assert look_of(shot(1)) == look


def test_a_photo_that_was_changed_a_little_looks_alike() -> None:
    assert max(apart(shot(1), changed) for changed in edited(shot(1))) <= ALIKE


@pytest.mark.parametrize("pair", list(combinations([1, 2, 3, 4], 2)))
def test_the_same_paper_photographed_again_looks_alike(pair: tuple[int, int]) -> None:
    assert apart(shot(pair[0]), shot(pair[1])) <= ALIKE


def test_the_same_paper_in_a_dim_room_looks_alike() -> None:
    assert apart(shot(1), shot(9, dark=True)) <= ALIKE


@pytest.mark.parametrize("seed", range(6))
def test_another_paper_looks_different(seed: int) -> None:
    assert min(apart(other_paper(seed), shot(taken)) for taken in (1, 2, 3)) > ALIKE


def test_an_empty_page_has_an_empty_look() -> None:
    assert int(look_of(Image.new("RGB", (300, 400), "white")), 16) == 0
