"""What a live server in a test runs: pages and calls, without the threads of a web process.

Those watch runs and messages every few seconds, each with a connection of its own: in a test's
process they would take what the test looks at, and hold its database when it is to be dropped.
"""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
