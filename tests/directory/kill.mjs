// Writers and readers of what they wrote, for tests/directory/kill.sh.
//
//   node kill.mjs load PORT TOKEN LEDGER SEED    writes until the server is gone (exit 0)
//   node kill.mjs check PORT TOKEN LEDGER        compares what is there with LEDGER
//
// LEDGER has a line for each request before it is sent and one when a 2xx came. Each
// connection writes resources of its own, so that the order on it is the order of all
// that may have happened to them: what was acknowledged is there, what was sent last
// without an answer may be, and nothing else is.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import http from 'node:http';

const [mode, port, token, ledger, seed] = process.argv.slice(2);
const posix = 'urn:scimd:params:scim:schemas:extension:posix:1.0:User';
const fail = (text) => {
  console.error(text);
  process.exit(1);
};

function call(agent, method, path, body) {
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : JSON.stringify(body);
    const headers = { Authorization: `Bearer ${token}` };
    if (data) Object.assign(headers, { 'Content-Type': 'application/scim+json', 'Content-Length': Buffer.byteLength(data) });
    const r = http.request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (d) => (text += d));
      answer.on('end', () => (answer.complete ? resolve({ status: answer.statusCode, json: text ? JSON.parse(text) : undefined }) : reject(new Error('cut off'))));
      answer.on('error', reject);
    });
    r.on('error', reject);
    r.end(data);
  });
}

// ------------------------------------------------------------------- writing
let random = Number(seed ?? 1) >>> 0 || 1;
const below = (n) => {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return (random >>> 0) % n;
};
const note = (o) => appendFileSync(ledger, `${JSON.stringify(o)}\n`);

async function writer(w) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const mine = []; // { name, id, title }
  const send = async (op, method, path, body, good) => {
    note({ w, sent: op });
    const a = await call(agent, method, path, body);
    if (Math.floor(a.status / 100) !== 2) fail(`${method} ${path}: ${a.status} ${JSON.stringify(a.json)}`);
    for (const o of op) Object.assign(o, good?.(a, o));
    note({ w, done: op });
    return a;
  };
  for (let n = 0; ; n++) {
    const name = `${seed}-${w}-${n}`;
    const who = mine[below(mine.length || 1)];
    const what = mine.length < 3 ? 0 : below(6);
    if (what === 0) {
      const op = [{ name, title: 'new' }];
      await send(op, 'POST', '/scim/v2/Users', { userName: name, title: 'new' }, (a) => ({ id: a.json.id, uid: a.json[posix].uidNumber }));
      mine.push(op[0]);
    } else if (what === 1 || what === 2) {
      await send([{ name: who.name, title: name }], 'PATCH', `/scim/v2/Users/${who.id}`, { Operations: [{ op: 'replace', path: 'title', value: name }] });
    } else if (what === 3) {
      await send([{ name: who.name, title: name }], 'PUT', `/scim/v2/Users/${who.id}`, { userName: who.name, title: name });
    } else if (what === 4) {
      mine.splice(mine.indexOf(who), 1);
      await send([{ name: who.name, title: null }], 'DELETE', `/scim/v2/Users/${who.id}`);
    } else {
      const ops = [0, 1, 2].map((i) => ({ name: `${name}-${i}`, title: 'bulk' }));
      await send(
        ops,
        'POST',
        '/scim/v2/Bulk',
        { Operations: ops.map((o) => ({ method: 'POST', path: '/Users', bulkId: o.name, data: { userName: o.name, title: 'bulk' } })) },
        (a, o) => ({ id: a.json.Operations.find((x) => x.bulkId === o.name && x.status === '201').location.split('/').pop() }),
      );
      mine.push(...ops);
    }
  }
}

// ------------------------------------------------------------------ checking
// What each name may be: a set of titles, null for nobody.
function expected() {
  const may = new Map();
  const open = new Map();
  const uids = new Map();
  const lines = readFileSync(ledger, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l));
  for (const l of lines) {
    if (l.sent) open.set(l.w, l.sent);
    if (l.end) open.clear(); // settled by the check after the last kill
    for (const o of l.done ?? l.is ?? []) {
      may.set(o.name, new Set([o.title]));
      if (o.uid && uids.has(o.uid) && uids.get(o.uid) !== o.name) fail(`uid ${o.uid} was given to ${uids.get(o.uid)} and to ${o.name}`);
      if (o.uid) uids.set(o.uid, o.name);
    }
    if (l.done) open.delete(l.w);
  }
  for (const ops of open.values())
    for (const o of ops) may.set(o.name, (may.get(o.name) ?? new Set([null])).add(o.title));
  return { may, uids, open };
}

async function events(agent) {
  // From the beginning: a receiver that never acknowledges is given everything again.
  const all = [];
  for (let ack = []; ; ) {
    const a = await call(agent, 'POST', '/scim/v2/Events/kill', { returnImmediately: true, maxEvents: 1000, ack });
    if (a.status !== 200) fail(`the feed: ${a.status}`);
    ack = Object.keys(a.json.sets);
    for (const set of Object.values(a.json.sets)) all.push(JSON.parse(Buffer.from(set.split('.')[1], 'base64url')));
    if (!ack.length) return all;
  }
}

async function check() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { may, uids, open } = expected();
  const have = new Map();
  const byId = new Map();
  for (let start = 1, total = 1; start <= total; ) {
    const a = await call(agent, 'GET', `/scim/v2/Users?count=1000&startIndex=${start}`);
    total = a.json.totalResults;
    start += a.json.itemsPerPage;
    for (const u of a.json.Resources) {
      if (have.has(u.userName)) fail(`${u.userName} is there twice`);
      have.set(u.userName, u);
      byId.set(u.id, u);
      const uid = u[posix].uidNumber;
      if (uids.has(uid) && uids.get(uid) !== u.userName) fail(`uid ${uid} was ${uids.get(uid)}'s and is ${u.userName}'s`);
      uids.set(uid, u.userName);
    }
    if (total && !a.json.itemsPerPage) break;
  }
  for (const [name, titles] of may)
    if (!titles.has(have.get(name)?.title ?? null)) fail(`${name} is ${have.get(name)?.title ?? 'not there'}, not ${[...titles].join(' or ')}`);
  for (const name of have.keys()) if (!may.has(name)) fail(`nobody asked for ${name}`);
  // A bulk is one commit: all of it or nothing.
  for (const ops of open.values())
    if (ops.length > 1 && new Set(ops.map((o) => have.has(o.name))).size > 1) fail(`half of a bulk is there: ${ops.map((o) => o.name)}`);
  // The feed tells of every one, and of no more: who it made and did not delete is there.
  const alive = new Set(existsSync(`${ledger}.alive`) ? JSON.parse(readFileSync(`${ledger}.alive`)) : []);
  for (const e of await events(agent))
    for (const uri of Object.keys(e.events)) {
      if (uri.includes(':create')) alive.add(e.sub_id.id);
      if (uri.endsWith(':delete')) alive.delete(e.sub_id.id);
    }
  for (const id of alive) if (!byId.has(id)) fail(`the feed made ${id}, who is not there`);
  for (const id of byId.keys()) if (!alive.has(id)) fail(`the feed does not know ${id} (${byId.get(id).userName})`);
  appendFileSync(ledger, `${JSON.stringify({ end: true, is: [...may.keys()].map((name) => ({ name, title: have.get(name)?.title ?? null, uid: have.get(name)?.[posix].uidNumber })) })}\n`);
  (await import('node:fs')).writeFileSync(`${ledger}.alive`, JSON.stringify([...alive]));
  console.log(`${have.size} of ${may.size} there, ${open.size} were in flight`);
  process.exit(0);
}

if (mode === 'check') await check();
await Promise.all(
  Array.from({ length: 12 }, (_, w) =>
    writer(w).catch((e) => {
      if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(e.code) && !/socket hang up|cut off|aborted/.test(e.message)) fail(e.stack);
    }),
  ),
);
process.exit(0);
