import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { selfSigned } from './certificate.ts'
import { type LocalSystem, launchReady, pidsOf } from './local-system.ts'
import { type Received, type StandIn, startStandIn } from './stand-in.ts'

const openaiHost = 'api.openai.com'
const anthropicHost = 'api.anthropic.com'
const openaiKey = 'sk-test-0123456789-openai'
const anthropicKey = 'sk-ant-test-0123456789-anthropic'
const messages = [{ role: 'user' as const, content: 'hello' }]
const chat = { model: 'gpt-5', messages }
const question = { model: 'claude-opus', messages, max_tokens: 5 }

describe('npm start with keys in its environment', () => {
  const directory = mkdtempSync(join(tmpdir(), 'local-test-'))
  const genuine = selfSigned([openaiHost, anthropicHost])
  const ofAnotherName = selfSigned(['api.example.com'])
  /** All that callers were told. */
  const told: string[] = []
  let standIn: StandIn
  let system: LocalSystem
  let openai: OpenAI
  let anthropic: Anthropic

  before(async () => {
    standIn = await startStandIn(genuine)
    const authorities = join(directory, 'authorities.pem')
    writeFileSync(authorities, genuine.cert + ofAnotherName.cert)
    const { port } = standIn
    system = await launchReady({
      args: ['--verbose'],
      directory,
      environment: {
        OPENAI_API_KEY: openaiKey,
        ANTHROPIC_API_KEY: anthropicKey,
        NODE_EXTRA_CA_CERTS: authorities,
        NODE_OPTIONS: `--import ${import.meta.resolve('./host-map.ts')}`,
        TEST_HOST_MAP: JSON.stringify({ [openaiHost]: port, [anthropicHost]: port }),
      },
    })
    const origin = `http://127.0.0.1:${system.port}`
    const of = { apiKey: 'of-the-application', maxRetries: 0 }
    openai = new OpenAI({ ...of, baseURL: `${origin}/v1` })
    anthropic = new Anthropic({ ...of, baseURL: origin })
  })

  after(async () => {
    system?.process.kill('SIGTERM')
    await system?.ended
    await standIn?.close()
    rmSync(directory, { recursive: true })
  })

  /** What reached the stand-in since `mark`: one request. */
  const onlySince = (mark: number): Received => {
    const [received, ...more] = standIn.received.slice(mark)
    assert.ok(received !== undefined)
    assert.deepEqual(more, [])
    assert.doesNotMatch(JSON.stringify(received.headers), /of-the-application|x-outrigger/)
    return received
  }

  it('runs an ambassador for each provider', () => {
    assert.match(system.out.text, /openai +openai +enabled/)
    assert.match(system.out.text, /anthropic +anthropic +enabled/)
    assert.ok(pidsOf(system).has('openai') && pidsOf(system).has('anthropic'))
  })

  const onLinux = { skip: process.platform !== 'linux' && 'there is no /proc' }
  it('gives a key to no process but the one ambassador that needs it', onLinux, () => {
    const holders = (key: string) =>
      [...pidsOf(system)].flatMap(([name, pid]) =>
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(key) ? [name] : [],
      )
    assert.deepEqual(holders(openaiKey), ['openai'])
    assert.deepEqual(holders(anthropicKey), ['anthropic'])
  })

  it('asks openai by its name, with the key of the environment', async () => {
    const mark = standIn.received.length
    const answer = await openai.chat.completions.create(chat)
    assert.equal(answer.choices[0]?.message.content, 'real')
    const { path, headers, serverName } = onlySince(mark)
    assert.deepEqual(
      [path, serverName, headers.host, headers.authorization, headers['x-api-key']],
      ['/v1/chat/completions', openaiHost, openaiHost, `Bearer ${openaiKey}`, undefined],
    )
  })

  it('asks openai for streams and embeddings', async () => {
    let text = ''
    for await (const chunk of await openai.chat.completions.create({ ...chat, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? ''
    }
    assert.equal(text, 'real')
    const mark = standIn.received.length
    const input = { model: 'text-embedding-3-small', input: 'hello' }
    const answer = await openai.embeddings.create({ ...input, encoding_format: 'float' })
    assert.deepEqual(answer.data[0]?.embedding, [0.5])
    assert.equal(onlySince(mark).path, '/v1/embeddings')
  })

  it('asks anthropic by its name, with its own key and the version of the caller', async () => {
    const mark = standIn.received.length
    const version = { headers: { 'anthropic-version': '2023-06-01' } }
    const answer = await anthropic.messages.create(question, version)
    const [block] = answer.content
    assert.ok(block?.type === 'text' && block.text === 'real')
    const { path, headers, serverName, body } = onlySince(mark)
    assert.deepEqual(
      [path, serverName, headers.host, headers['x-api-key'], headers.authorization],
      ['/v1/messages', anthropicHost, anthropicHost, anthropicKey, undefined],
    )
    assert.equal(headers['anthropic-version'], '2023-06-01')
    assert.equal(JSON.parse(body).model, 'claude-opus-4-1')
    const message = await anthropic.messages.stream(question).finalMessage()
    const [streamed] = message.content
    assert.ok(streamed?.type === 'text' && streamed.text === 'real')
  })

  /** That no call passes while the stand-in shows what it shows, and that nothing reaches it. */
  const refuses = async () => {
    const mark = standIn.received.length
    const facts = { status: 502, code: 'upstream-untrusted' }
    await assert.rejects(openai.chat.completions.create(chat), (error) => {
      assert.ok(error instanceof OpenAI.InternalServerError)
      assert.deepEqual({ status: error.status, code: error.code }, facts)
      told.push(JSON.stringify(error), error.message)
      return true
    })
    await assert.rejects(anthropic.messages.create(question), (error) => {
      assert.ok(error instanceof Anthropic.InternalServerError)
      assert.equal(error.status, facts.status)
      assert.match(error.message, /upstream-untrusted/)
      told.push(JSON.stringify(error), error.message)
      return true
    })
    assert.equal(standIn.received.length, mark)
  }

  it('tells no key to a server of another authority', async () => {
    standIn.show(selfSigned([openaiHost, anthropicHost]))
    await refuses()
  })

  it('tells no key to a server of another name', async () => {
    standIn.show(ofAnotherName)
    await refuses()
  })

  it('goes on where the certificate is right again', async () => {
    standIn.show(genuine)
    assert.equal((await openai.chat.completions.create(chat)).choices.length, 1)
    assert.equal((await anthropic.messages.create(question)).content.length, 1)
  })

  it('says that a key is refused, without the words in which the provider quotes it', async () => {
    for (const user of ['refused', 'refused as well']) {
      await assert.rejects(openai.chat.completions.create({ ...chat, user }), (error) => {
        assert.ok(error instanceof OpenAI.InternalServerError)
        assert.deepEqual([error.status, error.code], [503, 'provider-disabled'])
        told.push(JSON.stringify(error), error.message)
        return true
      })
    }
  })

  it('shows a key in no log line, page, file or error', async () => {
    // Lines of both keys' providers, errors included: they are written a moment after the call.
    await system.log.until(/"child":"openai".*upstream-untrusted/)
    await system.log.until(/"child":"anthropic".*upstream-untrusted/)
    const texts = [system.out.text, system.log.text, ...told]
    for (const at of [0, 100, 110, 120]) {
      const first = system.port + at
      const pages = [`${first + 1}/metrics`, `${first + 2}/configz`, `${first + 2}/statusz`]
      for (const page of pages) {
        const answer = await fetch(`http://127.0.0.1:${page}`)
        assert.equal(answer.status, 200, page)
        texts.push(await answer.text())
      }
    }
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    const effective = files.filter((name) => name.endsWith('.yaml'))
    assert.equal(effective.length, 1)
    for (const name of effective) texts.push(readFileSync(join(directory, name), 'utf8'))
    for (const text of texts) assert.ok(!text.includes('0123456789'), text)
  })
})
