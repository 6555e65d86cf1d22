from decimal import Decimal

import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.db import migrations, models

import aethercrown.db.fields
import aethercrown.history.tracking
from marketing.migrations._seed import OPERATIONS


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('operations', '0001_initial'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
    ]

    operations = [
        migrations.CreateModel(
            name='AllocationLock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, unique=True, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalAllocationLock',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('currency', aethercrown.db.fields.CurrencyField(db_index=True, default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical allocation lock',
                'verbose_name_plural': 'historical allocation locks',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalChannel',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('name', models.CharField(db_index=True, max_length=100)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('is_active', models.BooleanField(default=True, help_text='Plans divide money over active channels.')),
                ('is_held', models.BooleanField(default=False, help_text='Keeps its present amount; plans move money between the others.', verbose_name='amount fixed')),
                ('floor', aethercrown.db.fields.MoneyField(blank=True, decimal_places=2, help_text='Minimum spend a week.', max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('ceiling', aethercrown.db.fields.MoneyField(blank=True, decimal_places=2, help_text='Maximum spend a week.', max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('incrementality', models.FloatField(default=1.0, help_text='Share of the credited revenue that the channel causes, from an experiment.', validators=[django.core.validators.MinValueValidator(0.0)])),
                ('platform_roi', models.FloatField(blank=True, help_text='Revenue per unit of spend that the advertising platform reports, if any.', null=True, validators=[django.core.validators.MinValueValidator(0.0)])),
                ('notes', models.TextField(blank=True)),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical channel',
                'verbose_name_plural': 'historical channels',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='BudgetPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_index=True)),
                ('source', models.CharField(choices=[('api', 'API call'), ('nightly', 'Automation'), ('admin', 'Staff')], max_length=8)),
                ('mode', models.CharField(choices=[('channels', 'Revenue per channel'), ('aggregate', 'Total revenue only')], max_length=10)),
                ('total', aethercrown.db.fields.MoneyField(decimal_places=2, max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0.01'))])),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('budget_periods', models.PositiveIntegerField(default=1, help_text='Periods (rows of history) that the total is for.')),
                ('starts_on', models.DateField(help_text='First day of the window planned for.', null=True)),
                ('ends_on', models.DateField(null=True)),
                ('input_digest', models.CharField(max_length=64, unique=True)),
                ('request_summary', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('proposal', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, help_text='The proposal as the planner made it.')),
                ('method', models.CharField(max_length=200)),
                ('revenue_estimate', models.FloatField()),
                ('revenue_low', models.FloatField()),
                ('revenue_high', models.FloatField()),
                ('lift_estimate', models.FloatField(help_text='Percent against keeping the present mix.')),
                ('lift_low', models.FloatField()),
                ('lift_high', models.FloatField()),
                ('probability_of_lift', models.FloatField()),
                ('auto_applicable', models.BooleanField()),
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='budget_plan', to='operations.decision')),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('total__gt', 0)), name='marketing_budgetplan_total_positive'),
                    models.CheckConstraint(condition=models.Q(('budget_periods__gte', 1)), name='marketing_budgetplan_has_a_period'),
                    models.CheckConstraint(condition=models.Q(('probability_of_lift__gte', 0), ('probability_of_lift__lte', 1)), name='marketing_budgetplan_probability_in_range'),
                    models.CheckConstraint(condition=models.Q(('revenue_low__lte', models.F('revenue_high')), ('lift_low__lte', models.F('lift_high'))), name='marketing_budgetplan_intervals_ordered'),
                ],
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='CalendarFlag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('date', models.DateField()),
                ('value', models.FloatField(default=1.0, help_text='1, or the strength of the event.')),
            ],
            options={
                'ordering': ['-date', 'name'],
                'constraints': [models.UniqueConstraint(fields=('name', 'date'), name='marketing_calendarflag_one_row_a_date')],
            },
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('is_active', models.BooleanField(default=True, help_text='Plans divide money over active channels.')),
                ('is_held', models.BooleanField(default=False, help_text='Keeps its present amount; plans move money between the others.', verbose_name='amount fixed')),
                ('floor', aethercrown.db.fields.MoneyField(blank=True, decimal_places=2, help_text='Minimum spend a week.', max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('ceiling', aethercrown.db.fields.MoneyField(blank=True, decimal_places=2, help_text='Maximum spend a week.', max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('incrementality', models.FloatField(default=1.0, help_text='Share of the credited revenue that the channel causes, from an experiment.', validators=[django.core.validators.MinValueValidator(0.0)])),
                ('platform_roi', models.FloatField(blank=True, help_text='Revenue per unit of spend that the advertising platform reports, if any.', null=True, validators=[django.core.validators.MinValueValidator(0.0)])),
                ('notes', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('floor__isnull', True), ('floor__gte', 0), _connector='OR'), name='marketing_channel_floor_not_negative'), models.CheckConstraint(condition=models.Q(('ceiling__isnull', True), ('ceiling__gte', 0), _connector='OR'), name='marketing_channel_ceiling_not_negative'), models.CheckConstraint(condition=models.Q(('floor__isnull', True), ('ceiling__isnull', True), ('floor__lte', models.F('ceiling')), _connector='OR'), name='marketing_channel_floor_below_ceiling'), models.CheckConstraint(condition=models.Q(('incrementality__gte', 0)), name='marketing_channel_incrementality_not_negative'), models.CheckConstraint(condition=models.Q(('platform_roi__isnull', True), ('platform_roi__gte', 0), _connector='OR'), name='marketing_channel_platform_roi_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', aethercrown.db.fields.MoneyField(decimal_places=2, help_text='For the window of its plan.', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('valid_from', models.DateTimeField()),
                ('valid_to', models.DateTimeField(null=True)),
                ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='budget_allocations', to='operations.decision')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='marketing.channel')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('channel',), name='marketing_allocation_one_in_force'),
                    models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='marketing_allocation_not_negative'),
                    models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_to__gte', models.F('valid_from')), _connector='OR'), name='marketing_allocation_ends_after_start'),
                ],
                'ordering': ['-valid_from', 'channel'],
            },
        ),
        migrations.CreateModel(
            name='LiftTest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField()),
                ('spend', aethercrown.db.fields.MoneyField(decimal_places=2, help_text='Spend a week under test.', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0.01'))])),
                ('revenue', aethercrown.db.fields.MoneyField(decimal_places=2, help_text='Revenue a week that this spend caused.', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('standard_error', aethercrown.db.fields.MoneyField(decimal_places=2, help_text='Of that revenue.', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0.01'))])),
                ('notes', models.TextField(blank=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lift_tests', to='marketing.channel')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('channel', 'starts_on'), name='marketing_lifttest_one_a_start'),
                    models.CheckConstraint(condition=models.Q(('starts_on__lte', models.F('ends_on'))), name='marketing_lifttest_ends_after_start'),
                    models.CheckConstraint(condition=models.Q(('revenue__gte', 0), ('spend__gt', 0), ('standard_error__gt', 0)), name='marketing_lifttest_amounts_positive'),
                ],
                'ordering': ['-ends_on'],
            },
        ),
        migrations.CreateModel(
            name='Performance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField()),
                ('spend', aethercrown.db.fields.MoneyField(decimal_places=2, max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('revenue', aethercrown.db.fields.MoneyField(blank=True, decimal_places=2, help_text="Empty where only the company's total is known.", max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='performance', to='marketing.channel')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['date'], name='marketing_performance_date'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('channel', 'date'), name='marketing_performance_one_row_a_date'),
                    models.CheckConstraint(condition=models.Q(('spend__gte', 0)), name='marketing_performance_spend_not_negative'),
                    models.CheckConstraint(condition=models.Q(('revenue__isnull', True), ('revenue__gte', 0), _connector='OR'), name='marketing_performance_revenue_not_negative'),
                ],
                'verbose_name_plural': 'performance',
                'ordering': ['-date', 'channel'],
            },
        ),
        migrations.CreateModel(
            name='PlanAllocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel_name', models.CharField(max_length=100)),
                ('amount', aethercrown.db.fields.MoneyField(decimal_places=2, max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('present', aethercrown.db.fields.MoneyField(decimal_places=2, help_text='What the channel has now, for the same window.', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('action', models.CharField(max_length=8)),
                ('reason', models.TextField()),
                ('channel', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='plan_allocations', to='marketing.channel')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='allocations', to='marketing.budgetplan')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('plan', 'channel_name'), name='marketing_planallocation_one_a_channel'),
                    models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('present__gte', 0)), name='marketing_planallocation_not_negative'),
                ],
                'ordering': ['plan', 'channel_name'],
            },
        ),
        migrations.CreateModel(
            name='TotalRevenue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField()),
                ('amount', aethercrown.db.fields.MoneyField(decimal_places=2, max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
            ],
            options={
                'verbose_name_plural': 'total revenue',
                'ordering': ['-date'],
                'constraints': [models.UniqueConstraint(fields=('currency', 'date'), name='marketing_totalrevenue_one_row_a_date'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='marketing_totalrevenue_not_negative')],
            },
        ),
        *OPERATIONS,
    ]
