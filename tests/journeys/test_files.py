"""Files on their way from a phone: nothing that was chosen is lost, and nothing of it stays for the next person."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFilter, ImageOps
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from config.office import papers
from shared import clock
from shared.model import SignIn, StoredFile, Submission, VersionFile
from shared.session import sessions
from tests.journeys.conftest import PHONE, Town
from tests.journeys.line import Line
from tests.journeys.phone import Phone
from tests.journeys.test_picture import jpeg, upright

ONE_DATABASE = True  # what differs between databases is shown by the rooms below; these walks are slow
SAMPLES = Path(__file__).parents[1] / "uploads" / "samples"
EDGE = 300_000  # bytes a second: slow enough to be cut in the middle, however busy the machine of the tests is
BIG = 900_000  # bytes: more than one request, below the office's limit
KEPT = """async () => {
    const names = (await indexedDB.databases()).map((one) => one.name);
    if (!names.includes("madoguchi")) return [];
    const base = await new Promise((done) => {
        const ask = indexedDB.open("madoguchi");
        ask.onsuccess = () => done(ask.result);
    });
    if (!base.objectStoreNames.length) return [];
    const all = await new Promise((done) => {
        const ask = base.transaction("chosen").objectStore("chosen").getAll();
        ask.onsuccess = () => done(ask.result);
    });
    base.close();
    return all.map((one) => one.name);
}"""


def held(town: Town) -> list[StoredFile]:
    """What the office has, in the order of the report."""
    with sessions(town.engine)() as session:
        joined = select(StoredFile).join(VersionFile, VersionFile.file_id == StoredFile.id)
        return list(session.scalars(joined.order_by(VersionFile.position)))


def same(file: StoredFile, path: Path) -> bool:
    return file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A PDF by its first bytes, large enough to be cut in two. It is sent as it is."""
    path = tmp_path / "大きい明細.pdf"
    path.write_bytes(b"%PDF-1.7\n" + os.urandom(BIG))
    return path


@pytest.fixture
def picker(phone: Phone, town: Town) -> Phone:
    """The phone on the page for payslips."""
    phone.careful = town.engine.dialect.name == "postgresql"
    phone.sign_in(town.code)
    phone.begin()
    phone.page.goto(re.sub(r"/[a-z]+$", "/files", phone.page.url))
    return phone


def put(phone: Phone, *paths: Path, camera: bool = False) -> None:
    """Choose, and do not wait."""
    phone.picker(camera=camera).set_input_files([str(path) for path in paths])


def under_way(phone: Phone) -> None:
    """Until a part has arrived and a part has not."""
    phone.page.wait_for_function(
        "() => [...document.querySelectorAll('[data-going] progress')].some((one) => one.value > 0 && one.value < 100)"
    )


def test_a_chosen_file_is_sent_at_once_and_has_its_row(picker: Phone, town: Town, big: Path) -> None:
    line = Line(picker.page)
    line.slow(400_000)
    put(picker, big)
    under_way(picker)
    picker.wait_for_row("大きい明細.pdf", "送っています")
    expect(picker.going().get_by_role("progressbar", name="大きい明細.pdf")).to_be_visible()
    picker.look("file-sending")
    line.back()
    expect(picker.arrived()).to_contain_text("届きました")
    expect(picker.going()).to_have_count(0)
    (file,) = held(town)
    assert same(file, big)
    assert file.name == "大きい明細.pdf"
    assert picker.page.evaluate(KEPT) == []
    assert picker.looks == []


def test_a_tunnel(picker: Phone, town: Town, big: Path) -> None:
    line = Line(picker.page)
    line.slow(EDGE)
    put(picker, big)
    under_way(picker)
    line.cut()
    picker.wait_for_row(big.name, "電波がもどったら送ります")
    picker.look("file-waiting")
    line.back()
    expect(picker.arrived()).to_contain_text("届きました")
    assert same(held(town)[0], big)
    assert picker.looks == []


def test_the_server_is_killed_in_the_middle(picker: Phone, town: Town, big: Path) -> None:
    Line(picker.page).slow(EDGE)
    put(picker, big)
    under_way(picker)
    town.kill("portal")
    picker.wait_for_row(big.name, "待っています")
    town.start_again("portal")
    expect(picker.arrived()).to_contain_text("届きました")
    assert [same(file, big) for file in held(town)] == [True]


def test_the_tab_is_killed_and_the_page_opened_again(picker: Phone, town: Town, big: Path) -> None:
    Line(picker.page).slow(EDGE)
    put(picker, big)
    under_way(picker)
    place = picker.page.url
    context = picker.page.context
    picker.page.close()
    picker.page = context.new_page()
    asked: list[str] = []
    picker.page.on("request", lambda one: asked.append(one.method) if "/uploads/" in one.url else None)
    picker.page.goto(place)
    expect(picker.arrived()).to_contain_text("届きました")
    assert asked[0] == "HEAD", "it goes on where it was"
    assert [same(file, big) for file in held(town)] == [True]
    assert picker.page.evaluate(KEPT) == []


def test_another_page_of_the_same_person_goes_on_with_it(picker: Phone, town: Town, big: Path) -> None:
    line = Line(picker.page)
    line.cut()
    put(picker, big)
    picker.wait_for_row(big.name, "待っています")
    place = picker.page.url
    line.back()
    picker.page.goto(f"{town.portal}/home")
    assert held(town) == []
    picker.page.goto(place.replace("/files", "/check"))
    expect(picker.arrived()).to_contain_text(big.name)
    assert same(held(town)[0], big)


def test_several_arrive_in_their_order_and_can_be_moved_and_taken_out(
    picker: Phone, town: Town, payslip: papers.Payslip, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.pdf" for name in ("一", "二", "三")]
    for path in paths:
        path.write_bytes(papers.payslip_pdf(payslip) + path.name.encode())
    picker.choose(*paths)
    expect(picker.arrived()).to_have_count(3)
    assert [file.name for file in held(town)] == ["一.pdf", "二.pdf", "三.pdf"]
    picker.press_on_row("三.pdf", "上へ")
    expect(picker.arrived().nth(1)).to_contain_text("三.pdf")
    assert "上へ" in picker.page.evaluate("document.activeElement.innerText"), "the focus stays on the button"
    picker.press_on_row("三.pdf", "上へ")
    expect(picker.arrived().nth(0)).to_contain_text("三.pdf")
    picker.press_on_row("二.pdf", "とりのぞく")
    expect(picker.arrived()).to_have_count(2)
    assert picker.page.evaluate("document.activeElement.tagName") == "H2", "the focus is where the list begins"
    assert [file.name for file in held(town)] == ["三.pdf", "一.pdf"]
    picker.look("files-moved")
    assert picker.looks == []


def test_the_same_file_twice_is_taken_and_said(picker: Phone, town: Town, payslip_pdf: Path) -> None:
    picker.choose(payslip_pdf)
    picker.choose(payslip_pdf)
    expect(picker.arrived()).to_have_count(2)
    expect(picker.arrived().nth(1)).to_contain_text("と同じファイルのようです。そのままでもだいじょうぶです。")
    expect(picker.arrived().nth(0)).not_to_contain_text("同じファイル")
    picker.look("file-twice")
    assert picker.looks == []


def test_dark_blurred_and_small_pictures_wait_for_the_person(
    picker: Phone, town: Town, payslip: papers.Payslip, payslip_photo: Path, dark_photo: Path, tmp_path: Path
) -> None:
    blurred, small = tmp_path / "IMG_2.jpg", tmp_path / "IMG_3.jpg"
    picture = upright(papers.payslip_photo(payslip, seed=3))
    blurred.write_bytes(jpeg(picture.filter(ImageFilter.GaussianBlur(6))))
    small.write_bytes(jpeg(picture.resize((240, 315))))
    picker.choose(dark_photo, blurred, small)
    picker.wait_for_row(dark_photo.name, "暗いようです")
    picker.wait_for_row(blurred.name, "ぼやけているようです")
    picker.wait_for_row(small.name, "小さくて読みにくいようです")
    assert held(town) == [], "nothing is sent before the person decides"
    picker.look("files-doubted")

    with picker.page.expect_file_chooser() as chooser:
        picker.press_on_row(dark_photo.name, "とりなおす")
    chooser.value.set_files(str(payslip_photo))
    expect(picker.going(dark_photo.name)).to_have_count(0)
    picker.press_on_row(blurred.name, "このまま送る")
    picker.press_on_row(small.name, "とりのぞく")
    expect(picker.going()).to_have_count(0)
    assert sorted(file.name for file in held(town)) == sorted([payslip_photo.name, blurred.name])
    assert picker.looks == []


def test_a_doubted_picture_is_still_there_when_the_page_is_opened_again(picker: Phone, dark_photo: Path) -> None:
    picker.choose(dark_photo)
    picker.page.reload()
    picker.wait_for_row(dark_photo.name, "暗いようです")
    picker.press_on_row(dark_photo.name, "このまま送る")
    expect(picker.arrived()).to_contain_text(dark_photo.name)


def test_twelve_megapixels_arrive_upright_small_and_without_a_place(
    picker: Phone, town: Town, payslip_photo: Path, tmp_path: Path
) -> None:
    source = Image.open(payslip_photo)
    large = tmp_path / "IMG_12MP.jpg"
    large.write_bytes(jpeg(source.resize((4032, 3024)), exif=source.getexif().tobytes()))
    sent: list[bytes] = []
    picker.page.on("request", lambda one: sent.append(one.post_data_buffer or b"") if "/uploads/" in one.url else None)
    picker.choose(large)
    expect(picker.arrived()).to_contain_text(large.name)
    (file,) = held(town)
    assert file.kind == "jpeg"
    assert file.size < large.stat().st_size / 2
    picture = Image.open(io.BytesIO(b"".join(sent)))
    assert picture.size == (1536, 2048)
    assert not picture.getexif()
    assert ImageOps.exif_transpose(picture).size == (1536, 2048)


def test_what_the_browser_cannot_draw_goes_as_it_is_and_comes_back_as_a_picture(
    picker: Phone, town: Town, payslip_photo: Path, tmp_path: Path
) -> None:
    """HEIC as an iPhone takes it, TIFF as a scanner does: judged by content, drawn by the worker; and AVIF."""
    heic, tiff, avif = tmp_path / "IMG_0001.HEIC", tmp_path / "スキャン.tif", tmp_path / "明細.avif"
    shutil.copy(SAMPLES / "turned.heic", heic)
    paper = upright(payslip_photo.read_bytes()).resize((800, 1050))
    paper.convert("L").save(tiff, compression="tiff_adobe_deflate")
    paper.save(avif, quality=60)
    picker.choose(heic, tiff, avif)
    picker.wait_until_looked_at(3)
    picker.look("files-of-other-kinds")
    for file, path in zip(held(town), (heic, tiff, avif), strict=True):
        assert (file.name, file.kind) == (path.name, path.suffix.lower()[1:].replace("tif", "tiff"))
        assert same(file, path)
        row = picker.arrived().filter(has_text=path.name)
        expect(row).not_to_contain_text("開けません")
        shown = row.locator("img.thumb")
        expect(shown).to_have_count(1)
        size = shown.evaluate(
            "async (image) => { await image.decode(); return [image.naturalWidth, image.naturalHeight]; }"
        )
        assert min(size) > 20, "the worker's own picture of the first page"
    assert picker.looks == []


def test_an_office_file_is_refused_on_its_row_with_what_to_do(picker: Phone, town: Town, tmp_path: Path) -> None:
    sheet = tmp_path / "給与.docx"
    from tests.portal.test_payslips import zipped

    sheet.write_bytes(zipped("word/document.xml"))
    picker.choose(sheet)
    picker.wait_for_row(sheet.name, "「PDF」で保存し")
    picker.look("file-refused")
    assert held(town) == []
    picker.page.reload()
    expect(picker.going()).to_have_count(0)
    assert picker.looks == []


def test_the_session_is_gone_in_the_middle(picker: Phone, town: Town, big: Path) -> None:
    place = picker.page.url
    picker.page.goto(f"{town.portal}/pin/choose")
    picker.page.locator("#pin").fill("ひばり2026")
    picker.page.get_by_role("button", name="決める").click()
    expect(picker.page.locator("h1")).to_contain_text("今月やること")
    picker.page.goto(place)
    Line(picker.page).slow(EDGE)
    put(picker, big)
    under_way(picker)
    with sessions(town.engine).begin() as session:
        session.execute(update(SignIn).values(ended_at=clock.now()))
    picker.wait_for_row(big.name, "もう一度入ると、つづきを送ります")
    picker.look("file-sign-in")
    assert held(town) == []
    picker.page.get_by_role("link", name="もう一度入る").click()
    picker.page.locator("#code").fill(town.code)
    picker.next()
    picker.page.locator("#pin").fill("ひばり2026")
    picker.page.get_by_role("button", name="入る").click()
    expect(picker.page).to_have_url(place)
    expect(picker.arrived()).to_contain_text(big.name)
    assert same(held(town)[0], big)
    assert picker.looks == []


def test_going_on_waits_and_then_goes_by_itself(picker: Phone, town: Town, big: Path, payslip_pdf: Path) -> None:
    line = Line(picker.page)
    line.slow(300_000)
    put(picker, big, payslip_pdf)
    under_way(picker)
    picker.page.locator("#next").click()
    expect(picker.page.locator("#waits")).to_contain_text("あと2つ 送っています", use_inner_text=True)
    picker.look("files-going-on-waits")
    line.back()
    picker.page.wait_for_url("**/check")
    assert len(held(town)) == 2
    assert picker.looks == []


def test_going_on_says_what_it_waits_for_and_is_no_trap(picker: Phone, town: Town, dark_photo: Path) -> None:
    expect(picker.page.locator("#next")).to_have_text("給与明細がないので、このまま進む")
    picker.choose(dark_photo)
    expect(picker.page.locator("#next")).to_have_text("つぎへ")
    picker.page.locator("#next").click()
    expect(picker.page.locator("#waits")).to_contain_text(
        "まだ届いていないものがあります：IMG_0416.jpg", use_inner_text=True
    )
    picker.look("files-going-on-stuck")
    picker.page.get_by_role("button", name="待たずに進む").click()
    picker.page.wait_for_url("**/check")
    picker.wait_for_row(dark_photo.name, "暗いようです")
    picker.look("check-with-a-file-on-its-way")
    picker.page.locator("#send").click()
    expect(picker.page.locator("#waits")).to_contain_text("届いていないものは、いっしょに出ません", use_inner_text=True)
    picker.press_on_row(dark_photo.name, "とりのぞく")  # then nothing is left to wait for
    picker.page.wait_for_load_state()
    expect(picker.page.locator("h2#errors-heading")).to_contain_text("なおしてください")  # the answers are missing
    assert picker.looks == []


def test_nothing_stays_for_the_next_person(picker: Phone, town: Town, dark_photo: Path, payslip_pdf: Path) -> None:
    picker.choose(dark_photo)
    assert picker.page.evaluate(KEPT) == [dark_photo.name]
    picker.page.get_by_role("button", name="すぐ閉じる").click()
    picker.page.wait_for_url("**/no-letter")
    assert picker.page.evaluate(KEPT) == []
    assert picker.page.evaluate("sessionStorage.length") == 0


def test_the_next_person_finds_nothing_where_the_first_has_not_left(
    picker: Phone, town: Town, dark_photo: Path
) -> None:
    picker.choose(dark_photo)
    picker.page.context.clear_cookies()
    picker.page.goto(town.portal)
    assert picker.page.evaluate(KEPT) == [dark_photo.name], "the first person may only have been away for long"
    picker.sign_in(town.neighbour)
    picker.page.wait_for_function(f"async () => !(await ({KEPT})()).length")


def test_what_is_old_is_dropped(picker: Phone, dark_photo: Path) -> None:
    picker.choose(dark_photo)
    picker.page.clock.set_system_time(clock.now().timestamp() + 8 * 24 * 3600)
    picker.page.reload()
    picker.page.wait_for_function(f"async () => !(await ({KEPT})()).length")
    expect(picker.going()).to_have_count(0)


def test_the_camera_has_ended_the_browser_and_nothing_came(picker: Phone) -> None:
    hint = picker.page.locator("#camera-hint")
    expect(hint).to_be_hidden()
    with picker.page.expect_file_chooser():
        picker.picker(camera=True).click()
    flag = picker.page.evaluate("({...sessionStorage})")
    assert flag
    picker.page.reload()
    expect(picker.page.locator("#uploads")).to_be_attached()
    expect(hint).to_be_hidden()  # she has opened the page again herself
    (name,), (value,) = flag.keys(), flag.values()
    picker.page.add_init_script(
        f"sessionStorage.setItem('{name}', '{value}')"
    )  # a browser ended by force clears nothing
    picker.page.reload()
    expect(hint).to_be_visible()
    expect(hint).to_contain_text("先にカメラのアプリで写真をとって")
    picker.look("camera-hint")
    assert picker.looks == []


def test_without_a_place_to_keep_it_is_sent_all_the_same(
    town: Town, open_page: Callable[..., Page], payslip_pdf: Path
) -> None:
    page = open_page(PHONE)
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { get() { throw new Error('none'); } })")
    phone = Phone(page, town.portal)
    phone.sign_in(town.code)
    phone.begin()
    page.goto(re.sub(r"/[a-z]+$", "/files", page.url))
    phone.choose(payslip_pdf)
    expect(phone.arrived()).to_contain_text(payslip_pdf.name)
    with sessions(town.engine)() as session:
        assert session.scalars(select(Submission)).all()


def test_the_scripts_of_each_page_are_small() -> None:
    folder = Path(__file__).parents[2] / "portal" / "static"

    def loaded(name: str) -> set[str]:
        imported = re.findall(r'from "\./(.+)";', (folder / name).read_text(encoding="utf-8"))
        return {name}.union(*map(loaded, imported))

    for script in folder.glob("*.js"):
        files = loaded(script.name) | loaded("phone.js")  # which every page has
        assert sum((folder / name).stat().st_size for name in files) < 30_000, script.name
