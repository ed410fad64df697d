// Walks lists by cursor and writes between the pages; see paging.sh.
//
//   node paging.mjs BASE TOKEN
const [base, token] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json' };
let bad = 0;
const wrong = (what) => (bad++, console.error(what));
async function call(method, path, body) {
  const got = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await got.text();
  return { status: got.status, ...(text ? JSON.parse(text) : {}) };
}

// The same dice each time.
let seed = 20240607;
const dice = (n) => Math.floor(((seed = (seed * 48271) % 2147483647) / 2147483647) * n);
let serial = 0;
const words = ['ant', 'Bee', 'cat', 'DOG', 'eel', 'ähre', 'fox', '', 'x'.repeat(700)]; // many are alike but for the number
const all = new Map(); // id → type
async function create() {
  const n = ++serial;
  const type = dice(2) ? 'Users' : 'Groups';
  const displayName = type === 'Groups' ? `${words[dice(words.length)]}${n}` : words[dice(words.length)];
  const got = await call('POST', `/${type}`, { displayName: displayName || undefined, ...(type === 'Users' ? { userName: `u${n}` } : { displayName }) });
  if (got.status !== 201) throw new Error(JSON.stringify(got));
  all.set(got.id, type);
}
// Somebody comes, somebody leaves, somebody is written who stays where he is.
async function write(gone) {
  const ids = [...all.keys()];
  const leaves = ids[dice(ids.length)];
  const stays = ids[dice(ids.length)];
  await create();
  if (stays !== leaves) await call('PATCH', `/${all.get(stays)}/${stays}`, { Operations: [{ op: 'replace', path: 'externalId', value: `e${serial}` }] });
  await call('DELETE', `/${all.get(leaves)}/${leaves}`);
  all.delete(leaves);
  gone.add(leaves);
}
const query = (path, q) =>
  path.endsWith('.search')
    ? call('POST', path, q)
    : call('GET', `${path}?${Object.entries(q).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&')}`);

async function walk(path, q) {
  const name = `${path} ${JSON.stringify(q)}`;
  const kinds = path.startsWith('/Users') ? ['Users'] : path.startsWith('/Groups') ? ['Groups'] : ['Users', 'Groups'];
  const begin = [...all.keys()].filter((id) => kinds.includes(all.get(id)));
  const gone = new Set();
  const seen = [];
  let cursor = '';
  for (let pages = 0; pages < 500; pages++) {
    const got = await query(path, { ...q, cursor });
    if (got.status && got.status !== 200) return wrong(`${name}: ${JSON.stringify(got)}`);
    if (got.Resources.length > q.count) wrong(`${name}: ${got.Resources.length} in a page`);
    const there = [...all.values()].filter((type) => kinds.includes(type)).length;
    if (got.totalResults !== there) wrong(`${name}: totalResults ${got.totalResults} of ${there}`);
    seen.push(...got.Resources);
    cursor = got.nextCursor;
    if (cursor === undefined) break;
    if (!/^[A-Za-z0-9._~-]+$/.test(cursor)) wrong(`${name}: cursor ${cursor}`);
    await write(gone);
  }
  const ids = seen.map((r) => r.id);
  if (new Set(ids).size !== ids.length) wrong(`${name}: something twice`);
  const lost = begin.filter((id) => !gone.has(id) && !ids.includes(id));
  if (lost.length) wrong(`${name}: ${lost.length} of ${begin.length} lost, the first a ${all.get(lost[0])}`);
  if (q.sortBy !== 'displayName') return;
  const key = (r) => (r.displayName ?? '').slice(0, 60).toLowerCase();
  for (let i = 1; i < seen.length; i++) {
    const [a, b] = [key(seen[i - 1]), key(seen[i])];
    if (!a || !b || /ä/.test(a + b)) continue; // where those stand is not what is asked here
    if (q.sortOrder === 'descending' ? a < b : a > b) wrong(`${name}: ${b} behind ${a}`);
  }
}

for (let i = 0; i < 60; i++) await create();
const everybody = 'id pr';
for (const count of [1, 2, 7, 50])
  for (const [path, q] of [
    ['/.search', {}],
    ['/.search', { filter: everybody }],
    ['/.search', { sortBy: 'displayName' }],
    ['/.search', { sortBy: 'displayName', sortOrder: 'descending', filter: everybody }],
    ['/Users', {}],
    ['/Users', { filter: everybody }],
    ['/Users', { sortBy: 'displayName' }],
    ['/Users', { sortBy: 'meta.created', sortOrder: 'descending' }],
    ['/Users', { sortBy: 'urn:scimd:params:scim:schemas:extension:posix:1.0:User:uidNumber' }],
    ['/Users', { sortBy: 'active' }],
    ['/Users', { sortBy: 'nickName' }],
    ['/Groups', {}],
    ['/Groups/.search', { sortBy: 'displayName', sortOrder: 'descending' }],
  ])
    await walk(path, { ...q, count });

// By index, with nobody writing.
for (const path of ['/Users', '/Groups', '/Users/.search', '/.search'])
  for (const q of [{}, { filter: everybody }, { sortBy: 'displayName' }]) {
    const ids = [];
    for (let startIndex = 1; ; startIndex += 7) {
      const got = await query(path, { ...q, startIndex, count: 7 });
      ids.push(...got.Resources.map((r) => r.id));
      if (got.Resources.length < 7) break;
    }
    const want = [...all.keys()].filter((id) => path === '/.search' || path.startsWith(`/${all.get(id)}`));
    if (ids.length !== want.length || want.some((id) => !ids.includes(id))) wrong(`${path} ${JSON.stringify(q)} by index: ${ids.length} of ${want.length}`);
  }

// An indexed attribute chooses the same whether the list is sorted or not.
const made = async (path, body) => (await call('POST', path, body)).id;
const uma = await made('/Users', { userName: 'uma', externalId: 'x-uma', displayName: 'Uma U', emails: [{ value: 'uma@example.com' }] });
const team = await made('/Groups', { displayName: 'team', externalId: 'x-team', members: [{ value: uma }] });
const outer = await made('/Groups', { displayName: 'outer', members: [{ value: team }] });
for (const [path, filter, ...want] of [
  ['/Users', `id eq "${uma}"`, uma],
  ['/Users', 'userName eq "UMA"', uma],
  ['/Users', 'externalId eq "x-uma"', uma],
  ['/Users', 'displayName eq "uma u"', uma],
  ['/Users', 'emails eq "uma@example.com"', uma],
  ['/Users', 'emails.value eq "uma@example.com"', uma],
  ['/Users', 'emails[value eq "uma@example.com"]', uma],
  ['/Users', `groups eq "${team}"`, uma],
  ['/Users', `groups.value eq "${outer}"`, uma],
  ['/Users', 'userName eq "uma" and active eq false'],
  ['/Users', 'userName eq "nobody"'],
  ['/Groups', `id eq "${team}"`, team],
  ['/Groups', 'displayName eq "Team"', team],
  ['/Groups', 'externalId eq "x-team"', team],
  ['/Groups', `members eq "${uma}"`, team],
  ['/Groups', `members.value eq "${team}"`, outer],
  ['/Groups', 'members eq "nobody"'],
  ['/Groups', `id eq "${team}" and members eq "${uma}"`, team],
  ['/Groups', `members eq "${uma}" and id eq "${team}"`, team],
  ['/Groups', `id eq "${outer}" and members eq "${uma}"`],
  ['/Groups', `id eq "${team}" and members eq "nobody"`],
  ['/Groups', `id eq "${team}" and not (members eq "${uma}")`],
  ['/Groups', `id eq "${team}" and not (members.value eq "${team}")`, team],
  ['/Groups', `id eq "${team}" and members ne "${uma}"`],
  ['/Groups', `displayName eq "team" and (members eq "nobody" or MEMBERS.VALUE eq "${uma}")`, team],
  ['/Groups', `members[value eq "${uma}"]`, team],
  ['/Groups', `members[value eq "${uma}" and type eq "User"]`, team],
  ['/Groups', `members[value eq "${uma}" and type eq "Group"]`],
  ['/Groups', `members[$ref ew "/Groups/${team}" and value eq "${team}"]`, outer],
  ['/Groups', `id eq "${outer}" and members[type eq "Group"]`, outer],
  ['/Groups', `id eq "${outer}" and members[not (value eq "${team}")]`],
  ['/Groups', `id eq "${outer}" and members pr`, outer],
  ['/Groups', `members eq "${uma}" and id pr and members.type eq "user"`, team],
  ['/Groups', `id eq "${team}" and (${Array.from({ length: 40 }, (_, i) => `members eq "n${i}"`).join(' or ')} or members eq "${uma}")`, team],
  ['/Users', `userName eq "uma" and groups eq "${outer}"`, uma],
  ['/Users', `groups[value eq "${outer}" and type eq "direct"]`],
  ['/Users', `userName eq "uma" and members eq "${uma}"`],
  ['/.search', `id eq "${team}"`, team],
  ['/.search', 'displayName eq "team"', team],
])
  for (const q of [{}, { sortBy: 'id' }, { sortBy: 'displayName', sortOrder: 'descending' }, { sortBy: 'meta.created', cursor: '' }]) {
    const got = await query(path, { filter, ...q });
    if (got.totalResults !== want.length || JSON.stringify(got.Resources?.map((r) => r.id)) !== JSON.stringify(want))
      wrong(`${path} ${filter} ${JSON.stringify(q)}: totalResults ${got.totalResults}, not ${want.length}`);
  }

// A cursor belongs to its query; another count is another matter (RFC 9865, table 3).
const first = { filter: everybody, count: 3, cursor: '' };
const { nextCursor: cursor } = await query('/Users', first);
for (const [what, path, q, scimType] of [
  ['the same', '/Users', {}, undefined],
  ['another filter', '/Users', { filter: 'userName pr' }, 'invalidCursor'],
  ['sorted now', '/Users', { sortBy: 'userName' }, 'invalidCursor'],
  ['another type', '/Groups', {}, 'invalidCursor'],
  ['the root', '/.search', {}, 'invalidCursor'],
  ['another count', '/Users', { count: 4 }, 'invalidCount'],
  ['a count that is none', '/Users', { count: '' }, 'invalidCount'],
  ['a count in words', '/Users', { count: 'three' }, 'invalidCount'],
  ['the first page, a count in words', '/Users', { cursor: '', count: 'three' }, 'invalidCount'],
  ['searched for, a count in words', '/Users/.search', { count: '3e' }, 'invalidCount'],
  ['a count of parts', '/Users/.search', { count: 2.5 }, 'invalidCount'],
  ['no cursor, a count in words', '/Users', { cursor: undefined, count: 'three' }, 'invalidValue'],
  ['count 0', '/Users', { count: 0 }, 'invalidCount'],
  ['a count below 0', '/Users', { count: -1 }, 'invalidCount'],
  ['a count beyond the limit', '/Users', { count: 201 }, 'invalidCount'],
  ['the first page, count beyond the limit', '/Users', { cursor: '', count: 201 }, 'invalidCount'],
  ['the first page, count beyond all', '/Users', { cursor: '', count: 4294967299 }, 'invalidCount'],
  ['a count beyond all', '/Users', { count: 4294967299 }, 'invalidCount'],
  ['another count and filter', '/Users', { count: 4, filter: 'userName pr' }, 'invalidCursor'],
  ['changed', '/Users', { cursor: cursor.replace(/.$/, (c) => (c === '0' ? '1' : '0')) }, 'invalidCursor'],
  ['cut', '/Users', { cursor: cursor.slice(0, -1) }, 'invalidCursor'],
  ['longer', '/Users', { cursor: `${cursor}00` }, 'invalidCursor'],
  ['made up', '/Users', { cursor: 'f'.repeat(5000).slice(0, 2000) }, 'invalidCursor'],
]) {
  const got = await query(path, { ...first, cursor, ...q });
  if (got.scimType !== scimType) wrong(`a cursor, ${what}: ${JSON.stringify(got).slice(0, 300)}`);
}
const { count: _, ...without } = first;
const whole = await query('/Users', { ...without, filter: `${everybody} and userName pr` });
if (whole.nextCursor || whole.itemsPerPage !== whole.totalResults) wrong(`without a count: ${JSON.stringify(whole).slice(-200)}`);
const left = await query('/Users', { ...without, cursor });
if (left.scimType !== 'invalidCount') wrong(`a cursor, the count left out: ${JSON.stringify(left).slice(0, 300)}`);
console.log(`${serial} made, ${all.size} left, ${bad} wrong`);
process.exit(bad ? 1 : 0);
