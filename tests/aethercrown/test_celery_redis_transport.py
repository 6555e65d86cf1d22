import pytest

from aethercrown.celery import app
from aethercrown.celery_redis_transport import RedisChannel, Transport


def test_a_line_that_was_given_up_says_so_as_a_lost_connection():
    with app.connection() as line:
        channel = line.channel()
        expected = line.connection_errors
        assert isinstance(line.transport, Transport)
        assert isinstance(channel, RedisChannel)
    with pytest.raises(expected, match="closed"):
        channel.qos.restore_unacked()
