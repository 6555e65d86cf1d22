"""Titles of decisions about offers refer to the customer by number, so that an erasure keeps none."""

import re

from django.db import migrations

OFFER = re.compile(r"Offer (?P<plan>[^ ]{1,50}) to (?P<name>.{1,300}) (?P<gain>\([^()]{1,60}\))")
ACCEPTANCE = re.compile(r"(?P<name>.{1,300}) takes (?P<plan>[^ ]{1,50}) (?P<gain>\([^()]{1,60}\))")
SUBJECT = "opportunity "
TITLE_CHARACTERS = 300


def name_nobody(apps, schema_editor):
    decisions = apps.get_model("operations", "Decision").objects
    owners = dict(apps.get_model("revenue", "Opportunity").objects.values_list("pk", "customer"))
    kinds = {
        "revenue.upsell_offer": (OFFER, "Offer {plan} to {who} {gain}"),
        "revenue.upsell_acceptance": (ACCEPTANCE, "Move {who} to {plan} {gain}"),
    }
    rows = decisions.filter(kind__in=kinds).only("pk", "kind", "subject", "title")
    for row in list(rows):
        pattern, form = kinds[row.kind]
        found = pattern.fullmatch(row.title)
        if found is None or re.fullmatch(r"customer [0-9]{1,18}", found["name"]):
            continue
        number = owners.get(int(row.subject.removeprefix(SUBJECT)))
        who = f"customer {number}" if number else "a customer"
        title = form.format(plan=found["plan"], who=who, gain=found["gain"])
        decisions.filter(pk=row.pk).update(title=title[:TITLE_CHARACTERS])


class Migration(migrations.Migration):
    dependencies = [
        ("revenue", "0007_number_invoices"),
        ("operations", "0001_initial"),
    ]
    operations = [migrations.RunPython(name_nobody, migrations.RunPython.noop)]
