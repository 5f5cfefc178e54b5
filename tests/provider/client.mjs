// The carrier's own published client, unmodified, against the simulated town: it makes the calls that Careline makes and
// reads what the town answers, its TwiML writer speaks to townspeople, and its verifier judges the town's signatures.
//
//   TOWN=http://127.0.0.1:4010 ACCOUNT=AC... TOKEN=... node client.mjs
//
// What did not hold ends it with an error. At the end it prints one line of JSON: signatures that it made itself, for our
// verifier to judge.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import twilio from 'twilio';

const { TOWN: town, ACCOUNT: account, TOKEN: token } = process.env;
const clinic = '+12125550199';
const [rosa, samuel, never, nobody] = ['+12125550101', '+12125550102', '+12125550103', '+12125559999'];

// The published way to another address: the library's own HTTP client, sent to the town instead of the internet.
class ToTheTown extends twilio.RequestClient {
  request(options) {
    const uri = options.uri.replace('https://api.twilio.com', town);
    assert.ok(uri.startsWith(town), `the client wants to go to ${options.uri}`);
    return super.request({ ...options, uri });
  }
}
const clientOf = (secret) => twilio(account, secret, { httpClient: new ToTheTown() });
const client = clientOf(token);

const heard = [];
const waiting = new Set();
const until = (what, found) => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error(`waited for ${what}; heard ${JSON.stringify(heard)}`)), 20_000);
  const look = () => {
    const result = found();
    if (result) {
      clearTimeout(late);
      waiting.delete(look);
      resolve(result);
    }
  };
  waiting.add(look);
  look();
});

// An application as the provider's customers write it. Nothing is answered that its verifier does not hold for genuine.
const says = {
  '/greet': (answer, at) => {
    answer.gather({ numDigits: 1, timeout: 5, action: `${at}/pressed?step=1` }).say('Press one, please.');
  },
  '/pressed': (answer, at) => {
    answer.dial().conference({
      startConferenceOnEnter: true,
      endConferenceOnExit: false,
      statusCallback: `${at}/conference`,
      statusCallbackEvent: ['start', 'end', 'join', 'leave'],
    }, 'a-room');
    answer.say('You are out of the room.');
    answer.pause({ length: 30 });
  },
  '/join': (answer, at) => says['/pressed'](answer, at),
};

const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    const at = `http://127.0.0.1:${server.address().port}`;
    const url = at + request.url;
    const fields = Object.fromEntries(new URLSearchParams(body));
    const signature = request.headers['x-twilio-signature'];
    const genuine = twilio.validateRequest(token, signature, url, fields)
      && twilio.validateRequest(token, signature, url, { ...fields, CallSid: 'CA0' }) === false
      && twilio.validateRequest(`${token}x`, signature, url, fields) === false;
    const { pathname } = new URL(url);
    heard.push({ path: pathname, method: request.method, genuine, fields });
    const answer = new twilio.twiml.VoiceResponse();
    if (says[pathname]) says[pathname](answer, at);
    response.writeHead(200, { 'content-type': 'text/xml' }).end(answer.toString());
    for (const look of waiting) look();
  });
});
server.on('upgrade', (request, socket) => {
  const url = `ws://127.0.0.1:${server.address().port}${request.url}`;
  const genuine = twilio.validateRequest(token, request.headers['x-twilio-signature'], url, {});
  heard.push({ path: '/media', method: 'GET', genuine, fields: {} });
  for (const look of waiting) look();
  socket.destroy();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const at = `http://127.0.0.1:${server.address().port}`;
const statusOf = (sid) => heard.filter((one) => one.path === '/status' && one.fields.CallSid === sid)
  .map((one) => one.fields.CallStatus);
const dial = (to, path, more = {}) => client.calls.create({
  to,
  from: clinic,
  url: `${at}${path}`,
  statusCallback: `${at}/status#rc=3&rp=ct,rt,5xx`,
  statusCallbackMethod: 'POST',
  statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'],
  timeout: 30,
  ...more,
});
const refused = async (attempt, status, code) => {
  const error = await attempt.then(() => undefined, (fault) => fault);
  assert.ok(error, `a refusal with ${code} was expected`);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  assert.match(error.moreInfo, /twilio\.com/);
};

// A call is created, and known by what the client reads of it.
const first = await dial(rosa, '/greet');
assert.match(first.sid, /^CA[0-9a-f]{32}$/);
assert.deepEqual([first.to, first.from, first.accountSid, first.direction], [rosa, clinic, account, 'outbound-api']);
assert.ok(first.dateCreated instanceof Date && Math.abs(first.dateCreated - Date.now()) < 120_000, 'when it was created');
assert.equal(first.status, 'queued');
await until('the key pressed', () => heard.find((one) => one.path === '/pressed' && one.fields.Digits === '1'));
const talking = await client.calls(first.sid).fetch();
assert.equal(talking.status, 'in-progress');
assert.ok(talking.startTime instanceof Date, 'when it was answered');
assert.equal(talking.duration, null);

// A second person comes into the same room; the room and who is in it are known to the API.
const second = await dial(samuel, '/join');
await until('both in the room', () => heard.filter((one) => one.fields.StatusCallbackEvent === 'participant-join').length === 2);
await until('the room to begin', () => heard.find((one) => one.fields.StatusCallbackEvent === 'conference-start'));
const [room, ...others] = await client.conferences.list({ friendlyName: 'a-room', status: 'in-progress' });
assert.equal(others.length, 0);
assert.equal((await client.conferences(room.sid).fetch()).friendlyName, 'a-room');
const inside = await client.conferences(room.sid).participants.list();
assert.deepEqual(new Set(inside.map((one) => one.callSid)), new Set([first.sid, second.sid]));
assert.ok(inside.every((one) => one.startConferenceOnEnter && !one.endConferenceOnExit && one.status === 'connected'));
assert.equal((await client.conferences(room.sid).participants(first.sid).fetch()).callSid, first.sid);
await refused(client.conferences(room.sid).participants('CA0').fetch(), 404, 20404);

// Audio is forked and the fork is stopped.
const stream = await client.calls(first.sid).streams.create({
  url: `${at.replace('http', 'ws')}/media`,
  name: 'an-ear',
  track: 'inbound_track',
  'parameter1.name': 'token',
  'parameter1.value': 'of-nobody',
});
assert.match(stream.sid, /^MZ[0-9a-f]{32}$/);
assert.deepEqual([stream.name, stream.callSid], ['an-ear', first.sid]);
await until('the socket to be asked for', () => heard.find((one) => one.path === '/media'));
assert.equal((await client.calls(first.sid).streams(stream.sid).update({ status: 'stopped' })).status, 'stopped');

// One is taken out of the room and goes on with their document; the other is hung up.
assert.equal(await client.conferences(room.sid).participants(second.sid).remove(), true);
await until('one to leave', () => heard.find((one) => one.fields.StatusCallbackEvent === 'participant-leave'));
assert.equal((await client.calls(second.sid).fetch()).status, 'in-progress', 'out of the room, still on the line');
assert.equal((await client.calls(second.sid).update({ twiml: '<Response><Hangup/></Response>' })).sid, second.sid);
await until('them to hang up', () => statusOf(second.sid).includes('completed'));
assert.equal((await client.conferences(room.sid).update({ status: 'completed' })).status, 'completed');
await until('the room to end', () => heard.find((one) => one.fields.StatusCallbackEvent === 'conference-end'));
assert.deepEqual(await client.conferences(room.sid).participants.list(), []);
assert.equal((await client.calls(first.sid).update({ status: 'completed' })).status, 'completed');
const over = await client.calls(first.sid).fetch();
assert.deepEqual([over.status, over.endTime instanceof Date, Number.isInteger(Number(over.duration))], ['completed', true, true]);
await until('every step of it', () => statusOf(first.sid).length === 4);
assert.deepEqual(statusOf(first.sid), ['initiated', 'ringing', 'in-progress', 'completed']);

// A ringing call is cancelled; an ended one cannot be changed.
const third = await dial(never, '/greet');
await until('it to ring', () => statusOf(third.sid).includes('ringing'));
assert.equal((await client.calls(third.sid).update({ status: 'canceled' })).status, 'canceled');
await refused(client.calls(third.sid).update({ status: 'completed' }), 400, 21220);
await until('word of it', () => statusOf(third.sid).includes('canceled'));

// Lists with filters, page after page.
const fourth = await dial(rosa, '/greet');
const sids = async (filters) => (await client.calls.list(filters)).map((call) => call.sid);
assert.deepEqual(await sids({ to: rosa, from: clinic, pageSize: 1 }), [fourth.sid, first.sid], 'newest first, over two pages');
assert.deepEqual(await sids({ status: 'canceled' }), [third.sid]);
assert.deepEqual(await sids({ to: nobody }), []);
assert.equal((await client.calls.list({ limit: 2 })).length, 2);
const page = await client.calls.page({ pageSize: 3 });
assert.equal(page.instances.length, 3);
assert.equal((await page.nextPage()).instances.length, 1);

// Refusals are read as refusals.
await refused(dial('not a number', '/greet'), 400, 21211);
await refused(client.calls.create({ to: rosa, from: clinic }), 400, 21205);
await refused(client.calls('CA00000000000000000000000000000000').fetch(), 404, 20404);
await refused(clientOf('another-token').calls(first.sid).fetch(), 401, 20003);
await fetch(`${town}/town/faults`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ create: '429', times: 1 }),
});
await refused(dial(rosa, '/greet'), 429, 20429);

const forged = heard.filter((one) => !one.genuine);
assert.deepEqual(forged, [], 'every request of the town is signed, and the signature holds for nothing else');
const kinds = new Set(heard.map((one) => one.path));
assert.deepEqual(kinds, new Set(['/greet', '/pressed', '/join', '/status', '/conference', '/media']));

// Signatures of the published software, for our verifier: forms, repeated fields, odd signs, a body's hash, a port.
const forms = [
  ['https://ward.example.org', '/hooks/phone/o/a/status', { CallSid: 'CA1', CallStatus: 'ringing', SequenceNumber: '1' }],
  ['https://ward.example.org', '/hooks/phone/o/a/voice?step=7', { Digits: '04121948', FriendlyName: ' ', Empty: '' }],
  ['https://ward.example.org/careline', '/hooks/phone/o/a/voice?foo=1&bar=2', { Digits: ['5678', '1234', '1234'], Sid: 'CA123' }],
  ['https://ward.example.org:8443', '/hooks/phone/o/a/status', { City: 'São José', Sign: '&=+%25#' }],
  ['https://ward.example.org:443', '/hooks/phone/o/a/status', { a: '1', B: '2', A: '3', b: '4' }],
  ['https://ward.example.org', "/hooks/phone/o/a/voice?who=it's", {}],
  ['http://127.0.0.1:4000', '/hooks/phone/o/a/conference', { ReasonConferenceEnded: 'test', Reason: 'Participant' }],
];
const made = forms.map(([origin, path, fields]) => ({
  origin,
  path,
  body: new URLSearchParams(Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))).toString(),
  signature: twilio.getExpectedTwilioSignature(token, origin + path, fields),
}));
const json = '{"property": "value", "boolean": true}';
const hashed = '/hooks?bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620';
made.push({
  origin: 'https://ward.example.org',
  path: hashed,
  body: json,
  signature: twilio.getExpectedTwilioSignature(token, `https://ward.example.org${hashed}`, {}),
});
console.log(JSON.stringify({ holds: heard.length, made }));
server.close();
process.exit(0);
