"""What every answer of the portal has around it, and what no page of it may have inside."""

from __future__ import annotations

from tests.portal.pages import Page

ALWAYS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAYS_TOO_MUCH = ("生活保護", "福祉事務所", "被保護", "ケースワーカー", "ひばり野市福祉")


def is_for_anybody(page: Page) -> bool:
    """A page that looks for a certificate: it sends no form with a token, and names itself to nobody."""
    return page.path.startswith(("/check", "/r/")) and page.status != 405


def faults_of_headers(page: Page) -> list[str]:
    always = ALWAYS | {"Referrer-Policy": "no-referrer"} if is_for_anybody(page) else ALWAYS
    wrong = [name for name, value in always.items() if page.headers.get(name) != value]
    personal = page.status >= 300 or not page.path.startswith(("/static/", "/shared/"))
    if personal and page.headers.get("Cache-Control") != "no-store":
        wrong.append("Cache-Control")
    return wrong


def faults_of_page(page: Page) -> list[str]:
    """What no page of ours may have, and what each must have."""
    wrong = [f"says {word}" for word in SAYS_TOO_MUCH if word in page.html]
    for element in page.elements:
        inline = [name for name in element.attributes if name.startswith("on") or name == "style"]
        if inline or element.tag == "style" or (element.tag == "script" and "src" not in element.attributes):
            wrong.append(f"inline in <{element.tag}>: {inline}")
        outside = [element.attributes.get(name, "") for name in ("src", "action", "formaction")]
        wrong += [f"leads outside: {place}" for place in outside if place and not place.startswith("/")]
    ids = [element.attributes["id"] for element in page.elements if element.attributes.get("id")]
    wrong += [f"id twice: {name}" for name in {name for name in ids if ids.count(name) > 1}]
    for tag in ("title", "h1", "main"):
        if [bool(element.text) for element in page.all(tag)] != [True]:
            wrong.append(f"not one <{tag}>")
    if page.first("html").attributes.get("lang") != "ja":
        wrong.append("lang")
    if page.path != "/closed" and ("#main" not in page.links or page.first("main").attributes.get("id") != "main"):
        wrong.append("no way to skip to the middle")
    for form in [] if is_for_anybody(page) else page.forms:
        if "csrf_token" not in form.fields:
            wrong.append(f"no token in the form to {form.action}")
    return wrong


def look(page: Page) -> list[str]:
    saved = page.headers.get("Content-Disposition", "").startswith("attachment")  # a file, and no page of the portal
    shown = page.is_html and page.status != 303 and not saved
    found = faults_of_headers(page) + (faults_of_page(page) if shown else [])
    return [f"{page.status} {page.path}: {fault}" for fault in found]
