"""Open a task for each authorization that Leap already said is lost. As services/reauthorizations.py does it."""

from django.db import migrations
from django.db.models import Q
from django.utils import timezone

_BATCH = 1000


def open_tasks(apps, schema_editor):
    meters = apps.get_model("authorizations", "Meter").objects
    actions = apps.get_model("authorizations", "RequiredAction").objects
    tasks = apps.get_model("authorizations", "Reauthorization").objects
    lost = Q(party="partner") & (Q(action_code="AUTH_0001") | Q(action_type="IS_AUTHORIZED"))
    now, last = timezone.now(), 0
    while True:
        found = meters.filter(pk__gt=last, needs_authorization=True, is_archived=False).order_by("pk")
        pks = list(found.values_list("pk", flat=True)[:_BATCH])
        if not pks:
            return
        last = pks[-1]
        first = {}
        for action in actions.filter(lost, meter__in=pks):
            known = first.get(action.meter_id)
            if known is None or (
                action.deadline_at and (not known.deadline_at or action.deadline_at < known.deadline_at)
            ):
                first[action.meter_id] = action
        tasks.bulk_create(
            [
                tasks.model(
                    meter_id=pk,
                    code=(first[pk].action_code or first[pk].action_type)[:30] if pk in first else "",
                    deadline_at=first[pk].deadline_at if pk in first else None,
                    opened_at=now,
                )
                for pk in pks
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0022_figures_and_lost_authorizations"),
    ]

    operations = [migrations.RunPython(open_tasks, migrations.RunPython.noop, elidable=True)]
