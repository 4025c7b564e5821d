// Another vendor's server for the runner: oidc-provider, set up as its documentation says for FAPI 2.0.
//
//   node server.mjs DIRECTORY PORT [security|signing]
//
// DIRECTORY holds what `run` made: ca.pem, server.pem, server.key, and clients.json. The pages of the sign-in are the
// least that a form can be, with the ids that run.toml names.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

import Provider from 'oidc-provider';

const [directory, port, plan = 'security'] = process.argv.slice(2);
const read = (name) => readFileSync(`${directory}/${name}`, 'utf8');
const { clients, jwks } = JSON.parse(read('clients.json'));
const issuer = `https://localhost:${port}`;
const ALGS = ['PS256', 'ES256', 'EdDSA'];
const signing = plan === 'signing';

const provider = new Provider(issuer, {
  clients: clients.map((client) => (signing ? { ...client, require_signed_request_object: true } : client)),
  jwks,
  cookies: { keys: ['a test'] },
  acceptQueryParamAccessTokens: false,
  clockTolerance: 10,
  pkce: { required: () => true },
  responseTypes: ['code'],
  scopes: ['openid', 'offline_access', 'payments'],
  claims: { openid: ['sub'] },
  clientAuthMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  enabledJWA: {
    clientAuthSigningAlgValues: ALGS,
    idTokenSigningAlgValues: ALGS,
    requestObjectSigningAlgValues: ALGS,
    userinfoSigningAlgValues: ALGS,
    authorizationSigningAlgValues: ALGS,
    introspectionSigningAlgValues: ALGS,
    dPoPSigningAlgValues: ALGS,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    fapi: { enabled: true, profile: '2.0' },
    introspection: { enabled: true },
    revocation: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    requestObjects: { enabled: true },
    jwtResponseModes: { enabled: signing },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => ctx.req.socket.getPeerX509Certificate()?.toString(),
      certificateAuthorized: (ctx) => ctx.req.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_subject_dn' &&
        ctx.req.socket.getPeerX509Certificate()?.subject.split('\n').reverse().join(',') === expected,
    },
    userinfo: { enabled: true },
  },
  // every grant of a demonstration may be refreshed
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: () => false,
  ttl: { AuthorizationCode: 60, AccessToken: 300, Interaction: 600, Session: 1200, Grant: 3600, RefreshToken: 3600, IdToken: 300 },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
});

const page = (body) => `<!doctype html><meta charset="utf-8"><title>Sign in</title>${body}`;
const loginForm = (uid) =>
  page(`<form method="post" action="/interaction/${uid}/login"><input id="username" name="username">
    <input id="password" name="password" type="password"><button id="sign-in">Sign in</button></form>`);
const consentForm = (uid) =>
  page(`<form method="post" action="/interaction/${uid}/decide">
    <button id="approve" name="decision" value="approve">Yes</button>
    <button id="deny" name="decision" value="deny">No</button></form>`);

provider.use(async (ctx, next) => {
  const [, root, uid, step] = ctx.path.split('/');
  if (root !== 'interaction') return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = prompt.name === 'login' ? loginForm(uid) : consentForm(uid);
    return undefined;
  }
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  let result;
  if (step === 'login') {
    result = form.get('password') === 'open sesame' ? { login: { accountId: form.get('username') } } : {};
  } else if (form.get('decision') === 'approve') {
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  } else {
    result = { error: 'access_denied', error_description: 'the customer said no' };
  }
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
});

createServer(
  { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: false },
  provider.callback(),
).listen(Number(port), '127.0.0.1', () => console.log(`listening at ${issuer}`));
