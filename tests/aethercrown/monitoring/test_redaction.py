import json
import pickle
import string
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.monitoring import redaction
from aethercrown.monitoring.redaction import MASK, Secret
from security.apikeys import token

CANARY = "c4n4ry-Zx81"
NAMES = [
    "password",
    "DB_PASSWORD",
    "passwd",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "secret",
    "client_secret",
    "SECRET_KEY",
    "token",
    "accessToken",
    "refresh-token",
    "api_key",
    "X-API-Key",
    "apikey",
    "API_KEY_PEPPER",
    "pepper",
    "private_key",
    "aws_secret_access_key",
    "sessionid",
    "csrfmiddlewaretoken",
    "dsn",
    "credentials",
    "signature",
    "ENCRYPTION_KEYS",
]
KEY = token.generate("ac", bytes)  # the same in every process, as test names are made of it
CANARIES = st.text(string.ascii_letters + string.digits, min_size=12, max_size=40).map(
    "Zq9{}".format
)


@given(st.text(max_size=200))
def test_no_form_finds_anything_in_a_text_without_a_sign(words):
    if not any(sign in words.lower() for sign in redaction._SIGNS):
        assert not any(form.search(words) for form, _ in redaction._FORMS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "form",
    [
        lambda name, it: f"{name}={it}",
        lambda name, it: f"{name}: {it}",
        lambda name, it: f"{name} = '{it}'",
        lambda name, it: json.dumps({"a": 1, name: it, "b": 2}),
        lambda name, it: json.dumps(json.dumps({name: it})),
        lambda name, it: json.dumps({"body": json.dumps(json.dumps({name: it}))}),
        lambda name, it: repr({name: it}),
        lambda name, it: repr({name: it.encode()}),
        lambda name, it: repr([(name, it)]),
        lambda name, it: repr({name: [it, it]}),
        lambda name, it: repr({name: {"old": it, "new": it}}),
        lambda name, it: f"https://host/path?a=1&{urlencode({name: it})}&b=2",
        lambda name, it: f"Config({name}='{it}', port=1)",
        lambda name, it: f"os.environ['{name}'] = '{it}'",
        lambda name, it: f"{name}: Digest {it}" if "uthorization" in name else f"{name}={it}",
    ],
)
def test_a_value_under_a_secret_name_is_masked_in_every_notation(name, form):
    assert CANARY not in redaction.text(form(name, CANARY))


@pytest.mark.parametrize(
    "words",
    [
        KEY,
        f"before {KEY} after",
        f"x{KEY}x",
        "Bearer c4n4ry-Zx81.more/parts+here==",
        "basic YzRuNHJ5LVp4ODE=c4n4ry-Zx81",
        "postgres://user:c4n4ry-Zx81@db.example.com:5432/x",
        "redis://:c4n4ry-Zx81@127.0.0.1:6379/0",
        "amqp://user:pa/ss@c4n4ry-Zx81@host//",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n and cut off",
        "eyJhbGciOiJIUzI1NiJ9.c4n4ry-Zx81.c4n4ry-Zx81",
        f"Authorization: Custom a b {CANARY}",
        f"Cookie: a=1; session={CANARY}; b={CANARY}",
        "sk_live_c4n4ryZx81c4n4ryZx81",
        "AKIAC4N4RYZX81C4N4RY",
        "ghp_c4n4ryZx81c4n4ryZx81c4n4ryZx81",
        "Gone: /login/password/WzEsIjIiXQ:1vPkXY:c4n4ry-Zx81",
        "Conflict: /onboarding/eyJjIjoxfQ%3A1vPkXY%3Ac4n4ry-Zx81",
        "Not Found: /unsubscribe/6f2a:c4n4ry-Zx81",
    ],
)
def test_a_secret_is_known_by_its_form(words):
    clean = redaction.text(words)
    assert CANARY not in clean
    assert CANARY.replace("-", "") not in clean
    assert CANARY.replace("-", "").upper() not in clean
    assert KEY not in clean
    assert MASK in clean


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Budget plan 12 approved by ada",
        "GET admin:security_user_changelist 200 in 12.5 ms",
        "https://example.com:8443/path?page=2",
        "The port is 8000: taken.",
        'File "/srv/app/plan.py", line 12, in split',
        "Not Found: /dashboards/onboarding/12",
    ],
)
def test_harmless_words_stay(words):
    assert redaction.text(words) == words


def test_what_surrounds_a_secret_stays():
    assert redaction.text('{"user": "ada", "password": "x y", "page": 2}') == (
        '{"user": "ada", "password": ***, "page": 2}'
    )
    assert redaction.text("postgres://u:p@db:5432/x?a=1") == "postgres://u:***@db:5432/x?a=1"


def test_the_secrets_of_the_installation_are_known_by_heart():
    assert redaction.text("so hunter22 it is", ("hunter22",)) == "so *** it is"
    assert redaction.value({"a": ["hunter22"]}, ("hunter22",)) == {"a": ["***"]}


def test_a_long_text_is_cut_and_no_secret_slips_through_the_cut():
    for place in range(redaction.LONGEST - 80, redaction.LONGEST + 20, 7):
        clean = redaction.text("a " * (place // 2) + f"password={CANARY} " + "b" * 5000)
        assert CANARY[:6] not in clean
        assert len(clean) < redaction.LONGEST + 60
    assert "characters more" in clean


@pytest.mark.parametrize("letter", ["a", "password", "token=", "\\", '"', "{", "-----BEGIN ", "a."])
def test_hostile_repetition_ends(letter):
    redaction.text(letter * (redaction.LONGEST // len(letter)))


class Odd:
    def __init__(self, shown):
        self.shown = shown

    def __str__(self):
        return self.shown


class Broken:
    def __str__(self):
        raise RuntimeError(CANARY)


def test_plain_values_are_kept_as_they_are():
    plain = [1, 2.5, True, None, Decimal("1.50"), datetime(2026, 1, 1, tzinfo=UTC)]
    assert redaction.value(plain) == plain
    assert redaction.value({1: "x", None: "y"}) == {1: "x", None: "y"}


def test_a_thing_that_cannot_be_printed_is_named_by_its_class_only():
    assert redaction.value(Broken()) == "<Broken, unprintable: RuntimeError>"
    assert redaction.value({Broken(): 1}) == {"<Broken, unprintable: RuntimeError>": 1}


def test_a_thing_that_holds_itself_ends():
    ring: list = []
    ring.append(ring)
    assert MASK in str(redaction.value(ring))


HOMES = st.sampled_from(
    [
        lambda it: {"password": it},
        lambda it: {"Set-Cookie": [it, {"x": it}]},
        lambda it: OrderedDict(token=(it,)),
        lambda it: ("Authorization", f"Custom {it}"),
        lambda it: [b"cookie", it.encode()],
        lambda it: Odd(f"Config(api_key='{it}')"),
        lambda it: f"postgres://u:{it}@h/x",
        lambda it: {f"https://u:{it}@host": 1},
        lambda it: ValueError(f"password={it}"),
        Secret,
        lambda it: {"body": json.dumps({"deep": [{"client_secret": it}]})},
        lambda it: frozenset({f"Bearer {it}"}),
    ]
)


@given(CANARIES, HOMES, st.lists(st.sampled_from([lambda x: [x], lambda x: {"a": x}]), max_size=10))
def test_a_canary_never_comes_out_however_deep_it_sits(canary, home, wraps):
    thing = home(canary)
    for wrap in wraps:
        thing = wrap(thing)
    assert canary not in str(redaction.value(thing))
    assert canary not in redaction.text(repr(thing))


@given(st.recursive(st.none() | st.text(), lambda each: st.dictionaries(st.text(), each)))
def test_anything_comes_out_as_json(thing):
    json.dumps(redaction.value(thing))


def test_the_pattern_of_our_keys_and_of_redaction_agree():
    for prefix in ["a", "ac", "abcdefghijkl"]:
        assert redaction.text(token.generate(prefix)) == MASK


def test_a_secret_shows_itself_only_when_asked():
    secret = Secret(CANARY)
    assert (str(secret), repr(secret), f"{secret}", "%s" % secret) == (MASK,) * 4  # noqa: UP031 - the form under test
    assert secret.reveal() == CANARY
    assert secret == Secret(CANARY)
    assert secret != CANARY
    assert len({secret, Secret(CANARY)}) == 1
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
