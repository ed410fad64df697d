// Sends a server what is deep, huge or much; see heavy.sh. Beside each request a healthy
// client, a process of its own, asks all the time, and looks at the server's own memory
// (RssAnon).
//
//   node heavy.mjs PORT TOKEN USER_ID PID
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [port, token, user, pid] = process.argv.slice(2);
const DEEP = 100000;
const MEMORY = 64 * 1024; // KiB
const HEALTHY = 100; // ms, the middle one of those that were answered meanwhile; more where it takes as long with nothing beside it
const agent = new Agent({ keepAlive: true });
const deep = (open, shut, n = DEEP) => open.repeat(n) + shut.repeat(n);
const patch = (path, value = 'x') => JSON.stringify({ Operations: [{ op: 'add', path, value }] });
const search = (filter) => JSON.stringify({ filter });
const many = (n, f) => Array.from({ length: n }, (_, i) => f(i)).join(',');

// name, method, path, body (or a length of zeros, negative: sent in chunks), statuses, scimType, only the head
const table = [
  ['arrays in arrays', 'POST', '/Users', deep('[', ']'), [400], 'invalidSyntax'],
  ['objects in objects', 'POST', '/Users', deep('{"a":', '}').replace('}', '1}'), [400], 'invalidSyntax'],
  ['deep in a value', 'PUT', `/Users/${user}`, `{"userName":"ann","name":${deep('[', ']')}}`, [400], 'invalidSyntax'],
  ['deep in a patch', 'PATCH', `/Users/${user}`, `{"Operations":[{"op":"add","value":${deep('[', ']')}}]}`, [400], 'invalidSyntax'],
  ['deep in a Bulk', 'POST', '/Bulk', `{"Operations":${deep('[', ']')}}`, [400], 'invalidSyntax'],
  ['just below the limit of levels', 'POST', '/Users', `{"userName":"n","x":${deep('[', ']', 30)}}`, [201, 400]],
  ['brackets in a filter', 'POST', '/Users/.search', search(deep('(', ')')), [400], 'invalidFilter'],
  ['nots in a filter', 'POST', '/Users/.search', search(`${'not ('.repeat(DEEP)}userName pr${')'.repeat(DEEP)}`), [400], 'invalidFilter'],
  ['value paths in a filter', 'POST', '/.search', search(deep('emails[', ']')), [400], 'invalidFilter'],
  ['a filter of 100,000 terms', 'POST', '/Users/.search', search(Array(DEEP).fill('userName eq "x"').join(' or ')), [400], 'invalidFilter'],
  ['brackets in a path', 'PATCH', `/Users/${user}`, patch(`emails[${deep('(', ')')}]`), [400], 'invalidPath'],
  ['dots in a path', 'PATCH', `/Users/${user}`, patch('a.'.repeat(DEEP)), [400], 'invalidPath'],
  ['attributes of 100,000 names', 'POST', '/Users/.search', JSON.stringify({ attributes: Array(DEEP).fill('userName') }), [200, 400]],
  ['100,000 operations', 'PATCH', `/Users/${user}`, `{"Operations":[${many(40000, () => '{"op":"add","path":"title","value":"x"}')}]}`, [400, 413]],
  ['2,000 in a Bulk', 'POST', '/Bulk', `{"Operations":[${many(2000, () => `{"method":"DELETE","path":"/Users/x"}`)}]}`, [413]],
  ['4 MB of empty arrays', 'POST', '/Users', `{"userName":"m","x":[${many(1300000, () => '[]')}]}`, [400, 413]],
  ['4 MB of keys', 'POST', '/Users', `{"userName":"k",${many(300000, (i) => `"k${i}":1`)}}`, [400, 413]],
  ['4 MB in one string', 'POST', '/Users', `{"userName":"${'u'.repeat(4000000)}"}`, [400]],
  ['numbers without an end', 'POST', '/Users', `{"userName":"e","x":${'9'.repeat(1000000)}}`, [201, 400]],
  ['100 MB, declared', 'POST', '/Users', 100 << 20, [413], undefined, true],
  ['100 MB in chunks', 'POST', '/Users', -(100 << 20), [413]],
  ['not UTF-8', 'POST', '/Users', Buffer.from('{"userName":"\xff\xfe"}', 'latin1'), [400], 'invalidSyntax'],
  ['a NUL', 'POST', '/Users', '{"userName":"a\\u0000b"}', [400]],
];

// head: only the head is sent, and the answer waited for.
function ask(method, path, body, keep, head) {
  return new Promise((resolve) => {
    const size = typeof body === 'number' ? Math.abs(body) : body === undefined ? 0 : Buffer.byteLength(body);
    const chunked = typeof body === 'number' && body < 0;
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json', ...(chunked ? {} : { 'Content-Length': size }) };
    const start = performance.now();
    let answered = false;
    const r = request({ port, method, path: `/scim/v2${path}`, headers, agent: keep ? agent : undefined }, (answer) => {
      let text = '';
      answered = true;
      answer.on('data', (more) => (text += more));
      answer.on('end', () => resolve({ status: answer.statusCode, text, ms: performance.now() - start }));
      answer.on('error', () => resolve({ status: answer.statusCode, text, ms: performance.now() - start }));
    });
    r.on('error', () => answered || resolve({ status: 0, text: '', ms: performance.now() - start }));
    if (typeof body !== 'number') return r.end(body);
    if (head) return r.flushHeaders();
    const piece = Buffer.alloc(65536);
    let left = size;
    const more = () => {
      while (left > 0 && !answered && !r.destroyed) {
        left -= piece.length;
        if (!r.write(piece)) return r.once('drain', more);
      }
      return left > 0 || r.end();
    };
    more();
  });
}
const own = () => Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// The other process: from 'begin' on it asks, until 'end', when it says what it saw.
async function healthy() {
  let over = false;
  let seen = null;
  process.on('message', (m) => (m === 'end' ? (over = true) : run()));
  async function run() {
    seen = { times: [], most: 0 };
    over = false;
    while (!over) {
      const got = await ask('GET', `/Users/${user}`, undefined, true);
      seen.times.push(got.status === 200 ? got.ms : 1e9);
      seen.most = Math.max(seen.most, own());
    }
    process.send(seen);
  }
  process.send('ready');
}
if (process.send) {
  await healthy();
  await once(process, 'disconnect');
  process.exit(0);
}

let bad = 0;
let most = 0;
let slowest = 0;
const other = fork(process.argv[1], process.argv.slice(2));
await once(other, 'message');
await ask('GET', `/Users/${user}`, undefined, true);
const began = own();
other.send('begin');
for (let i = 0; i < 100; i++) await ask('GET', `/Users/${user}`, undefined, true);
other.send('end');
const [alone] = await once(other, 'message');
const limit = Math.max(HEALTHY, 3 * Math.max(...alone.times));
for (const [name, method, path, body, want, type, head] of table) {
  other.send('begin');
  const got = await ask(method, path, body, false, head);
  other.send('end');
  const [seen] = await once(other, 'message');
  const times = seen.times;
  const worst = Math.max(...times);
  most = Math.max(most, seen.most - began);
  slowest = Math.max(slowest, worst);
  let why = want.includes(got.status) ? '' : `${got.status}, not ${want}`;
  if (!why && type && JSON.parse(got.text).scimType !== type) why = `scimType in ${got.text.slice(0, 200)}`;
  if (!why && times.sort((a, b) => a - b)[times.length >> 1] > limit) why = `others waited ${worst.toFixed(0)} ms`;
  console.log(`${name}: ${got.status} in ${got.ms.toFixed(0)} ms, others at most ${worst.toFixed(0)} ms, memory ${own() - began} KiB more`);
  if (!why) continue;
  bad++;
  console.error(`${name}: ${why} ${got.text.slice(0, 200)}`);
}
// Whether somebody is in a large group is not asked of everybody in it.
const found = async (path, filter) => JSON.parse((await ask('GET', `${path}?attributes=userName,displayName&filter=${encodeURIComponent(filter)}`, undefined, true)).text).Resources;
const large = (await found('/Groups', 'displayName eq "large"'))[0].id;
const last = (await found('/Users', 'userName eq "n19999"'))[0].id;
async function middle(filter) {
  const times = [];
  for (let i = 0; i < 15; i++) {
    const begin = performance.now();
    if ((await found('/Groups', filter)).length !== 1) return Infinity;
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}
const plain = await middle(`id eq "${large}"`);
for (const filter of [`id eq "${large}" and members eq "${last}"`, `members[value eq "${last}"]`, `displayName eq "large" and not (members.value eq "${user}")`]) {
  const took = await middle(filter);
  console.log(`${filter}: ${took.toFixed(1)} ms, ${plain.toFixed(1)} ms by its id alone`);
  if (took < 8 * plain) continue;
  bad++;
  console.error(`${filter}: as long as everybody in the group takes`);
}
// Large bodies have their turns: also where clients hang up before, and while, they have theirs.
const crowd = (i) => `{"displayName":"crowd ${i}","members":[${many(20000, () => `{"value":"${user}"}`)}]}`;
function hangUp(body, ms) {
  return new Promise((resolve) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json', 'Content-Length': body.length };
    const r = request({ port, method: 'POST', path: '/scim/v2/Groups', headers });
    r.on('error', resolve);
    r.on('response', (answer) => { answer.resume(); answer.on('end', resolve); });
    r.end(body, () => setTimeout(() => r.destroy(), ms));
  });
}
// Nor does one keep its turn who does not read the answer.
const rude = request({ port, method: 'POST', path: '/scim/v2/Groups', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json' } });
rude.on('response', () => {}).on('error', () => {});
rude.end(crowd('rude'));
other.send('begin');
const asked = Array.from({ length: 24 }, (_, i) => (i % 2 ? hangUp(crowd(i), i * 10) : ask('POST', '/Groups', crowd(i))));
const answers = (await Promise.all(asked)).filter((a) => a?.status !== undefined);
answers.push(await ask('POST', '/Groups', crowd('last')));
other.send('end');
const [seen] = await once(other, 'message');
most = Math.max(most, seen.most - began);
console.log(`24 large bodies at once, half of them forsaken: others at most ${seen.times.reduce((a, b) => Math.max(a, b), 0).toFixed(0)} ms, memory ${own() - began} KiB more`);
if (answers.length !== 13 || answers.some((a) => a.status !== 201)) {
  bad++;
  console.error(`large bodies: ${answers.map((a) => a.status)}`);
}
console.log(`${table.length} requests, ${bad} wrong; memory at most ${most} KiB more, others at most ${slowest.toFixed(0)} ms, ${Math.max(...alone.times).toFixed(0)} ms with nothing beside them`);
if (most > MEMORY) console.error(`memory: ${most} KiB more than before, ${MEMORY} are the limit`);
rude.destroy();
agent.destroy();
other.disconnect();
process.exit(bad || most > MEMORY ? 1 : 0);
