import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { once } from 'node:events'
import { Client } from 'undici'
import { endToEnd, isOfHop, lowered } from '#shared/http/headers.ts'
import { requestTarget } from '#shared/http/request-target.ts'
const sink = createServer((q, r) => { q.resume(); r.end() }); sink.listen(0, '127.0.0.1'); await once(sink, 'listening')
const client = new Client(`http://127.0.0.1:${(sink.address() as any).port}`)
const got: any[] = []
const server = createServer({ insecureHTTPParser: false, requireHostHeader: false }, (q, r) => { q.resume(); got.push({ raw: q.rawHeaders, url: q.url, method: q.method }); r.end() })
server.on('checkExpectation', (q, r) => r.end()); server.on('clientError', (_e, s) => s.destroy()); server.listen(0, '127.0.0.1'); await once(server, 'listening')
const send = (head: string) => new Promise<void>((done) => { const s = createConnection((server.address() as any).port, '127.0.0.1'); s.on('error', () => {}); s.on('close', () => done()); s.on('data', () => s.destroy()); s.end(Buffer.from(head, 'latin1')) })
const cases: [string, string][] = []
for (let b = 0; b < 256; b++) { const c = String.fromCharCode(b)
  cases.push([`value ${b}`, `POST /v1 HTTP/1.1\r\nhost: x\r\nx-a: a${c}b\r\n\r\n`]); cases.push([`name ${b}`, `POST /v1 HTTP/1.1\r\nhost: x\r\nx${c}a: b\r\n\r\n`]); cases.push([`path ${b}`, `POST /v1${c}b HTTP/1.1\r\nhost: x\r\n\r\n`]); cases.push([`query ${b}`, `POST /v1?${c}b HTTP/1.1\r\nhost: x\r\n\r\n`]) }
for (const t of ['*', '//x/y', 'http://a/b', '?x', '/\\x', 'x', 'http://a']) for (const m of ['OPTIONS','GET']) cases.push([`${m} ${t}`, `${m} ${t} HTTP/1.1\r\nhost: x\r\n\r\n`])
for (const h of ['content-type: a\r\ncontent-type: b', 'x-empty:', 'expect: x', 'constructor: 1', '__proto__: 1', 'connection: x-a, close', 'upgrade: h2c\r\nconnection: upgrade', 'content-type:', 'connection: content-type\r\ncontent-type: a'])
  cases.push([h, `POST /v1 HTTP/1.1\r\nhost: x\r\n${h}\r\n\r\n`])
for (const [name, head] of cases) {
  got.length = 0; await send(head)
  if (got.length === 0) continue
  const { raw, url, method } = got[0]
  const t = requestTarget(url)
  await new Promise<void>((done) => client.dispatch({ path: t.path + t.query, method, headers: endToEnd(lowered(raw), isOfHop), body: null } as any, { onRequestStart() {}, onResponseStart() {}, onResponseData() {}, onResponseEnd() { done() }, onResponseError(_c: any, e: any) { console.log(name, JSON.stringify(t.path + t.query), e.code, e.message); done() } } as any))
}
console.log('done', cases.length); process.exit(0)
