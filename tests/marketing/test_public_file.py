"""The retailer's public file, where it is at hand: imported by one command, planned, honest."""

from pathlib import Path

import pytest
from django.core.management import call_command

from marketing.budget import reports
from marketing.channels.models import Channel, Performance, TotalRevenue

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mmm_stan_weekly.csv"
MAPS = ["date=wk_strt_dt", "revenue=sales", "spend=mdsp_*", "control=hldy_*"]


@pytest.mark.django_db
@pytest.mark.skipif(not FILE.exists(), reason="the public data files are not beside the repository")
def test_209_weeks_of_ten_channels_come_in_by_one_command(capsys):
    call_command("import_data", "budget-weekly", str(FILE), *(f"--map={each}" for each in MAPS))
    assert "209 rows read: 2299 records stored" in capsys.readouterr().out
    assert Channel.objects.count() == 10
    assert Performance.objects.count() == 2090
    assert TotalRevenue.objects.count() == 209
    assert reports.spend_trend("USD")[-1].revenue is not None
