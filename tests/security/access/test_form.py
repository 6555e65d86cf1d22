"""Whatever is typed into the form for signing in: it is refused, and nothing of it is a failure."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from security.access import lockout

PATHS = st.sampled_from(["/login", "/admin/login/"])
TYPED = st.text(max_size=200) | st.sampled_from(
    ["", "\0", "\ud800", "a\0b", "' OR 1=1 --", "a" * 5_000, "{{7*7}}", "\u202eada", "%00"]
)
BODIES = st.binary(max_size=200) | st.sampled_from(
    [b"username=%00&password=%ff", b"username[]=a&password[x]=b", b"username=a&username=b", b"%"]
)
REFUSED = {200, 400, 403, 429}


@given(text=st.text())
def test_of_any_name_only_a_digest_is_counted(text):
    name = lockout.username_digest(text)
    assert len(name) == 32
    assert int(name, 16) >= 0
    assert lockout.username_digest(f" {text.upper().lower()} ") == lockout.username_digest(
        text.upper().lower()
    )


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, name=TYPED, password=TYPED)
def test_any_name_and_password_are_refused(own_buckets, client, path, name, password):
    typed = {"username": name, "password": password}
    plain = {field: text.encode("utf-8", "surrogatepass") for field, text in typed.items()}
    answer = client.post(path, plain)
    assert answer.status_code in REFUSED
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=PATHS,
    body=BODIES,
    kind=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json",
            "text/plain",
            "",
        ]
    ),
)
def test_any_body_is_refused(own_buckets, client, path, body, kind):
    answer = client.generic("POST", path, body, content_type=kind)
    assert answer.status_code in REFUSED
    assert "_auth_user_id" not in client.session
