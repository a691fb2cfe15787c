"""Jobs that were made before: their keys go from the parameters into rows; those that have ended keep the number."""

from django.db import migrations


def move_keys(apps, schema_editor):
    Job = apps.get_model("authorizations", "Job")
    JobRow = apps.get_model("authorizations", "JobRow")
    for job in Job.objects.order_by("pk").iterator():
        keys = job.parameters.pop("customers", None) or job.parameters.pop("links", None) or []
        if "utilities" in job.parameters:
            job.parameters["wanted"] = job.parameters.pop("utilities")
        job.total = len(keys)
        if job.state == "done":
            job.done = job.total
        else:
            JobRow.objects.bulk_create([JobRow(job=job, row=key) for key in keys], batch_size=2000)
        job.save(update_fields=["parameters", "total", "done"])


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0016_job_rows"),
    ]

    operations = [migrations.RunPython(move_keys, migrations.RunPython.noop, elidable=True)]
