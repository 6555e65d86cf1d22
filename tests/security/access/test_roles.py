import pytest

from security.access import roles


@pytest.mark.parametrize(
    ("role", "app", "codename", "held"),
    [
        ("viewer", "marketing", "view_plan", True),
        ("viewer", "marketing", "change_plan", False),
        ("viewer", "security", "view_pages", True),
        ("viewer", "security", "view_apikey", False),
        ("viewer", "django_celery_beat", "view_periodictask", True),
        ("viewer", "django_celery_beat", "change_periodictask", False),
        ("operator", "marketing", "change_plan", True),
        ("operator", "django_celery_beat", "change_periodictask", True),
        ("operator", "security", "operate", True),
        ("operator", "security", "approve_decisions", False),
        ("operator", "security", "change_user", False),
        ("operator", "operations", "change_component", True),
        ("operator", "operations", "allow_networks", False),
        ("viewer", "operations", "allow_networks", False),
        ("approver", "operations", "allow_networks", False),
        ("security officer", "operations", "allow_networks", True),
        ("security officer", "operations", "change_component", True),
        ("security officer", "operations", "delete_component", False),
        ("security officer", "operations", "change_automation", False),
        ("administrator", "operations", "allow_networks", True),
        ("approver", "security", "approve_decisions", True),
        ("approver", "operations", "change_decision", False),
        ("security officer", "security", "add_apikey", True),
        ("security officer", "security", "change_user", False),
        ("security officer", "auth", "change_group", False),
        ("administrator", "security", "change_user", True),
        ("administrator", "sessions", "delete_session", True),
    ],
)
def test_a_role_holds_what_its_work_needs_and_no_more(role, app, codename, held):
    assert roles.grants(role, app, codename) is held


@pytest.mark.parametrize("role", [role for role in roles.ROLES if role != roles.ADMINISTRATOR])
def test_only_the_administrator_can_change_people(role):
    assert not roles.grants(role, "security", "change_user")
    assert not roles.grants(role, "security", "add_user")
    assert not roles.grants(role, "auth", "change_group")


@pytest.mark.parametrize("role", roles.ROLES)
def test_every_role_opens_the_pages(role):
    assert roles.grants(role, "security", "view_pages")
