import { criticalNamespaces } from '#deploy/inject/names.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { type Cluster, remembering } from '../cluster/cluster.ts'
import { remedyOf } from '../cluster/remedy.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { CommandFailure, type Exit, exits } from '../terminal/failure.ts'
import { counted, paint, printable, type Tone } from '../terminal/table.ts'
import type { Category, Check, Scene, Verdict } from './finding.ts'
import { checksOfAmbassadors } from './of-ambassadors.ts'
import { checksOfCluster, checksOfNamespace } from './of-cluster.ts'
import { checksOfController } from './of-controller.ts'
import { checksOfPermissions } from './of-permissions.ts'
import { checksOfSidecars } from './of-sidecars.ts'
import { checksOfWebhook } from './of-webhook.ts'

/** Every check, in the order in which they are run and told: what comes first explains the rest. */
export const checks: readonly Check[] = [
  ...checksOfCluster,
  ...checksOfPermissions,
  ...checksOfNamespace,
  ...checksOfWebhook,
  ...checksOfController,
  ...checksOfAmbassadors,
  ...checksOfSidecars,
]

/** A check's verdict. */
export type CheckResult = Verdict & { readonly category: Category; readonly name: string }

/** What all checks of one phase gave; `isCut` where a decisive one failed and ended them. */
export interface CheckReport {
  readonly results: readonly CheckResult[]
  readonly isCut: boolean
  /** Whether it was the cluster's answer that failed, not what it said. */
  readonly isUnanswered: boolean
}

/** Runs the checks of a phase, one after another. Never rejects. */
export async function runChecks(when: 'before' | 'after', scene: Scene): Promise<CheckReport> {
  const remembered = {
    ...scene,
    cluster: { ...scene.cluster, api: remembering(scene.cluster.api) },
  }
  const results: CheckResult[] = []
  for (const check of checks) {
    if (check.when !== when && check.when !== 'always') continue
    const { category, name } = check
    const verdict = await verdictOf(check, remembered)
    results.push({ category, name, ...told(verdict) })
    if (check.isDecisive === true && verdict.verdict === 'fail') {
      return { results, isCut: true, isUnanswered: verdict.isUnanswered === true }
    }
  }
  return { results, isCut: false, isUnanswered: false }
}

type Judged = Verdict & { readonly isUnanswered?: boolean }

function told({ isUnanswered: _own, ...verdict }: Judged): Verdict {
  return verdict
}

async function verdictOf({ run }: Check, scene: Scene): Promise<Judged> {
  try {
    return await run(scene)
  } catch (error) {
    if (error instanceof CommandFailure) {
      return { verdict: 'fail', found: error.message, remedy: error.remedy }
    }
    if (!(error instanceof KubernetesError)) throw error
    // What may not be seen need not be wrong.
    const verdict = error.status === 403 ? 'warn' : 'fail'
    return { verdict, found: error.message, remedy: remedyOf(error), isUnanswered: true }
  }
}

/** `outrigger check`. */
export async function check(call: CommandCall): Promise<Outcome> {
  const cluster = await call.cluster()
  const scene = {
    cluster,
    tryNamespace: tryNamespaceOf(cluster, call.namespace),
    wallMs: call.terminal.clock.wall(),
  }
  const report = await runChecks(call.options.has('pre') ? 'before' : 'after', scene)
  return {
    exit: exitOf(report),
    text: textOf(report, call.terminal.isColoured),
    data: { ...countsOf(report), isCut: report.isCut, checks: report.results },
  }
}

/** One in which injection is not excluded by name. */
function tryNamespaceOf({ namespace, systemNamespace }: Cluster, given: string | undefined) {
  if (given !== undefined) return given
  return [...criticalNamespaces, systemNamespace].includes(namespace) ? 'default' : namespace
}

function exitOf(report: CheckReport): Exit {
  if (report.isUnanswered) return exits.unreachable
  return countsOf(report).failed === 0 ? exits.ok : exits.found
}

function countsOf({ results }: CheckReport) {
  const count = (word: Verdict['verdict']) =>
    results.filter(({ verdict }) => verdict === word).length
  return { passed: count('ok'), warned: count('warn'), failed: count('fail') }
}

const words = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const
const tones: Readonly<Record<Verdict['verdict'], Tone>> = {
  ok: 'good',
  warn: 'warning',
  fail: 'bad',
}

function textOf(report: CheckReport, isColoured: boolean): string {
  const lines: string[] = []
  let category: Category | undefined
  for (const result of report.results) {
    if (result.category !== category) {
      lines.push(`${category === undefined ? '' : '\n'}${result.category}`)
      category = result.category
    }
    const word = paint(words[result.verdict], tones[result.verdict], isColoured)
    lines.push(`  ${word}  ${result.name}: ${printable(result.found)}`)
    if (result.verdict !== 'ok') lines.push(`        ${printable(result.remedy)}`)
  }
  const { passed, warned, failed } = countsOf(report)
  const cut = report.isCut ? 'The rest was not looked at: mend this first.\n' : ''
  const sum = `${counted(passed, 'check')} passed, ${warned} warned, ${failed} failed.`
  return `${lines.join('\n')}\n\n${cut}${sum}\n`
}
