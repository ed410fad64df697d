// unchanged.mjs PORT: a proxy in front of a SCIM directory on loopback that counts
// what lists cost: GET /__seen gives {bodies, unchanged, asked}: list answers with a
// body, 304s, requests with If-None-Match. POST /__lie: from then on every one of
// those gets 304. Prints "READY url" when it listens.
import http from 'node:http'

const port = Number(process.argv[2])
let lie = false
const seen = { bodies: 0, unchanged: 0, asked: 0, whole: 0 }
http.createServer((req, res) => {
  if (req.url === '/__seen') return res.end(JSON.stringify(seen))
  if (req.url === '/__lie') { lie = true; return res.end() }
  const list = /^\/scim\/v2\/(Users|Groups)\?/.test(req.url), asks = req.headers['if-none-match']
  if (list && asks) seen.asked++
  if (list && asks && lie) {
    seen.unchanged++
    res.writeHead(304, { ETag: asks })
    return res.end()
  }
  const up = http.request({ port, method: req.method, path: req.url, headers: req.headers }, (got) => {
    if (list && got.statusCode === 304) seen.unchanged++
    else if (list) seen.bodies++
    if (list && !asks && got.statusCode === 200 && /Users\?(startIndex=1&|count=\d+&cursor=(&|$))/.test(req.url) && !/filter/.test(req.url)) seen.whole++
    res.writeHead(got.statusCode, got.headers)
    got.pipe(res)
  })
  up.on('error', () => res.destroy())
  res.on('close', () => up.destroy())
  req.pipe(up)
}).listen(0, '127.0.0.1', function () { console.log(`READY http://127.0.0.1:${this.address().port}/scim/v2`) })
