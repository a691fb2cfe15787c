from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0029_settled_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="printjob",
            name="refused_count",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
