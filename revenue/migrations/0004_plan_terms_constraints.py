from django.db import migrations, models

from revenue.migrations._seed import IMMUTABLE_POSTGRESQL, IMMUTABLE_SQLITE

CREDIT_TABLE = "revenue_creditentry"


def guard_credit(apps, schema_editor):
    """A trigger that refuses updates of credit entries."""
    vendor = schema_editor.connection.vendor
    statement = {"sqlite": IMMUTABLE_SQLITE, "postgresql": IMMUTABLE_POSTGRESQL}[vendor]
    schema_editor.execute(statement.format(table=CREDIT_TABLE))


def unguard_credit(apps, schema_editor):
    on = f" ON {CREDIT_TABLE}" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER IF EXISTS {CREDIT_TABLE}_immutable{on}")


class Migration(migrations.Migration):

    dependencies = [
        ("revenue", "0003_fill_plan_terms"),
    ]

    operations = [
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['next_step_on'], name='revenue_subscription_next_step'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_on__isnull', False), ('state', 'ended')), models.Q(models.Q(('state', 'ended'), _negated=True), ('ended_on__isnull', True)), _connector='OR'), name='revenue_subscription_ended_has_day'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('price__gte', 0), ('quantity__gte', 1)), name='revenue_subscription_price_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='subscriptionchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('is_end', True), ('state', 'ended')), models.Q(('is_end', False), models.Q(('state', 'ended'), _negated=True)), _connector='OR'), name='revenue_subscriptionchange_end_is_a_state'),
        ),
        migrations.AddConstraint(
            model_name='subscriptionchange',
            constraint=models.CheckConstraint(condition=models.Q(('coupon_percent__gte', 0), ('coupon_percent__lte', 100), ('quantity__gte', 1), ('price__gte', 0)), name='revenue_subscriptionchange_terms_in_range'),
        ),
        migrations.AddConstraint(
            model_name='subscriptionchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('basis', 'override'), _negated=True), models.Q(('price_until__isnull', False), models.Q(('note', ''), _negated=True)), _connector='OR'), name='revenue_subscriptionchange_override_has_reason_and_end'),
        ),
        migrations.AddConstraint(
            model_name='creditentry',
            constraint=models.UniqueConstraint(fields=('invoice', 'kind'), name='revenue_creditentry_one_an_invoice'),
        ),
        migrations.AddConstraint(
            model_name='creditentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__gt', 0), ('kind', 'carried')), models.Q(models.Q(('kind', 'carried'), _negated=True), ('amount__lt', 0)), _connector='OR'), name='revenue_creditentry_sign_of_kind'),
        ),
        migrations.RunPython(guard_credit, unguard_credit),
    ]
