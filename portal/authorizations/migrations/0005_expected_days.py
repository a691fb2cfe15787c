"""How long the first utilities take, longest said by OhmConnect's FAQ (PG&E 4-6 days, SCE 5-7) and Leap (1-3 days)."""

from django.db import migrations

EXPECTED_DAYS = {"pge": 6, "sce": 7, "sdge": 7}


def set_expected_days(apps, schema_editor):
    for utility_id, days in EXPECTED_DAYS.items():
        apps.get_model("authorizations", "Utility").objects.filter(utility_id=utility_id).update(expected_days=days)


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0004_meters_events_paper")]

    operations = [migrations.RunPython(set_expected_days, migrations.RunPython.noop)]
