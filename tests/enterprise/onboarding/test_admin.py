"""By hand in the admin: a tier, a calendar, a template; a flow is held, moved, and completed."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from enterprise.onboarding.models import (
    OnboardingContact,
    OnboardingDependency,
    OnboardingFlow,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    TeamMember,
)
from enterprise.onboarding.services import automation, contacts, flows, templates
from enterprise.onboarding.services.flows import NewCompany
from enterprise.sla.models import (
    DAYS,
    BusinessCalendar,
    CalendarVersion,
    SlaClock,
    SlaTier,
    TierOverride,
    TierRuleSet,
)
from operations.decisions.models import Decision
from revenue.customers.models import Customer
from tests.enterprise.onboarding.conftest import states_of
from tests.operations.people import staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def flow(db):
    made = flows.create(NewCompany("Acme Corp", 500), timezone.now())
    automation.run_due()
    return OnboardingFlow.objects.get(pk=made.pk)


def change(row):
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def button_path(row, button):
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{button}", args=[row.pk])


def press(client, row, button, **given):
    """Answer the question of a button of a row's page; what it then says."""
    answer = client.post(button_path(row, button), given)
    assert answer.status_code in {200, 302}
    return [str(each) for each in get_messages(answer.wsgi_request)]


def test_every_list_and_page_opens(admin_client, flow):
    rows = [
        flow, flow.steps.first(), BusinessCalendar.objects.first(), CalendarVersion.objects.first(),
        TierRuleSet.objects.first(), SlaClock.objects.first(), OnboardingTemplate.objects.first(),
        OnboardingTemplateVersion.objects.first(),
        OnboardingTemplateStep.objects.first(),
    ]  # fmt: skip
    for row in rows:
        meta = row._meta
        listed = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        assert admin_client.get(listed).status_code == 200
        assert admin_client.get(change(row)).status_code == 200
    for row, button in ((flow, "roll_back"), (flow, "move"), (rows[1], "complete")):
        question = admin_client.get(button_path(row, button))
        assert (question.status_code, b"csrfmiddlewaretoken" in question.content) == (200, True)


def test_a_holiday_is_added_and_running_clocks_are_moved(admin_client, flow):
    calendar = BusinessCalendar.objects.get(name="business_hours")
    press(admin_client, calendar, "draft")
    draft = calendar.versions.get(state="draft")
    form = {
        **{day: getattr(draft, day) for day in DAYS}, "zone": "", "country": "", "subdivision": "",
        "days-TOTAL_FORMS": "1", "days-INITIAL_FORMS": "0",
        "days-0-day": "2027-12-24", "days-0-name": "Christmas Eve", "days-0-hours": "",
    }  # fmt: skip
    assert admin_client.post(change(draft), form).status_code == 302
    said = press(admin_client, draft, "publish")
    assert said[-1] == "Published: Business hours, version 2."
    assert press(admin_client, draft, "publish")[-1].endswith("published already.")
    draft.refresh_from_db()
    press(admin_client, draft, "move_running")
    decision = Decision.objects.get(kind="sla_calendar_move")
    press(admin_client, decision, "approve", note="")
    running = SlaClock.objects.filter(kind="step", state="running")
    assert {each.calendar_version for each in running} == {draft}
    assert "Nothing runs" in press(admin_client, draft, "move_running")[-1]


def test_rules_are_tried_and_published(admin_client, flow):
    drafting = reverse("admin:enterprise_tierruleset_draft")
    assert admin_client.get(drafting).status_code == 200
    admin_client.post(drafting)
    draft = TierRuleSet.objects.get(state="draft")
    tried = admin_client.post(button_path(draft, "try_company"), {"employees": "500"})
    assert b"premium: employees 500 &gt; 100." in tried.content
    rule = draft.rules.get(position=2)
    rule.conditions = []
    rule.save()
    rule = draft.rules.get(position=1)
    rule.conditions = [{"field": "employees", "operator": ">", "value": 100}]
    rule.save()
    question = admin_client.get(button_path(draft, "publish")).content.decode()
    assert "Acme Corp: premium to enterprise" in question
    press(admin_client, draft, "publish")
    assert TierRuleSet.objects.get(pk=draft.pk).state == "published"
    assert press(admin_client, draft, "publish")[-1].endswith("published already.")


def test_an_override_is_given_and_ended(admin_client, flow):
    add = reverse("admin:enterprise_tieroverride_add")
    form = {
        "customer": flow.customer_id,
        "tier": SlaTier.objects.get(code="standard").pk,
        "reason": "pilot",
        "expires_at_0": "2020-01-01", "expires_at_1": "00:00",
    }  # fmt: skip
    assert b"ends in the future" in admin_client.post(add, form).content
    form["expires_at_0"] = "2090-01-01"
    assert admin_client.post(add, form).status_code == 302
    override = TierOverride.objects.get()
    assert SlaClock.objects.get(kind="response").tier == "standard"
    press(admin_client, override, "end")
    assert TierOverride.objects.get().ended_at is not None


def test_a_strangers_template_runs_without_code(admin_client):
    """Staff make a template with two steps; a flow on it runs to its end."""
    add = reverse("admin:enterprise_onboardingtemplate_add")
    OnboardingTemplate.objects.update(is_default=False)
    added = {
        "name": "short", "title": "Short", "is_default": "on", "low_factor": "0.7",
        "high_factor": "2", "reminder_first_days": "2", "reminder_every_days": "3",
        "reminders_most": "3", "silent_after_days": "3", "value_metric": "", "value_amount": "1",
    }  # fmt: skip
    assert admin_client.post(add, added).status_code == 302
    template = OnboardingTemplate.objects.get(name="short")
    press(admin_client, template, "draft")
    draft = template.versions.get()
    assert "at least one step" in press(admin_client, draft, "publish")[-1]
    steps: dict[str, object] = {"steps-TOTAL_FORMS": "2", "steps-INITIAL_FORMS": "0", "note": ""}
    for place, (name, kind, action) in enumerate(
        [("account", "automation", "create_customer"), ("welcome", "account_team", "")]
    ):
        steps |= {
            f"steps-{place}-{field}": value
            for field, value in {
                "position": place + 1, "name": name, "hours": "1", "hours_by_tier": "{}",
                "owner_kind": kind, "role": "account_manager", "action": action,
                "contact_role": "",
            }.items()
        }  # fmt: skip
    assert admin_client.post(change(draft), steps).status_code == 302
    welcome, account = draft.steps.get(name="welcome"), draft.steps.get(name="account")
    form: dict[str, object] = {
        "position": "2", "name": "welcome", "hours": "1", "hours_by_tier": "{}",
        "owner_kind": "account_team", "role": "account_manager", "action": "", "contact_role": "",
        "dependencies-TOTAL_FORMS": "1", "dependencies-INITIAL_FORMS": "0",
        "dependencies-0-needs": account.pk, "dependencies-0-lag_hours": "0",
    }  # fmt: skip
    assert admin_client.post(change(welcome), form).status_code == 302
    assert OnboardingDependency.objects.filter(step=welcome, needs=account).exists()
    press(admin_client, draft, "publish")
    made = flows.create(NewCompany("Small Ltd"), timezone.now())
    automation.run_due()
    press(admin_client, made.steps.get(name="welcome"), "complete", note="Said hello.")
    assert OnboardingFlow.objects.get(pk=made.pk).status == "completed"
    press(admin_client, draft, "retire")
    assert draft.steps.count() == 2


def test_a_flow_is_held_resumed_moved_and_rolled_back(admin_client, flow):
    press(admin_client, flow, "put_on_hold", note="their request")
    assert OnboardingFlow.objects.get().status == "on_hold"
    press(admin_client, flow, "resume", note="")
    template = OnboardingTemplate.objects.get()
    press(admin_client, template, "draft")
    draft = template.versions.get(state="draft")
    draft.steps.get(name="training_schedule").delete()
    press(admin_client, draft, "publish")
    press(admin_client, flow, "move", version=draft.pk, running="finish")
    decision = Decision.objects.get(kind="onboarding_move")
    press(admin_client, decision, "approve", note="")
    assert OnboardingFlow.objects.get().template_version == draft
    assert states_of(flow)["training_schedule"] == "skipped"
    press(admin_client, flow, "roll_back", note="withdrawn")
    assert OnboardingFlow.objects.get().status == "rolled_back"
    assert "is rolled back" in press(admin_client, flow, "cancel", note="")[-1]


def test_a_contacts_link_is_shown_and_revoked(admin_client, client, flow):
    press(
        admin_client, flow, "add_contact",
        name="Ada", email="ada@acme.example", role="technical", zone="Europe/Berlin",
    )  # fmt: skip
    contact = OnboardingContact.objects.get()
    other = contacts.add(flow.pk, "Bo", "bo@acme.example", "viewer")
    form = {"name": "Ada", "email": "BO@acme.example", "role": "owner", "zone": "UTC"}
    assert b"has this address" in admin_client.post(change(contact), form).content
    assert admin_client.post(change(other), {**form, "email": "c@acme.example"}).status_code == 302
    other.refresh_from_db()
    assert (other.email, other.link_generation) == ("c@acme.example", 2)
    shown = admin_client.get(change(contact)).content.decode()
    link = "/onboarding/" + shown.split("/onboarding/")[1].split("<")[0].split('"')[0].strip()
    assert client.get(link).status_code == 200
    press(admin_client, contact, "revoke")
    assert client.get(link).status_code == 404
    press(admin_client, contact, "leave")
    assert OnboardingContact.objects.get(pk=contact.pk).left_at is not None


def test_who_only_reads_sees_no_link(client, flow):
    contact = contacts.add(flow.pk, "Ada", "ada@acme.example", "technical")
    reader = staff(client, "enterprise.view_onboardingcontact")
    shown = reader.get(change(contact)).content.decode()
    assert "ada@acme.example" in shown
    assert "/onboarding/" not in shown.replace("/admin/enterprise/onboarding", "")
    assert reader.post(button_path(contact, "revoke")).status_code == 403


def test_a_step_of_a_version_has_a_name_and_a_place_of_its_own(admin_client):
    draft = templates.draft(OnboardingTemplate.objects.get().pk)
    step = draft.steps.get(name="training_schedule")
    form = {
        "position": "1", "name": "account_creation", "hours": "1", "hours_by_tier": "{}",
        "owner_kind": "account_team", "role": "account_manager", "action": "", "contact_role": "",
        "dependencies-TOTAL_FORMS": "0", "dependencies-INITIAL_FORMS": "0",
    }  # fmt: skip
    answer = admin_client.post(change(step), form)
    assert set(answer.context["adminform"].form.errors) == {"name", "position"}


def test_steps_are_worked_on_by_their_buttons(admin_client, flow):
    ada = TeamMember.objects.create(name="Ada", roles=["account_manager"])
    step = flow.steps.get(name="documentation_access")
    press(admin_client, step, "assign", owner=ada.pk)
    press(admin_client, step, "start", note="")
    press(admin_client, step, "wait", note="")
    press(admin_client, step, "resume", note="")
    press(admin_client, step, "block", note="no reply")
    step.refresh_from_db()
    assert (step.state, step.owner, step.reason) == ("blocked", ada, "no reply")
    assert "not optional" in press(admin_client, step, "skip", note="")[-1]
    assert "not possible" in press(admin_client, step, "retry", note="")[-1]
    press(admin_client, step, "complete", note="")
    press(admin_client, step, "reopen", note="")
    step.refresh_from_db()
    assert step.state == "ready"


def test_members_have_known_roles(admin_client):
    add = reverse("admin:enterprise_teammember_add")
    form = {
        "name": "Bo", "email": "", "roles": '["pilot"]', "week_hours": "20", "zone": "UTC",
        "is_active": "on", "absences-TOTAL_FORMS": "0", "absences-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert b"Roles are a list of" in admin_client.post(add, form).content
    assert admin_client.post(add, {**form, "roles": '["support_team"]'}).status_code == 302
    assert not Customer.objects.exists()
