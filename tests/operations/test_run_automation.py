import json
import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from operations.automations.models import Run
from operations.automations.registry import RunOutcome


@pytest.fixture
def automation(automation):
    """Scheduled two hours ago: the command has no other clock than the real one."""
    return partial(automation, since=datetime.now(UTC) - timedelta(hours=2))


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("DJANGO_COLORS", "nocolor")
    return Terminal()


def failing(_context):
    raise ValueError("no rows")


def test_a_table_says_what_each_did(automation, capsys):
    automation("ads")
    automation("churn", every=timedelta(days=366))
    call_command("run_automation")
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["automation", "state", "took", "what", "it", "did"]
    assert lines[1].startswith("ads         done")
    assert lines[1].endswith("Looked at ads.")
    assert lines[2] == "churn       not due"
    assert err.strip() == "2 automations: 1 ran, 1 not due, 0 failed."


def test_a_terminal_shows_what_is_at_work_and_a_file_does_not(automation, capsys, terminal):
    automation("ads")
    automation("churn")
    call_command("run_automation", stderr=terminal)
    assert terminal.getvalue().splitlines() == [
        "1/2 ads ...",
        "2/2 churn ...",
        "2 automations: 2 ran, 0 not due, 0 failed.",
    ]


def test_a_failure_ends_with_1_after_all_others_ran(automation, capsys):
    automation("ads", perform=failing)
    automation("churn")
    with pytest.raises(SystemExit) as ended:
        call_command("run_automation")
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert "ValueError: no rows" in out
    assert "Looked at churn." in out
    assert "1 failed" in err


def test_an_unknown_name_ends_with_2_and_the_known_ones(automation):
    automation()
    with pytest.raises(
        CommandError, match=r"No automation is called 'nobody'. Known: ads"
    ) as refusal:
        call_command("run_automation", "--only", "nobody")
    assert refusal.value.returncode == 2
    assert not Run.objects.exists()


def test_only_those_named_run_due_or_not(automation, contexts, capsys):
    for name in ("ads", "budget", "churn"):
        automation(name, every=timedelta(days=366))
    call_command("run_automation", "--only", "churn", "--only", "ads")
    assert [each.automation for each in contexts] == ["ads", "churn"]


def test_all_run_due_or_not(automation, contexts, capsys):
    automation(every=timedelta(days=366))
    call_command("run_automation", "--all")
    assert len(contexts) == 1


def test_a_dry_run_keeps_nothing(automation, contexts, capsys):
    automation()
    call_command("run_automation", "--dry-run", "--only", "ads")
    assert "dry run" in capsys.readouterr().out
    assert contexts[0].dry_run
    assert not Run.objects.exists()


def test_json_is_all_that_stands_on_standard_output(automation, capsys):
    automation()
    call_command("run_automation", "--json")
    [told] = json.loads(capsys.readouterr().out)
    assert (told["automation"], told["state"], told["detail"]) == ("ads", "done", {"seen": 1})


def test_the_switch_off_is_said_and_is_no_failure(automation, contexts, settings, capsys):
    settings.AUTOMATION_ENABLED = False
    automation()
    call_command("run_automation", "--only", "ads")
    out, err = capsys.readouterr()
    assert (out, err.strip()) == ("", "AUTOMATION_ENABLED is False: nothing was run.")
    assert contexts == []


def test_nothing_to_run_says_so(automation, capsys):
    call_command("run_automation", "--json")
    call_command("run_automation")
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert "0 automations" in err or "automations:" in err


@pytest.mark.parametrize("option", ["--all", "--dry-run", "--only=ads"])
def test_what_does_not_go_together_is_refused(db, option):
    with pytest.raises(CommandError, match="--continuous runs what is due"):
        call_command("run_automation", "--continuous", option)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_current_step(automation, capsys, number):
    def signalled(_context):
        os.kill(os.getpid(), number)
        return RunOutcome("Finished all the same.")

    automation("ads", perform=signalled)
    automation("budget")
    kept = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        call_command("run_automation", "--continuous")
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)
    out, err = capsys.readouterr()
    assert "Finished all the same." in out
    assert "budget" not in out
    assert err.splitlines()[-1] == "Stopped after the current automation."
    assert Run.objects.filter(state="done").count() == 1
