from aethercrown.passwords import Argon2id


def test_a_password_is_known_again_and_stored_with_argon2id():
    hasher = Argon2id()
    stored = hasher.encode("correct horse battery", hasher.salt())
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify("correct horse battery", stored)
    assert not hasher.verify("correct horse batterx", stored)
