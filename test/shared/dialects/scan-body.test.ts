import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cancellation } from '#shared/call/cancellation.ts'
import { largeBytes, scanBody } from '#shared/dialects/scan-body.ts'
import { CallError } from '#shared/errors/call-error.ts'

/** Whether the body is refused as no text; at once or in steps. */
async function isRefused(body: Buffer): Promise<boolean> {
  try {
    const pause = () => Promise.resolve()
    await scanBody(body, ['model'], { cancellation: new Cancellation(), pause })
    return false
  } catch (error) {
    assert.ok(error instanceof CallError && error.code === 'invalid-json')
    return error.message.includes('UTF-8')
  }
}

test('a body whose bytes are no UTF-8 is refused, however long it is', async () => {
  const lengths = fc.constantFrom(0, largeBytes, 1024 * 1024 - 12, 1024 * 1024 - 11)
  const bytes = fc.array(fc.constantFrom(0x61, 0x80, 0xc3, 0xe6, 0xf0, 0xff), { maxLength: 6 })
  const property = fc.asyncProperty(lengths, bytes, async (length, odd) => {
    const parts = ['{"a":"', 'é'.repeat(length / 2), Buffer.from(odd), 'x"}'].map((part) =>
      Buffer.from(part),
    )
    const body = Buffer.concat(parts)
    assert.equal(await isRefused(body), !isUtf8(body))
  })
  await fc.assert(property, { seed: 20_261_122, numRuns: 60 })
})
