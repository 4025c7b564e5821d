"""How generated requests reach the bank: with a token of the kind the operation asks for, with identifiers that exist where any
would do, and, where the interface signs its bodies, signed. Answers that are signed are opened and held against the
description, too."""

import base64
import json
import os
import zlib
from pathlib import Path

import jsonschema_rs
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation

from party import ACCOUNTS, CLIENT, PAYEE_V1_2, Party

KIND = os.environ["MANDATE_INTERFACE"]
USERNAME = {"ofxpera": "maria"}.get(KIND, "mariam")
PARTY = Party(os.environ["MANDATE_DATA_DIR"], USERNAME)
SIGNED = "application/jwt"
PEM = Path(PARTY.certificate[0]).read_text()
DOCUMENT = {}
AUTHENTICATING = {"/oauth/par", "/oauth/token", "/oauth/authorize"}


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        kind = case.operation.definition.raw.get("x-token")
        if case.operation.path in AUTHENTICATING:
            return None  # by the certificate of the connection
        return PARTY.own() if kind == "client" else PARTY.customers(KIND)

    def set(self, case, token, context):
        if token:
            case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_load_schema(context, schema):
    """Signed bodies are generated as the messages that are in them; signed answers are opened by the check below."""
    DOCUMENT.update(json.loads(json.dumps(schema)))
    quick(schema)
    for item in schema["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            if SIGNED in content:
                content[SIGNED] = {"schema": message_of(content[SIGNED]["schema"])}
            for response in operation["responses"].values():
                if SIGNED in response.get("content", {}):
                    response["content"][SIGNED] = {}


LETTERS = "abcXYZ019.-'éñÄ日本سلام€"
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)
schemathesis.openapi.format("line", WORDS)


def quick(schema):
    """Lines of visible characters have an expression that takes seconds to generate from."""
    if isinstance(schema, dict):
        if "maxLength" in schema and not schema.get("pattern", "").isascii():
            schema["format"] = "line"
            del schema["pattern"]
        for value in schema.values():
            quick(value)
    elif isinstance(schema, list):
        for value in schema:
            quick(value)


def message_of(schema):
    return schema["contentSchema"]["prefixItems"][1]["properties"]["message"]


def honest(case, place):
    """Whether this part of the case is meant to be taken."""
    part = case.meta.components.get(place) if case.meta else None
    return part is None or part.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    definition = case.operation.definition.raw
    names = {(one["in"], one["name"]) for one in definition.get("parameters", [])}
    if ("header", "participant-id") in names and honest(case, ParameterLocation.HEADER):
        case.headers["participant-id"] = PARTY.entry["participant_id"]
    if case.path_parameters and honest(case, ParameterLocation.PATH) and coin(case.path_parameters):
        known = existing(case.operation.path)
        case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
    if honest(case, ParameterLocation.QUERY) and "oldest-time" in (case.query or {}):
        case.query.pop("newest-time", None)  # the one may not be later than the other, which is now by default
        if str(case.query["oldest-time"])[:4] > "2020":
            case.query.pop("oldest-time")
    body = original(case)
    if body and honest(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        if case.operation.path.startswith("/oauth/"):
            as_client(case.body)
        agree(case.body.get("data") or case.body)
        if coin(case.body):
            exist(case.body.get("data") or case.body.get("Data"))
    if SIGNED in body and isinstance(case.body, (dict, list)):
        case.body = PARTY.signed(case.body).encode()


def as_client(form):
    """Who asks, and half of all times what a good request asks for."""
    form.pop("client_assertion", None)
    form.pop("client_assertion_type", None)
    form["client_id"] = CLIENT
    if "grant_type" in form and coin(form):
        form.clear()
        form.update(grant_type="client_credentials", client_id=CLIENT, scope="consent products")
    elif "grant_type" not in form and "token" not in form and coin(form):
        form.pop("request", None)
        form.update(PARTY.request("openid"))


def original(case):
    operation = DOCUMENT["paths"][case.operation.path][case.operation.method.lower()]
    return operation.get("requestBody", {}).get("content", {})


def coin(value):
    """Half of all values, always the same."""
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode()) % 2 == 0


def existing(path):
    """Identifiers of things that exist, by their names in the path."""
    if "/consent/" in path:
        return {"id": PARTY.consent}
    if "/customer/" in path:
        return {"id": "cus-maria"}
    if "/organization/" in path:
        return {"id": "bayan-trust"}
    if "/payment-consents/" in path:
        return {"ConsentId": PARTY.uae_consent}
    return {"id": ACCOUNTS[1]}


def agree(members):
    """What no schema says: which members go together."""
    asked = members.get("permissions")
    if asked and not {"PERA_BALANCE", "PERA_INVESTMENT_DETAILS", "PERA_TRANSACTIONS"}.isdisjoint(asked):
        members["permissions"] = sorted({"PERA_BASIC_INFO", *asked})
    if "PAYMENT_INITIATE" not in (asked or []):
        members.pop("payment_limits", None)
    elif limits := members.get("payment_limits"):
        limits["max_total_amount"] = limits["max_individual_amount"]
    if "data_holder_id" in members:
        members["data_holder_id"] = PARTY.toml["data_holder"]
    if "certificate" in members:
        members["certificate"] = PEM
    for name in ("sub", "arrangementId"):
        if name in members:
            members[name] = {"sub": "cus-maria", "arrangementId": PARTY.consent}[name]
            members.get("personalInformation", {})["sub"] = "cus-maria"
    if (KIND.startswith("uae") and "Status" in (members.get("Data") or {})) or "Subscription" in members or not members:
        # the consent is needed by the requests that follow
        members.pop("Data", None)
        members["Subscription"] = {"Webhook": {"IsActive": True}}


def exist(members):
    members = members or {}
    if "PersonalIdentifiableInformation" in members:
        members["PersonalIdentifiableInformation"] = PARTY.personal({"Initiation": PAYEE_V1_2})
    known = {"sourceAccountId": ACCOUNTS[0], "peraAccountId": ACCOUNTS[1], "data_holder_id": "bayan-trust"}
    known |= {"ConsentId": getattr(PARTY, "uae_consent", None), "PaymentPurposeCode": "ACM" if KIND == "uae-v1.2" else "GDDS"}
    if isinstance(members, dict):
        members.update({name: value for name, value in known.items() if name in members})


@schemathesis.check
def signed_answers_are_as_described(context, response, case):
    operation = DOCUMENT["paths"][case.operation.path][case.operation.method.lower()]
    described = operation["responses"].get(str(response.status_code), {}).get("content", {})
    if SIGNED not in described or not response.content:
        return
    media = response.headers["content-type"][0].split(";")[0]
    if media != SIGNED and media in described:
        return
    assert media == SIGNED, media
    payload = response.content.decode().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    schema = {"components": DOCUMENT["components"], "allOf": [message_of(described[SIGNED]["schema"])]}
    jsonschema_rs.validate(schema, claims["message"])
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        # the consent may say no; the form of the request may not
        error = claims["message"]["Errors"][0]
        # no pattern knows which weekday a date is, or which months have thirty days
        is_calendar = error.get("Path") == "x-fapi-auth-date"
        assert is_calendar or error["Code"].startswith("Consent."), f"what is described is refused with {error}"
