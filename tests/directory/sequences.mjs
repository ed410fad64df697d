// Plays the request sequences of identity providers against a server and compares
// what comes back. A sequence is a JSON file: a list of steps
//   { "send": "METHOD /path", "body": …, "headers": {…}, "token": "none" | "read",
//     "status": 200, "has": partial body, "hasNot": ["path", …], "keep": { "name": "path" } }
// "$name" in a path or a body is what a step has kept; a partial body compares
// objects by the members named and lists as a whole.
//
//   node sequences.mjs BASE WRITE_TOKEN READ_TOKEN FILE…
import { readFileSync } from 'node:fs';
import { request } from 'node:http';

const [base, writeToken, readToken, ...files] = process.argv.slice(2);
const root = new URL(base);
let bad = 0;
let steps = 0;

function call(method, path, body, headers, token) {
  const data = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const auth = token === 'none' ? {} : { Authorization: `Bearer ${token === 'read' ? readToken : writeToken}` };
  const full = path.startsWith('//') ? path.slice(1) : root.pathname.replace(/\/$/, '') + path;
  return new Promise((resolve, reject) => {
    const r = request(
      {
        host: root.hostname,
        port: root.port,
        method,
        path: full,
        headers: {
          ...auth,
          ...(data === undefined ? {} : { 'Content-Type': 'application/scim+json', 'Content-Length': Buffer.byteLength(data) }),
          ...headers,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (d) => (text += d));
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      },
    );
    r.on('error', reject);
    r.end(data);
  });
}

const at = (o, path) => path.split('/').reduce((v, k) => (v == null ? undefined : v[k]), o);

function fill(v, kept) {
  if (typeof v === 'string') return v.replace(/\$([a-z]+[0-9]*)/g, (all, name) => (name in kept ? kept[name] : all));
  if (Array.isArray(v)) return v.map((x) => fill(x, kept));
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [fill(k, kept), fill(x, kept)]));
  return v;
}

function differs(want, have, where = '') {
  if (Array.isArray(want)) {
    if (!Array.isArray(have) || have.length !== want.length) return `${where}: ${JSON.stringify(have)}`;
    return want.map((w, i) => differs(w, have[i], `${where}/${i}`)).find(Boolean);
  }
  if (want && typeof want === 'object') {
    if (!have || typeof have !== 'object') return `${where}: ${JSON.stringify(have)}`;
    return Object.entries(want)
      .map(([k, w]) => differs(w, have[k], `${where}/${k}`))
      .find(Boolean);
  }
  return want === have ? undefined : `${where}: ${JSON.stringify(have)}, not ${JSON.stringify(want)}`;
}

for (const file of files) {
  const kept = {};
  for (const [i, raw] of JSON.parse(readFileSync(file, 'utf8')).entries()) {
    const step = fill(raw, kept);
    const space = step.send.indexOf(' ');
    const got = await call(step.send.slice(0, space), step.send.slice(space + 1), step.body, step.headers, step.token);
    let json;
    try {
      json = got.text ? JSON.parse(got.text) : undefined;
    } catch {
      json = undefined;
    }
    let wrong;
    if (got.status !== step.status) wrong = `status ${got.status}, not ${step.status}`;
    if (!wrong && step.has) wrong = differs(step.has, json);
    if (!wrong && step.hasHeaders) wrong = differs(step.hasHeaders, got.headers);
    if (!wrong && step.status === 204 && got.text) wrong = 'a body with 204';
    for (const path of step.hasNot || []) if (!wrong && at(json, path) !== undefined) wrong = `${path} is there`;
    for (const [name, path] of Object.entries(step.keep || {})) kept[name] = path === 'etag' ? got.headers.etag : at(json, path);
    steps++;
    if (wrong) {
      bad++;
      console.error(`${file} step ${i + 1} (${step.send}): ${wrong}\n    ${got.text.slice(0, 400)}`);
    }
  }
}
console.log(`${files.length} sequences, ${steps} steps, ${bad} wrong`);
process.exit(bad || !steps ? 1 : 0);
