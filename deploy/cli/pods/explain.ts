import { type Explanation, explainPod } from '#deploy/inject/explain.ts'
import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import type { Namespace } from '#deploy/inject/read-pod.ts'
import { found } from '#shared/kubernetes/found.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { readDocuments } from '../manifests/documents.ts'
import { injectionSettings } from '../manifests/injection-settings.ts'
import { CommandFailure, exits, misuse } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'
import { aligned, paint, printable, type Tone, table } from '../terminal/table.ts'

/** `outrigger explain pod`: rule by rule, what the webhook does to a pod. */
export async function explain(call: CommandCall): Promise<Outcome> {
  const file = call.options.text('filename')
  const [name] = call.operands
  if ((file === undefined) === (name === undefined)) {
    throw misuse('Cannot tell which pod is meant.', 'Write its NAME, or --filename FILE, not both.')
  }
  let opened: Promise<Cluster> | undefined
  const cluster = () => (opened ??= call.cluster())
  const settings = await injectionSettings(call, cluster)
  const subject =
    file === undefined
      ? await podOf(await cluster(), name ?? '', call.namespace)
      : { ...(await podInFile(file, call)), namespace: { name: call.namespace ?? 'default' } }
  const { pod, what, namespace } = subject
  const explanation = explainPod(pod, namespace, settings)
  return {
    exit: explanation.outcome === 'refuse' ? exits.found : exits.ok,
    text: textOf(`${what} in namespace ${namespace.name}`, explanation, call.terminal.isColoured),
    data: { what, namespace: namespace.name, ...explanation },
  }
}

interface Subject {
  readonly pod: unknown
  /** As kubectl names it. */
  readonly what: string
}

async function podOf(
  { api, namespace: current }: Cluster,
  name: string,
  given: string | undefined,
): Promise<Subject & { namespace: Namespace }> {
  const namespace = given ?? current
  const pod = await found(api, `/api/v1/namespaces/${namespace}/pods/${name}`)
  if (pod === undefined) {
    throw new CommandFailure(`There is no pod '${name}' in namespace '${namespace}'.`, {
      exit: exits.usage,
      remedy: `See those there are: kubectl get pods -n ${namespace}; another namespace: --namespace.`,
    })
  }
  const { labels = {} } = (await api.get(`/api/v1/namespaces/${namespace}`)).metadata
  return { pod, what: `Pod/${name}`, namespace: { name: namespace, labels } }
}

async function podInFile(file: string, { terminal }: CommandCall): Promise<Subject> {
  const documents = readDocuments(await readInput(file, terminal), `'${file}'`)
  const objects = documents.flatMap(({ value }) => [
    ...(isJsonObject(value) ? [value] : []),
    ...objectsOf(isJsonObject(value) ? value['items'] : undefined),
  ])
  for (const object of objects) {
    const { kind } = object
    const template =
      objectAt(object, 'spec', 'jobTemplate', 'spec', 'template') ??
      objectAt(object, 'spec', 'template')
    const pod = kind === 'Pod' ? object : template
    const name = objectAt(object, 'metadata')?.['name']
    const called = typeof name === 'string' ? name : '(unnamed)'
    if (pod !== undefined) return { pod, what: `${String(kind)}/${called}` }
  }
  throw misuse(`There is no pod and no pod template in '${file}'.`, 'Name a manifest that has one.')
}

const tones = { pass: 'good', warn: 'warning', refuse: 'bad', skip: 'warning' } as const
const outcomes = { patch: 'inject', skip: 'leave as it is', refuse: 'refuse' } as const

function textOf(what: string, { findings, outcome, why }: Explanation, isColoured: boolean) {
  const rows = findings.map((finding) => {
    const remedy = 'remedy' in finding ? `; ${finding.remedy}` : ''
    return [finding.name, finding.verdict, `${finding.found}${remedy}`]
  })
  const lines = table(['RULE', 'VERDICT', 'FOUND'], rows)
  const verdict: Tone = outcome === 'refuse' ? 'bad' : 'good'
  const told = aligned([
    ['verdict', paint(outcomes[outcome], verdict, false)],
    ['why', why],
  ])
  return `${printable(what)}\n\n${coloured(lines, isColoured)}\n${told}`
}

/** Verdicts alone, after the columns have been measured. */
function coloured(lines: string, isColoured: boolean): string {
  return lines.replace(/^(\S+ +)(pass|warn|refuse|skip)\b/gm, (_, before: string, word: string) => {
    const tone = Object.entries(tones).find(([verdict]) => verdict === word)?.[1] ?? 'good'
    return before + paint(word, tone, isColoured)
  })
}
