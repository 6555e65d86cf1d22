import logging
from threading import Thread

from operations.automations.log_capture import MAX_LINE_CHARACTERS, MAX_LINES, LogCapture

log = logging.getLogger("operations.sample")


def test_the_lines_of_the_block_are_captured_with_time_and_level():
    log.info("before")
    with LogCapture() as capture:
        log.info("rows: %s", 3)
        log.debug("too small")
        log.warning("two\nlines")
    log.info("after")
    assert [line[9:] for line in capture.lines] == [
        "info operations.sample: rows: 3",
        "warning operations.sample: two lines",
    ]
    assert capture.above("end").splitlines()[-1] == "end"


def test_another_thread_s_lines_are_another_s():
    with LogCapture() as capture:
        other = Thread(target=log.info, args=("elsewhere",))
        other.start()
        other.join()
    assert capture.lines == []


def test_only_the_last_lines_are_captured_and_long_ones_are_cut():
    with LogCapture() as capture:
        for number in range(MAX_LINES + 5):
            log.info("%s %s", number, "x" * 2 * MAX_LINE_CHARACTERS)
    assert len(capture.lines) == MAX_LINES
    assert {len(line) for line in capture.lines} == {MAX_LINE_CHARACTERS}
