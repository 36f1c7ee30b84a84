import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemClock } from '#shared/call/clock.ts'
import { ambassadorSecrets } from '#shared/config/secrets.ts'
import { watchConfig } from '#shared/config/watch.ts'
import { parseUsage, type Usage } from '#shared/dialects/usage.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { startAmbassador } from '../../../ambassador/start.ts'

type Json = Readonly<Record<string, unknown>>

/** Secrets that the ambassador's environment holds. */
export const environment = { KEY: 'key-one', KEY_TWO: 'key-two', UNUSED: 'key-never' }

/** An ambassador of the provider `p`, in this process. */
export interface Ambassador {
  readonly port: number
  ask(question: Question): Promise<Answer>
}

export interface Question {
  readonly path: string
  readonly body: Json
  /** In the provider's words. */
  readonly model?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
  /** What it was settled by. */
  readonly usage: Usage | undefined
}

/** What an application sends for itself: none of it may reach a provider. */
export const callersOwn = {
  authorization: 'Bearer callers-secret',
  'x-api-key': 'callers-secret',
  'api-key': 'callers-secret',
  'x-goog-api-key': 'callers-secret',
  'ocp-apim-subscription-key': 'callers-secret',
  'openai-organization': 'callers-organization',
  'openai-project': 'callers-project',
  cookie: 'callers-secret',
}

/** Models that targets ask `p` for. */
export const models = ['large', 'small', 'org/large:v1']

/** Starts one in front of a provider configured as `provider`; it ends with the test. */
export async function startFor(test: TestContext, provider: Json): Promise<Ambassador> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-provider-'))
  const file = join(directory, 'outrigger.yaml')
  const targets = models.map((model) => [model, { targets: [{ provider: 'p', model }] }])
  const config = {
    models: Object.fromEntries(targets),
    providers: { p: provider },
    ambassador: { drain: { delay: 0, grace: 0 } },
  }
  await writeFile(file, JSON.stringify(config))
  const log = createLog({
    level: 'silent',
    half: 'ambassador',
    clock: systemClock,
    destination: { write() {} },
  })
  const watched = watchConfig({
    file,
    secretsOf: ambassadorSecrets('p'),
    environment,
    clock: systemClock,
    log,
    watchDirectories: async () => ({ add() {}, async close() {} }),
  })
  const place = { host: '127.0.0.1', port: 0, probesHost: '127.0.0.1', probesPort: 0, adminPort: 0 }
  const settings = { ...place, config: file, provider: 'p' }
  const running = await startAmbassador({ settings, config: watched, log, clock: systemClock })
  test.after(async () => {
    running.stop('SIGTERM')
    await running.ended
    await rm(directory, { recursive: true, force: true })
  })
  const { port } = running.ports
  return { port, ask: (question) => ask(port, question) }
}

function ask(port: number, { path, body, model = 'large', headers }: Question): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const own = { ...callersOwn, 'content-type': 'application/json', 'x-outrigger-model': model }
  const sent = request(
    {
      host: '127.0.0.1',
      port,
      path,
      method: 'POST',
      agent: false,
      headers: { ...own, ...headers },
    },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const told = response.trailers['x-outrigger-usage'] ?? response.headers['x-outrigger-usage']
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
          usage: parseUsage(String(told)),
        })
      })
    },
  )
  sent.on('error', reject)
  sent.end(JSON.stringify(body))
  return promise
}
