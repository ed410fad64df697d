// directory.mjs USERS GROUPS: a SCIM directory on loopback that hands out its lists
// as fast as node can, for tests that sync hundreds of times. It speaks the parts of
// tests/realscim's admin calls that those tests use (POST /__churn, POST /__fault for
// one kind of monstrous answer at a time) and keeps every request it saw (GET /__seen;
// DELETE forgets them). Users have ETags. POST /token hands out a token to everybody.
// Prints "READY url" when it listens.
import http from 'node:http'
import zlib from 'node:zlib'

const LR = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const users = [], groups = [], seen = []
let fault = null, serial = 0, bare = false
let versions = 0
const bear = (u) => { u.meta.version = `W/"u${++versions}"` }
const key = (kind, i) => `${kind}-0000-4000-8000-${String(i).padStart(12, '0')}`
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

function churn({ deactivate = 0, activate = 0, rename = '', from = 0, remove = 0, more = 0 }) {
  for (const u of users.slice(from, from + deactivate)) { u.active = false; u.meta.lastModified = '2024-02-01T00:00:00Z'; bear(u) }
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
  status: (res, f) => { res.writeHead(f.status); res.end('{}') },
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
      else if (path === '/__bare') bare = o.bare // groups' lists without members
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
    const group = path.startsWith('/Groups/') && groups.find((g) => g.id === path.slice(8))
    if (group) return say(group)
    const one = path.startsWith('/Users/') && users.find((u) => u.id === path.slice(7))
    if (one) {
      res.setHeader('ETag', one.meta.version)
      if (req.headers['if-none-match'] === one.meta.version) { res.writeHead(304); return res.end() }
      return say(one)
    }
    const list = path === '/Users' ? users : path === '/Groups' ? groups : null
    if (!list || url.searchParams.get('filter')) return say({}, 404)
    const start = Number(url.searchParams.get('startIndex'))
    let Resources = list.slice(start - 1, start - 1 + 1000)
    if (bare && list === groups) Resources = Resources.map(({ members, ...g }) => g)
    say({ schemas: [LR], totalResults: list.length, startIndex: start, itemsPerPage: Resources.length, Resources })
  }
})
server.listen(0, '127.0.0.1', () => console.log(`READY http://127.0.0.1:${server.address().port}/scim/v2`))
for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => process.exit(0))
