"""The living page of the kit."""

from django.test import Client

from dashboards.charts import SIZES
from security.access.models import User

PAGE = "/dashboards/kit"


def test_staff_see_every_part(db, django_assert_max_num_queries):
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=None))
    with django_assert_max_num_queries(25):
        text = client.get(PAGE).content.decode()
    parts = (
        *("Heat strip: uptime", "Waterfall", "Interval bars", "Stacked bars by month"),
        *("Guardrails that failed", "Undo", "No channel yet", "data-copy", "<progress"),
        *("Download all", "worse than November 2026", "No customer paid a year ago"),
        "compared with",
    )
    for part in parts:
        assert part in text
    assert text.count('class="chart"') == 7 * len(SIZES)
    assert client.get(f"{PAGE}?format=csv&table=waterfall").status_code == 200
    assert client.get(f"{PAGE}?period=x").status_code == 400


def test_others_do_not(page):
    assert page.get(PAGE).status_code == 403
