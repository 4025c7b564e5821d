"""A third party of the running bank: its tokens, and the consent behind them. Reads what the bank wrote for it."""

import base64
import hashlib
import html
import json
import os
import re
import secrets
import time
import tomllib
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CLIENT = "luzon-bank"
ACCOUNTS = ["sa-58f1", "pa-1"]
PERMISSIONS = [
    "PERA_BASIC_INFO", "PERA_BALANCE", "PERA_INVESTMENT_DETAILS", "PERA_TRANSACTIONS", "SOURCE_ACCOUNT_READ",
    "CUSTOMER_READ", "CUSTOMER_DETAIL_READ", "CUSTOMER_ONBOARD", "ACCOUNT_OPEN", "PAYMENT_INITIATE",
]  # fmt: skip
CUSTOMER_SCOPE = (
    "openid accounts.basic accounts.details bank_account customer customer_details customer_onboarding"
    " accounts.open payments"
)
OWN_SCOPE = "consent products payments admin:read admin:write"
PAYEE = {
    "IdentificationType": "UAEOF.IBAN",
    "Identification": "AE050260001015432198765",
    "Name": {"en": "Date Palm Books LLC"},
}
PAYEE_V1_2 = {
    "CreditorAccount": {
        "SchemeName": "IBAN",
        "Identification": PAYEE["Identification"],
        "Name": PAYEE["Name"],
    }
}
RENEW_AFTER_S = 240


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def instant(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Party:
    """One client with a certificate, and the tokens it holds."""

    def __init__(self, directory, username):
        folder = Path(directory) / "tpp"
        self.toml = tomllib.loads((folder / "tpp.toml").read_text())
        entry = self.entry = self.toml["clients"][CLIENT]
        self.username = username
        self.authority = str(Path(directory) / "ca.pem")
        self.certificate = (str(folder / entry["certificate"]), str(folder / entry["certificate_key"]))
        self.key = load_pem_private_key((folder / entry["signing_key"]).read_bytes(), None)
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify, self.http.cert = self.authority, self.certificate
        url = self.toml["issuer"] + "/.well-known/openid-configuration"
        self.server = self.http.get(url).json()
        self.held = {}

    def own(self, scope=OWN_SCOPE):
        """A token of the client for itself."""
        return self.kept(("own", scope), lambda: self.token(grant_type="client_credentials", scope=scope))

    def customers(self, kind):
        """A customer's token, for a consent of its own kind: `ofxpera`, `uae` or `uae-v1.2`."""
        refresh = self.held.get(("refresh", kind))
        renew = lambda: self.token(grant_type="refresh_token", refresh_token=refresh)
        return self.kept(("customer", kind), renew if refresh else lambda: self.approved(kind))

    def kept(self, name, make):
        token, since = self.held.get(name, (None, 0.0))
        if time.monotonic() - since > RENEW_AFTER_S:
            answer = make()
            token = answer["access_token"]
            self.held[name] = (token, time.monotonic())
            if "refresh_token" in answer:
                self.held[("refresh", name[1])] = answer["refresh_token"]
        return token

    def token(self, **form):
        endpoint = self.server["mtls_endpoint_aliases"]["token_endpoint"]
        answer = self.http.post(endpoint, data={"client_id": CLIENT, **form})
        answer.raise_for_status()
        return answer.json()

    def request(self, scope, **members):
        """The parameters of a good authorization request."""
        return {
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": self.entry["redirect_uri"],
            "scope": scope,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": b64(hashlib.sha256(secrets.token_bytes(32)).digest()),
            "code_challenge_method": "S256",
            **members,
        }

    def approved(self, kind):
        detail, accounts, scope = getattr(self, re.sub(r"\W", "_", kind))()
        verifier, returning = secrets.token_urlsafe(48), self.entry["redirect_uri"]
        form = self.request(
            scope,
            code_challenge=b64(hashlib.sha256(verifier.encode()).digest()),
            authorization_details=json.dumps([detail]),
        )
        alias = self.server["mtls_endpoint_aliases"]
        pushed = self.http.post(alias["pushed_authorization_request_endpoint"], data=form)
        assert pushed.status_code == 201, pushed.text
        start = self.server["authorization_endpoint"]
        start += f"?client_id={CLIENT}&request_uri={pushed.json()['request_uri']}"
        told = dict(parse_qsl(urlsplit(self.decide(start, returning, accounts)).query))
        return self.token(
            grant_type="authorization_code", code=told["code"], redirect_uri=returning, code_verifier=verifier
        )

    def decide(self, start, returning, accounts):
        """Signs in, ticks the accounts and approves, as the forms of the pages ask."""
        browser = requests.Session()
        browser.trust_env, browser.verify = False, self.authority
        answer = browser.get(start, allow_redirects=False)
        for _ in range(10):
            if answer.status_code == 303:
                target = urljoin(answer.url, answer.headers["location"])
                if target.startswith(returning):
                    return target
                answer = browser.get(target, allow_redirects=False)
                continue
            assert answer.status_code == 200, answer.text
            button = 'id="approve"' if 'id="approve"' in answer.text else 'id="sign-in"'
            form = next(form for form in re.findall(r"<form.*?</form>", answer.text, re.S) if button in form)
            fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
            fields = [(name, html.unescape(value)) for name, value in fields]
            if "approve" in button:
                fields += [("accounts", account) for account in accounts] + [("decision", "approve")]
            else:
                fields += [("username", self.username), ("password", self.toml["demo"]["password"])]
            action = html.unescape(re.search(r'action="([^"]*)"', form)[1])
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(answer.url))
            answer = browser.post(
                urljoin(answer.url, action), data=fields, headers={"origin": origin}, allow_redirects=False
            )
        raise AssertionError("the pages come to no end")

    def ofxpera(self):
        now = datetime.now(timezone.utc)
        wanted = {
            "data_holder_id": self.toml["data_holder"],
            "permissions": PERMISSIONS,
            "sharing_duration": {"start_date": instant(now), "end_date": instant(now + timedelta(days=30))},
            "purpose": "generated requests",
        }
        answer = self.http.post(
            self.toml["resource_mtls"] + "/OFPH/v1/common/consent",
            json={"data": wanted},
            headers={"authorization": f"Bearer {self.own()}", "participant-id": self.entry["participant_id"]},
        )
        assert answer.status_code == 201, answer.text
        self.consent = answer.json()["data"]["id"]
        return {"type": "urn:ofxpera:consent:v1", "consentId": self.consent}, ACCOUNTS, CUSTOMER_SCOPE

    def uae(self):
        self.uae_consent = str(uuid.uuid4())
        amount = {"Amount": "100.00", "Currency": "AED"}
        most = {"Amount": "90000.00", "Currency": "AED"}
        schedule = {
            "Type": "UAEOF.VariableOnDemandPayment",
            "MaximumIndividualPaymentAmount": amount,
            "MaximumCumulativeNumberOfPayments": 900,
            "MaximumCumulativeValueOfPayments": most,
        }
        ends = datetime.now(timezone(timedelta(hours=4))).date() + timedelta(days=30)
        data = {
            "ConsentId": self.uae_consent,
            "ExpirationDateTime": f"{ends}T23:59:59+04:00",
            "ControlParameters": {"ConsentSchedule": {"MultiPayment": schedule}},
            "Initiation": {"CreditorAccount": PAYEE},
            "PayerReference": "order 3",
            "PaymentPurposeCode": "GDDS",
        }
        return {"Type": "PaymentConsent", "Data": data}, ["acc-mariam-1"], "openid payments"

    def uae_v1_2(self):
        """A consent to pay one payee on demand: who that is, is encrypted to the bank."""
        self.uae_consent = str(uuid.uuid4())
        now = datetime.now(timezone.utc)
        most = {"Amount": "90000.00", "Currency": "AED"}
        periodic = {
            "Type": "VariableOnDemand",
            "PeriodType": "Month",
            "PeriodStartDate": f"{datetime.now(timezone(timedelta(hours=4))).date()}",
            "Controls": {"MaximumIndividualAmount": {"Amount": "100.00", "Currency": "AED"}},
        }
        schedule = {
            "MaximumCumulativeNumberOfPayments": 900,
            "MaximumCumulativeValueOfPayments": most,
            "PeriodicSchedule": periodic,
        }
        consent = {
            "ConsentId": self.uae_consent,
            "IsSingleAuthorization": True,
            "AuthorizationExpirationDateTime": instant(now + timedelta(minutes=30)),
            "ExpirationDateTime": instant(now + timedelta(days=30)),
            "Permissions": ["ReadRefundAccount"],
            "ControlParameters": {"ConsentSchedule": {"MultiPayment": schedule}},
            "PersonalIdentifiableInformation": self.personal({"Initiation": {"Creditor": [PAYEE_V1_2]}}),
            "PaymentPurposeCode": "ACM",
        }
        detail = {"type": "urn:openfinanceuae:service-initiation-consent:v1.2", "consent": consent}
        return detail, ["acc-mariam-1"], "openid payments"

    def personal(self, said):
        """Who pays whom: signed by us and encrypted to the bank (RSA-OAEP-256, A256GCM)."""
        found = self.http.get(self.server["jwks_uri"]).json()["keys"]
        key = next(one for one in found if one.get("use") == "enc" and one["alg"] == "RSA-OAEP-256")
        number = lambda name: int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big")
        public = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
        header = b64(json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": key["kid"]}).encode())
        content, nonce = os.urandom(32), os.urandom(12)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        sealed = AESGCM(content).encrypt(nonce, self.jws(said).encode(), header.encode())
        parts = [public.encrypt(content, oaep), nonce, sealed[:-16], sealed[-16:]]
        return ".".join([header, *map(b64, parts)])

    def signed(self, message):
        """A message as the UAE interface takes it: in a signed JWT."""
        now = int(time.time())
        claims = {
            "iss": self.entry["participant_id"],
            "aud": [self.toml["issuer"]],
            "iat": now,
            "nbf": now,
            "exp": now + 120,
            "message": message,
        }
        return self.jws(claims)

    def jws(self, claims):
        header = {"alg": "ES256", "kid": self.entry["signing_kid"], "typ": "JWT"}
        text = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        numbers = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + b64(b"".join(number.to_bytes(32, "big") for number in numbers))
