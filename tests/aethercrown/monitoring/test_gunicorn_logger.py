import logging

from gunicorn.config import Config  # type: ignore[import-untyped]  # no types published

from aethercrown.monitoring import gunicorn_logger


def test_the_web_servers_messages_go_through_the_common_handler(caplog):
    server = gunicorn_logger.Logger(Config())
    own = logging.getLogger("gunicorn.error")
    assert own.handlers == []
    server.error("a client went away")
    assert "a client went away" in caplog.text
