"""Gunicorn's settings, for `gunicorn -c python:aethercrown.monitoring.gunicorn_config`.

Without a control socket: it would let whoever may open it change the running server.
"""

worker_class = "aethercrown.monitoring.probe_worker.ProbeWorker"
logger_class = "aethercrown.monitoring.gunicorn_logger.Logger"
threads = 4
graceful_timeout = 8
keepalive = 5
limit_request_line = 8_190  # bytes of method and address; what is longer is answered 414
loglevel = "warning"
control_socket_disable = True
