import { injectedLabel, optInAnnotation } from '#deploy/inject/names.ts'
import { sidecarIn } from '#deploy/inject/strip.ts'
import { podsPath } from '../cluster/cluster.ts'
import { survey } from '../config/survey.ts'
import { settingsIn } from '../manifests/injection-settings.ts'
import { outdatedOwners } from '../pods/outdated-owners.ts'
import { isLive, ownerOf, restartOf } from '../pods/owner.ts'
import { type Check, fail, listed, ok, type Scene, type Verdict, warn } from './finding.ts'

/** Whether pods run what they should. */
export const checksOfSidecars: readonly Check[] = [
  {
    category: 'sidecars',
    name: 'every pod that asked for a sidecar has one',
    when: 'after',
    run: checkPresent,
  },
  { category: 'sidecars', name: "they are of today's template", when: 'after', run: checkTemplate },
  { category: 'sidecars', name: 'they run the configuration', when: 'after', run: checkBehind },
]

async function checkPresent({ cluster: { api } }: Scene): Promise<Verdict> {
  const { items } = await api.list(podsPath())
  const asked = items.filter(
    (pod) => isLive(pod) && pod.metadata.annotations?.[optInAnnotation] === 'true',
  )
  const without = asked.filter((pod) => sidecarIn(pod) === undefined)
  if (without.length === 0) return ok(`${asked.length} pods`)
  const [first] = without
  const names = without.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const run = first === undefined ? '' : restartOf(ownerOf(first))
  return fail(`${listed(names)} have none`, `They were made before the webhook was there: ${run}`)
}

async function checkTemplate({ cluster }: Scene): Promise<Verdict> {
  const [settings, { items }] = await Promise.all([
    settingsIn(cluster),
    cluster.api.list(podsPath(), { labelSelector: `${injectedLabel}=true` }),
  ])
  const owners = outdatedOwners(items, settings)
  if (owners.length === 0) return ok(`${items.length} pods`)
  const names = owners.map(({ namespace, kind, name }) => `${namespace}/${kind}/${name}`)
  return warn(
    `not those of ${listed(names)}`,
    'See outrigger diff for what differs and what to run.',
  )
}

async function checkBehind({ cluster, wallMs }: Scene): Promise<Verdict> {
  const { pods, hash } = await survey(cluster, wallMs)
  const behind = pods.filter(({ isCurrent }) => !isCurrent)
  if (behind.length === 0) return ok(`${pods.length} pods run ${hash}`)
  const [first] = behind
  return warn(
    `${listed(behind.map(({ pod }) => pod))} do not: ${first?.why}`,
    'See outrigger config status --wait; outrigger config push --now makes kubelet look at once.',
  )
}
