import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, test } from 'node:test'
import { openCluster } from '../cluster.ts'
import { exampleFiles, hosted, isHook, type Rendered, render } from './helm-command.ts'

const cluster = await openCluster()
const restricted = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
}
const namespace = await cluster.namespace('chart', restricted)
after(() => cluster.close())

/** Of others' custom resources the API server knows nothing here. */
const isBuiltIn = ({ apiVersion }: Rendered) => !/istio\.io|cilium\.io|coreos\.com/.test(apiVersion)

for (const file of exampleFiles) {
  test(`the API server takes every object of ${basename(file)}, and knows every field`, async () => {
    for (const object of render(file).filter(isBuiltIn)) {
      const { metadata } = object
      // In one that is there: nothing is kept, and nobody else's is touched.
      const place = metadata.namespace === undefined ? {} : { namespace }
      const taken = { ...object, metadata: { ...metadata, ...place } }
      await assert.doesNotReject(
        cluster.api.apply(taken, '&dryRun=All&fieldValidation=Strict'),
        `${object.kind} ${metadata.name}`,
      )
    }
  })
}

test('each Deployment gives a pod that a namespace with Pod Security restricted takes', async () => {
  for (const object of render(hosted).filter(({ kind }) => kind === 'Deployment')) {
    const { metadata, spec } = Object(object).spec.template
    // A dry run of a pod asks for its service account.
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, generateName: 'p-' },
      spec: { ...spec, serviceAccountName: 'default' },
    }
    await cluster.api.create(
      `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`,
      pod,
    )
  }
})

test('what a hook puts in the place of the webhook configuration is one that asks nobody', async () => {
  const hooks = render(hosted).filter(isHook)
  const configuration = hooks.find(({ kind }) => kind === 'MutatingWebhookConfiguration')
  assert.deepEqual(Object(configuration).webhooks, [])
})
