"""The tables of words that searches read (models/search.py), and the triggers that keep them.

SQLite: an FTS5 table for each noun; its words are found by their beginnings, accents off. PostgreSQL: a tsvector of the
same words, made by `portal_words`, which needs no extension. A row's words may be those of others, too: a link is found
by its customer's name. What changes there changes here, by the triggers of CHANGES.
A later migration that rebuilds one of these tables in SQLite loses its triggers: see 0003. It calls `drop_triggers`
first and `create_triggers` last.
"""

import string

from django.db import migrations

# In front of a mark: what no word has in the one index or the other (models/search.py).
_MARK = {"sqlite": "char(57344)", "postgresql": "chr(1)"}
_OWNER = "COALESCE(c.name, '') || ' ' || COALESCE(c.company, '')"
_PHONE = "r.phone"
for _character in (" ", "-", "(", ")", ".", "+", "/"):
    _PHONE = f"REPLACE({_PHONE}, '{_character}', '')"

# Noun → the words of its rows. {mark} begins a mark, {join} puts texts of several rows together.
WORDS = {
    "customer": f"""SELECT r.id AS id, r.name || ' ' || r.company || ' ' || r.email || ' ' || r.street || ' ' || r.city
        || ' ' || r.phone || ' ' || {_PHONE} || ' ' || COALESCE(r.external_id, '')
        || ' ' || COALESCE(r.reference_id, '') || COALESCE(' ' || {{mark}} || 'u' || r.utility_id, '')
        || COALESCE(' ' || {{mark}} || 'r' || r.assigned_rep_id, '')
        || COALESCE(' ' || {{mark}} || 'r' || r.added_by_id, '') AS text
        FROM authorizations_customer r""",
    "link": f"""SELECT r.id AS id, {_OWNER} || ' ' || COALESCE(c.email, '') || ' ' || COALESCE(c.external_id, '')
        || ' ' || r.label || ' ' || COALESCE(r.reference_id, '') || ' ' || r.code
        || ' ' || {{mark}} || 'f' || r.flow_id || ' ' || {{mark}} || 't' || COALESCE(c.customer_type, '')
        || ' ' || COALESCE({{mark}} || 'u' || r.utility_id,
            (SELECT {{join}}({{mark}} || 'u' || q.utility_id, ' ')
                FROM authorizations_link_requested_utilities q WHERE q.link_id = r.id),
            {{mark}} || 'u' || c.utility_id, '') AS text
        FROM authorizations_link r LEFT JOIN authorizations_customer c ON c.id = r.customer_id""",
    "paperauthorization": f"""SELECT r.id AS id, {_OWNER} || ' ' || COALESCE(c.external_id, '')
        || ' ' || r.reference_id AS text
        FROM authorizations_paperauthorization r JOIN authorizations_customer c ON c.id = r.customer_id""",
    "meter": f"""SELECT r.id AS id, REPLACE(CAST(r.meter_id AS text), '-', '') || ' ' || r.partner_reference || ' ' ||
        COALESCE((SELECT {{join}}({_OWNER} || ' ' || COALESCE(l.reference_id, p.reference_id, '')
                || ' ' || {{mark}} || 'm' || x.matched_by, ' ')
            FROM authorizations_metermatch x LEFT JOIN authorizations_link l ON l.id = x.link_id
            LEFT JOIN authorizations_paperauthorization p ON p.id = x.paper_id
            LEFT JOIN authorizations_customer c ON c.id = COALESCE(l.customer_id, p.customer_id)
            WHERE x.meter_id = r.id), {{mark}} || 'mnone' || CASE WHEN r.partner_reference = ''
                AND CAST(r.connection_references AS text) = '[]' THEN ' ' || {{mark}} || 'mnever' ELSE '' END) AS text
        FROM authorizations_meter r""",
    "confirmation": """SELECT r.id AS id, r.reference_id || ' ' || r.authorization_id || ' ' || COALESCE(l.code, '')
        || COALESCE(' ' || {mark} || 'c' || l.campaign_id, '') AS text
        FROM authorizations_confirmation r LEFT JOIN authorizations_link l ON l.id = r.link_id""",
    "event": """SELECT r.id AS id, r.reference_id || ' ' || r.meter_id || ' ' || REPLACE(r.meter_id, '-', '')
        || ' ' || r.webhook_event_id || ' ' || REPLACE(r.webhook_event_id, '-', '') AS text
        FROM authorizations_event r""",
}

_METERS_OF_LINK = "r.id IN (SELECT x.meter_id FROM authorizations_metermatch x WHERE x.link_id = {row}.id)"
_METERS_OF_CUSTOMER = """r.id IN (
    SELECT x.meter_id FROM authorizations_metermatch x JOIN authorizations_link l ON l.id = x.link_id
        WHERE l.customer_id = {row}.id
    UNION SELECT x.meter_id FROM authorizations_metermatch x
        JOIN authorizations_paperauthorization p ON p.id = x.paper_id WHERE p.customer_id = {row}.id)"""

# Table, the columns whose change counts, and whose words change then: noun and which rows of it. {row} is the row.
CHANGES = [
    (
        "customer",
        (
            *("name", "company", "email", "street", "city", "phone", "external_id", "reference_id"),
            *("utility_id", "assigned_rep_id", "added_by_id"),
        ),
        [("customer", "r.id = {row}.id")],
    ),
    (
        "customer",
        ("name", "company", "email", "external_id", "customer_type", "utility_id"),
        [
            ("link", "r.customer_id = {row}.id"),
            ("paperauthorization", "r.customer_id = {row}.id"),
            ("meter", _METERS_OF_CUSTOMER),
        ],
    ),
    (
        "link",
        ("customer_id", "label", "utility_id"),
        [("link", "r.id = {row}.id"), ("meter", _METERS_OF_LINK)],
    ),
    ("link", ("campaign_id",), [("confirmation", "r.link_id = {row}.id")]),
    ("paperauthorization", ("customer_id", "reference_id"), [("paperauthorization", "r.id = {row}.id")]),
    ("meter", ("meter_id", "partner_reference", "connection_references"), [("meter", "r.id = {row}.id")]),
    ("confirmation", ("reference_id", "authorization_id", "link_id"), [("confirmation", "r.id = {row}.id")]),
    ("event", ("reference_id", "meter_id", "webhook_event_id"), [("event", "r.id = {row}.id")]),
]
# Tables between two nouns: each row that comes, changes or goes changes the words of the row it names.
PARTS = [("link_requested_utilities", "link", "link_id"), ("metermatch", "meter", "meter_id")]


# The few texts beyond ASCII take the longer way. Accents go, be they parts of their letters or not; models/search.py does
# the same to what is asked for.
_BEYOND_ASCII = r"""regexp_replace(normalize(regexp_replace(normalize($1, NFD), '[\u0300-\u036F]', '', 'g'), NFC),
    '[\u0080-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u2000-\u206F\u3000-\u3003]', ' ', 'g')"""
_PUNCTUATION = string.punctuation.replace("'", "''")
PORTAL_WORDS = f"""CREATE FUNCTION portal_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $words$
    SELECT array_to_tsvector(array_remove(string_to_array(lower(translate(
        CASE WHEN octet_length($1) = length($1) THEN $1 ELSE {_BEYOND_ASCII} END,
        '{_PUNCTUATION}', '{" " * len(string.punctuation)}')), ' '), '')) $words$"""


class Sql:
    """The statements, in one database's own words."""

    def __init__(self, vendor):
        self.postgresql = vendor == "postgresql"
        self.names = {
            "mark": _MARK[vendor],
            "join": "string_agg" if self.postgresql else "group_concat",
        }

    def table(self, noun):
        if self.postgresql:
            yield f"CREATE TABLE authorizations_{noun}words (rowid bigint PRIMARY KEY, text tsvector NOT NULL)"
        else:
            yield (
                f"CREATE VIRTUAL TABLE authorizations_{noun}words USING fts5"
                "(text, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3', detail = none)"
            )

    def refresh(self, noun, which):
        source = WORDS[noun].format(**self.names)
        table = f"authorizations_{noun}words"
        if self.postgresql:
            return (
                f"INSERT INTO {table} (rowid, text) SELECT s.id, portal_words(s.text) FROM ({source} WHERE {which}) s "
                "ON CONFLICT (rowid) DO UPDATE SET text = EXCLUDED.text;"
            )
        rows = f"SELECT r.id FROM authorizations_{noun} r WHERE {which}"
        return f"DELETE FROM {table} WHERE rowid IN ({rows}); INSERT INTO {table} (rowid, text) {source} WHERE {which};"

    def triggers(self):
        """Name, table, when, body."""
        for noun in WORDS:
            table = f"authorizations_{noun}"
            if self.postgresql:
                added = "AFTER INSERT", "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
                yield f"{noun}_words_added", table, *added, self.refresh(noun, "r.id IN (SELECT id FROM added)")
                emptied = f"TRUNCATE authorizations_{noun}words;"
                yield f"{noun}_words_emptied", table, "AFTER TRUNCATE", "FOR EACH STATEMENT", emptied
            else:
                source = WORDS[noun].format(**self.names)
                insert = f"INSERT INTO authorizations_{noun}words (rowid, text) {source} WHERE r.id = NEW.id;"
                yield f"{noun}_words_added", table, "AFTER INSERT", "", insert
            gone = f"DELETE FROM authorizations_{noun}words WHERE rowid = OLD.id;"
            yield f"{noun}_words_gone", table, "AFTER DELETE", "FOR EACH ROW", gone
        for number, (noun, columns, changed) in enumerate(CHANGES, start=1):
            differs = "IS DISTINCT FROM" if self.postgresql else "IS NOT"
            when = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
            body = " ".join(self.refresh(other, which.format(row="NEW")) for other, which in changed)
            event = f"AFTER UPDATE OF {', '.join(columns)}"
            yield f"words_change_{number}", f"authorizations_{noun}", event, f"FOR EACH ROW WHEN ({when})", body
        for part, noun, key in PARTS:
            table = f"authorizations_{part}"
            if self.postgresql:
                for event, name in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                    how = f"REFERENCING {name} TABLE AS part FOR EACH STATEMENT"
                    body = self.refresh(noun, f"r.id IN (SELECT {key} FROM part)")
                    yield f"{noun}_words_part_{event.lower()}", table, f"AFTER {event}", how, body
            else:
                for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                    body = self.refresh(noun, f"r.id = {row}.{key}")
                    yield f"{noun}_words_part_{event.lower()}", table, f"AFTER {event}", "", body

    def create_trigger(self, name, table, event, how, body):
        if not self.postgresql:
            yield f"CREATE TRIGGER {name} {event} ON {table} {how} BEGIN {body} END"
            return
        yield (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $words$ BEGIN {body} RETURN NULL; END $words$"
        )
        yield f"CREATE TRIGGER {name} {event} ON {table} {how} EXECUTE FUNCTION {name}()"

    def drop_trigger(self, name, table):
        if not self.postgresql:
            yield f"DROP TRIGGER {name}"
            return
        yield f"DROP TRIGGER {name} ON {table}"
        yield f"DROP FUNCTION {name}()"


def _run(schema_editor, statement):
    schema_editor.execute(statement.replace("%", "%%"), [])


def create_triggers(apps, schema_editor):
    sql = Sql(schema_editor.connection.vendor)
    for trigger in sql.triggers():
        for statement in sql.create_trigger(*trigger):
            _run(schema_editor, statement)


def drop_triggers(apps, schema_editor):
    sql = Sql(schema_editor.connection.vendor)
    for name, table, *_ in sql.triggers():
        for statement in sql.drop_trigger(name, table):
            _run(schema_editor, statement)


def create_words(apps, schema_editor):
    sql = Sql(schema_editor.connection.vendor)
    if sql.postgresql:
        _run(schema_editor, PORTAL_WORDS)
    for noun in WORDS:
        for statement in sql.table(noun):
            _run(schema_editor, statement)
        for statement in filter(None, sql.refresh(noun, "1 = 1").split("; ")):
            _run(schema_editor, statement)
        if sql.postgresql:
            # After the rows: one at a time would take many times as long.
            _run(schema_editor, f"CREATE INDEX {noun}_words ON authorizations_{noun}words USING gin (text)")
            _run(schema_editor, f"ANALYZE authorizations_{noun}words")


def drop_words(apps, schema_editor):
    for noun in WORDS:
        _run(schema_editor, f"DROP TABLE authorizations_{noun}words")
    if schema_editor.connection.vendor == "postgresql":
        _run(schema_editor, "DROP FUNCTION portal_words(text)")


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0026_list_indexes"),
    ]

    operations = [
        migrations.RunPython(create_words, drop_words),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
