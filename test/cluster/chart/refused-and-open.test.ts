import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chart } from '#deploy/helm/generate.ts'
import { helm, hosted, render } from './helm-command.ts'

const refused: readonly [string, readonly string[], RegExp][] = [
  [
    'a provider without an ambassador',
    ['--set', 'config.providers.more.kind=openai'],
    /config\.providers\.more has no ambassador/,
  ],
  [
    'an ambassador without a provider',
    ['--set', 'providers.more.replicas=1'],
    /providers\.more has no counterpart/,
  ],
  ['identity that is open', ['--set', 'config.ambassador.identity.kind=open'], /identity is open/],
  [
    'one claim for two pods',
    ['--set', 'providers.anthropic.journal.volume.persistentVolumeClaim.claimName=one'],
    /one claim for several pods/,
  ],
  [
    'bounds of scaling the wrong way round',
    ['--set', 'providers.openai.hpa.min=20'],
    /hpa\.min is above its max/,
  ],
  [
    'another namespace, where nobody would find the ambassadors',
    ['--namespace', 'other'],
    /needs address/,
  ],
  [
    'a Kubernetes without native sidecars',
    ['--kube-version', '1.28.0'],
    /incompatible with Kubernetes/,
  ],
]
for (const [name, more, says] of refused) {
  test(`refused before anything is sent: ${name}`, () => {
    assert.throws(() => render(hosted, ...more), says)
  })
}

const questions: readonly [string, readonly string[], RegExp][] = [
  ['nothing where nothing is open', [], /curl(?!.*\n!)/],
  [
    'a configuration without tenants',
    ['--set', 'config.tenants=null'],
    /! The configuration has no `tenants`/,
  ],
  [
    'credentials without a Secret',
    ['--set', 'providers.openai.secret.name='],
    /! providers\.openai has credentials/,
  ],
  [
    'plain text without a mesh',
    ['--set', 'transport=plain'],
    /! `transport` is plain without a mesh/,
  ],
  ['a configuration that is not the chart’s', ['--set', 'config=null'], /! `config` is empty/],
]
for (const [name, more, says] of questions) {
  test(`the notes tell of ${name}`, () => {
    const args = ['install', 'outrigger', chart, '--dry-run=client', '--values', hosted, ...more]
    const text = helm([...args, '--namespace', 'outrigger-system'])
    const notes = text.slice(text.indexOf('NOTES:'))
    assert.match(notes, says)
    if (more.length === 0) assert.doesNotMatch(notes, /^!/m)
  })
}
