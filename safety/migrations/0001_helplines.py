
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Helpline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('country', models.CharField(blank=True, help_text='Two letters, as in NZ. Empty: everywhere.', max_length=2)),
                ('name', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('emergency', 'Emergency number'), ('line', 'Line to call'), ('text', 'Line to text'), ('chat', 'Line to chat with')], max_length=10)),
                ('display', models.CharField(blank=True, help_text='As people there write it: 116 123.', max_length=30, verbose_name='number')),
                ('tel', models.CharField(blank=True, help_text='Digits alone, as dialled inside the country. A short code with + does not ring.', max_length=16, verbose_name='number to dial')),
                ('sms', models.CharField(blank=True, help_text='Digits alone.', max_length=16, verbose_name='number to text')),
                ('sms_word', models.CharField(blank=True, max_length=20, verbose_name='word to text')),
                ('chat_url', models.URLField(blank=True, verbose_name='page of the chat')),
                ('hours', models.CharField(blank=True, max_length=100)),
                ('languages', models.CharField(blank=True, max_length=100)),
                ('for_whom', models.CharField(blank=True, max_length=100)),
                ('source', models.TextField(blank=True, help_text='Addresses where this was read, one a line.', verbose_name='sources')),
                ('shown', models.BooleanField(default=True)),
                ('position', models.PositiveSmallIntegerField(default=100, help_text='Small numbers come first in a country.')),
                ('status', models.CharField(choices=[('to be checked by the operator', 'To be checked'), ('checked', 'Checked')], default='to be checked by the operator', max_length=32)),
                ('verified_at', models.DateField(blank=True, null=True)),
                ('verified_by', models.CharField(blank=True, max_length=150)),
                ('seed', models.CharField(editable=False, max_length=40, null=True, unique=True)),
                ('shipped', models.JSONField(editable=False, null=True)),
            ],
            options={
                'ordering': ('country', 'position', 'pk'),
                'constraints': [models.CheckConstraint(condition=models.Q(('country__regex', '^([A-Z]{2})?$')), name='helpline_country_is_a_code'), models.CheckConstraint(condition=models.Q(('tel__regex', '^(\\+[0-9]{7,15}|[0-9]{2,15})?$')), name='helpline_rings_inside_the_country', violation_error_message='Digits alone, as dialled inside the country; a short code has no plus.'), models.CheckConstraint(condition=models.Q(('sms__regex', '^(\\+[0-9]{7,15}|[0-9]{2,15})?$')), name='helpline_texts_inside_the_country', violation_error_message='The number to text: digits alone; a short code has no plus.'), models.CheckConstraint(condition=models.Q(('display__regex', '^[0-9 -]*$')), name='helpline_display_is_digits', violation_error_message='The number is written with digits, spaces and hyphens.'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('emergency', 'line')), ('tel__gt', '')), models.Q(('kind', 'text'), ('sms__gt', '')), models.Q(('chat_url__gt', ''), ('kind', 'chat')), _connector='OR'), name='helpline_can_be_reached', violation_error_message='A number to dial, a number to text or a page, as its kind says.'), models.UniqueConstraint(fields=('country', 'kind', 'tel', 'sms', 'chat_url'), name='helpline_is_there_once')],
            },
        ),
    ]
