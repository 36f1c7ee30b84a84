import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, runChecks } from '#deploy/cli/check/check.ts'
import { faults } from './faults.ts'
import { healthyCluster, type ScriptedCluster, wallMs } from './healthy-cluster.ts'

function look(cluster: ScriptedCluster, when: 'before' | 'after' = 'after') {
  const { api } = cluster
  const scene = {
    cluster: { api, systemNamespace: 'outrigger-system' },
    tryNamespace: 'default',
    wallMs,
  }
  return runChecks(when, scene)
}

test('a healthy installation passes every check', async () => {
  const { results, isCut } = await look(healthyCluster())
  assert.deepEqual(
    results.filter(({ verdict }) => verdict !== 'ok'),
    [],
  )
  assert.equal(isCut, false)
  assert.equal(results.length, checks.filter(({ when }) => when !== 'before').length)
})

test('a healthy cluster without an installation passes the checks before it', async () => {
  const cluster = healthyCluster()
  const { results } = await look(cluster, 'before')
  assert.deepEqual(
    results.map(({ category, verdict }) => `${category} ${verdict}`),
    ['cluster ok', 'cluster ok', 'cluster ok', 'cluster ok', 'permissions ok'],
  )
})

for (const { what, breaks, check, verdict, found, remedy } of faults) {
  test(`${what} is named, with its remedy`, async () => {
    const cluster = healthyCluster()
    breaks(cluster)
    const { results } = await look(cluster)
    const result = results.find(({ name }) => name === check)
    assert.equal(result?.verdict, verdict, JSON.stringify(result))
    assert.match(result.found, found)
    assert.match('remedy' in result ? result.remedy : '', remedy)
  })
}

test('what the user may not see is a warning, and the rest is looked at', async () => {
  const cluster = healthyCluster()
  cluster.pages.set('list /api/v1/nodes', 403)
  const { results, isCut } = await look(cluster)
  const wrong = results.filter(({ verdict }) => verdict !== 'ok')
  assert.deepEqual(
    wrong.map(({ category, verdict }) => `${category} ${verdict}`),
    ['cluster warn'],
  )
  assert.equal(isCut, false)
})

test('an API server that does not answer ends the checks at once', async () => {
  const cluster = healthyCluster()
  cluster.pages.set('/version', 0)
  const { results, isCut, isUnanswered } = await look(cluster)
  assert.deepEqual([isCut, isUnanswered], [true, true])
  assert.deepEqual(
    results.map(({ verdict }) => verdict),
    ['fail'],
  )
})
