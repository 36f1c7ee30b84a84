import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { countTokens } from 'gpt-tokenizer/model/gpt-4o'
import { commandOf, type ProcessName, processNames } from '#deploy/image/processes.ts'
import { Output } from '../../local/local-system.ts'
import { type Place, startInside } from './sandbox.ts'

/** What a process inside finds out about where it is. */
const look = `
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const attempt = (path) => { try { writeFileSync(path, ''); return 'written' } catch ({ code }) { return code } }
console.log(JSON.stringify({
  user: process.getuid() + ':' + process.getgid(),
  capabilities: /^CapEff:\\s*(\\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1],
  writes: ['/app/x', '/x', '/tmp/x'].map(attempt),
  shells: ['/bin', '/usr/bin', '/sbin', '/bin/sh'].filter(existsSync),
  time: new Date(0).toLocaleTimeString('en-GB', { timeZone: 'Asia/Tokyo' }),
  system: process.report.getReport().header.glibcVersionRuntime,
  certificates: require('node:tls').getCACertificates('system').length > 100,
}))`

/** The tests of an unpacked image; `write` puts a file into its /etc/outrigger. */
export function inside(
  place: Place,
  { write }: { readonly write: (name: string, text: string) => void },
): void {
  /** Runs to its end; gives what it wrote and how it ended. */
  async function run(command: readonly string[]) {
    const child = startInside(place, command)
    assert.ok(child.stdout !== null && child.stderr !== null)
    const ended = once(child, 'close')
    const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)])
    const [code] = await ended
    return { out, error, code }
  }

  /** A process of the image with ports of its own, until `use` has ended. */
  async function during(
    name: ProcessName,
    use: (ports: { readonly port: number; readonly probesPort: number }) => Promise<void>,
  ): Promise<void> {
    const ports = ['--port', '--probes-port', '--admin-port'].flatMap((flag) => [flag, '0'])
    const config = ['--config', `/etc/outrigger/${name}.yaml`, '--host', '127.0.0.1']
    const provider = name === 'ambassador' ? ['--provider', 'pool'] : []
    const child = startInside(place, [...commandOf(name), ...config, ...provider, ...ports])
    assert.ok(child.stdout !== null && child.pid !== undefined)
    const ended = once(child, 'close')
    const out = new Output(child.stdout)
    try {
      await out.until(/"msg":"ready"/)
      const port = (key: string) => Number(new RegExp(`"${key}":(\\d+)`).exec(out.text)?.[1])
      await use({ port: port('port'), probesPort: port('probesPort') })
      process.kill(-child.pid, 'SIGTERM')
      assert.deepEqual(await ended, [0, null])
      assert.doesNotMatch(out.text, /"level":"error"/)
    } finally {
      if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    }
  }

  it('runs as nobody on a root that it cannot write, without a shell', async () => {
    const { out, error, code } = await run(['/node/bin/node', '--eval', look])
    assert.equal(code, 0, error)
    assert.deepEqual(JSON.parse(out), {
      user: '65532:65532',
      capabilities: '0000000000000000',
      writes: ['EROFS', 'EROFS', 'written'],
      shells: [],
      time: '09:00:00',
      system: '2.41',
      certificates: true,
    })
    const shell = await run(['/bin/sh', '-c', 'true'])
    assert.equal(shell.code, 127)
    assert.match(shell.error, /\/bin\/sh: No such file or directory/)
  })

  for (const name of processNames) {
    it(`has all the code of its ${name}`, async () => {
      const { out, error, code } = await run([...commandOf(name), '--no-such-flag'])
      assert.ok(code > 0, out)
      assert.match(`${out}${error}`, /no-such-flag/)
    })
  }

  it('answers probes as an ambassador, and ends by itself', async () => {
    const pool = 'pool: { kind: vllm, replicas: { addresses: [http://127.0.0.1:9] } }'
    const own = 'ambassador: { drain: { delay: 0s, grace: 0s } }'
    write('ambassador.yaml', `${own}\nproviders: { ${pool} }\n`)
    await during('ambassador', async ({ probesPort }) => {
      const answer = await fetch(`http://127.0.0.1:${probesPort}/livez`)
      assert.equal(answer.status, 200)
    })
  })

  const messages = [{ role: 'user', content: 'How many tokens has this question, 世界?' }] as const

  it('answers probes as a sidecar, and counts exactly without any package', async () => {
    const counted: (string | string[] | undefined)[] = []
    const ambassador = createServer((request, response) => {
      counted.push(request.headers['x-outrigger-input-tokens'])
      request.resume()
      response.setHeader('content-type', 'application/json')
      response.end('{"choices":[]}')
    })
    ambassador.listen(0, '127.0.0.1')
    await once(ambassador, 'listening')
    const address = ambassador.address()
    assert.ok(typeof address === 'object' && address !== null)
    write(
      'sidecar.yaml',
      `sidecar: { drain: { grace: 0s }, count: { wait: 30s } }
models: { gpt-4o: { targets: [{ provider: openai, model: gpt-4o }] } }
providers:
  openai:
    kind: openai
    address: '127.0.0.1:${address.port}'
    credentials: [{ name: main, secret: OPENAI_API_KEY }]
`,
    )
    try {
      await during('sidecar', async ({ port, probesPort }) => {
        const live = await fetch(`http://127.0.0.1:${probesPort}/livez`)
        assert.equal(live.status, 200)
        const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close' },
          body: JSON.stringify({ model: 'gpt-4o', messages }),
        })
        assert.equal(answer.status, 200, await answer.text())
      })
      assert.deepEqual(counted, [String(countTokens([...messages]))])
    } finally {
      ambassador.close()
      ambassador.closeAllConnections()
    }
  })
}
