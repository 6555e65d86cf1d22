import logging
from threading import Thread

from operations.automations.log_capture import LONGEST, MOST, LogCapture

log = logging.getLogger("operations.sample")


def test_the_lines_of_the_block_are_kept_with_time_and_level():
    log.info("before")
    with LogCapture() as excerpt:
        log.info("rows: %s", 3)
        log.debug("too small")
        log.warning("two\nlines")
    log.info("after")
    assert [line[9:] for line in excerpt.lines] == [
        "info operations.sample: rows: 3",
        "warning operations.sample: two lines",
    ]
    assert excerpt.above("end").splitlines()[-1] == "end"


def test_another_thread_s_lines_are_another_s():
    with LogCapture() as excerpt:
        other = Thread(target=log.info, args=("elsewhere",))
        other.start()
        other.join()
    assert excerpt.lines == []


def test_the_last_lines_are_kept_and_none_is_endless():
    with LogCapture() as excerpt:
        for number in range(MOST + 5):
            log.info("%s %s", number, "x" * 2 * LONGEST)
    assert len(excerpt.lines) == MOST
    assert {len(line) for line in excerpt.lines} == {LONGEST}
