"""A relying party nobody here wrote: Authlib drives a running bank from discovery to the revoked token.

    python authlib_client.py DATA_DIRECTORY CLIENT...

Authlib knows no pushed requests and no DPoP, so the pushed form is the query of the authorization URL that Authlib
makes, sent under Authlib's client authentication, and only clients with certificate-bound tokens take part. Exit code 0:
everything held; 1: something did not; 2: wrong usage.
"""

import html
import json
import re
import sys
import time
import tomllib
import traceback
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc import jwt
from joserfc.jwk import KeySet, import_key

BASE = "/open-finance/payment/v1"
ACCOUNT = "acc-mariam-1"


class DoesNotHold(Exception):
    """Something that must hold does not."""


def check(holds, what):
    if not holds:
        raise DoesNotHold(what)


def refused(attempt, error, what):
    try:
        attempt()
    except OAuthError as fault:
        check(fault.error == error, f"{what} is refused with {error}, not {fault.error}")
    else:
        raise DoesNotHold(f"{what} is refused")


class ShortAssertion(PrivateKeyJWT):
    """Assertions for the issuer, good for a minute: Authlib's own are for an hour, and the bank takes five minutes."""

    def sign(self, auth, token_endpoint):
        return private_key_jwt_sign(
            auth.client_secret, auth.client_id, token_endpoint, alg=self.alg, header=self.headers, expires_in=60
        )


class Customer:
    """Follows redirects, keeps cookies, signs in, picks the account and approves."""

    def __init__(self, authority, demo):
        self.http = requests.Session()
        self.http.trust_env = False  # otherwise a certificate bundle of the environment replaces ours
        self.http.verify = authority
        self.demo = demo

    def approve(self, start, redirect_uri):
        answer = self.http.get(start, allow_redirects=False)
        for _ in range(10):
            if answer.status_code == 303:
                target = urljoin(answer.url, answer.headers["location"])
                if target.startswith(redirect_uri):
                    return target
                answer = self.http.get(target, allow_redirects=False)
                continue
            check(answer.status_code == 200, f"the page answers 200: {answer.status_code} {answer.text}")
            action, fields = self.fill(answer.text)
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(answer.url))
            answer = self.http.post(
                urljoin(answer.url, action), data=fields, headers={"origin": origin}, allow_redirects=False
            )
        raise DoesNotHold("the pages come to an end")

    def fill(self, page):
        button = 'id="approve"' if 'id="approve"' in page else 'id="sign-in"'
        form = next((form for form in re.findall(r"<form.*?</form>", page, re.S) if button in form), None)
        check(form, f"the page has a form with {button}")
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        fields = {name: html.unescape(value) for name, value in hidden}
        if "approve" in button:
            check(f'name="accounts" value="{ACCOUNT}"' in form, "the account can be chosen")
            fields |= {"accounts": ACCOUNT, "decision": "approve"}
        else:
            fields |= self.demo
        return html.unescape(re.search(r'action="([^"]*)"', form)[1]), fields


def payment_details(consent):
    today = datetime.now(timezone(timedelta(hours=4))).date()
    amount = {"Amount": "1.25", "Currency": "AED"}
    return {
        "Type": "PaymentConsent",
        "Data": {
            "ConsentId": consent,
            "AuthorizationExpirationTimeWindow": "01:00:00",
            "ExpirationDateTime": f"{today}T23:59:59+04:00",
            "ControlParameters": {
                "IsPayByAccount": False,
                "ConsentSchedule": {"SinglePayment": {"Type": "UAEOF.SingleInstantPayment", "Amount": amount}},
            },
            "Initiation": {
                "CreditorAccount": {
                    "IdentificationType": "UAEOF.IBAN",
                    "Identification": "AE050260001015432198765",
                    "Name": {"en": "Date Palm Books LLC"},
                    "TradingName": {"en": "Palm Books"},
                }
            },
            "PayerReference": "order 2",
            "BeneficiaryReference": "2",
            "PaymentPurposeCode": "GDDS",
        },
    }


class Run:
    """One client from discovery to revocation."""

    def __init__(self, directory, toml, name):
        self.toml, self.name, self.entry, self.heard = toml, name, toml["clients"][name], []
        file = lambda key: directory / "tpp" / self.entry[key]
        check(self.entry["sender_constraint"] == "mtls", "Authlib makes no DPoP proofs")
        kind = {"PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}[self.entry["signing_alg"]]
        self.key = import_key(file("signing_key").read_bytes(), kind, {"kid": self.entry["signing_kid"]})
        self.authority = str(directory / "ca.pem")
        is_assertion = self.entry["token_endpoint_auth_method"] == "private_key_jwt"
        method = "private_key_jwt" if is_assertion else "none"
        self.session = OAuth2Session(
            name,
            self.key if is_assertion else None,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            redirect_uri=self.entry["redirect_uri"],
            scope="openid profile payments",
            code_challenge_method="S256",
        )
        self.session.trust_env = False
        self.session.verify = self.authority
        self.session.cert = (str(file("certificate")), str(file("certificate_key")))
        if is_assertion:
            self.session.register_client_auth_method(
                ShortAssertion(
                    toml["issuer"], headers={"kid": self.entry["signing_kid"]}, alg=self.entry["signing_alg"]
                )
            )

    def go(self):
        self.discover()
        code_url = self.authorize()
        self.tokens(code_url)
        self.use()
        self.end(code_url)

    def discover(self):
        url = self.toml["issuer"] + "/.well-known/openid-configuration"
        self.server = requests.get(url, verify=self.authority).json()
        check(self.server["issuer"] == self.toml["issuer"], "the metadata is of this issuer")
        check(self.server["require_pushed_authorization_requests"], "the metadata demands pushed requests")
        self.alias = self.server["mtls_endpoint_aliases"]
        keys = requests.get(self.server["jwks_uri"], verify=self.authority).json()
        self.keys = KeySet.import_key_set(keys)
        self.heard.append("discovery")

    def authorize(self):
        self.verifier, self.nonce, self.consent = generate_token(64), generate_token(32), str(uuid.uuid4())
        asked, self.state = self.session.create_authorization_url(
            self.server["authorization_endpoint"],
            code_verifier=self.verifier,
            nonce=self.nonce,
            authorization_details=json.dumps([payment_details(self.consent)]),
        )
        form = dict(parse_qsl(urlsplit(asked).query))
        if self.session.token_endpoint_auth_method == "none":
            del form["client_id"]  # the method adds it, and the bank takes no parameter twice
        auth = self.session.client_auth(self.session.token_endpoint_auth_method)
        endpoint = self.alias["pushed_authorization_request_endpoint"]
        pushed = self.session.post(endpoint, data=form, auth=auth, withhold_token=True)
        check(pushed.status_code == 201, f"the request is pushed: {pushed.status_code} {pushed.text}")
        self.heard.append("PAR")
        start = requests.Request(
            "GET",
            self.server["authorization_endpoint"],
            params={"client_id": self.name, "request_uri": pushed.json()["request_uri"]},
        ).prepare()
        returned = Customer(self.authority, self.toml["demo"]).approve(start.url, self.entry["redirect_uri"])
        told = dict(parse_qsl(urlsplit(returned).query))
        check(told.get("iss") == self.toml["issuer"], "the answer names its issuer (RFC 9207)")
        self.heard.append("sign-in and approval")
        return returned

    def fetch(self, code_url):
        return self.session.fetch_token(
            self.alias["token_endpoint"],
            authorization_response=code_url,
            state=self.state,
            code_verifier=self.verifier,
            redirect_uri=self.entry["redirect_uri"],
        )

    def tokens(self, code_url):
        token = dict(self.fetch(code_url))
        check(token["token_type"].lower() == "bearer", "a certificate-bound token is a bearer token")
        check(token["authorization_details"][0]["Data"]["ConsentId"] == self.consent, "the consent is told")
        identity = jwt.decode(token["id_token"], self.keys, algorithms=["PS256", "ES256"])
        claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.toml["issuer"]},
            aud={"essential": True, "value": self.name},
            nonce={"essential": True, "value": self.nonce},
            exp={"essential": True},
            iat={"essential": True},
        )
        claims.validate(identity.claims)
        self.subject, self.first = identity.claims["sub"], token
        self.heard.append("code, tokens, ID token")

    def use(self):
        info = self.session.get(self.alias["userinfo_endpoint"])
        check(info.status_code == 200 and info.json()["sub"] == self.subject, f"userinfo: {info.text}")
        self.heard.append("userinfo")
        second = self.session.refresh_token(self.alias["token_endpoint"], scope=self.first["scope"])
        check(second["access_token"] != self.first["access_token"], "a refresh brings another token")
        self.heard.append("refresh")
        self.pay()
        self.heard.append("payment")
        told = self.introspect(second["access_token"])
        check(told["active"] is True and "x5t#S256" in told["cnf"], "the renewed token is active and bound")
        self.heard.append("introspection")

    def introspect(self, token):
        return self.session.introspect_token(self.alias["introspection_endpoint"], token).json()

    def pay(self):
        now, interaction = int(time.time()), str(uuid.uuid4())
        amount = {"Amount": "1.25", "Currency": "AED"}
        order = {"ConsentId": self.consent, "Instruction": {"Amount": amount}, "PaymentPurposeCode": "GDDS"}
        claims = {
            "iss": self.entry["participant_id"],
            "aud": [self.toml["issuer"]],
            "iat": now,
            "nbf": now,
            "exp": now + 120,
            "message": {"Data": order},
        }
        alg = self.entry["signing_alg"]
        header = {"alg": alg, "kid": self.entry["signing_kid"], "typ": "JWT"}
        answer = self.session.post(
            self.toml["resource_mtls"] + BASE + "/payments",
            data=jwt.encode(header, claims, self.key, algorithms=[alg]),
            headers={
                "content-type": "application/jwt",
                "accept": "application/jwt",
                "x-idempotency-key": str(uuid.uuid4()),
                "x-fapi-interaction-id": interaction,
            },
        )
        check(answer.status_code == 201, f"the payment is made: {answer.status_code} {answer.text}")
        check(answer.headers["x-fapi-interaction-id"] == interaction, "the interaction id returns")
        signed = jwt.decode(answer.text, self.keys, algorithms=["PS256", "ES256"])
        check(signed.claims["message"]["Data"]["ConsentId"] == self.consent, "the signed answer is about this consent")

    def end(self, code_url):
        access, refresh = self.session.token["access_token"], self.session.token["refresh_token"]
        gone = self.session.revoke_token(self.alias["revocation_endpoint"], refresh)
        check(gone.status_code == 200, f"the revocation is taken: {gone.status_code} {gone.text}")
        check(self.introspect(access) == {"active": False}, "a revoked grant is inactive")
        info = self.session.get(self.alias["userinfo_endpoint"])
        check(info.status_code == 401, "a revoked access token opens nothing")
        again = lambda: self.session.refresh_token(self.alias["token_endpoint"], refresh)
        refused(again, "invalid_grant", "a revoked refresh token")
        refused(lambda: self.fetch(code_url), "invalid_grant", "a code used before")
        self.heard.append("revocation")


def main(directory, *clients):
    with open(Path(directory) / "tpp" / "tpp.toml", "rb") as file:
        toml = tomllib.load(file)
    failed = 0
    for name in clients:
        try:
            run = Run(Path(directory), toml, name)
            run.go()
        except Exception:  # whatever goes wrong is told, and the next client still has its turn
            failed = 1
            print(f"RED  Authlib as {name}")
            traceback.print_exc(limit=-3, chain=False, file=sys.stdout)
        else:
            entry = run.entry
            ways = (entry["token_endpoint_auth_method"], entry["signing_alg"], entry["sender_constraint"])
            print(f"ok   Authlib as {name} ({', '.join(ways)}): {', '.join(run.heard)}")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else 2)
