// directory.mjs USERS GROUPS [numbers]: a SCIM directory on loopback that hands out its lists
// as fast as node can, for tests that sync hundreds of times. It speaks the parts of
// tests/realscim's admin calls that those tests use (POST /__churn, POST /__fault for
// one kind of monstrous answer at a time) and keeps every request it saw (GET /__seen;
// DELETE forgets them). Users have ETags. POST /token hands out a token to everybody.
// POST /__paging says how lists are cut, and what happens meanwhile:
//   way: index (as it is without; a cursor is not heeded), cursor (both), cursor-only,
//     index-only (a cursor is an error), switch (asked by number, answers with a cursor),
//     next-id (SAP's way), whole (no paging at all)
//   page: how many on a page; max: a larger count is an error; says: nothing of itself (false) or its ServiceProviderConfig
//   gone: [i, …], come: n: whenever a first page of users is out, user i goes, one comes
//     n times; empty: later pages are empty and say totalResults 0; total: "none" said, or that
//     of the "page"
//   tags: lists have ETags, of all of them
//   guess: totalResults is 9999 on all pages but the last
//   expire: n cursors have expired; loop: cursors lead nowhere; ms: how slow a page is
//   plain: paths that begin so are refused with attributes=
//   stuck: what is filtered is page 1 whatever was asked for, and does not say so
// POST /__groups: bare: true (lists without members) or "all" (GET too); filter by
//   groups.value eq: "honoured", "ignored"; own: users say which groups they are in, or
//   ("others") only which others;
//   answers: instead of a group by its id, what this says, with that code; numbers: the
//   ids of members are no strings; literal: attributes= is all that GET of one has;
//   absent: [j, …] are in the list only
// POST /__hide {users: [i, …], groups: [i, …]}: left out of lists, but there.
// Prints "READY url" when it listens.
import http from 'node:http'
import zlib from 'node:zlib'

const LR = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const users = [], groups = [], seen = [], logins = new Map()
let fault = null, serial = 0, paging = {}, grouping = {}, hidden = new Set()
let versions = 0
const bear = (u) => { u.meta.version = `W/"u${++versions}"` }
const key = (kind, i) => kind === 'aaaaaaaa' && process.argv[4] === 'numbers' ? String(100000 + i) : `${kind}-0000-4000-8000-${String(i).padStart(12, '0')}`
function add() {
  const i = serial++, login = `user${String(i).padStart(5, '0')}`
  users.push({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], id: key('aaaaaaaa', i), userName: login,
    displayName: `Given ${i} Family`, active: i % 20 !== 19, meta: { created: '2024-01-01T00:00:00Z', lastModified: '2024-01-01T00:00:00Z' } })
  bear(users.at(-1))
}
for (let i = 0; i < Number(process.argv[2]); i++) add()
for (let j = 0, m = Number(process.argv[3]); j < m; j++)
  groups.push({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], id: key('bbbbbbbb', j), displayName: `group${String(j).padStart(3, '0')}`,
    members: users.filter((_, i) => i % m === j).map((u) => ({ value: u.id })), meta: { created: '2024-01-01T00:00:00Z' } })

// at: what lastModified becomes, null: it stays
function churn({ at = '2024-02-01T00:00:00Z', deactivate = 0, activate = 0, rename = '', from = 0, remove = 0, more = 0, spoil = 0, mend = 0 }) {
  for (const u of users.slice(from, from + spoil)) { logins.set(u.id, u.userName); u.userName = 'no name: at all'; bear(u) }
  for (const u of users.slice(from, from + mend)) { u.userName = logins.get(u.id); bear(u) }
  for (const u of users.slice(from, from + deactivate)) { u.active = false; u.meta.lastModified = at ?? u.meta.lastModified; bear(u) }
  for (const u of users.slice(from, from + activate)) { u.active = true; bear(u) }
  if (rename) { users[from].displayName = rename; bear(users[from]) }
  const gone = new Set(users.splice(users.length - remove, remove).map((u) => u.id))
  for (const g of groups) g.members = g.members.filter((m) => !gone.has(m.value))
  for (let i = 0; i < more; i++) add()
}

// Writes CHUNK until N bytes are out, then calls end; stops when the client has gone.
function flood(res, chunk, n, end) {
  while (n > 0 && !res.destroyed) {
    n -= chunk.length
    if (!res.write(chunk)) return void res.once('drain', () => flood(res, chunk, n, end))
  }
  if (!res.destroyed) end()
}

// What no directory should say. f.bytes, f.depth: how much of it.
const monsters = {
  body: (res, f) => { // a well-formed list with one very long string in it
    res.write(`{"schemas":["${LR}"],"totalResults":1,"Resources":[{"id":"x","userName":"x","title":"`)
    flood(res, Buffer.alloc(65536, 'a'), f.bytes, () => res.end('"}]}'))
  },
  keys: (res, f) => { // one resource of very many small attributes
    res.write(`{"schemas":["${LR}"],"totalResults":1,"Resources":[{"id":"x","userName":"x"`)
    let i = 0
    const some = () => {
      let text = ''
      for (const stop = Math.min(i + 10000, f.keys); i < stop; i++) text += `,"k${i}":1`
      if (i >= f.keys) return res.end(text + '}]}')
      if (res.destroyed) return
      if (res.write(text)) setImmediate(some)
      else res.once('drain', some)
    }
    some()
  },
  members: (res, f) => { // a group that nobody has
    res.write(`{"schemas":["${LR}"],"totalResults":1,"Resources":[{"id":"g","displayName":"g","members":[{"value":"x"}`)
    flood(res, Buffer.from(',{"value":"x"}'.repeat(4096)), f.members * 14, () => res.end(']}]}'))
  },
  deep: (res, f) => res.end(`{"schemas":["${LR}"],"totalResults":1,"Resources":${'['.repeat(f.depth)}${']'.repeat(f.depth)}}`),
  bomb: (res, f) => { // inflates a thousandfold
    const zip = zlib.createGzip({ level: 9 })
    res.setHeader('Content-Encoding', 'gzip')
    res.on('error', () => zip.destroy())
    res.on('close', () => zip.destroy())
    zip.on('error', () => {})
    zip.pipe(res)
    flood(zip, Buffer.alloc(1 << 20, ' '), f.bytes, () => zip.end('{}'))
  },
  crowd: (res, f, answer, start) => { // every group, and one with f.members members: those who are there, then strangers
    let i = 0
    const rest = groups.map((g) => ',' + JSON.stringify(g)).join('')
    if (start > 1) return void res.end(JSON.stringify({ schemas: [LR], totalResults: groups.length + 1, Resources: [] }))
    res.write(`{"schemas":["${LR}"],"totalResults":${groups.length + 1},"Resources":[{"id":"${key('cccccccc', 0)}","displayName":"crowd","members":[`)
    const more = () => {
      while (i < f.members && !res.destroyed) {
        let text = ''
        for (const end = Math.min(i + 1000, f.members); i < end; i++) text += `${i ? ',' : ''}{"value":"${key('aaaaaaaa', i)}"}`
        if (!res.write(text)) return void res.once('drain', more)
      }
      if (!res.destroyed) res.end(`]}${rest}]}`)
    }
    more()
  },
  masses: (res, f, answer, start) => { // pages of f.total resources, each as small as can be
    const Resources = []
    for (let i = start; i < start + 1000 && i <= f.total; i++) Resources.push(f.kindOf === 'group'
      ? { id: key('dddddddd', i), displayName: `mass${i}` } : { id: key('eeeeeeee', i), userName: `mass${i}` })
    res.end(JSON.stringify({ schemas: [LR], totalResults: f.total, startIndex: start, itemsPerPage: Resources.length, Resources }))
  },
  swell: (res, f, answer, start) => { // the list as it is, but what f.how names is more than anybody needs
    const list = /Users/.test(f.match) ? users : groups, more = {}
    const extra = {
      string: () => `"title":"${'\\"x'.repeat(3 << 20)}"`,
      keys: () => `"x":{${Array.from({ length: 12000 }, (_, i) => `"k${i}":[1]`).join(',')}}`,
      deep: () => `"x":${'[{"x":'.repeat(50000)}1${'}]'.repeat(50000)}`,
      items: () => `"x":[${'1,'.repeat(1100000)}1]`,
      weight: () => `"members":[${`{"value":"${key('aaaaaaaa', 1)}","display":"]}"},`.repeat(300000)}{"value":"x"}],"active":true,"last":{"a":[1,{"b":2}]}`,
    }
    for (const [i, how] of Object.entries(f.how)) more[list[i].id] = extra[how]()
    const text = list.slice(start - 1, start - 1 + 1000).map((r) => {
      const { id, ...rest } = r // what is too much comes first, between, and last
      if (!more[id]) return JSON.stringify(r)
      const own = f.how[list.indexOf(r)] === 'weight' ? { ...rest, members: undefined } : rest
      return `{${more[id]},"id":"${id}",${JSON.stringify(own).slice(1)}`
    })
    res.end(`{"schemas":["${LR}"],"totalResults":${list.length},"Resources":[${text.join(',')}],"startIndex":${start}}`)
  },
  stout: (res) => res.end(`{"id":"${key('bbbbbbbb', 0)}","title":"${'x'.repeat(5 << 20)}"}`), // one resource alone
  status: (res, f) => { res.writeHead(f.status, f.after ? { 'Retry-After': f.after } : {}); res.end('{}') },
  says: (res, f) => res.end(JSON.stringify(f.body)),
  drop: (res) => res.destroy(),
  slow: (res, f, answer) => setTimeout(answer, f.ms),
  hang: () => {},
  redirect: (res, f) => { res.writeHead(f.status, { Location: f.location }); res.end() },
}

const server = http.createServer((req, res) => {
  const url = new URL(req.url, 'http://x'), path = url.pathname.replace(/^\/scim\/v2/, '')
  const say = (o, status = 200) => {
    const body = Buffer.from(JSON.stringify(o))
    res.writeHead(status, { 'Content-Type': 'application/scim+json', 'Content-Length': body.length })
    res.end(body)
  }
  if (path.startsWith('/__')) {
    let text = ''
    req.on('data', (d) => { text += d })
    req.on('end', () => {
      const o = text ? JSON.parse(text) : {}
      if (path === '/__churn') churn({ ...o, more: o.add })
      else if (path === '/__paging') paging = o
      else if (path === '/__groups') grouping = o
      else if (path === '/__hide') hidden = new Set([...(o.users ?? []).map((i) => key('aaaaaaaa', i)), ...(o.groups ?? []).map((i) => key('bbbbbbbb', i))])
      else if (path === '/__fault') fault = req.method === 'DELETE' ? null : o
      say(path === '/__seen' ? seen : {})
      if (path === '/__seen' && req.method === 'DELETE') seen.length = 0
    })
    return
  }
  seen.push({ url: req.url, headers: req.headers })
  res.on('error', () => {})
  if (path === '/token') return say({ access_token: 'handed-out', token_type: 'Bearer' })
  if (fault && new RegExp(fault.match).test(req.url)) {
    res.setHeader('Content-Type', 'application/scim+json')
    return monsters[fault.kind](res, fault, answer, Number(url.searchParams.get('startIndex') ?? 1))
  }
  answer()
  function answer() {
    if (path === '/ServiceProviderConfig' && paging.says) return say({ patch: { supported: true }, filter: { supported: true, maxResults: 1000 }, pagination: paging.says,
      etag: { supported: !!paging.tags }, 'urn:scimd:params:scim:lists': { etag: !!paging.tags } })
    if (paging.plain && path.startsWith(paging.plain) && url.searchParams.has('attributes')) return say({ detail: 'no attributes' }, 400)
    const group = path.startsWith('/Groups/') && groups.find((g) => g.id === path.slice(8))
    if (group && grouping.absent?.includes(groups.indexOf(group))) return say({}, 404)
    if (group) return grouping.answers ? say(grouping.answers, grouping.code ?? 200) : say(named(grouping.bare === 'all' ? stripped(group) : shown(group), url.searchParams))
    const one = path.startsWith('/Users/') && users.find((u) => u.id === path.slice(7))
    if (one) {
      res.setHeader('ETag', one.meta.version)
      if (req.headers['if-none-match'] === one.meta.version) { res.writeHead(304); return res.end() }
      return say(one)
    }
    const list = path === '/Users' ? users : path === '/Groups' ? groups : null
    const filter = url.searchParams.get('filter'), of = /^groups\.value eq "(.*)"$/.exec(filter ?? '')?.[1]
    if (!list || (filter && !(of && grouping.filter))) return say({}, 404)
    let all = list
    if (of && grouping.filter === 'honoured') all = users.filter((u) => groups.some((g) => g.id === of && g.members.some((m) => m.value === u.id)))
    if (paging.tags) res.setHeader('ETag', `"${versions}"`)
    cut(all.filter((r) => !hidden.has(r.id)), list, url.searchParams, say)
  }
})
const stripped = ({ members, ...g }) => g
const named = (g, q) => { // literal: what attributes= names, and nothing else
  const names = grouping.literal ? q.get('attributes')?.split(',') : null
  return names ? Object.fromEntries(Object.entries(g).filter(([k]) => names.includes(k))) : g
}
const shown = (g) => grouping.numbers ? { ...g, members: g.members.map((m) => ({ value: Number(m.value) })) } : g
const owned = (u) => ({ ...u, groups: grouping.own === 'others' ? [{ value: 'staff' }] : groups.filter((g) => g.members.some((m) => m.value === u.id)).map((g) => ({ value: g.id })) })

// One page of a list, as the way of paging has it.
function cut(all, list, q, say) {
  const way = paging.way ?? 'index', size = way === 'whole' ? all.length : paging.page ?? 1000
  const cursor = q.get('cursor') ?? q.get('startId')
  const byCursor = cursor !== null && way !== 'index' && way !== 'whole'
  // A cursor is the id to go on behind, with what must not get lost in a URL.
  const behind = byCursor && cursor && cursor !== 'initial' ? cursor.replace(/^[^=]*=\+/, '') : ''
  const start = Number(q.get('startIndex') ?? 1)
  if (way === 'index-only' && cursor !== null) return say({ detail: 'no cursors' }, 400)
  if (Number(q.get('count')) > paging.max) return say({ detail: 'too many' }, 400)
  if (way === 'cursor-only' && !byCursor) return say({ detail: 'cursors only' }, 400)
  if (behind && paging.expire > 0) { paging.expire--; return say({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], scimType: 'expiredCursor', status: '400' }, 400) }
  const at = paging.stuck && q.get('filter') ? 0 : !byCursor ? start - 1 : behind && paging.loop !== 'first' ? all.findIndex((r) => r.id > behind) : 0
  const first = at === 0
  let Resources = at < 0 ? [] : all.slice(at, at + size)
  const more = Resources.length > 0 && at + Resources.length < all.length, last = Resources.at(-1)?.id
  if (grouping.bare && list === groups) Resources = Resources.map(stripped)
  if (grouping.own && list === users) Resources = Resources.map(owned)
  const o = { schemas: [LR], totalResults: all.length, itemsPerPage: Resources.length, Resources }
  if (paging.total === 'none') delete o.totalResults
  if (paging.total === 'page') o.totalResults = Resources.length
  if (paging.guess && more) o.totalResults = 9999
  if (paging.empty && !first) Object.assign(o, { totalResults: 0, Resources: [] })
  if (!byCursor && !(paging.stuck && q.get('filter'))) o.startIndex = start
  if (way === 'next-id') o.nextId = more ? last : 'end'
  else if (paging.loop === 'first' && (byCursor || way === 'switch')) o.nextCursor = `${++versions}=+${last}`
  else if (paging.loop && byCursor && behind) o.nextCursor = cursor
  else if (more && (byCursor || way === 'switch')) o.nextCursor = `:/&=+${last}`
  if (paging.ms) setTimeout(() => say(o), paging.ms)
  else say(o)
  if (list !== users || !first || q.get('filter')) return
  if (paging.gone?.length) { users.splice(paging.gone.shift(), 1); versions++ }
  if (paging.come > 0) { paging.come--; add() }
}
server.listen(0, '127.0.0.1', () => console.log(`READY http://127.0.0.1:${server.address().port}/scim/v2`))
for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => process.exit(0))
