"""The page of keys: what is overdue, due soon and healthy, and how it went."""

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboards.keys import views as shown
from security.apikeys import services as apikeys
from security.apikeys.models import ApiKey
from security.rotation import services
from security.rotation.models import ManagedSecret

PAGE = "/dashboards/keys"
DAY = timedelta(days=1)


def rows(answer):
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


def registered(key_id, due_in):
    services.register(key_id, "signing_secret", owner="Billing")
    at = timezone.now() + due_in
    ManagedSecret.objects.filter(key_id=key_id).update(due_at=at, eligible_at=at)


@pytest.fixture
def some(db):
    registered("late", -DAY)
    registered("soon", DAY)
    registered("young", 30 * DAY)


def test_without_keys_the_page_links_to_the_registration(page, admin_client):
    assert "Register the first key" in admin_client.get(PAGE).content.decode()
    text = page.get(PAGE).content.decode()
    assert "No managed key yet" in text
    assert "Register the first key" not in text  # a viewer may not


def test_each_key_is_in_the_table_of_its_status(page, some):
    text = page.get(PAGE).content.decode()
    assert "1 of 3 keys is overdue" in text
    assert text.index("Overdue") < text.index("Due soon") < text.index("Healthy")
    for table, name in [("overdue", "late"), ("due-soon", "soon"), ("healthy", "young")]:
        _, line = rows(page.get(f"{PAGE}?format=csv&table={table}"))
        assert line[0] == name


def test_a_key_without_a_working_value_is_failing_and_not_healthy(page, some):
    ManagedSecret.objects.filter(key_id="young").update(state="failed")
    assert [line[0] for line in rows(page.get(f"{PAGE}?format=csv&table=failing"))[1:]] == ["young"]
    assert rows(page.get(f"{PAGE}?format=csv&table=healthy"))[1:] == []


def test_rotations_are_listed_newest_first_and_show_no_value(page, some):
    new = services.rotate("late").new_key
    answer = page.get(PAGE)
    assert new not in answer.content.decode()
    lines = rows(page.get(f"{PAGE}?format=csv&table=history"))
    assert lines[1][:3] == ["late", "2", "manual"]
    assert len(lines) == 5


def test_api_keys_that_end_soon_are_listed_with_their_last_use(page, db):
    now = timezone.now()
    old = apikeys.create("shop", ["all"])
    apikeys.rotate(old.key.pk)
    apikeys.create("trial", ["all"], None, now + DAY)
    apikeys.create("later", ["all"], None, now + 90 * DAY)
    apikeys.create("endless", ["all"])
    _, trial, shop = rows(page.get(f"{PAGE}?format=csv&table=api-keys"))
    assert (trial[0].split()[0], trial[2]) == ("trial", "expires")
    assert (shop[0].split()[0], shop[2]) == ("shop", "replaced")


def test_api_keys_under_an_old_pepper_are_counted(page, db):
    apikeys.create("shop", ["all"])
    ApiKey.objects.update(pepper_id="another")
    assert (
        "API keys under the old pepper, which is kept while there are any: 1."
        in page.get(PAGE).content.decode()
    )


@pytest.mark.parametrize(
    ("overdue", "total", "words"),
    [
        (0, 0, "No managed key yet"),
        (0, 1, "The only key is not overdue"),
        (0, 5, "None of 5 keys is overdue"),
        (1, 1, "1 of 1 key is overdue"),
        (1, 5, "1 of 5 keys is overdue"),
        (2, 5, "2 of 5 keys are overdue"),
    ],
)
def test_the_headline_says_it_in_a_sentence(overdue, total, words):
    assert shown.headline(overdue, total) == words
