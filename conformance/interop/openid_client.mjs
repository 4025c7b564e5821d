// A relying party nobody here wrote: openid-client drives a running bank from discovery to the revoked token.
//
//   node openid_client.mjs DATA_DIRECTORY CLIENT...
//
// Everything of OAuth and OpenID Connect is the library's; ours are the TLS connection, the customer with a browser
// that knows forms and cookies, and the signed payment order. Exit code 0: everything held; 1: something did not.

import { readFileSync } from 'node:fs';
import { createPrivateKey, randomUUID } from 'node:crypto';
import https from 'node:https';
import path from 'node:path';
import * as oidc from 'openid-client';
import { SignJWT, createRemoteJWKSet, customFetch as joseFetch, jwtVerify } from 'jose';

const BASE = '/open-finance/payment/v1';

/** `tpp.toml` as the bank writes it: tables of text values. */
function readToml(file) {
  const root = {};
  let table = root;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const header = line.match(/^\[([\w.-]+)\]$/);
    const pair = line.match(/^(\w+) = "(.*)"$/);
    if (header) table = header[1].split('.').reduce((at, name) => (at[name] ??= {}), root);
    else if (pair) table[pair[1]] = pair[2];
  }
  return root;
}

/** The Fetch API over connections that trust one authority and may show a certificate. */
function fetchOver(tls) {
  const agent = new https.Agent({ ...tls, keepAlive: true });
  const fetch = (url, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const plain = Object.fromEntries(new Headers(headers));
      const request = https.request(url, { method, headers: plain, agent }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => {
          const told = new Headers();
          for (let at = 0; at < answer.rawHeaders.length; at += 2) {
            told.append(answer.rawHeaders[at], answer.rawHeaders[at + 1]);
          }
          const bodyless = [204, 303, 304].includes(answer.statusCode);
          const content = bodyless ? null : Buffer.concat(parts);
          resolve(new Response(content, { status: answer.statusCode, headers: told }));
        });
      });
      request.on('error', reject);
      request.end(body === undefined || body === null ? undefined : String(body));
    });
  return { fetch, close: () => agent.destroy() };
}

/** The customer: follows redirects, keeps cookies, signs in, picks the account and approves. */
async function approve(fetch, start, redirectUri, demo, account) {
  const cookies = new Map();
  let request = { url: new URL(start) };
  for (let step = 0; step < 10; step += 1) {
    const { url, form } = request;
    const headers = { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') };
    if (form) Object.assign(headers, { 'content-type': 'application/x-www-form-urlencoded', origin: url.origin });
    const answer = await fetch(url.href, { method: form ? 'POST' : 'GET', headers, body: form });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair] = cookie.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    if (answer.status === 303) {
      const next = new URL(answer.headers.get('location'), url);
      if (next.href.startsWith(redirectUri)) return next;
      request = { url: next };
      continue;
    }
    const html = await answer.text();
    check(answer.status === 200, `the page at ${url.pathname} answers 200, not ${answer.status}: ${html}`);
    request = fillForm(html, url, demo, account);
  }
  throw new Error('the pages never end');
}

/** The value of an HTML attribute. */
function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) return named[name] ?? whole;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : parseInt(decimal, 10));
  });
}

function fillForm(html, url, demo, account) {
  const button = html.includes('id="approve"') ? 'id="approve"' : 'id="sign-in"';
  const form = html.match(/<form[\s\S]*?<\/form>/g)?.find((text) => text.includes(button));
  check(form, `the page has a form with ${button}`);
  const fields = new URLSearchParams();
  for (const [, name, value] of form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)) {
    fields.append(name, unescape(value));
  }
  if (button === 'id="approve"') {
    check(form.includes(`name="accounts" value="${account}"`), `${account} can be chosen`);
    fields.append('accounts', account);
    fields.append('decision', 'approve');
  } else {
    fields.append('username', demo.username);
    fields.append('password', demo.password);
  }
  return { url: new URL(unescape(form.match(/action="([^"]*)"/)[1]), url), form: fields.toString() };
}

function paymentDetails(consent) {
  const day = new Date(Date.now() + 4 * 3600e3).toISOString().slice(0, 10);
  return {
    Type: 'PaymentConsent',
    Data: {
      ConsentId: consent,
      AuthorizationExpirationTimeWindow: '01:00:00',
      ExpirationDateTime: `${day}T23:59:59+04:00`,
      ControlParameters: {
        IsPayByAccount: false,
        ConsentSchedule: {
          SinglePayment: { Type: 'UAEOF.SingleInstantPayment', Amount: { Amount: '1.50', Currency: 'AED' } },
        },
      },
      Initiation: {
        CreditorAccount: {
          IdentificationType: 'UAEOF.IBAN',
          Identification: 'AE050260001015432198765',
          Name: { en: 'Date Palm Books LLC' },
          TradingName: { en: 'Palm Books' },
        },
      },
      PayerReference: 'order 1',
      BeneficiaryReference: '1',
      PaymentPurposeCode: 'GDDS',
    },
  };
}

function check(holds, what) {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

async function refused(promise, error, what) {
  const fault = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  const told = fault?.error ?? fault?.cause?.[0]?.parameters?.error ?? fault?.cause?.error;
  check(told === error, `${what} is refused with ${error}: ${fault ? `${fault} ${told}` : 'it was taken'}`);
}

async function drive(directory, toml, id) {
  const entry = toml.clients[id];
  const file = (name) => readFileSync(path.join(directory, 'tpp', name));
  const algorithm = entry.signing_alg === 'EdDSA' ? 'Ed25519' : entry.signing_alg;
  const usesAssertion = entry.token_endpoint_auth_method === 'private_key_jwt';
  const isMtls = entry.sender_constraint === 'mtls';
  const ca = readFileSync(path.join(directory, 'ca.pem'));
  const shown = isMtls || !usesAssertion ? { cert: file(entry.certificate), key: file(entry.certificate_key) } : {};
  const { fetch, close } = fetchOver({ ca, ...shown });
  const browser = fetchOver({ ca });
  const heard = [];
  const steps = (what) => heard.push(what);

  const key = await importKey(file(entry.signing_key), algorithm);
  const authentication = usesAssertion
    ? oidc.PrivateKeyJwt({ key, kid: entry.signing_kid })
    : oidc.TlsClientAuth();
  const metadata = {
    use_mtls_endpoint_aliases: isMtls || !usesAssertion,
    id_token_signed_response_alg: 'ES256',
  };
  const config = await oidc.discovery(new URL(toml.issuer), id, metadata, authentication, {
    [oidc.customFetch]: fetch,
    algorithm: 'oidc',
  });
  const server = config.serverMetadata();
  check(server.require_pushed_authorization_requests === true, 'the metadata demands pushed requests');
  check(server.authorization_response_iss_parameter_supported === true, 'the metadata promises iss');
  steps('discovery');

  const dpop = isMtls ? undefined : oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()];
  const consent = randomUUID();
  const parameters = {
    redirect_uri: entry.redirect_uri,
    scope: 'openid profile payments',
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    authorization_details: JSON.stringify([paymentDetails(consent)]),
  };
  const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: dpop });
  check([...url.searchParams.keys()].sort().join() === 'client_id,request_uri', `the browser carries two parameters: ${url}`);
  steps('PAR');

  const returned = await approve(browser.fetch, url.href, entry.redirect_uri, toml.demo, 'acc-mariam-1');
  steps('sign-in and approval');
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
  const redeem = () => oidc.authorizationCodeGrant(config, returned, checks, undefined, { DPoP: dpop });
  const tokens = await redeem();
  check(tokens.authorization_details[0].Data.ConsentId === consent, 'the token response tells the consent');
  check(tokens.token_type === (isMtls ? 'bearer' : 'dpop'), `the token type is ${tokens.token_type}`);
  const subject = tokens.claims().sub;
  steps('code, tokens, ID token');
  return { config, dpop, tokens, redeem, subject, steps, heard, key, algorithm, entry, consent, toml, fetch, isMtls, usesAssertion,
    close: () => [close(), browser.close()] };
}

async function importKey(pem, algorithm) {
  const parameters = {
    PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
    ES256: { name: 'ECDSA', namedCurve: 'P-256' },
    Ed25519: { name: 'Ed25519' },
  };
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', der, parameters[algorithm], false, ['sign']);
}

/** A signed payment order under the consent, and the bank's signed answer. */
async function pay({ config, dpop, tokens, key, entry, consent, toml, fetch, isMtls, usesAssertion }) {
  const id = entry.participant_id;
  const origin = isMtls || !usesAssertion ? toml.resource_mtls : toml.resource;
  const order = await new SignJWT({
    message: {
      Data: { ConsentId: consent, Instruction: { Amount: { Amount: '1.50', Currency: 'AED' } }, PaymentPurposeCode: 'GDDS' },
    },
  })
    .setProtectedHeader({ alg: entry.signing_alg, kid: entry.signing_kid, typ: 'JWT' })
    .setIssuer(id).setAudience([toml.issuer]).setIssuedAt().setNotBefore('0s').setExpirationTime('2m')
    .sign(key);
  const headers = new Headers({
    'content-type': 'application/jwt', accept: 'application/jwt', 'x-idempotency-key': randomUUID(),
    'x-fapi-interaction-id': randomUUID(),
  });
  const url = new URL(`${origin}${BASE}/payments`);
  const answer = await oidc.fetchProtectedResource(config, tokens.access_token, url, 'POST', order, headers, { DPoP: dpop });
  const text = await answer.text();
  check(answer.status === 201, `the payment is made: ${answer.status} ${text}`);
  check(answer.headers.get('x-fapi-interaction-id') === headers.get('x-fapi-interaction-id'), 'the interaction id returns');
  const jwks = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri), { [joseFetch]: fetch });
  const { payload } = await jwtVerify(text, jwks, { issuer: toml.issuer, audience: id, algorithms: ['PS256', 'ES256'] });
  check(payload.message.Data.ConsentId === consent, 'the signed answer is about this consent');
}

async function afterwards(session) {
  const { config, dpop, tokens, redeem, subject, steps } = session;
  const info = await oidc.fetchUserInfo(config, tokens.access_token, subject, { DPoP: dpop });
  check(info.name, 'userinfo tells the name');
  steps('userinfo');
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop });
  check(renewed.access_token !== tokens.access_token, 'a refresh brings another token');
  steps('refresh');
  await pay({ ...session, tokens: renewed });
  steps('payment');
  const told = await oidc.tokenIntrospection(config, renewed.access_token);
  check(told.active === true && told.cnf, 'the renewed token is active and bound');
  steps('introspection');
  await oidc.tokenRevocation(config, tokens.refresh_token);
  check((await oidc.tokenIntrospection(config, renewed.access_token)).active === false, 'a revoked grant is inactive');
  await refused(oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop }), 'invalid_grant', 'a revoked refresh token');
  await refused(oidc.fetchUserInfo(config, renewed.access_token, subject, { DPoP: dpop }), 'invalid_token', 'a revoked access token');
  await refused(redeem(), 'invalid_grant', 'a code used before');
  steps('revocation');
}

const [directory, ...clients] = process.argv.slice(2);
const toml = readToml(path.join(directory, 'tpp', 'tpp.toml'));
let failed = 0;
for (const id of clients) {
  try {
    const session = await drive(directory, toml, id);
    await afterwards(session);
    session.close();
    const { token_endpoint_auth_method: method, signing_alg: alg, sender_constraint: bound } = toml.clients[id];
    console.log(`ok   openid-client as ${id} (${method}, ${alg}, ${bound}): ${session.heard.join(', ')}`);
  } catch (fault) {
    failed = 1;
    console.log(`RED  openid-client as ${id}: ${fault.stack ?? fault}`);
    for (let cause = fault.cause; cause; cause = cause.cause) console.log('     because', cause);
  }
}
process.exit(failed || (clients.length === 0 ? 2 : 0));
