// One change after the other, and what the audit log says of each; see audit.sh.
//
//   node audit.mjs BASE TOKEN PROGRAM CONFIG
import { execFileSync } from 'node:child_process';

const [base, token, program, config] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json' };
const audit = (...args) =>
  execFileSync(program, ['--config', config, '--json', 'audit', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 })
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
let bad = 0;
const wrong = (what) => (bad++, console.error(what));
async function call(method, path, body) {
  const got = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await got.text();
  return { http: got.status, ...(text ? JSON.parse(text) : {}) };
}
const sorted = (list) => JSON.stringify([...(list ?? [])].sort());

const people = [];
async function person(n) {
  const got = await call('POST', '/Users', { userName: `p${n}`, title: `t${n}` });
  people.push(got.id);
}
for (let i = 0; i < 60; i++) await person(i);
const who = (from, to) => people.slice(from, to);
const values = (ids) => ids.map((value) => ({ value }));
const ops = (...Operations) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });

// Does it, and compares the members of the entries that came since.
let last = audit().at(-1).seq;
async function step(name, method, path, body, added, removed, status) {
  const got = await call(method, path, body);
  if (status ? got.http !== status : got.http >= 300) return wrong(`${name}: ${JSON.stringify(got)}`);
  const entries = audit().filter((e) => e.seq > last);
  last = entries.at(-1)?.seq ?? last;
  const all = (what) => entries.flatMap((e) => e.changes?.members?.[what] ?? []);
  if (sorted(all('added')) !== sorted(added)) wrong(`${name}: added ${all('added')}, not ${added}`);
  if (sorted(all('removed')) !== sorted(removed)) wrong(`${name}: removed ${all('removed')}, not ${removed}`);
  if (entries.some((e) => e.changes?.members && Math.max(e.changes.members.added?.length ?? 0, e.changes.members.removed?.length ?? 0) > 1000))
    wrong(`${name}: an entry has no bound`);
  if (entries.some((e) => e.actor !== 'auditor' || !e.name || !e.id)) wrong(`${name}: whose? ${JSON.stringify(entries)}`);
  return { ...got, entries };
}

const { id: group } = await step('create', 'POST', '/Groups', { displayName: 'g', members: values(who(0, 30)) }, who(0, 30), []);
const at = `/Groups/${group}`;
for (const [name, method, body, added, removed] of [
  ['add', 'PATCH', ops({ op: 'add', path: 'members', value: values(who(28, 33)) }), who(30, 33), []],
  ['remove by value path', 'PATCH', ops({ op: 'remove', path: `members[value eq "${people[0]}"]` }), [], who(0, 1)],
  ['remove by values', 'PATCH', ops({ op: 'remove', path: 'members', value: values(who(1, 3)) }), [], who(1, 3)],
  ['both', 'PATCH', ops({ op: 'add', path: 'members', value: values(who(0, 1)) }, { op: 'remove', path: `members[value eq "${people[3]}"]` }), who(0, 1), who(3, 4)],
  ['out and in again', 'PATCH', ops({ op: 'remove', path: `members[value eq "${people[4]}"]` }, { op: 'add', path: 'members', value: values(who(4, 5)) }), [], []],
  ['in and out again', 'PATCH', ops({ op: 'add', path: 'members', value: values(who(50, 51)) }, { op: 'remove', path: `members[value eq "${people[50]}"]` }), [], []],
  ['replace', 'PATCH', ops({ op: 'replace', path: 'members', value: values([...who(0, 1), ...who(4, 32), ...who(40, 42)]) }), who(40, 42), who(32, 33)],
  ['replace by the same', 'PATCH', ops({ op: 'replace', path: 'members', value: values([...who(0, 1), ...who(4, 32), ...who(40, 42)]) }), [], []],
  ['replace without a path', 'PATCH', ops({ op: 'replace', value: { members: values(who(4, 32)) } }), [], [...who(0, 1), ...who(40, 42)]],
  ['put', 'PUT', { displayName: 'g', members: values(who(10, 40)) }, who(32, 40), who(4, 10)],
  ['remove all', 'PATCH', ops({ op: 'remove', path: 'members' }), [], who(10, 40)],
  ['put all', 'PUT', { displayName: 'g', members: values(people) }, people, []],
])
  await step(name, method, at, body, added, removed);

// What is there no more was like this.
const left = await step('delete a member', 'DELETE', `/Users/${people[7]}`, undefined, [], []);
const gone = left.entries?.find((e) => e.event === 'user-deleted');
if (JSON.stringify(gone?.changes?.userName) !== '["p7",null]' || JSON.stringify(gone?.changes?.title) !== '["t7",null]')
  wrong(`delete a member: ${JSON.stringify(gone)}`);
if (JSON.stringify(gone?.changes?.groups) !== JSON.stringify([[group], null])) wrong(`delete a member: its groups in ${JSON.stringify(gone)}`);
if (gone?.changes?.schemas) wrong(`delete a member: schemas in ${JSON.stringify(gone)}`);
people.splice(7, 1);
for (let i = 0; i < 2500; i++) await person(`more${i}`);
last = audit().at(-1).seq;
const large = await step('put 2,559', 'PUT', at, { displayName: 'g', members: values(people) }, people.slice(59), []);
if (large.entries?.length < 3 || large.entries?.[0].event !== 'group-replaced') wrong(`put 2,559: ${large.entries?.map((e) => e.event)}`);
const closed = await step('delete a group', 'DELETE', at, undefined, [], people);
if (JSON.stringify(closed.entries?.[0]?.changes?.displayName) !== '["g",null]') wrong(`delete a group: ${JSON.stringify(closed.entries?.[0]).slice(0, 300)}`);
await step('refused', 'POST', '/Groups', { displayName: 'h', members: [...values(who(0, 1)), { value: 'nobody' }] }, [], [], 400);

// About somebody is what says that he came or went, too.
for (const user of ['p5', people[5]]) {
  const about = audit('--user', user).map((e) => e.event);
  for (const event of ['user-created', 'group-created', 'group-replaced', 'group-deleted'])
    if (!about.includes(event)) wrong(`--user ${user}: no ${event} in ${about}`);
  if (audit('--user', user).some((e) => e.id !== people[5] && !JSON.stringify(e).includes(people[5]))) wrong(`--user ${user}: others`);
}
if (!audit('--user', 'p7').some((e) => e.event === 'group-created')) wrong('--user p7, who is gone: not who was added');
// And about a group, when it loses a member who is deleted.
for (const name of ['g', group])
  if (!audit('--user', name).some((e) => e.event === 'user-deleted' && e.name === 'p7')) wrong(`--user ${name}: not that p7 is gone`);
// Who was in more groups than an entry names is deleted with as many entries as it takes.
const joiner = (await call('POST', '/Users', { userName: 'joiner' })).id;
const joined = [];
for (let i = 0; i < 2300; i++) joined.push((await call('POST', '/Groups', { displayName: `j${i}`, members: values([joiner]) })).id);
last = audit().at(-1).seq;
const { entries: parted } = await step('delete who was in 2,300 groups', 'DELETE', `/Users/${joiner}`, undefined, [], []);
const parts = parted?.map((e) => `${e.event} ${e.name} ${e.changes.groups[0].length} ${e.changes.groups[1]}`);
if (JSON.stringify(parts) !== JSON.stringify(['user-deleted joiner 1000 null', 'user-groups joiner 1000 null', 'user-groups joiner 300 null'])) wrong(`delete who was in 2,300 groups: ${parts}`);
if (sorted(parted?.flatMap((e) => e.changes.groups[0])) !== sorted(joined)) wrong('delete who was in 2,300 groups: others');
if (JSON.stringify(parted?.[0].changes.userName) !== '["joiner",null]' || parted?.[1]?.changes.userName) wrong(`delete who was in 2,300 groups: ${JSON.stringify(parted?.[1]).slice(0, 300)}`);
if (!audit('--user', 'j2299').some((e) => e.name === 'joiner')) wrong('--user j2299: not that joiner is gone');
// Of all who bear the name, now or before: a user and a group, and who has it again.
const club = (await call('POST', '/Groups', { displayName: 'club' })).id;
const join = (id) => call('PATCH', `/Groups/${club}`, ops({ op: 'add', path: 'members', value: values([id]) }));
const leave = (id) => call('PATCH', `/Groups/${club}`, ops({ op: 'remove', path: `members[value eq "${id}"]` }));
const before = (await call('POST', '/Users', { userName: 'twin' })).id;
await call('DELETE', `/Users/${before}`);
const twin = (await call('POST', '/Users', { userName: 'twin' })).id;
const twins = (await call('POST', '/Groups', { displayName: 'Twin', members: values([people[0]]) })).id;
await join(twin);
await join(twins);
await join(people[1]);
await leave(twin);
const seen = audit('--user', 'twin').map((e) => `${e.event} ${e.name}`);
const expected = ['user-created twin', 'user-deleted twin', 'user-created twin', 'group-created Twin', 'group-patched club', 'group-patched club', 'group-patched club'];
if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong(`--user twin: ${seen}`);
if (audit('--user', 'tWIN').length !== seen.length || audit('--user', twin).length !== 3) wrong(`--user and the id of twin: ${audit('--user', twin).map((e) => e.event)}`);
console.log(`${last} entries, ${bad} wrong`);
process.exit(bad ? 1 : 0);
