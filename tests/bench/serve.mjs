// serve.mjs USERS GROUPS DUMP: a directory of made-up people on loopback, as fast as
// node hands out bytes that are ready. Writes every page once to DUMP, one JSON
// text after the other, each preceded by its length and a newline; then "READY port".
import http from 'node:http'
import fs from 'node:fs'

const [users, groups] = [Number(process.argv[2]), Number(process.argv[3])]
const U = 'urn:ietf:params:scim:schemas:core:2.0:User'
const E = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const G = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const LR = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const id = (i) => `2819c223-7f76-453a-919d-${String(i).padStart(12, '0')}`
const user = (i) => ({
  schemas: [U, E], id: id(i), externalId: `00u1a2b3c4d5e6f7${i}`,
  meta: { resourceType: 'User', created: '2024-01-02T03:04:05.678Z', lastModified: '2025-11-12T13:14:15.167Z',
    version: `W/"${i}a330bc54f0671c9"`, location: `https://id.example.com/scim/v2/Users/${id(i)}` },
  userName: `person${i}@example.com`,
  name: { formatted: `Given${i} Family${i}`, familyName: `Family${i}`, givenName: `Given${i}` },
  displayName: `Given${i} Family${i}`, title: 'Senior Engineer', userType: 'Employee', locale: 'en-US',
  preferredLanguage: 'en-US', timezone: 'Europe/Berlin', active: i % 50 !== 7,
  emails: [{ value: `person${i}@example.com`, type: 'work', primary: true }, { value: `p${i}@home.example.org`, type: 'home' }],
  phoneNumbers: [{ value: `+49 30 ${1000000 + i}`, type: 'work' }],
  addresses: [{ type: 'work', streetAddress: '100 Universal City Plaza', locality: 'Hollywood', region: 'CA', postalCode: '91608', country: 'US' }],
  [E]: { employeeNumber: String(700000 + i), costCenter: '4130', organization: 'Example', division: 'Engineering', department: 'Platform',
    manager: { value: id(i % 100), displayName: 'A Manager' } }
})
const group = (g) => ({
  schemas: [G], id: `e9e30dba-f08f-4109-8486-${String(g).padStart(12, '0')}`, displayName: `team${g}`,
  meta: { resourceType: 'Group', created: '2024-01-02T03:04:05Z', lastModified: '2025-11-12T13:14:15Z' },
  members: Array.from({ length: 100 }, (_, k) => (g * 100 + k) % users)
    .map((i) => ({ value: id(i), $ref: `https://id.example.com/scim/v2/Users/${id(i)}`, display: `Given${i} Family${i}`, type: 'User' }))
})
const PAGE = 1000
const dump = fs.openSync(process.argv[4], 'w')
const pages = new Map()
for (const [path, n, make] of [['/Users', users, user], ['/Groups', groups, group]]) {
  for (let at = 0; at <= n; at += PAGE) {
    const Resources = []
    for (let i = at; i < Math.min(n, at + PAGE); i++) Resources.push(make(i))
    const body = Buffer.from(JSON.stringify({ schemas: [LR], totalResults: n, startIndex: at + 1, itemsPerPage: Resources.length, Resources }))
    pages.set(`${path} ${at + 1}`, body)
    fs.writeSync(dump, `${body.length}\n`)
    fs.writeSync(dump, body)
  }
}
fs.closeSync(dump)
const server = http.createServer((req, res) => {
  const url = new URL(req.url, 'http://x')
  const path = url.pathname.replace(/^\/scim\/v2/, '')
  let body = pages.get(`${path} ${url.searchParams.get('startIndex')}`)
  if (!body && path.startsWith('/Users/')) body = Buffer.from(JSON.stringify(user(Number(path.slice(-12)))))
  res.writeHead(body ? 200 : 404, { 'Content-Type': 'application/scim+json', 'Content-Length': body ? body.length : 0 })
  res.end(body)
})
server.listen(0, '127.0.0.1', () => console.log(`READY ${server.address().port}`))
