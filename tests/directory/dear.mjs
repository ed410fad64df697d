// See dear.sh.
//
//   node dear.mjs BASE TOKEN OTHER PID
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';

const [base, token, other, pid] = process.argv.slice(2);
const root = new URL(base);
const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json' };
let bad = 0;
const wrong = (what) => (bad++, console.error(what));
// sent: called when the request has left.
function call(agent, method, path, body, sent) {
  return new Promise((resolve, reject) => {
    const r = request({ host: root.hostname, port: root.port, method, path: root.pathname + path, headers, agent }, (answer) => {
      let text = '';
      answer.on('data', (more) => (text += more));
      answer.on('end', () => resolve({ status: answer.statusCode, ...(text ? JSON.parse(text) : {}) }));
    });
    r.on('error', reject);
    r.end(body && JSON.stringify(body), sent);
  });
}
const [one, two] = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
const ask = (path) => call(one, 'GET', path);
const quoted = (text) => encodeURIComponent(text);
const { Resources: [group] } = await ask(`/Groups?filter=${quoted('displayName eq "all"')}&excludedAttributes=members`);
const { Resources: [user] } = await ask(`/Users?filter=${quoted('userName eq "u7"')}`);

// A quick question that is put later is answered first.
for (const [filter, found] of [
  ['displayName eq "same" and title pr', 0],
  ['externalId eq "e" and userName ew "77"', 200],
  ['emails[value eq "all@example.com" and type eq "work"]', 0],
  [`groups.value eq "${group.id}" and userName sw "u1999"`, 11],
  ['displayName eq "same"', 20000],
]) {
  const order = [];
  let quick;
  const dear = call(one, 'GET', `/Users?count=1&filter=${quoted(filter)}`, undefined, () => {
    quick = call(two, 'GET', `/Users/${user.id}?attributes=userName`).then((got) => order.push('quick') && got);
  }).then((got) => order.push('dear') && got);
  const got = await dear;
  const { userName } = await quick;
  if (got.totalResults !== found || userName !== 'u7') wrong(`${filter}: ${JSON.stringify(got).slice(0, 200)}, ${userName}`);
  if (order[0] !== 'quick') wrong(`${filter}: it held up somebody else`);
}

// Each Group has the next one as a member, the first operation being the last that can run.
const COUNT = 1000;
async function bulk(name, order) {
  const Operations = order.map((i) => ({
    method: 'POST',
    path: '/Groups',
    bulkId: `${name}${i}`,
    data: { displayName: `${name}${i}`, members: i + 1 < COUNT ? Array(10).fill({ value: `bulkId:${name}${i + 1}` }) : [] },
  }));
  const start = performance.now();
  const got = await call(one, 'POST', '/Bulk', { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations });
  const ms = performance.now() - start;
  const odd = (got.Operations ?? []).filter((o) => o.status !== '201');
  if (got.Operations?.length !== COUNT || odd.length) wrong(`${name}: ${JSON.stringify(odd[0] ?? got).slice(0, 200)}`);
  if (got.Operations?.some((o, i) => o.bulkId !== `${name}${order[i]}`)) wrong(`${name}: the answer is not in the request's order`);
  return ms;
}
const upwards = [...Array(COUNT).keys()];
const inOrder = await bulk('back', [...upwards].reverse());
const forward = await bulk('ahead', upwards);
console.log(`a Bulk of ${COUNT} in order ${inOrder.toFixed(0)} ms, each waiting for the next ${forward.toFixed(0)} ms; ${bad} wrong`);
if (forward > 5 * inOrder + 100) wrong('it took longer in the other order');

// So short a PATCH looks at every member in each of its operations, as long as they are few.
const removal = (n) => ({ Operations: Array(n).fill({ op: 'remove', path: 'members[type eq "Group"]' }) });
for (const [n, status, type] of [[10, 204], [1000, 400, 'tooMany']]) {
  const start = performance.now();
  const got = await call(one, 'PATCH', `/Groups/${group.id}`, removal(n));
  console.log(`${n} operations that look at 20,000 members: ${got.status} in ${(performance.now() - start).toFixed(0)} ms`);
  if (Number(got.status) !== status || got.scimType !== type) wrong(`${n} operations: ${JSON.stringify(got)}`);
}

// Lists that look at everybody have their turns: who hangs up gives up his, no token's crowd
// keeps another's waiting, and a crowd has an end.
const sorted = '/Users?count=1&sortBy=name.familyName';
const begun = performance.now();
await ask(sorted);
const alone = performance.now() - begun;
await Promise.all(Array.from({ length: 30 }, () => new Promise((resolve) => {
  const r = request({ host: root.hostname, port: root.port, path: root.pathname + sorted, headers, agent: false });
  r.on('error', resolve).on('response', (answer) => answer.resume().on('end', resolve));
  r.end(() => setImmediate(() => r.destroy()));
})));
const forsaken = performance.now();
const { totalResults } = await ask(`/Users?filter=${quoted('active eq false')}`);
const later = performance.now() - forsaken;
console.log(`a sorted list ${alone.toFixed(0)} ms; after 30 whose clients had hung up another was there in ${later.toFixed(0)} ms`);
if (totalResults !== 0) wrong(`active eq false: ${totalResults}`);
if (later > 5 * alone + 200) wrong('it had to wait for those who had hung up');

const order = [];
const crowd = Array.from({ length: 120 }, () => new Promise((resolve, reject) => {
  const r = request({ host: root.hostname, port: root.port, path: root.pathname + sorted, headers, agent: false }, (answer) => {
    answer.resume().on('end', () => order.push(answer.statusCode) && resolve(answer));
  });
  r.on('error', reject).end();
}));
await Promise.race(crowd); // all that come now come behind them
const before = order.filter((status) => status === 200).length;
await new Promise((resolve, reject) => request({ host: root.hostname, port: root.port, path: root.pathname + sorted, headers: { Authorization: `Bearer ${other}` }, agent: false }, (answer) => {
  if (answer.statusCode !== 200) wrong(`another's list: ${answer.statusCode}`);
  answer.resume().on('end', resolve);
}).on('error', reject).end());
const between = order.filter((status) => status === 200).length - before;
const answers = await Promise.all(crowd);
const refused = answers.filter((a) => a.statusCode === 429);
console.log(`120 sorted lists at once: ${refused.length} refused; another's was there after ${between} of them`);
if (!refused.length || answers.some((a) => a.statusCode !== 200 && a.statusCode !== 429)) wrong(`a crowd: ${answers.map((a) => a.statusCode)}`);
if (refused.some((a) => !a.headers['retry-after'])) wrong('nobody says when to come again');
if (between > 5) wrong("one token's crowd kept another's list waiting");

// Large answers that nobody reads have an end; small ones are given, and so are large ones
// once their clients are gone.
const own = () => Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const unread = [];
const had = own();
async function forget() {
  const s = connect(root.port, root.hostname);
  unread.push(s);
  s.write(`GET ${root.pathname}/Groups/${group.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const head = await new Promise((resolve, reject) => s.once('data', (data) => s.pause() && resolve(data.toString('latin1'))).once('error', reject));
  s.removeAllListeners('error').on('error', () => {});
  return head;
}
let said;
do said = await forget(); while (said.startsWith('HTTP/1.1 200') && unread.length < 150);
console.log(`${unread.length} large answers that nobody reads: ${(own() - had).toFixed(0)} MiB`);
if (!/^HTTP\/1.1 503[^]*\r\nRetry-After: /.test(said)) wrong(`${unread.length} answers that nobody reads: ${said.slice(0, 300)}`);
if (own() - had > 256) wrong(`they take ${(own() - had).toFixed(0)} MiB`);
if ((await ask(`/Users/${user.id}`)).userName !== 'u7') wrong('beside them nothing small is answered');
for (const s of unread) s.destroy();
let tries = 0;
while ((await ask(`/Groups/${group.id}`)).members?.length !== 20000) if (++tries === 500) throw new Error('nothing large is answered any more');
one.destroy();
two.destroy();
process.exit(bad ? 1 : 0);
