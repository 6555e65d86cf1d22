import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from aethercrown.passwords import Argon2id, StrengthValidator
from security.access.models import User


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


WORDS = "plain stove under twelve maps "


@pytest.mark.parametrize("given", [WORDS * 20, "Ünïcödé wörds here", "correct horse battery"])
def test_any_characters_and_any_length_from_15_are_taken(given):
    validate_password(given)
    with pytest.raises(ValidationError, match="at least 15"):
        validate_password("only 14 letter")


@pytest.mark.parametrize(
    "given",
    ["aaaaaaaaaaaaaaaaaaaa", "qwertyuiopasdfgh", "abcabcabcabcabcabc", "password1234567890"],
)
def test_what_is_long_and_easily_guessed_is_refused(given):
    with pytest.raises(ValidationError, match="easily guessed"):
        StrengthValidator().validate(given)


@pytest.mark.parametrize("given", ["bergqvistannamaria", "tillverkninghammarby"])
def test_the_persons_names_and_the_company_count_as_guessed(given, settings):
    user = User(first_name="Annamaria", last_name="Bergqvist", email="a.b@hammarby.example")
    StrengthValidator().validate(given)  # nobody knows them
    settings.PUBLIC_URL = "https://crown.hammarby-tillverkning.example"
    with pytest.raises(ValidationError, match="easily guessed"):
        StrengthValidator().validate(given, user)


def test_the_longest_password_is_judged_in_no_time():
    StrengthValidator().validate(WORDS * 300)
    assert "words" in StrengthValidator().get_help_text()
