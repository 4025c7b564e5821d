// Keys of the server and of its clients: clients.json for the server, PEM files for the runner.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const [directory] = process.argv.slice(2);
const REDIRECT_URI = 'https://client.example/callback';

const key = (kid, use = 'sig') => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const named = (jwk) => ({ ...jwk, kid, use, alg: 'ES256' });
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    private: named(privateKey.export({ format: 'jwk' })),
    public: named(publicKey.export({ format: 'jwk' })),
  };
};

const client = (id, more) => {
  const own = key(`${id}-1`);
  writeFileSync(`${directory}/${id}.sig.pem`, own.pem, { mode: 0o600 });
  return {
    client_id: id,
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    jwks: { keys: [own.public] },
    id_token_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
    request_object_signing_alg: 'ES256',
    scope: 'openid offline_access payments',
    ...more,
  };
};

const byKey = { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', dpop_bound_access_tokens: true };
const byCertificate = (id) => ({
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: `CN=${id},O=Vendor`,
  tls_client_certificate_bound_access_tokens: true,
});
const clients = ['by-key', 'by-key-2'].map((id) => client(id, byKey));
clients.push(...['by-certificate', 'by-certificate-2'].map((id) => client(id, byCertificate(id))));
writeFileSync(`${directory}/clients.json`, JSON.stringify({ clients, jwks: { keys: [key('server-1').private] } }, null, 1), { mode: 0o600 });
