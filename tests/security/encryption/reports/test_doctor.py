"""What the doctor says of the platform's own secrets."""

import pytest

from aethercrown.monitoring.doctor import CAUTION, GOOD
from security.encryption.reports import doctor, system_secrets

pytestmark = pytest.mark.django_db


def test_a_setting_that_was_taken_over_may_stay_or_go(settings):
    settings.AUDIT_KEY = system_secrets.current(system_secrets.AUDIT_KEY).value
    settings.API_KEY_PEPPER = ""
    assert [each.state for each in doctor.encryption()] == [GOOD]


def test_a_setting_that_says_something_else_is_told_and_not_repeated(settings):
    settings.API_KEY_PEPPER = settings.AUDIT_KEY = "another value"
    sound, *told = doctor.encryption()
    assert sound.state == GOOD
    assert [each.state for each in told] == [CAUTION, CAUTION]
    assert [each.message.split()[0] for each in told] == ["API_KEY_PEPPER", "AUDIT_KEY"]
    assert "another value" not in str(told)
