"""Which column of a customer list fills which field, told from the headers that other systems write.

Pure Python, no Django. The phrases come from the exports of HubSpot and Salesforce in our samples, and from what
Zoho, Pipedrive, QuickBooks, Shopify, Mailchimp, Google, Outlook, ServiceTitan, Jobber, Aurora and Enphase call things.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from portal.authorizations.services.customer_values import Refused, normalise_customer_type

# Field of an import → its name on the screens. The two names, and the parts of a street, are joined.
FIELDS: dict[str, str] = {
    "external_id": "External ID",
    "reference_id": "Own reference id",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "company": "Company",
    "email": "Email",
    "phone": "Phone",
    "street": "Street",
    "house_number": "House number",
    "street2": "Street, second line",
    "city": "City",
    "state": "State",
    "postal_code": "Postal code",
    "customer_type": "Customer type",
    "utility": "Utility",
    "language": "Language",
    "notes": "Notes",
    "rep": "Assigned rep",
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """Phrases that name a field, best first, and words around them that change nothing, from "best" to "poorest"."""

    phrases: tuple[str, ...]
    around: tuple[str, ...] = ()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(","))


_PERSON = ("contact", "primary", "main", "customer", "client", "person", "homeowner", "lead", "member", "resident")
_REACH = (
    *_PERSON,
    *_listed("preferred, best, 1, value, personal, mobile, cell, home, work, business, day, daytime, evening"),
)
# Addresses: the place where the meter hangs comes first. A word of this table also ties the parts of one address
# together, so that a street of one is never put beside the city of another.
_PLACES = {
    **dict.fromkeys(("service", "site", "installation", "install", "property", "premise", "premises", "location"), 0),
    **dict.fromkeys(("project", "job", "system", "servicio"), 0),
    "home": 2,
    "shipping": 3,
    "delivery": 3,
    "billing": 4,
    "mailing": 5,
    "mail": 5,
    "postal": 5,
    "correspondence": 5,
    "business": 6,
    "work": 6,
    "company": 6,
    "organization": 6,
    "other": 7,
}
_ADDRESS = (*_PERSON, "address", "default", "1", "account", *_PLACES)
_ADDRESS_FIELDS = frozenset(("street", "house_number", "street2", "city", "state", "postal_code"))

_RULES: dict[str, _Rule] = {
    "external_id": _Rule(
        _listed(
            "external id, customer id, customer no, customer number, customer external id, client id, client no,"
            "client number, record id, contact id, record id contact, person id, account id, lead id, id, j id,"
            "customer key, customer code, customer ref, unique id, crm id, site id, premise id, property id,"
            "location id, system id, project id, uid, uuid, id cliente, numero de cliente, no cliente, no de cliente,"
            "codigo de cliente, codigo cliente, kundennummer, kundennr, kunden nr, kunden id, kunde nr, kd nr, kdnr,"
            "organization id"
        ),
        _listed("external, our, own, internal, partner, crm, hubspot, salesforce, zoho, 18, digit, case, safe, unique"),
    ),
    # Nothing looser: this one stands in the URL that Leap sees.
    "reference_id": _Rule(
        _listed(
            "reference id, ref id, refid, partner reference, partner reference id, leap reference id, leap refid,"
            "leap ref id, leap reference, own reference id"
        )
    ),
    "name": _Rule(
        _listed(
            "full name, name, contact name, customer name, client name, person name, homeowner name, display name,"
            "lead name, customer, client, contact, homeowner, name and surname, nombre completo, nombre y apellidos,"
            "nombre y apellido, nombre, nombre del cliente, nombre cliente, cliente, vollstandiger name,"
            "vor und nachname, name vorname, kundenname, kunde, ansprechpartner"
        ),
        (*_PERSON, "1"),
    ),
    "first_name": _Rule(
        _listed(
            "first name, firstname, given name, forename, fname, first, nombre de pila, primer nombre, nombres, vorname"
        ),
        _PERSON,
    ),
    "last_name": _Rule(
        _listed(
            "last name, lastname, family name, surname, lname, last, apellidos, apellido, apellido paterno, nachname,"
            "familienname, zuname"
        ),
        _PERSON,
    ),
    "company": _Rule(
        _listed(
            "company, company name, organization, organisation, organization name, organisation name, business name,"
            "business, account name, parent account name, associated company, associated company name,"
            "primary associated company, firm, firm name, organization 1 name, empresa, nombre de la empresa,"
            "nombre de empresa, compania, razon social, organizacion, negocio, firma, firmenname, unternehmen,"
            "unternehmensname"
        ),
        _listed("customer, client, contact, default, address, 1, person"),
    ),
    "email": _Rule(
        _listed(
            "email, email address, emails, email addresses, email 1, email 1 value, mail, mail address, email id,"
            "correo electronico, correo, direccion de correo, direccion de correo electronico, email adresse,"
            "mailadresse, emailadresse"
        ),
        _REACH,
    ),
    "phone": _Rule(
        _listed(
            "phone, phone number, phone no, phone nos, phone no s, phones, phone numbers, telephone, telephone number,"
            "tel, tel no, mobile, mobile number, mobile no, cell, cell number, cell no, cellphone, contact number,"
            "phone 1 value, telefono, numero de telefono, telefono movil, movil, celular, telefon, telefonnummer,"
            "telefonnr, handy, handynummer,"
            "mobil, mobiltelefon"
        ),
        _REACH,
    ),
    "street": _Rule(
        _listed(
            "street road name of postal address, street road name of address,"
            "street, street address, address 1, address line 1, street 1, street address 1, street line 1, address,"
            "street address line 1, address street, address address 1, addr, addr 1, street name and number,"
            "address line, calle, calle y numero, direccion, domicilio, strasse, strasse und hausnummer,"
            "strasse hausnummer, strasse nr, adresse, anschrift, full address"
        ),
        _ADDRESS,
    ),
    "house_number": _Rule(
        _listed(
            "house number of postal address, house number of address, house number, house no, street number,"
            "street no, building number, hausnummer, hausnr, haus nr, numero exterior, num ext, no ext, numero"
        ),
        _ADDRESS,
    ),
    "street2": _Rule(
        _listed(
            "address 2, address line 2, street 2, street address 2, street line 2, street address line 2,"
            "address address 2, addr 2, apt, apartment, suite, unit, unit number, unit no, apt suite, apt no,"
            "apartment suite, apartment suite etc, direccion 2, adresszusatz"
        ),
        _ADDRESS,
    ),
    "city": _Rule(
        _listed(
            "city town village locality of postal address, city town village locality of address,"
            "city, town, city town, town city, municipality, locality, ciudad, municipio, localidad, poblacion, ort,"
            "stadt, wohnort"
        ),
        _ADDRESS,
    ),
    "state": _Rule(
        _listed(
            "state county of postal address, state county of address,"
            "state, state region, state province, province state, state or province, state code, state province code,"
            "state abbreviation, province code, province, st, region state, address region, address 1 region, estado,"
            "estado provincia, provincia, bundesland"
        ),
        _ADDRESS,
    ),
    "postal_code": _Rule(
        _listed(
            "zip postal code of postal address, zip postal code of address,"
            "zip, zip code, zipcode, postal code, postalcode, postcode, post code, zip postal code, postal zip code,"
            "zip postcode, post zip code, zip code postal code, postal zip, zip 5, zip 4, zip plus 4, codigo postal,"
            "cp, c p, plz, postleitzahl"
        ),
        _ADDRESS,
    ),
    "customer_type": _Rule(
        _listed(
            "customer type, customer class, client type, residential commercial, res comm, res com,"
            "residential or commercial,"
            "customer segment, account type, contact type, property type, market segment, segment, sector,"
            "customer category, class, type, account record type, tipo de cliente, tipo cliente, kundentyp, kundenart"
        )
    ),
    "utility": _Rule(
        _listed(
            "utility, utility id, utility provider, utility company, utility co, utility name, electric utility,"
            "power company, electric company, electricity provider, electric provider, energy provider, energy company,"
            "utilities, requested utility, requested utilities, empresa electrica, compania electrica, compania de luz,"
            "proveedor de electricidad, proveedor de energia, energieversorger, stromversorger, versorger,"
            "netzbetreiber"
        ),
        _listed("leap, local, current, electric, electricity, power, energy, serving, customer, site, service, s"),
    ),
    "language": _Rule(
        _listed(
            "language, preferred language, language preference, language code, lang, locale, spoken language,"
            "communication language, primary language, correspondence language, idioma, idioma preferido, lengua,"
            "sprache, bevorzugte sprache, korrespondenzsprache"
        ),
        _PERSON,
    ),
    "notes": _Rule(
        _listed(
            "notes, note, comments, comment, remarks, remark, memo, description, notas, nota, comentarios, comentario,"
            "observaciones, bemerkungen, bemerkung, anmerkungen, anmerkung, notizen, notiz, kommentar"
        ),
        (*_PERSON, "internal"),
    ),
    # A CRM's "owner" holds a full name, which signs nobody in: it is mapped by hand.
    "rep": _Rule(
        _listed(
            "assigned rep, rep, sales rep, field rep, assigned rep email, rep email, sales rep email, field rep email,"
            "rep username, assigned to email, assigned to, sales representative, representative, salesperson,"
            "owner email, contact owner email, account owner email, representante, vendedor, vertreter"
        )
    ),
}

# What was found without words around it is better than all that was found with some.
_EXACT, _LOOSE = 1000, 500
_WORDS = re.compile(r"[^\W\d_]+|\d+")
# "Last Name (required)", "State (2-letter)", "ZIP (5 digits)"; other brackets tell columns apart.
_REMARK = re.compile(
    r"[(\[]\s*(?:[^()\[\]]*\d[^()\[\]]*|required|optional|mandatory|pflichtfeld|pflicht|obligatorio|requerido)\s*[)\]]",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WEAK = frozenset(("type", "class", "segment", "sector", "account type", "contact type", "account record type"))


def words_of(header: str) -> tuple[str, ...]:
    """Return a header's words: "Billing Zip/Postal Code" and "billingZip_postalCode" give the same four."""
    text = _REMARK.sub(" ", header).replace("#", " no ").replace("№", " no ").replace("º", "o").replace("ß", "ss")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    found = _WORDS.findall(_HUMP.sub(" ", text).casefold())
    joined = re.sub(r"\be (mails?)\b", r"e\1", " ".join(found)).split()
    # "Contact: Contact ID" says contact once.
    return tuple(word for before, word in zip(["", *joined], joined, strict=False) if word != before)


def guess_columns(header: Sequence[str], sample: Sequence[Sequence[str]] = ()) -> dict[int, str]:
    """Return column number → field of FIELDS; every field at most once, columns that nothing fits are left out.

    ``sample``: some rows below the header. With them a column that is called just "Type" becomes the customer type
    only if some of its values are customer types: in many systems it holds "Prospect" or "Partner".
    """
    words = [words_of(name) for name in header]
    candidates = [
        (score, -index, field)
        for index, found in enumerate(words)
        for field, score in _score(found).items()
        if not (field == "customer_type" and " ".join(found) in _WEAK and not _some_are_types(index, sample))
    ]
    candidates = _keep_one_address(candidates, words)
    columns: dict[int, str] = {}
    taken: set[str] = set()
    for _, minus_index, field in sorted(candidates, reverse=True):
        if field not in taken and -minus_index not in columns:
            columns[-minus_index] = field
            taken.add(field)
    _settle_names(columns, words)
    return dict(sorted(columns.items()))


def check_columns(columns: Mapping[int, str], header: Sequence[str]) -> list[str]:
    """Return what is wrong with a choice of columns, in words; nothing if rows can be read with it."""
    wrong = []
    by_field: dict[str, int] = {}
    for index, field in sorted(columns.items()):
        if field not in FIELDS or not 0 <= index < len(header):
            wrong.append(f"Column {index + 1} → {field}: there is no such column or field.")
        elif by_field.setdefault(field, index) != index:
            first = header[by_field[field]]
            wrong.append(f"“{first}” and “{header[index]}” are both chosen as {FIELDS[field]}. Keep one of them.")
    if not by_field.keys() & {"name", "first_name", "last_name", "company"}:
        wrong.append("No column is chosen as Name or Company: a customer needs one of them.")
    return wrong


def _score(words: tuple[str, ...]) -> dict[str, int]:
    """Return the fields that a header's words may mean, each with a score above 0."""
    phrase = " ".join(words)
    scores = {}
    for field, rule in _RULES.items():
        base = _EXACT
        distance = rule.phrases.index(phrase) if phrase in rule.phrases else None
        if distance is None and rule.around:
            base = _LOOSE
            distance = min(_distances(words, rule), default=None)
        if distance is None:
            continue
        if field in _ADDRESS_FIELDS:
            # Which address it is says more than how it is spelled: "Service Address" is the site, "Street" may not be.
            base = _EXACT - 100 * _PLACES.get(_place_of(words), 1)
        scores[field] = base - distance
    return scores


def _distances(words: tuple[str, ...], rule: _Rule) -> Iterator[int]:
    """Yield how far each phrase within the words is from the best one, if all words around it change nothing."""
    for start, end in itertools.combinations(range(len(words) + 1), 2):
        phrase, others = " ".join(words[start:end]), words[:start] + words[end:]
        if phrase in rule.phrases and all(word in rule.around for word in others):
            yield rule.phrases.index(phrase) + sum(3 + rule.around.index(word) for word in others)


def _place_of(words: tuple[str, ...]) -> str:
    """Return the word that tells which of several addresses is meant; "" if none."""
    found = [word for word in words if word in _PLACES]
    # The "postal" of a postal code is none, and neither is the "unit" of a street.
    return "" if not found or found == ["postal"] else found[0]


def _keep_one_address(
    candidates: list[tuple[int, int, str]], words: Sequence[tuple[str, ...]]
) -> list[tuple[int, int, str]]:
    """Keep the parts of the address whose street is the best one, and those that name no address."""
    streets = [candidate for candidate in candidates if candidate[2] == "street"]
    if not streets:
        return candidates
    best = _place_of(words[-max(streets)[1]])
    keep = {"", best} if best else {"", *_parts_only(candidates, words)}
    return [
        candidate
        for candidate in candidates
        if candidate[2] not in _ADDRESS_FIELDS or _place_of(words[-candidate[1]]) in keep
    ]


def _parts_only(candidates: list[tuple[int, int, str]], words: Sequence[tuple[str, ...]]) -> set[str]:
    """Return the places that have no street of their own: "Address, City, Service Zip" is one address."""
    places = {_place_of(words[-minus_index]) for _, minus_index, field in candidates if field in _ADDRESS_FIELDS}
    return places - {_place_of(words[-minus_index]) for _, minus_index, field in candidates if field == "street"}


def _settle_names(columns: dict[int, str], words: Sequence[tuple[str, ...]]) -> None:
    """Settle what only the other columns tell: an account's name, "Nombre" beside "Apellidos"."""
    phrases = {" ".join(found): index for index, found in reversed(list(enumerate(words)))}
    by_field = {field: index for index, field in columns.items()}
    if "last_name" in by_field and "first_name" not in by_field and by_field.get("name") == phrases.get("nombre", -1):
        columns[phrases["nombre"]] = "first_name"
    if "first_name" in by_field and "last_name" not in by_field and "vorname" in phrases and "name" in phrases:
        columns[phrases["name"]] = "last_name"
    if not by_field.keys() & {"name", "first_name", "last_name"}:
        fallbacks: tuple[str, ...] = ("account name",)
        if "company" not in by_field:
            fallbacks += ("site name", "location name", "property name", "project name", "system name")
        for fallback in fallbacks:
            if fallback in phrases:
                columns[phrases[fallback]] = "name"
                return


def _some_are_types(index: int, sample: Sequence[Sequence[str]]) -> bool:
    values = {row[index].strip() for row in sample if index < len(row)} - {""}
    for value in values:
        try:
            normalise_customer_type(value)
        except Refused:
            continue
        return True
    return not values
