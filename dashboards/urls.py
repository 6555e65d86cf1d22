"""The pages' addresses."""

from django.urls import URLPattern, URLResolver, path

from dashboards.alerts import views as alerts
from dashboards.audit import views as audit
from dashboards.automations import automation
from dashboards.automations import views as automations
from dashboards.budget import amount, views
from dashboards.customers import views as customers
from dashboards.decisions import decision
from dashboards.decisions import views as decisions
from dashboards.health import component, public
from dashboards.health import views as health
from dashboards.history import views as history
from dashboards.imports import views as imports
from dashboards.jobs import views as jobs
from dashboards.keys import views as keys
from dashboards.kit import views as kit
from dashboards.onboarding import public as contact_pages
from dashboards.onboarding import views as onboarding
from dashboards.overview import views as overview
from dashboards.people import views as people
from dashboards.pricing import editor
from dashboards.pricing import views as pricing
from dashboards.revenue import bills, invoice_runs, invoices
from dashboards.revenue import views as revenue
from dashboards.scheduling import views as scheduling
from dashboards.search import views as search
from dashboards.sla import views as sla
from dashboards.unsubscribe import views as unsubscribing
from dashboards.upsell import views as upsell
from dashboards.usage import views as usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.home, name="overview"),
    path("search", search.search, name="search"),
    path("dashboards/budget", views.budget, name="budget"),
    path("dashboards/budget-amount", amount.budget_amount, name="budget-amount"),
    path("dashboards/budget/<path:name>", views.channel, name="budget-channel"),
    path("dashboards/imports", imports.imports, name="imports"),
    path("dashboards/imports/<int:pk>", imports.import_page, name="import"),
    path("dashboards/revenue", revenue.revenue, name="revenue"),
    path("dashboards/invoices", invoices.invoices, name="invoices"),
    path("dashboards/invoices/<int:pk>", invoice_runs.invoice_run, name="invoice-run"),
    path("dashboards/revenue/bills/<int:pk>", bills.bill, name="revenue-bill"),
    path("dashboards/customers", customers.customers, name="customers"),
    path("dashboards/customers/<path:external_id>", customers.customer, name="customer"),
    path("dashboards/upsell", upsell.upsell, name="upsell"),
    path("dashboards/upsell/<int:pk>", upsell.opportunity, name="upsell-opportunity"),
    path("dashboards/usage", usage.usage, name="usage"),
    path("dashboards/usage/<int:pk>", usage.client, name="usage-client"),
    path("dashboards/pricing", pricing.pricing, name="pricing"),
    path("dashboards/pricing/versions/<int:pk>", pricing.version, name="pricing-version"),
    path("dashboards/pricing/versions/<int:pk>/edit", editor.edit, name="pricing-edit"),
    path(
        "dashboards/pricing/books/<slug:code>/draft", editor.new_version, name="pricing-new-version"
    ),
    path("dashboards/pricing/plans/<slug:code>", editor.plan, name="pricing-plan"),
    path("dashboards/pricing/quotes/<uuid:quote_id>", pricing.quote, name="pricing-quote"),
    path("dashboards/automations", automations.automations, name="automations"),
    path("dashboards/automations/<int:pk>", automation.automation, name="automation"),
    path("dashboards/jobs", jobs.jobs, name="jobs"),
    path("dashboards/jobs/<int:pk>", jobs.job, name="job"),
    path("dashboards/alerts", alerts.alerts, name="alerts"),
    path("dashboards/decisions", decisions.decisions, name="decisions"),
    path("dashboards/decisions/decide", decision.decide, name="decide"),
    path("dashboards/decisions/<int:pk>", decision.decision, name="decision"),
    path("dashboards/scheduling", scheduling.scheduling, name="scheduling"),
    path("dashboards/keys", keys.keys, name="keys"),
    path("dashboards/people", people.people, name="people"),
    path("dashboards/people/<int:pk>/invite", people.invite_again, name="invite-again"),
    path("dashboards/audit", audit.audit, name="audit"),
    path("dashboards/history/<slug:app>/<slug:model>/<int:pk>", history.history, name="history"),
    path("dashboards/kit", kit.kit, name="kit"),
    path("status/<str:signature>", public.status, name="public-status"),
    path("dashboards/onboarding", onboarding.onboardings, name="onboardings"),
    path("dashboards/onboarding/<int:pk>", onboarding.onboarding, name="onboarding"),
    path("onboarding/<str:token>", contact_pages.contact_page, name="contact-onboarding"),
    path("dashboards/sla", sla.clocks, name="sla"),
    path("dashboards/sla/clocks/<int:pk>", sla.clock, name="sla-clock"),
    path("unsubscribe/<str:token>", unsubscribing.unsubscribe, name="unsubscribe"),
    path("dashboards/health", health.health, name="health"),
    path("dashboards/health/<int:pk>", component.component, name="health-component"),
]
