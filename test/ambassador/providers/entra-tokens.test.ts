import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { parseConfig } from '#shared/config/load.ts'
import { readSecrets } from '#shared/config/secrets.ts'
import { EntraTokens } from '../../../ambassador/providers/entra/entra-tokens.ts'
import {
  type Identity,
  NoToken,
  type Token,
} from '../../../ambassador/providers/entra/token-library.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'

const minuteMs = 60_000

/** Tokens `t1`, `t2`, …, good for an hour, or the failures that are put before them. */
function issuer(clock: ManualClock) {
  const asked: (Identity & { scope: string })[] = []
  const failures: Error[] = []
  const waiting: { resolve: () => void }[] = []
  const state: { isSlow: boolean; renewMs: number | undefined } = {
    isSlow: false,
    renewMs: undefined,
  }
  const load = async () => ({
    open: (identity: Identity) => ({
      async getToken(scope: string): Promise<Token> {
        asked.push({ ...identity, scope })
        const count = asked.length
        if (state.isSlow) {
          const { promise, resolve } = Promise.withResolvers<void>()
          waiting.push({ resolve })
          await promise
        }
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        const expiresMs = clock.wall() + 60 * minuteMs
        const renewMs = state.renewMs === undefined ? undefined : clock.wall() + state.renewMs
        return { value: `t${count}`, expiresMs, renewMs }
      },
    }),
  })
  return { asked, failures, waiting, load, state }
}

function start() {
  const clock = manualClock()
  const { load, ...rest } = issuer(clock)
  const told: string[] = []
  const onFailure = (credential: string, reason: string) =>
    void told.push(`${credential}: ${reason}`)
  const tokens = new EntraTokens({ clock, load, onFailure })
  return { clock, told, tokens, ...rest }
}

function apply(tokens: EntraTokens, credentials: string, secret?: string): void {
  const text = `providers: { p: { kind: azure, baseUrl: https://r, credentials: [${credentials}] } }`
  const loaded = parseConfig(text, 'test')
  const provider = loaded.ok ? loaded.config.providers['p'] : undefined
  assert.ok(provider !== undefined)
  const refs = provider.credentials.flatMap((one) => one.secret ?? [])
  tokens.apply(provider, readSecrets(refs, '/', { S: secret }))
}

/** Lets promises that are due settle. */
const settle = () => setImmediate()

const workload = '{ name: a, entra: {} }'
const application = '{ name: a, secret: S, entra: { tenantId: t, clientId: c } }'

test('a token is at hand once it has come, and readiness waits for the first answer', async () => {
  const { tokens, asked } = start()
  apply(tokens, workload)
  assert.deepEqual([tokens.isReady, tokens.tokenOf('a')], [false, undefined])
  await settle()
  assert.deepEqual([tokens.isReady, tokens.tokenOf('a')], [true, 't1'])
  assert.deepEqual(asked, [
    {
      tenantId: undefined,
      clientId: undefined,
      secret: undefined,
      scope: 'https://cognitiveservices.azure.com/.default',
    },
  ])
  tokens.close()
})

test('a provider without such credentials asks nobody and is ready', async () => {
  const { tokens, asked } = start()
  apply(tokens, '{ name: a, secret: S }', 'key')
  await settle()
  assert.deepEqual([tokens.isReady, asked, tokens.tokenOf('a')], [true, [], undefined])
})

test('a token is renewed before it ends, and calls find the old one meanwhile', async () => {
  const { tokens, clock, state, waiting } = start()
  apply(tokens, workload)
  await settle()
  state.isSlow = true
  clock.advance(56 * minuteMs)
  await settle()
  assert.deepEqual([waiting.length, tokens.tokenOf('a')], [1, 't1'])
  waiting[0]?.resolve()
  await settle()
  assert.equal(tokens.tokenOf('a'), 't2')
  tokens.close()
})

test('a token is renewed when its issuer says', async () => {
  const { tokens, clock, state, asked } = start()
  state.renewMs = 30 * minuteMs
  apply(tokens, workload)
  await settle()
  clock.advance(29 * minuteMs)
  await settle()
  assert.equal(asked.length, 1)
  clock.advance(minuteMs)
  await settle()
  assert.equal(asked.length, 2)
  tokens.close()
})

test('failures are told once and tried again, and a token holds until it ends', async () => {
  const { tokens, clock, failures, told } = start()
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      clock.advance(10_000)
      await settle()
    }
  }
  apply(tokens, workload)
  await settle()
  failures.push(
    ...Array.from({ length: 1_000 }, () => new NoToken('Entra refused with AADSTS7000215')),
  )
  await pass(59 * minuteMs)
  assert.deepEqual([tokens.tokenOf('a'), told], ['t1', ['a: Entra refused with AADSTS7000215']])
  await pass(2 * minuteMs)
  assert.equal(tokens.tokenOf('a'), undefined)
  assert.equal(tokens.reasonOf('a'), 'Entra refused with AADSTS7000215')
  failures.length = 0
  await pass(minuteMs)
  assert.match(tokens.tokenOf('a') ?? '', /^t\d+$/)
  tokens.close()
})

test('a library that hangs is given up and asked again', async () => {
  const { tokens, clock, state, asked, told } = start()
  state.isSlow = true
  apply(tokens, workload)
  await settle()
  clock.advance(31_000)
  await settle()
  assert.deepEqual([told, tokens.isReady], [['a: no answer came'], true])
  state.isSlow = false
  clock.advance(2_000)
  await settle()
  assert.deepEqual([asked.length, tokens.tokenOf('a')], [2, 't2'])
  tokens.close()
})

test('what a library says when it breaks stays inside', async () => {
  const { tokens, failures, told } = start()
  failures.push(new Error('request with secret-value failed'))
  apply(tokens, workload)
  await settle()
  assert.deepEqual([told, tokens.isReady], [['a: the library failed'], true])
  tokens.close()
})

test('an application’s secret is rotated without a moment without a token', async () => {
  const { tokens, asked, state, waiting } = start()
  apply(tokens, application, 'first')
  await settle()
  state.isSlow = true
  apply(tokens, application, 'second')
  await settle()
  assert.deepEqual(
    [tokens.tokenOf('a'), asked.map(({ secret }) => secret)],
    ['t1', ['first', 'second']],
  )
  waiting[0]?.resolve()
  await settle()
  assert.equal(tokens.tokenOf('a'), 't2')
  tokens.close()
})

test('a reload that changes nothing of a credential keeps its token', async () => {
  const { tokens, asked } = start()
  apply(tokens, application, 'first')
  await settle()
  apply(tokens, `${application}, { name: b, secret: S }`, 'first')
  await settle()
  assert.deepEqual([tokens.tokenOf('a'), asked.length], ['t1', 1])
  tokens.close()
})

test('another identity begins without the token of the one before', async () => {
  const { tokens, asked } = start()
  apply(tokens, workload)
  await settle()
  apply(tokens, '{ name: a, entra: { clientId: other } }')
  assert.equal(tokens.tokenOf('a'), undefined)
  await settle()
  assert.deepEqual([tokens.tokenOf('a'), asked[1]?.clientId], ['t2', 'other'])
  tokens.close()
})

test('an application whose secret is missing asks as nobody else', async () => {
  const { tokens, asked } = start()
  apply(tokens, application)
  await settle()
  assert.deepEqual([asked, tokens.tokenOf('a')], [[], undefined])
  assert.equal(tokens.reasonOf('a'), 'its secret has no value')
})

test('once closed, nothing is asked and no timer is left', async () => {
  const { tokens, clock, asked } = start()
  apply(tokens, workload)
  await settle()
  tokens.close()
  clock.advance(120 * minuteMs)
  await settle()
  assert.deepEqual([asked.length, tokens.tokenOf('a'), clock.pending()], [1, undefined, 0])
})
