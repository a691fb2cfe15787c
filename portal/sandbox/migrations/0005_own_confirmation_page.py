"""The portal's own confirmation page, as flows had it from their first visit, wherever the portal is reached by now."""

from urllib.parse import urlsplit

from django.db import migrations

_THANKS = "/leap/thanks"
_HERE = {"127.0.0.1", "localhost", "::1"}


def name_own_page(apps, schema_editor):
    flows = apps.get_model("sandbox", "Flow").objects
    for flow in flows.filter(final_redirect_url__endswith=_THANKS).order_by("pk"):
        address = urlsplit(flow.final_redirect_url)
        if address.hostname in _HERE and address.path == _THANKS:
            flows.filter(pk=flow.pk).update(final_redirect_url=_THANKS)


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0004_run_sandbox")]

    operations = [migrations.RunPython(name_own_page, migrations.RunPython.noop)]
