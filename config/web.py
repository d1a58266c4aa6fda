"""What every web app of ours has: sessions that die on sign-out, CSRF, headers, error pages, words, components.

``portal`` and ``staff`` each call ``web_app`` once. Access is denied by default: a view that does not say who
may use it (``public`` or a guard of its app) is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, current_app, g, render_template, request
from flask.sessions import SessionMixin
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_login import AnonymousUserMixin, LoginManager, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import FileSystemLoader, StrictUndefined
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import Forbidden, HTTPException, default_exceptions
from werkzeug.middleware.proxy_fix import ProxyFix

from config import words
from config.assets import Assets
from config.cookies import KnownCookies
from config.log import log
from config.settings import Settings
from shared import errors
from shared.session import Reader, Writer, engine_for, reading_sessions, sessions
from uploads.storage import NotStored, Storage, StorageUnavailable, storage_from

SHARED: Final = Path(__file__).parents[1] / "shared"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # our own CSRF check over https reads it; nobody else gets it
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PARKABLE: Final = 16 * 1024  # bytes of a typed form worth giving back
FORM_LIMIT: Final = 500_000  # bytes of a form without files: it is held in memory as a whole
STREAMED: Final = "multipart/form-data"  # files, which are not
WRITTEN: Final = (
    "text",
    "memo",
    "note",
    "words",
    "reason",
    "detail",
)  # fields of the desk in which somebody writes sentences
SECRETS: Final = ("pin", "password")  # fields that no page repeats and no table holds
Done = TypeVar("Done")
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Visitor:
    """What Flask-Login carries around: the session token, and the frozen person behind it."""

    token: str
    who: Any
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return self.token


class _App(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """As Flask does, but with no secret of an address."""
        self.logger.error("Exception on %s [%s]", _place(), request.method, exc_info=exc_info)


def web_app(name: str, settings: Settings, load: Callable[[Reader, str], Any | None]) -> Flask:
    """Make an app named ``name``.

    :param load: finds the person behind a session token, or None; ``shared.sign_in`` has one for each door.
    """
    app = _App(name, static_url_path="/static")
    app.request_class = PlainRequest
    if settings.proxies:  # who asks is the one that our own proxy saw, not the proxy
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0)  # type: ignore[method-assign]
    app.session_interface = KnownCookies()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME=f"{'__Host-' if settings.secure_cookies else ''}madoguchi_{name}",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # A picture that is slow to come must not bring back the cookie of before the sign-out.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=settings.request_limit,
        WTF_CSRF_TIME_LIMIT=None,  # hunting for a paper takes as long as it takes; the session is the limit
        BABEL_DEFAULT_LOCALE="ja",
        BABEL_DEFAULT_TIMEZONE="Asia/Tokyo",
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
    )
    engine = engine_for(settings.database_url)
    app.extensions["madoguchi"] = _Reach(settings, engine, storage_from(settings), load)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    templates = [Path(app.root_path) / "templates", SHARED / "components"]
    app.jinja_loader = FileSystemLoader(templates)
    app.jinja_env.filters.update(words.FILTERS)
    app.jinja_env.globals.update(words.GLOBALS)
    app.context_processor(lambda: {"demo": settings.demo, "app_name": name})

    Babel(app)
    _sign_in_sessions(app)
    app.before_request(_limit_form)
    app.before_request(_deny_by_default)  # before CSRF: a stranger's upload is not even read
    CSRFProtect(app)
    app.after_request(_headers)
    _shared_pages(app)
    _same_for_everybody(app)
    _error_pages(app)
    return app


def storable(text: str) -> str:
    """``text`` as a database can keep it: no NUL, and no half of a character that a browser cut in two."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


class _Typed(ImmutableMultiDict[str, Any]):
    """What came in a form or behind the question mark, made storable before anybody reads it."""

    def __init__(self, mapping: Any = None) -> None:
        pairs = list(mapping.items(multi=True)) if isinstance(mapping, MultiDict) else list(mapping or ())
        super().__init__(
            [(storable(name), storable(value) if isinstance(value, str) else value) for name, value in pairs]
        )


class PlainRequest(Request):
    """A request whose texts can be stored."""

    parameter_storage_class = _Typed


class _Reach:
    """What a request may reach: settings, database, storage."""

    def __init__(
        self, settings: Settings, engine: Any, storage: Storage, load: Callable[[Reader, str], Any | None]
    ) -> None:
        self.settings, self.engine, self.storage, self.load = settings, engine, storage, load
        lasting = {"Strict-Transport-Security": "max-age=31536000"} if settings.secure_cookies else {}
        self.headers = {**HEADERS, **lasting}
        self.sessions, self.reading = sessions(engine), reading_sessions(engine)
        self.asking = Reader(engine)
        # SQLite lets one write, and those who wait sleep and look again. Here they queue up, and go at once.
        self.turn = RLock() if engine.dialect.name == "sqlite" else nullcontext()
        self.writer = Writer(engine, self.turn) if engine.dialect.name == "sqlite" else None


def settings() -> Settings:
    """The settings of this app."""
    reach: _Reach = current_app.extensions["madoguchi"]
    return reach.settings


def storage() -> Storage:
    """Where the bytes are."""
    reach: _Reach = current_app.extensions["madoguchi"]
    return reach.storage


def always_said() -> Mapping[str, str]:
    """What the head of every answer says to browsers."""
    reach: _Reach = current_app.extensions["madoguchi"]
    return reach.headers


def signed_in(asked: Request) -> tuple[SessionMixin | None, str, Any | None]:
    """Who asks, where Flask-Login is not: the session, the token in it, and the person behind that, if any."""
    reach: _Reach = current_app.extensions["madoguchi"]
    session = current_app.session_interface.open_session(current_app, asked)
    token = session.get("_user_id", "") if session is not None else ""
    return session, token, reach.load(reach.asking, token) if token else None


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction that writes: leaving the block commits, an exception takes everything back."""
    reach: _Reach = current_app.extensions["madoguchi"]
    with reach.turn, reach.sessions.begin() as session:
        yield session


def arriving(deed: Callable[[Writer], Done]) -> Done | None:
    """``transaction`` without a session, for what comes most; None where the database has no writer of its own.

    :param deed: asks nothing of its request: another one's thread may do it.
    """
    reach: _Reach = current_app.extensions["madoguchi"]
    return reach.writer.do(deed) if reach.writer else None


@contextmanager
def reading() -> Iterator[Session]:
    """One transaction that only looks."""
    reach: _Reach = current_app.extensions["madoguchi"]
    with reach.reading() as session:
        yield session


def public(view: View) -> View:
    """Anybody may use this view."""
    view.__dict__["needs"] = "public"
    return view


def _limit_form() -> None:
    """Only behind the door, and only with files, may a request be large."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.mimetype != STREAMED or getattr(view, "needs", None) == "public":
        request.max_content_length = min(FORM_LIMIT, settings().request_limit)


def _deny_by_default() -> ResponseReturnValue | None:
    if request.endpoint is None:  # no such page: the error page says so
        return None
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "needs", None) == "public":
        return None
    guard = getattr(view, "guard", None)
    if guard is None:
        raise Forbidden
    answer: ResponseReturnValue | None = guard()
    return answer


def _sign_in_sessions(app: Flask) -> None:
    reach: _Reach = app.extensions["madoguchi"]

    def visitor(token: str) -> Visitor | None:
        try:
            who = reach.load(reach.asking, token)  # one question of every request: no session, no transaction
        except (OperationalError, PoolTimeout):
            g._login_user = AnonymousUserMixin()  # noqa: SLF001  (the page that says so would ask again, and fail again)
            raise
        return Visitor(token, who) if who else None

    manager = LoginManager(app)
    manager.session_protection = None  # phones change networks; the token itself is the secret
    manager.user_loader(visitor)


def _headers(response: Response) -> Response:
    said = {name.lower() for name, _ in response.headers}  # asked once: each look for a name goes through all of them
    for name, value in always_said().items():
        if name.lower() not in said:
            response.headers.add(name, value)
    ours = request.endpoint in ("static", "shared.static") and response.status_code < 400
    if not ours and not said & {"cache-control", "expires"}:
        response.headers.add("Cache-Control", "no-store")
    elif not ours and "no-store" not in response.headers.get("Cache-Control", ""):
        response.headers["Cache-Control"] = "no-store"  # send_file would let anybody keep a person's paper for an hour
        response.headers.pop("Expires", None)
    return response


def _shared_pages(app: Flask) -> None:
    shared = Blueprint("shared", __name__, static_folder=str(SHARED / "static"), static_url_path="/shared")

    @app.get("/healthz")
    @public
    def healthz() -> ResponseReturnValue:
        """Whether this app can do its work: the database answers."""
        with reading() as session:
            session.execute(text("SELECT 1"))
        return {"app": app.name, "database": "ok"}

    app.register_blueprint(shared)


def _same_for_everybody(app: Flask) -> None:
    """Take over Flask's two static folders: addresses get their version from ``url_for`` itself."""
    folders = {"static": Path(app.root_path) / "static", "shared.static": SHARED / "static"}
    assets = {endpoint: Assets(folder) for endpoint, folder in folders.items()}

    @public
    def static(filename: str) -> ResponseReturnValue:
        return assets[request.endpoint or ""].answer(filename)

    @app.url_defaults
    def version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in assets:
            values["filename"] = f"{assets[endpoint].version}/{values['filename']}"

    app.view_functions.update(dict.fromkeys(assets, static))


def same_origin() -> bool:
    """Whether the browser says that this request comes from one of our own pages."""
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return bool(origin) and urlsplit(origin).netloc == request.host


def typed_fields() -> dict[str, str]:
    """What was typed into a small form, without tokens; empty for an upload and for a form with a secret."""
    if request.mimetype != "application/x-www-form-urlencoded" or (request.content_length or 0) > PARKABLE:
        return {}
    if any(name in request.form for name in SECRETS):
        return {}
    return {name: value for name, value in request.form.items() if name != "csrf_token"}


def written() -> str:
    """The sentences in a form that came too late, one below the other, so that the page can give them back."""
    said = [
        value.strip()
        for name, value in request.form.items()
        if name in WRITTEN or (name.endswith("-detail") and name.startswith(("file-", "value-")))
    ]
    return "\n".join(sentence for sentence in said if sentence)


def _place() -> str:
    """The path as a log line may have it: ids stay, a token in it is a secret."""
    rule = request.url_rule
    return rule.rule if rule and "token" in rule.arguments else request.path


def _problem_page(kind: str, **facts: Any) -> str:
    """The page that says what is wrong. It comes also when nobody can be asked who is reading it."""
    with suppress(OperationalError, PoolTimeout):
        bool(current_user)
    return render_template("problem.html", kind=kind, **facts)


def _error_pages(app: Flask) -> None:
    def problem(kind: str, status: int, **facts: Any) -> ResponseReturnValue:
        return _problem_page(kind, **facts), status

    @app.errorhandler(CSRFError)
    def not_from_our_page(_error: CSRFError) -> ResponseReturnValue:
        again = typed_fields() if same_origin() else {}
        return problem("again", 400, fields=again, path=request.full_path.rstrip("?"))

    @app.errorhandler(errors.NotThere)
    def not_there(_error: errors.NotThere) -> ResponseReturnValue:
        return problem("not_found", 404)

    @app.errorhandler(errors.ChangedMeanwhile)
    def changed_meanwhile(error: errors.ChangedMeanwhile) -> ResponseReturnValue:
        about = {"id": error.submission_id, "written": written()}
        return problem("changed", 409, who=error.who, at=error.at, state=error.state, **about)

    @app.errorhandler(errors.TakenByAnother)
    def taken(error: errors.TakenByAnother) -> ResponseReturnValue:
        about = {"id": error.submission_id, "written": written()}
        return problem("taken", 409, who=error.who, at=error.since, until=error.until, **about)

    @app.errorhandler(errors.AlreadySent)
    def already_sent(_error: errors.AlreadySent) -> ResponseReturnValue:
        return problem("already_sent", 409)

    @app.errorhandler(errors.IllegalMove)
    @app.errorhandler(StaleDataError)
    def moved(_error: Exception) -> ResponseReturnValue:
        return problem("changed", 409, who="", at=None, state="", id=None, written=written())

    @app.errorhandler(StorageUnavailable)
    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def unavailable(error: Exception) -> ResponseReturnValue:
        log("request.failed", level="error", path=_place(), error=type(error).__name__)
        if not isinstance(error, StorageUnavailable):  # it went after it had said who is there: ask it nothing more
            g._login_user = AnonymousUserMixin()  # noqa: SLF001
        return problem("unavailable", 503)

    @app.errorhandler(NotStored)
    def not_stored(error: NotStored) -> ResponseReturnValue:
        log("request.failed", level="error", path=_place(), error=type(error).__name__)
        return problem("not_found", 404)

    for status in default_exceptions:
        app.register_error_handler(status, _by_status)


def _by_status(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if 300 <= status < 400:
        return error
    kinds = {403: "forbidden", 404: "not_found", 405: "not_found", 410: "not_found", 413: "too_big"}
    if status >= 500:
        original = getattr(error, "original_exception", None) or error
        log("request.failed", level="error", path=_place(), error=type(original).__name__)
    kind = kinds.get(status, "unavailable" if status >= 500 else "bad_request")
    response = current_app.make_response((_problem_page(kind), status))
    if status == 405:
        response.headers.extend([pair for pair in error.get_headers() if pair[0] == "Allow"])
    return response
