import contextvars
import io
import json
import logging

import pytest
import structlog
from celery import signals
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from structlog.stdlib import ProcessorFormatter

from aethercrown.monitoring import logs
from aethercrown.monitoring.redaction import Secret
from security.apikeys import services, token
from tests.aethercrown.monitoring.ids import with_request_id

CANARY = "c4n4ryZx81"
log = logging.getLogger("shop.till")


def broken(request):
    password = CANARY  # noqa: F841 - a secret in a frame that fails
    raise RuntimeError(f"password={CANARY}")


def fine(request, pk):
    log.info("at work with %s", {"token": CANARY})
    return HttpResponse("fine")


urlpatterns = [path("fine/<int:pk>", fine, name="fine"), path("broken", broken)]


def ours():
    handlers = logging.getLogger().handlers
    return [each for each in handlers if isinstance(each.formatter, ProcessorFormatter)]


@pytest.fixture
def lines():
    """The lines that come out, with the root logger set back afterwards."""
    root = logging.getLogger()
    before, level = ours(), root.level
    stream = io.StringIO()
    logs.configure({"format": "json", "level": "DEBUG"}, stream)
    yield lambda: [json.loads(each) for each in stream.getvalue().splitlines()]
    for each in ours():
        root.removeHandler(each)
    for each in before:
        root.addHandler(each)
    root.setLevel(level)


def raw(lines):
    return json.dumps(lines())


def test_a_line_is_one_object_with_time_level_logger_and_words(lines):
    log.warning("sold %d of %s", 3, "ink")
    (line,) = lines()
    assert line["event"] == "sold 3 of ink"
    assert (line["level"], line["logger"]) == ("warning", "shop.till")
    assert line["timestamp"].endswith("Z")


def test_a_line_carries_the_id_of_the_request_at_work(lines):
    with with_request_id("abc"):
        log.info("in")
    contextvars.Context().run(log.info, "out")
    assert [line.get("request_id") for line in lines()] == ["abc", None]


def test_what_comes_as_extra_is_in_the_line_but_a_whole_request_is_not(lines):
    request = RequestFactory().get("/x?api_key=" + CANARY)
    log.info("done", extra={"plan_id": 7, "request": request})
    (line,) = lines()
    assert line["plan_id"] == 7
    assert "request" not in line


def written(record, *, plain=True):
    """The lines that a handler of ours writes for `record`."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs.formatter(plain=plain))
    with with_request_id("abc"):
        handler.handle(record)
    return handler.stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("words", "arguments"),
    [("%s %s", ("one",)), ("%d", ("x",)), ("%(a)s", ({"b": 1},)), ("%", (1,))],
)
def test_a_line_whose_arguments_do_not_fit_is_written_all_the_same(words, arguments):
    (line,) = written(log.makeRecord("till", 20, "f", 1, words, arguments, None))
    assert words in line


def test_structlog_comes_out_of_the_same_handler(lines):
    structlog.get_logger("till").info("sold", count=3, password=CANARY)
    (line,) = lines()
    assert (line["event"], line["count"], line["password"]) == ("sold", 3, "***")
    assert line["logger"] == "till"


def fail_with(error):
    log.error("failed", exc_info=error)


class Customer:
    def __repr__(self):
        return f"Customer(api_key='{CANARY}')"


@pytest.mark.parametrize(
    "write",
    [
        lambda: log.info("password=%s", CANARY),
        lambda: log.info("the password is %s", {"password": CANARY}),
        lambda: log.info("%(password)s", {"password": CANARY}),
        lambda: log.info("%r", [("Authorization", f"Custom {CANARY}")]),
        lambda: log.info("%s", Customer()),
        lambda: log.info({"token": CANARY}),
        lambda: log.info("x", extra={"cookies": {"sessionid": CANARY}}),
        lambda: log.info("x", extra={"client_secret": CANARY}),
        lambda: log.info("x", extra={"customer": Customer()}),
        lambda: log.info("x", extra={"secret_holder": Secret(CANARY), "a": [Secret(CANARY)]}),
        lambda: log.info("connecting to postgres://u:%s@db/x", CANARY),
        lambda: log.info("Authorization: Bearer %s", CANARY),
        lambda: log.info("x", stack_info=True, extra={"api_key": CANARY}),
        lambda: fail_with(RuntimeError(f"password={CANARY}")),
        lambda: fail_with(RuntimeError({"password": CANARY})),
        lambda: fail_with(KeyError("token", CANARY)),
        lambda: fail_with(ExceptionGroup("x", [ValueError(f"redis://:{CANARY}@h")])),
        lambda: log.info("%s", RuntimeError(f"secret: {CANARY}")),
        lambda: log.info(f"-----BEGIN PRIVATE KEY-----\n{CANARY}"),  # noqa: G004 - the form under test
    ],
)
def test_a_secret_in_any_field_never_comes_out(lines, write):
    write()
    assert len(lines()) == 1
    assert CANARY not in raw(lines)


def test_the_secrets_of_this_installation_never_come_out(lines, settings):
    settings.METRICS_TOKEN = "short"  # noqa: S105 - too short to hide
    log.info("made with %s and %s, in short", settings.SECRET_KEY, settings.API_KEY_PEPPER)
    assert lines()[0]["event"] == "made with *** and ***, in short"


def test_plain_words_say_the_same_on_one_line_with_the_traceback_below():
    sold = log.makeRecord("till", 20, "f", 1, "sold %d", (3,), None, extra={"plan_id": 7})
    (line,) = written(sold)
    assert line[2] == line[5] == ":"
    assert line[8:] == " info     till: sold 3 request_id=abc plan_id=7"
    error = ValueError(f"token={CANARY}")
    bad = log.makeRecord("till", 40, "f", 1, "bad", (), (ValueError, error, None))
    line, *trace = written(bad)
    assert line.endswith("error    till: bad request_id=abc")
    assert trace[-1] == "ValueError: token=***"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("form", "stream", "plain"),
    [
        ("auto", io.StringIO(), False),
        ("auto", Terminal(), True),
        ("json", Terminal(), False),
        ("plain", io.StringIO(), True),
    ],
)
def test_json_goes_to_a_file_and_words_to_a_terminal_unless_told(lines, form, stream, plain):
    logs.configure({"format": form, "level": "INFO"}, stream)
    log.info("hello")
    assert stream.getvalue().startswith("{") is not plain


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        (["./manage.py", "create_api_key", "--name", "shop"], True),
        (["/srv/crown/manage.py"], True),
        (["manage.py", "start"], False),
        (["/usr/bin/gunicorn", "aethercrown.wsgi"], False),
    ],
)
def test_a_command_logs_words_wherever_its_output_goes(lines, monkeypatch, arguments, plain):
    monkeypatch.setattr("sys.argv", arguments)
    stream = io.StringIO()
    logs.configure({"format": "auto", "level": "INFO"}, stream)
    log.info("hello")
    assert stream.getvalue().startswith("{") is not plain


def test_configuring_twice_does_not_double_the_lines(lines):
    stream = io.StringIO()
    logs.configure({"format": "json", "level": "INFO"}, io.StringIO())
    logs.configure({"format": "json", "level": "INFO"}, stream)
    log.info("once")
    assert stream.getvalue().count("once") == 1
    assert lines() == []


def test_django_and_libraries_have_no_handlers_of_their_own(lines):
    logging.getLogger("django.request").error("bad")
    logging.getLogger("celery.worker").info("chatter")
    assert [line["logger"] for line in lines()] == ["django.request"]
    assert not logging.getLogger("django.server").handlers


def test_celery_leaves_the_handlers_alone(lines):
    before = list(logging.getLogger().handlers)
    signals.setup_logging.send(sender=None)
    logs.keep_ours(loglevel=10)
    assert logging.getLogger().handlers == before


@pytest.fixture
def app(settings):
    settings.SECURE_SSL_REDIRECT = False
    settings.ROOT_URLCONF = __name__


def access(lines):
    return [line for line in lines() if line["logger"] == "aethercrown.access"]


def test_a_request_is_one_line_with_its_route_and_not_its_address(client, app, lines):
    client.get(f"/fine/12?q={CANARY}", headers={"X-Request-ID": "abc"})
    (line,) = access(lines)
    assert (line["method"], line["route"], line["status"]) == ("GET", "fine", 200)
    assert line["ms"] >= 0
    assert line["request_id"] == "abc"
    assert CANARY not in raw(lines)


@pytest.mark.parametrize(("address", "route"), [("/broken", "broken"), ("/none", "unmatched")])
def test_a_request_without_a_name_is_logged_by_its_pattern(client, app, lines, address, route):
    client.raise_request_exception = False
    client.get(address)
    assert access(lines)[0]["route"].endswith(route)


def test_a_failing_request_leaves_no_secret_in_any_line(client, app, lines):
    client.raise_request_exception = False
    headers = {"Authorization": f"Custom {CANARY}", "Cookie": f"a={CANARY}"}
    client.post(f"/broken?token={CANARY}", {"password": CANARY}, headers=headers)
    assert any(line["level"] == "error" for line in lines())
    assert CANARY not in raw(lines)


@pytest.mark.django_db
def test_a_request_with_a_key_is_logged_by_the_keys_number(client, lines, settings):
    settings.SECURE_SSL_REDIRECT = False
    issued = services.create("shop", ["all"])
    client.get("/api/v1/schema", headers={"X-API-Key": issued.plaintext})
    assert access(lines)[0]["key_id"] == issued.key.pk
    assert not token.PATTERN.search(raw(lines))


def test_the_settings_name_this_configuration():
    assert settings.LOGGING_CONFIG == "aethercrown.monitoring.logs.configure"
    assert "aethercrown.monitoring.access_log.AccessLog" in settings.MIDDLEWARE
