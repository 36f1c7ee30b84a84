import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environment } from '../../bench/environment.ts'
import { openCluster } from '../cluster.ts'
import { Stage } from '../stage/stage.ts'
import { type Creations, measureCreations, quantile, type Trial } from './measure-creations.ts'

/** `node test/cluster/run.ts test/cluster/injection/latency.ts` writes the results. */
const results = join(import.meta.dirname, '../../bench/results/injection.md')
const trials: readonly Trial[] = [
  { pods: 1_000, atOnce: 1 },
  { pods: 1_000, atOnce: 10 },
]
const facts = environment({ repeats: 1, isQuick: false })
const cluster = await openCluster()
const stage = await Stage.open(cluster)
try {
  // Compilers settle, connections open.
  await measureCreations(cluster, { pods: 100, atOnce: 5 })
  const sections: string[] = []
  for (const trial of trials) {
    const { sum, count } = await reviews()
    const creations = await measureCreations(cluster, trial)
    const after = await reviews()
    const asked = after.count - count
    const meanMs = ((after.sum - sum) / asked) * 1_000
    sections.push(sectionOf(trial, creations), spent(asked / trial.pods, meanMs))
  }
  await writeFile(results, [head(), ...sections].join('\n'))
} finally {
  await stage.close()
  await cluster.close()
}

/** What the webhooks themselves have measured so far. */
async function reviews(): Promise<{ sum: number; count: number }> {
  const name = (end: string) =>
    stage.metric('webhook', `outrigger_webhook_review_duration_seconds_${end}{path="/inject"}`)
  return { sum: await name('sum'), count: await name('count') }
}

function head(): string {
  const { commit, isDirty, cpu, cores, node, date, load } = facts
  const tree = `${commit}${isDirty ? ' with changes' : ''}`
  return `# What injection adds to the creation of a pod

Made by \`node test/cluster/run.ts test/cluster/injection/latency.ts\`; do not edit. Commit ${tree} · ${cpu}, ${cores} cores · Node ${node} · ${date} · load average before the run ${load.join(', ')}.

etcd, kube-apiserver 1.36, the other components, two webhooks, two controllers and the client share the
cores, so that every figure is above a real cluster's; etcd does not sync its disk. A creation is the
client's request to its answer. Kinds alternate: pods of a namespace that is excluded meet nothing of
ours, others meet the match conditions of webhook and backstop (CEL in the API server), and those that
opted in go to the webhook, twice: once to be injected, and once more since the API server's own
ServiceAccount plugin has then mounted the pod's API token into the sidecar.
`
}

function sectionOf({ pods, atOnce }: Trial, { excluded, plain, injected }: Creations): string {
  const row = (kind: string, times: readonly number[]) => {
    const cells = [0.5, 0.99].map((share) => quantile(times, share).toFixed(1))
    const added = [0.5, 0.99].map((share) =>
      (quantile(times, share) - quantile(excluded, share)).toFixed(1),
    )
    return `| ${[kind, ...cells, ...added].join(' | ')} |`
  }
  return `
## ${pods.toLocaleString('en')} pods of each kind, ${atOnce} at a time

| kind | p50 ms | p99 ms | added p50 ms | added p99 ms |
| --- | --- | --- | --- | --- |
${row('in an excluded namespace', excluded)}
${row('not opted in', plain)}
${row('opted in', injected)}
`
}

function spent(questions: number, meanMs: number): string {
  return `The webhook was asked ${questions.toFixed(2)} times a pod, and took ${meanMs.toFixed(2)} ms each, from the last byte
of a question to the answer.
`
}
