"""Edit a draft of prices: amounts, charges and tiers as fields, with what a chosen use costs.

Each button posts the whole form; all but the saving ones only show it again, so nothing needs
scripts. With them htmx replaces the parts that a change touches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from dashboards import page_context
from dashboards.access import opened_by
from dashboards.form_fields import FormField
from dashboards.pricing.views import PRICING
from revenue.billing.reports import usage as billing
from revenue.pricing import reports, services
from revenue.pricing.decimals import FieldProblem
from revenue.pricing.forms import charge_form, draft_form
from revenue.pricing.forms.draft_form import EnteredCharge, EnteredDraft
from revenue.pricing.rating.charge import INCREMENTAL, SETTINGS

MAY_EDIT = "revenue.change_pricebookversion"
MAY_EDIT_PLANS = "revenue.change_pricingplan"
SAVING = {"save", "work_out"}
MAX_FEATURES, MAX_FEATURE = 30, 200
PRICE_TITLES = {"base_price": "Base price a month", "floor": "Floor", "ceiling": "Ceiling"}


@dataclass(frozen=True, slots=True)
class FormTexts:
    """What the fields of every charge need: choices, problems by name, and the currency."""

    plans: Sequence[tuple[str, str]]
    metrics: Mapping[str, str]
    problems: Mapping[str, str]
    currency: str


@dataclass(frozen=True, slots=True)
class TierRow:
    """The fields of a tier, and the command that removes it."""

    fields: Sequence[FormField]
    remove: str


@dataclass(frozen=True, slots=True)
class ChargeFields:
    """The fields of a charge, those of its model alone, and what it costs."""

    at: int
    title: str
    key: str
    head: Sequence[FormField]
    model: FormField
    parts: Sequence[FormField]
    common: Sequence[FormField]
    headings: Sequence[str]
    tiers: Sequence[TierRow]
    use: FormField
    cost: str
    tier_count: int
    aside: Mapping[str, str]  # of parts that the model does not use, while it may change again

    @property
    def common_is_used(self) -> bool:
        return any(each.value or each.problem for each in self.common)


@opened_by(MAY_EDIT, posts=MAY_EDIT)
def new_version(request: HttpRequest, code: str) -> HttpResponseBase:
    """Open the draft of a book, made from its newest version where there is none yet."""
    if request.method != "POST":
        return redirect("pricing")
    now = timezone.now()
    try:
        draft, is_new = services.open_draft(code, effective_from=now.date(), now=now)
    except ObjectDoesNotExist:
        raise Http404(f"There is no price book {code[:50]!r}.") from None
    if not is_new:
        messages.info(request, f"{draft} is a draft already: it is the one to edit.")
    return redirect("pricing-edit", pk=draft.pk)


@opened_by(MAY_EDIT, posts=MAY_EDIT)
def edit(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The form of a draft. A command that is no saving one shows it again, changed."""
    version = _version(pk)
    if not version.is_draft:
        messages.info(request, f"{version} is {version.state}: it is no longer edited.")
        return redirect("pricing-version", pk=pk)
    metrics = _metrics(version)
    if request.method != "POST":
        shown = draft_form.edited(reports.draft_form(version), "")
        return _form(request, version, shown, metrics, [])
    command = request.POST.get("do", "save")
    posted = draft_form.entered(request.POST.dict(), reports.plans())
    if command not in SAVING:
        return _form(request, version, draft_form.edited(posted, command), metrics, [])
    values, problems = draft_form.checked(posted, metrics, version.book.currency)
    if values is None:
        return _form(request, version, draft_form.edited(posted, ""), metrics, problems)
    try:
        services.save_draft(pk, values, seen=posted.seen)
    except (services.DraftChanged, services.DraftPublished) as error:
        again = draft_form.edited(posted, "")
        stale = [FieldProblem("", "changed", str(error))]
        return _form(request, version, again, metrics, stale, seen=reports.draft_state(version))
    messages.success(request, f"Saved {version}.")
    return redirect("pricing-version" if command == "work_out" else "pricing-edit", pk=pk)


def _version(pk: int) -> Any:
    try:
        return reports.versions().get(pk=pk)
    except ObjectDoesNotExist:
        raise Http404(f"There is no version {pk}.") from None


def _metrics(version: Any) -> dict[str, str]:
    """What can be charged: metrics that are measured, and those that the version names."""
    titles = {code: each.title for code, each in billing.all_meters().items()}
    named = {code: code.replace("_", " ") for code in reports.known_metrics(version)}
    return dict(sorted({**named, **titles}.items(), key=lambda pair: pair[1].lower()))


def _form(
    request: HttpRequest,
    version: Any,
    entered: EnteredDraft,
    metrics: Mapping[str, str],
    problems: Sequence[FieldProblem],
    *,
    seen: str = "",
) -> HttpResponseBase:
    by_name = {each.path: each.message for each in problems}
    plans = reports.plans()
    priced = [(code, plans[code].name) for code in entered.prices]
    currency = version.book.currency
    texts = FormTexts(priced, metrics, by_name, currency)
    rows = [_charge(at, each, texts) for at, each in enumerate(entered.charges)]
    return page_context.render_page(
        request,
        "price-editor",
        f"Edit {version}",
        [],
        [PRICING, page_context.Breadcrumb(str(version), _path(version))],
        version=version,
        currency=currency,
        problems=_listed(problems),
        head=list(_head(entered, by_name)),
        notes=FormField("notes", "Notes", entered.notes, by_name.get("notes", "")),
        price_titles=PRICE_TITLES.values(),
        prices=[
            (plans[code].name, _plan_path(code), list(_prices(code, given, by_name)))
            for code, given in entered.prices.items()
        ],
        charges=rows,
        seen=seen or entered.seen,
        version_path=_path(version),
        admin_path=reverse("admin:revenue_pricebookversion_change", args=[version.pk]),
    )


def _path(version: Any) -> str:
    return reverse("pricing-version", args=[version.pk])


def _plan_path(code: str) -> str:
    return reverse("pricing-plan", args=[code])


def _listed(problems: Sequence[FieldProblem]) -> list[str]:
    """Problems that no field shows, and how many there are beside fields."""
    alone = [each.message for each in problems if not each.path]
    beside = len(problems) - len(alone)
    if beside:
        alone.append(f"Nothing is saved yet: {beside} of the fields below must be put right.")
    return alone


def _head(entered: EnteredDraft, problems: Mapping[str, str]) -> Iterator[FormField]:
    titles = {
        "effective_from": "Applies from",
        "largest_discount": "Largest sum of discounts, in percent",
    }
    for name, label in titles.items():
        yield FormField(name, label, getattr(entered, name), problems.get(name, ""))


def _prices(
    code: str, given: Mapping[str, str], problems: Mapping[str, str]
) -> Iterator[FormField]:
    for part, value in given.items():
        name = f"plan.{code}.{part}"
        yield FormField(name, PRICE_TITLES[part], value, problems.get(name, ""))


def _charge(at: int, entered: EnteredCharge, form: FormTexts) -> ChargeFields:
    path, given = f"charge.{at}", entered.parts or {}

    def field(name: str, label: str, value: str, choices: Any = ()) -> FormField:
        problem = form.problems.get(f"{path}.{name}", "")
        return FormField(f"{path}.{name}", label, value, problem, choices)

    def part(name: str) -> FormField:
        choices: Sequence[tuple[str, str]] = ()
        if name in SETTINGS:
            usual, other = SETTINGS[name]
            choices = [("", f"{usual} (usual)"), (other, other)]
        title = draft_form.part_title(entered.model, name)
        return field(name, title, given.get(name, ""), choices)

    def tier_field(row: int, column: str) -> FormField:
        title = draft_form.part_title(entered.model, column)
        return field(f"tier.{row}.{column}", title, entered.tiers[row].get(column, ""))

    columns = entered.tier_columns
    return ChargeFields(
        at,
        entered.title or "New charge",
        entered.key,
        _charge_head(field, entered, form),
        field("model", "How it is charged", entered.model, _models(entered.model)),
        [part(name) for name in entered.part_names],
        [part(name) for name in charge_form.COMMON_FIELDS],
        [draft_form.part_title(entered.model, each) for each in columns],
        [
            TierRow([tier_field(row, each) for each in columns], f"remove_tier:{at}:{row}")
            for row in range(len(entered.tiers) if columns else 0)
        ],
        field("use", "For a use of", entered.use),
        entered.cost(form.currency),
        len(entered.tiers),
        {f"{path}.{name}": value for name, value in draft_form.kept_aside(entered).items()},
    )


def _charge_head(field: Any, entered: EnteredCharge, form: FormTexts) -> list[FormField]:
    return [
        field("plan", "Plan", entered.plan, [("", "choose"), *form.plans]),
        field("metric", "Metric", entered.metric, [("", "choose"), *form.metrics.items()]),
        field("title", "Name on the invoice", entered.title),
    ]


def _models(chosen: str) -> list[tuple[str, str]]:
    names = [*draft_form.MODEL_TITLES, *(f"{each}_incremental" for each in INCREMENTAL)]
    listed = [*names, *([chosen] if chosen and chosen not in names else [])]
    return [(each, draft_form.model_title(each)) for each in listed]


@opened_by(MAY_EDIT_PLANS, posts=MAY_EDIT_PLANS)
def plan(request: HttpRequest, code: str) -> HttpResponseBase:
    """Name, features and availability of a plan: a feature a row, an empty one is left out."""
    found = reports.plans().get(code)
    if found is None:
        raise Http404(f"There is no plan {code[:50]!r}.")
    name, features, is_active = found.name, list(found.features), found.is_active
    seen, problems = reports.plan_state(found), list[str]()
    if request.method == "POST":
        given = [each.replace("\0", "").strip() for each in request.POST.getlist("feature")]
        name = request.POST.get("name", "").replace("\0", "").strip()
        features, is_active = [each for each in given if each], "is_active" in request.POST
        problems = _plan_problems(name, features)
        if request.POST.get("do") == "add_row":
            problems = []
        elif not problems:
            values = {"name": name, "features": features, "is_active": is_active}
            try:
                services.save_plan(code, values, seen=request.POST.get("seen", ""))
            except services.PlanChanged as error:
                problems = [str(error)]
            else:
                messages.success(request, f"Saved {name}.")
                return redirect("pricing")
    return page_context.render_page(
        request,
        "plan-editor",
        found.name,
        [],
        [PRICING],
        plan=found,
        problems=problems,
        name=name,
        features=[*features, "", ""],
        is_active=is_active,
        seen=seen,
        admin_path=reverse("admin:revenue_pricingplan_change", args=[found.pk]),
    )


def _plan_problems(name: str, features: Sequence[str]) -> list[str]:
    problems = []
    if not 0 < len(name) <= 100:
        problems.append("The name needs 1 to 100 characters.")
    if len(features) > MAX_FEATURES:
        problems.append(f"A plan lists at most {MAX_FEATURES} features, not {len(features):,}.")
    if any(len(each) > MAX_FEATURE for each in features):
        problems.append(f"A feature has at most {MAX_FEATURE} characters.")
    return problems
