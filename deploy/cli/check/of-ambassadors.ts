import { objectAt } from '#deploy/inject/json.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { Config } from '#shared/config/schema.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { proxyPath } from '../cluster/cluster.ts'
import { type Component, components, isReady, probesPorts } from '../fleet/components.ts'
import { heardPods, lastHeard } from '../fleet/heard-pods.ts'
import { platformFile } from '../fleet/platform-file.ts'
import { podsWithSidecar } from '../pods/with-sidecar.ts'
import { type Check, fail, listed, ok, type Scene, type Verdict, warn } from './finding.ts'

/** Whether calls reach their providers, and callers are known. */
export const checksOfAmbassadors: readonly Check[] = [
  {
    category: 'ambassadors',
    name: 'every provider has its ambassador',
    when: 'after',
    run: checkProviders,
  },
  { category: 'ambassadors', name: 'their replicas are ready', when: 'after', run: checkReady },
  {
    category: 'ambassadors',
    name: 'the providers answer them',
    when: 'after',
    run: checkReachable,
  },
  { category: 'ambassadors', name: 'they run the newest file', when: 'after', run: checkNewest },
  {
    category: 'identity',
    name: 'ambassadors may read the keys of service accounts',
    when: 'after',
    run: checkKeysReadable,
  },
  {
    category: 'identity',
    name: 'sidecars have proven who they are',
    when: 'after',
    run: checkHeard,
  },
  {
    category: 'network',
    name: 'the pages of every component can be reached',
    when: 'after',
    run: checkPages,
  },
]

async function ambassadorsOf({ cluster }: Scene): Promise<Component[]> {
  return (await components(cluster)).filter(({ kind }) => kind === 'ambassador')
}

async function configOf({ cluster }: Scene): Promise<Config | undefined> {
  const { text } = await platformFile(cluster)
  const loaded = text === undefined ? undefined : parseConfig(text, 'outrigger.yaml')
  return loaded?.ok === true ? loaded.config : undefined
}

async function checkProviders(scene: Scene): Promise<Verdict> {
  const [config, ambassadors] = await Promise.all([configOf(scene), ambassadorsOf(scene)])
  if (config === undefined) return warn('no valid configuration names them', 'Mend that first.')
  const there = new Set(ambassadors.map(({ provider }) => provider))
  const absent = Object.keys(config.providers).filter((name) => !there.has(name))
  if (absent.length === 0) return ok(listed([...there].map(String)))
  return fail(
    `there is no Deployment ambassador-${absent.join(', ambassador-')}`,
    'Name the provider among the ambassadors of the chart’s values, and run helm upgrade.',
  )
}

async function checkReady(scene: Scene): Promise<Verdict> {
  const ambassadors = await ambassadorsOf(scene)
  const late = ambassadors.filter(({ ready, wanted }) => ready < wanted)
  const { systemNamespace } = scene.cluster
  if (late.length === 0) return ok(`${ambassadors.length} of ${ambassadors.length}`)
  const told = late.map(({ name, ready, wanted }) => `${name} ${ready}/${wanted}`)
  const remedy = `See kubectl describe pods -n ${systemNamespace} and the log of ${late[0]?.name}: a Secret, the configuration or the keys may be missing.`
  return late.some(({ ready }) => ready === 0)
    ? fail(listed(told), remedy)
    : warn(listed(told), remedy)
}

async function checkReachable(scene: Scene): Promise<Verdict> {
  const pods = readyPods(await ambassadorsOf(scene))
  if (pods.length === 0) return warn('none is ready to be asked', 'Mend that first.')
  const asked = await Promise.all(
    pods.map(async (pod) => ({ pod, answer: await answerOf(scene, pod, '/readyz/provider') })),
  )
  const silent = asked.filter(({ answer }) => answer === 503)
  if (silent.length === 0) return ok(`to ${pods.length} pods`)
  return fail(
    `no answer to ${listed(silent.map(({ pod }) => pod.metadata.name ?? ''))}`,
    'See the provider’s status page, the credentials of its Secret, and the NetworkPolicy’s way out.',
  )
}

function readyPods(ambassadors: readonly Component[]): KubernetesObject[] {
  return ambassadors.flatMap(({ pods }) => pods).filter(isReady)
}

/** Status of a page; undefined where nobody could be asked. */
async function answerOf(
  { cluster }: Scene,
  pod: KubernetesObject,
  page: string,
): Promise<number | undefined> {
  try {
    await cluster.api.text(proxyPath(pod, probesPorts.ambassador, page))
    return 200
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error
    // The proxy itself says why in a Status; a page of ours is no such object.
    return error.reason === 'ServiceUnavailable' && isOurs(error) ? 503 : undefined
  }
}

/** Our pages are plain text, for which the client has words of its own. */
function isOurs({ message }: KubernetesError): boolean {
  return message.endsWith('the server answered 503')
}

async function checkNewest(scene: Scene): Promise<Verdict> {
  const [{ hash }, deployed] = await Promise.all([
    platformFile(scene.cluster),
    components(scene.cluster),
  ])
  const { fleets } = await heardPods(scene.cluster.api, deployed)
  const stale = fleets.filter((fleet) => fleet.hash !== hash)
  if (fleets.length === 0) return warn('none could be asked', 'Mend the network first.')
  if (stale.length === 0) return ok(`${fleets.length} run ${hash}`)
  const told = stale.map(({ ambassador, hash: runs = 'none' }) => `${ambassador} runs ${runs}`)
  return warn(
    `${listed(told)}; the newest is ${hash}`,
    'Kubelet brings it within 90s: outrigger config push --now; a bad one is refused by their log.',
  )
}

const keysPath = '/openid/v1/jwks'

async function checkKeysReadable(scene: Scene): Promise<Verdict> {
  const config = await configOf(scene)
  if (config !== undefined && config.ambassador.identity.kind !== 'kubernetes') {
    return ok('callers are known otherwise')
  }
  const pods = (await ambassadorsOf(scene)).flatMap(({ pods }) => pods.slice(0, 1))
  const { api, systemNamespace } = scene.cluster
  const accounts = [...new Set(pods.map(accountOf))]
  const allowed = await Promise.all(
    accounts.map(async (account) => {
      const review = await api.create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: `system:serviceaccount:${systemNamespace}:${account}`,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${systemNamespace}`],
          nonResourceAttributes: { path: keysPath, verb: 'get' },
        },
      })
      return objectAt(review, 'status')?.['allowed'] === true
    }),
  )
  const refused = accounts.filter((_, at) => allowed[at] !== true)
  if (refused.length === 0) return ok(listed(accounts))
  return fail(
    `ServiceAccount ${listed(refused)} may not read ${keysPath}`,
    'Restore ClusterRoleBinding system:service-account-issuer-discovery, or bind that role to them.',
  )
}

function accountOf(pod: KubernetesObject): string {
  const name = objectAt(pod, 'spec')?.['serviceAccountName']
  return typeof name === 'string' ? name : 'default'
}

async function checkHeard({ cluster }: Scene): Promise<Verdict> {
  const { api } = cluster
  const [deployed, pods] = await Promise.all([components(cluster), podsWithSidecar(api)])
  const ready = pods.filter(isReady)
  if (ready.length === 0) return ok('there are none')
  const heard = lastHeard((await heardPods(api, deployed)).fleets)
  const unknown = ready.filter(({ metadata }) => !heard.has(metadata.uid ?? ''))
  if (unknown.length === 0) return ok(`${ready.length} pods`)
  const names = unknown.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const found = `no ambassador knows ${listed(names)}`
  const remedy =
    'See the logs of these sidecars: a token refused, a NetworkPolicy, an unknown tenant, or no first minute yet.'
  return unknown.length === ready.length ? fail(found, remedy) : warn(found, remedy)
}

async function checkPages({ cluster }: Scene): Promise<Verdict> {
  const deployed = await components(cluster)
  const asked = deployed.flatMap(({ kind, pods }) =>
    pods.filter(isReady).map(async (pod) => {
      try {
        await cluster.api.text(proxyPath(pod, probesPorts[kind], '/livez'))
        return undefined
      } catch (error) {
        if (error instanceof KubernetesError) return { pod: pod.metadata.name ?? '', error }
        throw error
      }
    }),
  )
  const lost = (await Promise.all(asked)).filter((one) => one !== undefined)
  if (lost.length === 0) return ok(`${asked.length} pods`)
  const reason = lost[0]?.error.message
  return warn(
    `${listed(lost.map(({ pod }) => pod))}: ${reason}`,
    'Let the control plane reach the pods, and ask for the right to get pods/proxy: what they say is not seen.',
  )
}
