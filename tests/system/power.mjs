// power.mjs FOLDER EVERY RANDOM SEED: plays back power cuts; see power.sh. FOLDER has
// `record` (strace), `old` (the state before), `old.json` and `new.json` (what is
// served before and after) and `state`, where each cut is laid out and tried.
//
// The disk is modelled harshly: a write that no fsync of its file followed may be
// lost or kept, each 4096 bytes of it apart; names (create, link, rename, unlink) come
// in order but only as far as the last fsync of their folder are they sure. A
// descriptor opened with O_DSYNC writes at once.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const [folder, every, random, seed] = [process.argv[2], ...process.argv.slice(3).map(Number)]
const state = path.join(folder, 'state'), BLOCK = 4096
let word = seed * 2654435761 >>> 0 || 1
const chance = (p) => { word ^= word << 13; word >>>= 0; word ^= word >>> 17; word ^= word << 5; word >>>= 0; return word / 4294967296 < p }

// ------------------------------------------------------------------- record
const text = (s) => Buffer.from(s.replace(/\\x/g, ''), 'hex')
const ops = [], descriptors = new Map(), halves = new Map()
const mine = (p) => p.startsWith(state + '/') || p === state
function take(line) {
  const m = /^(\w+)\((.*)\)\s+= (-?\d+)/s.exec(line)
  if (!m || Number(m[3]) < 0) return
  const [, call, args] = m, done = Number(m[3]), strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((x) => text(x[1]))
  const [, fd, at] = /^(\d+)<((?:\\x[0-9a-f]{2}|[^>])*)>/.exec(args) ?? [], tail = args.slice(args.lastIndexOf('"') + 1).split(',').map((x) => x.trim())
  // The number may have gone to something else meanwhile.
  const file = at && mine(at.startsWith('\\x') ? text(at).toString() : at) ? descriptors.get(fd) : undefined
  if (call === 'openat') {
    const name = strings[0].toString()
    descriptors.delete(String(done))
    if (!mine(name)) return
    descriptors.set(String(done), { name, sync: /O_D?SYNC/.test(args), at: 0 })
    if (/O_CREAT|O_TRUNC/.test(args)) ops.push({ call: 'create', name, cut: /O_TRUNC/.test(args), fd: descriptors.get(String(done)) })
    else ops.push({ call: 'open', name, fd: descriptors.get(String(done)) })
  } else if (['rename', 'link', 'unlink', 'mkdir'].includes(call)) {
    if (mine(strings[0].toString())) ops.push({ call, name: strings[0].toString(), to: strings[1]?.toString() })
  } else if (!file) {
    return
  } else if (call === 'write') {
    ops.push({ call: 'write', fd: file, at: file.at, data: strings[0].subarray(0, done) })
    file.at += done
  } else if (call === 'pwrite64' || call === 'pwritev') {
    ops.push({ call: 'write', fd: file, at: Number(tail.at(-1)), data: Buffer.concat(strings).subarray(0, done) })
  } else if (call === 'writev') {
    ops.push({ call: 'write', fd: file, at: file.at, data: Buffer.concat(strings).subarray(0, done) })
    file.at += done
  } else if (call === 'lseek') {
    file.at = done
  } else if (call === 'fsync' || call === 'fdatasync') {
    ops.push({ call: 'sync', fd: file })
  } else if (call === 'ftruncate') {
    ops.push({ call: 'size', fd: file, size: Number(args.split(',').at(-1)), shrink: true })
  } else if (call === 'fallocate') {
    const a = args.split(',').map((x) => x.trim())
    if (/PUNCH/.test(args)) ops.push({ call: 'write', fd: file, at: Number(a.at(-2)), data: Buffer.alloc(Number(a.at(-1))) })
    else ops.push({ call: 'size', fd: file, size: Number(a.at(-2)) + Number(a.at(-1)) })
  }
}
for (const raw of fs.readFileSync(path.join(folder, 'record'), 'latin1').split('\n')) {
  const m = /^(\d+)\s+(.*)$/s.exec(raw)
  if (!m) continue
  const [, pid, line] = m
  if (line.endsWith('<unfinished ...>')) halves.set(pid, line.slice(0, -16).trimEnd())
  else if (/^<\.\.\. \w+ resumed>/.test(line)) take(halves.get(pid) + line.replace(/^<\.\.\. \w+ resumed>\s*/, ''))
  else take(line)
}

// -------------------------------------------------------------------- model
// inode: { sure: Buffer, doubt: [op] }; names: Map path → inode.
function load() {
  const names = new Map(), folders = []
  const walk = (dir) => {
    for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
      const at = path.join(dir, e.name), to = path.join(state, path.relative(path.join(folder, 'old'), at))
      if (e.isDirectory()) { folders.push(to); walk(at) } else names.set(to, { sure: fs.readFileSync(at), doubt: [], mode: fs.statSync(at).mode })
    }
  }
  walk(path.join(folder, 'old'))
  return { names, folders }
}
function put(data, op) {
  if (op.call === 'size') {
    if (op.size <= data.length) return op.shrink ? data.subarray(0, op.size) : data
    return Buffer.concat([data, Buffer.alloc(op.size - data.length)])
  }
  const out = Buffer.alloc(Math.max(data.length, op.at + op.data.length))
  data.copy(out)
  op.data.copy(out, op.at)
  return out
}
function pieces(op) {
  if (op.call !== 'write') return [op]
  const list = []
  for (let o = 0; o < op.data.length; o += BLOCK) list.push({ call: 'write', at: op.at + o, data: op.data.subarray(o, o + BLOCK) })
  return list
}
// The disk after `count` operations; keep(how) says of each unsure piece whether it is there.
function disk(count, keep) {
  const { names, folders } = load(), sure = new Map(names), pending = [], inodes = new Set(names.values()), of = new Map()
  const change = (map, o) => {
    if (o.call === 'create') map.set(o.name, o.inode)
    else if (o.call === 'unlink') map.delete(o.name)
    else if (o.call === 'link') { if (map.has(o.name)) map.set(o.to, map.get(o.name)) } else if (o.call === 'rename' && map.has(o.name)) { map.set(o.to, map.get(o.name)); map.delete(o.name) }
  }
  for (const op of ops.slice(0, count)) {
    if (op.call === 'open' || op.call === 'create') {
      let inode = names.get(op.name)
      if (!inode && op.call === 'create') {
        inode = { sure: Buffer.alloc(0), doubt: [], mode: 0o644 }
        inodes.add(inode)
        pending.push({ call: 'create', name: op.name, inode })
        names.set(op.name, inode)
      } else if (inode && op.cut) inode.doubt.push({ call: 'size', size: 0, shrink: true })
      of.set(op.fd, inode)
    } else if (op.call === 'write' || op.call === 'size') {
      const inode = of.get(op.fd)
      if (op.fd.sync) inode.sure = put(inode.sure, op)
      else inode?.doubt.push(...pieces(op))
    } else if (op.call === 'sync') {
      const inode = of.get(op.fd)
      if (inode) {
        for (const d of inode.doubt) inode.sure = put(inode.sure, d)
        inode.doubt = []
      } else { // a folder
        const left = []
        for (const p of pending) if (path.dirname(p.to ?? p.name) === op.fd.name) change(sure, p); else left.push(p)
        pending.splice(0, pending.length, ...left)
      }
    } else if (op.call !== 'mkdir') {
      pending.push(op)
      change(names, op)
    }
  }
  for (const p of pending) if (keep('name')) change(sure, p); else break
  for (const inode of inodes) for (const d of inode.doubt) if (keep('data')) inode.sure = put(inode.sure, d)
  return { names: sure, folders }
}
function lay(d) {
  fs.rmSync(state, { recursive: true, force: true })
  fs.mkdirSync(state, { mode: 0o755 })
  for (const f of d.folders) fs.mkdirSync(f, { mode: 0o700 })
  for (const [name, inode] of d.names) if (!name.endsWith('/reserve')) { fs.writeFileSync(name, inode.sure); fs.chmodSync(name, inode.mode & 0o777 || 0o644) }
}

// ---------------------------------------------------------------------- try
const served = () => ['users', 'groups'].map((w) => spawnSync('scimctl', ['--state-dir', state, '--json', 'list', w], { encoding: 'latin1' })).map((r) => r.status === 0 ? r.stdout : '').join('')
const [before, after] = ['old.json', 'new.json'].map((f) => fs.readFileSync(path.join(folder, f), 'latin1'))
let tried = 0, bad = 0, empty = 0, olds = 0, news = 0
function attempt(what, d) {
  lay(d)
  tried++
  const first = served()
  if (first === '') empty++; else if (first === before) olds++; else if (first === after) news++
  else { bad++; console.error(`${what}: what is served is neither the old nor the new state`) }
  const r = spawnSync('scimd', ['--once'], { encoding: 'latin1', timeout: 20000 })
  if (r.status !== 0 || served() !== after || /damaged/.test(r.stderr)) {
    bad++
    console.error(`${what}: the next sync (exit ${r.status ?? r.signal}) does not bring the new state\n${r.stderr}`)
  }
}
for (let n = 0; n <= ops.length; n++) {
  if (n % every && n !== ops.length) continue
  attempt(`all of the first ${n} operations`, disk(n, () => true))
  attempt(`what was synced of the first ${n} operations`, disk(n, () => false))
}
for (let i = 0; i < random; i++) {
  const n = Math.floor(ops.length * i / random) + 1, p = 0.2 + 0.6 * (i % 7) / 6
  attempt(`seed ${seed}, cut ${i} after operation ${n}`, disk(n, () => chance(p)))
}
console.log(`${ops.length} operations, ${tried} cuts, ${bad} bad; at once: ${olds} old, ${news} new, ${empty} unavailable (seed ${seed})`)
process.exit(bad === 0 && ops.length > 15 && olds > 5 && news > 5 ? 0 : 1)
