import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import {
  type LocalSystem,
  launch,
  launchReady,
  pidsOf,
  post,
  printedCalls,
  randomPort,
  root,
  untilRefused,
  untilStatus,
} from './local-system.ts'

const example = readFileSync(resolve(root, 'deploy', 'local', 'outrigger.yaml'), 'utf8')
const run = promisify(execFile)

describe('npm start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'local-test-'))
  const file = join(directory, 'outrigger.yaml')
  let system: LocalSystem

  before(async () => {
    writeFileSync(file, example)
    system = await launchReady({ args: ['--config', file], directory })
  })

  after(() => {
    system.process.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  })

  const chatUrl = () => `http://127.0.0.1:${system.port}/v1/chat/completions`
  const question = (model: string, more: object = {}) =>
    JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 3,
      ...more,
    })

  it('says which providers are enabled and why others are not', () => {
    assert.match(system.out.text, /llama-pool +vllm +enabled: simulated/)
    assert.match(system.out.text, /openai +openai +not enabled: OPENAI_API_KEY is not set/)
    assert.match(system.out.text, /anthropic +anthropic +not enabled: ANTHROPIC_API_KEY is not set/)
    assert.deepEqual(
      [...pidsOf(system).keys()],
      ['sidecar', 'llama-pool', 'llama-pool-1', 'llama-pool-2', 'llama-pool-3'],
    )
  })

  it('answers the printed calls of both dialects as streams', async () => {
    const calls = printedCalls(system)
    assert.equal(calls.length, 2)
    const ends = [/data: \[DONE\]\n\n$/, /"type":"message_stop"\}\n\n$/]
    for (const [at, { url, body }] of calls.entries()) {
      const answer = await post(url, body)
      assert.equal(answer.status, 200)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
      assert.match(await answer.text(), ends[at] ?? /never/)
    }
  })

  it('a second turn finds the first in the cache of the simulated server that had it', async () => {
    const url = `http://127.0.0.1:${system.port + 301}/v1/chat/completions`
    const said = [{ role: 'user', content: 'Say hello' }]
    const ask = async (messages: object[]) =>
      JSON.parse(await (await post(url, JSON.stringify({ messages }))).text())
    const first = await ask(said)
    const { content } = first.choices[0].message
    const turns = [...said, { role: 'assistant', content }, { role: 'user', content: 'And now?' }]
    const { usage } = await ask(turns)
    const { cached_tokens: cached } = usage.prompt_tokens_details
    assert.ok(cached > first.usage.prompt_tokens && cached % 16 === 0, `${cached} tokens`)
  })

  it('prints programs for both SDKs that run', async () => {
    const programs = [...system.out.text.matchAll(/in TypeScript\n((?: {2}.*\n)+)/g)]
    assert.equal(programs.length, 2)
    for (const [, program = ''] of programs) {
      const args = ['--input-type=module-typescript', '--eval', program]
      const { stdout } = await run(process.execPath, args, { cwd: root })
      assert.match(stdout, /^This is simulated text/)
    }
  })

  it('takes an edit while a stream goes on', async () => {
    const answer = await post(chatUrl(), question('assistant', { stream: true, max_tokens: 100 }))
    const body = answer.text()
    assert.equal((await post(chatUrl(), question('added'))).status, 404)
    const target = 'targets: [{ provider: llama-pool, model: llama-3-8b }]'
    const edited = example
      .replace('models:\n', `models:\n  added: { ${target} }\n`)
      .replace('    models: [assistant,', '    models: [added, assistant,')
    writeFileSync(file, edited)
    await untilStatus(200, chatUrl(), question('added'))
    assert.match(system.log.text, /configuration taken \(generation 2\)/)
    assert.match(await body, /data: \[DONE\]\n\n$/)
  })

  it('starts a provider whose secret is in a file beside the configuration', async () => {
    writeFileSync(join(directory, 'key'), 'secret\n')
    writeFileSync(file, example.replace('secret: OPENAI_API_KEY', 'secret: { file: key }'))
    await system.log.until(/openai is ready at/)
    const { port } = system
    const answer = await fetch(`http://127.0.0.1:${port + 112}/configz`)
    assert.doesNotMatch(await answer.text(), /file:/)
    writeFileSync(file, example)
    await system.log.until(/openai drains/)
    await untilRefused(port + 110)
  })

  it('reports a bad edit with its path and keeps the last good one', async () => {
    writeFileSync(file, example.replace('deadline: 10m', 'deadline: 10'))
    await system.log.until(/configuration refused.*sidecar\.deadline/s)
    assert.equal((await post(chatUrl(), question('assistant'))).status, 200)
    writeFileSync(file, example)
  })

  it('starts a child again that died', async () => {
    process.kill(pidsOf(system).get('llama-pool') ?? 0, 'SIGKILL')
    await system.log.until(/llama-pool ended \(SIGKILL\).*llama-pool is back/s)
    await untilStatus(200, chatUrl(), question('assistant'))
  })

  it('ends with 0 on Ctrl-C and leaves nothing behind', async () => {
    const { port } = system
    const stream = await post(chatUrl(), question('assistant', { stream: true, max_tokens: 50 }))
    system.process.kill('SIGINT')
    // What is under way ends before what carries it.
    assert.match(await stream.text(), /data: \[DONE\]\n\n$/)
    assert.equal(await system.ended, 0)
    for (const at of [port, port + 1, port + 2, port + 100, port + 300, port + 302]) {
      await untilRefused(at)
    }
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('outrigger-')),
      [],
    )
    for (const pid of pidsOf(system).values()) assert.throws(() => process.kill(pid, 0), /ESRCH/)
    assert.doesNotMatch(system.log.text, /ended \(code/)
  })
})

it('children end where their launcher is killed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'local-test-'))
  const system = await launchReady({ directory })
  system.process.kill('SIGKILL')
  const { port } = system
  for (const at of [port, port + 100, port + 300, port + 301, port + 302]) await untilRefused(at)
  rmSync(directory, { recursive: true })
})

it('a port in use is named with the way out before anything starts', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const system = launch(address.port > 65_000 ? randomPort() : address.port)
  assert.equal(await system.ended, 1)
  server.close()
  const words = `Cannot listen on ${address.port}: it is in use; try npm start -- --port 4500`
  assert.ok(system.log.text.includes(words), system.log.text)
  assert.equal(system.out.text, '')
})

it('an invalid configuration is refused with its path', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'local-test-'))
  const file = join(directory, 'outrigger.yaml')
  writeFileSync(file, 'sidecar: { deadlin: 10m }\n')
  const system = launch(randomPort(), { args: ['--config', file] })
  assert.equal(await system.ended, 1)
  assert.match(system.log.text, /sidecar\.deadlin/)
  rmSync(directory, { recursive: true })
})
