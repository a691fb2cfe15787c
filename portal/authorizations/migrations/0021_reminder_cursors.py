"""In a database that is in use already the planner of reminders begins with what is new from now on."""

from typing import Any

from django.db import migrations
from django.db.models import Max
from django.utils import timezone

BY_KEY = {"visits": "Visit", "returns": "Confirmation", "matches": "MeterMatch"}
BY_MOMENT = ("events", "mails", "decisions")


def begin_here(apps: Any, schema_editor: Any) -> None:
    cursors = apps.get_model("authorizations", "ReminderCursor").objects
    now = timezone.now()
    for source, model in BY_KEY.items():
        last = apps.get_model("authorizations", model).objects.aggregate(last=Max("pk"))["last"]
        if last:
            cursors.get_or_create(source=source, defaults={"last_id": last, "last_at": now})
    if apps.get_model("authorizations", "Event").objects.exists():
        for source in BY_MOMENT:
            cursors.get_or_create(source=source, defaults={"last_at": now})


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0020_reminders"),
    ]

    operations = [migrations.RunPython(begin_here, migrations.RunPython.noop)]
