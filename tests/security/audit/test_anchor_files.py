"""Files of anchors: private, complete up to the last whole line, and never quietly changed."""

import stat

import pytest

from security.audit import anchor_files
from tests.security.audit.test_anchors import HOURLY, run

SEALS = run((HOURLY, {"a": 1}), (HOURLY, {"a": 3}), (HOURLY, {"c": 1}))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "anchors"


def only(folder):
    (path,) = folder.iterdir()
    return path


def test_what_is_kept_is_read_back_and_nobody_else_reads_it(folder):
    assert anchor_files.read_all(folder) == []
    assert anchor_files.append(folder, SEALS) == 3
    assert anchor_files.read_all(folder) == SEALS
    assert only(folder).name == "2026-11.jsonl"
    assert stat.S_IMODE(only(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_anchor_that_is_kept_twice_counts_once(folder):
    anchor_files.append(folder, [*SEALS, SEALS[2]])
    assert anchor_files.read_all(folder) == SEALS


@pytest.mark.parametrize("left", [1, 20, 200])
def test_a_line_that_a_crash_cut_short_is_read_over_and_written_again(folder, left):
    anchor_files.append(folder, SEALS[:2])
    path = only(folder)
    lines = path.read_bytes()
    path.write_bytes(lines + SEALS[2].line().encode()[:left])
    assert anchor_files.read_all(folder) == SEALS[:2]
    anchor_files.append(folder, SEALS[2:])
    assert anchor_files.read_all(folder) == SEALS


def test_a_line_that_was_changed_is_named(folder):
    anchor_files.append(folder, SEALS)
    with only(folder).open("a") as file:
        file.write("{}\n")
    with pytest.raises(anchor_files.InvalidAnchorFile, match=r"2026-11.jsonl line 4 is no anchor"):
        anchor_files.read_all(folder)


def test_two_anchors_of_one_number_are_refused(folder):
    anchor_files.append(folder, [*SEALS, *run((HOURLY, {"a": 7}))])
    with pytest.raises(anchor_files.InvalidAnchorFile, match="two different anchors 1"):
        anchor_files.read_all(folder)
