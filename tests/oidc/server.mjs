// A real OpenID Connect provider for the stories of single sign-on: two issuers on one loopback port, invented people,
// and levers that the test pulls: other groups, new signing keys, and identity tokens forged on their way out.
//
//   node server.mjs ADDRESS_TO_RETURN_TO
//
// Prints one line of JSON with its origin, and ends when its standard input does.

import { createHmac, createSign, constants, generateKeyPairSync, randomUUID } from 'node:crypto';
import http from 'node:http';
import { Provider } from 'oidc-provider';

const returnTo = process.argv[2];
const people = {
  nora: { email: 'nora@example.org', email_verified: true, name: 'Nora Example', groups: ['nurses'] },
  paul: { email: 'paul@example.org', email_verified: true, name: 'Paul Example', groups: ['physicians'] },
  anna: { email: 'anna@example.org', email_verified: true, name: 'Anna Example', groups: ['admins'] },
  uma: { email: 'uma@example.org', email_verified: false, name: 'Uma Example', groups: ['nurses'] },
  gus: { email: 'gus@example.org', email_verified: true, name: 'Gus Example', groups: ['gardeners'] },
};
const issuers = {};
let forging = 'none';
let origin = '';

function freshKey(kind) {
  const { privateKey } = kind === 'ec'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { key: privateKey, kid: randomUUID(), alg: kind === 'ec' ? 'ES256' : 'RS256' };
}

function open(name, kind) {
  const signing = freshKey(kind);
  const jwk = { ...signing.key.export({ format: 'jwk' }), kid: signing.kid, alg: signing.alg, use: 'sig' };
  const provider = new Provider(`${origin}/${name}`, {
    clients: [
      {
        client_id: 'careline',
        client_secret: `secret-of-${name}`,
        redirect_uris: [returnTo],
        id_token_signed_response_alg: signing.alg,
      },
      { client_id: 'another', client_secret: 'secret-of-another', redirect_uris: ['http://127.0.0.1:9/return'] },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['a key for tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => (people[id] ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
    pkce: { required: () => true },
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 300, Interaction: 300, Session: 300, Grant: 300 },
  });
  const fetched = issuers[name]?.fetched ?? { keys: 0 };
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path.endsWith('/jwks')) fetched.keys += 1;
    if (ctx.body?.id_token && forging !== 'none') ctx.body.id_token = forge(ctx.body.id_token, signing, name);
  });
  issuers[name] = { provider, serve: provider.callback(), fetched };
}

const packed = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(header, claims, key) {
  const text = `${packed(header)}.${packed(claims)}`;
  const options = header.alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : { key, padding: constants.RSA_PKCS1_PADDING };
  return `${text}.${createSign('SHA256').update(text).sign(options).toString('base64url')}`;
}

// Each forgery changes one thing of the true token. All but the first three are signed with the provider's own key, so
// that nothing but the one check they are made for can notice them.
function forge(token, signing, name) {
  const header = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const now = Math.floor(Date.now() / 1000);
  const ours = (changes) => signed(header, { ...claims, ...changes }, signing.key);
  switch (forging) {
    case 'other_key': return signed(header, claims, freshKey(signing.alg === 'ES256' ? 'ec' : 'rsa').key);
    case 'unknown_key': return signed({ ...header, kid: randomUUID() }, claims, freshKey('ec').key);
    case 'client_secret': {
      const text = `${packed({ alg: 'HS256' })}.${packed(claims)}`;
      return `${text}.${createHmac('sha256', `secret-of-${name}`).update(text).digest('base64url')}`;
    }
    case 'unsigned': return `${packed({ alg: 'none' })}.${packed(claims)}.`;
    case 'other_audience': return ours({ aud: 'another' });
    case 'second_audience': return ours({ aud: ['careline', 'another'], azp: 'careline' });
    case 'other_party': return ours({ azp: 'another' });
    case 'other_issuer': return ours({ iss: `${origin}/${name === 'home' ? 'other' : 'home'}` });
    case 'other_nonce': return ours({ nonce: 'another' });
    case 'no_nonce': return ours({ nonce: undefined });
    case 'over': return ours({ iat: now - 120, exp: now - 60 });
    case 'old': return ours({ iat: now - 3600, exp: now + 300 });
    case 'future': return ours({ iat: now + 3600, exp: now + 7200 });
    case 'again': return ours({});
    default: throw new Error(`nobody forges ${forging}`);
  }
}

const levers = {
  groups: ({ person, groups }) => { people[person].groups = groups; },
  address: ({ person, email }) => { people[person].email = email; },
  keys: ({ issuer, kind }) => open(issuer, kind),
  forge: ({ how }) => { forging = how; },
  fetched: ({ issuer }) => issuers[issuer].fetched,
};

const server = http.createServer(async (request, response) => {
  const [, first] = request.url.split('/');
  const lever = first === 'lever' && levers[request.url.split('/')[2]];
  if (lever) {
    let body = '';
    for await (const piece of request) body += piece;
    response.end(JSON.stringify(lever(JSON.parse(body)) ?? {}));
  } else if (issuers[first]) {
    request.originalUrl = request.url;
    request.url = request.url.slice(first.length + 1);
    issuers[first].serve(request, response);
  } else {
    response.writeHead(404).end();
  }
});

server.listen(0, '127.0.0.1', () => {
  origin = `http://127.0.0.1:${server.address().port}`;
  open('home', 'rsa');
  open('other', 'ec');
  console.log(JSON.stringify({ origin }));
});
process.stdin.resume().on('end', () => process.exit());
