import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import { configText } from './config-text.ts'
import { trials } from './trials.ts'

const baseUrl = 'http://127.0.0.1:1/v1'
const ambassadorPort = 4_100

for (const { name, wishes } of trials) {
  test(`the configurations of ${name} are valid`, () => {
    assert.ok(wishes.length > 0)
    for (const wish of wishes) {
      const providers = ['one', 'two'].map((of) => ({ name: of, baseUrl, ambassadorPort }))
      const loaded = parseConfig(configText(providers, wish), name)
      assert.ok(loaded.ok, loaded.ok ? '' : describeProblems(loaded.problems))
    }
  })
}
