"""Staff with exactly the permissions that a test names."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission


def staff(client, *names):
    """Sign in someone who holds these permissions ("operations.view_run") and no others."""
    person = get_user_model().objects.create_user("eve", is_staff=True)
    for name in names:
        app, _, codename = name.partition(".")
        person.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client.force_login(person)
    return client


def messages_of(reply):
    return [str(each) for each in reply.context["messages"]]
