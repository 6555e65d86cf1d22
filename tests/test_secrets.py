"""No secret is committed: no key of ours, whose checksum tells real ones, and none of others."""

import re
import shutil
import subprocess

import pytest

from security.apikeys import token
from tests import rig

KNOWN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"  # its header alone holds nothing
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[oprsu]_[0-9A-Za-z]{36}\b"
    r"|\bxox[abops]-[0-9]{8,}-[0-9A-Za-z-]{16,}"
    r"|\b[rs]k_live_[0-9A-Za-z]{24,}\b"
    r"|\bAIza[0-9A-Za-z_-]{35}\b"
)
CANARY = "c4n4ry"  # in what tests make up


def found(text: str) -> list[str]:
    ours = [each for each in token.PATTERN.findall(text) if token.is_well_formed(each)]
    return [each for each in ours + KNOWN.findall(text) if CANARY not in each.casefold()]


@pytest.mark.skipif(
    not shutil.which("git") or not (rig.ROOT / ".git").exists(), reason="needs git and a clone"
)
def test_no_file_of_the_repository_holds_a_secret():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],  # noqa: S607 - wherever git stands
        cwd=rig.ROOT,
        capture_output=True,
        check=True,
    )
    names = [each for each in listed.stdout.decode().split("\0") if (rig.ROOT / each).is_file()]
    assert len(names) > 500
    texts = {each: (rig.ROOT / each).read_text("utf-8", "replace") for each in names}
    assert {each: found(text) for each, text in texts.items() if found(text)} == {}


def test_a_secret_would_be_found():
    pem = "-----BEGIN " + "PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"
    assert found(f"key = {token.generate('ac')}")
    assert found(pem)
    assert found("AKIA" + "ABCDEFGH" * 2)
    assert not found("ac_live_" + "x" * 49)
