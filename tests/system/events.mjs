// events.mjs USERS GROUPS [PORT]: a SCIM directory on loopback that offers events
// (RFC 9967 over RFC 8936 polls) as scim-directory does, with switches for what goes
// wrong: POST /__change {…}, POST /__expire (every stream forgotten), POST /__fault
// {get, poll: HTTP statuses}, GET /__seen (requests), GET /__streams (positions).
// Prints "READY url" when it listens.
import http from 'node:http'

const LR = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const PROV = 'urn:ietf:params:scim:event:prov:'
const users = new Map(), groups = new Map(), feed = [], streams = new Map()
let seen = [], fault = {}, waiting = [], serial = 0
const key = (kind, i) => `${kind}-0000-4000-8000-${String(i).padStart(12, '0')}`
function add() {
  const i = serial++, id = key('aaaaaaaa', i)
  users.set(id, { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], id, userName: `user${String(i).padStart(5, '0')}`,
    displayName: `Given ${i} Family`, active: true, meta: { created: '2024-01-01T00:00:00Z' } })
  return id
}
for (let i = 0; i < Number(process.argv[2]); i++) add()
for (let j = 0; j < Number(process.argv[3]); j++) {
  const id = key('bbbbbbbb', j)
  groups.set(id, { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], id, displayName: `group${String(j).padStart(3, '0')}`,
    members: [{ value: key('aaaaaaaa', j) }], meta: { created: '2024-01-01T00:00:00Z' } })
}

const b64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url')
function happens(kind, id, what) {
  const n = feed.length + 1, jti = `feed-${n}`
  feed.push({ n, jti, set: `${b64({ alg: 'none' })}.${b64({ iss: 'https://id.example.com', iat: 1, jti, txn: jti,
    sub_id: { format: 'scim', uri: `/${kind}/${id}`, id }, events: { [PROV + what]: what.endsWith('notice') ? { attributes: [] } : {} } })}.` })
}

// {add: n, disable: [i], remove: [i], silently: [i], join: {group, user}}: i counts from 0.
function change(c) {
  for (let i = 0; i < (c.add ?? 0); i++) happens('Users', add(), 'create:notice')
  for (const i of c.disable ?? []) { users.get(key('aaaaaaaa', i)).active = false; happens('Users', key('aaaaaaaa', i), 'patch:notice') }
  for (const i of c.remove ?? []) { users.delete(key('aaaaaaaa', i)); happens('Users', key('aaaaaaaa', i), 'delete') }
  for (const i of c.silently ?? []) { users.delete(key('aaaaaaaa', i)); happens('Users', key('aaaaaaaa', i), 'patch:notice') }
  if (c.join) {
    groups.get(key('bbbbbbbb', c.join.group)).members.push({ value: key('aaaaaaaa', c.join.user) })
    happens('Groups', key('bbbbbbbb', c.join.group), 'patch:notice')
  }
  wake()
}

function wake() { const w = waiting; waiting = []; for (const p of w) answer(p) }
function answer(p, last) {
  if (p.res.destroyed) return
  const position = streams.get(p.name)
  const sets = feed.slice(position, position + (p.body.maxEvents ?? 100))
  if (!sets.length && !p.body.returnImmediately && !last) {
    waiting.push(p)
    if (!p.timer) p.timer = setTimeout(() => { waiting = waiting.filter((w) => w !== p); answer(p, true) }, 60000)
    return
  }
  clearTimeout(p.timer)
  send(p.res, 200, { sets: Object.fromEntries(sets.map((e) => [e.jti, e.set])), moreAvailable: position + sets.length < feed.length })
}
function poll(name, body, res) {
  const past = body.ack?.length || body['urn:scimd:report']?.applied
  if (!streams.has(name)) {
    if (past) return send(res, 404, { detail: 'expired' })
    streams.set(name, feed.length)
  }
  while (body.ack?.includes(`feed-${streams.get(name) + 1}`)) streams.set(name, streams.get(name) + 1)
  answer({ name, body, res })
}

function send(res, status, o) {
  res.writeHead(status, { 'Content-Type': 'application/scim+json' })
  res.end(JSON.stringify(o))
}
function list(all, q) {
  const start = Number(q.get('startIndex') ?? 1), count = Number(q.get('count') ?? 100)
  let l = [...all.values()]
  if (q.get('filter')) l = l.filter((u) => u.active === false)
  return { schemas: [LR], totalResults: l.length, startIndex: start, Resources: l.slice(start - 1, start - 1 + count) }
}
function get(path, q, res) {
  const [, kind, id] = path.split('/')
  const all = kind === 'Users' ? users : kind === 'Groups' ? groups : null
  if (path === '/ServiceProviderConfig')
    return send(res, 200, { patch: { supported: false }, filter: { supported: true, maxResults: 1000 },
      'urn:scimd:params:scim:events': { pollUri: 'https://elsewhere.example.com/scim/v2/Events/', retention: 3600 } })
  if (!all) return send(res, 404, {})
  if (!id) return send(res, 200, list(all, q))
  if (fault.get) return send(res, fault.get, {})
  return all.has(id) ? send(res, 200, all.get(id)) : send(res, 404, { detail: 'not here' })
}

const server = http.createServer((req, res) => {
  const url = new URL(req.url, 'http://x')
  let text = ''
  req.on('data', (d) => { text += d })
  req.on('end', () => {
    const body = text ? JSON.parse(text) : {}
    if (url.pathname === '/__change') { change(body); return send(res, 200, {}) }
    if (url.pathname === '/__expire') {
      streams.clear()
      for (const p of waiting) send(p.res, 404, { detail: 'expired' })
      waiting = []
      return send(res, 200, {})
    }
    if (url.pathname === '/__fault') { fault = body; return send(res, 200, {}) }
    if (url.pathname === '/__seen') { send(res, 200, seen); if (url.searchParams.has('clear')) seen = []; return }
    if (url.pathname === '/__streams') return send(res, 200, Object.fromEntries(streams))
    if (req.headers.authorization !== 'Bearer secret') return send(res, 401, {})
    const path = url.pathname.replace('/scim/v2', '')
    seen.push({ at: Date.now(), method: req.method, path: path + url.search, body })
    if (req.method === 'POST' && path.startsWith('/Events/'))
      return fault.poll ? send(res, fault.poll, {}) : poll(path.slice(8), body, res)
    return get(path, url.searchParams, res)
  })
})
server.keepAliveTimeout = 120000
server.listen(Number(process.argv[4] ?? 0), '127.0.0.1', () => {
  console.log(`READY http://127.0.0.1:${server.address().port}/scim/v2`)
})
process.on('SIGTERM', () => process.exit(0))
