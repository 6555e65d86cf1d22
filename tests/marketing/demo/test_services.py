"""The demo company comes in once, tells a whole story, and goes out to the last row."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.apps import apps
from django.core.management import call_command

from aethercrown import demo
from aethercrown.models import DemoRow
from marketing.budget import services
from marketing.budget.models import BudgetPlan
from marketing.channels.models import Channel, LiftTest, Performance
from marketing.demo.company import CHANNELS, WEEKS
from marketing.demo.services import seed
from tests import snapshot
from tests.marketing.conftest import load_demo, overview, seed_demo

TODAY = date(2026, 1, 16)
NOW = datetime(2026, 1, 16, 5, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def counts():
    """Rows of every table that the demo company could touch."""
    models = [*apps.get_app_config("marketing").get_models(), apps.get_model("operations.Decision")]
    return {model.__name__: model._default_manager.count() for model in models}


@pytest.fixture
def loaded():
    load_demo(TODAY)


def test_it_has_two_years_of_weeks_of_every_channel(loaded):
    assert Performance.objects.count() == len(CHANNELS) * WEEKS
    assert Performance.objects.latest("date").date == date(2026, 1, 5)
    noted = DemoRow.objects.filter(table="marketing.channel").first()
    assert str(noted).startswith("marketing.channel ")


def test_an_earlier_plan_is_measured_and_a_new_one_waits(loaded):
    page = overview()
    assert [(line.decision.status, line.source) for line in page.history] == [
        ("proposed", "nightly"),
        ("measured", "nightly"),
    ]
    assert page.history[1].realised_lift is not None
    assert len(page.in_force) == len(CHANNELS)
    assert page.proposal.mode == "channels"


def told():
    """What marketing's demo says, by its own names and times."""
    rows = Performance.objects.order_by("date", "channel__name").values_list("spend", "revenue")
    plans = BudgetPlan.objects.order_by("pk").values_list("input_digest", flat=True)
    return [*rows], [*plans]


def test_the_same_day_makes_it_again(loaded):
    first, loaded_counts = told(), counts()
    assert demo.clear().kept == []
    seed_demo(TODAY)
    assert told() == first
    assert counts() == loaded_counts


def test_the_whole_company_goes_out_to_the_last_row(capsys):
    before = counts()
    snapshot.loaded("the demo company", lambda: demo.seed(TODAY))
    assert counts() != before
    call_command("seed_demo")
    assert "loaded already; nothing was changed" in capsys.readouterr().out

    call_command("clear_demo")
    assert "rows of the demo company were removed" in capsys.readouterr().out
    assert counts() == before
    assert not DemoRow.objects.exists()
    call_command("clear_demo")
    assert "There is no demo company here" in capsys.readouterr().out


def test_an_installation_with_channels_of_its_own_is_left_alone():
    Channel.objects.create(name="Ours")
    with pytest.raises(demo.NotEmpty, match="has channels of its own"):
        seed(demo.Seeding(TODAY, np.random.default_rng(1)))
    assert counts()["Channel"] == 1
    assert not demo.is_there()


def test_rows_of_ones_own_stay_and_keep_what_they_need(loaded, capsys):
    video, display = Channel.objects.get(name="Video"), Channel.objects.get(name="Display")
    Performance.objects.create(channel=video, date=date(2026, 1, 12), spend=5)
    LiftTest.objects.create(
        channel=video,
        starts_on=date(2025, 1, 1),
        ends_on=date(2025, 2, 1),
        spend=1,
        revenue=1,
        standard_error=1,
    )
    ours = Channel.objects.create(name="Ours")
    call_command("clear_demo")
    out = capsys.readouterr().out
    assert "Kept: channel Video: 2 rows refer to it, such as " in out
    assert set(Channel.objects.all()) == {video, ours}
    assert Performance.objects.count() == 1
    assert not Channel.objects.filter(pk=display.pk).exists()

    Performance.objects.all().delete()
    LiftTest.objects.all().delete()
    call_command("clear_demo")
    assert list(Channel.objects.all()) == [ours]


def test_a_plan_made_of_the_demo_rows_stays_with_its_names(loaded):
    Channel.objects.filter(name="Video").update(ceiling=900)
    plan = services.replan(now=NOW, mode="propose")
    demo.clear()
    kept = BudgetPlan.objects.get()
    assert kept == plan
    assert {share.channel for share in kept.allocations.all()} == {None}
    assert {share.channel_name for share in kept.allocations.all()} == {
        each.name for each in CHANNELS
    }
