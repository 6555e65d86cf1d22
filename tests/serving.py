"""The WSGI application of live servers in tests, without the threads of a web process.

Those threads use database connections of their own, and would process what a test checks.
"""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
