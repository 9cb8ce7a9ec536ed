// A real OpenID provider for the tests: node provider.mjs, told by its environment.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.NODE_MODULES}/`);
const loaded = await import(pathToFileURL(require.resolve('oidc-provider')));
const Provider = loaded.Provider ?? loaded.default;
const port = Number(process.env.PORT);
const home = process.env.HOME_ADDRESS;
const people = {
  olga: { email: 'olga@example.org', email_verified: true, name: 'Olga Ópera', groups: ['grid-operators', 'visitors'] },
  vera: { email: 'admin@example.org', email_verified: false, name: 'Vera', groups: [] },
  adam: { email: 'adam@example.org', email_verified: true, name: 'Adam', groups: ['wwt-admins'] },
};
const client = {
  grant_types: ['authorization_code'], response_types: ['code'], redirect_uris: (process.env.REDIRECTS ?? '').split(' '),
  post_logout_redirect_uris: [`${home}/`],
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { ...client, client_id: 'wwt', client_secret: 'a-test-secret-of-32-bytes-or-more!!' },
    { ...client, client_id: 'wwt-public', token_endpoint_auth_method: 'none' },
    { ...client, client_id: 'other', client_secret: 'another-test-secret-of-32-bytes-or-more!!' },
  ],
  jwks: JSON.parse(process.env.JWKS),
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'], groups: ['groups', 'resource_access'] },
  conformIdTokenClaims: process.env.CONFORM === 'true',
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  cookies: { keys: ['test'] },
  findAccount: async (ctx, sub) => ({
    accountId: sub,
    claims: async () => ({ sub, preferred_username: sub, ...people[sub], resource_access: { wwt: { roles: people[sub]?.groups } } }),
  }),
});
provider.listen(port, '127.0.0.1');
