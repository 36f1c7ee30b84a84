import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Output, root } from './local-system.ts'

const run = promisify(execFile)

describe('npm run build', () => {
  const directory = mkdtempSync(join(tmpdir(), 'build-test-'))
  let printed = ''

  before(async () => {
    const entry = resolve(root, 'deploy', 'image', 'build.ts')
    const done = await run(process.execPath, [entry, '--outdir', directory], { cwd: root })
    printed = done.stdout
    // A bundle that left something out must not find it in the repository.
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  })
  after(() => rmSync(directory, { recursive: true }))

  for (const half of ['sidecar', 'ambassador']) {
    it(`bundles the ${half} so that it runs, traces and ends by itself`, async () => {
      assert.match(printed, new RegExp(`KiB .*${half}/main\\.js`))
      const config = join(directory, `${half}.yaml`)
      const traces = "traces: { endpoint: 'http://127.0.0.1:9', ratio: 1 }"
      const pool = 'pool: { kind: vllm, replicas: { addresses: [http://127.0.0.1:9] } }'
      const delay = half === 'ambassador' ? 'delay: 0s, ' : ''
      const own = `${half}: { drain: { ${delay}grace: 0s }, ${traces} }`
      writeFileSync(config, `${own}\nproviders: { ${pool} }\n`)
      const ports = ['--port', '--probes-port', '--admin-port'].flatMap((name) => [name, '0'])
      const args = ['--config', config, '--provider', 'pool', '--host', '127.0.0.1', ...ports]
      const child = spawn(process.execPath, [join(directory, half, 'main.js'), ...args], {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = new Promise((settle) => child.once('close', settle))
      const out = new Output(child.stdout)
      await out.until(/"msg":"ready"/)
      child.kill('SIGTERM')
      assert.equal(await ended, 0)
      assert.doesNotMatch(out.text, /"level":"error"/)
    })
  }

  it('keeps tracing and watching out of the entries', () => {
    for (const half of ['sidecar', 'ambassador']) {
      const code = readFileSync(join(directory, half, 'main.js'), 'utf8')
      assert.doesNotMatch(code, /^import .*otel-/m)
      assert.match(code, /import\("\.\.\/chunks\/otel-/)
    }
  })
})
