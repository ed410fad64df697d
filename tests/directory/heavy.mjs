// Sends a server what is deep, huge or much; see heavy.sh. Beside each request a healthy
// client asks all the time; the server's own memory (RssAnon) is looked at after each.
//
//   node heavy.mjs PORT TOKEN USER_ID PID
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [port, token, user, pid] = process.argv.slice(2);
const DEEP = 100000;
const MEMORY = 64 * 1024; // KiB
const HEALTHY = 100; // ms, the middle one of those that were answered meanwhile
const agent = new Agent({ keepAlive: true });
const deep = (open, shut, n = DEEP) => open.repeat(n) + shut.repeat(n);
const patch = (path, value = 'x') => JSON.stringify({ Operations: [{ op: 'add', path, value }] });
const search = (filter) => JSON.stringify({ filter });
const many = (n, f) => Array.from({ length: n }, (_, i) => f(i)).join(',');

// name, method, path, body (or a length of zeros that is sent in chunks), statuses, scimType
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
  ['100 MB, declared', 'POST', '/Users', 100 << 20, [413]],
  ['100 MB in chunks', 'POST', '/Users', -(100 << 20), [413]],
  ['not UTF-8', 'POST', '/Users', Buffer.from('{"userName":"\xff\xfe"}', 'latin1'), [400], 'invalidSyntax'],
  ['a NUL', 'POST', '/Users', '{"userName":"a\\u0000b"}', [400]],
];

function ask(method, path, body, keep) {
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

let bad = 0;
let most = 0;
let slowest = 0;
await ask('GET', `/Users/${user}`, undefined, true);
const began = own();
for (const [name, method, path, body, want, type] of table) {
  let over = false;
  const times = [];
  const healthy = (async () => {
    while (!over) {
      const got = await ask('GET', `/Users/${user}`, undefined, true);
      times.push(got.status === 200 ? got.ms : Infinity);
      most = Math.max(most, own() - began);
    }
  })();
  const got = await ask(method, path, body);
  over = true;
  await healthy;
  const worst = Math.max(...times);
  slowest = Math.max(slowest, worst);
  let why = want.includes(got.status) ? '' : `${got.status}, not ${want}`;
  if (!why && type && JSON.parse(got.text).scimType !== type) why = `scimType in ${got.text.slice(0, 200)}`;
  if (!why && times.sort((a, b) => a - b)[times.length >> 1] > HEALTHY) why = `others waited ${worst.toFixed(0)} ms`;
  console.log(`${name}: ${got.status} in ${got.ms.toFixed(0)} ms, others at most ${worst.toFixed(0)} ms, memory ${own() - began} KiB more`);
  if (!why) continue;
  bad++;
  console.error(`${name}: ${why} ${got.text.slice(0, 200)}`);
}
console.log(`${table.length} requests, ${bad} wrong; memory at most ${most} KiB more, others at most ${slowest.toFixed(0)} ms`);
if (most > MEMORY) console.error(`memory: ${most} KiB more than before, ${MEMORY} are the limit`);
agent.destroy();
process.exit(bad || most > MEMORY ? 1 : 0);
