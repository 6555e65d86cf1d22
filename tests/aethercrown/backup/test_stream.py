"""An encrypted stream is read whole or not at all."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.backup import stream
from aethercrown.backup.stream import ArchiveDamaged, DecryptingReader, EncryptingWriter

KEY = "k" * 40


def written(data, key=KEY, piece=700):
    file = io.BytesIO()
    writer = EncryptingWriter(file, key)
    for at in range(0, len(data), piece):
        assert writer.write(data[at : at + piece]) == len(data[at : at + piece])
    writer.flush()
    writer.close()
    return file.getvalue()


def read(data, key=KEY, size=-1):
    reader = DecryptingReader(io.BytesIO(data), key)
    if size < 0:
        return reader.read()
    parts = iter(lambda: reader.read(size), b"")
    return b"".join(parts)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(stream, "CHUNK_BYTES", 100)


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 200, 1234])
@pytest.mark.parametrize("key", [KEY, ""])
def test_what_was_written_is_read(length, key):
    data = bytes(range(256)) * 5
    assert read(written(data[:length], key), key) == data[:length]
    assert read(written(data[:length], key), key, size=7) == data[:length]


def test_nothing_is_readable_without_the_key():
    assert b"secret" not in written(b"secret" * 100)


@given(st.data())
def test_every_changed_byte_is_detected(data):
    whole = bytearray(written(b"x" * 1000))
    place = data.draw(st.integers(len(stream.ENCRYPTED), len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ArchiveDamaged, match="cannot be decrypted"):
        read(bytes(whole))


@given(cut=st.integers(1, 900))
def test_every_cut_is_detected(cut):
    whole = written(b"x" * 1000)
    with pytest.raises(ArchiveDamaged):
        read(whole[:-cut])


def test_chunks_in_another_order_are_refused():
    whole = written(bytes(1000))
    head = len(stream.ENCRYPTED) + stream.SALT_BYTES + stream.PREFIX_BYTES
    size = 100 + stream.TAG_BYTES
    first, second = whole[head : head + size], whole[head + size : head + 2 * size]
    with pytest.raises(ArchiveDamaged, match="chunk 1"):
        read(whole[:head] + second + first + whole[head + 2 * size :])


def test_another_file_and_a_missing_key_have_different_errors():
    with pytest.raises(ArchiveDamaged, match="not a back-up"):
        read(b"PK something else entirely")
    with pytest.raises(ArchiveDamaged, match="BACKUP_KEY is needed"):
        read(written(b"x"), key="")
    with pytest.raises(ArchiveDamaged, match="another BACKUP_KEY"):
        read(written(b"x"), key="other" * 10)
