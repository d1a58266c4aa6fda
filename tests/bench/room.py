"""The locked room beside the bare libraries in this process: ``python -m tests.bench.room``.

Ours is the whole way, through a warm keeper and its waiting child: last locks, drawing, thumbnail, look, text, check,
PDF, files on disk.
Beside it stands decode, resize and encode (a photo) or draw and encode (a page) with the same sizes and qualities.
"""

from __future__ import annotations

import io
import os
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median

import pypdfium2
from PIL import Image, ImageOps

from config.office import papers
from tests.bench.figures import Figure, show
from uploads import safe_pdf
from uploads.checks import Kind
from uploads.locked_room import MEMORY, SECONDS, Keeper, SafeCopies, make_safe_copies

MIB = 1024 * 1024
RUNS = 9
LONG_SIDE, PHOTO_QUALITY, PDF_QUALITY, DPI = 2400, 82, 85, 170


def figures() -> list[Figure]:
    """Medians of several runs, ours and the bare one in turn."""
    slip = papers.Payslip(
        company="株式会社みほん清掃",
        name="見本　花子",
        month=date(2026, 10, 1),
        paid_on=date(2026, 11, 10),
        days=18,
        hours=72.0,
        hourly_yen=1_150,
        base_yen=82_800,
        commuting_yen=2_600,
        employment_insurance_yen=470,
    )
    photo = _photo(papers.payslip_photo(slip, 1))
    return [
        *_beside("12 MP photo", photo, Kind.JPEG, _bare_photo, "<= 1.3"),
        *_beside("A4 scanned page", _scan(photo), Kind.PDF, _bare_page, "<= 1.3"),
        *_beside("A4 page of text", _text(), Kind.PDF, _bare_page, "<= 1.3"),
    ]


def _beside(name: str, content: bytes, kind: Kind, bare: Callable[[bytes], object], goal: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, closing(Keeper()) as keeper:
        source = Path(folder) / "source"
        source.write_bytes(content)

        def ours(run: int) -> None:
            into = Path(folder) / f"into-{run}"
            into.mkdir()
            assert isinstance(make_safe_copies(source, kind, into, keeper=keeper), SafeCopies)

        ours_took, bare_took = [], []
        for run in range(RUNS + 1):
            ours_took.append(_took(lambda: ours(run)))  # noqa: B023 called at once
            bare_took.append(_took(lambda: bare(content)))
        with source.open("rb") as file, tempfile.TemporaryFile() as out:
            used = keeper.draw(file.fileno(), out.fileno(), kind.value, seconds=SECONDS, memory=MEMORY).memory
    return [
        Figure(f"{name} to safe copy, ms", median(ours_took[1:]), median(bare_took[1:]), goal),
        Figure(f"{name}, peak memory, MiB", used / MIB, _peak(bare, content) / MIB, ""),
    ]


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _peak(bare: Callable[[bytes], object], content: bytes) -> int:
    """What a process that does it once holds at most. In a child of ours, as a process cannot forget its peak."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        bare(content)
        os.write(writing, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024).encode())
        os._exit(0)
    os.waitpid(child, 0)
    peak = int(os.read(reading, 30))
    os.close(reading)
    os.close(writing)
    return peak


def _bare_photo(content: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.draft(None, (LONG_SIDE, LONG_SIDE))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        upright.save(out, "JPEG", quality=PHOTO_QUALITY)
    return out.getvalue()


def _bare_page(content: bytes) -> bytes:
    out = io.BytesIO()
    with closing(pypdfium2.PdfDocument(content)) as document:
        drawn = document[0].render(scale=DPI / 72, rev_byteorder=True).to_pil()
        drawn.save(out, "JPEG", quality=PDF_QUALITY)
    return out.getvalue()


def _photo(content: bytes) -> bytes:
    """As a phone of 12 megapixels would have taken it, lying on its side."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        exif = image.getexif()
        larger = image.resize((4000, 3000), Image.Resampling.BICUBIC)
    noise = Image.effect_noise(larger.size, 12).convert("RGB")
    Image.blend(larger, noise, 0.12).save(out, "JPEG", quality=88, exif=exif)
    return out.getvalue()


def _scan(photo: bytes) -> bytes:
    """One page of a scanner of 300 dpi."""
    picture = io.BytesIO()
    with Image.open(io.BytesIO(photo)) as image:
        ImageOps.exif_transpose(image).resize((2480, 3508)).save(picture, "JPEG", quality=80)
    with tempfile.TemporaryDirectory() as folder:
        safe_pdf.write(Path(folder) / "scan.pdf", [safe_pdf.Sheet(picture.getvalue(), 2480, 3508, 300)])
        return (Path(folder) / "scan.pdf").read_bytes()


def _text() -> bytes:
    """One A4 page as an office's program writes it: a title, a table, figures."""
    import fpdf

    paper = fpdf.FPDF(format="A4")
    paper.add_page()
    paper.set_font("helvetica", size=11)
    for row in range(32):
        for text in (f"Item {row}", f"{row * 1234:,}", f"{row * 7} hours"):
            paper.cell(60, 8, text, border=1)
        paper.ln()
    return bytes(paper.output())


if __name__ == "__main__":
    show("room", figures())
