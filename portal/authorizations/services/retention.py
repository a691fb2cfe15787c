"""How long what is no record for good is kept: every age that the worker tidies by (services/tidying.py).

docs/privacy.md says the same to people.
"""

from datetime import timedelta

#: Uploaded lists with all that was made of them, sheets of codes, and the rows that a job was given or refused.
FILES_KEPT = timedelta(days=30)
#: A file or folder that no row names: the process died between writing the one and the other.
STRAY_KEPT = timedelta(days=1)
#: Syncs of meters and finished background tasks. Whatever needs the newest ones finds them.
RUNS_KEPT = timedelta(days=90)
#: Codes of a device's reserve after its access ended: they may have been shown, and customers follow later.
SHOWN_CODES_WORK = timedelta(days=30)
