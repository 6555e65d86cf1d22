"""What an interrupted restore leaves for the next one."""

from aethercrown.backup import former_state


def test_what_was_kept_is_read_until_a_restore_has_come_to_its_end(tmp_path):
    assert former_state.read(tmp_path) == []
    former_state.keep(tmp_path, [{"security": {"revoked": [[1, "2026-11-22T12:00:00+00:00"]]}}])
    former_state.keep(tmp_path, [*former_state.read(tmp_path), {"security": None}])
    assert former_state.read(tmp_path)[0]["security"]["revoked"] == [
        [1, "2026-11-22T12:00:00+00:00"]
    ]
    assert (tmp_path / former_state.FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [former_state.FILE]
    former_state.forget(tmp_path)
    former_state.forget(tmp_path)
    assert former_state.read(tmp_path) == []


def test_a_damaged_file_keeps_nobody_from_restoring(tmp_path):
    (tmp_path / former_state.FILE).write_text("{")
    assert former_state.read(tmp_path) == []
