"""The utilities of Leap's page "Collect Data Authorizations", section 3: the seed of the table, not the truth."""

from django.db import migrations

UTILITIES = [
    # utility_id, name, short_name, name in Leap's API, region, Legacy ShareMyData
    ("pge", "Pacific Gas & Electric (PG&E)", "PG&E", "PGE", "CAISO", True),
    ("sce", "Southern California Edison (SCE)", "SCE", "SCE", "CAISO", True),
    ("sdge", "San Diego Gas & Electric (SDG&E)", "SDG&E", "SDGE", "CAISO", True),
    ("cecony-utilityapi", "Consolidated Edison (ConEd)", "ConEd", "CECONY", "NYISO", False),
    ("oru-utilityapi", "Orange and Rockland Utilities (O&RU)", "O&RU", "ORU", "NYISO", False),
    ("psegli-utilityapi", "PSEG Long Island (PSEG-LI)", "PSEG-LI", "PSEGLI", "NYISO", False),
]


def seed(apps, schema_editor):
    Utility = apps.get_model("authorizations", "Utility")
    for utility_id, name, short_name, leap_name, region, legacy in UTILITIES:
        Utility.objects.get_or_create(
            utility_id=utility_id,
            defaults={
                "name": name,
                "short_name": short_name,
                "leap_name": leap_name,
                "region": region,
                "supports_legacy": legacy,
                "supports_connect": True,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0001_initial")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
