from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_what_the_team_may_do'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='user',
            options={'permissions': [('end_sessions', 'Can end the sessions of people'), ('deactivate_user', 'Can deactivate people, and let them in again'), ('erase_user', 'Can start and call off the erasure of people'), ('assign_roles', 'Can give and take the roles Editor, Moderator and Support')]},
        ),
    ]
