"""Files of worked cases: agreement, disagreement, and what is no such file."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketing.experiments import worked_cases

OURS = Path(__file__).parent / "worked_cases.json"


def differing(**content):
    return [each for each in worked_cases.check_cases(json.dumps(content)) if not each.agrees]


def test_every_figure_of_our_cases_agrees():
    printed = StringIO()
    call_command("experiment_cases", str(OURS), stdout=printed)
    found = worked_cases.check_cases(OURS.read_text(encoding="utf-8"))
    assert printed.getvalue() == f"{len(found)} of {len(found)} figures agree.\n"
    assert len(found) > 150


def test_a_wrong_figure_is_printed_and_the_command_fails(tmp_path):
    content = json.loads(OURS.read_text(encoding="utf-8"))
    content["srm"][0]["scipy_chisquare"] = 0.99
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    printed = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("experiment_cases", str(file), stdout=printed)
    assert stopped.value.code == 1
    assert printed.getvalue().startswith("srm[0].scipy_chisquare: expected 0.99, found 1.0\n")


def test_what_has_no_answer_differs():
    assert [each.path for each in differing(further=[1])] == ["further"]
    case = {"id": "x", "kind": "two_proportion", "input": {}, "gbstats": {}}
    [found] = differing(cases=[case])
    assert found.path == "cases.x"
    assert "KeyError" in str(found)
    [found] = differing(cases=[case | {"kind": "unlisted"}])
    assert not found.agrees
    counts = {"control": {"n": 100, "conversions": 5}, "variant": {"n": 100, "conversions": 9}}
    [found] = differing(cases=[case | {"input": counts, "gbstats": {"unlisted": {"p": 0.5}}}])
    assert (found.path, found.found) == ("cases.x.gbstats.unlisted.p", None)
    assert differing(growthbook_assignment_vectors={"hash": [["", "a", 1, 0.23]]})
    assert differing(sequential_srm_other=[{"data": [[1, 1]], "null": [0.5, 0.5], "p": [1, 1]}])


def test_arms_without_variance_have_no_figures_and_no_error():
    method = "frequentist_two_sided_relative_alpha0.05"
    none = {"p_value": 1.0, "error_message": "ZERO_NEGATIVE_VARIANCE"}
    counts = {"control": {"n": 10, "conversions": 0}, "variant": {"n": 10, "conversions": 0}}
    one = {"id": "x", "kind": "two_proportion", "input": counts, "gbstats": {method: none}}
    assert not differing(cases=[one])
    arms = [{"n": 100, "conversions": 0}, {"n": 100, "conversions": 0}]
    adjusted = {"raw": {"fixed": [1.0], "seq5000": [1.0], "pooled_z": [1.0]}}
    several = {
        "id": "y", "kind": "multi_variant", "input": {"arms": arms, "weights": [1, 1]},
        "gbstats": {"comparisons": {"1_vs_0": {method: none}}, "adjusted": adjusted},
    }  # fmt: skip
    assert not differing(cases=[several])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not JSON"), ("[]", "object of sections"), ('{"meta": {}}', "no figures")],
)
def test_a_file_that_holds_no_cases(tmp_path, text, reason):
    file = tmp_path / "cases.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match=reason) as refused:
        call_command("experiment_cases", str(file))
    assert refused.value.returncode == 2


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("experiment_cases", str(tmp_path / "none.json"))
    file = tmp_path / "binary.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="UTF-8"):
        call_command("experiment_cases", str(file))
