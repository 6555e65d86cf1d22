import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from aethercrown.passwords import Argon2id


def test_a_password_is_known_again_and_stored_with_argon2id():
    hasher = Argon2id()
    stored = hasher.encode("correct horse battery", hasher.salt())
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify("correct horse battery", stored)
    assert not hasher.verify("correct horse batterx", stored)


@pytest.mark.parametrize("given", ["my-AetherCrown-2026", "the aether crown of mine"])
def test_the_products_name_makes_no_password(given):
    with pytest.raises(ValidationError, match="product's name"):
        validate_password(given)


@pytest.mark.parametrize("given", ["a" * 10 + "Zq9!x", "x y z " * 20, "Ünïcödé wörds here"])
def test_any_characters_and_any_length_from_15_are_taken(given):
    validate_password(given)
    with pytest.raises(ValidationError, match="at least 15"):
        validate_password("only 14 letter")
