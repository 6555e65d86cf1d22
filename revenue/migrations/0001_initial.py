import uuid
from decimal import Decimal

import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.db import migrations, models

import aethercrown.db.fields
import aethercrown.history.tracking
import revenue.customers.models
import revenue.upsell.states
from revenue.migrations._seed import OPERATIONS


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('operations', '0001_initial'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalMeter',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('code', models.CharField(db_index=True, help_text='Such as api_calls.', max_length=100)),
                ('title', models.CharField(max_length=100)),
                ('unit', models.CharField(blank=True, max_length=30)),
                ('input_group', models.CharField(choices=[('usage', 'usage'), ('engagement', 'engagement'), ('company', 'company')], default='usage', help_text='The group of pricing inputs it belongs to.', max_length=10)),
                ('aggregation', models.CharField(choices=[('sum', 'sum: all days added up'), ('last', 'last: the last reading'), ('max', 'max: the highest reading'), ('mean', 'mean: of the days with a reading')], default='sum', max_length=4)),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical meter',
                'verbose_name_plural': 'historical meters',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalOfferTerms',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('rest_days', models.PositiveIntegerField(default=90, help_text='Days without a new offer after a customer declined one.')),
                ('valid_days', models.PositiveIntegerField(default=30, help_text='Days after which an unanswered offer expires.')),
                ('offers_per_day', models.PositiveIntegerField(default=20, help_text='The largest number of offers made in 24 hours.')),
                ('least_gain', aethercrown.db.fields.MoneyField(decimal_places=2, default=Decimal('1'), help_text='Opportunities with a smaller gain a month are not stored.', max_digits=14, validators=[django.core.validators.MinValueValidator(0)])),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical offer terms',
                'verbose_name_plural': 'historical offer terms',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPriceBook',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('code', models.SlugField()),
                ('title', models.CharField(max_length=100)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical price book',
                'verbose_name_plural': 'historical price books',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPricingPlan',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('code', models.SlugField()),
                ('name', models.CharField(max_length=100)),
                ('rank', models.PositiveIntegerField(help_text='Larger plans have higher ranks.')),
                ('features', models.JSONField(blank=True, default=list, help_text='A list of short texts.')),
                ('is_active', models.BooleanField(default=True)),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical pricing plan',
                'verbose_name_plural': 'historical pricing plans',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='PriceBook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True)),
                ('title', models.CharField(max_length=100)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
            ],
            options={
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='PricingPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(unique=True)),
                ('name', models.CharField(max_length=100)),
                ('rank', models.PositiveIntegerField(help_text='Larger plans have higher ranks.')),
                ('features', models.JSONField(blank=True, default=list, help_text='A list of short texts.')),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ['rank', 'code'],
            },
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(help_text="The API's client_id and customer_id.", max_length=100, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('segment', models.CharField(blank=True, max_length=100)),
                ('size', models.CharField(blank=True, help_text='Such as 11-50.', max_length=50)),
                ('owner', models.CharField(blank=True, help_text='The account manager.', max_length=150)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[revenue.customers.models.known_currency])),
                ('time_zone', models.CharField(default='UTC', max_length=64, validators=[revenue.customers.models.known_time_zone])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('erased_at', models.DateTimeField(editable=False, null=True)),
                ('rolled_segment', models.CharField(editable=False, help_text='The segment in which the MRR roll-ups count it.', max_length=100, null=True)),
                ('merged_into', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='duplicates', to='revenue.customer')),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text="The version's digest when the invoice was issued.", max_length=64)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('period_start', models.DateField()),
                ('period_end', models.DateField(help_text='The first day after the period.')),
                ('inputs', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('plan_periods', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('lines', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('rated', models.DecimalField(decimal_places=3, help_text="The month's own charges, without adjustments.", max_digits=18)),
                ('total', models.DecimalField(decimal_places=3, max_digits=18)),
                ('carried', models.DecimalField(decimal_places=3, default=Decimal('0'), help_text='Credit carried over to the next invoice.', max_digits=18)),
                ('issued_at', models.DateTimeField()),
                ('issued_by', models.CharField(blank=True, max_length=150)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='revenue.customer')),
            ],
            options={
                'ordering': ['-period_start', 'customer'],
            },
        ),
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rated', models.DecimalField(decimal_places=3, help_text="The earlier month's total as known now.", max_digits=18)),
                ('amount', models.DecimalField(decimal_places=3, max_digits=18)),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='revenue.invoice')),
                ('original_invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjusted_by', to='revenue.invoice')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('period_start', models.DateField()),
                ('proposed_at', models.DateTimeField()),
                ('approved_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('issued_count', models.PositiveIntegerField(default=0, help_text='Invoices issued.')),
                ('not_billed', models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder, help_text='Customers that could not be billed, with the reason.')),
                ('decision', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='operations.decision')),
            ],
            options={
                'ordering': ['-period_start', 'currency'],
            },
        ),
        migrations.CreateModel(
            name='Meter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='Such as api_calls.', max_length=100, unique=True)),
                ('title', models.CharField(max_length=100)),
                ('unit', models.CharField(blank=True, max_length=30)),
                ('input_group', models.CharField(choices=[('usage', 'usage'), ('engagement', 'engagement'), ('company', 'company')], default='usage', help_text='The group of pricing inputs it belongs to.', max_length=10)),
                ('aggregation', models.CharField(choices=[('sum', 'sum: all days added up'), ('last', 'last: the last reading'), ('max', 'max: the highest reading'), ('mean', 'mean: of the days with a reading')], default='sum', max_length=4)),
            ],
            options={
                'ordering': ['code'],
                'constraints': [models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='revenue_meter_has_code')],
            },
        ),
        migrations.CreateModel(
            name='DailyUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('quantity', revenue.customers.models.AmountField()),
                ('is_correction', models.BooleanField(default=False)),
                ('booked_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='daily_use', to='revenue.customer')),
                ('meter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='daily_use', to='revenue.meter')),
            ],
            options={
                'verbose_name_plural': 'daily use',
                'ordering': ['-day', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='MrrMovement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('on', models.DateField()),
                ('effective_on', models.DateField()),
                ('kind', models.CharField(choices=[('new', 'new'), ('reactivation', 'reactivation'), ('expansion', 'expansion'), ('contraction', 'contraction'), ('churn', 'churn')], max_length=12)),
                ('amount', revenue.customers.models.AmountField(help_text='Above zero, except in an adjustment.')),
                ('payers', models.SmallIntegerField(help_text='Customers who began (1) or stopped (-1) paying.')),
                ('before', revenue.customers.models.AmountField()),
                ('after', revenue.customers.models.AmountField()),
                ('cause', models.CharField(help_text='recorded, changed, ended, adjusted, merged', max_length=12)),
                ('is_adjustment', models.BooleanField(default=False)),
                ('booked_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='revenue.customer')),
            ],
            options={
                'verbose_name': 'MRR movement',
                'ordering': ['-on', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='MrrRollup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('basis', models.CharField(choices=[('on', 'Booked'), ('effective_on', 'Effective')], max_length=12)),
                ('segment', models.CharField(max_length=100)),
                ('month', models.DateField()),
                ('kind', models.CharField(max_length=12)),
                ('amount', revenue.customers.models.AmountField()),
                ('payers', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('currency', 'basis', 'segment', 'month', 'kind'), name='revenue_mrrrollup_one_a_month')],
            },
        ),
        migrations.CreateModel(
            name='OfferTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rest_days', models.PositiveIntegerField(default=90, help_text='Days without a new offer after a customer declined one.')),
                ('valid_days', models.PositiveIntegerField(default=30, help_text='Days after which an unanswered offer expires.')),
                ('offers_per_day', models.PositiveIntegerField(default=20, help_text='The largest number of offers made in 24 hours.')),
                ('least_gain', aethercrown.db.fields.MoneyField(decimal_places=2, default=Decimal('1'), help_text='Opportunities with a smaller gain a month are not stored.', max_digits=14, validators=[django.core.validators.MinValueValidator(0)])),
            ],
            options={
                'verbose_name': 'offer terms',
                'verbose_name_plural': 'offer terms',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='revenue_offerterms_one_row')],
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('payment', 'Payment'), ('refund', 'Refund')], default='payment', max_length=7)),
                ('paid_on', models.DateField()),
                ('amount', revenue.customers.models.AmountField(validators=[django.core.validators.MinValueValidator(0)])),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[revenue.customers.models.known_currency])),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='revenue.customer')),
            ],
            options={
                'ordering': ['-paid_on', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalPriceBookVersion',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('number', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('retired', 'Retired')], default='draft', max_length=9)),
                ('effective_from', models.DateField(help_text='The first day on which these prices apply.')),
                ('largest_discount', models.DecimalField(decimal_places=4, default=Decimal('20'), help_text='The largest sum of all discounts, in percent.', max_digits=7, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)])),
                ('largest_change', models.DecimalField(blank=True, decimal_places=4, help_text='The largest change at a renewal, in percent of the old price; empty: no limit.', max_digits=7, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('notes', models.TextField(blank=True)),
                ('digest', models.CharField(blank=True, editable=False, max_length=64)),
                ('created_at', models.DateTimeField()),
                ('published_at', models.DateTimeField(editable=False, null=True)),
                ('published_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('retired_at', models.DateTimeField(editable=False, null=True)),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('book', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricebook')),
            ],
            options={
                'verbose_name': 'historical price book version',
                'verbose_name_plural': 'historical price book versions',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='PriceBookVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('retired', 'Retired')], default='draft', max_length=9)),
                ('effective_from', models.DateField(help_text='The first day on which these prices apply.')),
                ('largest_discount', models.DecimalField(decimal_places=4, default=Decimal('20'), help_text='The largest sum of all discounts, in percent.', max_digits=7, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)])),
                ('largest_change', models.DecimalField(blank=True, decimal_places=4, help_text='The largest change at a renewal, in percent of the old price; empty: no limit.', max_digits=7, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('notes', models.TextField(blank=True)),
                ('digest', models.CharField(blank=True, editable=False, max_length=64)),
                ('created_at', models.DateTimeField()),
                ('published_at', models.DateTimeField(editable=False, null=True)),
                ('published_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('retired_at', models.DateTimeField(editable=False, null=True)),
                ('book', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='revenue.pricebook')),
            ],
            options={
                'ordering': ['book', '-number'],
            },
        ),
        migrations.CreateModel(
            name='Opportunity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('plan_fit', 'plan_fit'), ('growth', 'growth'), ('overage_saving', 'overage_saving'), ('limit_pressure', 'limit_pressure')], max_length=16)),
                ('state', models.CharField(choices=[('open', 'open'), ('offered', 'offered'), ('accepted', 'accepted'), ('declined', 'declined'), ('expired', 'expired'), ('withdrawn', 'withdrawn')], default='open', max_length=9)),
                ('current_plan', models.CharField(max_length=50)),
                ('recommended_plan', models.CharField(max_length=50)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('reason', models.CharField(max_length=500)),
                ('costs', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, help_text='The cost of every plan for the forecast use.')),
                ('inputs', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, help_text='The use of the last 30 days, and the forecast.')),
                ('gain_low', models.DecimalField(decimal_places=3, max_digits=18)),
                ('gain', models.DecimalField(decimal_places=3, help_text='Additional revenue a month; below 0 the customer saves.', max_digits=18)),
                ('gain_high', models.DecimalField(decimal_places=3, max_digits=18)),
                ('confidence', models.FloatField(help_text='The probability that it is accepted.')),
                ('owner', models.CharField(blank=True, help_text='The person responsible.', max_length=150)),
                ('outcome', models.CharField(blank=True, help_text='Why it ended.', max_length=200)),
                ('notes', models.TextField(blank=True)),
                ('found_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('offered_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=150)),
                ('agreed_amount', aethercrown.db.fields.MoneyField(decimal_places=3, help_text='The new amount of the subscription a month, where agreed.', max_digits=18, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('acceptance', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='operations.decision')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='opportunities', to='revenue.customer')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='revenue.pricebookversion')),
            ],
            options={
                'verbose_name_plural': 'opportunities',
                'ordering': ['-found_at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='invoice',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='revenue.pricebookversion'),
        ),
        migrations.CreateModel(
            name='PriceFactor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('usage', 'Usage: a multiplier'), ('engagement', 'Engagement: a discount in percent'), ('company', 'Company size: a multiplier for one plan')], max_length=10)),
                ('metric', models.CharField(max_length=100)),
                ('above', models.DecimalField(decimal_places=4, max_digits=20, validators=[django.core.validators.MinValueValidator(0)])),
                ('value', models.DecimalField(decimal_places=4, help_text='A multiplier such as 1.1, or percent of discount such as 5.', max_digits=9, validators=[django.core.validators.MinValueValidator(0)])),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(blank=True, help_text='For company size only.', null=True, on_delete=django.db.models.deletion.PROTECT, to='revenue.pricingplan')),
            ],
            options={
                'ordering': ['version', 'kind', 'metric', 'above'],
                'default_related_name': 'factors',
            },
        ),
        migrations.CreateModel(
            name='PlanRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(choices=[('usage', 'Usage'), ('company', 'Company')], max_length=10)),
                ('metric', models.CharField(max_length=100)),
                ('above', models.DecimalField(decimal_places=4, max_digits=20, validators=[django.core.validators.MinValueValidator(0)])),
                ('needs_company', models.BooleanField(default=False, help_text='Applies only where company data is given.')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='revenue.pricingplan')),
            ],
            options={
                'ordering': ['version', '-plan__rank', 'source', 'metric'],
                'default_related_name': 'rules',
            },
        ),
        migrations.CreateModel(
            name='PlanPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base_price', aethercrown.db.fields.MoneyField(decimal_places=3, max_digits=15, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('floor', aethercrown.db.fields.MoneyField(blank=True, decimal_places=3, help_text='The lowest price after factors and discounts.', max_digits=15, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('ceiling', aethercrown.db.fields.MoneyField(blank=True, decimal_places=3, help_text='The highest price after factors and discounts.', max_digits=15, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='prices', to='revenue.pricingplan')),
            ],
            options={
                'ordering': ['version', 'plan__rank'],
                'default_related_name': 'prices',
            },
        ),
        migrations.CreateModel(
            name='PlanCharge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField(default=1)),
                ('metric', models.CharField(help_text='For example api_calls.', max_length=100)),
                ('title', models.CharField(max_length=100)),
                ('model', models.CharField(help_text='For example graduated, volume or package_min.', max_length=40)),
                ('price', models.JSONField(help_text='For example {"tiers": [{"up_to": "1000", "unit": "0"}, {"unit": "0.002"}]}.')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='revenue.pricingplan')),
            ],
            options={
                'ordering': ['version', 'plan__rank', 'position', 'pk'],
                'default_related_name': 'charges',
            },
        ),
        migrations.CreateModel(
            name='HistoricalPriceFactor',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('kind', models.CharField(choices=[('usage', 'Usage: a multiplier'), ('engagement', 'Engagement: a discount in percent'), ('company', 'Company size: a multiplier for one plan')], max_length=10)),
                ('metric', models.CharField(max_length=100)),
                ('above', models.DecimalField(decimal_places=4, max_digits=20, validators=[django.core.validators.MinValueValidator(0)])),
                ('value', models.DecimalField(decimal_places=4, help_text='A multiplier such as 1.1, or percent of discount such as 5.', max_digits=9, validators=[django.core.validators.MinValueValidator(0)])),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('version', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(blank=True, db_constraint=False, help_text='For company size only.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricingplan')),
            ],
            options={
                'verbose_name': 'historical price factor',
                'verbose_name_plural': 'historical price factors',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPlanRule',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('source', models.CharField(choices=[('usage', 'Usage'), ('company', 'Company')], max_length=10)),
                ('metric', models.CharField(max_length=100)),
                ('above', models.DecimalField(decimal_places=4, max_digits=20, validators=[django.core.validators.MinValueValidator(0)])),
                ('needs_company', models.BooleanField(default=False, help_text='Applies only where company data is given.')),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('version', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricingplan')),
            ],
            options={
                'verbose_name': 'historical plan rule',
                'verbose_name_plural': 'historical plan rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPlanPrice',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('base_price', aethercrown.db.fields.MoneyField(decimal_places=3, max_digits=15, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('floor', aethercrown.db.fields.MoneyField(blank=True, decimal_places=3, help_text='The lowest price after factors and discounts.', max_digits=15, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('ceiling', aethercrown.db.fields.MoneyField(blank=True, decimal_places=3, help_text='The highest price after factors and discounts.', max_digits=15, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('version', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricingplan')),
            ],
            options={
                'verbose_name': 'historical plan price',
                'verbose_name_plural': 'historical plan prices',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPlanCharge',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('history_address', models.CharField(blank=True, default=aethercrown.history.tracking.here, max_length=64)),
                ('position', models.PositiveIntegerField(default=1)),
                ('metric', models.CharField(help_text='For example api_calls.', max_length=100)),
                ('title', models.CharField(max_length=100)),
                ('model', models.CharField(help_text='For example graduated, volume or package_min.', max_length=40)),
                ('price', models.JSONField(help_text='For example {"tiers": [{"up_to": "1000", "unit": "0"}, {"unit": "0.002"}]}.')),
                ('history_user_id', models.CharField(blank=True, default='', max_length=200)),
                ('history_change_reason', models.CharField(max_length=200, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('version', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricebookversion')),
                ('plan', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='revenue.pricingplan')),
            ],
            options={
                'verbose_name': 'historical plan charge',
                'verbose_name_plural': 'historical plan charges',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
                'default_permissions': (),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Quote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quote_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('digest', models.CharField(help_text='The digest of the version when quoted.', max_length=64)),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('inputs', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('previous_price', aethercrown.db.fields.MoneyField(decimal_places=3, help_text='The price before a renewal.', max_digits=15, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('lines', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('final_price', aethercrown.db.fields.MoneyField(decimal_places=3, max_digits=15, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('agreed_price', aethercrown.db.fields.MoneyField(decimal_places=3, help_text='The price set by an approved decision, outside the guardrails.', max_digits=15, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('quoted_at', models.DateTimeField(db_index=True)),
                ('quoted_by', models.CharField(blank=True, max_length=150)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='quotes', to='revenue.pricingplan')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='quotes', to='revenue.pricebookversion')),
            ],
            options={
                'ordering': ['-quoted_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='RetentionRollup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}\\Z', 'An ISO 4217 code such as USD.')])),
                ('basis', models.CharField(choices=[('on', 'Booked'), ('effective_on', 'Effective')], max_length=12)),
                ('months', models.PositiveSmallIntegerField(help_text='The length of the span.')),
                ('month', models.DateField(help_text='The last month of the span.')),
                ('gained', revenue.customers.models.AmountField()),
                ('lost', revenue.customers.models.AmountField()),
                ('left', models.BigIntegerField(help_text='Customers who pay nothing at its end.')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('currency', 'basis', 'months', 'month'), name='revenue_retentionrollup_one_a_span')],
            },
        ),
        migrations.CreateModel(
            name='RollupWatermark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('upto', models.BigIntegerField()),
                ('rows', models.BigIntegerField()),
                ('marked_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='revenue_rollupwatermark_one_row')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=100, unique=True)),
                ('plan', models.CharField(blank=True, help_text="The plan's code.", max_length=100)),
                ('amount', revenue.customers.models.AmountField(help_text='Per month, before tax.', validators=[django.core.validators.MinValueValidator(0)])),
                ('currency', aethercrown.db.fields.CurrencyField(default=aethercrown.db.fields.default_currency, max_length=3, validators=[revenue.customers.models.known_currency])),
                ('started_on', models.DateField()),
                ('ended_on', models.DateField(blank=True, help_text='First day without it; empty while it is active.', null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='revenue.customer')),
            ],
            options={
                'ordering': ['-started_on', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='SubscriptionChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField()),
                ('plan', models.CharField(blank=True, max_length=100)),
                ('amount', revenue.customers.models.AmountField(validators=[django.core.validators.MinValueValidator(0)])),
                ('is_end', models.BooleanField(default=False)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('recorded_at', models.DateTimeField()),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='revenue.subscription')),
            ],
            options={
                'ordering': ['on', 'pk'],
            },
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['segment'], name='revenue_customer_segment'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['merged_into', 'rolled_segment', 'segment'], name='revenue_customer_rolled'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('external_id', ''), _negated=True), name='revenue_customer_has_external_id'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), models.Q(('merged_into', models.F('pk')), _negated=True), _connector='OR'), name='revenue_customer_not_merged_into_itself'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.UniqueConstraint(fields=('invoice', 'original_invoice'), name='revenue_adjustment_one_a_month'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='revenue_adjustment_changes_something'),
        ),
        migrations.AddConstraint(
            model_name='invoicerun',
            constraint=models.UniqueConstraint(fields=('currency', 'period_start'), name='revenue_invoicerun_one_a_month'),
        ),
        migrations.AddConstraint(
            model_name='invoicerun',
            constraint=models.CheckConstraint(condition=models.Q(('finished_at__isnull', True), ('approved_at__isnull', False), _connector='OR'), name='revenue_invoicerun_approved_before_finished'),
        ),
        migrations.AddIndex(
            model_name='dailyuse',
            index=models.Index(fields=['customer', 'day', 'meter'], name='revenue_dailyuse_by_day'),
        ),
        migrations.AddConstraint(
            model_name='dailyuse',
            constraint=models.UniqueConstraint(condition=models.Q(('is_correction', False)), fields=('customer', 'meter', 'day'), name='revenue_dailyuse_one_first_row_a_day'),
        ),
        migrations.AddConstraint(
            model_name='dailyuse',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', 0), ('is_correction', True), _connector='OR'), name='revenue_dailyuse_only_corrections_negative'),
        ),
        migrations.AddIndex(
            model_name='mrrmovement',
            index=models.Index(fields=['currency', 'on', 'kind', 'amount', 'payers'], name='revenue_mrrmovement_booked'),
        ),
        migrations.AddIndex(
            model_name='mrrmovement',
            index=models.Index(fields=['currency', 'effective_on', 'kind', 'amount', 'payers'], name='revenue_mrrmovement_effective'),
        ),
        migrations.AddConstraint(
            model_name='mrrmovement',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('is_adjustment', True), _connector='OR'), name='revenue_mrrmovement_only_adjustments_negative'),
        ),
        migrations.AddConstraint(
            model_name='mrrmovement',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), ('payers', 0), _negated=True), name='revenue_mrrmovement_changes_something'),
        ),
        migrations.AddConstraint(
            model_name='mrrmovement',
            constraint=models.CheckConstraint(condition=models.Q(('effective_on__lte', models.F('on'))), name='revenue_mrrmovement_not_booked_ahead'),
        ),
        migrations.AddConstraint(
            model_name='mrrmovement',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['new', 'reactivation', 'expansion', 'contraction', 'churn'])), name='revenue_mrrmovement_known_kind'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['currency', 'paid_on'], name='revenue_payment_by_day'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='revenue_payment_amount_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='pricebookversion',
            constraint=models.UniqueConstraint(fields=('book', 'number'), name='revenue_pricebookversion_one_a_number'),
        ),
        migrations.AddConstraint(
            model_name='pricebookversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('digest', ''), ('published_at__isnull', True), ('state', 'draft')), models.Q(models.Q(('state', 'draft'), _negated=True), ('published_at__isnull', False), models.Q(('digest', ''), _negated=True)), _connector='OR'), name='revenue_pricebookversion_published_has_digest'),
        ),
        migrations.AddConstraint(
            model_name='pricebookversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('retired_at__isnull', False), ('state', 'retired')), models.Q(models.Q(('state', 'retired'), _negated=True), ('retired_at__isnull', True)), _connector='OR'), name='revenue_pricebookversion_retired_has_time'),
        ),
        migrations.AddConstraint(
            model_name='pricebookversion',
            constraint=models.CheckConstraint(condition=models.Q(('largest_discount__gte', 0), ('largest_discount__lte', 100)), name='revenue_pricebookversion_discount_is_percent'),
        ),
        migrations.AddConstraint(
            model_name='pricebookversion',
            constraint=models.CheckConstraint(condition=models.Q(('largest_change__isnull', True), ('largest_change__gte', 0), _connector='OR'), name='revenue_pricebookversion_change_not_negative'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(fields=['state', 'kind'], name='revenue_opportunity_by_state'),
        ),
        migrations.AddIndex(
            model_name='opportunity',
            index=models.Index(fields=['customer', 'decided_at'], name='revenue_opportunity_decided'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'offered'])), fields=('customer', 'kind'), name='revenue_opportunity_one_open_a_kind'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('gain_high__gte', models.F('gain')), ('gain_low__lte', models.F('gain'))), name='revenue_opportunity_gain_in_interval'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__gte', 0), ('confidence__lte', 1)), name='revenue_opportunity_confidence_is_a_share'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', revenue.upsell.states.OpportunityState['OFFERED']), _negated=True), ('offered_at__isnull', False), _connector='OR'), name='revenue_opportunity_offered_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='opportunity',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', [revenue.upsell.states.OpportunityState['ACCEPTED'], revenue.upsell.states.OpportunityState['DECLINED']]), _negated=True), ('decided_at__isnull', False), _connector='OR'), name='revenue_opportunity_decided_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('customer', 'period_start'), name='revenue_invoice_one_a_month'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('carried__gte', 0), ('total__gte', 0)), name='revenue_invoice_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('period_end__gt', models.F('period_start'))), name='revenue_invoice_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='pricefactor',
            constraint=models.UniqueConstraint(fields=('version', 'kind', 'plan', 'metric', 'above'), name='revenue_pricefactor_one_a_plans_bound'),
        ),
        migrations.AddConstraint(
            model_name='pricefactor',
            constraint=models.UniqueConstraint(condition=models.Q(('plan__isnull', True)), fields=('version', 'kind', 'metric', 'above'), name='revenue_pricefactor_one_a_bound'),
        ),
        migrations.AddConstraint(
            model_name='pricefactor',
            constraint=models.CheckConstraint(condition=models.Q(('above__gte', 0), ('value__gte', 0)), name='revenue_pricefactor_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='pricefactor',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'company'), ('plan__isnull', False)), models.Q(models.Q(('kind', 'company'), _negated=True), ('plan__isnull', True)), _connector='OR'), name='revenue_pricefactor_company_has_plan'),
        ),
        migrations.AddConstraint(
            model_name='planrule',
            constraint=models.UniqueConstraint(fields=('version', 'plan', 'source', 'metric'), name='revenue_planrule_one_a_metric'),
        ),
        migrations.AddConstraint(
            model_name='planrule',
            constraint=models.CheckConstraint(condition=models.Q(('above__gte', 0)), name='revenue_planrule_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='planprice',
            constraint=models.UniqueConstraint(fields=('version', 'plan'), name='revenue_planprice_one_a_plan'),
        ),
        migrations.AddConstraint(
            model_name='planprice',
            constraint=models.CheckConstraint(condition=models.Q(('base_price__gte', 0)), name='revenue_planprice_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='planprice',
            constraint=models.CheckConstraint(condition=models.Q(('floor__isnull', True), ('floor__gte', 0), _connector='OR'), name='revenue_planprice_floor_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='planprice',
            constraint=models.CheckConstraint(condition=models.Q(('floor__isnull', True), ('ceiling__isnull', True), ('floor__lte', models.F('ceiling')), _connector='OR'), name='revenue_planprice_floor_below_ceiling'),
        ),
        migrations.AddConstraint(
            model_name='quote',
            constraint=models.CheckConstraint(condition=models.Q(('final_price__gte', 0)), name='revenue_quote_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='quote',
            constraint=models.CheckConstraint(condition=models.Q(('agreed_price__isnull', True), ('agreed_price__gte', 0), _connector='OR'), name='revenue_quote_agreed_not_negative'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['currency', 'plan', 'amount'], name='revenue_subscription_by_plan'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='revenue_subscription_amount_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('ended_on__isnull', True), ('ended_on__gte', models.F('started_on')), _connector='OR'), name='revenue_subscription_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('ended_on__isnull', True), ('amount', 0), _connector='OR'), name='revenue_subscription_ended_amount_is_zero'),
        ),
        migrations.AddConstraint(
            model_name='subscriptionchange',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='revenue_subscriptionchange_amount_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='subscriptionchange',
            constraint=models.CheckConstraint(condition=models.Q(('is_end', False), ('amount', 0), _connector='OR'), name='revenue_subscriptionchange_end_amount_is_zero'),
        ),
        *OPERATIONS,
    ]
