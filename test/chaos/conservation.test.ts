import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Driven, drive, type Settled, tenants } from './conservation/drive.ts'

/** Of each kind: 100,000 in all take about a minute, two on a busy machine. */
const calls = 50_000

for (const kind of ['openai', 'anthropic'] as const) {
  describe(`${calls} calls of ${kind}'s dialect, with every failure and callers that leave`, () => {
    let driven: Driven
    before(async () => {
      driven = await drive(kind, calls)
    })
    after(() => driven?.ambassador.close())

    test('every call has one line, and every attempt is in it', (context) => {
      const { settled, tookMs } = driven
      assert.equal(settled.length, calls)
      assert.equal(new Set(settled.map(({ line }) => line.call)).size, calls)
      for (const { line, book } of settled) assert.equal(line.attempts, book?.attempts ?? 0)
      const attempts = settled.reduce((sum, { line }) => sum + line.attempts, 0)
      context.diagnostic(`${attempts} attempts in ${Math.round(tookMs)} ms`)
    })

    test('what is exact is what the provider says, to the token', (context) => {
      const exact = driven.settled.filter(({ line }) => line.tokensExact)
      for (const { line, book } of exact) {
        const due = [book?.input ?? 0, book?.output ?? 0]
        assert.deepEqual([line.inputTokens, line.outputTokens], due, JSON.stringify([line, book]))
        assert.ok((book?.taken ?? 0) <= 1, JSON.stringify([line, book]))
      }
      context.diagnostic(`${exact.length} calls, ${sumOf(exact)} tokens`)
    })

    test('an estimate has the input of every attempt that may be billed, and nearly the output seen', (context) => {
      const marked = driven.settled.filter(({ line }) => !line.tokensExact)
      const [seen, told] = [{ output: 0 }, { output: 0 }]
      for (const { line, book } of marked) {
        assert.ok(book !== undefined && book.taken > 0, JSON.stringify([line, book]))
        assert.equal(line.inputTokens, book.input, JSON.stringify([line, book]))
        const output = line.outputTokens ?? 0
        const most = 2 * book.output + 4
        assert.ok(output >= book.output && output <= most, JSON.stringify([line, book]))
        seen.output += book.output
        told.output += output
      }
      context.diagnostic(
        `${marked.length} calls, ${seen.output} tokens of output, ${told.output} told`,
      )
      assert.ok(told.output <= 1.1 * seen.output)
    })

    test('limits hold the sum of the lines: requests, tokens and money', () => {
      for (const tenant of tenants)
        assert.deepEqual(usedBy(driven, tenant), dueFrom(driven, tenant))
    })

    test('metrics hold the sum of the lines', () => {
      const { settled, ambassador } = driven
      const sum = (name: string, label: RegExp) =>
        [...ambassador.render().matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))]
          .filter(([, labels = '']) => label.test(labels))
          .reduce((total, [, , value]) => total + Number(value), 0)
      const tokens = sum('outrigger_ambassador_tokens_total', /type="(in|out)put"/)
      assert.equal(tokens, sumOf(settled))
      assert.equal(sum('outrigger_ambassador_calls_total', /./), calls)
      const usd = settled.reduce((total, { line }) => total + pico(line.costUsd), 0) / 1e12
      assert.ok(Math.abs(sum('outrigger_ambassador_cost_usd_total', /./) - usd) < 1e-6)
    })

    test('nothing is under way any more', () => {
      const { ambassador, origins } = driven
      assert.deepEqual(ambassador.underWay(), { calls: 0, bytes: 0, places: [] })
      assert.equal(origins.live, 0)
      const waiting = /^outrigger_ambassador_calls_waiting\{.*\} (\d+)$/gm
      const counts = [...ambassador.render().matchAll(waiting)].map(([, count]) => count)
      assert.deepEqual(counts, ['0', '0'])
    })

    test('callers were served, refused, left and cut', (context) => {
      const counts: Record<string, number> = {}
      for (const { line } of driven.settled) {
        counts[line.outcome] = (counts[line.outcome] ?? 0) + 1
      }
      context.diagnostic(JSON.stringify(counts))
      const outcomes = ['client-left', 'cut', 'failed', 'ok', 'refused']
      assert.deepEqual(Object.keys(counts).toSorted(), outcomes)
    })
  })
}

function sumOf(list: readonly Settled[]): number {
  return list.reduce((sum, { line }) => sum + (line.inputTokens ?? 0) + (line.outputTokens ?? 0), 0)
}

/** What counts under the limits of `tenant`; money in whole pico-dollars. */
function usedBy({ ambassador }: Driven, tenant: string) {
  const readings = ambassador.limiter.readings().filter((reading) => reading.tenant === tenant)
  const used = (unit: string) =>
    readings.find(({ limit }) => limit === `${unit} per month`)?.used ?? Number.NaN
  const picoUsd = Math.round(used('usd') * 1e12)
  return { requests: used('requests'), tokens: used('tokens'), picoUsd, priced: picoUsd }
}

/** What the lines of `tenant` come to. A call all of whose attempts met nobody is no request. */
function dueFrom({ settled }: Driven, tenant: string) {
  const own = settled.filter(({ line }) => line.tenant === tenant)
  const requests = own.filter(({ line, book }) => line.attempts > (book?.gone ?? 0)).length
  const picoUsd = own.reduce((sum, { line }) => sum + pico(line.costUsd), 0)
  const priced = own.reduce(
    (sum, { line }) => sum + (line.inputTokens ?? 0) * 1e6 + (line.outputTokens ?? 0) * 2e6,
    0,
  )
  return { requests, tokens: sumOf(own), picoUsd, priced }
}

/** Decimal dollars as whole pico-dollars. */
function pico(usd: string | null | undefined): number {
  const [whole = '0', part = ''] = (usd ?? '0').split('.')
  return Number(`${whole}${part.padEnd(12, '0')}`)
}
