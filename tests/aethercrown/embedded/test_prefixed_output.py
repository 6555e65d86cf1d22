import io
import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aethercrown.embedded.prefixed_output import PrefixedOutput, prefixed, print_lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def voice(folder: Path, terminal: io.StringIO) -> PrefixedOutput:
    return PrefixedOutput(name="web", log=folder / "web.log", terminal=terminal)


def test_each_line_carries_the_name_of_its_child(tmp_path):
    terminal = io.StringIO()
    voice(tmp_path, terminal).write(b"one\ntwo\n")
    assert terminal.getvalue() == "web    | one\nweb    | two\n"
    assert (tmp_path / "web.log").read_text() == "one\ntwo\n"


def test_a_terminal_sees_colour_and_a_file_does_not(tmp_path):
    terminal = Terminal()
    voice(tmp_path, terminal).write(b"one\n")
    assert terminal.getvalue() == f"{prefixed('web', 'one', colour=True)}\n"
    assert "\033[36m" in terminal.getvalue()
    assert "\033" not in (tmp_path / "web.log").read_text()


def test_what_came_without_a_line_end_is_shown_at_the_end(tmp_path):
    terminal = io.StringIO()
    said = voice(tmp_path, terminal)
    said.write(b"half")
    assert terminal.getvalue() == ""
    said.end()
    said.end()
    assert terminal.getvalue() == "web    | half\n"


def test_nobody_listens_any_more_and_the_log_goes_on(tmp_path):
    voice(tmp_path, Broken()).write(b"one\n")
    assert (tmp_path / "web.log").read_text() == "one\n"


def test_a_log_that_cannot_be_written_does_not_silence_the_terminal(tmp_path):
    terminal = io.StringIO()
    (tmp_path / "web.log").mkdir()
    voice(tmp_path, terminal).write(b"one\n")
    assert terminal.getvalue() == "web    | one\n"


def test_only_the_last_twenty_lines_are_kept(tmp_path):
    said = voice(tmp_path, io.StringIO())
    said.write("".join(f"{number}\n" for number in range(30)).encode())
    assert list(said.last) == [str(number) for number in range(10, 30)]


def test_words_without_a_place_to_go_are_printed(capsys):
    print_lines(["one", "two"])
    assert capsys.readouterr().out == "one\ntwo\n"


@given(cuts=st.lists(st.integers(0, 40), max_size=5))
def test_however_the_stream_is_cut_the_lines_are_the_same(cuts, tmp_path_factory):
    stream = "first\nzweite Zeile äöü\r\n\nlast".encode()
    terminal = io.StringIO()
    said = voice(tmp_path_factory.mktemp("log"), terminal)
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        said.write(stream[begin:end])
    said.end()
    assert list(said.last) == ["first", "zweite Zeile äöü", "", "last"]
