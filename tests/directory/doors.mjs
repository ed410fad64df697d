// Knocks at every route of a table (routes.c) with every method; see doors.sh.
//
//   node doors.mjs PORT BASE USER_ID GROUP_ID ROUTES nobody|reader TOKEN…
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const [port, base, user, group, file, who, ...tokens] = process.argv.slice(2);
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'SEARCH'];
const bodies = {
  'none': '',
  'no JSON': 'Content-Type: application/scim+json\r\nContent-Length: 4\r\n\r\n{{{{',
  'what would be done':
    'Content-Type: application/scim+json\r\nContent-Length: 31\r\n\r\n{"userName":"x","active":false}',
  'another type': 'Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx',
  '100 MB that never come': 'Content-Type: application/scim+json\r\nContent-Length: 104857600\r\n\r\n',
  'chunks that never come': 'Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n',
  'asking first': 'Content-Type: application/scim+json\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n',
};
const patience = 2000; // ms: a body that does not come is not waited for
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' '))
  .map(([method, path, scope]) => ({ method, path, scope }));
const paths = [...new Set(rows.map((row) => row.path)), '/nowhere', '!/nowhere', '/Users/{}/nowhere'];
let asked = 0;
let bad = 0;

function fill(path) {
  const id = path.startsWith('/Users') ? user : path.startsWith('/Groups') ? group : path.startsWith('/Events') ? 'host' : 'User';
  return (path[0] === '!' ? path.slice(1) : base + path).replace('{}', id);
}

// The first answer's head, and whatever text comes with it.
function ask(method, path, token, body) {
  return new Promise((resolve) => {
    let text = '';
    const s = connect(Number(port), '127.0.0.1');
    const late = setTimeout(() => s.destroy(), patience);
    const auth = token === 'none' ? '' : `Authorization: Bearer ${token}\r\n`;
    s.setEncoding('utf8');
    s.on('data', (more) => {
      text += more;
      if (text.includes('\r\n\r\n')) s.destroy();
    });
    s.on('error', () => {});
    s.on('close', () => {
      clearTimeout(late);
      resolve({
        status: Number(text.split(' ')[1]) || 0,
        allow: (/^Allow: (.*?)\r$/im.exec(text) || [])[1],
        challenge: /^WWW-Authenticate: Bearer /im.test(text),
      });
    });
    s.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${auth}${body || '\r\n'}`);
  });
}

function wrong(method, path, got) {
  const here = rows.filter((row) => row.path === path);
  const row = here.find((r) => r.method === (method === 'HEAD' ? 'GET' : method));
  if (row && row.scope === 'anyone') return got.status === 200 ? '' : 'not 200';
  if (who === 'nobody') return got.status !== 401 ? 'not 401' : got.challenge ? '' : 'no WWW-Authenticate';
  if (!here.length) return got.status === 404 ? '' : 'not 404';
  if (!row) {
    const allow = (got.allow || '').split(', ').sort().join();
    const want = here.map((r) => r.method).sort().join();
    return got.status !== 405 ? 'not 405' : allow === want ? '' : `Allow: ${got.allow}, not ${want}`;
  }
  return row.scope !== 'write' || got.status === 403 ? '' : 'not 403';
}

for (const token of tokens)
  for (const path of paths)
    await Promise.all(
      methods.flatMap((method) =>
        Object.entries(bodies).map(async ([name, body]) => {
          const reads = rows.some((r) => r.path === path && r.scope !== 'write' && r.method === (method === 'HEAD' ? 'GET' : method));
          const anyone = rows.some((r) => r.path === path && r.scope === 'anyone');
          if (who === 'reader' && reads) return; // that is its right
          if (anyone && reads && body) return; // it is read, and nothing is done with it
          const got = await ask(method, fill(path), token, body);
          const why = wrong(method, path, got);
          asked++;
          if (!why) return;
          bad++;
          console.error(`${method} ${path}, body: ${name}, token ${tokens.indexOf(token) + 1} of ${who}: ${got.status}, ${why}`);
        }),
      ),
    );
console.log(`${who}: ${paths.length} paths, ${asked} requests, ${bad} wrong`);
process.exit(bad || !asked ? 1 : 0);
