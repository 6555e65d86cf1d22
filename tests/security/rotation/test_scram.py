import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.rotation.rotators.scram import verifier


def test_the_verifier_of_the_rfc_is_reproduced():
    """The exchange of RFC 7677, section 3, follows from the two keys of the verifier."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    made = verifier("pencil", lambda _count: salt)
    keys = made.rpartition("$")[2]
    stored, server = (base64.b64decode(each) for each in keys.split(":"))
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(stored, message, "sha256")
    client = bytes(left ^ right for left, right in zip(proof, signature, strict=True))
    assert hashlib.sha256(client).digest() == stored
    assert base64.b64encode(hmac.digest(server, message, "sha256")) == (
        b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_no_verifier_holds_its_password(password):
    made = verifier(password, iterations=1)
    assert made.startswith("SCRAM-SHA-256$1:")
    assert verifier(password, iterations=1) != made  # the salt differs
    assert len(password) < 12 or password not in made


def test_other_characters_are_refused():
    with pytest.raises(ValueError, match="printable ASCII"):
        verifier("p\u00e4ss")
    with pytest.raises(ValueError, match="printable ASCII"):
        verifier("a\nb")
