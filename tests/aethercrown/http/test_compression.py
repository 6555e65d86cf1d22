"""Compressed static files and pages, and what is left as it is."""

import gzip

import pytest

SHEET = "/static/css/tokens.css"
ASK = {"Accept-Encoding": "gzip"}


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_style_sheet_is_sent_compressed(client):
    plain, packed = client.get(SHEET), client.get(SHEET, headers=ASK)
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    whole = body(plain)
    small = body(packed)
    assert gzip.decompress(small) == whole
    assert len(small) < len(whole) / 2


def test_a_compressed_file_is_not_sent_again_unchanged(client):
    first = client.get(SHEET, headers=ASK)
    body(first)
    assert "ETag" not in first
    later = client.get(SHEET, headers={**ASK, "If-Modified-Since": first["Last-Modified"]})
    assert later.status_code == 304


def test_a_font_is_compressed_already(client):
    answer = client.get("/static/fonts/inter-latin-400.woff2", headers=ASK)
    assert "Content-Encoding" not in answer
    body(answer)


@pytest.mark.parametrize("path", ["/admin/", "/api/v1/schema", "/account/2fa/", "/static/none.css"])
def test_other_answers_stay_as_they_are(admin_client, path):
    assert "Content-Encoding" not in admin_client.get(path, headers=ASK)


def test_a_page_is_sent_compressed(admin_client):
    answer = admin_client.get("/dashboards/decisions", headers=ASK)
    assert answer["Content-Encoding"] == "gzip"
    assert b"<h1>Decisions</h1>" in gzip.decompress(answer.content)
