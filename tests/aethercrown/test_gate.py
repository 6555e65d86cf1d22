import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aethercrown import data_dir
from aethercrown.embedded.servers import ServerUnavailable
from aethercrown.gate import coverage_report, run, selection, steps
from aethercrown.gate.steps import GatePlan, GateStep, StepResult
from tests import conftest, rig, second_run

FAILING = GateStep("fails", ("/bin/sh", "-c", "exit 3"))
PASSING = GateStep("passes", ("/bin/sh", "-c", ""))


def test_the_table_has_a_line_a_step_and_a_verdict():
    results = [StepResult("lint", 0, 1.25, 1.0), StepResult("types", 1, 30.0, 28.5)]
    assert steps.table(results, 31.4, 29.6) == [
        "lint   ok              1.2 s      1.0 s of CPU",
        "types  FAILED (1)     30.0 s     28.5 s of CPU",
        "1 of 2 steps failed in 31 s, 30 s of CPU.",
    ]
    assert steps.table(results[:1], 2, 1)[-1] == "All 1 steps passed in 2 s, 1 s of CPU."


def test_every_app_is_checked_for_types_and_every_feature_for_its_coverage():
    on_disk = {path.parent.name for path in rig.ROOT.glob("*/apps.py")}
    assert set(selection.APPS) == on_disk
    assert set(selection.APPS_WITH_FEATURES) == on_disk - {"aethercrown", "dashboards"}


GIVEN = {"DATABASE_URL": "postgresql://x/y", "DEBUG": "1", "PATH": os.environ["PATH"]}
QUICK = GatePlan(
    in_parallel=(PASSING,),
    quick=(PASSING, PASSING),
    suite=lambda _arguments, _processes: PASSING.command,
    coverage=PASSING,
)


def answer(plan, *arguments, given=GIVEN):
    return run.run(run.parser().parse_args(arguments), given, plan)


def test_a_gate_without_a_failure_ends_with_0(capfd):
    assert answer(QUICK) == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith("All 6 steps passed in ")


def test_one_failure_fails_the_gate_and_the_other_steps_still_run(capfd):
    assert answer(dataclasses.replace(QUICK, in_parallel=(FAILING,))) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1].startswith("1 of 6 steps failed in ")
    assert lines[-2].split()[:3] == ["fails", "FAILED", "(3)"]


def test_the_first_failed_tests_stand_above_the_table(capfd):
    write = 'for n in 1 2 3 4 5 6 7 8 9 10; do echo "FAILED t$n: why" >> "$FAILED_TESTS_FILE"; done'
    plan = dataclasses.replace(QUICK, suite=lambda _arguments, _processes: ("/bin/sh", "-c", write))
    assert answer(plan) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-16:-7] == [
        *(f"FAILED t{n}: why" for n in range(1, 9)),
        "and 12 more failed tests",
    ]


def test_a_failed_test_is_written_with_its_reason(tmp_path, monkeypatch):
    failed = [
        pytest.TestReport("a.py::one", ("a.py", 1, "one"), {}, "failed", text, "call")
        for text in ("E   not\n  equal", "x" * 300)
    ]
    reporter: Any = SimpleNamespace(getreports=lambda kind: failed if kind == "failed" else [])
    monkeypatch.delenv("FAILED_TESTS_FILE", raising=False)
    conftest.pytest_terminal_summary(reporter)
    monkeypatch.setenv("FAILED_TESTS_FILE", str(tmp_path / "failed_tests"))
    conftest.pytest_terminal_summary(reporter)
    lines = (tmp_path / "failed_tests").read_text().splitlines()
    assert lines == ["FAILED a.py::one: E not equal", f"FAILED a.py::one: {'x' * 200}"]


@pytest.mark.parametrize(("on", "url"), [("sqlite", ""), ("postgresql", "postgresql://x/y")])
def test_named_tests_run_alone_on_the_database_chosen(capfd, on, url):
    def suite(names, processes):
        return ("/bin/sh", "-c", f'echo "{processes} $DATABASE_URL $DEBUG" "$@"', "sh", *names)

    plan = dataclasses.replace(QUICK, suite=suite)
    assert answer(plan, "--on", on, "--", "tests/x", "-k", "one") == 0
    assert f"0 {url} False tests/x -k one" in capfd.readouterr().out.splitlines()


def test_named_tests_may_say_what_they_do_not_run(capfd):
    def suite(_names, _processes):
        return ("/bin/sh", "-c", 'echo "measures $COVERED"')

    report = GateStep("coverage", ("/bin/sh", "-c", 'echo "reports $COVERED"; exit 1'))
    plan = dataclasses.replace(QUICK, suite=suite, coverage=report)
    assert answer(plan, "--cover", "a/b", "--", "tests/x") == 1
    assert {"measures a/b", "reports a/b"} <= set(capfd.readouterr().out.splitlines())


def test_without_a_server_a_postgresql_is_started_for_the_block():
    with run.database({}) as served:
        folder = served["DATABASE_URL"].removeprefix("postgresql://postgres@/").rpartition("/")[0]
        assert os.path.exists(f"{folder}/.s.PGSQL.5432")  # noqa: PTH110 - a socket's path, as text
    assert not os.path.exists(folder)  # noqa: PTH110 - the same


@pytest.mark.parametrize(
    ("ending", "code", "told"),
    [
        (ServerUnavailable("There is no PostgreSQL."), 1, "There is no PostgreSQL.\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_ends_it_early_is_told_in_one_sentence(capsys, ending, code, told):
    def suite(_arguments, _processes):
        raise ending

    assert answer(dataclasses.replace(QUICK, suite=suite)) == code
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("through_make", [False, True])
def test_the_command_hands_its_arguments_to_pytest(through_make):
    ours = {*rig.TEST_VARIABLES, "TESTS_FOLDER", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"}
    surroundings = {name: text for name, text in os.environ.items() if name not in ours}
    if through_make:
        surroundings["MAKELEVEL"] = "1"
    done = subprocess.run(
        [sys.executable, "manage.py", "test", "--", "--version"],
        cwd=rig.ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"pytest {pytest.__version__}" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("revenue/billing/services/invoices.py", True),
        ("marketing/budget/planner/proposal.py", True),
        ("revenue/billing/reports/bills.py", False),
        ("revenue/billing/models.py", False),
        ("operations/management/commands/jobs.py", False),
        ("revenue/apps.py", False),
        ("aethercrown/csv/reader.py", False),
    ],
)
def test_pure_modules_and_services_of_features_need_every_branch(path, needed):
    assert coverage_report.needs_every_branch(Path(path)) is needed


def test_what_no_process_ran_counts_and_each_bar_is_said(tmp_path):
    output = io.StringIO()
    assert coverage_report.main(tmp_path, ["revenue/mrr", "aethercrown/gate"], output) == 1
    printed = output.getvalue()
    assert "0.00 % is covered, not 95 %." in printed
    assert "revenue/mrr/services/rollups.py: 0.00 %, pure modules and services" in printed
    assert "aethercrown/gate/run.py: " not in printed


def test_the_processes_of_a_run_are_merged(tmp_path):
    whole = coverage_report.merged([], ["aethercrown/gate"])
    for number, each in enumerate(whole["files"].values()):
        each["executed_lines"], each["missing_lines"] = each["missing_lines"], []
        each["executed_branches"], each["missing_branches"] = each["missing_branches"], []
        (tmp_path / f"{number}.json").write_text(json.dumps(whole))
    assert coverage_report.main(tmp_path, ["aethercrown/gate"], io.StringIO()) == 0


def test_the_second_run_alone_leaves_tests_out():
    assert "tests.second_run" not in steps.suite_options(again=False)
    assert "tests.second_run" in steps.suite_options(again=True)


def test_vendor_specific_modules_are_found():
    found = selection.vendor_specific_modules(rig.ROOT)
    assert {"security.audit.triggers", "aethercrown.db.bulk"} <= set(found)
    assert {"security/audit", "aethercrown/db"} <= set(selection.feature_folders(found))
    assert not [each for each in found if each.startswith("tests")]


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("tests/operations/scheduling/test_api.py", True),
        ("tests/operations/scheduling/test_admin.py", False),
        ("tests/aethercrown/db/test_bulk.py", True),
        ("tests/security/access/test_single_sign_on.py", False),
    ],
)
def test_the_second_run_keeps_what_is_about_code_with_two_ways(file, kept):
    plugin = second_run.SecondRun(selection.vendor_specific_modules(rig.ROOT))
    assert plugin.is_vendor_specific(rig.ROOT / file) is kept


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("tests/revenue/billing/test_models.py", True),
        ("tests/revenue/billing/services/test_imports.py", True),
        ("tests/revenue/billing/reports/test_invoices.py", True),
        ("tests/revenue/billing/test_api.py", False),
        ("tests/dashboards/test_admin.py", False),
    ],
)
def test_the_second_run_keeps_models_services_and_reports(file, kept):
    assert second_run.tests_a_layer(Path(file)) is kept


CALLS = "tests/aethercrown/test_every_call.py"


def chosen(*changed):
    return set(selection.test_paths(changed))


@pytest.mark.parametrize(
    "changed", ["marketing/budget/tasks.py", "tests/marketing/budget/test_tasks.py"]
)
def test_a_change_is_tested_with_the_apps_and_pages_above_it(changed):
    paths = chosen(changed)
    assert {"tests/marketing", "tests/dashboards/budget", "tests/dashboards/test_*.py"} <= paths
    assert paths.isdisjoint({"tests", "tests/revenue", "tests/dashboards", "tests/dashboards/keys"})
    assert selection.WHOLE_TREE in paths


def test_pages_that_show_what_features_register_are_tested_with_every_app():
    assert {f"tests/dashboards/{each}" for each in selection.PAGES_OF_EVERY_APP} <= chosen(
        "marketing/budget/metrics.py"
    )
    folders = [rig.ROOT / "tests/dashboards" / each for each in selection.PAGES_OF_EVERY_APP]
    assert [each for each in folders if not each.is_dir()] == []


def test_pages_that_use_such_a_page_are_tested_too():
    """dashboards/pricing/jobs shows operations' jobs; dashboards/revenue takes tables of it."""
    assert "tests/dashboards/revenue" in chosen("operations/jobs/reports.py")


def test_an_app_that_changed_too_is_tested_though_it_imports_no_other():
    paths = chosen("marketing/urls.py", "enterprise/urls.py")
    assert {"tests/marketing", "tests/enterprise", "tests/dashboards/usage"} <= paths


def test_tests_in_other_folders_that_use_the_app_are_among_them():
    paths = chosen("marketing/channels/models.py")
    assert {
        "tests/operations/imports/test_services.py",
        "tests/security/access/test_matrix.py",
    } <= paths
    assert not [each for each in paths if each.startswith(selection.LONG_TESTS)]


@pytest.mark.parametrize(
    ("changed", "is_chosen"),
    [("marketing/budget/api.py", True), ("marketing/urls.py", True), ("marketing/apps.py", False)],
)
def test_a_walk_over_every_call_is_repeated_where_calls_changed(changed, is_chosen):
    assert (CALLS in chosen(changed)) is is_chosen


def test_each_walk_over_all_apps_is_known():
    """A test that asks for every address, screen or table is about the apps above it as well."""
    walks = re.compile(r"get_resolver|admin\.site\._registry|apps\.get_models|documents\.generated")
    tests = rig.ROOT / "tests"
    found = {
        str(each.relative_to(rig.ROOT))
        for each in tests.glob("*/**/test_*.py")
        if each.is_relative_to(tests / "aethercrown") or each.is_relative_to(tests / "security")
        if walks.search(each.read_text(encoding="utf-8")) and each != Path(__file__)
    }
    known = {test for test, _about in selection.ABOUT_EVERY_APP}
    assert found - known == set()
    assert [each for each in known if not (rig.ROOT / each).is_file()] == []


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ("marketing/budget/models.py", [selection.UPGRADE]),
        ("marketing/migrations/0009_more.py", [selection.UPGRADE]),
        ("marketing/management/commands/budget.py", [selection.DOCUMENTS]),
        ("marketing/apps.py", []),
    ],
)
def test_the_dear_tests_run_where_what_they_are_about_changed(changed, more):
    dear = {selection.UPGRADE, selection.DOCUMENTS}
    assert chosen(changed) & dear == set(more)


def test_a_document_alone_runs_its_commands_and_the_tests_that_read_it():
    paths = chosen("docs/upsell.md", "README.md")
    assert {selection.DOCUMENTS, selection.WHOLE_TREE} <= paths
    assert "tests/marketing/budget/test_api.py" in paths  # tries the README's curl
    assert selection.DOCUMENTS in chosen(".env.example")
    named = {path.name for path in data_dir.ROOT.glob(selection.WHOLE_TREE)}
    every = {path.name for path in data_dir.ROOT.glob("tests/test_*.py")}
    assert every - named == {"test_docs.py", "test_upgrade.py"}


@pytest.mark.parametrize(
    "shared",
    [
        *("pyproject.toml", "requirements.txt", "tests/conftest.py", "tests/contract.txt"),
        *("aethercrown/urls.py", "tests/aethercrown/callers.py", "new_app/models.py"),
        *("templates/base.html", "templates/dashboards/kit/tiles.html", "templates/static/a.css"),
    ],
)
def test_a_shared_file_is_tested_with_everything(shared):
    assert selection.test_paths([shared, "marketing/urls.py"]) == ["tests"]


def test_the_template_of_a_page_is_tested_with_the_pages():
    paths = chosen("templates/dashboards/budget.html")
    assert paths >= {"tests/dashboards", selection.WHOLE_TREE}
    assert not any("upgrade" in each or "test_doc" in each for each in paths)


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit, and git in it."""

    def git(*arguments, folder=tmp_path):
        person = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        command = ["git", *person, *arguments]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603 - our own arguments
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    (tmp_path / "old.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "One")
    return tmp_path, git


def test_files_that_git_does_not_track_yet_are_changed_ones(repository):
    folder, _git = repository
    (folder / "old.py").write_text("a = 2\n")
    (folder / "new.py").write_text("b = 1\n")
    assert selection.changed_files(folder, "HEAD") == ["new.py", "old.py"]
    with pytest.raises(subprocess.CalledProcessError):
        selection.changed_files(folder, "no-such-commit")


def test_a_file_that_moved_counts_at_both_places_and_a_deleted_one_at_its_own(repository):
    folder, git = repository
    git("mv", "old.py", "moved.py")
    assert selection.changed_files(folder, "HEAD") == ["moved.py", "old.py"]
    git("rm", "--quiet", "--force", "moved.py")
    assert selection.changed_files(folder, "HEAD") == ["old.py"]


def test_paths_begin_at_the_project_also_inside_a_larger_repository(repository):
    folder, git = repository
    (folder / "product").mkdir()
    git("mv", "old.py", "product/old.py")
    git("commit", "--quiet", "-m", "Two")
    (folder / "product" / "old.py").write_text("a = 3\n")
    assert selection.changed_files(folder / "product", "HEAD") == ["old.py"]


def test_what_is_committed_but_not_pushed_is_changed_too(repository, tmp_path_factory):
    folder, git = repository
    assert selection.unpushed_since(folder) == "HEAD"
    clone = tmp_path_factory.mktemp("clone")
    git("clone", "--quiet", str(folder), str(clone))
    (clone / "old.py").write_text("a = 2\n")
    git("commit", "--quiet", "--all", "-m", "Two", folder=clone)
    since = selection.unpushed_since(clone)
    assert since == git("rev-parse", "HEAD")
    assert selection.changed_files(clone, since) == ["old.py"]


def test_changed_runs_the_quick_checks_and_one_suite(capfd):
    assert answer(QUICK, "--changed") == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith("All 4 steps passed in ")


def test_changed_since_no_commit_is_one_sentence(capsys):
    assert answer(QUICK, "--changed", "no-such-commit") == 2
    assert "git cannot compare with no-such-commit" in capsys.readouterr().err
